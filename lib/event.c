/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Events by their names, and read from JSON objects.  The names of the members
 * are here, for reading, and in event-text.c, for writing.
 */

#include "config.h"

#include <errno.h>
#include <json-c/json.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/event.h"
#include "lib/json-out.h"
#include "lib/text.h"

static const char *const names[EVENT_KINDS] = {
	[EVENT_NONE] = "",
	[EVENT_START] = "start",
	[EVENT_STOP] = "stop",
	[EVENT_ADMITTED] = "admitted",
	[EVENT_ATTEMPT] = "attempt",
	[EVENT_DELIVERED] = "delivered",
	[EVENT_DEFERRED] = "deferred",
	[EVENT_LOST] = "lost",
	[EVENT_UNCERTAIN] = "uncertain",
	[EVENT_FAILED] = "failed",
	[EVENT_BACK] = "back",
	[EVENT_FLUSHED] = "flushed",
	[EVENT_RETRIED] = "retried",
	[EVENT_REROUTED] = "rerouted",
	[EVENT_REQUEUED] = "requeued",
	[EVENT_EDITED] = "edited",
	[EVENT_HELD] = "held",
	[EVENT_RELEASED] = "released",
	[EVENT_DROPPED] = "dropped",
	[EVENT_KEPT] = "kept",
	[EVENT_REPORTED] = "reported",
	[EVENT_WARNED] = "warned",
	[EVENT_REMOVED] = "removed",
	[EVENT_GONE] = "gone",
	[EVENT_DAMAGED] = "damaged",
	[EVENT_RELAY_DOWN] = "relay-down",
	[EVENT_RELAY_UP] = "relay-up",
	[EVENT_PAUSED] = "paused",
	[EVENT_RESUMED] = "resumed",
};

const char *
event_name(enum event_kind kind)
{
	return kind < EVENT_KINDS ? names[kind] : "";
}

enum event_kind
event_kind_of(const char *name)
{
	for (int i = EVENT_NONE + 1; i < EVENT_KINDS; i++)
		if (strcmp(names[i], name) == 0)
			return (enum event_kind)i;
	return EVENT_NONE;
}

bool
event_sets_attempts(const struct event *ev)
{
	if (ev->kind == EVENT_UNCERTAIN)
		return ev->attempts > 0;
	return ev->kind == EVENT_EDITED && ev->attempts >= 0;
}

struct json_object *
event_new_string(const char *s)
{
	struct json_object *obj;
	char *clean = text_clean(span_of(s), 4 * strlen(s) + 1);

	if (clean == NULL)
		return NULL;
	obj = json_object_new_string(clean);
	free(clean);
	return obj;
}

struct json_object *
event_to_json(const struct event *ev)
{
	struct json_out out = { .text = NULL };
	struct json_object *obj = NULL;

	event_put(&out, ev);
	json_out_raw(&out, "", 1);
	if (!out.failed)
		obj = json_tokener_parse(out.text);
	json_out_free(&out);
	return obj;
}

static const char *
get_string(struct json_object *obj, const char *key)
{
	struct json_object *val;

	if (!json_object_object_get_ex(obj, key, &val) ||
	    !json_object_is_type(val, json_type_string))
		return NULL;
	return json_object_get_string(val);
}

static uint64_t
get_uint(struct json_object *obj, const char *key)
{
	struct json_object *val;

	if (!json_object_object_get_ex(obj, key, &val))
		return 0;
	return json_object_get_uint64(val);
}

int64_t
event_time_us(struct json_object *val, int64_t missing)
{
	double s = json_object_get_double(val);

	/* Beyond that, a double has no microseconds and no year either. */
	if (val == NULL || !isfinite(s) || fabs(s) > 4e9)
		return missing;
	return (int64_t)(s * 1e6 + (s < 0 ? -0.5 : 0.5));
}

static int64_t
get_time(struct json_object *obj, const char *key, int64_t missing)
{
	struct json_object *val = NULL;

	(void)json_object_object_get_ex(obj, key, &val);
	return event_time_us(val, missing);
}

static int
get_envelope(struct json_object *obj, struct event *ev)
{
	struct json_object *list;
	const char **rcpts;
	size_t n;

	ev->arrival_us = get_time(obj, "arrival", 0);
	ev->size_bytes = get_uint(obj, "size");
	ev->uid = (uid_t)get_uint(obj, "uid");
	ev->sender = get_string(obj, "sender");
	ev->message_id = get_string(obj, "message_id");
	ev->subject = get_string(obj, "subject");
	ev->lane = get_string(obj, "lane");
	ev->expires_us = get_time(obj, "expires", 0);
	ev->not_before_us = get_time(obj, "not_before", 0);
	ev->report_of = get_string(obj, "report_of");
	if (ev->sender == NULL ||
	    !json_object_object_get_ex(obj, "rcpts", &list) ||
	    !json_object_is_type(list, json_type_array))
		return -EINVAL;
	n = json_object_array_length(list);
	if (n == 0)
		return -EINVAL;
	rcpts = calloc(n, sizeof(*rcpts));
	if (rcpts == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		rcpts[i] =
		    json_object_get_string(json_object_array_get_idx(list, i));
		if (rcpts[i] == NULL) {
			free(rcpts);
			return -EINVAL;
		}
	}
	ev->rcpts = rcpts;
	ev->nrcpts = n;
	return 0;
}

int
event_from_json(struct json_object *obj, struct event *ev)
{
	struct json_object *val;
	const char *name, *id;

	*ev = (struct event){ .index = -1, .delay_us = -1, .attempts = -1 };
	if (!json_object_is_type(obj, json_type_object))
		return -EINVAL;
	name = get_string(obj, "event");
	if (name == NULL || (ev->kind = event_kind_of(name)) == EVENT_NONE)
		return -EINVAL;
	id = get_string(obj, "id");
	if (id != NULL) {
		if (!spool_is_id(id) && ev->kind != EVENT_DAMAGED)
			return -EINVAL;
		if (strlen(id) < sizeof(ev->id))
			(void)strcpy(ev->id, id);
	}
	ev->seq = get_uint(obj, "seq");
	ev->time_us = get_time(obj, "time", 0);
	if (json_object_object_get_ex(obj, "index", &val))
		ev->index = json_object_get_int(val);
	ev->rcpt = get_string(obj, "rcpt");
	ev->relay = get_string(obj, "relay");
	ev->server = get_string(obj, "server");
	ev->reply = get_string(obj, "reply");
	ev->note = get_string(obj, "note");
	ev->indexes = get_string(obj, "indexes");
	ev->delay_us = get_time(obj, "delay", -1);
	ev->next_us = get_time(obj, "next", 0);
	if (json_object_object_get_ex(obj, "attempts", &val))
		ev->attempts = json_object_get_int(val);
	return ev->kind == EVENT_ADMITTED ? get_envelope(obj, ev) : 0;
}

int
event_of_qfile(struct event *ev, const char *id, const struct qfile *qf)
{
	const struct envelope *env = &qf->env;
	const char **rcpts = calloc(env->nrcpts, sizeof(*rcpts));

	if (rcpts == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < env->nrcpts; i++)
		rcpts[i] = env->rcpts[i].addr;
	*ev = (struct event){
		.kind = EVENT_ADMITTED,
		.index = -1,
		.delay_us = -1,
		.arrival_us = env->arrival_us,
		.size_bytes = qf->msg_bytes,
		.uid = qf->uid,
		.sender = env->sender,
		.lane = env->lane,
		.expires_us = env->expires_us,
		.not_before_us = env->not_before_us,
		.report_of = env->report_of,
		.message_id = env->message_id,
		.rcpts = rcpts,
		.nrcpts = env->nrcpts,
	};
	(void)strcpy(ev->id, id);
	return 0;
}

void
event_release(struct event *ev)
{
	free((void *)ev->rcpts);
	ev->rcpts = NULL;
	ev->nrcpts = 0;
}
