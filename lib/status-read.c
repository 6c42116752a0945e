/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The snapshot, read a message at a time. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/journal.h"
#include "lib/status-stream.h"
#include "lib/status.h"

static int
read_lines(FILE *in, struct queue *q, struct status_daemon *daemon)
{
	struct status_stream s;
	struct message *m;
	bool damaged = false;
	int err, more = 1;

	err = status_stream_begin(&s, in, q, daemon);
	while (err == 0 && more > 0) {
		more = status_stream_next(&s);
		err = more > 0 ? status_stream_take(&s, q, &m) : more;
		/* One bad line is one message; the others stand. */
		if (more > 0 && (err == -EBADMSG || err == -EEXIST)) {
			damaged = true;
			err = 0;
		}
	}
	status_stream_end(&s);
	return err == 0 && damaged ? -EBADMSG : err;
}

int
status_read(
    int dir_fd, const char *path, struct queue *q, struct status_daemon *daemon)
{
	FILE *in;
	int fd, err;

	*daemon = (struct status_daemon){ .pid = 0 };
	fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	in = fdopen(fd, "r");
	if (in == NULL) {
		err = -errno;
		(void)close(fd);
		return err;
	}
	err = read_lines(in, q, daemon);
	(void)fclose(in);
	return err;
}

/* Where the journal's events go. */
struct replay {
	struct queue *q;
	status_watch_fn *watch; /* or NULL */
	void *arg;
};

static int
apply(const struct event *ev, void *arg)
{
	const struct replay *replay = arg;

	if (replay->watch != NULL)
		replay->watch(ev, replay->arg);
	return queue_apply(replay->q, ev);
}

static int
load_once(int dir_fd, const char *path, struct replay *replay,
    struct status_daemon *daemon)
{
	struct queue *q = replay->q;
	uint64_t seq;
	int damaged, err;

	damaged = status_read(dir_fd, path, q, daemon);
	if (damaged == -ENOENT)
		damaged = 0;
	if (damaged < 0 && damaged != -EBADMSG)
		return damaged;
	err = journal_replay(dir_fd, q->seq, apply, replay, &seq);
	return err == 0 ? damaged : err;
}

int
status_load(
    int dir_fd, const char *path, struct queue *q, struct status_daemon *daemon)
{
	return status_load_watched(dir_fd, path, q, daemon, NULL, NULL);
}

int
status_load_watched(int dir_fd, const char *path, struct queue *q,
    struct status_daemon *daemon, status_watch_fn *watch, void *arg)
{
	struct replay replay = { .q = q, .watch = watch, .arg = arg };
	int err;

	for (int tries = 3;; tries--) {
		err = load_once(dir_fd, path, &replay, daemon);
		if (err != -EAGAIN)
			return err;
		/* A journal that is gone for good (an operator removed it)
		 * leaves the gap: what there is has been applied. */
		if (tries == 0)
			return -EBADMSG;
		queue_clear(q);
		status_daemon_release(daemon);
	}
}

void
status_daemon_release(struct status_daemon *daemon)
{
	free(daemon->config);
	free(daemon->relay);
	*daemon = (struct status_daemon){ .pid = 0 };
}
