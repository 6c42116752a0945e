/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The snapshot's first line, read. */

#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "lib/queue-work.h"
#include "lib/status-stream.h"
#include "lib/status-work.h"
#include "lib/status.h"

static struct json_object *
member(struct json_object *obj, const char *key)
{
	struct json_object *val;

	return json_object_object_get_ex(obj, key, &val) ? val : NULL;
}

/* Never less than 0. */
static int64_t
member_time(struct json_object *obj, const char *key)
{
	int64_t us = event_time_us(member(obj, key), 0);

	return us < 0 ? 0 : us;
}

static uint64_t
member_uint(struct json_object *obj, const char *key)
{
	return json_object_get_uint64(member(obj, key));
}

static unsigned
member_unsigned(struct json_object *obj, const char *key)
{
	uint64_t val = member_uint(obj, key);

	return val > UINT32_MAX ? UINT32_MAX : (unsigned)val;
}

/* The member KEY, borrowed; NULL when it is no string. */
static const char *
member_text(struct json_object *obj, const char *key)
{
	struct json_object *val = member(obj, key);

	return json_object_is_type(val, json_type_string)
	    ? json_object_get_string(val)
	    : NULL;
}

/* A copy of it; NULL when it is missing or out of memory. */
static char *
member_string(struct json_object *obj, const char *key)
{
	const char *text = member_text(obj, key);

	return text == NULL ? NULL : strdup(text);
}

/* A copy of it in the place of *PLACE. */
static void
set_string(char **place, struct json_object *obj, const char *key)
{
	free(*place);
	*place = member_string(obj, key);
}

/* Each element of LIST, if it is one. */
static void
get_each(struct json_object *list, void *arg,
    void (*get)(struct json_object *obj, void *arg))
{
	size_t n = json_object_is_type(list, json_type_array)
	    ? json_object_array_length(list)
	    : 0;

	for (size_t i = 0; i < n; i++)
		get(json_object_array_get_idx(list, i), arg);
}

static void
get_totals(struct json_object *obj, struct queue_totals *t)
{
	t->admitted = member_uint(obj, "admitted");
	t->delivered = member_uint(obj, "delivered");
	t->deferred = member_uint(obj, "deferred");
	t->failed = member_uint(obj, "failed");
	t->bounced = member_uint(obj, "bounced");
	t->dropped = member_uint(obj, "dropped");
	t->bytes = member_uint(obj, "bytes");
}

/* A slot, and when it began. */
static struct stats_slot
get_slot(struct json_object *obj, int64_t *ret_time_us)
{
	struct stats_slot slot = {
		.count = {
			[STATS_DELIVERED] = member_unsigned(obj, "delivered"),
			[STATS_DEFERRED] = member_unsigned(obj, "deferred"),
			[STATS_FAILED] = member_unsigned(obj, "failed"),
			[STATS_BOUNCED] = member_unsigned(obj, "bounced"),
			[STATS_DROPPED] = member_unsigned(obj, "dropped"),
		},
		.bytes = member_uint(obj, "bytes"),
	};

	slot.latency_us =
	    slot.count[STATS_DELIVERED] * (uint64_t)member_time(obj, "latency");
	*ret_time_us = member_time(obj, "time");
	return slot;
}

static void
get_minute(struct json_object *obj, void *arg)
{
	struct queue *q = arg;
	int64_t time_us;
	struct stats_slot slot = get_slot(obj, &time_us);

	/* What is to come is none of it. */
	if (time_us <= q->read_us)
		stats_set_minute(&q->stats, time_us, &slot);
}

static void
get_hour(struct json_object *obj, void *arg)
{
	struct queue *q = arg;
	int64_t time_us;
	struct stats_slot slot = get_slot(obj, &time_us);

	if (time_us <= q->read_us)
		stats_set_hour(&q->stats, time_us, &slot);
}

static void
get_pause(struct json_object *obj, int64_t *since_us, char **by)
{
	struct json_object *paused = member(obj, "paused");

	*since_us = member_time(paused, "since");
	set_string(by, paused, "by");
}

static void
get_limit(struct json_object *obj, void *arg)
{
	const char *limit = member_text(obj, "limit");
	struct relay_work *w = arg;
	struct limit_use *use = &w->limits[w->nlimits];

	if (limit == NULL || w->nlimits == RATE_LIMITS_MAX ||
	    strlen(limit) >= sizeof(use->limit))
		return;
	(void)strcpy(use->limit, limit);
	use->used = member_uint(obj, "used");
	use->left = member_uint(obj, "left");
	w->nlimits++;
}

static void
get_work(struct json_object *obj, struct relay_work *w)
{
	w->connections = member_unsigned(obj, "connections");
	w->nlimits = 0;
	get_each(member(obj, "limits"), w, get_limit);
	w->rate_until_us = member_time(obj, "rate_until");
	w->latency_us = member_time(obj, "latency");
	w->delivered_us = member_time(obj, "delivered");
	set_string(&w->error, obj, "error");
	w->error_us = member_time(obj, "error_time");
}

static void
get_relay(struct json_object *obj, void *arg)
{
	const char *name = member_text(obj, "name");
	const char *state = member_text(obj, "state");
	struct relay_state *r = name == NULL ? NULL : queue_relay(arg, name);

	if (r == NULL)
		return;
	r->down = state != NULL && strcmp(state, "down") == 0;
	r->since_us = member_time(obj, "since");
	r->next_us = member_time(obj, "next");
	set_string(&r->reason, obj, "reason");
	get_pause(obj, &r->paused_us, &r->paused_by);
	get_work(obj, &r->work);
	set_string(&r->saved_rate, obj, "rate");
}

static void
get_sender(struct json_object *obj, void *arg)
{
	const char *key = member_text(obj, "key");
	const char *rate = member_text(obj, "rate");

	if (key != NULL && rate != NULL)
		(void)queue_load_sender(arg, strtoull(key, NULL, 16), rate);
}

static void
get_spool_id(struct json_object *obj, struct status_daemon *d)
{
	const char *id = member_text(obj, "spool_id");

	d->spool_id[0] = '\0';
	if (id != NULL && status_is_spool_id(id))
		(void)strcpy(d->spool_id, id);
}

static void
get_daemon(struct json_object *obj, struct queue *q, struct status_daemon *d)
{
	const char *version = member_text(obj, "version");

	(void)snprintf(d->version, sizeof(d->version), "%s",
	    version == NULL ? "" : version);
	d->pid = (long)member_unsigned(obj, "pid");
	d->start_us = member_time(obj, "start");
	set_string(&d->config, obj, "config");
	set_string(&d->relay, obj, "relay");
	get_pause(obj, &q->paused_us, &q->paused_by);
}

static int
get_queue(struct json_object *obj, struct queue *q)
{
	q->seq = member_uint(obj, "seq");
	q->last_us = member_time(obj, "time");
	q->read_us = q->last_us;
	get_totals(member(obj, "totals"), &q->totals);
	get_each(member(obj, "minutes"), q, get_minute);
	get_each(member(obj, "hours"), q, get_hour);
	get_each(member(obj, "relays"), q, get_relay);
	get_each(member(obj, "senders"), q, get_sender);
	return queue_fit_rates(q);
}

int
status_read_head(
    char *line, size_t len, struct queue *q, struct status_daemon *daemon)
{
	const size_t mark = sizeof(STATUS_MESSAGES_MARK) - 1;
	struct json_object *obj;
	int err = -EBADMSG;

	if (len < mark + 1 ||
	    strcmp(line + len - mark, STATUS_MESSAGES_MARK) != 0)
		return err;
	/* ',' before the mark closes the object instead. */
	line[len - mark - 1] = '}';
	line[len - mark] = '\0';
	obj = json_tokener_parse(line);
	if (obj != NULL && member_uint(obj, "version") == STATUS_VERSION) {
		err = get_queue(obj, q);
		get_spool_id(obj, daemon);
		get_daemon(member(obj, "daemon"), q, daemon);
	}
	json_object_put(obj);
	return err;
}
