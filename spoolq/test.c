/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * spoolq test: a message to somebody, by way of sendmail as any program sends
 * one, and what becomes of it.  It is known again by its Message-Id.
 */

#include "config.h"

#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "lib/address.h"
#include "lib/conf-value.h"
#include "lib/date.h"
#include "lib/history.h"
#include "lib/text.h"
#include "spoolq/story.h"
#include "spoolq/tool.h"
#include "spoolq/view.h"

/* How long it is followed, unless --timeout says otherwise. */
#define TIMEOUT_S 60
#define TIMEOUT_MAX_S 86400
/* How often the journal is looked at. */
#define LOOK_MS 50

struct test {
	const struct context *ctx;
	const char *rcpt;
	int64_t start_us;
	unsigned timeout_s;
	bool is_served; /* a spoold runs */
	char message_id[128];
	struct style style;
	char id[SPOOL_ID_SIZE]; /* "" while it was not seen */
	int code;               /* -1: it has not ended */
};

/* ---- sending --------------------------------------------------------- */

static void
write_message(const struct test *t, FILE *out)
{
	const char *from = context_option(t->ctx, "from");
	char host[256] = "localhost", time[OUTPUT_WORD];

	(void)gethostname(host, sizeof(host) - 1);
	output_time(t->start_us, time);
	if (from != NULL)
		(void)fprintf(out, "From: <%s>\n", from);
	(void)fprintf(out,
	    "To: <%s>\n"
	    "Subject: Test message of %s\n"
	    "Message-Id: <%s>\n"
	    "Auto-Submitted: auto-generated\n"
	    "\n"
	    "This message was sent by \"spoolq test\" at %s,\n"
	    "to see whether mail leaves %s.  There is nothing to do.\n",
	    t->rcpt, host, t->message_id, time, host);
}

/* Have sendmail queue it.  Its exit code, which it has explained. */
static int
send_message(const struct test *t)
{
	const char *from = context_option(t->ctx, "from");
	const char *argv[8] = { "-i" };
	char wait[32];
	size_t n = 1;
	FILE *out;
	pid_t pid;

	if (from != NULL) {
		argv[n++] = "-f";
		argv[n++] = from;
	}
	/* Who may not follow it is told how it ends. */
	(void)snprintf(wait, sizeof(wait), "--wait=%us", t->timeout_s);
	if (t->ctx->is_foreign)
		argv[n++] = wait;
	argv[n++] = "--";
	argv[n++] = t->rcpt;
	argv[n] = NULL;
	out = tool_write("sendmail", t->ctx, argv, &pid);
	if (out == NULL)
		return EX_UNAVAILABLE;
	write_message(t, out);
	return tool_close(out, pid);
}

/* ---- following ------------------------------------------------------- */

/* What the end of the message means. */
static void
note_end(struct test *t, const struct event *ev)
{
	switch (ev->kind) {
	case EVENT_DELIVERED:
		t->code = EX_OK;
		break;
	case EVENT_FAILED:
		t->code = EX_UNAVAILABLE;
		break;
	case EVENT_DEFERRED:
	case EVENT_LOST:
	case EVENT_UNCERTAIN:
	case EVENT_HELD:
	case EVENT_DROPPED:
	case EVENT_GONE:
	case EVENT_DAMAGED:
		t->code = EX_TEMPFAIL;
		break;
	default:
		break;
	}
}

static bool
is_ours(const struct test *t, const char *message_id)
{
	size_t len = strlen(t->message_id);

	return message_id != NULL && strlen(message_id) == len + 2 &&
	    strncmp(message_id + 1, t->message_id, len) == 0;
}

/* Trouble with a relay is told: it may be what the message waits for. */
static bool
is_wanted(struct test *t, const struct event *ev)
{
	if (t->id[0] == '\0' && ev->kind == EVENT_ADMITTED &&
	    is_ours(t, ev->message_id))
		(void)strcpy(t->id, ev->id);
	if (t->id[0] == '\0')
		return false;
	return strcmp(ev->id, t->id) == 0 || ev->kind == EVENT_RELAY_DOWN ||
	    ev->kind == EVENT_RELAY_UP;
}

/* Read on; 0, or -errno. */
static int
look(struct test *t, struct history *h)
{
	const struct event *ev;
	int result;

	while (t->code < 0 && (result = history_next(h, NULL, &ev)) != 0) {
		if (result < 0)
			return result;
		if (!is_wanted(t, ev))
			continue;
		if (story_line(stdout, &t->style, NULL, ev) < 0)
			return -ENOMEM;
		(void)fflush(stdout);
		if (ev->id[0] != '\0')
			note_end(t, ev);
	}
	return 0;
}

static int
follow(struct test *t)
{
	int64_t end_us = t->start_us + (int64_t)t->timeout_s * 1000000;
	struct history h;
	int result;

	history_open(&h, t->ctx->sp.dir_fd, t->start_us);
	while ((result = look(t, &h)) == 0 && t->code < 0 &&
	    date_now_us() < end_us)
		(void)poll(NULL, 0, LOOK_MS);
	history_close(&h);
	if (result == 0)
		return EX_OK;
	warnx("cannot read the journal: %s", strerror(-result));
	return exit_code(result);
}

/* ---- the command ----------------------------------------------------- */

static int
conclude(const struct test *t)
{
	bool is_known = t->id[0] != '\0';

	if (t->code == EX_OK)
		(void)puts("OK: the relay has accepted it");
	else if (t->code == EX_UNAVAILABLE)
		(void)puts("FAILED: it was refused");
	else if (!is_known && !t->is_served)
		(void)puts("NOT YET: it is queued, and goes when spoold runs");
	else if (!is_known && t->timeout_s == 0)
		(void)puts("NOT YET: it is queued");
	else if (!is_known)
		(void)printf("NOT YET: it is queued, but spoold has not taken "
			     "it up within %u s\n",
		    t->timeout_s);
	else
		(void)printf(
		    "NOT YET: it is queued; spoolq why %s tells more\n", t->id);
	return t->code < 0 ? EX_TEMPFAIL : t->code;
}

static int
run(struct test *t)
{
	struct view v;
	int code = EX_OK;

	if (!t->ctx->is_foreign) {
		code = view_open(&v, t->ctx);
		if (code != EX_OK)
			return code;
		view_warn_waiting(&v, t->ctx);
		/* Nobody will take it up. */
		t->is_served = v.spoold != CONTROL_NONE;
		if (!t->is_served)
			t->timeout_s = 0;
		view_close(&v);
	}
	code = send_message(t);
	if (code != EX_OK)
		return code;
	if (t->ctx->is_foreign) {
		(void)puts("OK: the relay has accepted it");
		return EX_OK;
	}
	code = follow(t);
	return code != EX_OK ? code : conclude(t);
}

/* sendmail would take more than one, and what is no address at all. */
static bool
is_one_address(const char *text)
{
	size_t n = 0, pos;

	return strpbrk(text, "\r\n<>") == NULL &&
	    address_count(span_of(text), &n, &pos) == 0 && n == 1;
}

static int
run_test(struct context *ctx, int noperands, char *operands[])
{
	const char *timeout = context_option(ctx, "timeout");
	struct test t = {
		.ctx = ctx,
		.rcpt = operands[0],
		.start_us = date_now_us(),
		.timeout_s = TIMEOUT_S,
		.code = -1,
	};

	(void)noperands;
	if (!is_one_address(t.rcpt)) {
		(void)fputs("spoolq: '", stderr);
		text_put_clean(stderr, span_of(t.rcpt), 200);
		(void)fputs("' is not one address\n", stderr);
		return EX_USAGE;
	}
	if (timeout != NULL &&
	    !config_parse_duration(timeout, TIMEOUT_MAX_S, &t.timeout_s)) {
		warnx("--timeout is a time such as 30s or 5m");
		return EX_USAGE;
	}
	(void)snprintf(t.message_id, sizeof(t.message_id),
	    "spoolq-test.%" PRIx64 ".%lx@localhost", (uint64_t)t.start_us,
	    (unsigned long)getpid());
	draw_style(&t.style, STDOUT_FILENO);
	return run(&t);
}

static const struct command_option options[] = {
	{ "from", "ADDRESS", 'f', "who sends it; you by default" },
	{ "timeout", "TIME", 0, "follow it so long; 1m by default" },
	{ .name = NULL },
};

const struct command command_test = {
	.name = "test",
	.args = "[--from ADDRESS] [--timeout TIME] ADDRESS",
	.does = "send a test message, and see what becomes of it",
	.options = options,
	.operand = "address",
	.operands_min = 1,
	.operands_max = 1,
	.run = run_test,
};
