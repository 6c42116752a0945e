/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See wait.h. */

#include "config.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/history.h"
#include "lib/lines.h"
#include "lib/text.h"
#include "spoolq/draw.h"
#include "spoolq/progress.h"
#include "spoolq/view.h"
#include "spoolq/wait.h"

/* Between two looks at the journal. */
#define LOOK_MS 100
/* … and at the files, and whether there is a spoold. */
#define FILES_MS 2000
/* So many looks in vain are no restart. */
#define ABSENT_MAX 5
/* Longest answer that is shown. */
#define TEXT_MAX 500

/* Marks: what has become of a message. */
enum fate {
	FATE_NONE, /* not waited for */
	FATE_WAITING,
	FATE_MISSED, /* … its file was not there at the last look */
	FATE_LEFT,
	FATE_FAILED,  /* a recipient was refused, or given up */
	FATE_DROPPED, /* by somebody */
	FATE_HELD,
	FATES
};
#define FATE_MASK 0x0fu
#define FLAG_REFUSED 0x10u /* a recipient was */
#define FLAG_PUT_OFF 0x20u /* its last answer was "later" */

struct wait {
	const struct context *ctx;
	struct history history;
	struct idset *set;
	size_t count[FATES];
	size_t put_off;
	char *text; /* what was said last, harmless */
	unsigned texts;
	struct progress progress;
	size_t columns; /* of the terminal; 0: it is none */
	int64_t begin_ms, files_ms;
	unsigned absent; /* looks at the socket in vain */
};

static volatile sig_atomic_t was_interrupted;

static void
on_signal(int sig)
{
	(void)sig;
	was_interrupted = 1;
}

int
wait_needs_spoold(const struct context *ctx)
{
	if (control_look(&ctx->sp, 0) == CONTROL_SERVED)
		return EX_OK;
	warnx("--wait needs a running spoold, and there is none; "
	      "nothing was done");
	return EX_UNAVAILABLE;
}

/* ---- what becomes of each -------------------------------------------- */

static enum fate
fate_of(uint8_t mark)
{
	return (enum fate)(mark & FATE_MASK);
}

static bool
is_waited_for(uint8_t mark)
{
	return fate_of(mark) == FATE_WAITING || fate_of(mark) == FATE_MISSED;
}

static void
set_put_off(struct wait *w, uint8_t *mark, bool is_put_off)
{
	if (((*mark & FLAG_PUT_OFF) != 0) == is_put_off)
		return;
	*mark ^= FLAG_PUT_OFF;
	w->put_off += is_put_off ? 1 : (size_t)-1;
}

static void
set_fate(struct wait *w, uint8_t *mark, enum fate fate)
{
	if (fate != FATE_WAITING && fate != FATE_MISSED)
		set_put_off(w, mark, false);
	w->count[fate_of(*mark)]--;
	w->count[fate]++;
	*mark = (uint8_t)((*mark & ~FATE_MASK) | (unsigned)fate);
}

static enum fate
fate_when_gone(uint8_t mark)
{
	return (mark & FLAG_REFUSED) != 0 ? FATE_FAILED : FATE_LEFT;
}

/* Say that a recipient is given up, above the bar. */
static void
say_refused(struct wait *w, const struct event *ev)
{
	progress_clear(&w->progress, stderr);
	(void)fprintf(stderr, "spoolq: %s: ", ev->id);
	text_put_clean(stderr, span_of(ev->rcpt != NULL ? ev->rcpt : "?"), 254);
	(void)fputs(": ", stderr);
	text_put_clean(stderr,
	    span_of(ev->reply != NULL ? ev->reply : "failed"), TEXT_MAX);
	(void)fputc('\n', stderr);
}

static void
keep_text(struct wait *w, const struct event *ev)
{
	if (ev->reply == NULL)
		return;
	free(w->text);
	w->text = text_clean(span_of(ev->reply), TEXT_MAX);
	w->texts++;
}

/* EV is about a message that is waited for. */
static void
see_event(struct wait *w, uint8_t *mark, const struct event *ev)
{
	switch (ev->kind) {
	case EVENT_ATTEMPT:
		set_put_off(w, mark, false);
		break;
	case EVENT_DEFERRED:
	case EVENT_LOST:
	case EVENT_UNCERTAIN:
	case EVENT_BACK:
		set_put_off(w, mark, true);
		keep_text(w, ev);
		break;
	case EVENT_FAILED:
		*mark |= FLAG_REFUSED;
		say_refused(w, ev);
		break;
	case EVENT_REMOVED:
		set_fate(w, mark, fate_when_gone(*mark));
		break;
	case EVENT_KEPT:
	case EVENT_DAMAGED:
		set_fate(w, mark, FATE_FAILED);
		break;
	case EVENT_DROPPED:
	case EVENT_GONE:
		set_fate(w, mark, FATE_DROPPED);
		break;
	case EVENT_HELD:
		set_fate(w, mark, FATE_HELD);
		break;
	default:
		break;
	}
}

/* EX_OK or a code. */
static int
read_journal(struct wait *w)
{
	const struct event *ev;
	uint8_t *mark;
	int result;

	while ((result = history_next(&w->history, NULL, &ev)) > 0) {
		mark = ev->id[0] == '\0' ? NULL : idset_mark(w->set, ev->id);
		if (mark != NULL && is_waited_for(*mark))
			see_event(w, mark, ev);
	}
	if (result == 0)
		return EX_OK;
	warnx("cannot read the journal: %s", strerror(-result));
	return exit_code(result);
}

static void
look_at_file(struct wait *w, const char *id, uint8_t *mark)
{
	static const enum fate fates[SPOOL_STATES] = {
		[SPOOL_QUEUE] = FATE_WAITING,
		[SPOOL_HOLD] = FATE_HELD,
		[SPOOL_FAILED] = FATE_FAILED,
	};
	enum spool_state state;

	if (spool_find(&w->ctx->sp, id, &state))
		set_fate(w, mark, fates[state]);
	else if (fate_of(*mark) == FATE_MISSED)
		set_fate(w, mark, fate_when_gone(*mark));
	else
		set_fate(w, mark, FATE_MISSED);
}

/* What left before the journal was watched is not in it. */
static void
look_at_files(struct wait *w)
{
	char id[SPOOL_ID_SIZE];

	for (size_t i = 0; i < w->set->n; i++) {
		if (!is_waited_for(w->set->marks[i]))
			continue;
		id_unpack(w->set->ids[i], id);
		look_at_file(w, id, &w->set->marks[i]);
	}
	w->absent =
	    control_look(&w->ctx->sp, 0) == CONTROL_SERVED ? 0 : w->absent + 1;
}

/* ---- waiting --------------------------------------------------------- */

static size_t
to_go(const struct wait *w)
{
	return w->count[FATE_WAITING] + w->count[FATE_MISSED];
}

static void
show(struct wait *w, int64_t now_ms)
{
	struct progress_state state = {
		.left = w->count[FATE_LEFT],
		.failed = w->count[FATE_FAILED] + w->count[FATE_DROPPED] +
		    w->count[FATE_HELD],
		.put_off = w->put_off,
		.text = w->put_off > 0 ? w->text : NULL,
		.texts = w->texts,
	};

	state.all = state.left + state.failed + to_go(w);
	progress_show(&w->progress, stderr, w->columns, &state, now_ms);
}

/* Why waiting is over before all is done; NULL: it is not. */
static const char *
why_over(const struct wait *w, int64_t now_ms, unsigned timeout_s)
{
	if (was_interrupted)
		return "interrupted; spoold goes on with what is left";
	if (w->absent >= ABSENT_MAX)
		return "spoold has ended; the mail goes when it starts again";
	if (timeout_s > 0 && now_ms - w->begin_ms >= (int64_t)timeout_s * 1000)
		return "the time is over; spoold goes on with what is left";
	return NULL;
}

static int
wait_on(struct wait *w, unsigned timeout_s)
{
	const char *why = NULL;
	int code;

	do {
		int64_t now_ms;

		if (w->progress.was_shown)
			(void)poll(NULL, 0, LOOK_MS);
		now_ms = lines_clock_ms();
		code = read_journal(w);
		if (code == EX_OK && now_ms >= w->files_ms + FILES_MS) {
			look_at_files(w);
			w->files_ms = now_ms;
		}
		if (code != EX_OK || to_go(w) == 0)
			break;
		show(w, now_ms);
		why = why_over(w, now_ms, timeout_s);
	} while (why == NULL);
	progress_clear(&w->progress, stderr);
	if (why != NULL)
		warnx("%s", why);
	return code;
}

/* "42 messages: 39 left, 2 failed, 1 still in the queue" */
static void
put_sum(const struct wait *w)
{
	static const char *const words[FATES] = {
		[FATE_LEFT] = "left",
		[FATE_FAILED] = "failed",
		[FATE_DROPPED] = "dropped",
		[FATE_HELD] = "held",
	};
	const char *gap = ": ";
	size_t all = to_go(w);

	for (int i = FATE_LEFT; i < FATES; i++)
		all += w->count[i];
	(void)printf("%zu message%s", all, all == 1 ? "" : "s");
	for (int i = FATE_LEFT; i < FATES; i++) {
		if (w->count[i] == 0)
			continue;
		(void)printf("%s%zu %s", gap, w->count[i], words[i]);
		gap = ", ";
	}
	if (to_go(w) > 0)
		(void)printf("%s%zu still in the queue", gap, to_go(w));
	(void)putchar('\n');
}

/* What keeps all mail from going is worth knowing before one waits. */
static void
warn_waiting(const struct wait *w)
{
	struct view v;

	if (view_open(&v, w->ctx) != EX_OK)
		return;
	view_warn_waiting(&v, w->ctx);
	view_close(&v);
}

int
wait_for(struct wait *w, struct idset *set, uint8_t mark, unsigned timeout_s)
{
	struct sigaction act = { .sa_handler = on_signal }, old;
	struct style style;
	int code;

	w->set = set;
	for (size_t i = 0; i < set->n; i++) {
		set->marks[i] =
		    set->marks[i] == mark ? FATE_WAITING : FATE_NONE;
		w->count[set->marks[i]]++;
	}
	if (to_go(w) == 0)
		return EX_OK;
	(void)fflush(stdout);
	draw_style(&style, STDERR_FILENO);
	w->columns = isatty(STDERR_FILENO) ? style.columns : 0;
	w->begin_ms = lines_clock_ms();
	(void)sigaction(SIGINT, NULL, &old);
	/* In the background of a script, ^C is for others. */
	if (old.sa_handler != SIG_IGN)
		(void)sigaction(SIGINT, &act, NULL);
	warn_waiting(w);
	code = wait_on(w, timeout_s);
	(void)sigaction(SIGINT, &old, NULL);
	put_sum(w);
	if (code != EX_OK)
		return code;
	return w->count[FATE_LEFT] + w->count[FATE_NONE] == set->n
	    ? EX_OK
	    : EX_TEMPFAIL;
}

int
wait_open(struct wait **ret, const struct context *ctx)
{
	struct wait *w = calloc(1, sizeof(*w));
	struct span line;
	int result = -ENOMEM;

	if (w != NULL) {
		w->ctx = ctx;
		history_open(&w->history, ctx->sp.dir_fd, ctx->now_us);
		while ((result = history_next_line(&w->history, &line)) > 0)
			;
	}
	if (result == 0) {
		*ret = w;
		return EX_OK;
	}
	warnx("cannot read the journal: %s", strerror(-result));
	wait_close(w);
	return exit_code(result);
}

void
wait_close(struct wait *w)
{
	if (w == NULL)
		return;
	history_close(&w->history);
	free(w->text);
	free(w);
}
