/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "spoold/smtp/dial.h"

static bool
is_loopback(const struct sockaddr *addr)
{
	const struct sockaddr_in *in4 = (const void *)addr;
	const struct sockaddr_in6 *in6 = (const void *)addr;

	if (addr->sa_family == AF_INET)
		return ntohl(in4->sin_addr.s_addr) >> 24 == 127;
	if (addr->sa_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
	return addr->sa_family == AF_UNIX;
}

/* The outcome of a connect(2) that did not complete at once. */
static int
finish(struct conn *c, int64_t deadline_ms)
{
	int err = 0;
	socklen_t len = sizeof(err);

	conn_begin_wait(c);
	(void)conn_wait(c, POLLOUT, deadline_ms, strerror(ETIMEDOUT));
	conn_end_wait(c);
	if (c->is_dead)
		return -1;
	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
		err = errno;
	if (err == 0)
		return 0;
	conn_kill(c, "%s", strerror(err));
	return -1;
}

/* SOURCE as an address of FAMILY; its length, or 0 if it is of another. */
static socklen_t
parse_source(int family, const char *source, struct sockaddr_storage *ret)
{
	struct sockaddr_in *in4 = (void *)ret;
	struct sockaddr_in6 *in6 = (void *)ret;

	memset(ret, 0, sizeof(*ret));
	ret->ss_family = (sa_family_t)family;
	if (family == AF_INET &&
	    inet_pton(AF_INET, source, &in4->sin_addr) == 1)
		return sizeof(*in4);
	if (family == AF_INET6 &&
	    inet_pton(AF_INET6, source, &in6->sin6_addr) == 1)
		return sizeof(*in6);
	return 0;
}

bool
dial_fits(int family, const char *source)
{
	struct sockaddr_storage addr;

	return source == NULL || parse_source(family, source, &addr) != 0;
}

static int
bind_source(struct conn *c, int family, const char *source)
{
	const int one = 1;
	struct sockaddr_storage addr;
	socklen_t len = parse_source(family, source, &addr);

	/* The port is chosen when the peer is known: many may share it. */
	(void)setsockopt(
	    c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	if (len == 0)
		errno = EAFNOSUPPORT;
	else if (bind(c->fd, (const struct sockaddr *)&addr, len) == 0)
		return 0;
	conn_kill(c, "source '%s': %s", source, strerror(errno));
	return -1;
}

int
dial(struct conn *c, const struct sockaddr *addr, socklen_t addr_len,
    const char *source, int64_t deadline_ms)
{
	const int one = 1;

	c->fd = socket(
	    addr->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0) {
		conn_kill(c, "socket: %s", strerror(errno));
		return -1;
	}
	if (addr->sa_family != AF_UNIX) {
		/* Replies and commands take turns: Nagle would add 40 ms to
		 * each. */
		(void)setsockopt(
		    c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		(void)setsockopt(
		    c->fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
		if (source != NULL &&
		    bind_source(c, addr->sa_family, source) < 0)
			return -1;
	}
	c->is_loopback = is_loopback(addr);
	if (connect(c->fd, addr, addr_len) == 0)
		return 0;
	if (errno == EINPROGRESS)
		return finish(c, deadline_ms);
	conn_kill(c, "%s", strerror(errno));
	return -1;
}

int
dial_unix(struct conn *c, const char *path, int64_t deadline_ms)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	return dial(
	    c, (const struct sockaddr *)&addr, sizeof(addr), NULL, deadline_ms);
}

int
dial_own_literal(const struct conn *c, char *buf, size_t size)
{
	struct sockaddr_storage addr;
	socklen_t len = sizeof(addr);
	char text[NI_MAXHOST];

	if (getsockname(c->fd, (struct sockaddr *)&addr, &len) < 0 ||
	    (addr.ss_family != AF_INET && addr.ss_family != AF_INET6) ||
	    getnameinfo((const struct sockaddr *)&addr, len, text, sizeof(text),
		NULL, 0, NI_NUMERICHOST) != 0)
		return -1;
	/* A scope means nothing to others. */
	text[strcspn(text, "%")] = '\0';
	(void)snprintf(buf, size, "[%s%.100s]",
	    addr.ss_family == AF_INET6 ? "IPv6:" : "", text);
	return 0;
}
