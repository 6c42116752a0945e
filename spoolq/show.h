/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* All about one message but its text, for people. */

#ifndef SPOOLQ_SHOW_H
#define SPOOLQ_SHOW_H

#include <stdio.h>

#include "spoolq/view.h"

/*
 * Write what the status says of M, of V, and what its file QF (NULL: the
 * caller may not read it) says beside.
 */
void show_envelope(FILE *out, const struct context *ctx, const struct view *v,
    const struct message *m, const struct qfile *qf);

/*
 * Write why something waits, W at NOW_US, as a clause: "until 2026-11-22
 * 18:00:00, after a failed attempt".
 */
void show_waiting(
    FILE *out, const struct queue *q, const struct waiting *w, int64_t now_us);

#endif
