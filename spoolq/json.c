/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * A message as JSON: what readers of "postqueue -j" know, laid out as there,
 * and more.
 */

#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/text.h"
#include "spoolq/output.h"

/* What the members of a message are worked out from. */
struct source {
	const struct queue *q;
	const struct message *m;
	int64_t now_us;
};

static void
put_raw(struct json_out *o, const char *text)
{
	json_out_raw(o, text, strlen(text));
}

static void
put_key(struct json_out *o, const char *key)
{
	if (o->len > 0 && o->text[o->len - 1] != '{')
		put_raw(o, ", ");
	put_raw(o, "\"");
	put_raw(o, key);
	put_raw(o, "\": ");
}

/* Nothing for NULL. */
static void
put_text(struct json_out *o, const char *key, const char *text)
{
	char *clean;

	if (text == NULL)
		return;
	put_key(o, key);
	if (output_is_plain(text)) {
		json_out_string(o, text);
		return;
	}
	clean = text_clean(span_of(text), OUTPUT_TEXT_MAX);
	if (clean == NULL)
		o->failed = true;
	else
		json_out_string(o, clean);
	free(clean);
}

static void
put_uint(struct json_out *o, const char *key, uint64_t n)
{
	char text[OUTPUT_WORD];

	(void)snprintf(text, sizeof text, "%llu", (unsigned long long)n);
	put_key(o, key);
	put_raw(o, text);
}

static void
put_bool(struct json_out *o, const char *key, bool is_true)
{
	put_key(o, key);
	put_raw(o, is_true ? "true" : "false");
}

/* Seconds with their fraction; nothing when T_US is 0, never. */
static void
put_time(struct json_out *o, const char *key, int64_t t_us)
{
	char text[2 * OUTPUT_WORD];

	if (t_us <= 0)
		return;
	(void)snprintf(text, sizeof text, "%lld.%06lld",
	    (long long)(t_us / 1000000), (long long)(t_us % 1000000));
	put_key(o, key);
	put_raw(o, text);
}

/* Why something waits, until when, and where it goes. */
static void
put_waiting(struct json_out *o, const struct waiting *w)
{
	if (w->why == WHY_NOTHING)
		return;
	put_text(o, "waits", why_name(w->why));
	put_time(o, "until", w->until_us);
}

static void
put_rcpt(struct json_out *o, const struct source *s, const struct qrcpt *r)
{
	const struct waiting w = why_rcpt(s->q, s->m, r, s->now_us);
	const struct relay_state *relay = output_relay(s->q, s->m, r);
	bool is_pending = r->state == RCPT_PENDING;

	put_raw(o, "{");
	put_text(o, "address", r->addr);
	if (is_pending)
		put_text(o, "delay_reason", output_delay(s->q, s->m, r));
	put_text(o, "reply", r->reply);
	put_text(o, "state", output_rcpt_state(r->state));
	put_uint(o, "attempts", r->attempts);
	put_uint(o, "tries", r->tries);
	put_bool(o, "uncertain", r->uncertain);
	put_time(o, "last", r->last_us);
	if (is_pending && s->m->state == SPOOL_QUEUE)
		put_time(o, "next", r->next_us);
	put_waiting(o, &w);
	put_text(o, "relay", relay == NULL ? NULL : relay->name);
	put_text(o, "server", r->server);
	put_text(o, "note", r->note);
	put_raw(o, "}");
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
static void
put_known(struct json_out *o, const struct message *m)
{
	bool has_sender = m->sender[0] != '\0';

	put_text(o, "queue_name", queue_name(m));
	put_text(o, "queue_id", m->id);
	put_uint(o, "arrival_time", (uint64_t)(m->arrival_us / 1000000));
	put_uint(o, "message_size", m->size_bytes);
	put_bool(o, "forced_expire", false);
	put_text(o, "sender", has_sender ? m->sender : "MAILER-DAEMON");
	put_bool(o, "null_sender", !has_sender);
}

static void
put_own(struct json_out *o, const struct source *s)
{
	const struct waiting w = why_message(s->q, s->m, s->now_us);
	const struct relay_state *relay =
	    output_relay(s->q, s->m, output_shown(s->m));
	const struct relay_state *rerouted = queue_rerouted(s->m);

	put_text(o, "state", output_state(s->m));
	put_waiting(o, &w);
	put_uint(o, "uid", s->m->uid);
	put_time(o, "attempt", s->m->attempt_us);
	put_text(o, "relay", relay == NULL ? NULL : relay->name);
	put_text(o, "reroute", rerouted == NULL ? NULL : rerouted->name);
	put_text(o, "lane", queue_lane(s->m));
	put_text(o, "subject", queue_subject(s->m));
	put_time(o, "expires", queue_expires_us(s->m));
	put_time(o, "not_before", queue_not_before_us(s->m));
	if (s->m->is_report)
		put_bool(o, "report", true);
	if (s->m->warned)
		put_bool(o, "warned", true);
}

void
output_json(struct json_out *o, const struct queue *q, const struct message *m,
    int64_t now_us)
{
	const struct source s = { .q = q, .m = m, .now_us = now_us };

	put_raw(o, "{");
	put_known(o, m);
	put_own(o, &s);
	put_key(o, "recipients");
	for (unsigned i = 0; i < m->nrcpts; i++) {
		put_raw(o, i == 0 ? "[" : ", ");
		put_rcpt(o, &s, &m->rcpts[i]);
	}
	put_raw(o, "]}\n");
}
