/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* How far something is: a bar on a terminal, a line now and then elsewhere. */

#ifndef SPOOLQ_PROGRESS_H
#define SPOOLQ_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What there is to show; TEXT may come from elsewhere. */
struct progress_state {
	size_t all;       /* messages */
	size_t left;      /* have left the queue */
	size_t failed;    /* will not */
	size_t put_off;   /* of the others, were put off */
	const char *text; /* what was said about one of them last; or NULL */
	unsigned texts;   /* how many there were: tells them apart */
};

/* Write STATE as a bar of at most COLUMNS columns, without a line end. */
void
progress_put_bar(FILE *out, const struct progress_state *state, size_t columns);

/* Zeroed: nothing was shown so far. */
struct progress {
	bool is_bar;      /* one is on the screen */
	size_t done;      /* left or failed, at the last line */
	int64_t shown_ms; /* when that was */
	bool was_shown;
	struct progress_state last;
};

/*
 * Show STATE at NOW_MS, of whatever clock that goes forward, on OUT; a
 * terminal, COLUMNS wide, if those are not 0.  Elsewhere, a line when it began,
 * with every tenth, and every half a minute if there is something new.
 */
void progress_show(struct progress *p, FILE *out, size_t columns,
    const struct progress_state *state, int64_t now_ms);

/* Remove a bar from the screen, for a line to be written there. */
void progress_clear(struct progress *p, FILE *out);

#endif
