/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See status-stream.h. */

#include "config.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json-in.h"
#include "lib/queue-work.h"
#include "lib/status-stream.h"
#include "lib/status-work.h"

static int
read_line(struct status_stream *s)
{
	ssize_t got;

	errno = 0;
	got = getline(&s->line, &s->size, s->in);
	if (got <= 0) {
		s->len = 0;
		return errno != 0 ? -errno : -EBADMSG;
	}
	s->len = (size_t)got;
	return 0;
}

int
status_stream_begin(struct status_stream *s, FILE *in, struct queue *q,
    struct status_daemon *daemon)
{
	int err;

	*s = (struct status_stream){ .in = in };
	*daemon = (struct status_daemon){ .pid = 0 };
	err = read_line(s);
	return err < 0 ? err : status_read_head(s->line, s->len, q, daemon);
}

/* The id as the line begins with it, without a look at the rest. */
static void
look_at_id(struct status_stream *s)
{
	static const char begin[] = "{\"id\":\"";
	const size_t at = sizeof(begin) - 1;
	const char *id = s->line + at;
	size_t len;

	s->id[0] = '\0';
	if (s->len < at + SPOOL_ID_SIZE || memcmp(s->line, begin, at) != 0)
		return;
	len = strcspn(id, "\"");
	if (len >= SPOOL_ID_SIZE)
		return;
	memcpy(s->id, id, len);
	s->id[len] = '\0';
	if (!spool_is_id(s->id))
		s->id[0] = '\0';
}

int
status_stream_next(struct status_stream *s)
{
	int err = read_line(s);

	if (err < 0)
		return err;
	if (strcmp(s->line, "]}\n") == 0)
		return 0;
	look_at_id(s);
	return 1;
}

void
status_stream_end(struct status_stream *s)
{
	free(s->line);
	free(s->rcpts);
	free(s->addrs);
	*s = (struct status_stream){ .in = NULL };
}

/* ---- reading a message ----------------------------------------------- */

/* A recipient, in the line. */
struct status_rcpt {
	const char *reply, *server, *note, *relay;
	int64_t next_us, last_us;
	uint64_t attempts, tries;
	enum rcpt_state state;
	bool uncertain, waiting;
};

/* A message, in the line; its recipients are in the stream. */
struct taking {
	struct status_stream *s;
	struct json_in in;
	const char *id, *sender, *lane, *subject, *reroute;
	int64_t arrival_us, seen_us, attempt_us, expires_us, not_before_us;
	uint64_t size_bytes, uid;
	enum spool_state state;
	bool is_report, warned, untold;
	bool has_state, has_rcpt_state;
	size_t nrcpts;
	int err;
};

/* A member of an object; false: KEY is none of them. */
typedef bool member_fn(struct taking *t, const char *key);

enum field_kind { FIELD_STRING, FIELD_TIME, FIELD_UINT, FIELD_FLAG };

/* A member that is kept as it is; the last one's name is NULL. */
struct field {
	const char *name;
	enum field_kind kind;
	size_t offset; /* of a const char *, int64_t, uint64_t or bool */
};

#define RCPT(name, kind, member) \
	{ \
		name, kind, offsetof(struct status_rcpt, member) \
	}

static const struct field rcpt_fields[] = {
	RCPT("attempts", FIELD_UINT, attempts),
	RCPT("tries", FIELD_UINT, tries),
	RCPT("next", FIELD_TIME, next_us),
	RCPT("last", FIELD_TIME, last_us),
	RCPT("reply", FIELD_STRING, reply),
	RCPT("server", FIELD_STRING, server),
	RCPT("note", FIELD_STRING, note),
	RCPT("relay", FIELD_STRING, relay),
	RCPT("uncertain", FIELD_FLAG, uncertain),
	RCPT("active", FIELD_FLAG, waiting),
	{ NULL, FIELD_STRING, 0 },
};

#define MESSAGE(name, kind, member) \
	{ \
		name, kind, offsetof(struct taking, member) \
	}

static const struct field fields[] = {
	MESSAGE("id", FIELD_STRING, id),
	MESSAGE("arrival", FIELD_TIME, arrival_us),
	MESSAGE("size", FIELD_UINT, size_bytes),
	MESSAGE("uid", FIELD_UINT, uid),
	MESSAGE("sender", FIELD_STRING, sender),
	MESSAGE("seen", FIELD_TIME, seen_us),
	MESSAGE("attempt", FIELD_TIME, attempt_us),
	MESSAGE("expires", FIELD_TIME, expires_us),
	MESSAGE("not_before", FIELD_TIME, not_before_us),
	MESSAGE("lane", FIELD_STRING, lane),
	MESSAGE("subject", FIELD_STRING, subject),
	MESSAGE("reroute", FIELD_STRING, reroute),
	MESSAGE("report", FIELD_FLAG, is_report),
	MESSAGE("warned", FIELD_FLAG, warned),
	MESSAGE("untold", FIELD_FLAG, untold),
	{ NULL, FIELD_STRING, 0 },
};

/* The value of KEY, if it is one of LIST, into its place in OBJ. */
static bool
take_field(
    struct json_in *in, const struct field *list, const char *key, void *obj)
{
	void *place;

	while (list->name != NULL && strcmp(list->name, key) != 0)
		list++;
	if (list->name == NULL)
		return false;
	place = (char *)obj + list->offset;
	if (list->kind == FIELD_STRING)
		*(const char **)place = json_in_string(in);
	else if (list->kind == FIELD_TIME)
		*(int64_t *)place = json_in_time(in);
	else if (list->kind == FIELD_UINT)
		*(uint64_t *)place = json_in_uint(in);
	else
		*(bool *)place = json_in_bool(in);
	return true;
}

static bool
take_rcpt_state(struct taking *t, const char *key, struct status_rcpt *r)
{
	const char *state;

	if (strcmp(key, "state") != 0)
		return false;
	state = json_in_string(&t->in);
	for (int i = RCPT_PENDING; state != NULL && i <= RCPT_DROPPED; i++)
		if (strcmp(state, status_rcpt_state((enum rcpt_state)i)) == 0) {
			r->state = (enum rcpt_state)i;
			t->has_rcpt_state = true;
		}
	return true;
}

static bool
take_state(struct taking *t, const char *key)
{
	const char *state;

	if (strcmp(key, "state") != 0)
		return false;
	state = json_in_string(&t->in);
	for (int i = 0; state != NULL && i < SPOOL_STATES; i++)
		if (strcmp(state, spool_state_name((enum spool_state)i)) == 0) {
			t->state = (enum spool_state)i;
			t->has_state = true;
		}
	return true;
}

static bool
take_rcpt_member(struct taking *t, const char *key)
{
	struct status_rcpt *r = &t->s->rcpts[t->nrcpts];

	if (strcmp(key, "rcpt") == 0) {
		t->s->addrs[t->nrcpts] = json_in_string(&t->in);
		return true;
	}
	return take_rcpt_state(t, key, r) ||
	    take_field(&t->in, rcpt_fields, key, r);
}

/* An object, each of whose members FN takes or leaves. */
static void
take_object(struct taking *t, member_fn *fn)
{
	unsigned count = 0;

	json_in_enter(&t->in, '{');
	while (json_in_more(&t->in, '{', &count)) {
		const char *key = json_in_key(&t->in);

		if (key != NULL && !fn(t, key))
			json_in_skip(&t->in);
	}
}

/* Room for one more recipient. */
static int
grow(struct status_stream *s, size_t n)
{
	size_t alloc = s->alloc == 0 ? 16 : 2 * s->alloc;
	struct status_rcpt *rcpts;
	const char **addrs;

	if (n < s->alloc)
		return 0;
	rcpts = reallocarray(s->rcpts, alloc, sizeof(*rcpts));
	if (rcpts == NULL)
		return -ENOMEM;
	s->rcpts = rcpts;
	addrs = reallocarray(s->addrs, alloc, sizeof(*addrs));
	if (addrs == NULL)
		return -ENOMEM;
	s->addrs = addrs;
	s->alloc = alloc;
	return 0;
}

static bool
take_rcpts(struct taking *t, const char *key)
{
	unsigned count = 0;

	if (strcmp(key, "rcpts") != 0)
		return false;
	json_in_enter(&t->in, '[');
	while (json_in_more(&t->in, '[', &count)) {
		t->err = grow(t->s, t->nrcpts);
		if (t->err < 0) {
			t->in.bad = true;
			break;
		}
		t->s->rcpts[t->nrcpts] = (struct status_rcpt){ .reply = NULL };
		t->s->addrs[t->nrcpts] = NULL;
		t->has_rcpt_state = false;
		take_object(t, take_rcpt_member);
		if (t->s->addrs[t->nrcpts] == NULL || !t->has_rcpt_state)
			t->in.bad = true;
		t->nrcpts++;
	}
	return true;
}

static bool
take_member(struct taking *t, const char *key)
{
	return take_rcpts(t, key) || take_state(t, key) ||
	    take_field(&t->in, fields, key, t);
}

/* Whether all is there that a message has. */
static bool
is_whole(const struct taking *t)
{
	return t->id != NULL && spool_is_id(t->id) && t->sender != NULL &&
	    t->has_state && t->nrcpts > 0;
}

static int
take_line(struct taking *t)
{
	struct status_stream *s = t->s;
	size_t len = s->len;

	if (len > 0 && s->line[len - 1] == '\n')
		len--;
	if (len > 0 && s->line[len - 1] == ',')
		len--;
	s->line[len] = '\0';
	json_in_begin(&t->in, s->line, len);
	take_object(t, take_member);
	if (t->err < 0)
		return t->err;
	return json_in_ends(&t->in) && is_whole(t) ? 0 : -EBADMSG;
}

/* ---- making it ------------------------------------------------------- */

/* The relay NAME of Q; NULL for NULL. */
static int
find_relay(struct queue *q, const char *name, struct relay_state **ret)
{
	*ret = name == NULL ? NULL : queue_relay(q, name);
	return name != NULL && *ret == NULL ? -ENOMEM : 0;
}

static uint16_t
to_16(uint64_t n)
{
	return n < UINT16_MAX ? (uint16_t)n : UINT16_MAX;
}

static int
make_rcpt(struct queue *q, struct message *m, struct qrcpt *r,
    const struct status_rcpt *from)
{
	struct relay_state *relay;
	int err = find_relay(q, from->relay, &relay);

	if (err < 0)
		return err;
	if (relay != NULL) {
		r->part = queue_make_part(m, relay);
		if (r->part == NULL)
			return -ENOMEM;
	}
	queue_set_text(q, &r->reply, from->reply);
	queue_set_text(q, &r->server, from->server);
	queue_set_text(q, &r->note, from->note);
	r->next_us = from->next_us;
	r->last_us = from->last_us;
	r->attempts = to_16(from->attempts);
	r->tries = to_16(from->tries);
	r->state = from->state;
	r->uncertain = from->uncertain;
	r->waiting = from->waiting;
	return 0;
}

/* What few messages have. */
static int
make_extra(struct queue *q, struct message *m, const struct taking *t)
{
	struct message_extra *extra;

	if (t->expires_us == 0 && t->not_before_us == 0 && t->lane == NULL &&
	    t->subject == NULL && t->reroute == NULL)
		return 0;
	extra = queue_extra(m);
	if (extra == NULL)
		return -ENOMEM;
	extra->expires_us = t->expires_us;
	extra->not_before_us = t->not_before_us;
	queue_set_text(q, &extra->lane, t->lane);
	queue_set_text(q, &extra->subject, t->subject);
	return find_relay(q, t->reroute, &extra->rerouted);
}

static int
fill_message(struct queue *q, struct message *m, const struct taking *t)
{
	int err;

	(void)strcpy(m->id, t->id);
	m->uid = (uid_t)t->uid;
	m->arrival_us = t->arrival_us;
	m->seen_us = t->seen_us;
	m->attempt_us = t->attempt_us;
	m->size_bytes = t->size_bytes;
	m->state = t->state;
	m->is_report = t->is_report;
	m->warned = t->warned;
	m->untold = t->untold;
	err = make_extra(q, m, t);
	for (size_t i = 0; err == 0 && i < t->nrcpts; i++)
		err = make_rcpt(q, m, &m->rcpts[i], &t->s->rcpts[i]);
	return err;
}

int
status_stream_take(
    struct status_stream *s, struct queue *q, struct message **ret)
{
	struct taking t = { .s = s };
	struct message *m;
	int err = take_line(&t);

	if (err < 0)
		return err;
	m = message_new(q, t.sender, s->addrs, t.nrcpts);
	if (m == NULL)
		return -ENOMEM;
	err = fill_message(q, m, &t);
	if (err == 0)
		err = queue_insert(q, m);
	if (err == 0)
		*ret = m;
	else
		message_free(m);
	return err;
}

void
status_stream_forget(struct queue *q, struct message *m)
{
	queue_delete(q, m);
}

void
status_stream_move(struct queue *q, struct message *m, enum spool_state state)
{
	if (m->state != state)
		queue_set_state(q, m, state);
}
