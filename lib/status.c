/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The snapshot, written a message at a time. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/queue-work.h"
#include "lib/status-work.h"
#include "lib/status.h"

const char *
status_rcpt_state(enum rcpt_state state)
{
	static const char *const names[] = {
		[RCPT_PENDING] = "pending",
		[RCPT_DELIVERED] = "delivered",
		[RCPT_FAILED] = "failed",
		[RCPT_REPORTED] = "reported",
	};

	return names[state];
}

static void
put_string(FILE *out, const char *s)
{
	struct json_object *obj = event_new_string(s);

	(void)fputs(obj == NULL
		? "\"\""
		: json_object_to_json_string_ext(obj,
		      JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE),
	    out);
	json_object_put(obj);
}

static void
put_key_string(FILE *out, const char *key, const char *s)
{
	if (s == NULL)
		return;
	(void)fprintf(out, ",\"%s\":", key);
	put_string(out, s);
}

/* Times that are not set (0) are left out. */
static void
put_key_time(FILE *out, const char *key, int64_t us)
{
	if (us > 0)
		(void)fprintf(out, ",\"%s\":%" PRId64 ".%06" PRId64, key,
		    us / 1000000, us % 1000000);
}

static void
put_flag(FILE *out, const char *key, bool is_set)
{
	if (is_set)
		(void)fprintf(out, ",\"%s\":true", key);
}

static void
put_rcpt(FILE *out, const struct qrcpt *r)
{
	(void)fputs("{\"rcpt\":", out);
	put_string(out, r->addr);
	(void)fprintf(out, ",\"state\":\"%s\",\"attempts\":%u,\"tries\":%u",
	    status_rcpt_state(r->state), r->attempts, r->tries);
	put_key_time(out, "next", r->next_us);
	put_key_time(out, "last", r->last_us);
	put_key_string(out, "reply", r->reply);
	put_key_string(out, "server", r->server);
	put_key_string(out, "note", r->note);
	if (r->part->relay != NULL)
		put_key_string(out, "relay", r->part->relay->name);
	put_flag(out, "uncertain", r->uncertain);
	put_flag(out, "active", r->waiting);
	(void)fputc('}', out);
}

static void
put_message(FILE *out, const struct message *m)
{
	(void)fprintf(out, "{\"id\":\"%s\",\"state\":\"%s\"", m->id,
	    spool_state_name(m->state));
	put_key_time(out, "arrival", m->arrival_us);
	(void)fprintf(out, ",\"size\":%" PRIu64 ",\"uid\":%lu", m->size_bytes,
	    (unsigned long)m->uid);
	put_key_string(out, "sender", m->sender);
	put_key_time(out, "seen", m->seen_us);
	put_key_time(out, "attempt", m->attempt_us);
	put_key_time(out, "expires", m->expires_us);
	put_key_time(out, "not_before", m->not_before_us);
	put_key_string(out, "lane", m->lane);
	put_flag(out, "report", m->is_report);
	put_flag(out, "warned", m->warned);
	put_flag(out, "untold", m->untold);
	(void)fputs(",\"rcpts\":[", out);
	for (unsigned i = 0; i < m->nrcpts; i++) {
		if (i > 0)
			(void)fputc(',', out);
		put_rcpt(out, &m->rcpts[i]);
	}
	(void)fputs("]}", out);
}

static void
put_relay(FILE *out, const struct relay_state *r)
{
	char *rate = rate_save(&r->rate, r->rates, r->nrates);

	(void)fputs("{\"name\":", out);
	put_string(out, r->name);
	(void)fprintf(out, ",\"state\":\"%s\"", r->down ? "down" : "up");
	put_key_time(out, "since", r->since_us);
	put_key_time(out, "next", r->next_us);
	put_key_string(out, "reason", r->reason);
	if (r->nrates > 0)
		put_key_string(out, "rate", rate);
	(void)fputc('}', out);
	free(rate);
}

static void
put_relays(FILE *out, const struct queue *q)
{
	const struct relay_state *r;
	const char *comma = "";

	(void)fputs(",\"relays\":[", out);
	SLIST_FOREACH (r, &q->relays, link) {
		(void)fputs(comma, out);
		put_relay(out, r);
		comma = ",";
	}
	(void)fputc(']', out);
}

/* Who is near the limits for senders, as numbers: nothing about anybody. */
static void
put_senders(FILE *out, struct queue *q)
{
	struct sender_state *s;
	const char *comma = "";

	if (q->nsender_rates == 0)
		return;
	(void)fputs(",\"senders\":[", out);
	for (s = queue_first_sender(q); s != NULL; s = queue_next_sender(s)) {
		char *rate =
		    rate_save(&s->rate, q->sender_rates, q->nsender_rates);

		(void)fprintf(
		    out, "%s{\"key\":\"%016" PRIx64 "\"", comma, s->key);
		put_key_string(out, "rate", rate);
		(void)fputc('}', out);
		free(rate);
		comma = ",";
	}
	(void)fputc(']', out);
}

static void
put_head(
    FILE *out, struct queue *q, const struct status_daemon *d, int64_t now_us)
{
	const struct queue_totals *t = &q->totals;

	(void)fprintf(
	    out, "{\"version\":%d,\"seq\":%" PRIu64, STATUS_VERSION, q->seq);
	put_key_time(out, "time", now_us);
	(void)fprintf(out, ",\"daemon\":{\"version\":\"%s\",\"pid\":%ld",
	    d->version, d->pid);
	put_key_time(out, "start", d->start_us);
	put_key_string(out, "config", d->config);
	put_key_string(out, "relay", d->relay);
	(void)fprintf(out,
	    "},\"totals\":{\"admitted\":%" PRIu64 ",\"delivered\":%" PRIu64
	    ",\"deferred\":%" PRIu64 ",\"failed\":%" PRIu64
	    ",\"dropped\":%" PRIu64 ",\"bytes\":%" PRIu64 "}",
	    t->admitted, t->delivered, t->deferred, t->failed, t->dropped,
	    t->bytes);
	put_relays(out, q);
	put_senders(out, q);
	(void)fprintf(out, ",%s", STATUS_MESSAGES_MARK);
}

int
status_write(int dir_fd, const char *name, const struct queue *q,
    const struct status_daemon *daemon, int64_t now_us)
{
	struct queue *walk =
	    (struct queue *)(uintptr_t)q; /* RB_ has no const */
	struct message *m;
	FILE *out;
	int fd, err = 0;

	fd = openat(dir_fd, name,
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0)
		return -errno;
	out = fdopen(fd, "w");
	if (out == NULL) {
		err = -errno;
		(void)close(fd);
		return err;
	}
	put_head(out, walk, daemon, now_us);
	for (m = queue_first(walk); m != NULL; m = queue_next(walk, m)) {
		put_message(out, m);
		(void)fputs(queue_next(walk, m) != NULL ? ",\n" : "\n", out);
	}
	(void)fputs("]}\n", out);
	if (ferror(out))
		err = -EIO;
	if (fclose(out) != 0 && err == 0)
		err = -errno;
	return err;
}
