/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The status told over .control, piece by piece: a piece when the client has
 * taken the one before.  So it costs no memory, and no other work waits long,
 * however many messages there are.  Each is told as it is at that moment.
 */

#ifndef SPOOLD_STATUS_STREAM_H
#define SPOOLD_STATUS_STREAM_H

#include "lib/json-out.h"
#include "spoold/spoold.h"

struct status_stream {
	struct spoold *d;
	uid_t uid;
	bool is_operator; /* else: of UID's own messages alone */
	bool is_begun, any;
	char cursor[SPOOL_ID_SIZE]; /* the last message looked at */
};

/*
 * Append the next piece to O: lines of a .status.json, perhaps none.  False
 * when it was the last one.
 */
bool status_stream_step(struct status_stream *s, struct json_out *o);

#endif
