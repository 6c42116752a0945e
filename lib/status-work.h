/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* What writer and reader of the snapshot agree on; for them only. */

#ifndef SPOOL_STATUS_WORK_H
#define SPOOL_STATUS_WORK_H

#include "lib/queue.h"

/* The end of the first line: a message a line follows. */
#define STATUS_MESSAGES_MARK "\"messages\":[\n"

/* "pending" and so on. */
const char *status_rcpt_state(enum rcpt_state state);

#endif
