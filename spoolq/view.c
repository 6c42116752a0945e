/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See view.h. */

#include "config.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/text.h"
#include "spoolq/output.h"
#include "spoolq/view.h"

struct listing {
	struct view *view;
	const struct context *ctx;
	enum spool_state state;
};

/* Add the message that QF holds, as spoold will when it admits it. */
static int
add_file(struct view *v, const char *id, const struct qfile *qf)
{
	struct event ev;
	int result = event_of_qfile(&ev, id, qf);

	if (result < 0)
		return result;
	ev.seq = v->queue.seq;
	ev.time_us = v->queue.last_us;
	result = queue_apply(&v->queue, &ev);
	event_release(&ev);
	return result;
}

/* A file that the status does not know (yet). */
static int
read_unknown(struct listing *l, const char *id)
{
	const char *why = NULL;
	struct qfile qf;
	int result;

	result = qfile_open(&qf, &l->ctx->sp, l->state, id, &why);
	if (result == -ENOENT)
		return 0; /* gone meanwhile */
	if (result == -ENOMEM)
		return result;
	if (result < 0) {
		warnx("%s/%s: %s", spool_state_name(l->state), id,
		    why != NULL ? why : strerror(-result));
		return 0;
	}
	result = add_file(l->view, id, &qf);
	qfile_close(&qf);
	return result;
}

static bool
ends_with(const char *name, const char *end)
{
	size_t len = strlen(name), end_len = strlen(end);

	return len >= end_len && strcmp(name + len - end_len, end) == 0;
}

static int
see_entry(const char *name, void *arg)
{
	struct listing *l = arg;
	struct message *m;
	int result = 0;

	if (!spool_is_id(name)) {
		l->view->damaged += ends_with(name, ".damaged");
		return 0;
	}
	m = queue_find(&l->view->queue, name);
	if (m == NULL) {
		result = read_unknown(l, name);
		m = queue_find(&l->view->queue, name);
	}
	if (m != NULL) {
		m->found = true;
		m->state = l->state;
	}
	return result;
}

/*
 * Look again for what the status knows and the listing did not show: it may
 * have moved from a directory not yet listed to one that already was.
 */
static void
look_again(struct view *v, const struct context *ctx)
{
	struct message *m;

	for (m = queue_first(&v->queue); m != NULL;
	     m = queue_next(&v->queue, m)) {
		for (int s = 0; s < SPOOL_STATES && !m->found; s++) {
			m->found = faccessat(ctx->sp.state_fd[s], m->id, F_OK,
				       AT_SYMLINK_NOFOLLOW) == 0;
			if (m->found)
				m->state = (enum spool_state)s;
		}
		/* The attempts of a spoold that died ended with it. */
		if (v->spoold == CONTROL_NONE)
			m->in_flight = false;
	}
}

static int
see_files(struct view *v, const struct context *ctx)
{
	struct listing l = { .view = v, .ctx = ctx };

	for (int s = 0; s < SPOOL_STATES; s++) {
		int result;

		l.state = (enum spool_state)s;
		result = spool_list(&ctx->sp, l.state, see_entry, &l);
		if (result < 0)
			return result;
	}
	look_again(v, ctx);
	return 0;
}

int
view_load(struct view *v, const struct context *ctx)
{
	int result;

	*v = (struct view){ .damaged = 0 };
	queue_init(&v->queue);
	result =
	    status_load(ctx->sp.dir_fd, STATUS_NAME, &v->queue, &v->daemon);
	if (result == -EBADMSG)
		warnx("the status is damaged; "
		      "what happened to messages so far may be missing");
	else if (result < 0 && result != -ENOENT) {
		warnx("cannot read the status of '%s': %s", ctx->cfg.spool,
		    strerror(-result));
		goto fail;
	}
	v->spoold = control_look(&ctx->sp, v->daemon.pid);
	result = see_files(v, ctx);
	if (result < 0) {
		warnx(
		    "cannot list '%s': %s", ctx->cfg.spool, strerror(-result));
		goto fail;
	}
	return 0;
fail:
	view_release(v);
	return exit_code(result);
}

void
view_release(struct view *v)
{
	queue_release(&v->queue);
	status_daemon_release(&v->daemon);
}

/* Where M's first pending recipient goes; NULL: not known. */
static const struct relay_state *
relay_of(const struct message *m)
{
	for (unsigned i = 0; i < m->nrcpts; i++)
		if (m->rcpts[i].state == RCPT_PENDING)
			return m->rcpts[i].part->relay;
	return m->first.relay;
}

const char *
view_relay_fault(const struct view *v, const struct message *m)
{
	const struct relay_state *relay = relay_of(m);

	/* Not tried yet, and there is but one way. */
	if (relay == NULL && !SLIST_EMPTY(&v->queue.relays) &&
	    SLIST_NEXT(SLIST_FIRST(&v->queue.relays), link) == NULL)
		relay = SLIST_FIRST(&v->queue.relays);
	if (relay == NULL || !relay->down)
		return NULL;
	return relay->reason != NULL ? relay->reason : "no answer";
}

static void
warn_relay(
    const struct view *v, const struct relay_state *relay, int64_t now_us)
{
	char since[OUTPUT_WORD], next[OUTPUT_WORD];
	const char *fault = relay->reason != NULL ? relay->reason : "no answer";
	char *reason = text_clean(span_of(fault), 200);

	output_span(now_us - relay->since_us, since);
	output_span(relay->next_us - now_us, next);
	if (v->spoold == CONTROL_NONE)
		warnx("when spoold last ran, the relay %s was in trouble: %s",
		    relay->name, reason != NULL ? reason : "out of memory");
	else
		warnx("the relay %s has been in trouble for %s, "
		      "tried again in %s: %s",
		    relay->name, since, next,
		    reason != NULL ? reason : "out of memory");
	free(reason);
}

void
view_warn_waiting(const struct view *v, const struct context *ctx)
{
	const struct relay_state *relay;
	/* A relay given on spoold's command line is in its status only. */
	bool has_relay = v->daemon.relay != NULL ||
	    (v->spoold != CONTROL_SERVED && ctx->cfg.nrelays > 0);

	if (v->spoold == CONTROL_NONE)
		warnx("spoold is not running");
	else if (v->spoold == CONTROL_SILENT)
		warnx("spoold does not answer");
	if (!has_relay)
		warnx("no relay is configured");
	SLIST_FOREACH (relay, &v->queue.relays, link)
		if (relay->down)
			warn_relay(v, relay, ctx->now_us);
}

void
view_warn(const struct view *v, const struct context *ctx)
{
	view_warn_waiting(v, ctx);
	if (v->damaged > 0)
		warnx("failed/ has %zu damaged file%s, set aside; "
		      "the .why beside each says why",
		    v->damaged, v->damaged == 1 ? "" : "s");
}

static struct message *
skip_gone(struct view *v, struct message *m)
{
	while (m != NULL && !m->found)
		m = queue_next(&v->queue, m);
	return m;
}

struct message *
view_first(struct view *v)
{
	return skip_gone(v, queue_first(&v->queue));
}

struct message *
view_next(struct view *v, struct message *m)
{
	return skip_gone(v, queue_next(&v->queue, m));
}

struct message *
view_find(struct view *v, const char *id)
{
	struct message *m = queue_find(&v->queue, id);

	return m != NULL && m->found ? m : NULL;
}
