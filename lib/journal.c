/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The journal's file: append, rotate, replay. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fsutil.h"
#include "lib/journal.h"

/* A buffer that grew beyond that is not kept. */
#define GATHERED_MAX ((size_t)256 << 10)

/*
 * Terminate a torn last line, so that the next one is whole; readers ignore
 * the torn one.
 */
static int
end_last_line(int fd, off_t size)
{
	char last;
	ssize_t n;

	if (size == 0)
		return 0;
	n = fs_pread_all(fd, &last, 1, size - 1);
	if (n != 1)
		return n < 0 ? (int)n : -EIO;
	return last == '\n' ? 0 : fs_write_all(fd, "\n", 1);
}

static int
open_as(struct journal *j, int dir_fd, const char *name, uint64_t seq)
{
	struct stat st;
	int fd, err;

	/* O_NONBLOCK: somebody's FIFO of that name must not hold us up. */
	fd = openat(dir_fd, name,
	    O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
	    0640);
	if (fd < 0)
		return -errno;
	err = fstat(fd, &st) < 0 ? -errno : 0;
	if (err == 0 && !S_ISREG(st.st_mode))
		err = -EINVAL;
	if (err == 0)
		err = end_last_line(fd, st.st_size);
	if (err == 0 && fstat(fd, &st) < 0)
		err = -errno;
	if (err < 0) {
		(void)close(fd);
		return err;
	}
	*j = (struct journal){
		.dir_fd = dir_fd,
		.fd = fd,
		.seq = seq,
		.bytes = (uint64_t)st.st_size,
	};
	return 0;
}

int
journal_open(struct journal *j, int dir_fd, uint64_t seq)
{
	return open_as(j, dir_fd, JOURNAL_NAME, seq);
}

int
journal_put(struct journal *j, struct event *ev)
{
	size_t len = j->out.len;

	ev->seq = j->seq + 1;
	event_put(&j->out, ev);
	json_out_raw(&j->out, "\n", 1);
	if (j->out.failed) {
		json_out_cut(&j->out, len);
		return -ENOMEM;
	}
	j->seq = ev->seq;
	return 0;
}

int
journal_flush(struct journal *j)
{
	size_t len = j->out.len;
	int err;

	if (len == 0)
		return 0;
	/* One write: lines are there as a whole or torn at the very end. */
	err = fs_write_all(j->fd, j->out.text, len);
	if (len > GATHERED_MAX)
		json_out_free(&j->out);
	else
		json_out_cut(&j->out, 0);
	if (err == 0) {
		j->bytes += len;
		return 0;
	}
	/* Disk full: take back what is there of them.  If even that fails, a
	 * reader skips half a line, since it is no JSON. */
	if (ftruncate(j->fd, (off_t)j->bytes) < 0)
		(void)fs_write_all(j->fd, "\n", 1);
	return err;
}

int
journal_append(struct journal *j, struct event *ev)
{
	uint64_t seq;
	int err = journal_flush(j);

	if (err < 0)
		return err;
	seq = j->seq;
	err = journal_put(j, ev);
	if (err == 0)
		err = journal_flush(j);
	if (err < 0)
		j->seq = seq;
	return err;
}

int
journal_sync(int fd)
{
	return fdatasync(fd) < 0 ? -errno : 0;
}

static void
kept_name(char name[static 32], int n)
{
	(void)snprintf(name, 32, "%s.%d", JOURNAL_NAME, n);
}

/* Make room for number 1; the oldest goes. */
static int
shift_kept(int dir_fd)
{
	char from[32], to[32];

	for (int n = JOURNAL_KEPT - 1; n > 0; n--) {
		kept_name(from, n);
		kept_name(to, n + 1);
		if (renameat(dir_fd, from, dir_fd, to) < 0 && errno != ENOENT)
			return -errno;
	}
	return 0;
}

int
journal_rotate(struct journal *j)
{
	const char *fresh = JOURNAL_NAME ".new";
	struct journal next;
	char first[32];
	int err;

	err = journal_flush(j);
	if (err < 0)
		return err;
	/* The new one first: if the disk is full nothing has moved. */
	if (unlinkat(j->dir_fd, fresh, 0) < 0 && errno != ENOENT)
		return -errno;
	err = open_as(&next, j->dir_fd, fresh, j->seq);
	if (err < 0)
		return err;
	err = shift_kept(j->dir_fd);
	kept_name(first, 1);
	/* Somebody may have removed the current one. */
	if (err == 0 &&
	    renameat(j->dir_fd, JOURNAL_NAME, j->dir_fd, first) < 0 &&
	    errno != ENOENT)
		err = -errno;
	if (err == 0 && renameat(j->dir_fd, fresh, j->dir_fd, JOURNAL_NAME) < 0)
		err = -errno;
	if (err < 0) {
		(void)close(next.fd);
		return err;
	}
	(void)close(j->fd);
	next.out = j->out;
	*j = next;
	return fs_sync(j->dir_fd);
}

void
journal_close(struct journal *j)
{
	if (j->fd >= 0)
		(void)close(j->fd);
	j->fd = -1;
	json_out_free(&j->out);
}

struct replay {
	uint64_t seq;
	bool gap; /* numbers are missing */
	bool any; /* a line was seen */
	journal_fn *fn;
	void *arg;
};

/* One line; what is no event is skipped: torn, or from a later version. */
static int
replay_line(struct replay *r, const char *line)
{
	struct json_object *obj = json_tokener_parse(line);
	struct event ev;
	int err;

	if (obj == NULL)
		return 0;
	err = event_from_json(obj, &ev);
	if (err == 0 && ev.seq > r->seq) {
		if (!r->any && ev.seq > r->seq + 1)
			r->gap = true;
		r->seq = ev.seq;
		err = r->fn(&ev, r->arg);
	}
	if (err != -EINVAL)
		r->any = true;
	event_release(&ev);
	json_object_put(obj);
	return err == -EINVAL ? 0 : err;
}

static int
replay_file(struct replay *r, int dir_fd, const char *name)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	FILE *f;
	int fd, err = 0;

	fd = openat(
	    dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	f = fdopen(fd, "r");
	if (f == NULL) {
		err = -errno;
		(void)close(fd);
		return err;
	}
	while (err == 0 && (len = getline(&line, &size, f)) > 0)
		if (line[len - 1] == '\n')
			err = replay_line(r, line);
	if (err == 0 && ferror(f))
		err = -EIO;
	free(line);
	(void)fclose(f);
	return err;
}

int
journal_replay(
    int dir_fd, uint64_t seq, journal_fn *fn, void *arg, uint64_t *ret_seq)
{
	struct replay r = { .seq = seq, .fn = fn, .arg = arg };
	char name[32];
	int err;

	kept_name(name, 1);
	err = replay_file(&r, dir_fd, name);
	if (err == 0)
		err = replay_file(&r, dir_fd, JOURNAL_NAME);
	if (err != 0)
		return err;
	*ret_seq = r.seq;
	return r.gap && seq > 0 ? -EAGAIN : 0;
}
