/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * See snapshot-child.h.
 *
 * The child has a copy of everything that spoold has, and must use none of it
 * but memory: the lock would stay taken if spoold died, its sockets and pipes
 * would stay open, its signal handlers write into its loop.  So it closes all,
 * takes no signal but SIGKILL, and gets that as soon as spoold ends.
 */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/fsutil.h"
#include "spoold/snapshot-child.h"
#include "spoold/spoold.h"

/* Where the child has the spool's directory, and the pipe that it holds. */
enum { CHILD_DIR, CHILD_PIPE };

/* ---- the child ------------------------------------------------------- */

static int
write_and_sync(
    const struct spoold *d, int dir_fd, const char *name, int64_t now_us)
{
	int fd, err;

	err = status_write(dir_fd, name, &d->queue, &d->daemon, now_us);
	if (err < 0)
		return err;
	fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	err = fs_sync(fd);
	(void)close(fd);
	return err;
}

_Noreturn static void
be_child(const struct spoold *d, const char *name, int pipe_fd, pid_t parent,
    int64_t now_us)
{
	int err = 0;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		err = -errno;
	/* It may have ended before that. */
	if (getppid() != parent)
		err = -ECANCELED;
	/* Both are above 2: spoold has those open. */
	if (dup2(d->sp.dir_fd, CHILD_DIR) < 0 || dup2(pipe_fd, CHILD_PIPE) < 0)
		err = -errno;
	closefrom(STDERR_FILENO + 1);
	if (err == 0)
		err = write_and_sync(d, CHILD_DIR, name, now_us);
	_exit(-err & 0xff);
}

/* ---- spoold ---------------------------------------------------------- */

static int
status_err(int status)
{
	if (WIFEXITED(status))
		return -WEXITSTATUS(status);
	return -ECANCELED;
}

static void
on_closed(uv_handle_t *handle)
{
	struct spoold *d = handle->data;
	struct snapshot_child *c = &d->snapshot_child;
	int status, err = 0;

	(void)close(c->fd);
	/* It has closed the pipe, so it is at its end or was killed. */
	while (waitpid(c->pid, &status, 0) < 0 && err == 0)
		if (errno != EINTR)
			err = -errno;
	c->pid = 0;
	c->done(d, err < 0 ? err : status_err(status));
}

static void
on_end(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	uv_close((uv_handle_t *)poll, on_closed);
}

/* Let its end, the hang-up of FD, be noticed. */
static int
watch(struct spoold *d, int fd)
{
	struct snapshot_child *c = &d->snapshot_child;
	int err = uv_poll_init(&d->loop, &c->poll, fd);

	if (err < 0)
		return err;
	c->fd = fd;
	c->poll.data = d;
	return uv_poll_start(&c->poll, UV_READABLE | UV_DISCONNECT, on_end);
}

/* As fork(2), with all signals blocked in the child. */
static pid_t
fork_blocked(void)
{
	sigset_t all, old;
	pid_t pid;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	pid = fork();
	if (pid != 0) {
		int err = errno;

		(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
		errno = err;
	}
	return pid;
}

int
snapshot_child_begin(
    struct spoold *d, const char *name, void (*done)(struct spoold *d, int err))
{
	struct snapshot_child *c = &d->snapshot_child;
	int64_t now_us = spoold_now(d);
	pid_t parent = getpid(), pid;
	int fds[2], err;

	if (c->pid != 0)
		return -EBUSY;
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	pid = fork_blocked();
	if (pid == 0)
		be_child(d, name, fds[1], parent, now_us);
	err = pid < 0 ? -errno : 0;
	(void)close(fds[1]);
	if (err < 0) {
		(void)close(fds[0]);
		return err;
	}
	c->pid = pid;
	c->done = done;
	err = watch(d, fds[0]);
	if (err == 0)
		return 0;
	/* Nobody would hear of it, and the handle is not free any more: no
	 * other one is begun. */
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	(void)close(fds[0]);
	c->pid = -1;
	return err;
}

void
snapshot_child_kill(struct spoold *d)
{
	if (d->snapshot_child.pid > 0)
		(void)kill(d->snapshot_child.pid, SIGKILL);
}
