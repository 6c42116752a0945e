/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* One report as a task: what it needs is copied, and a worker thread makes it.
 */

#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/date.h"
#include "spoold/report-task.h"
#include "spoold/retry.h"

void
task_free(struct task *t)
{
	for (size_t i = 0; t->rcpts != NULL && i < t->nrcpts; i++) {
		free((void *)(uintptr_t)t->rcpts[i].reply);
		free((void *)(uintptr_t)t->rcpts[i].server);
		free((void *)(uintptr_t)t->rcpts[i].note);
	}
	free(t->rcpts);
	free(t->to);
	free(t->host);
	free(t->origin);
	free(t);
}

static char *
copy(const char *s)
{
	return s == NULL ? NULL : strdup(s);
}

/* Whether T is about R, a recipient of M; P: whose part counts. */
static bool
concerns(enum report_kind kind, const struct part *p, const struct qrcpt *r)
{
	switch (kind) {
	case REPORT_FAILED:
		return r->state == RCPT_FAILED;
	case REPORT_DELAYED:
		return r->state == RCPT_PENDING;
	default:
		return r->part == p && r->state == RCPT_DELIVERED &&
		    r->last_us >= p->attempt_us;
	}
}

static bool
add_rcpts(struct task *t, const struct message *m, const struct part *p)
{
	t->rcpts = calloc(m->nrcpts, sizeof(*t->rcpts));
	if (t->rcpts == NULL)
		return false;
	for (unsigned i = 0; i < m->nrcpts; i++) {
		const struct qrcpt *r = &m->rcpts[i];

		if (concerns(t->kind, p, r))
			t->rcpts[t->nrcpts++] = (struct report_rcpt){
				.index = i,
				.reply = relay_reply(r),
				.server = copy(r->server),
				.note = copy(r->note),
				.last_us = r->last_us,
			};
	}
	return t->nrcpts > 0;
}

static char *
host_name(const struct spoold *d)
{
	char name[HOST_NAME_MAX + 1] = "";

	if (gethostname(name, sizeof(name)) < 0 || name[0] == '\0')
		return config_origin(d->cfg);
	name[HOST_NAME_MAX] = '\0';
	return strdup(name);
}

/*
 * Until when M is tried: to its own end, or its lifetime's, or for as long as
 * the attempts of who had the most of them last, without jitter.
 */
static int64_t
tried_until(const struct spoold *d, const struct message *m, int64_t now_us)
{
	int64_t end_us =
	    queue_since_us(m) + (int64_t)d->cfg->lifetime_s * 1000000;
	unsigned tries = 0;

	for (unsigned i = 0; i < m->nrcpts; i++)
		if (m->rcpts[i].attempts > tries)
			tries = m->rcpts[i].attempts;
	while (now_us < end_us && ++tries < d->cfg->attempts)
		now_us += retry_wait_us(&d->cfg->retry, tries);
	if (now_us < end_us)
		end_us = now_us;
	return queue_expires_us(m) > 0 && queue_expires_us(m) < end_us ? queue_expires_us(m)
							   : end_us;
}

struct task *
task_new(struct spoold *d, enum report_kind kind, const struct message *m,
    const struct part *p, const char *to)
{
	struct task *t = calloc(1, sizeof(*t));
	int64_t now_us = spoold_now(d);

	if (t == NULL)
		return NULL;
	t->d = d;
	t->kind = kind;
	(void)strcpy(t->id, m->id);
	t->to = strdup(to);
	t->is_double = m->sender[0] == '\0';
	t->host = host_name(d);
	t->origin = config_origin(d->cfg);
	t->original_max = d->cfg->bounce_size_max;
	/* For people, by the clock that they have. */
	t->now_us = date_now_us();
	t->until_us = tried_until(d, m, now_us) + t->now_us - now_us;
	if (t->to != NULL && t->host != NULL && t->origin != NULL &&
	    add_rcpts(t, m, p))
		return t;
	task_free(t);
	return NULL;
}

/* ---- the worker ------------------------------------------------------ */

/* Whether who submitted R wants to know of KIND (RFC 3461, 4.1). */
static bool
is_wanted(const struct recipient *r, enum report_kind kind)
{
	switch (kind) {
	case REPORT_FAILED:
		return r->notify == 0 || (r->notify & NOTIFY_FAILURE) != 0;
	case REPORT_DELAYED:
		return r->notify == 0 || (r->notify & NOTIFY_DELAY) != 0;
	default:
		return (r->notify & NOTIFY_SUCCESS) != 0;
	}
}

/* Put those who want to be told of first; how many they are. */
static size_t
sort_wanted(struct task *t, const struct qfile *qf)
{
	size_t n = 0;

	for (size_t i = 0; i < t->nrcpts; i++) {
		struct report_rcpt r = t->rcpts[i];

		if (r.index >= qf->env.nrcpts ||
		    !is_wanted(&qf->env.rcpts[r.index], t->kind))
			continue;
		t->rcpts[i] = t->rcpts[n];
		t->rcpts[n++] = r;
	}
	return n;
}

void
task_work(uv_work_t *request)
{
	struct task *t = request->data;
	struct report rp = {
		.kind = t->kind,
		.id = t->id,
		.rcpts = t->rcpts,
		.host = t->host,
		.origin = t->origin,
		.to = t->to,
		.is_double = t->is_double,
		.now_us = t->now_us,
		.until_us = t->until_us,
		.original_max = t->original_max,
	};
	struct qfile qf;
	const char *why;

	t->err = qfile_open(&qf, &t->d->sp, SPOOL_QUEUE, t->id, &why);
	if (t->err < 0)
		return;
	rp.original = &qf;
	rp.nrcpts = sort_wanted(t, &qf);
	t->nunwanted = t->nrcpts - rp.nrcpts;
	if (rp.nrcpts > 0)
		t->err = report_submit(&t->d->sp, &rp, t->report_id);
	qfile_close(&qf);
}
