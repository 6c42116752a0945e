/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See tool.h. */

#include "config.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "spoolq/tool.h"

#define ARGS_MAX 32

/* NAME below one of the directories of PATH, to be freed; NULL: in none. */
static char *
find_on(const char *path, const char *name)
{
	char *file;

	while (path != NULL && *path != '\0') {
		int len = (int)strcspn(path, ":");

		if (len > 0 &&
		    asprintf(&file, "%.*s/%s", len, path, name) >= 0) {
			if (access(file, X_OK) == 0)
				return file;
			free(file);
		}
		path += len + (path[len] == ':');
	}
	return NULL;
}

static char *
find(const char *name)
{
	char *file = find_on(getenv("SPOOLD_EXEC_PATH"), name);

	return file != NULL ? file : find_on(SBINDIR, name);
}

/* In the child. */
static _Noreturn void
run(const char *file, const char *const argv[], int in_fd)
{
	if (dup2(in_fd, STDIN_FILENO) >= 0) {
		/* Whether its reader leaves is its own business again. */
		(void)signal(SIGPIPE, SIG_DFL);
		(void)execv(file, (char *const *)(uintptr_t)argv);
	}
	warn("cannot run '%s'", file);
	_exit(EX_UNAVAILABLE);
}

static size_t
add_common(const char *argv[ARGS_MAX], const struct context *ctx)
{
	size_t n = 1;

	if (ctx->config != NULL) {
		argv[n++] = "-C";
		argv[n++] = ctx->config;
	}
	if (ctx->spool != NULL) {
		argv[n++] = "--spool";
		argv[n++] = ctx->spool;
	}
	return n;
}

static FILE *
start(const char *file, const char *const argv[], pid_t *ret_pid)
{
	int fds[2];
	FILE *in;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return NULL;
	in = fdopen(fds[1], "w");
	*ret_pid = in == NULL ? -1 : fork();
	if (*ret_pid == 0)
		run(file, argv, fds[0]);
	(void)close(fds[0]);
	if (*ret_pid > 0)
		return in;
	if (in != NULL)
		(void)fclose(in);
	else
		(void)close(fds[1]);
	return NULL;
}

FILE *
tool_write(const char *name, const struct context *ctx,
    const char *const args[], pid_t *ret_pid)
{
	const char *argv[ARGS_MAX] = { name };
	size_t n = add_common(argv, ctx);
	char *file = find(name);
	FILE *in;

	if (file == NULL) {
		warnx("there is no %s in " SBINDIR, name);
		return NULL;
	}
	while (*args != NULL && n < ARGS_MAX - 1)
		argv[n++] = *args++;
	argv[n] = NULL;
	/* It may end before it has read all, and says why. */
	(void)signal(SIGPIPE, SIG_IGN);
	(void)fflush(NULL);
	in = start(file, argv, ret_pid);
	if (in == NULL)
		warn("cannot run '%s'", file);
	free(file);
	return in;
}

int
tool_close(FILE *in, pid_t pid)
{
	int status;

	(void)fclose(in);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR) {
			warn("cannot wait for process %ld", (long)pid);
			return EX_OSERR;
		}
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	warnx(
	    "process %ld was ended by signal %d", (long)pid, WTERMSIG(status));
	return EX_OSERR;
}
