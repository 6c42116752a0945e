/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Whether a raw message is complete.
 *
 * The kernel knows: a read lease is given only while nobody has the file open
 * for writing.  It is given to the file's owner (and to root) alone.  Of other
 * files we know what directory events have told, or else how long nobody
 * wrote to them.
 *
 * A shell writes a file line by line, opening it each time: so even a closed
 * one has to stay as it is for a moment, unless it came here whole.
 */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/date.h"
#include "spoold/raw.h"

#define MS INT64_C(1000)
#define SECOND INT64_C(1000000)

/* Between two openings by the same program. */
#define SETTLE_US (200 * MS)
/* Nobody has written for so long: an empty file is all that comes, … */
#define EMPTY_US (10 * SECOND)
/* … one of which nothing is known has been closed, … */
#define QUIET_US (5 * SECOND)
/* … and so has one that was seen to be made. */
#define BEGUN_US (60 * SECOND)

enum raw_writers
raw_writers(int fd)
{
	if (fcntl(fd, F_SETLEASE, F_RDLCK) == 0) {
		(void)fcntl(fd, F_SETLEASE, F_UNLCK);
		return RAW_NO_WRITER;
	}
	return errno == EAGAIN ? RAW_WRITER : RAW_WRITER_UNKNOWN;
}

/* What ST is, for people; NULL: a regular file. */
static const char *
foreign_kind(const struct stat *st)
{
	switch (st->st_mode & S_IFMT) {
	case S_IFREG:
		return NULL;
	case S_IFLNK:
		return "a symbolic link";
	case S_IFIFO:
		return "a FIFO";
	case S_IFSOCK:
		return "a socket";
	default:
		return "a device";
	}
}

/* Note what ST says.  What has changed is not known to be closed. */
static void
note(struct raw_file *f, const struct stat *st, int64_t now_us)
{
	f->is_whole = f->is_whole || st->st_nlink > 1;
	if (f->since_us != 0 && f->size == st->st_size &&
	    f->changed.tv_sec == st->st_mtim.tv_sec &&
	    f->changed.tv_nsec == st->st_mtim.tv_nsec)
		return;
	if (f->since_us != 0)
		f->is_closed = false;
	f->size = st->st_size;
	f->changed = st->st_mtim;
	f->since_us = now_us;
}

/* For how long nobody has changed F, at least. */
static int64_t
quiet_us(const struct raw_file *f, const struct stat *st, int64_t now_us)
{
	/* Unlike the other times, this one nobody can set. */
	int64_t since_us =
	    st->st_ctim.tv_sec * SECOND + st->st_ctim.tv_nsec / 1000;
	int64_t by_inode_us = date_now_us() - since_us;
	int64_t by_us_us = now_us - f->since_us;

	return by_inode_us > by_us_us ? by_inode_us : by_us_us;
}

/* For how long F has to be quiet. */
static int64_t
wanted_us(const struct raw_file *f, enum raw_writers writers)
{
	bool is_closed = f->is_whole || f->is_closed;

	if (f->size == 0)
		return EMPTY_US;
	if (writers == RAW_NO_WRITER || is_closed)
		return f->is_whole ? 0 : SETTLE_US;
	return f->is_begun ? BEGUN_US : QUIET_US;
}

/* Open F's file, which is the regular one of ST: the descriptor or -errno. */
static int
open_same(const struct spool *sp, const struct raw_file *f, struct stat *st)
{
	struct stat now;
	int fd = openat(sp->dir_fd, f->name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &now) == 0 && S_ISREG(now.st_mode)) {
		*st = now;
		return fd;
	}
	/* Somebody plays games: it is looked at again. */
	(void)close(fd);
	return -ENOENT;
}

static enum raw_sight
see_regular(const struct spool *sp, struct raw_file *f, struct stat *st,
    int64_t now_us, int *ret_err)
{
	enum raw_writers writers;
	int fd = open_same(sp, f, st);

	if (fd == -ENOENT)
		return RAW_GONE;
	if (fd < 0) {
		*ret_err = -fd;
		return RAW_UNREADABLE;
	}
	writers = raw_writers(fd);
	(void)close(fd);
	note(f, st, now_us);
	f->is_open = writers == RAW_WRITER ||
	    (writers == RAW_WRITER_UNKNOWN && f->is_begun && !f->is_closed);
	if (writers == RAW_WRITER ||
	    quiet_us(f, st, now_us) < wanted_us(f, writers))
		return RAW_INCOMPLETE;
	return RAW_COMPLETE;
}

enum raw_sight
raw_see(const struct spool *sp, struct raw_file *f, int64_t now_us,
    const char **ret_what, int *ret_err)
{
	struct stat st;

	if (fstatat(sp->dir_fd, f->name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		*ret_err = errno;
		return errno == ENOENT ? RAW_GONE : RAW_UNREADABLE;
	}
	if (S_ISDIR(st.st_mode))
		return RAW_IGNORED;
	*ret_what = foreign_kind(&st);
	if (*ret_what != NULL)
		return RAW_FOREIGN;
	return see_regular(sp, f, &st, now_us, ret_err);
}
