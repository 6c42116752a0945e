/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* spoolq release: let held messages go on. */

#include "config.h"

#include <errno.h>
#include <sysexits.h>

#include "spoolq/change.h"

static int
release(struct owned *o, const char *id, enum spool_state state,
    const char **ret_done)
{
	int result;

	*ret_done = "released";
	if (state == SPOOL_QUEUE)
		return 0;
	if (state != SPOOL_HOLD) {
		*ret_done = "is in failed/";
		return -EBUSY;
	}
	result = spool_move(&o->sp, id, SPOOL_HOLD, SPOOL_QUEUE);
	if (result == 0)
		result = change_record(o, EVENT_RELEASED, id);
	return result;
}

static int
run_release(struct context *ctx, int argc, char *argv[])
{
	if (argc < 2)
		return EX_USAGE;
	return change_messages(
	    ctx, "release", release, argv + 1, (size_t)argc - 1);
}

const struct command command_release = {
	.name = "release",
	.args = "ID...",
	.does = "let held messages go on",
	.run = run_release,
};
