/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See change.h. */

#include "config.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/conf-value.h"
#include "lib/text.h"
#include "spoolq/change.h"
#include "spoolq/confirm.h"
#include "spoolq/control.h"
#include "spoolq/direct.h"
#include "spoolq/wait.h"

/* From so many messages on there is a sum at the end. */
#define SUM_FROM 6
/* Longest text of spoold's that is shown. */
#define TEXT_MAX 1000
/* Longest time to wait: a year. */
#define TIMEOUT_MAX_S (366u * 24 * 60 * 60)

const struct command_option change_options[] = {
	{ "dry-run", NULL, 'n', "only say what would be done" },
	{ "yes", NULL, 'y', "do not ask before many are changed" },
	{ NULL, NULL, 0, NULL },
};

const struct command_option change_wait_options[] = {
	{ "dry-run", NULL, 'n', "only say what would be done" },
	{ "yes", NULL, 'y', "do not ask before many are changed" },
	{ "wait", NULL, 'w', "until they have left, or failed" },
	{ "timeout", "TIME", 0, "wait no longer than that (90s, 5m, 2h)" },
	{ NULL, NULL, 0, NULL },
};

/* All that a run of a command is about. */
struct run {
	struct context *ctx;
	const struct change *ch;
	struct selection sel;
	struct change_result result;
	bool is_all;   /* no ids, no filters: all that is due */
	bool is_owner; /* and may change what others submitted */
	bool is_dry, asks, waits;
	unsigned timeout_s; /* 0: none */
};

/* ---- what happened to each ------------------------------------------- */

static void
note_failure(int *code, int new_code)
{
	if (*code == EX_OK)
		*code = new_code;
}

static void
mark(struct change_result *r, const char *id, uint8_t value)
{
	uint8_t *place;

	if (r->chosen == NULL || !spool_is_id(id))
		return;
	place = idset_mark(r->chosen, id);
	if (place != NULL)
		*place = value;
}

void
change_did(struct change_result *r, const char *id, const char *text)
{
	r->done++;
	mark(r, id, MARK_DONE);
	if (strcmp(id, "*") != 0)
		(void)printf("%s ", id);
	text_put_clean(stdout, span_of(text), TEXT_MAX);
	(void)putchar('\n');
}

/* "ID is held", but "ID: Permission denied". */
static void
complain(const char *id, const char *text)
{
	/* In order, where both are one file. */
	(void)fflush(stdout);
	(void)fputs("spoolq: ", stderr);
	if (strcmp(id, "*") != 0)
		(void)fprintf(stderr, "%s%s", id,
		    strncmp(text, "is ", 3) == 0 ? " " : ": ");
	text_put_clean(stderr, span_of(text), TEXT_MAX);
	(void)fputc('\n', stderr);
}

void
change_failed(
    struct change_result *r, const char *id, const char *text, int code)
{
	bool is_all = strcmp(id, "*") == 0;

	if (code == EX_NOINPUT && !is_all) {
		mark(r, id, MARK_GONE);
		r->gone++;
		/* It was there a moment ago, and has left since. */
		if (!r->is_named)
			return;
		r->gone--;
	}
	complain(id, text);
	note_failure(&r->code, code);
	r->is_over = r->is_over || is_all;
	r->refused++;
	if (code != EX_NOINPUT)
		mark(r, id, MARK_REFUSED);
	if (r->why == NULL)
		r->why = text_clean(span_of(text), TEXT_MAX);
	else if (strcmp(r->why, text) != 0)
		r->whys = true;
}

/* "42 messages held, 1 not: is being delivered at this moment" */
static void
put_sum(const struct change_result *r, bool is_dry)
{
	size_t all = r->done + r->gone + r->refused;

	if (all < SUM_FROM)
		return;
	(void)printf("%zu message%s %s", r->done, r->done == 1 ? "" : "s",
	    is_dry ? r->ch->would : r->ch->sum);
	if (r->gone > 0)
		(void)printf(", %zu had left already", r->gone);
	if (r->refused > 0)
		(void)printf(", %zu not%s%s", r->refused,
		    r->whys || r->why == NULL ? ", for several reasons" : ": ",
		    r->whys || r->why == NULL ? "" : r->why);
	(void)putchar('\n');
}

/* ---- with spoold ----------------------------------------------------- */

/* spoold does not know ID. */
static void
miss(struct change_result *r, const char *id)
{
	enum spool_state state;

	if (r->ctx->is_foreign || !spool_find(&r->ctx->sp, id, &state))
		change_failed(r, id, "no such message", EX_NOINPUT);
	else if (direct_is_owner(r->ctx))
		change_failed(r, id, "is not known to spoold yet", EX_TEMPFAIL);
	else
		change_failed(r, id, "not permitted", EX_NOPERM);
}

/* Of what spoold refuses, saying TEXT. */
static int
code_of(const char *text)
{
	return strcmp(text, "not permitted") == 0 ? EX_NOPERM : EX_TEMPFAIL;
}

int
change_refused(const char *text)
{
	complain("*", text);
	return code_of(text);
}

int
change_unanswered(int err)
{
	warnx("spoold did not answer: %s; it may still do it", strerror(-err));
	return EX_UNAVAILABLE;
}

static void
take_answer(bool is_ok, const char *id, const char *text, void *arg)
{
	struct change_result *r = arg;
	bool is_id = spool_is_id(id);

	if (strcmp(id, "*") != 0 && !is_id)
		id = "?";
	if (is_ok)
		change_did(r, id, text);
	else if (r->ch->already != NULL && strcmp(text, r->ch->already) == 0)
		change_did(r, id, r->ch->done);
	else if (is_id && strcmp(text, "is not in the spool") == 0)
		miss(r, id);
	else
		change_failed(r, id, text, code_of(text));
}

/* One request, on a connection that it uses up. */
static int
ask_once(struct change_result *r, int fd, const uint64_t packed[], size_t n)
{
	char(*ids)[SPOOL_ID_SIZE] = calloc(n + 1, sizeof(*ids));
	char **fields = calloc(n + 2, sizeof(*fields));
	size_t nfields = 0;
	int result = -ENOMEM;

	if (ids != NULL && fields != NULL) {
		if (r->ch->relay != NULL)
			fields[nfields++] = (char *)r->ch->relay;
		for (size_t i = 0; i < n; i++) {
			id_unpack(packed[i], ids[i]);
			fields[nfields++] = ids[i];
		}
		result = control_ask(
		    fd, r->ch->verb, fields, nfields, take_answer, r);
	}
	free(ids);
	free(fields);
	(void)close(fd);
	return result;
}

/* Ask on FD, then on further connections for more ids than one takes. */
static void
ask_spoold(struct change_result *r, int fd, const uint64_t packed[], size_t n)
{
	const size_t most =
	    direct_is_owner(r->ctx) ? CONTROL_IDS_MAX : CONTROL_IDS_FOREIGN_MAX;
	int result = 0;

	do {
		size_t some = n < most ? n : most;

		if (fd < 0)
			result = control_connect(&r->ctx->sp, &fd);
		if (result == 0)
			result = ask_once(r, fd, packed, some);
		fd = -1;
		packed += some;
		n -= some;
	} while (result == 0 && n > 0 && !r->is_over);
	if (result < 0)
		note_failure(&r->code, change_unanswered(result));
}

/* ---- without --------------------------------------------------------- */

static void
flush_all(struct owned *o, struct change_result *r)
{
	int result = direct_record(o, EVENT_FLUSHED, NULL, DIRECT_NOTE);

	if (result == 0)
		change_did(r, "*", "all messages are tried when spoold starts");
	else
		change_failed(r, "*", strerror(-result), exit_code(result));
}

/* ---- either ---------------------------------------------------------- */

static void
act(struct run *run)
{
	struct change_result *r = &run->result;
	const struct idset *set = &run->sel.chosen;
	/* What matters most to spoold is said in one word. */
	size_t n = run->is_all ? 0 : set->n;
	struct owned o;
	int fd, code = direct_open(&o, run->ctx, &fd);

	note_failure(&r->code, code);
	if (code != EX_OK)
		return;
	if (fd >= 0) {
		ask_spoold(r, fd, set->ids, n);
		return;
	}
	if (run->is_all)
		flush_all(&o, r);
	else
		direct_change(&o, r, set->ids, n);
	note_failure(&r->code, direct_close(&o));
}

/* Begin to watch before anything is done: mail may be fast. */
static void
act_and_wait(struct run *run)
{
	struct change_result *r = &run->result;
	struct wait *w = NULL;
	int code = wait_open(&w, run->ctx);

	note_failure(&r->code, code);
	if (code != EX_OK)
		return;
	act(run);
	put_sum(r, false);
	/* spoold said it of all in one. */
	for (size_t i = 0; run->is_all && r->done > 0 && i < r->chosen->n; i++)
		r->chosen->marks[i] = MARK_DONE;
	note_failure(
	    &r->code, wait_for(w, r->chosen, MARK_DONE, run->timeout_s));
	wait_close(w);
}

/* ---- choosing -------------------------------------------------------- */

/* Say what would become of M. */
static void
foretell(const struct message *m, void *arg)
{
	struct run *run = arg;
	const char *refusal = run->ch->refusals[m->state];

	if (refusal != NULL)
		change_failed(&run->result, m->id, refusal, EX_TEMPFAIL);
	else if (!run->is_owner && m->uid != geteuid())
		change_failed(&run->result, m->id, "not permitted", EX_NOPERM);
	else if (run->ch->stops && m->in_flight)
		change_failed(&run->result, m->id,
		    "is being delivered at this moment", EX_TEMPFAIL);
	else
		change_did(&run->result, m->id, run->ch->would);
}

/* The states that filters choose among: where there is something to do. */
static unsigned
useful_states(const struct change *ch)
{
	unsigned states = 0;

	for (int s = 0; s < SPOOL_STATES; s++)
		if (ch->refusals[s] == NULL && s != ch->to)
			states |= 1u << s;
	return states;
}

static int
choose(struct run *run, int n, char *operands[])
{
	struct select_how how = {
		.states = useful_states(run->ch),
		.is_due = run->is_all,
		.look = run->is_dry || (run->asks && n != 1),
		.fn = run->is_dry ? foretell : NULL,
		.arg = run,
	};

	/* spoold knows what there is. */
	if (run->is_all && !run->is_dry && !run->asks && !run->waits)
		return EX_OK;
	return select_messages(&run->sel, run->ctx, &how, n, operands);
}

static void
say_nothing_matches(const struct run *run)
{
	if (run->sel.others == 0)
		(void)puts("no message matches");
	else
		(void)printf("no message matches that could be %s: "
			     "%zu in another state\n",
		    run->ch->sum, run->sel.others);
}

static bool
may_go_on(const struct run *run)
{
	const struct selection *sel = &run->sel;
	size_t n = sel->chosen.n;

	if (!run->asks || n < 2)
		return true;
	for (size_t i = 0; i < SELECT_SHOWN && sel->shown[i] != NULL; i++)
		(void)fprintf(
		    stderr, "%*s%s\n", SELECT_INDENT, "", sel->shown[i]);
	if (n > SELECT_SHOWN)
		(void)fprintf(stderr, "  ... and %zu more\n", n - SELECT_SHOWN);
	return confirm("%s %zu messages?", run->ch->verb, n);
}

/* What was chosen is known. */
static int
go_on(struct run *run)
{
	struct change_result *r = &run->result;

	if (run->sel.chosen.n == 0 && !run->is_all) {
		if (!run->sel.is_named && r->code == EX_OK)
			say_nothing_matches(run);
		return r->code;
	}
	if (run->is_dry) {
		put_sum(r, true);
		return r->code;
	}
	if (!may_go_on(run)) {
		warnx("nothing was done");
		return EX_TEMPFAIL;
	}
	r->is_named = run->sel.is_named;
	r->chosen = &run->sel.chosen;
	if (run->waits) {
		act_and_wait(run);
		return r->code;
	}
	act(run);
	put_sum(r, false);
	return r->code;
}

/* ---- the command line ------------------------------------------------ */

static int
take_timeout(struct run *run, const char *text)
{
	if (text == NULL)
		return EX_OK;
	if (!run->waits) {
		warnx("--timeout is for --wait");
		return EX_USAGE;
	}
	if (config_parse_duration(text, TIMEOUT_MAX_S, &run->timeout_s) &&
	    run->timeout_s > 0)
		return EX_OK;
	warnx("--timeout must be a time such as 90s, 5m or 2h");
	return EX_USAGE;
}

/* Whether the command line says of which messages, and the caller may. */
static int
check_chosen(struct run *run, int n)
{
	const struct context *ctx = run->ctx;
	bool is_chosen = n > 0 || filter_is_set(&ctx->filter);

	run->is_owner = direct_is_owner(ctx);
	if (!run->is_owner && !run->ch->is_for_others)
		return direct_refuse(ctx, run->ch->verb);
	run->is_all = !is_chosen && run->ch->is_all_by_default;
	if (is_chosen || ctx->filter.all || run->is_all)
		return EX_OK;
	warnx("which messages?  Give ids, filters or --all");
	return EX_USAGE;
}

static int
take_options(struct run *run, int n)
{
	const struct context *ctx = run->ctx;
	int code = check_chosen(run, n);

	if (code != EX_OK)
		return code;
	run->is_dry = context_option(ctx, "dry-run") != NULL;
	run->waits = context_option(ctx, "wait") != NULL;
	/* Scripts are not asked: there is nobody who could answer. */
	run->asks = !run->is_dry && context_option(ctx, "yes") == NULL &&
	    isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
	return take_timeout(run, context_option(ctx, "timeout"));
}

int
change_run(struct context *ctx, const struct change *ch, int noperands,
    char *operands[])
{
	struct run run = {
		.ctx = ctx,
		.ch = ch,
		.result = { .ctx = ctx, .ch = ch, .is_named = true },
	};
	int code = take_options(&run, noperands);

	if (code == EX_OK && run.waits && !run.is_dry)
		code = wait_needs_spoold(ctx);
	if (code == EX_OK && run.is_dry)
		code = direct_check(ctx);
	if (code != EX_OK)
		return code;
	code = choose(&run, noperands, operands);
	note_failure(&run.result.code, code);
	if (code == EX_OK || run.sel.chosen.n > 0)
		code = go_on(&run);
	selection_release(&run.sel);
	free(run.result.why);
	return code;
}
