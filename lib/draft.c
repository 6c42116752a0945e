/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Admission: invariant 1 lives here.  Until draft_publish() gives the file
 * its name in queue/ nobody but this process can see it, and after it nothing
 * of it ever changes.
 */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/crc32.h"
#include "lib/fsutil.h"
#include "lib/spool.h"

/* Most messages fit: then the file is written with one write(2). */
#define DRAFT_BUFFER_BYTES (64u << 10)

/* 2020-01-01 00:00:00 UTC in milliseconds since 1970. */
#define ID_EPOCH_MS 1577836800000ll
/* 100,000 messages of one millisecond: something else is wrong. */
#define ID_TRIES 100000

/* How long a path to one of our descriptors gets. */
#define FD_PATH_SIZE 40

static void
fd_path(char path[FD_PATH_SIZE], int fd)
{
	snprintf(path, FD_PATH_SIZE, "/proc/self/fd/%d", fd);
}

/* Whether FD can be given a name later, which needs /proc. */
static bool
can_link(int fd)
{
	char path[FD_PATH_SIZE];
	struct stat st;

	fd_path(path, fd);
	return stat(path, &st) == 0;
}

/* A file without a name, or -errno; -EOPNOTSUPP also when it can get none. */
static int
open_nameless(const struct spool *sp)
{
	int fd;

	if (sp->no_tmpfile)
		return -EOPNOTSUPP;
	fd = openat(sp->tmp_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0640);
	if (fd < 0)
		return -errno;
	if (can_link(fd))
		return fd;
	close(fd);
	return -EOPNOTSUPP;
}

/* A file with a name of its own in tmp/. */
static int
open_named(struct draft *d)
{
	unsigned long long random;
	int fd = -1;

	for (int tries = 0; fd < 0 && tries < 100; tries++) {
		if (getrandom(&random, sizeof(random), 0) < 0)
			break;
		snprintf(d->name, sizeof(d->name), "%ld.%d.%016llx",
		    (long)getpid(), tries, random);
		fd = openat(d->sp->tmp_fd, d->name,
		    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
		if (fd < 0 && errno != EEXIST)
			break;
	}
	if (fd >= 0)
		return fd;
	d->name[0] = '\0';
	return -errno;
}

/*
 * Root's mail in somebody else's spool is that one's, who could not read it
 * otherwise.  A root who may not give files away (there are containers like
 * that) keeps it: the group may do.
 */
static int
give_away(const struct draft *d)
{
	struct stat st;

	if (geteuid() != 0)
		return 0;
	if (fstat(d->sp->dir_fd, &st) < 0)
		return -errno;
	if (st.st_uid == 0 || fchown(d->fd, st.st_uid, st.st_gid) == 0)
		return 0;
	return errno == EPERM || errno == EINVAL ? 0 : -errno;
}

static int
open_file(struct draft *d)
{
	int err = open_nameless(d->sp);

	if (err == -EOPNOTSUPP || err == -EISDIR || err == -ENOENT ||
	    err == -EINVAL)
		err = open_named(d);
	if (err < 0)
		return err;
	d->fd = err;
	err = give_away(d);
	if (err < 0)
		return err;
	/* The umask is the caller's; spoold must be able to read. */
	return fchmod(d->fd, 0640) < 0 ? -errno : 0;
}

static int
flush(struct draft *d)
{
	int err = fs_write_all(d->fd, d->buf, d->used);

	d->used = 0;
	return err;
}

/* Append to what the CRC covers. */
static int
append(struct draft *d, const char *bytes, size_t len)
{
	size_t part;

	d->crc = crc32_add(d->crc, bytes, len);
	while (len > 0 && d->err == 0) {
		part = DRAFT_BUFFER_BYTES - d->used;
		if (part > len)
			part = len;
		memcpy(d->buf + d->used, bytes, part);
		d->used += part;
		bytes += part;
		len -= part;
		if (d->used == DRAFT_BUFFER_BYTES)
			d->err = flush(d);
	}
	return d->err;
}

/* A cookie_write_function_t: envelope_write() into the draft. */
static ssize_t
write_cookie(void *cookie, const char *bytes, size_t len)
{
	struct draft *d = cookie;

	d->env_bytes += len;
	if (d->env_bytes > ENVELOPE_BYTES_MAX && d->err == 0)
		d->err = -E2BIG;
	return append(d, bytes, len) < 0 ? 0 : (ssize_t)len;
}

static int
write_envelope(struct draft *d, const struct envelope *env)
{
	cookie_io_functions_t functions = { .write = write_cookie };
	FILE *out = fopencookie(d, "w", functions);

	if (out == NULL)
		return -errno;
	envelope_write(env, out);
	putc('\n', out);
	if (fclose(out) != 0 && d->err == 0)
		d->err = -EIO;
	return d->err;
}

int
draft_open(struct draft *d, const struct spool *sp, const struct envelope *env)
{
	struct draft draft = { .sp = sp, .fd = -1 };
	int err;

	if (envelope_fault(env) != NULL)
		return -EINVAL;
	draft.buf = malloc(DRAFT_BUFFER_BYTES);
	if (draft.buf == NULL)
		return -ENOMEM;
	/* No valid first line until all the rest is there. */
	memset(draft.buf, '-', SPOOL_LINE_BYTES);
	draft.used = SPOOL_LINE_BYTES;
	err = open_file(&draft);
	if (err == 0)
		err = write_envelope(&draft, env);
	if (err < 0) {
		draft_abandon(&draft);
		return err;
	}
	*d = draft;
	return 0;
}

int
draft_write(struct draft *d, const void *bytes, size_t len)
{
	if (d->err == 0 && len > SPOOL_MESSAGE_MAX - d->msg_bytes)
		d->err = -EFBIG;
	if (d->err < 0)
		return d->err;
	d->msg_bytes += len;
	return append(d, bytes, len);
}

/* Write what is buffered and, last, the first line. */
static int
complete(struct draft *d)
{
	uint64_t written = SPOOL_LINE_BYTES + d->env_bytes + d->msg_bytes;
	char line[SPOOL_LINE_BYTES + 1];
	ssize_t n;
	int err;

	snprintf(line, sizeof(line), SPOOL_LINE_FORMAT,
	    (unsigned long long)d->env_bytes, (unsigned long long)d->msg_bytes,
	    (unsigned long)d->crc);
	if (d->used == written) {
		/* Nothing is written yet: one write(2) does it all. */
		memcpy(d->buf, line, SPOOL_LINE_BYTES);
		return flush(d);
	}
	err = flush(d);
	if (err < 0)
		return err;
	do
		n = pwrite(d->fd, line, SPOOL_LINE_BYTES, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n == SPOOL_LINE_BYTES ? 0 : -EIO;
}

/*
 * Bring the data, not the inode, to the disk.  Where the call does not exist
 * or does not fit, the fsync(2) to come does it; but any other error may be
 * reported only this once.
 */
static int
push_data(int fd)
{
	const unsigned flags = SYNC_FILE_RANGE_WAIT_BEFORE |
	    SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;

	if (sync_file_range(fd, 0, 0, flags) == 0)
		return 0;
	switch (errno) {
	case ENOSYS:
	case EINVAL:
	case ESPIPE:
	case EOPNOTSUPP:
	case EPERM:
		return 0;
	default:
		return -errno;
	}
}

/* Whether ID is in hold/ or failed/, as far as this process may see. */
static bool
is_taken(const struct spool *sp, const char *id)
{
	struct stat st;

	for (int i = SPOOL_HOLD; i < SPOOL_STATES; i++)
		if (sp->state_fd[i] >= 0 &&
		    fstatat(sp->state_fd[i], id, &st, AT_SYMLINK_NOFOLLOW) == 0)
			return true;
	return false;
}

/* Give the file the name ID in queue/; -EEXIST if that is taken. */
static int
link_as(const struct draft *d, const char *id)
{
	int queue_fd = d->sp->state_fd[SPOOL_QUEUE];
	char path[FD_PATH_SIZE];

	if (is_taken(d->sp, id))
		return -EEXIST;
	if (d->name[0] != '\0')
		return fs_rename_noreplace(
		    d->sp->tmp_fd, d->name, queue_fd, id);
	fd_path(path, d->fd);
	if (linkat(AT_FDCWD, path, queue_fd, id, AT_SYMLINK_FOLLOW) < 0)
		return -errno;
	return 0;
}

/* What an id of NOW_US is made from. */
static int64_t
id_ms(int64_t now_us)
{
	int64_t ms = now_us / 1000 - ID_EPOCH_MS;

	if (ms < 0)
		ms = 0;
	/* Eleven digits end in the year 2577. */
	if (ms > 0xfffffffffffll - ID_TRIES)
		ms = 0xfffffffffffll - ID_TRIES;
	return ms;
}

static int
link_first_free(const struct draft *d, int64_t now_us, char id[SPOOL_ID_SIZE])
{
	int64_t ms = id_ms(now_us);
	int err = -EEXIST;

	for (int i = 0; i < ID_TRIES && err == -EEXIST; i++) {
		snprintf(id, SPOOL_ID_SIZE, "%010llX",
		    (unsigned long long)(ms + i) & 0xfffffffffffull);
		err = link_as(d, id);
	}
	return err;
}

/* From a complete file to one that is durably in queue/, as ID or, if that is
 * "", as the first one free. */
static int
publish(struct draft *d, int64_t now_us, char id[SPOOL_ID_SIZE])
{
	int queue_fd = d->sp->state_fd[SPOOL_QUEUE];
	int err;

	err = push_data(d->fd);
	if (err == 0)
		err = id[0] != '\0' ? link_as(d, id)
				    : link_first_free(d, now_us, id);
	if (err < 0)
		return err;
	d->name[0] = '\0';
	err = fs_sync(d->fd);
	if (err == 0)
		err = fs_sync(queue_fd);
	/*
	 * The caller hears of a failure and will try again: better spoold
	 * has sent it meanwhile, and it arrives twice, than that it is lost.
	 */
	if (err < 0)
		(void)unlinkat(queue_fd, id, 0);
	return err;
}

static int
complete_and_publish(struct draft *d, int64_t now_us, char id[SPOOL_ID_SIZE])
{
	int err = d->err;

	if (err == 0)
		err = complete(d);
	if (err == 0)
		err = publish(d, now_us, id);
	draft_abandon(d);
	return err;
}

int
draft_publish(struct draft *d, int64_t now_us, char ret_id[SPOOL_ID_SIZE])
{
	char id[SPOOL_ID_SIZE] = "";
	int err = complete_and_publish(d, now_us, id);

	if (err == 0)
		memcpy(ret_id, id, SPOOL_ID_SIZE);
	return err;
}

int
draft_publish_as(struct draft *d, const char *id)
{
	char copy[SPOOL_ID_SIZE] = "";

	if (!spool_is_id(id)) {
		draft_abandon(d);
		return -EINVAL;
	}
	memcpy(copy, id, strlen(id));
	return complete_and_publish(d, 0, copy);
}

void
draft_free_id(
    const struct spool *sp, int64_t *now_us, char ret_id[SPOOL_ID_SIZE])
{
	int queue_fd = sp->state_fd[SPOOL_QUEUE];
	struct stat st;

	do {
		snprintf(ret_id, SPOOL_ID_SIZE, "%010llX",
		    (unsigned long long)id_ms(*now_us) & 0xfffffffffffull);
		*now_us += 1000;
	} while (is_taken(sp, ret_id) ||
	    fstatat(queue_fd, ret_id, &st, AT_SYMLINK_NOFOLLOW) == 0);
}

void
draft_abandon(struct draft *d)
{
	if (d->buf == NULL)
		return;
	if (d->name[0] != '\0')
		(void)unlinkat(d->sp->tmp_fd, d->name, 0);
	/* Nothing hangs on close(2): what counts was synced before. */
	if (d->fd >= 0)
		(void)close(d->fd);
	free(d->buf);
	*d = (struct draft){ .fd = -1 };
}

int
spool_adopt(const struct spool *sp, int dir_fd, const char *name,
    int64_t now_us, char ret_id[SPOOL_ID_SIZE])
{
	int queue_fd = sp->state_fd[SPOOL_QUEUE];
	int64_t ms = id_ms(now_us);
	char id[SPOOL_ID_SIZE];
	int err = -EEXIST;

	for (int i = 0; i < ID_TRIES && err == -EEXIST; i++) {
		snprintf(id, sizeof(id), "%010llX",
		    (unsigned long long)(ms + i) & 0xfffffffffffull);
		if (!is_taken(sp, id))
			err = fs_rename_noreplace(dir_fd, name, queue_fd, id);
	}
	if (err == 0)
		err = fs_sync(queue_fd);
	if (err == 0)
		err = fs_sync(dir_fd);
	if (err == 0)
		memcpy(ret_id, id, sizeof(id));
	return err;
}
