/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Events of the journal as lines for people: pure, from an event to text.
 * What came from elsewhere is made harmless.
 */

#ifndef SPOOLQ_STORY_H
#define SPOOLQ_STORY_H

#include <stdio.h>

#include "lib/event.h"
#include "spoolq/draw.h"

/* Columns of a line's beginning: "2026-11-22 09:00:01  ". */
#define STORY_INDENT 21

/*
 * Write EV's time, ID (NULL: no column for it) and what it says, ended by a
 * line's end: "deferred bob@y.test by default (mx.y.test[192.0.2.1]:25) after
 * 0.8 s: 450 4.2.0 busy; again at 09:01:02".  A "next" of another day than the
 * event's has its date.  On a terminal (STYLE->cut) it is broken at its width.
 * 0 or -ENOMEM.
 */
int story_line(FILE *out, const struct style *style, const char *id,
    const struct event *ev);

/*
 * Write TEXT, which is harmless, broken at spaces into lines of at most
 * STYLE->columns where STYLE->cut says so, those but the first after INDENT
 * spaces; the first begins behind what has USED so many columns.
 */
void story_wrap(FILE *out, const struct style *style, const char *text,
    size_t used, size_t indent);

#endif
