/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The queue files that cannot be read, or are in two states at once, so that
 * each is complained about once for each reason, and not at every scan.
 */

#ifndef SPOOLD_UNREADABLE_H
#define SPOOLD_UNREADABLE_H

#include <stdbool.h>
#include <sys/tree.h>

struct unreadable;

/* Zeroed, it is empty. */
RB_HEAD(unreadables, unreadable);

/*
 * ID cannot be read because of ERR, a negative errno.  True if that is news;
 * without memory everything is.
 */
bool unreadable_is_news(struct unreadables *files, const char *id, int err);

/* Forget ID, which could be read or has gone. */
void unreadable_forget(struct unreadables *files, const char *id);

/* Around a scan: what it did not come across is forgotten at its end. */
void unreadable_scan_begin(struct unreadables *files);
void unreadable_scan_end(struct unreadables *files);

void unreadable_release(struct unreadables *files);

#endif
