/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See sendmail/queue-tool.h. */

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sendmail/caller.h"
#include "sendmail/queue-tool.h"

#define TOOL_NAME "spoolq"
/* Name, two options with values, command, id, NULL. */
#define TOOL_ARGS 8

/* Try each directory of PATH; -errno of the last that has the file. */
static int
exec_on_path(const char *path, char *const argv[])
{
	int err = -ENOENT;
	char *file;

	for (;;) {
		int len = (int)strcspn(path, ":");

		if (len > 0) {
			if (asprintf(&file, "%.*s/" TOOL_NAME, len, path) < 0)
				return -ENOMEM;
			execv(file, argv);
			if (errno != ENOENT && errno != ENOTDIR)
				err = -errno;
			free(file);
		}
		if (path[len] == '\0')
			return err;
		path += len + 1;
	}
}

int
queue_tool_exec(const struct options *opts, bool was_privileged)
{
	const char *path = getenv("SPOOLD_EXEC_PATH");
	const char *argv[TOOL_ARGS] = { TOOL_NAME };
	size_t n = 1;
	int err = caller_drop_privilege();

	if (err < 0)
		return err;
	if (opts->config != NULL) {
		argv[n++] = "-C";
		argv[n++] = opts->config;
	}
	if (opts->spool != NULL) {
		argv[n++] = "--spool";
		argv[n++] = opts->spool;
	}
	argv[n++] = opts->mode == MODE_LIST ? "mailq" : "flush";
	if (opts->flush_id != NULL)
		argv[n++] = opts->flush_id;

	if (!was_privileged && path != NULL)
		return exec_on_path(path, (char *const *)argv);
	execv(BINDIR "/" TOOL_NAME, (char *const *)argv);
	return -errno;
}
