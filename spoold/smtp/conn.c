/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "spoold/smtp/conn-work.h"
#include "spoold/smtp/mask.h"
#include "spoold/smtp/tls.h"

struct conn *
conn_new(int abort_fd, int64_t reply_timeout_ms)
{
	/* Not calloc(): untouched buffers cost no memory. */
	struct conn *c = malloc(sizeof(*c));

	if (c == NULL)
		return NULL;
	c->fd = -1;
	c->ssl = NULL;
	c->group = NULL;
	c->recv_ms = 0;
	c->abort_fd = abort_fd;
	c->reply_timeout_ms = reply_timeout_ms;
	c->cut_ms = 0;
	c->on_slow = NULL;
	c->slow_arg = NULL;
	c->slow_after_ms = 0;
	c->slow_at_ms = 0;
	c->is_slow = false;
	c->peer[0] = '\0';
	c->host[0] = '\0';
	c->host_rank = 0;
	c->since_ms = 0;
	c->is_aborted = false;
	c->is_secret = false;
	c->secret[0] = '\0';
	conn_reset(c);
	return c;
}

void
conn_reset(struct conn *c)
{
	conn_leave(c);
	c->recv_ms = 0;
	c->is_blocking = false;
	if (c->ssl != NULL)
		tls_end(c->ssl, !c->is_dead);
	c->ssl = NULL;
	if (c->fd >= 0)
		(void)close(c->fd);
	c->fd = -1;
	c->is_loopback = false;
	c->is_verified = false;
	c->is_dead = c->is_aborted;
	c->is_login_trouble = false;
	if (c->is_secret)
		explicit_bzero(c->out, sizeof(c->out));
	c->is_secret = false;
	c->is_asking = false;
	c->has_last_words = false;
	if (!c->is_dead)
		c->why[0] = '\0';
	c->in_start = 0;
	c->in_end = 0;
	c->out_len = 0;
	normaliser_reset(&c->norm);
}

void
conn_free(struct conn *c)
{
	if (c == NULL)
		return;
	conn_reset(c);
	explicit_bzero(c->secret, strlen(c->secret));
	free(c);
}

void
conn_set_secret(struct conn *c, const char *secret)
{
	explicit_bzero(c->secret, strlen(c->secret));
	(void)snprintf(c->secret, sizeof(c->secret), "%s", secret);
}

char *
conn_said(const struct conn *c)
{
	const struct reply *said = &c->norm.reply;
	struct reply reply;

	reply.code = said->code;
	memcpy(reply.text, said->text, said->len);
	reply.len = mask_secret(reply.text, said->len, c->secret);
	return reply_describe(&reply);
}

void
conn_kill(struct conn *c, const char *fmt, ...)
{
	va_list args;

	if (c->is_dead)
		return;
	c->is_dead = true;
	va_start(args, fmt);
	(void)vsnprintf(c->why, sizeof(c->why), fmt, args);
	va_end(args);
}

void
conn_blame(struct conn *c, const char *what)
{
	size_t room = sizeof(c->why);
	size_t len = strlen(what) + 2;

	if (len >= room)
		return;
	memmove(c->why + len, c->why, room - len);
	memcpy(c->why, what, len - 2);
	memcpy(c->why + len - 2, ": ", 2);
	c->why[room - 1] = '\0';
}

static void
lost(struct conn *c, int err)
{
	if (!c->is_dead && conn_is_cut(c)) {
		conn_kill(c, "%s", conn_asked_to_stop);
		c->is_aborted = true;
		return;
	}
	if (err == EPIPE || err == 0)
		conn_kill(c, "the server closed the connection");
	else if (err == EPROTO)
		conn_kill(c, "TLS: %s", tls_error());
	else
		conn_kill(c, "%s", strerror(err));
}

/* Move what is unread to the front, to have room behind it. */
static void
make_room(struct conn *c)
{
	if (c->in_start == 0)
		return;
	memmove(c->in, c->in + c->in_start, c->in_end - c->in_start);
	c->in_end -= c->in_start;
	c->in_start = 0;
}

/* As recv(2) without waiting; *RET_WANT as tls_read(). */
static ssize_t
receive(struct conn *c, void *buf, size_t len, short *ret_want)
{
	ssize_t n;

	*ret_want = POLLIN;
	if (c->ssl != NULL)
		return tls_read(c->ssl, buf, len, ret_want);
	do
		n = recv(c->fd, buf, len, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	return n;
}

static bool
would_block(ssize_t n)
{
	return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

/*
 * Read what has arrived.  Returns the count, 0 when nothing has, with the
 * event to wait for in *RET_WANT, or -1 when C is dead.
 */
static ssize_t
read_now(struct conn *c, short *ret_want)
{
	ssize_t n;

	make_room(c);
	if (c->in_end == sizeof(c->in)) {
		conn_kill(c, "the server sends without being asked");
		return -1;
	}
	n = receive(c, c->in + c->in_end, sizeof(c->in) - c->in_end, ret_want);
	if (n > 0) {
		c->in_end += (size_t)n;
		return n;
	}
	if (would_block(n))
		return 0;
	lost(c, n == 0 ? 0 : errno);
	return -1;
}

static ssize_t
write_now(struct conn *c, const char *bytes, size_t len, short *ret_want)
{
	ssize_t n;

	*ret_want = POLLOUT;
	if (c->ssl != NULL)
		return tls_write(c->ssl, bytes, len, ret_want);
	do
		n = send(c->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n;
}

/*
 * The connection is no good any more.  A server that refuses often says why
 * and closes: its words, if there are any, are a better reason than a
 * broken pipe.  A consent that nobody asked for is none.
 */
static void
hear_last_words(struct conn *c)
{
	char *said;
	short want;
	size_t used;

	while (!c->is_dead && c->in_end - c->in_start < sizeof(c->in) &&
	    read_now(c, &want) > 0)
		continue;
	normaliser_reset(&c->norm);
	if (normaliser_feed(&c->norm, c->in + c->in_start,
		c->in_end - c->in_start, &used) != REPLY_COMPLETE)
		return;
	said = conn_said(c);
	c->has_last_words = true;
	c->is_dead = false;
	conn_kill(c, "the server %s: %s",
	    c->norm.reply.code < 400 ? "answered before it was asked"
				     : "broke off",
	    said != NULL ? said : "");
	free(said);
}

/*
 * Wait until more can be written.  A server that pipelines may wait for us
 * to read before it reads on.
 */
static int
wait_to_write(struct conn *c, short want, int64_t deadline_ms)
{
	if (c->in_end - c->in_start < sizeof(c->in))
		want |= POLLIN;
	if (conn_wait(c, want, deadline_ms, "the server reads too slowly") < 0)
		return -1;
	return (want & POLLIN) && read_now(c, &want) < 0 ? -1 : 0;
}

static int
write_out(struct conn *c)
{
	int64_t deadline_ms = conn_now_ms() + c->reply_timeout_ms;
	size_t done = 0;
	short want;
	ssize_t n;
	int err;

	if (c->is_dead)
		return -1;
	while (done < c->out_len) {
		n = write_now(c, c->out + done, c->out_len - done, &want);
		if (n > 0) {
			done += (size_t)n;
		} else if (!would_block(n)) {
			err = n < 0 ? errno : EPIPE;
			hear_last_words(c);
			lost(c, err);
			return -1;
		} else if (wait_to_write(c, want, deadline_ms) < 0) {
			return -1;
		}
	}
	if (c->is_secret)
		explicit_bzero(c->out, c->out_len);
	c->is_secret = false;
	c->out_len = 0;
	c->is_asking = true;
	return 0;
}

int
conn_flush(struct conn *c)
{
	int result;

	conn_begin_wait(c);
	result = write_out(c);
	conn_end_wait(c);
	return result;
}

int
conn_put(struct conn *c, const void *bytes, size_t len)
{
	const char *rest = bytes;

	while (len > 0) {
		size_t room = sizeof(c->out) - c->out_len;
		size_t n = len < room ? len : room;

		/* Only for more bytes: the last ones leave by conn_flush(). */
		if (room == 0) {
			if (conn_flush(c) < 0)
				return -1;
			continue;
		}
		memcpy(c->out + c->out_len, rest, n);
		c->out_len += n;
		rest += n;
		len -= n;
	}
	return c->is_dead ? -1 : 0;
}

/*
 * Whether it would be no use to look for input now: the command has only just
 * left.  Over TLS input may be there that poll(2) does not know of.
 */
static bool
expect_nothing(struct conn *c, short *ret_want)
{
	bool is_asking = c->is_asking && c->ssl == NULL;

	c->is_asking = false;
	*ret_want = POLLIN;
	return is_asking;
}

/*
 * Wait in recv(2) for the answer to what has just been sent.  The count, 0
 * when the wait has to go on with conn_wait(), or -1 when C is dead.
 */
static ssize_t
await_input(struct conn *c, int64_t deadline_ms)
{
	short want;
	ssize_t n;

	make_room(c);
	if (c->in_end == sizeof(c->in) || !conn_limit_recv(c, deadline_ms))
		return 0;
	n = recv(c->fd, c->in + c->in_end, sizeof(c->in) - c->in_end, 0);
	if (n > 0) {
		c->in_end += (size_t)n;
		return n;
	}
	if (would_block(n))
		return 0;
	/* We were stopped, and it may have come meanwhile. */
	if (n < 0 && errno == EINTR)
		return read_now(c, &want);
	/* The reason is told only once. */
	lost(c, n == 0 ? 0 : errno);
	return -1;
}

/* Have more of a reply, by DEADLINE_MS.  0 or -1. */
static int
read_more(struct conn *c, int64_t deadline_ms)
{
	short want;
	ssize_t n;

	if (!expect_nothing(c, &want))
		n = read_now(c, &want);
	else
		n = c->group != NULL ? await_input(c, deadline_ms) : 0;
	if (n < 0)
		return -1;
	if (n == 0)
		return conn_wait(c, want, deadline_ms, "no answer in time");
	/* Not too late, if it is whole: we may have been stopped ourselves. */
	conn_note_slow(c, conn_now_ms());
	return 0;
}

static int
read_reply(struct conn *c, int64_t deadline_ms)
{
	enum normalised state;
	size_t used;

	normaliser_reset(&c->norm);
	for (;;) {
		state = normaliser_feed(&c->norm, c->in + c->in_start,
		    c->in_end - c->in_start, &used);
		c->in_start += used;
		if (state == REPLY_COMPLETE)
			return 0;
		if (state == REPLY_BROKEN) {
			conn_kill(c, "the server sent %s", c->norm.why);
			return -1;
		}
		if (c->is_dead || read_more(c, deadline_ms) < 0)
			return -1;
	}
}

int
conn_reply(struct conn *c, int64_t deadline_ms)
{
	int result;

	conn_begin_wait(c);
	result = read_reply(c, deadline_ms);
	conn_end_wait(c);
	return result;
}

bool
conn_has_input(const struct conn *c)
{
	return c->in_end > c->in_start;
}

bool
conn_is_quiet(struct conn *c)
{
	short want;

	if (c->is_dead)
		return false;
	if (!conn_has_input(c) && read_now(c, &want) == 0)
		return true;
	hear_last_words(c);
	conn_kill(c, "the server sends without being asked");
	return false;
}
