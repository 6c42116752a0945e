/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* A message as JSON: what readers of "postqueue -j" know, and more. */

#include "config.h"

#include <json-c/json.h>
#include <stdlib.h>

#include "lib/text.h"
#include "spoolq/output.h"

/* Add VALUE, which may be NULL for "out of memory", to OBJ; false then. */
static bool
add(struct json_object *obj, const char *key, struct json_object *value)
{
	if (value != NULL && json_object_object_add(obj, key, value) == 0)
		return true;
	json_object_put(value);
	return false;
}

static bool
add_text(struct json_object *obj, const char *key, const char *text)
{
	char *clean = text_clean(span_of(text), OUTPUT_TEXT_MAX);
	bool done =
	    clean != NULL && add(obj, key, json_object_new_string(clean));

	free(clean);
	return done;
}

/* Seconds with their fraction; nothing when T_US is 0, never. */
static bool
add_time(struct json_object *obj, const char *key, int64_t t_us)
{
	char text[OUTPUT_WORD];

	if (t_us <= 0)
		return true;
	/* As a string of our own: a double prints with digits it has not. */
	(void)snprintf(text, sizeof text, "%lld.%06lld",
	    (long long)(t_us / 1000000), (long long)(t_us % 1000000));
	return add(
	    obj, key, json_object_new_double_s((double)t_us / 1e6, text));
}

static bool
add_reply(struct json_object *obj, const struct message *m,
    const struct qrcpt *r, const char *relay_fault)
{
	const char *delay = output_delay(m, r, relay_fault);

	if (r->state == RCPT_PENDING && delay != NULL &&
	    !add_text(obj, "delay_reason", delay))
		return false;
	return r->reply == NULL || add_text(obj, "reply", r->reply);
}

static bool
fill_rcpt(struct json_object *obj, const struct message *m,
    const struct qrcpt *r, const char *relay_fault)
{
	bool is_due = m->state == SPOOL_QUEUE && r->state == RCPT_PENDING;

	return add_text(obj, "address", r->addr) &&
	    add_reply(obj, m, r, relay_fault) &&
	    add_text(obj, "state", output_rcpt_state(r->state)) &&
	    add(obj, "attempts", json_object_new_int64(r->attempts)) &&
	    add(obj, "tries", json_object_new_int64(r->tries)) &&
	    add(obj, "uncertain", json_object_new_boolean(r->uncertain)) &&
	    add_time(obj, "last", r->last_us) &&
	    add_time(obj, "next", is_due ? r->next_us : 0);
}

static bool
add_rcpts(
    struct json_object *obj, const struct message *m, const char *relay_fault)
{
	struct json_object *list = json_object_new_array();

	if (!add(obj, "recipients", list))
		return false;
	for (unsigned i = 0; i < m->nrcpts; i++) {
		struct json_object *rcpt = json_object_new_object();

		if (rcpt == NULL || json_object_array_add(list, rcpt) != 0) {
			json_object_put(rcpt);
			return false;
		}
		if (!fill_rcpt(rcpt, m, &m->rcpts[i], relay_fault))
			return false;
	}
	return true;
}

/* The name of the queue that Postfix would have M in. */
static const char *
queue_name(const struct message *m)
{
	if (m->state != SPOOL_QUEUE)
		return spool_state_name(m->state);
	if (m->in_flight)
		return "active";
	return output_state(m)[0] == 'd' ? "deferred" : "incoming";
}

/* The members that Postfix has, but for the recipients. */
static bool
fill_known(struct json_object *obj, const struct message *m, bool has_sender)
{
	return add_text(obj, "queue_name", queue_name(m)) &&
	    add_text(obj, "queue_id", m->id) &&
	    add(obj, "arrival_time",
		json_object_new_int64(m->arrival_us / 1000000)) &&
	    add(obj, "message_size", json_object_new_uint64(m->size_bytes)) &&
	    add(obj, "forced_expire", json_object_new_boolean(0)) &&
	    add_text(obj, "sender", has_sender ? m->sender : "MAILER-DAEMON");
}

static bool
fill_message(
    struct json_object *obj, const struct message *m, const char *relay_fault)
{
	bool has_sender = m->sender[0] != '\0';

	return fill_known(obj, m, has_sender) &&
	    add(obj, "null_sender", json_object_new_boolean(!has_sender)) &&
	    add_text(obj, "state", output_state(m)) &&
	    add(obj, "uid", json_object_new_int64((int64_t)m->uid)) &&
	    add_time(obj, "attempt", m->attempt_us) &&
	    add_rcpts(obj, m, relay_fault);
}

struct json_object *
output_json(const struct message *m, const char *relay_fault)
{
	struct json_object *obj = json_object_new_object();

	if (obj != NULL && fill_message(obj, m, relay_fault))
		return obj;
	json_object_put(obj);
	return NULL;
}
