/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The history: the kept journals and the current one, read as one file from
 * the oldest line to the youngest, and on as lines come.  They may be rotated
 * meanwhile.  Memory: the longest line.
 */

#ifndef SPOOL_HISTORY_H
#define SPOOL_HISTORY_H

#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "lib/journal.h"
#include "lib/span.h"

struct json_object;

/* Its members are history.c's own. */
struct history {
	int dir_fd;
	int64_t since_us;
	FILE *in;  /* what is being read; NULL: nothing yet */
	int place; /* where it was when it was opened: its number, 0 the
		      current one */
	dev_t dev; /* which file it is, wherever it has moved to */
	ino_t ino;
	char *line;
	size_t size;
	struct json_object *obj; /* what history_parse() lends from */
	struct event ev;
};

/*
 * Begin with the oldest line below DIR_FD, which is borrowed; files that
 * nobody wrote to since SINCE_US are left out (0: none is), so the first lines
 * may still be older.  To be given to history_close().
 */
void history_open(struct history *h, int dir_fd, int64_t since_us);

/*
 * The next whole line, without its end: 1 and *RET_LINE, which lives until the
 * next call; 0: there is no more for now, ask again later; or -errno.
 */
int history_next_line(struct history *h, struct span *ret_line);

/*
 * What the last line says: 0 and *RET_EV, which lives until the next call;
 * -EINVAL: it is no event (damaged, or of a later version); or -ENOMEM.
 */
int history_parse(struct history *h, const struct event **ret_ev);

/*
 * Both, without what is no event.  1, 0 or -errno as above; RET_LINE may be
 * NULL.
 */
int history_next(
    struct history *h, struct span *ret_line, const struct event **ret_ev);

void history_close(struct history *h);

#endif
