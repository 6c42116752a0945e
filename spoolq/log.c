/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * spoolq log: the history, also of messages that have left, and on as it
 * grows.
 *
 * Most events name their message only.  What else the filters ask for, its
 * admission told, or the status does, if that was too long ago: the ids of the
 * messages that match are kept while these are in the queue.
 */

#include "config.h"

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/date.h"
#include "lib/history.h"
#include "lib/text.h"
#include "lib/when.h"
#include "spoolq/idhash.h"
#include "spoolq/output.h"
#include "spoolq/select.h"
#include "spoolq/story.h"
#include "spoolq/view.h"

/* How often a followed history is looked at. */
#define FOLLOW_MS 200
/* So many of the last lines are shown before those that follow. */
#define FOLLOW_LINES 10
#define LIMIT_MAX 1000000
#define DAY_US ((int64_t)24 * 60 * 60 * 1000000)

struct reader {
	struct context *ctx;
	struct style style;
	struct history h;
	struct idhash ids; /* messages that the filters want */
	char **operands;
	int noperands;
	bool is_json, follows;
	int64_t since_us, until_us; /* 0: any */
	const char *kind;           /* --event; NULL: any */
	/* The last lines, while more may come that push them out. */
	char **last;
	size_t nlast, max_last, first_last;
};

/* ---- what is wanted -------------------------------------------------- */

/* Whether the filters ask for what only the admission tells. */
static bool
asks_for_message(const struct filter *f)
{
	return f->from != NULL || f->to != NULL || f->has_user ||
	    f->larger_bytes > 0;
}

static bool
has_recipient(const char *pattern, const struct event *ev)
{
	for (size_t i = 0; i < ev->nrcpts; i++)
		if (filter_matches_address(pattern, ev->rcpts[i]))
			return true;
	return false;
}

/* Whether the message that EV admits is wanted. */
static bool
is_message_wanted(const struct filter *f, const struct event *ev)
{
	return (f->from == NULL ||
		   filter_matches_address(f->from, ev->sender)) &&
	    (f->to == NULL || has_recipient(f->to, ev)) &&
	    (!f->has_user || f->user == ev->uid) &&
	    (f->larger_bytes == 0 || ev->size_bytes > f->larger_bytes);
}

/* Whether the message of EV is wanted; its id is remembered. */
static bool
is_of_wanted(struct reader *r, const struct event *ev)
{
	const struct filter *f = &r->ctx->filter;

	if (!asks_for_message(f))
		return true;
	if (ev->id[0] == '\0')
		return false;
	if (ev->kind == EVENT_ADMITTED) {
		if (!is_message_wanted(f, ev))
			return false;
		if (!idhash_add(&r->ids, ev->id))
			err(EX_TEMPFAIL, "out of memory");
		return true;
	}
	return idhash_has(&r->ids, ev->id) &&
	    (f->to == NULL || ev->rcpt == NULL ||
		filter_matches_address(f->to, ev->rcpt));
}

static bool
is_named(const struct reader *r, const struct event *ev)
{
	for (int i = 0; i < r->noperands; i++)
		if (strcmp(r->operands[i], ev->id) == 0)
			return true;
	return r->noperands == 0;
}

static bool
matches_error(const struct filter *f, const char *text)
{
	return text != NULL && regexec(&f->error, text, 0, NULL, 0) == 0;
}

static bool
has_error(const struct filter *f, const struct event *ev)
{
	return !f->has_error || matches_error(f, ev->reply) ||
	    matches_error(f, ev->note);
}

static bool
is_in_time(const struct reader *r, const struct event *ev)
{
	const struct filter *f = &r->ctx->filter;
	int64_t age_us = f->now_us - ev->time_us;

	if (ev->time_us < r->since_us ||
	    (r->until_us > 0 && ev->time_us >= r->until_us))
		return false;
	return (f->older_us == 0 || age_us > f->older_us) &&
	    (f->newer_us == 0 || age_us < f->newer_us);
}

static bool
is_wanted(struct reader *r, const struct event *ev)
{
	const struct filter *f = &r->ctx->filter;

	/* First: it may have to be remembered. */
	if (!is_of_wanted(r, ev) || !is_named(r, ev))
		return false;
	if (r->kind != NULL && strcmp(r->kind, event_name(ev->kind)) != 0)
		return false;
	if (f->relay != NULL &&
	    (ev->relay == NULL || strcmp(ev->relay, f->relay) != 0))
		return false;
	return has_error(f, ev) && is_in_time(r, ev);
}

/* Whatever of ID is of no more interest has gone. */
static void
forget(struct reader *r, const struct event *ev)
{
	if (ev->kind == EVENT_REMOVED || ev->kind == EVENT_DROPPED ||
	    ev->kind == EVENT_GONE)
		idhash_remove(&r->ids, ev->id);
}

/* ---- lines ----------------------------------------------------------- */

/* Whether LINE can be passed on: json-c takes more than JSON allows, which no
 * spoold writes, and terminals obey. */
static bool
is_harmless(struct span line)
{
	char *clean;
	bool is_same;
	size_t i = 0;

	while (i < line.len && line.ptr[i] >= ' ' && line.ptr[i] < 0x7f)
		i++;
	if (i == line.len)
		return true;
	clean = text_clean(line, line.len);
	if (clean == NULL)
		errx(EX_TEMPFAIL, "out of memory");
	is_same =
	    strlen(clean) == line.len && memcmp(clean, line.ptr, line.len) == 0;
	free(clean);
	return is_same;
}

static void
put_event(
    FILE *out, const struct reader *r, struct span line, const struct event *ev)
{
	if (!r->is_json) {
		if (story_line(out, &r->style, ev->id, ev) < 0)
			errx(EX_TEMPFAIL, "out of memory");
		return;
	}
	(void)fwrite(line.ptr, 1, line.len, out);
	(void)fputc('\n', out);
}

/* Keep TEXT as the last line so far; it becomes R's. */
static void
keep(struct reader *r, char *text)
{
	size_t at = (r->first_last + r->nlast) % r->max_last;

	if (r->nlast == r->max_last) {
		free(r->last[r->first_last]);
		r->first_last = (r->first_last + 1) % r->max_last;
	} else {
		r->nlast++;
	}
	r->last[at] = text;
}

/* Keep the line of EV, for only the last ones are asked for. */
static void
keep_event(struct reader *r, struct span line, const struct event *ev)
{
	char *text = NULL;
	size_t len;
	FILE *mem = open_memstream(&text, &len);

	if (mem == NULL)
		errx(EX_TEMPFAIL, "out of memory");
	put_event(mem, r, line, ev);
	if (fclose(mem) != 0)
		errx(EX_TEMPFAIL, "out of memory");
	keep(r, text);
}

static void
take_event(struct reader *r, struct span line, const struct event *ev)
{
	if (r->last != NULL)
		keep_event(r, line, ev);
	else
		put_event(stdout, r, line, ev);
}

static void
put_last(struct reader *r)
{
	for (; r->nlast > 0; r->nlast--) {
		(void)fputs(r->last[r->first_last], stdout);
		free(r->last[r->first_last]);
		r->first_last = (r->first_last + 1) % r->max_last;
	}
	free(r->last);
	r->last = NULL;
}

/* ---- the history ----------------------------------------------------- */

/* All that is there now; 0 or -errno. */
static int
read_all(struct reader *r)
{
	const struct event *ev;
	struct span line;
	int result;

	while ((result = history_next_line(&r->h, &line)) > 0) {
		/* What parsing makes of the line, it leaves as it was. */
		result = history_parse(&r->h, &ev);
		if (result == -EINVAL)
			continue;
		if (result < 0)
			break;
		if (is_wanted(r, ev) && (!r->is_json || is_harmless(line)))
			take_event(r, line, ev);
		forget(r, ev);
		if (ferror(stdout))
			break;
	}
	return result;
}

static int
follow(struct reader *r)
{
	int result;

	do {
		if (fflush(stdout) != 0)
			return 0; /* said by main() */
		(void)poll(NULL, 0, FOLLOW_MS);
		r->ctx->filter.now_us = date_now_us();
		result = read_all(r);
	} while (result == 0 && !ferror(stdout));
	return result;
}

/* What is in the queue for longer than the history reaches back. */
static int
remember_queue(struct reader *r)
{
	struct filter f = r->ctx->filter;
	struct message *m;
	struct view v;
	int code;

	if (!asks_for_message(&f))
		return EX_OK;
	/* What they mean here is about the events. */
	f.relay = NULL;
	f.has_error = false;
	f.older_us = f.newer_us = 0;
	code = view_open(&v, r->ctx);
	if (code != EX_OK)
		return code;
	while ((m = view_next(&v)) != NULL)
		if (filter_matches(&f, &v.queue, m) &&
		    !idhash_add(&r->ids, m->id))
			errx(EX_TEMPFAIL, "out of memory");
	code = view_error(&v);
	view_close(&v);
	return code;
}

static int
read_history(struct reader *r)
{
	const struct filter *f = &r->ctx->filter;
	int64_t since_us = r->since_us;
	int result;

	if (f->newer_us > 0 && r->ctx->now_us - f->newer_us > since_us)
		since_us = r->ctx->now_us - f->newer_us;
	/* What is asked for may be told in older lines. */
	if (asks_for_message(f))
		since_us = 0;
	history_open(&r->h, r->ctx->sp.dir_fd, since_us);
	result = read_all(r);
	put_last(r);
	if (result == 0 && r->follows)
		result = follow(r);
	history_close(&r->h);
	if (result == 0)
		return EX_OK;
	warnx("cannot read the history: %s", strerror(-result));
	return exit_code(result);
}

/* ---- the command line ------------------------------------------------ */

/* TEXT as when_parse() has it, but of the past: a time alone is the last such,
 * a day alone its midnight. */
static bool
parse_moment(const char *text, int64_t now_us, int64_t *ret_us)
{
	char day[sizeof("2026-11-22T00:00")];

	if (text[0] == '+')
		return false;
	if (strlen(text) == strlen("2026-11-22") && text[4] == '-') {
		(void)snprintf(day, sizeof(day), "%sT00:00", text);
		text = day;
	}
	return when_parse(span_of(text), now_us - DAY_US, ret_us);
}

/* The option NAME, if it was given; says if it is wrong. */
static bool
take_moment(const struct context *ctx, const char *name, int64_t *ret_us)
{
	const char *text = context_option(ctx, name);
	char *shown;

	if (text == NULL || parse_moment(text, ctx->now_us, ret_us))
		return true;
	shown = text_clean(span_of(text), 60);
	warnx("--%s: '%s' is no point in time such as 2026-11-03, "
	      "2026-11-03T18:00 or 18:00",
	    name, shown != NULL ? shown : "?");
	free(shown);
	return false;
}

/* What is about messages that wait means nothing of events. */
static bool
has_no_meaning(const struct filter *f)
{
	if (f->state != NULL)
		warnx("--state is for messages in the queue; "
		      "--event chooses here");
	else if (f->attempts > 0)
		warnx("--attempts is for messages in the queue");
	return f->state != NULL || f->attempts > 0;
}

static bool
is_event(const char *kind)
{
	char *shown;

	if (kind == NULL || event_kind_of(kind) != EVENT_NONE)
		return true;
	shown = text_clean(span_of(kind), 60);
	warnx("there is no event '%s'; spoold-spool(5) has them",
	    shown != NULL ? shown : "?");
	free(shown);
	return false;
}

/* Whether what was asked for can be; says on standard error if not. */
static bool
check(struct reader *r)
{
	return is_event(r->kind) && !has_no_meaning(&r->ctx->filter) &&
	    take_moment(r->ctx, "since", &r->since_us) &&
	    take_moment(r->ctx, "until", &r->until_us) &&
	    select_are_ids(r->noperands, r->operands);
}

/* The same, and have room for the last lines, if only those are shown. */
static bool
prepare(struct reader *r)
{
	uint64_t limit = r->ctx->filter.limit;

	if (!check(r))
		return false;
	if (limit > LIMIT_MAX) {
		warnx("--limit is at most %d here", LIMIT_MAX);
		return false;
	}
	if (limit == 0 && r->follows)
		limit = FOLLOW_LINES;
	if (limit == 0)
		return true;
	r->max_last = limit;
	r->last = calloc(limit, sizeof(*r->last));
	if (r->last == NULL)
		errx(EX_TEMPFAIL, "out of memory");
	return true;
}

static int
run_log(struct context *ctx, int noperands, char *operands[])
{
	struct reader r = {
		.ctx = ctx,
		.operands = operands,
		.noperands = noperands,
		.is_json = context_option(ctx, "json") != NULL,
		.follows = context_option(ctx, "follow") != NULL,
		.kind = context_option(ctx, "event"),
	};
	int code;

	if (ctx->is_foreign) {
		warnx("the history is for the spool's owner and group");
		return EX_NOPERM;
	}
	if (!prepare(&r))
		return EX_USAGE;
	draw_style(&r.style, STDOUT_FILENO);
	code = remember_queue(&r);
	if (code == EX_OK)
		code = read_history(&r);
	idhash_release(&r.ids);
	return code;
}

static const struct command_option options[] = {
	{ "follow", NULL, 'f', "go on as more happens" },
	{ "event", "NAME", 0, "only such: delivered, deferred, failed ..." },
	{ "since", "WHEN", 0, "from then on: 2026-11-03, or 18:00" },
	{ "until", "WHEN", 0, "what was before" },
	{ "json", NULL, 0, "the journal's lines as they are" },
	{ .name = NULL },
};

const struct command command_log = {
	.name = "log",
	.args = "[-f] [--event NAME] [--since WHEN] [--until WHEN] [--json]\n"
		"                  [FILTER...] [ID...]",
	.does = "show what happened, also to messages that have left",
	.options = options,
	.has_filters = true,
	.operands_min = 0,
	.operands_max = -1,
	.run = run_log,
};
