/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/text.h"
#include "spoold/smtp/command.h"
#include "spoold/smtp/conn.h"

/* Without a descriptor for the process its end is looked for so often. */
#define LOOK_MS 50
/* What was killed ends so soon, unless the kernel has it in its grip. */
#define KILLED_MS 1000
#define LEFT_MAX 32

extern char **environ;

/* One end of what a child writes. */
struct stream {
	int fd; /* -1: at its end */
	char *buf;
	size_t size;
	size_t len;
	size_t total;
};

struct child {
	pid_t pid;
	int pid_fd; /* readable when it has ended; -1: not to be had */
	bool is_over;
	int status; /* of waitpid(), when it is over */
	struct stream out;
	struct stream err;
};

/* ---- starting -------------------------------------------------------- */

/*
 * Our environment, but with the user's real home: ours points nowhere, for
 * libESMTP's sake (main.c).  To be freed; the strings are borrowed.
 */
static char **
make_environment(char home[4096])
{
	struct passwd pw, *found = NULL;
	char buf[4096];
	size_t count = 0, used = 0;
	char **env;

	while (environ[count] != NULL)
		count++;
	env = calloc(count + 2, sizeof(*env));
	if (env == NULL)
		return NULL;
	for (size_t i = 0; i < count; i++)
		if (strncmp(environ[i], "HOME=", 5) != 0 &&
		    strncmp(environ[i], "XDG_CONFIG_DIR=", 15) != 0)
			env[used++] = environ[i];
	(void)getpwuid_r(getuid(), &pw, buf, sizeof(buf), &found);
	(void)snprintf(home, 4096, "HOME=%s",
	    found != NULL && found->pw_dir != NULL ? found->pw_dir : "/");
	env[used] = home;
	return env;
}

/* Its own group, no signal blocked or ignored. */
static int
set_attributes(posix_spawnattr_t *attr)
{
	sigset_t none, all;
	int err;

	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	err = posix_spawnattr_setflags(attr,
	    POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
		POSIX_SPAWN_SETSIGDEF);
	if (err == 0)
		err = posix_spawnattr_setpgroup(attr, 0);
	if (err == 0)
		err = posix_spawnattr_setsigmask(attr, &none);
	if (err == 0)
		err = posix_spawnattr_setsigdefault(attr, &all);
	return err;
}

static int
set_files(posix_spawn_file_actions_t *files, int out_fd, int err_fd)
{
	int err = posix_spawn_file_actions_addopen(
	    files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);

	if (err == 0)
		err = posix_spawn_file_actions_adddup2(
		    files, out_fd, STDOUT_FILENO);
	if (err == 0)
		err = posix_spawn_file_actions_adddup2(
		    files, err_fd, STDERR_FILENO);
	if (err == 0)
		err = posix_spawn_file_actions_addchdir_np(files, "/");
	return err;
}

/* 0 or an errno value. */
static int
spawn(struct child *child, const char *command, int out_fd, int err_fd)
{
	char sh[] = "sh", dash_c[] = "-c", home[4096];
	char *copy = strdup(command);
	char *argv[] = { sh, dash_c, copy, NULL };
	char **env = make_environment(home);
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int err = ENOMEM;

	if (copy == NULL || env == NULL)
		goto out;
	err = posix_spawnattr_init(&attr);
	if (err != 0)
		goto out;
	err = posix_spawn_file_actions_init(&files);
	if (err == 0) {
		err = set_attributes(&attr);
		if (err == 0)
			err = set_files(&files, out_fd, err_fd);
		if (err == 0)
			err = posix_spawn(
			    &child->pid, "/bin/sh", &files, &attr, argv, env);
		(void)posix_spawn_file_actions_destroy(&files);
	}
	(void)posix_spawnattr_destroy(&attr);
out:
	free(env);
	free(copy);
	return err;
}

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

/* Our end must not make us wait; the child's is another description. */
static int
make_pipe(int fds[2])
{
	if (pipe2(fds, O_CLOEXEC) < 0)
		return errno;
	/* Cannot fail: the descriptor is good. */
	(void)fcntl(fds[0], F_SETFL, O_NONBLOCK);
	return 0;
}

/* 0 or an errno value. */
static int
start(struct child *child, const char *command)
{
	int out[2] = { -1, -1 }, err[2] = { -1, -1 };
	int error = make_pipe(out);

	if (error == 0)
		error = make_pipe(err);
	if (error == 0)
		error = spawn(child, command, out[1], err[1]);
	close_fd(&out[1]);
	close_fd(&err[1]);
	child->out.fd = out[0];
	child->err.fd = err[0];
	child->pid_fd = -1;
	if (error != 0) {
		close_fd(&child->out.fd);
		close_fd(&child->err.fd);
		return error;
	}
	/* Closed on exec by itself. */
	child->pid_fd = (int)syscall(SYS_pidfd_open, child->pid, 0);
	return 0;
}

/* ---- reading --------------------------------------------------------- */

/* As read(2); what does not fit is only counted. */
static ssize_t
take(struct stream *stream)
{
	char waste[1024];
	size_t room = stream->size - stream->len;
	ssize_t n = room > 0 ? read(stream->fd, stream->buf + stream->len, room)
			     : read(stream->fd, waste, sizeof(waste));

	if (n > 0)
		stream->total += (size_t)n;
	if (n > 0 && room > 0)
		stream->len += (size_t)n;
	explicit_bzero(waste, sizeof(waste));
	return n;
}

/* Read what is there. */
static void
drain(struct stream *stream)
{
	ssize_t n = 1;

	while (stream->fd >= 0 && n > 0 && stream->total <= COMMAND_OUTPUT_MAX)
		n = take(stream);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		close_fd(&stream->fd);
}

static void
reap(struct child *child, int flags)
{
	pid_t pid;

	do
		pid = waitpid(child->pid, &child->status, flags);
	while (pid < 0 && errno == EINTR);
	child->is_over = pid != 0;
}

/* A fixed clause if it must be killed for that. */
static const char *
follow(struct child *child, int abort_fd, int64_t deadline_ms)
{
	while (!child->is_over) {
		struct pollfd fds[] = {
			{ .fd = child->out.fd, .events = POLLIN },
			{ .fd = child->err.fd, .events = POLLIN },
			{ .fd = child->pid_fd, .events = POLLIN },
			{ .fd = abort_fd, .events = POLLIN },
		};
		int64_t left_ms = deadline_ms - conn_now_ms();

		if (left_ms <= 0)
			return "does not end";
		if (child->pid_fd < 0 && left_ms > LOOK_MS)
			left_ms = LOOK_MS;
		if (poll(fds, 4, (int)left_ms) > 0 && fds[3].revents != 0)
			return "asked to stop";
		/* First, so that what it wrote before it ended is there. */
		reap(child, WNOHANG);
		drain(&child->out);
		drain(&child->err);
		if (child->out.total > COMMAND_OUTPUT_MAX ||
		    child->err.total > COMMAND_OUTPUT_MAX)
			return "says more than 64 KB";
	}
	return NULL;
}

/* ---- the result ------------------------------------------------------ */

/* The first line of standard error; "" if there is none. */
static void
first_words(const struct stream *err, char *buf, size_t size)
{
	const char *lf = memchr(err->buf, '\n', err->len);
	size_t len = lf != NULL ? (size_t)(lf - err->buf) : err->len;
	char *clean = text_clean((struct span){ err->buf, len }, 200);

	(void)snprintf(buf, size, "%s", clean != NULL ? clean : "");
	free(clean);
}

static int
judge(const struct child *child, char *why, size_t size)
{
	char said[256], what[48];

	if (WIFEXITED(child->status) && WEXITSTATUS(child->status) == 0)
		return 0;
	if (WIFEXITED(child->status))
		(void)snprintf(what, sizeof(what), "exit status %d",
		    WEXITSTATUS(child->status));
	else
		(void)snprintf(what, sizeof(what), "killed by signal %d",
		    WTERMSIG(child->status));
	first_words(&child->err, said, sizeof(said));
	(void)snprintf(
	    why, size, "%s%s%s", what, said[0] != '\0' ? ": " : "", said);
	return -1;
}

/* ---- what cannot be killed ------------------------------------------- */

static pthread_mutex_t left_lock = PTHREAD_MUTEX_INITIALIZER;
static pid_t left[LEFT_MAX]; /* children to be reaped one day; 0: none */

/* Reap those of the left that are over by now. */
static void
reap_left(void)
{
	(void)pthread_mutex_lock(&left_lock);
	for (size_t i = 0; i < LEFT_MAX; i++)
		if (left[i] != 0 && waitpid(left[i], NULL, WNOHANG) != 0)
			left[i] = 0;
	(void)pthread_mutex_unlock(&left_lock);
}

/* With more than LEFT_MAX of them a zombie is the least trouble. */
static void
leave(pid_t pid)
{
	(void)pthread_mutex_lock(&left_lock);
	for (size_t i = 0; i < LEFT_MAX; i++)
		if (left[i] == 0) {
			left[i] = pid;
			break;
		}
	(void)pthread_mutex_unlock(&left_lock);
}

/* Kill CHILD, and what it may have left behind in the background. */
static void
put_down(struct child *child)
{
	int64_t deadline_ms = conn_now_ms() + KILLED_MS;

	(void)kill(-child->pid, SIGKILL);
	if (child->is_over)
		return;
	/* It may have gone to another group. */
	(void)kill(child->pid, SIGKILL);
	reap(child, WNOHANG);
	while (!child->is_over && conn_now_ms() < deadline_ms) {
		struct pollfd fd = { .fd = child->pid_fd, .events = POLLIN };

		(void)poll(&fd, 1, LOOK_MS);
		reap(child, WNOHANG);
	}
	if (!child->is_over)
		leave(child->pid);
}

int
command_run(const char *command, int abort_fd, int64_t deadline_ms, char *buf,
    size_t size, size_t *ret_len, char *why, size_t why_size)
{
	char words[512];
	struct child child = {
		.out = { .buf = buf, .size = size },
		.err = { .buf = words, .size = sizeof(words) },
	};
	const char *fault;
	int err;

	reap_left();
	err = start(&child, command);
	if (err != 0) {
		(void)snprintf(
		    why, why_size, "cannot be run: %s", strerror(err));
		return -1;
	}
	fault = follow(&child, abort_fd, deadline_ms);
	put_down(&child);
	close_fd(&child.out.fd);
	close_fd(&child.err.fd);
	close_fd(&child.pid_fd);
	*ret_len = child.out.len;
	if (fault == NULL)
		return judge(&child, why, why_size);
	(void)snprintf(why, why_size, "%s", fault);
	return strcmp(fault, "asked to stop") == 0 ? -ECANCELED : -1;
}
