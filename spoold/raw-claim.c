/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* Raw messages that are claimed, and what becomes of them: spoold/raw.h. */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/fsutil.h"
#include "lib/log.h"
#include "spoold/spoold.h"

static int
compare_id(const struct raw_claim *a, const struct raw_claim *b)
{
	return strcmp(a->id, b->id);
}

RB_GENERATE_INTERNAL(
    raw_claims, raw_claim, by_id, compare_id, __attribute__((unused)) static)

static struct raw_claim *
find_claim(const struct raw *r, const char *id)
{
	struct raw_claim key = { .name = NULL };

	if (strlen(id) >= sizeof(key.id))
		return NULL;
	(void)strcpy(key.id, id);
	/* Nothing is changed by it. */
	return RB_FIND(
	    raw_claims, (struct raw_claims *)(uintptr_t)&r->claims, &key);
}

static void
free_claim(struct raw_claim *c)
{
	free(c->name);
	free(c->why);
	free(c->told);
	free(c);
}

static void
drop_claim(struct raw *r, struct raw_claim *c)
{
	(void)RB_REMOVE(raw_claims, &r->claims, c);
	r->nclaims--;
	free_claim(c);
}

static void
make_ready(struct raw *r, struct raw_claim *c)
{
	if (c->is_ready || c->is_busy)
		return;
	c->is_ready = true;
	STAILQ_INSERT_TAIL(&r->ready, c, ready);
}

/* Give C, called FROM now, an id that nobody has, and its name.  0 or -errno.
 */
static int
rename_claim(struct spoold *d, struct raw_claim *c, const char *from)
{
	struct raw *r = d->raw;
	int64_t now_us = spoold_now(d);
	char path[sizeof(c->path)];
	int err;

	if (r->id_us < now_us)
		r->id_us = now_us;
	do
		draft_free_id(&d->sp, &r->id_us, c->id);
	while (find_claim(r, c->id) != NULL);
	/* Of a very long name, what fits. */
	if (snprintf(path, sizeof(path), RAW_CLAIM_PREFIX "%s.%s", c->id,
		c->name) < 0)
		return -EINVAL;
	err = fs_rename_noreplace(d->sp.dir_fd, from, d->sp.dir_fd, path);
	if (err == 0)
		(void)strcpy(c->path, path);
	return err;
}

static void
put_claim(struct raw *r, struct raw_claim *c)
{
	(void)RB_INSERT(raw_claims, &r->claims, c);
	r->nclaims++;
	make_ready(r, c);
}

int
raw_claim(struct spoold *d, const char *name)
{
	struct raw *r = d->raw;
	struct raw_claim *c;
	int err = -ENOMEM;

	if (r->nclaims >= RAW_CLAIMS_MAX)
		return -EAGAIN;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return -ENOMEM;
	c->name = strdup(name);
	if (c->name != NULL)
		err = rename_claim(d, c, name);
	if (err == 0)
		put_claim(r, c);
	else
		free_claim(c);
	return err;
}

/* ---- converting ------------------------------------------------------ */

static void
admit(struct spoold *d, struct raw_claim *c)
{
	char id[SPOOL_ID_SIZE];

	(void)strcpy(id, c->id);
	log_msg(LOG_INFO, "took '%s' out of the spool: id=%s", c->name, id);
	drop_claim(d->raw, c);
	/* The next spoold finds it in queue/. */
	if (!d->stopping)
		scan_look(d, id);
}

static void
refuse(struct spoold *d, struct raw_claim *c)
{
	struct event ev = event_of(EVENT_DAMAGED, NULL);
	char *note = NULL;

	log_msg(LOG_ERR, "moved '%s' of the spool to failed/: %s", c->name,
	    c->why == NULL ? "out of memory" : c->why);
	if (asprintf(&note, "%s: %s", c->name,
		c->why == NULL ? "out of memory" : c->why) < 0)
		note = NULL;
	ev.note = note;
	record(d, &ev);
	free(note);
	drop_claim(d->raw, c);
}

/* C stays as it is for now; say why, once. */
static void
keep(struct raw_claim *c)
{
	const char *why = c->why == NULL ? "out of memory" : c->why;

	if (c->told == NULL || strcmp(c->told, why) != 0)
		log_msg(LOG_ERR, "cannot take '%s' in the spool (id=%s): %s",
		    c->name, c->id, why);
	free(c->told);
	c->told = c->why;
	c->why = NULL;
}

/* Somebody has got the id of C meanwhile. */
static void
choose_again(struct spoold *d, struct raw_claim *c)
{
	struct raw *r = d->raw;
	char from[sizeof(c->path)], id[SPOOL_ID_SIZE];
	int err;

	(void)strcpy(from, c->path);
	(void)strcpy(id, c->id);
	(void)RB_REMOVE(raw_claims, &r->claims, c);
	r->nclaims--;
	err = rename_claim(d, c, from);
	if (err < 0) {
		/* It is found by the next start at the latest. */
		log_msg(LOG_ERR, "cannot rename '%s' in the spool: %s", from,
		    strerror(-err));
		free_claim(c);
	} else {
		put_claim(r, c);
	}
	/* It was not looked at as long as it seemed to be ours. */
	if (!d->stopping)
		scan_look(d, id);
}

/* Its file has gone, and nothing was made of it: there is none any more. */
static void
lose(struct spoold *d, struct raw_claim *c)
{
	char id[SPOOL_ID_SIZE];

	log_msg(LOG_WARNING,
	    "'%s' of the spool (id=%s) was removed before it was taken",
	    c->name, c->id);
	(void)strcpy(id, c->id);
	drop_claim(d->raw, c);
	/* It was not looked at as long as it seemed to be ours. */
	if (!d->stopping)
		scan_look(d, id);
}

static void
settle(struct spoold *d, struct raw_claim *c)
{
	c->is_busy = false;
	c->is_open = c->result == RAW_OPEN;
	switch (c->result) {
	case RAW_ADMITTED:
		admit(d, c);
		break;
	case RAW_REFUSED:
		refuse(d, c);
		break;
	case RAW_OPEN:
		raw_look_soon(d);
		break;
	case RAW_TAKEN:
		choose_again(d, c);
		break;
	case RAW_LOST:
		lose(d, c);
		break;
	case RAW_TROUBLE:
		keep(c);
		break;
	}
}

static void
done(uv_work_t *work, int status)
{
	struct raw_job *job = work->data;
	struct spoold *d = job->d;
	unsigned n = job->n;

	(void)status;
	job->n = 0;
	identity_release(&job->identity);
	record_gather(d);
	for (unsigned i = 0; i < n; i++)
		settle(d, job->claims[i]);
	if (d->raw->more && STAILQ_EMPTY(&d->raw->ready) && !d->stopping)
		raw_scan(d);
	raw_push(d);
	if (!d->stopping)
		dispatch(d);
	spoold_check_done(d);
}

static void
fill(struct raw *r, struct raw_job *job)
{
	struct raw_claim *c;

	while (job->n < RAW_BATCH && (c = STAILQ_FIRST(&r->ready)) != NULL) {
		STAILQ_REMOVE_HEAD(&r->ready, ready);
		c->is_ready = false;
		c->is_busy = true;
		job->claims[job->n++] = c;
	}
}

void
raw_push(struct spoold *d)
{
	struct raw *r = d->raw;

	for (int i = 0; i < RAW_WORKERS && !d->stopping; i++) {
		struct raw_job *job = &r->jobs[i];

		if (job->n > 0 || STAILQ_EMPTY(&r->ready))
			continue;
		/* Out of memory: the next scan comes here again. */
		if (identity_init(&job->identity, d->cfg) < 0)
			return;
		job->size_max = d->cfg->message_size_max;
		job->recipients_max = d->cfg->recipients_max;
		job->now_us = spoold_now(d);
		fill(r, job);
		if (uv_queue_work(&d->loop, &job->work, raw_convert, done) == 0)
			continue;
		raw_convert(&job->work);
		done(&job->work, 0);
	}
}

bool
raw_retry(struct spoold *d, bool all)
{
	struct raw_claim *c;
	bool waits = false;

	RB_FOREACH (c, raw_claims, &d->raw->claims) {
		if (all || c->is_open)
			make_ready(d->raw, c);
		waits = waits || c->is_open;
	}
	raw_push(d);
	return waits;
}

/* ---- as a whole ------------------------------------------------------ */

/* A spool_list_fn: what an earlier spoold has claimed. */
static int
find_claimed(const char *path, void *arg)
{
	const char *rest = path + strlen(RAW_CLAIM_PREFIX);
	struct spoold *d = arg;
	struct raw_claim *c;
	size_t len;

	if (strncmp(path, RAW_CLAIM_PREFIX, strlen(RAW_CLAIM_PREFIX)) != 0)
		return 0;
	len = strcspn(rest, ".");
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return -ENOMEM;
	if (len < sizeof(c->id))
		memcpy(c->id, rest, len);
	if (rest[len] != '.' || !spool_is_id(c->id) ||
	    find_claim(d->raw, c->id) != NULL) {
		free(c);
		return 0;
	}
	(void)snprintf(c->path, sizeof(c->path), "%s", path);
	c->name = strdup(rest + len + 1);
	if (c->name == NULL) {
		free(c);
		return -ENOMEM;
	}
	put_claim(d->raw, c);
	return 0;
}

bool
raw_owns(const struct spoold *d, const char *id)
{
	return find_claim(d->raw, id) != NULL;
}

bool
raw_is_busy(const struct spoold *d)
{
	for (int i = 0; d->raw != NULL && i < RAW_WORKERS; i++)
		if (d->raw->jobs[i].n > 0)
			return true;
	return false;
}

int
raw_find_claimed(struct spoold *d)
{
	return spool_list_top(&d->sp, find_claimed, d);
}

bool
raw_claims_are_idle(const struct spoold *d, bool awaited)
{
	struct raw *r = d->raw;
	struct raw_claim *c;

	if (raw_is_busy(d) || !STAILQ_EMPTY(&r->ready) || r->more)
		return false;
	RB_FOREACH (c, raw_claims, &r->claims)
		if (awaited && c->is_open)
			return false;
	return true;
}

void
raw_forget_claims(struct raw *r)
{
	struct raw_claim *c, *next;

	RB_FOREACH_SAFE(c, raw_claims, &r->claims, next)
	drop_claim(r, c);
}
