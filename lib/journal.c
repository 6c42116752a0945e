/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The journal's file: append, rotate, replay. */

#include "config.h"

#include <dirent.h>
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

/* So much of the disk is taken in advance; it is taken anew once half is used:
 * some ninety deliveries, each of which then frees its message's blocks. */
#define RESERVE_BYTES ((uint64_t)64 << 10)

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

/* The time of the first line, 0 if there is none: all begin in the same way. */
static int64_t
first_time_us(int fd)
{
	char text[64];
	ssize_t n = fs_pread_all(fd, text, sizeof(text) - 1, 0);
	unsigned long long seq, s, us;

	if (n <= 0)
		return 0;
	text[n] = '\0';
	return sscanf(text, "{\"seq\":%20llu,\"time\":%10llu.%6llu,", &seq, &s,
		   &us) == 3
	    ? (int64_t)(s * 1000000 + us)
	    : 0;
}

/* Nobody is told if there is none: the write will fail, or not. */
static void
reserve(struct journal *j)
{
	uint64_t end = j->bytes + RESERVE_BYTES;

	if (j->reserved >= j->bytes + RESERVE_BYTES / 2)
		return;
	if (fallocate(j->fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)end) == 0)
		j->reserved = end;
	else if (errno == EOPNOTSUPP)
		j->reserved = UINT64_MAX;
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
		.begin_us = first_time_us(fd),
	};
	return 0;
}

int
journal_open(struct journal *j, int dir_fd, uint64_t seq)
{
	int err = open_as(j, dir_fd, JOURNAL_NAME, seq);

	if (err == 0)
		reserve(j);
	return err;
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
	if (j->begin_us == 0)
		j->begin_us = ev->time_us;
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
		reserve(j);
		return 0;
	}
	/* Disk full: take back what is there of them.  If even that fails, a
	 * reader skips half a line, since it is no JSON. */
	if (ftruncate(j->fd, (off_t)j->bytes) < 0)
		(void)fs_write_all(j->fd, "\n", 1);
	j->reserved = 0;
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

/* ---- kept ones ------------------------------------------------------- */

void
journal_name(char name[static JOURNAL_NAME_SIZE], int n)
{
	if (n == 0)
		(void)strcpy(name, JOURNAL_NAME);
	else
		(void)snprintf(
		    name, JOURNAL_NAME_SIZE, "%s.%d", JOURNAL_NAME, n);
}

/* The number of the kept journal NAME; 0: it is none. */
static int
number_of(const char *name)
{
	const size_t len = sizeof(JOURNAL_NAME) - 1;
	char again[JOURNAL_NAME_SIZE];
	int n;

	if (strncmp(name, JOURNAL_NAME ".", len + 1) != 0)
		return 0;
	n = atoi(name + len + 1);
	if (n < 1 || n > JOURNAL_KEPT)
		return 0;
	journal_name(again, n);
	return strcmp(name, again) == 0 ? n : 0;
}

/* The same where files may be opened, but not listed. */
static int
oldest_in_row(int dir_fd)
{
	char name[JOURNAL_NAME_SIZE];
	int n = 0;

	do
		journal_name(name, ++n);
	while (n <= JOURNAL_KEPT &&
	    faccessat(dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0);
	return n - 1;
}

int
journal_oldest(int dir_fd)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct dirent *entry;
	int oldest = 0, n, err;
	DIR *dir;

	if (fd < 0)
		return errno == EACCES ? oldest_in_row(dir_fd) : -errno;
	dir = fdopendir(fd);
	if (dir == NULL) {
		err = -errno;
		(void)close(fd);
		return err;
	}
	while (errno = 0, (entry = readdir(dir)) != NULL) {
		n = number_of(entry->d_name);
		if (n > oldest)
			oldest = n;
	}
	err = -errno;
	(void)closedir(dir);
	return err < 0 ? err : oldest;
}

/* Make room for number 1: those behind it move up, as far as there is no gap.
 * Beyond the last number the oldest goes. */
static int
shift_kept(int dir_fd)
{
	char from[JOURNAL_NAME_SIZE], to[JOURNAL_NAME_SIZE];
	int n = 1;

	for (; n < JOURNAL_KEPT; n++) {
		journal_name(from, n);
		if (faccessat(dir_fd, from, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
			break;
	}
	while (--n > 0) {
		journal_name(from, n);
		journal_name(to, n + 1);
		if (renameat(dir_fd, from, dir_fd, to) < 0 && errno != ENOENT)
			return -errno;
	}
	return 0;
}

int
journal_prune(int dir_fd, int64_t oldest_us, uint64_t bytes_max)
{
	int oldest = journal_oldest(dir_fd), keep = 1;
	char name[JOURNAL_NAME_SIZE];
	uint64_t bytes = 0;
	struct stat st;

	for (int n = 1; n <= oldest; n++) {
		journal_name(name, n);
		if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		bytes += (uint64_t)st.st_size;
		if (bytes > bytes_max || st.st_mtime < oldest_us / 1000000)
			break;
		keep = n;
	}
	for (; oldest > keep; oldest--) {
		journal_name(name, oldest);
		if (unlinkat(dir_fd, name, 0) < 0 && errno != ENOENT)
			return -errno;
	}
	return oldest < 0 ? oldest : 0;
}

/* FRESH becomes the current one, which becomes number 1. */
static int
take_place(int dir_fd, const char *fresh)
{
	char first[JOURNAL_NAME_SIZE];
	int err = shift_kept(dir_fd);

	if (err < 0)
		return err;
	journal_name(first, 1);
	/* Somebody may have removed the current one. */
	if (renameat(dir_fd, JOURNAL_NAME, dir_fd, first) < 0 &&
	    errno != ENOENT)
		return -errno;
	return renameat(dir_fd, fresh, dir_fd, JOURNAL_NAME) < 0 ? -errno : 0;
}

int
journal_rotate(struct journal *j)
{
	const char *fresh = JOURNAL_NAME ".new";
	struct journal next;
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
	err = take_place(j->dir_fd, fresh);
	if (err < 0) {
		(void)close(next.fd);
		return err;
	}
	/* What the old one had in reserve is the new one's. */
	if (ftruncate(j->fd, (off_t)j->bytes) == 0)
		reserve(&next);
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
	bool gap;  /* numbers are missing at the beginning … */
	bool hole; /* … or anywhere */
	bool any;  /* a line was seen */
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
		if (ev.seq > r->seq + 1)
			*(r->any ? &r->hole : &r->gap) = true;
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

static int
replay(struct replay *r, int dir_fd, uint64_t *ret_seq)
{
	char name[JOURNAL_NAME_SIZE];
	int err;

	journal_name(name, 1);
	err = replay_file(r, dir_fd, name);
	if (err == 0)
		err = replay_file(r, dir_fd, JOURNAL_NAME);
	if (err == 0)
		*ret_seq = r->seq;
	return err;
}

int
journal_replay(
    int dir_fd, uint64_t seq, journal_fn *fn, void *arg, uint64_t *ret_seq)
{
	struct replay r = { .seq = seq, .fn = fn, .arg = arg };
	int err = replay(&r, dir_fd, ret_seq);

	return err == 0 && r.gap && seq > 0 ? -EAGAIN : err;
}

int
journal_replay_whole(
    int dir_fd, uint64_t seq, journal_fn *fn, void *arg, uint64_t *ret_seq)
{
	struct replay r = { .seq = seq, .fn = fn, .arg = arg };
	int err = replay(&r, dir_fd, ret_seq);

	return err == 0 && (r.gap || r.hole) ? -EAGAIN : err;
}
