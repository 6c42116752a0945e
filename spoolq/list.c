/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* spoolq list: the queue for people and, with --json or --ids, for programs. */

#include "config.h"

#include <err.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "spoolq/draw.h"
#include "spoolq/output.h"
#include "spoolq/select.h"
#include "spoolq/view.h"

/* Narrower than this, lines are left to wrap. */
#define COLUMNS_LEAST 60

struct listing {
	const struct context *ctx;
	struct view view;
	struct style style;
	size_t columns; /* 0: no limit */
	struct json_out json;
	size_t messages, rcpts;
	uint64_t bytes;
	bool is_limited; /* not all were looked at */
};

/* Print M; 0 or -errno. */
typedef int list_fn(struct listing *l, const struct message *m);

static int
put_json(struct listing *l, const struct message *m)
{
	json_out_cut(&l->json, 0);
	output_json(&l->json, &l->view.queue, m, l->ctx->now_us);
	if (l->json.failed)
		return -1;
	(void)fwrite(l->json.text, 1, l->json.len, stdout);
	return 0;
}

static int
put_id(struct listing *l, const struct message *m)
{
	(void)l;
	(void)puts(m->id);
	return 0;
}

static int
put_row(struct listing *l, const struct message *m)
{
	if (l->messages == 1)
		output_table_head(stdout, &l->style, l->columns);
	return output_table_row(
	    stdout, &l->style, l->columns, &l->view.queue, m, l->ctx->now_us);
}

static void
put_sum(const struct listing *l)
{
	char size[OUTPUT_WORD];

	if (l->messages == 0) {
		(void)puts(filter_is_set(&l->ctx->filter)
			? "no message matches"
			: "the queue is empty");
		return;
	}
	output_size(l->bytes, size);
	(void)printf("%zu message%s, %zu recipient%s to go, %s bytes\n",
	    l->messages, l->messages == 1 ? "" : "s", l->rcpts,
	    l->rcpts == 1 ? "" : "s", size);
}

static int
list_all(struct listing *l, list_fn *fn)
{
	const struct filter *filter = &l->ctx->filter;
	struct message *m;

	while ((m = view_next(&l->view)) != NULL) {
		if (!filter_matches(filter, &l->view.queue, m))
			continue;
		l->messages++;
		l->rcpts += m->npending;
		l->bytes += m->size_bytes;
		if (fn(l, m) < 0) {
			warnx("out of memory");
			return EX_TEMPFAIL;
		}
		if (ferror(stdout)) {
			warn("cannot write");
			return EX_IOERR;
		}
		l->is_limited = l->messages == filter->limit;
		if (l->is_limited)
			break;
	}
	return view_error(&l->view);
}

/* How it is to look: on a terminal, or as --color says. */
static int
set_style(struct listing *l)
{
	const char *when = context_option(l->ctx, "color");

	draw_style(&l->style, STDOUT_FILENO);
	if (l->style.cut && l->style.columns >= COLUMNS_LEAST)
		l->columns = l->style.columns;
	if (when == NULL || strcmp(when, "auto") == 0)
		return EX_OK;
	l->style.colour = strcmp(when, "always") == 0;
	if (l->style.colour || strcmp(when, "never") == 0)
		return EX_OK;
	warnx("--color is auto, always or never");
	return EX_USAGE;
}

/* How each is to be printed; NULL after saying that it cannot be. */
static list_fn *
choose(const struct context *ctx)
{
	bool is_json = context_option(ctx, "json") != NULL;
	bool is_ids = context_option(ctx, "ids") != NULL;

	if (!is_json || !is_ids)
		return is_json ? put_json : is_ids ? put_id : put_row;
	warnx("'--ids' and '--json' exclude each other");
	return NULL;
}

static int
run_list(struct context *ctx, int noperands, char *operands[])
{
	struct listing l = { .ctx = ctx };
	struct idset named = { .n = 0 };
	list_fn *fn = choose(ctx);
	int code = fn == NULL ? EX_USAGE : set_style(&l);

	if (code == EX_OK)
		code = select_only(&named, ctx, noperands, operands);
	if (code == EX_OK)
		code = view_open(&l.view, ctx);
	if (code != EX_OK) {
		idset_release(&named);
		return code;
	}
	/* Who asks for ids has them read by a program. */
	if (fn != put_id)
		view_warn(&l.view, ctx);
	code = list_all(&l, fn);
	if (code == EX_OK && fn == put_row)
		put_sum(&l);
	if (code == EX_OK && !l.is_limited)
		code = select_missed(ctx, &named);
	idset_release(&named);
	json_out_free(&l.json);
	view_close(&l.view);
	return code;
}

static const struct command_option options[] = {
	{ "json", NULL, 0, "a JSON object a line" },
	{ "ids", NULL, 0, "the ids alone, one a line" },
	{ "color", "WHEN", 0, "auto, always or never" },
	{ .name = NULL },
};

const struct command command_list = {
	.name = "list",
	.args = "[--json | --ids] [--color WHEN] [FILTER...] [ID...]",
	.does = "show the messages in the spool",
	.options = options,
	.has_filters = true,
	.operands_max = -1,
	.run = run_list,
};
