/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The history, read for what it says of one message. */

#ifndef SPOOLQ_STORY_READ_H
#define SPOOLQ_STORY_READ_H

#include "lib/queue.h"
#include "spoolq/story.h"

/*
 * Write, from the history of SP, all about message ID, and what happened
 * meanwhile to the relays that it went to, or M (NULL: it has left) goes to.
 * *RET_ANY: there was something about it.  EX_OK, or a code of sysexits.h
 * after saying on standard error what is wrong.
 */
int story_tell(FILE *out, const struct style *style, const struct spool *sp,
    const char *id, const struct message *m, bool *ret_any);

#endif
