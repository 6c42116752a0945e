/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* spoolq retry: try messages now, as if they had not been tried. */

#include "config.h"

#include "spoolq/change.h"

static const struct change change_retry = {
	.verb = "retry",
	.kind = EVENT_RETRIED,
	.to = CHANGE_STAYS,
	.refusals = {
	    [SPOOL_HOLD] = "is held, not in queue/",
	    [SPOOL_FAILED] = "is in failed/, not in queue/",
	},
	.done = "is tried anew when spoold starts",
	.would = "would be due now, its attempts counted anew",
	.sum = "made due, their attempts counted anew",
};

static int
run_retry(struct context *ctx, int noperands, char *operands[])
{
	return change_run(ctx, &change_retry, noperands, operands);
}

const struct command command_retry = {
	.name = "retry",
	.args = "[OPTION...] [FILTER...] [ID...]",
	.does = "try messages now, and count their attempts anew",
	.options = change_wait_options,
	.has_filters = true,
	.operands_max = -1,
	.run = run_retry,
};
