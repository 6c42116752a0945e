/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The snapshot's first line: all that is about no single message. */

#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/queue-work.h"
#include "lib/status-work.h"
#include "lib/status.h"

#define MINUTE_US ((int64_t)60 * 1000000)
#define HOUR_US (60 * MINUTE_US)

static void
put_text(struct json_out *o, const char *text)
{
	json_out_raw(o, text, strlen(text));
}

/* Begin the object "KEY", or an element of a list (NULL) that is not the
 * FIRST. */
static void
open_object(struct json_out *o, const char *key, bool is_first)
{
	if (key != NULL)
		json_out_key(o, key);
	else if (!is_first)
		put_text(o, ",");
	put_text(o, "{");
}

static void
put_pause(struct json_out *o, int64_t since_us, const char *by,
    enum status_readers readers)
{
	if (since_us == 0)
		return;
	open_object(o, "paused", true);
	json_out_time(o, "since", since_us);
	if (readers == STATUS_OPERATORS)
		json_out_member(o, "by", by);
	put_text(o, "}");
}

static void
put_daemon(struct json_out *o, const struct queue *q,
    const struct status_daemon *d, enum status_readers readers)
{
	open_object(o, "daemon", true);
	json_out_member(o, "version", d->version);
	json_out_uint(o, "pid", d->pid > 0 ? (uint64_t)d->pid : 0);
	status_put_time(o, "start", d->start_us);
	json_out_member(o, "config", d->config);
	if (readers == STATUS_OPERATORS || d->relay == NULL)
		json_out_member(o, "relay", d->relay);
	else
		/* There is one, that is all. */
		json_out_member(o, "relay", "");
	put_pause(o, q->paused_us, q->paused_by, readers);
	put_text(o, "}");
}

/* ---- counts ---------------------------------------------------------- */

static void
put_totals(struct json_out *o, const struct queue_totals *t)
{
	open_object(o, "totals", true);
	json_out_uint(o, "admitted", t->admitted);
	json_out_uint(o, "delivered", t->delivered);
	json_out_uint(o, "deferred", t->deferred);
	json_out_uint(o, "failed", t->failed);
	json_out_uint(o, "bounced", t->bounced);
	json_out_uint(o, "dropped", t->dropped);
	json_out_uint(o, "bytes", t->bytes);
	put_text(o, "}");
}

static bool
is_empty(const struct stats_slot *slot)
{
	for (int i = 0; i < STATS_KINDS; i++)
		if (slot->count[i] > 0)
			return false;
	return true;
}

static void
put_slot(struct json_out *o, const struct stats_slot *slot, int64_t time_us,
    bool is_first)
{
	static const char *const names[STATS_KINDS] = {
		[STATS_DELIVERED] = "delivered",
		[STATS_DEFERRED] = "deferred",
		[STATS_FAILED] = "failed",
		[STATS_BOUNCED] = "bounced",
		[STATS_DROPPED] = "dropped",
	};
	uint32_t delivered = slot->count[STATS_DELIVERED];

	open_object(o, NULL, is_first);
	json_out_time(o, "time", time_us);
	for (int i = 0; i < STATS_KINDS; i++)
		json_out_uint(o, names[i], slot->count[i]);
	json_out_uint(o, "bytes", slot->bytes);
	if (delivered > 0)
		json_out_time(
		    o, "latency", (int64_t)(slot->latency_us / delivered));
	put_text(o, "}");
}

/* The list KEY of N slots of UNIT_US, the oldest first. */
static void
put_slots(struct json_out *o, const char *key, const struct stats *st,
    struct stats_slot (*get)(const struct stats *, unsigned, int64_t),
    unsigned n, int64_t unit_us, int64_t now_us)
{
	int64_t begin_us = now_us - now_us % unit_us;
	bool is_first = true;

	json_out_key(o, key);
	put_text(o, "[");
	for (unsigned back = n; back-- > 0;) {
		struct stats_slot slot = get(st, back, now_us);

		if (is_empty(&slot))
			continue;
		put_slot(o, &slot, begin_us - back * unit_us, is_first);
		is_first = false;
	}
	put_text(o, "]");
}

/* ---- relays ---------------------------------------------------------- */

static void
put_limits(struct json_out *o, const struct relay_work *w)
{
	if (w->nlimits == 0)
		return;
	json_out_key(o, "limits");
	for (size_t i = 0; i < w->nlimits; i++) {
		put_text(o, i == 0 ? "[" : ",");
		put_text(o, "{");
		json_out_member(o, "limit", w->limits[i].limit);
		json_out_uint(o, "used", w->limits[i].used);
		json_out_uint(o, "left", w->limits[i].left);
		put_text(o, "}");
	}
	put_text(o, "]");
}

static void
put_work(struct json_out *o, const struct relay_state *r)
{
	const struct relay_work *w = &r->work;
	char *rate;

	json_out_member(o, "reason", r->reason);
	json_out_uint(o, "connections", w->connections);
	put_limits(o, w);
	status_put_time(o, "rate_until", w->rate_until_us);
	status_put_time(o, "latency", w->latency_us);
	status_put_time(o, "delivered", w->delivered_us);
	json_out_member(o, "error", w->error);
	status_put_time(o, "error_time", w->error_us);
	if (r->nrates == 0)
		return;
	rate = rate_save(&r->rate, r->rates, r->nrates);
	json_out_member(o, "rate", rate);
	free(rate);
}

static void
put_relay(struct json_out *o, const struct relay_state *r,
    enum status_readers readers, bool is_first)
{
	open_object(o, NULL, is_first);
	json_out_member(o, "name", r->name);
	json_out_member(o, "state", r->down ? "down" : "up");
	status_put_time(o, "since", r->since_us);
	status_put_time(o, "next", r->next_us);
	put_pause(o, r->paused_us, r->paused_by, readers);
	if (readers == STATUS_OPERATORS)
		put_work(o, r);
	put_text(o, "}");
}

static void
put_relays(
    struct json_out *o, const struct queue *q, enum status_readers readers)
{
	const struct relay_state *r;

	json_out_key(o, "relays");
	put_text(o, "[");
	STAILQ_FOREACH (r, &q->relays, link)
		put_relay(o, r, readers, r == STAILQ_FIRST(&q->relays));
	put_text(o, "]");
}

/* Who is near the limits for senders, as numbers: nothing about anybody. */
static void
put_senders(struct json_out *o, struct queue *q)
{
	struct sender_state *first = queue_first_sender(q), *s;
	char key[17];

	if (q->nsender_rates == 0)
		return;
	json_out_key(o, "senders");
	put_text(o, "[");
	for (s = first; s != NULL; s = queue_next_sender(s)) {
		char *rate =
		    rate_save(&s->rate, q->sender_rates, q->nsender_rates);

		(void)snprintf(key, sizeof(key), "%016" PRIx64, s->key);
		open_object(o, NULL, s == first);
		json_out_member(o, "key", key);
		json_out_member(o, "rate", rate);
		put_text(o, "}");
		free(rate);
	}
	put_text(o, "]");
}

void
status_put_head(struct json_out *o, const struct queue *q,
    const struct status_daemon *d, enum status_readers readers, int64_t now_us)
{
	bool is_all = readers == STATUS_OPERATORS;

	put_text(o, "{");
	json_out_uint(o, "version", STATUS_VERSION);
	json_out_uint(o, "seq", is_all ? q->seq : 0);
	status_put_time(o, "time", now_us);
	if (is_all && d->spool_id[0] != '\0')
		json_out_member(o, "spool_id", d->spool_id);
	put_daemon(o, q, d, readers);
	if (is_all) {
		put_totals(o, &q->totals);
		put_slots(o, "minutes", &q->stats, stats_minute, STATS_MINUTES,
		    MINUTE_US, now_us);
		put_slots(o, "hours", &q->stats, stats_hour, STATS_HOURS,
		    HOUR_US, now_us);
	}
	put_relays(o, q, readers);
	if (is_all)
		/* RB_ has no const. */
		put_senders(o, (struct queue *)(uintptr_t)q);
	put_text(o, "," STATUS_MESSAGES_MARK);
}
