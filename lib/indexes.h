/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Places of recipients in an envelope, as text: "0-99,105".  In the journal, in
 * reports' envelopes and between spoold and its agents.
 */

#ifndef SPOOL_INDEXES_H
#define SPOOL_INDEXES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "lib/span.h"

/*
 * The next range of places in TEXT, of N recipients: true with *RET_FIRST and
 * *RET_LAST, TEXT then begins behind it.  False at the end, or with TEXT not
 * empty where it is wrong.
 */
bool indexes_next(
    struct span *text, unsigned n, unsigned *ret_first, unsigned *ret_last);

/*
 * All places in TEXT, of N recipients: a new array with *RET_COUNT of them.
 * 0, -ENOMEM, or -EINVAL if there is none, something else, or more than N.
 */
int
indexes_read(struct span text, unsigned n, unsigned **ret, size_t *ret_count);

/* Append FIRST to LAST to OUT, a memory stream of nothing else. */
void indexes_put(FILE *out, unsigned first, unsigned last);

#endif
