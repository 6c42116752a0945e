/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* spoolq hold: keep messages from being tried. */

#include "config.h"

#include "spoolq/change.h"

static const struct change change_hold = {
	.verb = "hold",
	.kind = EVENT_HELD,
	.to = SPOOL_HOLD,
	.refusals = { [SPOOL_FAILED] = "is in failed/" },
	.already = "is held already",
	.done = "held",
	.would = "would be held",
	.sum = "held",
	.stops = true,
};

static int
run_hold(struct context *ctx, int noperands, char *operands[])
{
	return change_run(ctx, &change_hold, noperands, operands);
}

const struct command command_hold = {
	.name = "hold",
	.args = "[OPTION...] [FILTER...] [ID...]",
	.does = "keep messages, untried, until they are released",
	.options = change_options,
	.has_filters = true,
	.operands_max = -1,
	.run = run_hold,
};
