/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * A file that is replaced as a whole, and that somebody else may edit between:
 * what it was when it was written tells whether somebody has.
 */

#ifndef SPOOLD_WRITTEN_H
#define SPOOLD_WRITTEN_H

#include <stdbool.h>
#include <sys/stat.h>

/* Zeroed: nothing was written so far. */
struct written {
	bool is_known;
	dev_t dev;
	ino_t ino;
	struct timespec mtime;
	off_t size;
};

/* Of the file that ST is about. */
struct written written_of(const struct stat *st);

/* Whether ST is about another file than W, or W's content was changed. */
bool written_differs(const struct written *w, const struct stat *st);

/*
 * Put the file TMP in the place of NAME, both below DIR_FD (AT_FDCWD for
 * paths), so that who opens NAME sees the one or the other.  If what was there
 * is not what *W says, it was edited: it becomes KEPT, and *RET_KEPT is true.
 * *W is TMP's then.  0 or -errno.
 */
int written_replace(int dir_fd, const char *tmp, const char *name,
    const char *kept, struct written *w, bool *ret_kept);

#endif
