/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* What conn.c and conn-wait.c offer each other; for them only. */

#ifndef SPOOLD_SMTP_CONN_WORK_H
#define SPOOLD_SMTP_CONN_WORK_H

#include "spoold/smtp/conn.h"

/* Why a connection is dead that was cut short. */
extern const char conn_asked_to_stop[];

/* Say that the wait that runs is slow by now, if it is; NOW_MS is now. */
void conn_note_slow(struct conn *c, int64_t now_ms);

/* Leave the group, before the descriptor may become another one's. */
void conn_leave(struct conn *c);

/* Whether C's group was cut: then its end is no fault of the server's. */
bool conn_is_cut(const struct conn *c);

/*
 * Have recv(2) of C wait for its input no longer than until DEADLINE_MS, or
 * until that is slow, and not much shorter.  False: it cannot, or not any more.
 */
bool conn_limit_recv(struct conn *c, int64_t deadline_ms);

#endif
