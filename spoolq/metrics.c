/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* spoolq metrics: figures for Prometheus and its like. */

#include "config.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "spoolq/openmetrics.h"
#include "spoolq/outfile.h"

static const struct command_option options[] = {
	{ .name = "textfile",
	    .arg = "PATH",
	    .does = "replace the file PATH, for node_exporter" },
	{ .name = NULL },
};

static int
prepare_metrics(struct context *ctx)
{
	return outfile_prepare(context_option(ctx, "textfile"), 0644, false);
}

static int
run_metrics(struct context *ctx, int noperands, char *operands[])
{
	struct picture p;
	FILE *out;
	int code;

	(void)noperands;
	(void)operands;
	code = picture_load(&p, ctx, ctx->now_us);
	if (code != EX_OK)
		return code;
	if (ctx->is_foreign)
		warnx("only mail that you submitted is counted");
	out = outfile_stream();
	if (out != NULL)
		openmetrics_put(out, &p);
	picture_release(&p);
	if (out != NULL)
		return outfile_finish();
	warnx("out of memory");
	return EX_TEMPFAIL;
}

const struct command command_metrics = {
	.name = "metrics",
	.args = "[--textfile PATH]",
	.does = "print figures as OpenMetrics",
	.options = options,
	.prepare = prepare_metrics,
	.run = run_metrics,
};
