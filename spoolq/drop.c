/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* spoolq drop: remove messages that nobody is to get. */

#include "config.h"

#include <sysexits.h>

#include "lib/fsutil.h"
#include "spoolq/change.h"

static int
drop(struct owned *o, const char *id, enum spool_state state,
    const char **ret_done)
{
	int result = spool_remove(&o->sp, id, state);

	if (result < 0)
		return result;
	/* spoold leaves this to its journal; ours may not know the message,
	 * if no spoold ever saw it. */
	result = fs_sync(o->sp.state_fd[state]);
	if (result == 0)
		result = change_record(o, EVENT_DROPPED, id);
	if (result == 0)
		*ret_done = "dropped";
	return result;
}

static int
run_drop(struct context *ctx, int argc, char *argv[])
{
	if (argc < 2)
		return EX_USAGE;
	return change_messages(ctx, "drop", drop, argv + 1, (size_t)argc - 1);
}

const struct command command_drop = {
	.name = "drop",
	.args = "ID...",
	.does = "remove messages; nobody is told",
	.run = run_drop,
};
