/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* spoolq drop: remove messages that nobody is to get. */

#include "config.h"

#include "spoolq/change.h"

static int
drop(struct owned *o, const char *id, enum spool_state state,
    const char **ret_done)
{
	int result = spool_remove(&o->sp, id, state);

	if (result < 0)
		return result;
	result = spool_sync(&o->sp, state);
	if (result == 0)
		result = change_record(o, EVENT_DROPPED, id);
	if (result == 0)
		*ret_done = "dropped";
	return result;
}

static int
run_drop(struct context *ctx, int noperands, char *operands[])
{
	return change_messages(ctx, "drop", drop, operands, (size_t)noperands);
}

const struct command command_drop = {
	.name = "drop",
	.args = "ID...",
	.does = "remove messages; nobody is told",
	.operands_min = 1,
	.operands_max = -1,
	.run = run_drop,
};
