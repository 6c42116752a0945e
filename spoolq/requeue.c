/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* spoolq requeue: try again what was given up and kept. */

#include "config.h"

#include "spoolq/change.h"

static const struct change change_requeue = {
	.verb = "requeue",
	.kind = EVENT_REQUEUED,
	.to = SPOOL_QUEUE,
	.refusals = {
	    [SPOOL_QUEUE] = "is not in failed/",
	    [SPOOL_HOLD] = "is not in failed/",
	},
	.done = "is back in queue/",
	.would = "would be back in queue/",
	.sum = "back in queue/",
};

static int
run_requeue(struct context *ctx, int noperands, char *operands[])
{
	return change_run(ctx, &change_requeue, noperands, operands);
}

const struct command command_requeue = {
	.name = "requeue",
	.args = "[OPTION...] [FILTER...] [ID...]",
	.does = "try again what has failed and was kept",
	.options = change_wait_options,
	.has_filters = true,
	.operands_max = -1,
	.run = run_requeue,
};
