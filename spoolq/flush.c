/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* spoolq flush: make messages due now. */

#include "config.h"

#include "spoolq/change.h"

static const struct change change_flush = {
	.verb = "flush",
	.kind = EVENT_FLUSHED,
	.to = CHANGE_STAYS,
	.refusals = {
	    [SPOOL_HOLD] = "is held, not in queue/",
	    [SPOOL_FAILED] = "is in failed/, not in queue/",
	},
	.done = "is tried when spoold starts",
	.would = "would be due now",
	.sum = "made due",
	.is_all_by_default = true,
};

static int
run_flush(struct context *ctx, int noperands, char *operands[])
{
	return change_run(ctx, &change_flush, noperands, operands);
}

const struct command command_flush = {
	.name = "flush",
	.args = "[OPTION...] [FILTER...] [ID...]",
	.does = "try messages, or all of them, now",
	.options = change_wait_options,
	.has_filters = true,
	.operands_max = -1,
	.run = run_flush,
};
