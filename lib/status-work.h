/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* What writer and reader of the snapshot agree on; for them only. */

#ifndef SPOOL_STATUS_WORK_H
#define SPOOL_STATUS_WORK_H

#include "lib/json-out.h"
#include "lib/queue.h"

/* The end of the first line: a message a line follows. */
#define STATUS_MESSAGES_MARK "\"messages\":[\n"

/* A time unless it is not set (0); "KEY":true if IS_SET. */
void status_put_time(struct json_out *o, const char *key, int64_t us);
void status_put_flag(struct json_out *o, const char *key, bool is_set);

/* "pending" and so on. */
const char *status_rcpt_state(enum rcpt_state state);

#endif
