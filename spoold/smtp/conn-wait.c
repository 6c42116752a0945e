/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* Connections: how they wait, and what ends that. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include "spoold/smtp/conn-work.h"

const char conn_asked_to_stop[] = "asked to stop";

int64_t
conn_now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void
conn_begin_wait(struct conn *c)
{
	if (c->on_slow != NULL && c->slow_after_ms > 0)
		c->slow_at_ms = conn_now_ms() + c->slow_after_ms;
}

void
conn_end_wait(struct conn *c)
{
	c->slow_at_ms = 0;
	if (!c->is_slow)
		return;
	c->is_slow = false;
	c->on_slow(c->slow_arg, false);
}

void
conn_note_slow(struct conn *c, int64_t now_ms)
{
	if (c->slow_at_ms == 0 || c->is_slow || now_ms < c->slow_at_ms)
		return;
	c->is_slow = true;
	c->on_slow(c->slow_arg, true);
}

/* How long to poll(2) at NOW_MS, for what has to be done until DEADLINE_MS. */
static int
poll_timeout(const struct conn *c, int64_t now_ms, int64_t deadline_ms)
{
	int64_t left_ms = deadline_ms - now_ms;

	if (c->slow_at_ms != 0 && !c->is_slow &&
	    c->slow_at_ms - now_ms < left_ms)
		left_ms = c->slow_at_ms - now_ms;
	if (left_ms < 0)
		return 0;
	return left_ms < 3600000 ? (int)left_ms : 3600000;
}

/* A server that drips never lets a single wait last. */
static bool
is_late(struct conn *c, int64_t now_ms, int64_t deadline_ms, const char *late)
{
	if (now_ms < deadline_ms)
		return false;
	conn_kill(c, "%s", late);
	return true;
}

int
conn_wait(struct conn *c, short events, int64_t deadline_ms, const char *late)
{
	struct pollfd fds[2] = {
		{ .fd = c->fd, .events = events },
		{ .fd = c->abort_fd, .events = POLLIN },
	};
	int64_t now_ms = conn_now_ms();
	int n;

	if (c->cut_ms != 0 && c->cut_ms < deadline_ms) {
		deadline_ms = c->cut_ms;
		late = "the transaction takes too long";
	}
	if (is_late(c, now_ms, deadline_ms, late))
		return -1;
	while ((n = poll(fds, 2, poll_timeout(c, now_ms, deadline_ms))) <= 0) {
		if (n < 0 && errno != EINTR) {
			conn_kill(c, "poll: %s", strerror(errno));
			return -1;
		}
		now_ms = conn_now_ms();
		if (n == 0 && is_late(c, now_ms, deadline_ms, late))
			return -1;
		conn_note_slow(c, now_ms);
	}
	if (fds[1].revents != 0) {
		conn_kill(c, "%s", conn_asked_to_stop);
		c->is_aborted = true;
		return -1;
	}
	return 0;
}

void
conn_leave(struct conn *c)
{
	if (c->group == NULL)
		return;
	(void)pthread_mutex_lock(&c->group->lock);
	LIST_REMOVE(c, link);
	(void)pthread_mutex_unlock(&c->group->lock);
	c->group = NULL;
}

void
conn_join(struct conn *c, struct conn_group *group)
{
	bool is_cut;

	if (c->ssl != NULL)
		return;
	(void)pthread_mutex_lock(&group->lock);
	is_cut = group->is_cut;
	if (!is_cut)
		LIST_INSERT_HEAD(&group->conns, c, link);
	(void)pthread_mutex_unlock(&group->lock);
	c->group = is_cut ? NULL : group;
}

void
conn_group_cut(struct conn_group *group)
{
	struct conn *c;

	(void)pthread_mutex_lock(&group->lock);
	group->is_cut = true;
	LIST_FOREACH (c, &group->conns, link)
		(void)shutdown(c->fd, SHUT_RD);
	(void)pthread_mutex_unlock(&group->lock);
}

/* Only now: libESMTP makes it non-blocking when it is given the connection. */
static bool
make_blocking(struct conn *c)
{
	int flags;

	if (c->is_blocking)
		return true;
	flags = fcntl(c->fd, F_GETFL);
	c->is_blocking =
	    flags >= 0 && fcntl(c->fd, F_SETFL, flags & ~O_NONBLOCK) == 0;
	return c->is_blocking;
}

bool
conn_limit_recv(struct conn *c, int64_t deadline_ms)
{
	int64_t ms;
	struct timeval limit;

	if (c->cut_ms != 0 && c->cut_ms < deadline_ms)
		deadline_ms = c->cut_ms;
	ms = poll_timeout(c, conn_now_ms(), deadline_ms);
	if (c->recv_ms > 0 && c->recv_ms <= ms && c->recv_ms >= ms / 2)
		return true;
	/* Less: the next one may be due a little sooner. */
	c->recv_ms = ms - ms / 8;
	limit = (struct timeval){
		.tv_sec = (time_t)(c->recv_ms / 1000),
		.tv_usec = (suseconds_t)(c->recv_ms % 1000 * 1000),
	};
	if (c->recv_ms > 0 && make_blocking(c) &&
	    setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) ==
		0)
		return true;
	c->recv_ms = 0;
	return false;
}

bool
conn_is_cut(const struct conn *c)
{
	bool is_cut;

	if (c->group == NULL)
		return false;
	(void)pthread_mutex_lock(&c->group->lock);
	is_cut = c->group->is_cut;
	(void)pthread_mutex_unlock(&c->group->lock);
	return is_cut;
}
