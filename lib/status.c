/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The snapshot, written a message at a time. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "lib/fsutil.h"
#include "lib/status-work.h"
#include "lib/status.h"
#include "lib/why.h"

/* Written together. */
#define GATHERED_BYTES ((size_t)128 << 10)

const char *
status_rcpt_state(enum rcpt_state state)
{
	static const char *const names[] = {
		[RCPT_PENDING] = "pending",
		[RCPT_DELIVERED] = "delivered",
		[RCPT_FAILED] = "failed",
		[RCPT_REPORTED] = "reported",
		[RCPT_DROPPED] = "dropped",
	};

	return names[state];
}

static void
put_text(struct json_out *o, const char *text)
{
	json_out_raw(o, text, strlen(text));
}

void
status_put_time(struct json_out *o, const char *key, int64_t us)
{
	if (us > 0)
		json_out_time(o, key, us);
}

void
status_put_flag(struct json_out *o, const char *key, bool is_set)
{
	if (!is_set)
		return;
	json_out_key(o, key);
	put_text(o, "true");
}

static void
put_rcpt(struct json_out *o, const struct qrcpt *r)
{
	put_text(o, "{");
	json_out_member(o, "rcpt", r->addr);
	json_out_member(o, "state", status_rcpt_state(r->state));
	json_out_uint(o, "attempts", r->attempts);
	json_out_uint(o, "tries", r->tries);
	status_put_time(o, "next", r->next_us);
	status_put_time(o, "last", r->last_us);
	json_out_member(o, "reply", r->reply);
	json_out_member(o, "server", r->server);
	json_out_member(o, "note", r->note);
	if (r->part->relay != NULL)
		json_out_member(o, "relay", r->part->relay->name);
	status_put_flag(o, "uncertain", r->uncertain);
	status_put_flag(o, "active", r->waiting);
	put_text(o, "}");
}

/* Where the first goes that is pending, and what keeps M here. */
static void
put_waiting(struct json_out *o, const struct queue *q, const struct message *m,
    int64_t now_us)
{
	struct waiting w = why_message(q, m, now_us);
	unsigned i = 0;

	while (i < m->nrcpts && m->rcpts[i].state != RCPT_PENDING)
		i++;
	if (i < m->nrcpts && m->rcpts[i].part->relay != NULL)
		json_out_member(o, "relay", m->rcpts[i].part->relay->name);
	if (queue_rerouted(m) != NULL)
		json_out_member(o, "reroute", queue_rerouted(m)->name);
	if (w.why == WHY_NOTHING)
		return;
	json_out_member(o, "waits", why_name(w.why));
	status_put_time(o, "until", w.until_us);
}

void
status_put_message(struct json_out *o, const struct queue *q,
    const struct message *m, int64_t now_us)
{
	put_text(o, "{");
	json_out_member(o, "id", m->id);
	json_out_member(o, "state", spool_state_name(m->state));
	status_put_time(o, "arrival", m->arrival_us);
	json_out_uint(o, "size", m->size_bytes);
	json_out_uint(o, "uid", m->uid);
	json_out_member(o, "sender", m->sender);
	json_out_member(o, "subject", queue_subject(m));
	status_put_time(o, "seen", m->seen_us);
	status_put_time(o, "attempt", m->attempt_us);
	status_put_time(o, "expires", queue_expires_us(m));
	status_put_time(o, "not_before", queue_not_before_us(m));
	json_out_member(o, "lane", queue_lane(m));
	status_put_flag(o, "report", m->is_report);
	status_put_flag(o, "warned", m->warned);
	status_put_flag(o, "untold", m->untold);
	put_waiting(o, q, m, now_us);
	json_out_key(o, "rcpts");
	for (unsigned i = 0; i < m->nrcpts; i++) {
		put_text(o, i == 0 ? "[" : ",");
		put_rcpt(o, &m->rcpts[i]);
	}
	put_text(o, "]}");
}

/* ---- whose it is ----------------------------------------------------- */

void
status_new_spool_id(struct status_daemon *d)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char bytes[(STATUS_SPOOL_ID_SIZE - 1) / 2];
	char *to = d->spool_id;
	struct timespec now;

	/* The kernel's never come short of so few; and if they are missing,
	 * the time will do: it only has to be another one than elsewhere. */
	if (getrandom(bytes, sizeof(bytes), GRND_NONBLOCK) < 0) {
		(void)clock_gettime(CLOCK_REALTIME, &now);
		memset(bytes, 0, sizeof(bytes));
		memcpy(bytes, &now.tv_sec, sizeof(now.tv_sec));
		memcpy(bytes + sizeof(bytes) / 2, &now.tv_nsec,
		    sizeof(now.tv_nsec));
	}
	for (size_t i = 0; i < sizeof(bytes); i++) {
		*to++ = digits[bytes[i] >> 4];
		*to++ = digits[bytes[i] & 15];
	}
	*to = '\0';
}

bool
status_is_spool_id(const char *id)
{
	return strlen(id) == STATUS_SPOOL_ID_SIZE - 1 &&
	    strspn(id, "0123456789abcdef") == STATUS_SPOOL_ID_SIZE - 1;
}

/* ---- to a file ------------------------------------------------------- */

/* Write what is in O to FD if there is enough of it, or ALL of it. */
static int
drain(struct json_out *o, int fd, bool all)
{
	int err;

	if (o->failed)
		return -ENOMEM;
	if (o->len == 0 || (!all && o->len < GATHERED_BYTES))
		return 0;
	err = fs_write_all(fd, o->text, o->len);
	json_out_cut(o, 0);
	return err;
}

static int
write_to(
    int fd, struct queue *q, const struct status_daemon *daemon, int64_t now_us)
{
	struct json_out o = { .text = NULL };
	const char *between = "";
	struct message *m;
	int err;

	status_put_head(&o, q, daemon, STATUS_OPERATORS, now_us);
	err = drain(&o, fd, false);
	for (m = queue_first(q); m != NULL && err == 0; m = queue_next(q, m)) {
		put_text(&o, between);
		status_put_message(&o, q, m, now_us);
		between = STATUS_BETWEEN;
		err = drain(&o, fd, false);
	}
	if (*between != '\0')
		put_text(&o, STATUS_AFTER);
	put_text(&o, STATUS_END);
	if (err == 0)
		err = drain(&o, fd, true);
	json_out_free(&o);
	return err;
}

int
status_write(int dir_fd, const char *name, const struct queue *q,
    const struct status_daemon *daemon, int64_t now_us)
{
	/* RB_ has no const. */
	struct queue *walk = (struct queue *)(uintptr_t)q;
	int fd, err;

	if (unlinkat(dir_fd, name, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = openat(dir_fd, name,
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0)
		return -errno;
	err = write_to(fd, walk, daemon, now_us);
	if (close(fd) < 0 && err == 0)
		err = -errno;
	return err;
}
