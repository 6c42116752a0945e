/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See sendmail/queue-tool.h. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sendmail/caller.h"
#include "sendmail/queue-tool.h"

#define TOOL_NAME "spoolq"
/* Name, two options with values, command, option, id, two filters, NULL. */
#define TOOL_ARGS 11

/*
 * NAME=*TEXT*, for the tool takes globs and sendmail's tradition is a part of
 * the address; NULL when out of memory.
 */
static char *
make_filter(const char *name, const char *text)
{
	char *made = NULL;
	size_t len;
	FILE *out = open_memstream(&made, &len);

	if (out == NULL)
		return NULL;
	fprintf(out, "%s=*", name);
	for (; *text != '\0'; text++) {
		if (strchr("*?[\\", *text) != NULL)
			putc('\\', out);
		putc(*text, out);
	}
	putc('*', out);
	if (fclose(out) == 0)
		return made;
	free(made);
	return NULL;
}

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

/* Append the filter NAME to the N of ARGV, unless TEXT is NULL. */
static bool
add_filter(const char **argv, size_t *n, const char *name, const char *text)
{
	char *made;

	if (text == NULL)
		return true;
	made = make_filter(name, text);
	if (made == NULL)
		return false;
	argv[(*n)++] = made;
	return true;
}

/*
 * Success is silent: what a flush says that went well, cron would send as mail.
 */
static int
silence_output(void)
{
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (dup2(fd, STDOUT_FILENO) < 0)
		err = -errno;
	close(fd);
	return err;
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
	/* sendmail has never asked. */
	if (opts->mode == MODE_FLUSH)
		argv[n++] = "--yes";
	if (opts->flush_id != NULL)
		argv[n++] = opts->flush_id;
	if (!add_filter(argv, &n, "--from", opts->flush_from) ||
	    !add_filter(argv, &n, "--to", opts->flush_to))
		return -ENOMEM;

	if (opts->mode == MODE_FLUSH) {
		err = silence_output();
		if (err < 0)
			return err;
	}
	if (!was_privileged && path != NULL)
		return exec_on_path(path, (char *const *)argv);
	execv(BINDIR "/" TOOL_NAME, (char *const *)argv);
	return -errno;
}
