/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See direct.h. */

#include "config.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/fsutil.h"
#include "spoolq/control.h"
#include "spoolq/direct.h"

/* Somebody has the lock but does not listen: a spoold that starts or stops,
 * or another spoolq.  It is waited for. */
#define LOCK_TRIES 200
#define LOCK_PAUSE_MS 50

/* Messages that share a sync: of the directories, then of the journal. */
#define BATCH_MAX 10000

/* ---- the spool ------------------------------------------------------- */

/* The lock is ours: open the journal behind its last event. */
static int
open_journal(struct owned *o, const struct context *ctx)
{
	int result, code = view_open(&o->view, ctx);

	if (code != EX_OK)
		return code;
	result = journal_open(&o->journal, o->sp.dir_fd, o->view.queue.seq);
	if (result == 0)
		return EX_OK;
	view_close(&o->view);
	warnx("cannot open the journal of '%s': %s", ctx->cfg.spool,
	    strerror(-result));
	return exit_code(result);
}

/* EX_OK; -1: somebody else owns it; or a code, and what is wrong was said. */
static int
own_spool(struct owned *o, const struct context *ctx)
{
	char *why = NULL;
	int code = EX_OK, result;

	result = spool_open(&o->sp, ctx->cfg.spool, SPOOL_OWN, &why);
	if (result < 0) {
		warnx("cannot change '%s': %s", ctx->cfg.spool,
		    why != NULL ? why : strerror(-result));
		free(why);
		return exit_code(result);
	}
	result = spool_lock(&o->sp);
	if (result == 0)
		code = open_journal(o, ctx);
	if (result == 0 && code == EX_OK)
		return EX_OK;
	spool_close(&o->sp);
	if (result == 0)
		return code;
	if (result == -EWOULDBLOCK)
		return -1;
	warnx("cannot lock '%s': %s", ctx->cfg.spool, strerror(-result));
	return exit_code(result);
}

bool
direct_is_owner(const struct context *ctx)
{
	struct stat st;

	return !ctx->is_foreign && fstat(ctx->sp.dir_fd, &st) == 0 &&
	    st.st_uid == geteuid();
}

int
direct_refuse(const struct context *ctx, const char *verb)
{
	warnx("only root and the owner of '%s' may %s; "
	      "you may drop what you have sent",
	    ctx->cfg.spool, verb);
	return EX_NOPERM;
}

/* The same of a user who has to leave it to spoold. */
static int
miss_spoold(void)
{
	warnx("spoold is not running: only it can do that for you");
	return EX_UNAVAILABLE;
}

int
direct_open(struct owned *o, const struct context *ctx, int *ret_fd)
{
	int fd, result, code;

	*o = (struct owned){ .now_us = ctx->now_us };
	for (int tries = 0; tries < LOCK_TRIES; tries++) {
		result = control_connect(&ctx->sp, &fd);
		if (result == 0) {
			*ret_fd = fd;
			return EX_OK;
		}
		if (result != -ENOENT && result != -ECONNREFUSED) {
			warnx("cannot ask spoold: %s", strerror(-result));
			return result == -ETIMEDOUT ? EX_UNAVAILABLE
						    : exit_code(result);
		}
		if (!direct_is_owner(ctx))
			return miss_spoold();
		*ret_fd = -1;
		code = own_spool(o, ctx);
		if (code >= 0)
			return code;
		(void)poll(NULL, 0, LOCK_PAUSE_MS);
	}
	warnx("spoold holds the lock but does not answer");
	return EX_UNAVAILABLE;
}

int
direct_check(const struct context *ctx)
{
	struct owned unused;
	int fd, code;

	if (direct_is_owner(ctx))
		return EX_OK;
	code = direct_open(&unused, ctx, &fd);
	if (code == EX_OK)
		(void)close(fd);
	return code;
}

int
direct_close(struct owned *o)
{
	int result = journal_sync(o->journal.fd);

	if (result < 0)
		warnx("cannot sync the journal: %s", strerror(-result));
	journal_close(&o->journal);
	view_close(&o->view);
	spool_close(&o->sp);
	return result == 0 ? EX_OK : exit_code(result);
}

/* ---- the journal ----------------------------------------------------- */

static struct event
event_of(const struct owned *o, enum event_kind kind, const char *relay)
{
	return (struct event){
		.time_us = o->now_us,
		.kind = kind,
		.index = -1,
		.attempts = -1,
		.delay_us = -1,
		.relay = relay,
		.note = DIRECT_NOTE,
	};
}

int
direct_record(
    struct owned *o, enum event_kind kind, const char *relay, const char *by)
{
	struct event ev = event_of(o, kind, relay);

	ev.note = by;
	return journal_append(&o->journal, &ev);
}

/* ---- messages -------------------------------------------------------- */

struct step {
	char id[SPOOL_ID_SIZE];
	enum spool_state state; /* before; if it is there */
	bool is_there;
	bool is_event;   /* there is something to journal */
	const char *why; /* it is not done, for people; or NULL */
	int result;      /* the same, -errno; or 0 */
};

struct batch {
	struct step steps[BATCH_MAX];
	size_t n;
	bool dirty[SPOOL_STATES];
};

/* The step of B for the message that the file NAME is claimed for, or NULL. */
static const struct step *
step_of_claim(const struct batch *b, const char *name)
{
	const char *id = name + strlen(SPOOL_CLAIM_PREFIX);
	size_t len;

	if (strncmp(name, SPOOL_CLAIM_PREFIX, strlen(SPOOL_CLAIM_PREFIX)) != 0)
		return NULL;
	len = strcspn(id, ".");
	for (size_t i = 0; len > 0 && i < b->n; i++)
		if (strncmp(b->steps[i].id, id, len) == 0 &&
		    b->steps[i].id[len] == '\0')
			return &b->steps[i];
	return NULL;
}

/* Whether message ID in STATE was made of a raw one; else a file that is
 * claimed for that id is something else. */
static bool
is_raw(const struct spool *sp, const char *id, enum spool_state state)
{
	struct qfile qf;
	const char *why;
	bool is_it;

	if (qfile_open(&qf, sp, state, id, &why) < 0)
		return false;
	is_it = qf.env.raw != NULL;
	qfile_close(&qf);
	return is_it;
}

struct claims {
	const struct owned *o;
	const struct change *ch;
	struct batch *b;
	bool is_dirty;
};

/* A spool_list_fn. */
static int
drop_claim(const char *name, void *arg)
{
	struct claims *c = arg;
	const struct spool *sp = &c->o->sp;
	const struct step *step = step_of_claim(c->b, name);
	enum spool_state state;

	if (step == NULL || !spool_find(sp, step->id, &state) ||
	    c->ch->refusals[state] != NULL || !is_raw(sp, step->id, state))
		return 0;
	if (unlinkat(sp->dir_fd, name, 0) < 0 && errno != ENOENT)
		return -errno;
	c->is_dirty = true;
	return 0;
}

/*
 * Files that messages were made of and that are still there, for spoold ended
 * before it could remove them, go before those messages do: else spoold would
 * make the same messages of them again.
 */
static int
drop_claims(const struct owned *o, const struct change *ch, struct batch *b)
{
	struct claims claims = { .o = o, .ch = ch, .b = b };
	int result;

	if (ch->to != CHANGE_REMOVES)
		return 0;
	result = spool_list_top(&o->sp, drop_claim, &claims);
	if (result == 0 && claims.is_dirty)
		result = fs_sync(o->sp.dir_fd);
	return result;
}

/* 0, or -EBADMSG for what is no message, or a torn one: that is spoold's to set
 * aside, and never removed.  What cannot be opened need not be one. */
static int
check_file(const struct spool *sp, const struct step *step)
{
	const char *why;
	struct qfile qf;
	int result = qfile_open(&qf, sp, step->state, step->id, &why);

	if (result == 0)
		qfile_close(&qf);
	return result == -EBADMSG ? result : 0;
}

static void
do_step(struct owned *o, const struct change *ch, struct batch *b,
    struct step *step)
{
	enum spool_state state;

	step->is_there = spool_find(&o->sp, step->id, &step->state);
	if (!step->is_there)
		return;
	state = step->state;
	step->why = ch->refusals[state];
	if (step->why == NULL)
		step->result = check_file(&o->sp, step);
	if (step->why != NULL || step->result < 0 || (int)state == ch->to)
		return;
	if (ch->to == CHANGE_REMOVES)
		step->result = spool_remove(&o->sp, step->id, state);
	else if (ch->to != CHANGE_STAYS)
		step->result = spool_rename(
		    &o->sp, step->id, state, (enum spool_state)ch->to);
	step->is_event = step->result == 0;
	if (ch->to == CHANGE_STAYS)
		return;
	b->dirty[state] = true;
	if (ch->to >= 0)
		b->dirty[ch->to] = true;
}

/* Nothing was done, because of RESULT. */
static void
keep_step(const struct owned *o, struct step *step, int result)
{
	step->is_there = spool_find(&o->sp, step->id, &step->state);
	step->result = result;
}

/*
 * Journal that ID is in STATE, as spoold would when it sees it: for a message
 * that it has not seen yet.  Of another one it changes nothing.
 */
static int
introduce(struct owned *o, const char *id, enum spool_state state)
{
	const char *why;
	struct qfile qf;
	struct event ev;
	int result = qfile_open(&qf, &o->sp, state, id, &why);

	if (result < 0)
		return result;
	result = event_of_qfile(&ev, id, &qf);
	if (result == 0) {
		ev.time_us = o->now_us;
		result = journal_put(&o->journal, &ev);
		event_release(&ev);
	}
	qfile_close(&qf);
	return result;
}

static int
put_events(struct owned *o, const struct change *ch, struct batch *b)
{
	struct event ev = event_of(o, ch->kind, ch->relay);
	int result = 0;

	for (size_t i = 0; i < b->n && result == 0; i++) {
		struct step *step = &b->steps[i];

		if (step->is_event && ch->is_for_known)
			step->result = introduce(o, step->id, step->state);
		/* A torn file is no trouble of the others. */
		step->is_event = step->is_event && step->result == 0;
		if (!step->is_event)
			continue;
		(void)strcpy(ev.id, step->id);
		result = journal_put(&o->journal, &ev);
	}
	return result == 0 ? journal_flush(&o->journal) : result;
}

static void
report(struct change_result *r, const struct step *step)
{
	if (!step->is_there)
		change_failed(r, step->id, "no such message", EX_NOINPUT);
	else if (step->why != NULL)
		change_failed(r, step->id, step->why, EX_TEMPFAIL);
	else if (step->result < 0)
		change_failed(r, step->id,
		    step->result == -EBADMSG ? "is damaged"
					     : strerror(-step->result),
		    exit_code(step->result));
	else
		change_did(r, step->id, r->ch->done);
}

static void
do_batch(struct owned *o, struct change_result *r, struct batch *b)
{
	int result = drop_claims(o, r->ch, b);

	for (size_t i = 0; i < b->n; i++) {
		if (result == 0)
			do_step(o, r->ch, b, &b->steps[i]);
		else
			keep_step(o, &b->steps[i], result);
	}
	if (result == 0)
		/* Before their events: else a power cut brings back a file
		 * that the journal says is gone. */
		result = spool_sync_states(&o->sp, b->dirty);
	if (result == 0)
		result = put_events(o, r->ch, b);
	for (size_t i = 0; i < b->n; i++) {
		if (result < 0 && b->steps[i].is_event)
			b->steps[i].result = result;
		report(r, &b->steps[i]);
	}
}

void
direct_change(
    struct owned *o, struct change_result *r, const uint64_t packed[], size_t n)
{
	struct batch *b = malloc(sizeof(*b));

	if (b == NULL) {
		change_failed(r, "*", "out of memory", EX_TEMPFAIL);
		return;
	}
	while (n > 0) {
		memset(b, 0, sizeof(*b));
		b->n = n < BATCH_MAX ? n : BATCH_MAX;
		for (size_t i = 0; i < b->n; i++)
			id_unpack(packed[i], b->steps[i].id);
		do_batch(o, r, b);
		packed += b->n;
		n -= b->n;
	}
	free(b);
}
