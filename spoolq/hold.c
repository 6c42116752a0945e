/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* spoolq hold: keep messages from being tried. */

#include "config.h"

#include <errno.h>

#include "spoolq/change.h"

static int
hold(struct owned *o, const char *id, enum spool_state state,
    const char **ret_done)
{
	int result;

	*ret_done = "held";
	if (state == SPOOL_HOLD)
		return 0;
	if (state != SPOOL_QUEUE) {
		*ret_done = "is in failed/";
		return -EBUSY;
	}
	result = spool_move(&o->sp, id, SPOOL_QUEUE, SPOOL_HOLD);
	if (result == 0)
		result = change_record(o, EVENT_HELD, id);
	return result;
}

static int
run_hold(struct context *ctx, int noperands, char *operands[])
{
	return change_messages(ctx, "hold", hold, operands, (size_t)noperands);
}

const struct command command_hold = {
	.name = "hold",
	.args = "ID...",
	.does = "keep messages, untried, until they are released",
	.operands_min = 1,
	.operands_max = -1,
	.run = run_hold,
};
