/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* spoolq release: let held messages go on. */

#include "config.h"

#include "spoolq/change.h"

static const struct change change_release = {
	.verb = "release",
	.kind = EVENT_RELEASED,
	.to = SPOOL_QUEUE,
	.refusals = {
	    [SPOOL_QUEUE] = "is not held",
	    [SPOOL_FAILED] = "is in failed/, not held",
	},
	.done = "released",
	.would = "would be released",
	.sum = "released",
};

static int
run_release(struct context *ctx, int noperands, char *operands[])
{
	return change_run(ctx, &change_release, noperands, operands);
}

const struct command command_release = {
	.name = "release",
	.args = "[OPTION...] [FILTER...] [ID...]",
	.does = "let held messages go on",
	.options = change_wait_options,
	.has_filters = true,
	.operands_max = -1,
	.run = run_release,
};
