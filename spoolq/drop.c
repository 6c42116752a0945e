/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* spoolq drop: remove messages that nobody is to get. */

#include "config.h"

#include "spoolq/change.h"

static const struct change change_drop = {
	.verb = "drop",
	.kind = EVENT_DROPPED,
	.to = CHANGE_REMOVES,
	.done = "dropped",
	.would = "would be dropped",
	.sum = "dropped",
	.is_for_others = true,
	.stops = true,
};

static int
run_drop(struct context *ctx, int noperands, char *operands[])
{
	return change_run(ctx, &change_drop, noperands, operands);
}

const struct command command_drop = {
	.name = "drop",
	.args = "[OPTION...] [FILTER...] [ID...]",
	.does = "remove messages; nobody is told",
	.options = change_options,
	.has_filters = true,
	.operands_max = -1,
	.run = run_drop,
};
