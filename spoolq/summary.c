/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* spoolq summary: what waits, in tables. */

#include "config.h"

#include <err.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "spoolq/select.h"
#include "spoolq/summary.h"

#define ROWS_DEFAULT 10

static const struct command_option options[] = {
	{ .name = "json", .does = "as one JSON object" },
	{ .name = "top",
	    .arg = "N",
	    .does = "at most N rows of each table, 10" },
	{ .name = NULL },
};

static int
run_summary(struct context *ctx, int noperands, char *operands[])
{
	const char *top = context_option(ctx, "top"), *why = NULL;
	size_t rows = ROWS_DEFAULT;
	struct picture p;
	struct style style;
	struct idset named = { .n = 0 };
	int code;

	if (top != NULL)
		rows = (size_t)strtonum(top, 1, TOP_MAX, &why);
	if (why != NULL) {
		warnx("--top: '%s' is %s", top, why);
		return EX_USAGE;
	}
	code = select_only(&named, ctx, noperands, operands);
	if (code == EX_OK)
		code = picture_load(&p, ctx, ctx->now_us);
	if (code != EX_OK) {
		idset_release(&named);
		return code;
	}
	view_warn(&p.view, ctx);
	draw_style(&style, STDOUT_FILENO);
	if (context_option(ctx, "json") == NULL)
		summary_put(stdout, &style, &p, rows);
	else if (summary_put_json(stdout, &p, rows) < 0) {
		warnx("out of memory");
		code = EX_TEMPFAIL;
	}
	if (code == EX_OK && !p.is_limited)
		code = select_missed(ctx, &named);
	picture_release(&p);
	idset_release(&named);
	return code;
}

const struct command command_summary = {
	.name = "summary",
	.args = "[--json] [--top N] [FILTER...] [ID...]",
	.does = "show what waits by age, relay, domain, sender and error",
	.options = options,
	.has_filters = true,
	.operands_max = -1,
	.run = run_summary,
};
