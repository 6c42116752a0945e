/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* spoolq flush: make messages due now. */

#include "config.h"

#include <errno.h>

#include "spoolq/change.h"

static int
flush(struct owned *o, const char *id, enum spool_state state,
    const char **ret_done)
{
	int result;

	if (state != SPOOL_QUEUE) {
		*ret_done = state == SPOOL_HOLD
		    ? "is held, not in queue/"
		    : "is in failed/, not in queue/";
		return -EBUSY;
	}
	result = change_record(o, EVENT_FLUSHED, id);
	if (result == 0)
		*ret_done = "is tried when spoold starts";
	return result;
}

static int
run_flush(struct context *ctx, int noperands, char *operands[])
{
	return change_messages(
	    ctx, "flush", flush, operands, (size_t)noperands);
}

const struct command command_flush = {
	.name = "flush",
	.args = "[ID...]",
	.does = "try messages, or all of them, now",
	.operands_max = -1,
	.run = run_flush,
};
