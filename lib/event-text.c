/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Events as the journal's text.  The names of the members are here, for
 * writing, and in event.c, for reading.
 */

#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/event.h"
#include "lib/json-out.h"

/* What every event has. */
static void
put_head(struct json_out *o, const struct event *ev)
{
	json_out_uint(o, "seq", ev->seq);
	json_out_time(o, "time", ev->time_us);
	json_out_member(o, "event", event_name(ev->kind));
	if (ev->id[0] != '\0')
		json_out_member(o, "id", ev->id);
}

/* A time that few events have. */
static void
put_option(struct json_out *o, const char *key, int64_t us)
{
	if (us != 0)
		json_out_time(o, key, us);
}

static void
put_envelope(struct json_out *o, const struct event *ev)
{
	json_out_time(o, "arrival", ev->arrival_us);
	json_out_uint(o, "size", ev->size_bytes);
	json_out_uint(o, "uid", ev->uid);
	json_out_member(o, "sender", ev->sender);
	json_out_member(o, "message_id", ev->message_id);
	json_out_member(o, "subject", ev->subject);
	json_out_member(o, "lane", ev->lane);
	put_option(o, "expires", ev->expires_us);
	put_option(o, "not_before", ev->not_before_us);
	json_out_member(o, "report_of", ev->report_of);
	json_out_key(o, "rcpts");
	for (size_t i = 0; i < ev->nrcpts; i++) {
		json_out_raw(o, i == 0 ? "[" : ",", 1);
		json_out_string(o, ev->rcpts[i]);
	}
	json_out_raw(o, ev->nrcpts == 0 ? "[]" : "]", ev->nrcpts == 0 ? 2 : 1);
}

/* What events about a recipient or a relay have. */
static void
put_result(struct json_out *o, const struct event *ev)
{
	if (ev->index >= 0)
		json_out_uint(o, "index", (uint64_t)ev->index);
	json_out_member(o, "rcpt", ev->rcpt);
	json_out_member(o, "relay", ev->relay);
	json_out_member(o, "server", ev->server);
	json_out_member(o, "reply", ev->reply);
	json_out_member(o, "note", ev->note);
	json_out_member(o, "indexes", ev->indexes);
	if (ev->delay_us >= 0)
		json_out_time(o, "delay", ev->delay_us);
	put_option(o, "next", ev->next_us);
	if (event_sets_attempts(ev))
		json_out_uint(o, "attempts", (uint64_t)ev->attempts);
}

void
event_put(struct json_out *o, const struct event *ev)
{
	json_out_raw(o, "{", 1);
	put_head(o, ev);
	if (ev->kind == EVENT_ADMITTED)
		put_envelope(o, ev);
	put_result(o, ev);
	json_out_raw(o, "}", 1);
}
