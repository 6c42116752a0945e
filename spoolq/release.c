/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* spoolq release: let held messages go on. */

#include "config.h"

#include <errno.h>

#include "spoolq/change.h"

static int
release(struct owned *o, const char *id, enum spool_state state,
    const char **ret_done)
{
	int result;

	if (state != SPOOL_HOLD) {
		*ret_done = state == SPOOL_QUEUE ? "is not held"
						 : "is in failed/, not held";
		return -EBUSY;
	}
	*ret_done = "released";
	result = spool_move(&o->sp, id, SPOOL_HOLD, SPOOL_QUEUE);
	if (result == 0)
		result = change_record(o, EVENT_RELEASED, id);
	return result;
}

static int
run_release(struct context *ctx, int noperands, char *operands[])
{
	return change_messages(
	    ctx, "release", release, operands, (size_t)noperands);
}

const struct command command_release = {
	.name = "release",
	.args = "ID...",
	.does = "let held messages go on",
	.operands_min = 1,
	.operands_max = -1,
	.run = run_release,
};
