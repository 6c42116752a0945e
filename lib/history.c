/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The history as one file.  A rotation moves each file to the next higher
 * number, the oldest first.  So whoever has read a file finds out where it is
 * now, and the next one is one below that, whatever it was called before.
 */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/history.h"

/* Rotations that one step may meet. */
#define TRIES 100

void
history_open(struct history *h, int dir_fd, int64_t since_us)
{
	*h = (struct history){ .dir_fd = dir_fd,
		.since_us = since_us,
		.place = JOURNAL_KEPT + 1 };
}

static void
forget_line(struct history *h)
{
	event_release(&h->ev);
	json_object_put(h->obj);
	h->obj = NULL;
}

void
history_close(struct history *h)
{
	forget_line(h);
	if (h->in != NULL)
		(void)fclose(h->in);
	free(h->line);
	h->in = NULL;
	h->line = NULL;
}

/* ---- from file to file ----------------------------------------------- */

/* Whether the file of number PLACE is the one that is being read. */
static bool
is_at(const struct history *h, int place)
{
	char name[JOURNAL_NAME_SIZE];
	struct stat st;

	journal_name(name, place);
	return fstatat(h->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_dev == h->dev && st.st_ino == h->ino;
}

/*
 * The number that the file being read has now, or -errno.  If it has gone, it
 * was the oldest, and all that there is comes after it; the current one is
 * removed by people only.
 */
static int
find_place(const struct history *h)
{
	int oldest = journal_oldest(h->dir_fd);

	if (oldest < 0 || h->in == NULL)
		return oldest < 0 ? oldest : oldest + 1;
	for (int place = h->place; place <= oldest; place++)
		if (is_at(h, place))
			return place;
	return h->place == 0 ? 1 : oldest + 1;
}

/* 1 and *RET_FD for the youngest file below PLACE that is there, *RET_PLACE
 * its number; 0 if there is none. */
static int
open_below(const struct history *h, int place, int *ret_place, int *ret_fd)
{
	char name[JOURNAL_NAME_SIZE];
	int fd;

	while (--place >= 0) {
		journal_name(name, place);
		fd = openat(h->dir_fd, name,
		    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
		if (fd >= 0) {
			*ret_place = place;
			*ret_fd = fd;
			return 1;
		}
		if (errno != ENOENT)
			return -errno;
	}
	return 0;
}

/* Read FD, of number PLACE, from now on; it is closed on failure. */
static int
use(struct history *h, int fd, int place)
{
	struct stat st;
	FILE *in;

	if (fstat(fd, &st) < 0 || (in = fdopen(fd, "r")) == NULL) {
		int err = -errno;

		(void)close(fd);
		return err;
	}
	if (h->in != NULL)
		(void)fclose(h->in);
	h->in = in;
	h->place = place;
	h->dev = st.st_dev;
	h->ino = st.st_ino;
	/* Nothing in it is wanted; the current one may still get it. */
	if (place > 0 && st.st_mtime < h->since_us / 1000000)
		(void)fseeko(in, 0, SEEK_END);
	return 1;
}

/*
 * Go on with the file that follows: 1; 0: there is none; or -errno.  If the
 * one being read is where it was, once the next is open, no rotation has come
 * between.
 */
static int
next_file(struct history *h)
{
	int at, place = 0, fd = -1, err;

	for (int tries = 0; tries < TRIES; tries++) {
		at = find_place(h);
		if (at < 0)
			return at;
		if (h->in != NULL && at == 0)
			return 0;
		err = open_below(h, at, &place, &fd);
		if (err <= 0)
			return err;
		if (find_place(h) == at)
			return use(h, fd, place);
		(void)close(fd);
	}
	return -EAGAIN;
}

/* ---- from line to line ----------------------------------------------- */

/* 1: a whole line; 0: there is none now, what is torn may become one. */
static int
read_line(struct history *h, struct span *ret_line)
{
	off_t begin;
	ssize_t len;

	if (h->in == NULL)
		return 0;
	clearerr(h->in);
	begin = ftello(h->in);
	len = getline(&h->line, &h->size, h->in);
	if (len > 0 && h->line[len - 1] == '\n') {
		h->line[len - 1] = '\0';
		*ret_line = (struct span){ h->line, (size_t)len - 1 };
		return 1;
	}
	if (len < 0 && ferror(h->in))
		return -EIO;
	if (len > 0 && fseeko(h->in, begin, SEEK_SET) < 0)
		return -errno;
	return 0;
}

/* What is left of the file being read: 1 and a line, 0 or -errno; *RET_STAYS:
 * it is the current one, and may get more. */
static int
read_rest(struct history *h, struct span *ret_line, bool *ret_stays)
{
	int err = read_line(h, ret_line);

	*ret_stays = err == 0 && h->in != NULL && is_at(h, 0);
	/* What was moved away just now may have got more before. */
	return err != 0 || *ret_stays ? err : read_line(h, ret_line);
}

int
history_next_line(struct history *h, struct span *ret_line)
{
	bool stays;
	int err;

	forget_line(h);
	for (;;) {
		err = read_rest(h, ret_line, &stays);
		if (err != 0 || stays)
			return err;
		err = next_file(h);
		if (err <= 0)
			return err;
	}
}

int
history_parse(struct history *h, const struct event **ret_ev)
{
	int err;

	forget_line(h);
	h->obj = json_tokener_parse(h->line);
	if (h->obj == NULL)
		return -EINVAL;
	err = event_from_json(h->obj, &h->ev);
	if (err == 0)
		*ret_ev = &h->ev;
	return err;
}

int
history_next(
    struct history *h, struct span *ret_line, const struct event **ret_ev)
{
	struct span line;
	int err;

	do {
		err = history_next_line(h, &line);
		if (err <= 0)
			return err;
		err = history_parse(h, ret_ev);
	} while (err == -EINVAL);
	if (err < 0)
		return err;
	if (ret_line != NULL)
		*ret_line = line;
	return 1;
}
