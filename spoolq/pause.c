/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* spoolq pause and resume: whether anything is sent, or to one relay. */

#include "config.h"

#include <err.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/text.h"
#include "spoolq/change.h"
#include "spoolq/control.h"
#include "spoolq/direct.h"
#include "spoolq/output.h"
#include "spoolq/relays.h"

/* Longest text of spoold's that is shown. */
#define TEXT_MAX 1000

static const struct command_option options[] = {
	{ "relay", "NAME", 0, "only the relay NAME" },
	{ NULL, NULL, 0, NULL },
};

/* ---- what is paused -------------------------------------------------- */

/* A pause of the whole, or of one relay. */
struct pause {
	int64_t since_us; /* 0: it is not paused */
	const char *by;
};

static struct pause
find_pause(const struct view *v, const char *name)
{
	const struct queue *q = &v->queue;
	const struct relay_state *relay;

	if (name == NULL)
		return (struct pause){ q->paused_us, q->paused_by };
	STAILQ_FOREACH (relay, &q->relays, link)
		if (strcmp(relay->name, name) == 0)
			return (
			    struct pause){ relay->paused_us, relay->paused_by };
	return (struct pause){ 0, NULL };
}

/* Whether a resume of all has something to end. */
static bool
is_any_paused(const struct view *v)
{
	const struct relay_state *relay;

	STAILQ_FOREACH (relay, &v->queue.relays, link)
		if (relay->paused_us > 0)
			return true;
	return v->queue.paused_us > 0;
}

/* ---- what is said ---------------------------------------------------- */

static void
say_subject(const char *relay)
{
	(void)fputs(relay == NULL ? "delivery" : "delivery to relay ", stdout);
	if (relay != NULL)
		text_put_clean(stdout, span_of(relay), TEXT_MAX);
}

static void
say_paused_already(const struct pause *pause, const char *relay)
{
	char since[OUTPUT_WORD];

	output_time(pause->since_us, since);
	say_subject(relay);
	(void)printf(" is paused already, since %s", since);
	if (pause->by != NULL && pause->by[0] != '\0') {
		(void)fputs(", by ", stdout);
		text_put_clean(stdout, span_of(pause->by), TEXT_MAX);
	}
	(void)putchar('\n');
}

/* That RELAY, or NULL, is now paused or not; the change waits for spoold. */
static void
say_done(enum event_kind kind, const char *relay, bool is_served)
{
	say_subject(relay);
	if (kind == EVENT_RESUMED)
		(void)puts(
		    is_served ? " goes on" : " goes on when spoold starts");
	else
		(void)printf(" is paused%s until 'spoolq resume'\n",
		    is_served ? "," : ", when spoold starts and");
}

/* ---- doing it -------------------------------------------------------- */

static void
take_answer(bool is_ok, const char *id, const char *text, void *arg)
{
	int *code = arg;

	(void)id;
	if (!is_ok)
		*code = change_refused(text);
}

static int
ask_spoold(int fd, const char *verb, const char *relay)
{
	char *fields[1] = { (char *)relay };
	int code = EX_OK;
	int result =
	    control_ask(fd, verb, fields, relay != NULL, take_answer, &code);

	(void)close(fd);
	return result == 0 ? code : change_unanswered(result);
}

static int
do_directly(struct owned *o, enum event_kind kind, const char *relay)
{
	int result = direct_record(o, kind, relay, "spoolq");
	int closed = direct_close(o);

	if (result == 0)
		return closed;
	warnx("cannot write the journal: %s", strerror(-result));
	return exit_code(result);
}

static int
change(const struct context *ctx, enum event_kind kind, const char *relay)
{
	struct owned o;
	int fd, code = direct_open(&o, ctx, &fd);

	if (code != EX_OK)
		return code;
	code = fd >= 0
	    ? ask_spoold(fd, kind == EVENT_PAUSED ? "pause" : "resume", relay)
	    : do_directly(&o, kind, relay);
	if (code == EX_OK)
		say_done(kind, relay, fd >= 0);
	return code;
}

/* Whether PAUSE goes on until somebody ends it: one by a signal is over with
 * that spoold, which may have ended already. */
static bool
lasts(const struct pause *pause)
{
	return pause->by == NULL || strcmp(pause->by, "SIGTSTP") != 0;
}

/* Whether nothing is left to do, which is said. */
static bool
is_so_already(const struct view *v, enum event_kind kind, const char *relay)
{
	struct pause pause = find_pause(v, relay);
	bool is_paused = pause.since_us > 0;

	if (kind == EVENT_PAUSED) {
		is_paused = is_paused && lasts(&pause);
		if (is_paused)
			say_paused_already(&pause, relay);
		return is_paused;
	}
	if (is_paused || (relay == NULL && is_any_paused(v)))
		return false;
	say_subject(relay);
	(void)puts(" is not paused");
	return true;
}

static int
run(struct context *ctx, enum event_kind kind)
{
	const char *relay = context_option(ctx, "relay");
	struct view v;
	bool is_done;
	int code;

	if (!direct_is_owner(ctx))
		return direct_refuse(ctx, ctx->command->name);
	if (relay != NULL && !relays_know(ctx, relay))
		return EX_USAGE;
	code = view_open(&v, ctx);
	if (code != EX_OK)
		return code;
	is_done = is_so_already(&v, kind, relay);
	view_close(&v);
	return is_done ? EX_OK : change(ctx, kind, relay);
}

static int
run_pause(struct context *ctx, int noperands, char *operands[])
{
	(void)noperands;
	(void)operands;
	return run(ctx, EVENT_PAUSED);
}

static int
run_resume(struct context *ctx, int noperands, char *operands[])
{
	(void)noperands;
	(void)operands;
	return run(ctx, EVENT_RESUMED);
}

const struct command command_pause = {
	.name = "pause",
	.args = "[--relay NAME]",
	.does = "begin no more deliveries, until resume",
	.options = options,
	.run = run_pause,
};

const struct command command_resume = {
	.name = "resume",
	.args = "[--relay NAME]",
	.does = "deliver again; without --relay, every pause ends",
	.options = options,
	.run = run_resume,
};
