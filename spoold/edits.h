/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * An operator's edits of .status.json, or of its copy, taken over while spoold
 * runs.
 *
 * A file that is not what spoold wrote last was edited.  It says what was so at
 * its "seq"; what happened to a message since then, by the journal, is newer:
 * such a message stays as it is.  Of the others what differs is the operator's
 * will, and so is it that one is missing.  What was sent, dropped or is on its
 * way is never brought back.
 *
 * The file is read and checked in a worker thread, as a whole, before anything
 * is changed; then it is gone through in small steps between other work.  Each
 * change is an event in the journal.
 */

#ifndef SPOOLD_EDITS_H
#define SPOOLD_EDITS_H

#include "spoold/spoold.h"

/* After the loop was made.  0 or -ENOMEM. */
int edits_init(struct spoold *d);

/*
 * Look for edits, for WHO (a constant) wants it, and take them over.  Then, if
 * IS_RESUME, which those too are for that a snapshot put aside, all pauses end;
 * but for that of SIGTSTP if an edit could not be used, for what it was to keep
 * back must not go out.  What is waiting is dispatched, and a snapshot is
 * written.
 */
void edits_take(struct spoold *d, const char *who, bool is_resume);

/* Whether one is being taken over, or about to be: no snapshot now. */
bool edits_busy(const struct spoold *d);

/* A snapshot that was being written is complete: edits_take() waited for it. */
void edits_go_on(struct spoold *d);

/* EV happened: about what it says an edit comes too late. */
void edits_see(struct spoold *d, const struct event *ev);

/* The name that an edit of NAME gets when a snapshot takes its place: new
 * text, or NULL. */
char *edits_kept_name(const char *name);

/* Say of an edit that it was kept and is not taken over yet, if there is one:
 * at the start. */
void edits_hint(const struct spoold *d);

/* A pause that is newer than who asked: it is not ended. */
void edits_stay_paused(struct spoold *d);

void edits_free(struct spoold *d);

/* ---- edits-base.c ---------------------------------------------------- */

/*
 * The status was written and is an operator's to edit: keep a copy.  In a
 * worker thread.  0 or -errno.
 */
int edits_keep_base(int dir_fd);

/* It is not any more: a newer one was written. */
void edits_forget_base(int dir_fd);

/* At the start, before the status is read: the last spoold was killed while it
 * was.  The copy is the status, and what is not equal to it an edit. */
void edits_recover_base(int dir_fd);

#endif
