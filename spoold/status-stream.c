/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See status-stream.h. */

#include "config.h"

#include <string.h>

#include "spoold/status-stream.h"

/* A piece ends when it is so long, or so many messages were looked at. */
#define PIECE_BYTES (32u << 10)
#define PIECE_MESSAGES 2000

static void
put(struct json_out *o, const char *text)
{
	json_out_raw(o, text, strlen(text));
}

static void
put_head(struct status_stream *s, struct json_out *o)
{
	struct spoold *d = s->d;
	int64_t now_us = spoold_now(d);

	relays_measure(d, now_us);
	status_put_head(o, &d->queue, &d->daemon,
	    s->is_operator ? STATUS_OPERATORS : STATUS_OTHERS, now_us);
	s->is_begun = true;
}

/* M, if it is for who asks. */
static void
put_message(
    struct status_stream *s, struct json_out *o, const struct message *m)
{
	(void)strcpy(s->cursor, m->id);
	if (!s->is_operator && m->uid != s->uid)
		return;
	if (s->any)
		put(o, STATUS_BETWEEN);
	s->any = true;
	status_put_message(o, &s->d->queue, m, spoold_now(s->d));
}

bool
status_stream_step(struct status_stream *s, struct json_out *o)
{
	struct queue *q = &s->d->queue;
	struct message *m;

	if (!s->is_begun)
		put_head(s, o);
	m = queue_after(q, s->cursor);
	for (int i = 0; m != NULL && i < PIECE_MESSAGES && o->len < PIECE_BYTES;
	     i++, m = queue_next(q, m))
		put_message(s, o, m);
	if (m != NULL)
		return true;
	if (s->any)
		put(o, STATUS_AFTER);
	put(o, STATUS_END "end\n");
	return false;
}
