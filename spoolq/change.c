/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See change.h. */

#include "config.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/status.h"
#include "lib/text.h"
#include "spoolq/change.h"
#include "spoolq/control.h"

/* Somebody has the lock but does not listen: a spoold that starts or stops,
 * or another spoolq.  It is waited for. */
#define LOCK_TRIES 200
#define LOCK_PAUSE_MS 50

struct asked {
	const struct context *ctx;
	int code; /* of the first failure */
};

static void
note_failure(int *code, int new_code)
{
	if (*code == EX_OK)
		*code = new_code;
}

static bool
find_state(const struct spool *sp, const char *id, enum spool_state *ret)
{
	for (int s = 0; s < SPOOL_STATES; s++) {
		if (faccessat(sp->state_fd[s], id, F_OK, AT_SYMLINK_NOFOLLOW) ==
		    0) {
			*ret = (enum spool_state)s;
			return true;
		}
	}
	return false;
}

static void
print_clean(FILE *out, const char *id, const char *text)
{
	if (strcmp(id, "*") != 0)
		(void)fprintf(out, "%s ", id);
	text_put_clean(out, span_of(text), 1000);
	(void)fputc('\n', out);
}

/* ---- with spoold ----------------------------------------------------- */

static void
take_answer(bool is_ok, const char *id, const char *text, void *arg)
{
	struct asked *asked = arg;
	enum spool_state state;
	bool is_gone;

	if (strcmp(id, "*") != 0 && !spool_is_id(id))
		id = "?";
	if (is_ok) {
		print_clean(stdout, id, text);
		return;
	}
	is_gone = spool_is_id(id) && !find_state(&asked->ctx->sp, id, &state);
	if (is_gone && filter_is_set(&asked->ctx->filter))
		return;
	(void)fputs("spoolq: ", stderr);
	print_clean(stderr, id, text);
	if (strcmp(text, "not permitted") == 0)
		note_failure(&asked->code, EX_NOPERM);
	else
		note_failure(&asked->code, is_gone ? EX_NOINPUT : EX_TEMPFAIL);
}

/* Ask on FD, then on further connections for more ids than one takes. */
static int
ask_spoold(const struct context *ctx, int fd, const char *verb,
    char *const ids[], size_t n)
{
	struct asked asked = { .ctx = ctx, .code = EX_OK };
	size_t done = 0;
	int result = 0;

	do {
		size_t some =
		    n - done < CONTROL_IDS_MAX ? n - done : CONTROL_IDS_MAX;

		if (fd < 0)
			result = control_connect(&ctx->sp, &fd);
		if (result == 0)
			result = control_ask(
			    fd, verb, ids + done, some, take_answer, &asked);
		if (fd >= 0)
			(void)close(fd);
		fd = -1;
		done += some;
	} while (result == 0 && done < n);
	if (result == 0)
		return asked.code;
	warnx("spoold did not answer: %s", strerror(-result));
	return EX_UNAVAILABLE;
}

/* ---- without --------------------------------------------------------- */

static int
open_journal(struct owned *o)
{
	struct status_daemon daemon = { .pid = 0 };
	struct queue q;
	int result;

	/* Only for the number of the last event. */
	queue_init(&q);
	result = status_load(o->sp.dir_fd, STATUS_NAME, &q, &daemon);
	if (result == 0 || result == -ENOENT || result == -EBADMSG)
		result = journal_open(&o->journal, o->sp.dir_fd, q.seq);
	queue_release(&q);
	status_daemon_release(&daemon);
	return result;
}

/* -EWOULDBLOCK: somebody else owns it.  Says what else is wrong. */
static int
own_spool(struct owned *o, const struct context *ctx)
{
	char *why = NULL;
	int result;

	result = spool_open(&o->sp, ctx->cfg.spool, SPOOL_OWN, &why);
	if (result < 0) {
		warnx("cannot change '%s': %s", ctx->cfg.spool,
		    why != NULL ? why : strerror(-result));
		free(why);
		return result;
	}
	result = spool_lock(&o->sp);
	if (result == 0)
		result = open_journal(o);
	if (result == 0)
		return 0;
	if (result != -EWOULDBLOCK)
		warnx("cannot change '%s': %s", ctx->cfg.spool,
		    strerror(-result));
	spool_close(&o->sp);
	return result;
}

int
change_record(struct owned *o, enum event_kind kind, const char *id)
{
	struct event ev = {
		.time_us = o->now_us,
		.kind = kind,
		.index = -1,
		.delay_us = -1,
		.note = "by spoolq, without spoold",
	};

	(void)strcpy(ev.id, id);
	return journal_append(&o->journal, &ev);
}

static int
change_one(struct owned *o, change_fn *fn, const char *id)
{
	const char *done = NULL;
	enum spool_state state;
	int result;

	if (!find_state(&o->sp, id, &state)) {
		warnx("%s: no such message", id);
		return EX_NOINPUT;
	}
	result = fn(o, id, state, &done);
	if (result == 0) {
		print_clean(stdout, id, done);
		return EX_OK;
	}
	warnx("%s: %s", id, result == -EBUSY ? done : strerror(-result));
	return result == -EBUSY ? EX_TEMPFAIL : exit_code(result);
}

static int
change_directly(struct owned *o, change_fn *fn, char *const ids[], size_t n)
{
	int code = EX_OK, result;

	for (size_t i = 0; i < n; i++)
		note_failure(&code, change_one(o, fn, ids[i]));
	if (n == 0) {
		result = change_record(o, EVENT_FLUSHED, "");
		if (result == 0)
			(void)puts("all messages are tried when spoold "
				   "starts");
		else {
			warnx(
			    "cannot write the journal: %s", strerror(-result));
			code = exit_code(result);
		}
	}
	result = journal_sync(o->journal.fd);
	if (result < 0) {
		warnx("cannot sync the journal: %s", strerror(-result));
		note_failure(&code, exit_code(result));
	}
	return code;
}

/* ---- either ---------------------------------------------------------- */

static bool
are_ids(char *const ids[], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!spool_is_id(ids[i])) {
			warnx("'%s' is no message id", ids[i]);
			return false;
		}
	}
	return true;
}

/* Move the ids of messages that are there to the front; their count. */
static size_t
keep_existing(const struct context *ctx, char **ids, size_t n, int *code)
{
	enum spool_state state;
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (find_state(&ctx->sp, ids[i], &state)) {
			ids[kept++] = ids[i];
			continue;
		}
		/* One that matched a moment ago has been delivered since. */
		if (filter_is_set(&ctx->filter))
			continue;
		warnx("%s: no such message", ids[i]);
		note_failure(code, EX_NOINPUT);
	}
	return kept;
}

/* Ask, or do it: whatever comes first, for the time that spoold has. */
static int
ask_or_do(struct context *ctx, const char *verb, change_fn *fn,
    char *const ids[], size_t n)
{
	struct owned o = { .now_us = ctx->now_us };
	int fd, result;

	for (int tries = 0; tries < LOCK_TRIES; tries++) {
		result = control_connect(&ctx->sp, &fd);
		if (result == 0)
			return ask_spoold(ctx, fd, verb, ids, n);
		if (result != -ENOENT && result != -ECONNREFUSED) {
			warnx("cannot ask spoold: %s", strerror(-result));
			return result == -ETIMEDOUT ? EX_UNAVAILABLE
						    : exit_code(result);
		}
		result = own_spool(&o, ctx);
		if (result == 0) {
			result = change_directly(&o, fn, ids, n);
			journal_close(&o.journal);
			spool_close(&o.sp);
			return result;
		}
		if (result != -EWOULDBLOCK)
			return exit_code(result);
		(void)poll(NULL, 0, LOCK_PAUSE_MS);
	}
	warnx("spoold holds the lock but does not answer");
	return EX_UNAVAILABLE;
}

int
change_messages(struct context *ctx, const char *verb, change_fn *fn,
    char *const ids[], size_t n)
{
	int code = EX_OK;
	size_t there;
	char **mine;

	if (!are_ids(ids, n))
		return EX_USAGE;
	mine = calloc(n + 1, sizeof *mine);
	if (mine == NULL) {
		warnx("out of memory");
		return EX_TEMPFAIL;
	}
	for (size_t i = 0; i < n; i++)
		mine[i] = ids[i];
	there = keep_existing(ctx, mine, n, &code);
	if (n == 0 || there > 0)
		note_failure(&code, ask_or_do(ctx, verb, fn, mine, there));
	free(mine);
	return code;
}
