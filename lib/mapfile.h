/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The form that aliases(5) and other maps of mail systems share: logical
 * lines, which go on in lines that begin with white space; empty lines and
 * comments in between.
 */

#ifndef SPOOL_MAPFILE_H
#define SPOOL_MAPFILE_H

#include "lib/span.h"

/* Longest file, in bytes. */
#define MAPFILE_MAX (16u << 20)

struct mapfile {
	char *text; /* owned; spans of it may be changed in place */
	size_t len;
	size_t pos;    /* what is before has been returned */
	unsigned line; /* number of the line at POS */
};

/* Told of what is wrong in LINE of a file; WHY is harmless to show. */
typedef void mapfile_fault_fn(void *arg, unsigned line, const char *why);

/* One who is not interested. */
mapfile_fault_fn mapfile_ignore_fault;

/*
 * Read the regular file PATH.  0, -ENOENT or another -errno with *RETERR_WHY
 * a text ("is not a regular file", "Permission denied" …) that is valid until
 * the next call of strerror(3).  A file that everybody may write is refused,
 * for it decides where mail goes.
 */
int
mapfile_read(struct mapfile *file, const char *path, const char **reterr_why);

/*
 * The next logical line, on one line, without comments and without white
 * space at its ends; its first line's number in *RET_LINE.  A comment is a
 * line that begins with "#" and, unlike elsewhere, also what follows a "#"
 * that begins a word outside quotes.  The span is part of FILE->text, and
 * nothing else uses it.  False at the end.
 */
bool mapfile_next(struct mapfile *file, struct span *ret, unsigned *ret_line);

/* Of two items: whether they have one name; and forget one of them. */
struct mapfile_unique {
	bool (*is_same)(const void *a, const void *b, void *arg);
	void (*drop)(void *item, void *arg);
};

/*
 * Keep the first of each name among the COUNT sorted ITEMS of SIZE bytes;
 * returns how many are left.
 */
size_t mapfile_unique(void *items, size_t count, size_t size,
    const struct mapfile_unique *how, void *arg);

/* A zeroed one is fine. */
void mapfile_release(struct mapfile *file);

#endif
