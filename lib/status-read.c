/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The snapshot, read a message at a time. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/journal.h"
#include "lib/queue-work.h"
#include "lib/status-work.h"
#include "lib/status.h"

static struct json_object *
member(struct json_object *obj, const char *key)
{
	struct json_object *val;

	return json_object_object_get_ex(obj, key, &val) ? val : NULL;
}

static int64_t
member_time(struct json_object *obj, const char *key)
{
	return event_time_us(member(obj, key), 0);
}

static uint64_t
member_uint(struct json_object *obj, const char *key)
{
	return json_object_get_uint64(member(obj, key));
}

/* A copy of the member KEY; NULL when it is missing or out of memory. */
static char *
member_string(struct json_object *obj, const char *key)
{
	struct json_object *val = member(obj, key);

	if (!json_object_is_type(val, json_type_string))
		return NULL;
	return strdup(json_object_get_string(val));
}

static bool
get_rcpt(struct json_object *obj, struct queue *q, struct message *m,
    struct qrcpt *r)
{
	const char *relay = json_object_get_string(member(obj, "relay"));
	struct relay_state *goes = relay == NULL ? NULL : queue_relay(q, relay);
	const char *state = json_object_get_string(member(obj, "state"));

	r->addr = member_string(obj, "rcpt");
	r->reply = member_string(obj, "reply");
	r->server = member_string(obj, "server");
	r->note = member_string(obj, "note");
	r->part = goes == NULL ? NULL : queue_make_part(m, goes);
	r->attempts = (unsigned)member_uint(obj, "attempts");
	r->tries = (unsigned)member_uint(obj, "tries");
	r->next_us = member_time(obj, "next");
	r->last_us = member_time(obj, "last");
	r->uncertain = json_object_get_boolean(member(obj, "uncertain"));
	r->waiting = json_object_get_boolean(member(obj, "active"));
	for (int i = RCPT_PENDING; state != NULL && i <= RCPT_REPORTED; i++)
		if (strcmp(state, status_rcpt_state((enum rcpt_state)i)) == 0) {
			r->state = (enum rcpt_state)i;
			return r->addr != NULL;
		}
	return false;
}

static bool
get_state(const char *name, enum spool_state *ret)
{
	for (int i = 0; name != NULL && i < SPOOL_STATES; i++)
		if (strcmp(name, spool_state_name((enum spool_state)i)) == 0) {
			*ret = (enum spool_state)i;
			return true;
		}
	return false;
}

static bool
get_rcpts(struct json_object *list, struct queue *q, struct message *m)
{
	size_t n;

	if (!json_object_is_type(list, json_type_array))
		return false;
	n = json_object_array_length(list);
	if (n == 0 || (m->rcpts = calloc(n, sizeof(*m->rcpts))) == NULL)
		return false;
	for (size_t i = 0; i < n; i++) {
		m->nrcpts++;
		if (!get_rcpt(
			json_object_array_get_idx(list, i), q, m, &m->rcpts[i]))
			return false;
	}
	return true;
}

static int
get_message(struct json_object *obj, struct queue *q)
{
	struct message *m = calloc(1, sizeof(*m));
	const char *id = json_object_get_string(member(obj, "id"));

	if (m == NULL)
		return -ENOMEM;
	m->sender = member_string(obj, "sender");
	m->arrival_us = member_time(obj, "arrival");
	m->seen_us = member_time(obj, "seen");
	m->attempt_us = member_time(obj, "attempt");
	m->size_bytes = member_uint(obj, "size");
	m->uid = (uid_t)member_uint(obj, "uid");
	m->expires_us = member_time(obj, "expires");
	m->not_before_us = member_time(obj, "not_before");
	m->lane = member_string(obj, "lane");
	m->is_report = json_object_get_boolean(member(obj, "report"));
	m->warned = json_object_get_boolean(member(obj, "warned"));
	m->untold = json_object_get_boolean(member(obj, "untold"));
	if (id != NULL && spool_is_id(id) && m->sender != NULL &&
	    get_state(
		json_object_get_string(member(obj, "state")), &m->state) &&
	    get_rcpts(member(obj, "rcpts"), q, m)) {
		(void)strcpy(m->id, id);
		if (queue_insert(q, m) == 0)
			return 0;
	}
	message_free(m);
	return -EBADMSG;
}

static void
get_totals(struct json_object *obj, struct queue_totals *t)
{
	t->admitted = member_uint(obj, "admitted");
	t->delivered = member_uint(obj, "delivered");
	t->deferred = member_uint(obj, "deferred");
	t->failed = member_uint(obj, "failed");
	t->dropped = member_uint(obj, "dropped");
	t->bytes = member_uint(obj, "bytes");
}

static void
get_relay(struct json_object *obj, struct queue *q)
{
	const char *name = json_object_get_string(member(obj, "name"));
	const char *state = json_object_get_string(member(obj, "state"));
	struct relay_state *r = name == NULL ? NULL : queue_relay(q, name);

	if (r == NULL)
		return;
	r->down = state != NULL && strcmp(state, "down") == 0;
	r->since_us = member_time(obj, "since");
	r->next_us = member_time(obj, "next");
	free(r->reason);
	r->reason = member_string(obj, "reason");
	free(r->saved_rate);
	r->saved_rate = member_string(obj, "rate");
}

static void
get_sender(struct json_object *obj, struct queue *q)
{
	const char *key = json_object_get_string(member(obj, "key"));
	const char *rate = json_object_get_string(member(obj, "rate"));

	if (key != NULL && rate != NULL)
		(void)queue_load_sender(q, strtoull(key, NULL, 16), rate);
}

/* Each element of LIST, if it is one. */
static void
get_each(struct json_object *list, struct queue *q,
    void (*get)(struct json_object *obj, struct queue *q))
{
	size_t n = json_object_is_type(list, json_type_array)
	    ? json_object_array_length(list)
	    : 0;

	for (size_t i = 0; i < n; i++)
		get(json_object_array_get_idx(list, i), q);
}

/* The first line: the document up to its messages. */
static int
get_head(char *line, size_t len, struct queue *q, struct status_daemon *d)
{
	const size_t mark = sizeof(STATUS_MESSAGES_MARK) - 1;
	struct json_object *obj, *daemon;
	const char *version;

	if (len < mark + 1 ||
	    strcmp(line + len - mark, STATUS_MESSAGES_MARK) != 0)
		return -EBADMSG;
	/* ',' before the mark closes the object instead. */
	line[len - mark - 1] = '}';
	line[len - mark] = '\0';
	obj = json_tokener_parse(line);
	if (obj == NULL || member_uint(obj, "version") != STATUS_VERSION) {
		json_object_put(obj);
		return -EBADMSG;
	}
	q->seq = member_uint(obj, "seq");
	q->last_us = member_time(obj, "time");
	get_totals(member(obj, "totals"), &q->totals);
	get_each(member(obj, "relays"), q, get_relay);
	get_each(member(obj, "senders"), q, get_sender);
	if (queue_fit_rates(q) < 0) {
		json_object_put(obj);
		return -ENOMEM;
	}
	daemon = member(obj, "daemon");
	version = json_object_get_string(member(daemon, "version"));
	(void)snprintf(d->version, sizeof(d->version), "%s",
	    version == NULL ? "" : version);
	d->pid = (long)member_uint(daemon, "pid");
	d->start_us = member_time(daemon, "start");
	d->config = member_string(daemon, "config");
	d->relay = member_string(daemon, "relay");
	json_object_put(obj);
	return 0;
}

/* One line of the list: a message, or the end (1). */
static int
get_line(char *line, size_t len, struct queue *q)
{
	struct json_object *obj;
	int err;

	if (strcmp(line, "]}\n") == 0)
		return 1;
	if (len > 2 && line[len - 2] == ',')
		line[len - 2] = '\0';
	obj = json_tokener_parse(line);
	if (obj == NULL)
		return -EBADMSG;
	err = get_message(obj, q);
	json_object_put(obj);
	return err;
}

static int
read_lines(FILE *in, struct queue *q, struct status_daemon *daemon)
{
	bool damaged = false;
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	int err;

	len = getline(&line, &size, in);
	err = len <= 0 ? -EBADMSG : get_head(line, (size_t)len, q, daemon);
	while (err == 0) {
		len = getline(&line, &size, in);
		if (len <= 0)
			break;
		err = get_line(line, (size_t)len, q);
		/* One bad line is one message; the others stand. */
		if (err == -EBADMSG) {
			damaged = true;
			err = 0;
		}
	}
	free(line);
	if (err < 0)
		return err;
	return err == 1 && !damaged ? 0 : -EBADMSG;
}

int
status_read(
    int dir_fd, const char *path, struct queue *q, struct status_daemon *daemon)
{
	FILE *in;
	int fd, err;

	*daemon = (struct status_daemon){ .pid = 0 };
	fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	in = fdopen(fd, "r");
	if (in == NULL) {
		err = -errno;
		(void)close(fd);
		return err;
	}
	err = read_lines(in, q, daemon);
	(void)fclose(in);
	return err;
}

/* Where the journal's events go. */
struct replay {
	struct queue *q;
	status_watch_fn *watch; /* or NULL */
	void *arg;
};

static int
apply(const struct event *ev, void *arg)
{
	const struct replay *replay = arg;

	if (replay->watch != NULL)
		replay->watch(ev, replay->arg);
	return queue_apply(replay->q, ev);
}

static int
load_once(int dir_fd, const char *path, struct replay *replay,
    struct status_daemon *daemon)
{
	struct queue *q = replay->q;
	uint64_t seq;
	int damaged, err;

	damaged = status_read(dir_fd, path, q, daemon);
	if (damaged == -ENOENT)
		damaged = 0;
	if (damaged < 0 && damaged != -EBADMSG)
		return damaged;
	err = journal_replay(dir_fd, q->seq, apply, replay, &seq);
	return err == 0 ? damaged : err;
}

int
status_load(
    int dir_fd, const char *path, struct queue *q, struct status_daemon *daemon)
{
	return status_load_watched(dir_fd, path, q, daemon, NULL, NULL);
}

int
status_load_watched(int dir_fd, const char *path, struct queue *q,
    struct status_daemon *daemon, status_watch_fn *watch, void *arg)
{
	struct replay replay = { .q = q, .watch = watch, .arg = arg };
	int err;

	for (int tries = 3;; tries--) {
		err = load_once(dir_fd, path, &replay, daemon);
		if (err != -EAGAIN)
			return err;
		/* A journal that is gone for good (an operator removed it)
		 * leaves the gap: what there is has been applied. */
		if (tries == 0)
			return -EBADMSG;
		queue_clear(q);
		status_daemon_release(daemon);
	}
}

void
status_daemon_release(struct status_daemon *daemon)
{
	free(daemon->config);
	free(daemon->relay);
	*daemon = (struct status_daemon){ .pid = 0 };
}
