/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* spoolq report: the state as a page of HTML. */

#include "config.h"

#include <err.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "spoolq/outfile.h"
#include "spoolq/page.h"
#include "spoolq/select.h"

static const struct command_option options[] = {
	{ .name = "html",
	    .arg = "FILE",
	    .does = "replace FILE by it; - is standard output" },
	{ .name = NULL },
};

static int
prepare_report(struct context *ctx)
{
	const char *path = context_option(ctx, "html");

	if (path == NULL) {
		warnx("--html FILE is missing");
		return EX_USAGE;
	}
	/* It names people: not for everybody, unless that was said before. */
	return outfile_prepare(path, 0640, true);
}

/* The health of all, which filters are to tell nothing of. */
static int
judge(struct health *health, const struct context *ctx)
{
	struct context all = *ctx;
	struct picture p;
	int code;

	all.filter = (struct filter){ .now_us = ctx->filter.now_us };
	code = picture_load(&p, &all, ctx->now_us);
	if (code != EX_OK)
		return code;
	health_judge(health, &p, &health_defaults);
	picture_release(&p);
	return EX_OK;
}

/* What was asked for, to be freed; NULL: everything, or out of memory. */
static char *
chosen(const struct filter *filter)
{
	char *text = NULL;
	size_t len;
	FILE *out = filter_is_set(filter) ? open_memstream(&text, &len) : NULL;

	if (out == NULL)
		return NULL;
	filter_put(out, filter);
	(void)fclose(out);
	return text;
}

static int
write_page(const struct context *ctx, const struct picture *p)
{
	struct health health;
	char host[HOST_NAME_MAX + 1] = "";
	char *only = chosen(&ctx->filter);
	FILE *out;
	int code = EX_OK;

	(void)gethostname(host, sizeof(host) - 1);
	if (p->is_filtered)
		code = judge(&health, ctx);
	else
		health_judge(&health, p, &health_defaults);
	out = code == EX_OK ? outfile_stream() : NULL;
	if (out != NULL) {
		page_put(out, p, &health, host, only);
		code = outfile_finish();
	} else if (code == EX_OK) {
		warnx("out of memory");
		code = EX_TEMPFAIL;
	}
	free(only);
	return code;
}

static int
run_report(struct context *ctx, int noperands, char *operands[])
{
	struct idset named = { .n = 0 };
	struct picture p;
	int code = select_only(&named, ctx, noperands, operands);

	if (code == EX_OK)
		code = picture_load(&p, ctx, ctx->now_us);
	if (code == EX_OK) {
		code = write_page(ctx, &p);
		if (code == EX_OK && !p.is_limited)
			code = select_missed(ctx, &named);
		picture_release(&p);
	}
	idset_release(&named);
	return code;
}

const struct command command_report = {
	.name = "report",
	.args = "--html FILE [FILTER...] [ID...]",
	.does = "write a page with plots and tables",
	.options = options,
	.has_filters = true,
	.operands_max = -1,
	.prepare = prepare_report,
	.run = run_report,
};
