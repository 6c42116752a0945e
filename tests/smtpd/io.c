/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * A connection's bytes, with and without TLS.  Reads and writes block; the
 * server ends them by shutting the socket down.
 */

#include "config.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>

#include "tests/smtpd/smtpd.h"

/* How long a closed connection is drained, so that FIN is not made RST. */
#define DRAIN_MS 1000

int64_t
monotonic_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool
conn_fill(struct conn *c)
{
	ssize_t got;

	if (c->in_pos < c->in_len)
		return true;
	do {
		got = c->ssl != NULL ? SSL_read(c->ssl, c->in, sizeof(c->in))
				     : recv(c->fd, c->in, sizeof(c->in), 0);
	} while (got < 0 && c->ssl == NULL && errno == EINTR);
	if (got <= 0) {
		c->dead = true;
		return false;
	}
	c->in_pos = 0;
	c->in_len = (size_t)got;
	c->in_ms = monotonic_ms();
	/* However many segments a group takes: nothing was said between. */
	if (c->answered)
		c->groups++;
	c->answered = false;
	return true;
}

int
conn_line(struct conn *c, char *line, size_t size)
{
	size_t len = 0;
	bool fits = true;
	char byte;

	for (;;) {
		if (!conn_fill(c))
			return 0;
		byte = (char)c->in[c->in_pos++];
		if (byte == '\n')
			break;
		if (byte == '\0' || len + 1 >= size)
			fits = false;
		if (fits)
			line[len++] = byte;
	}
	if (len > 0 && line[len - 1] == '\r')
		len--;
	line[len] = '\0';
	log_bytes(c, "C:", line, len);
	return fits ? 1 : -1;
}

static bool
write_all(struct conn *c, const char *bytes, size_t len)
{
	ssize_t done;

	while (len > 0) {
		done = c->ssl != NULL
		    ? SSL_write(c->ssl, bytes, (int)(len < 16384 ? len : 16384))
		    : send(c->fd, bytes, len, MSG_NOSIGNAL);
		if (done < 0 && c->ssl == NULL && errno == EINTR)
			continue;
		if (done <= 0) {
			c->dead = true;
			return false;
		}
		bytes += done;
		len -= (size_t)done;
	}
	return true;
}

bool
conn_write(struct conn *c, const void *bytes, size_t len)
{
	const char *at = bytes;

	if (c->dead)
		return false;
	c->answered = true;
	if (c->drip_ms == 0)
		return write_all(c, at, len);
	for (; len > 0; at++, len--)
		if (!write_all(c, at, 1) || !conn_sleep(c, c->drip_ms))
			return false;
	return true;
}

/*
 * Wait as for a slow network: for so long since what is answered came, so that
 * a group of commands waits once.
 */
static bool
network_delay(const struct conn *c)
{
	int64_t left = c->in_ms + (int64_t)c->server->reply_delay_ms;

	if (c->server->reply_delay_ms == 0)
		return true;
	left -= monotonic_ms();
	return left <= 0 || conn_sleep(c, (unsigned long)left);
}

bool
conn_reply(struct conn *c, const char *reply, size_t len)
{
	char line[LINE_SIZE];

	if (!network_delay(c))
		return false;
	log_bytes(c, "S:", reply, len);
	if (len + 2 > sizeof(line))
		return conn_write(c, reply, len) && conn_write(c, "\r\n", 2);
	memcpy(line, reply, len);
	memcpy(line + len, "\r\n", 2);
	return conn_write(c, line, len + 2);
}

bool
conn_sleep(const struct conn *c, unsigned long ms)
{
	struct pollfd stop = { .fd = c->server->stop_fd, .events = POLLIN };
	int64_t left = (int64_t)ms, end = monotonic_ms() + left;

	while (left > 0) {
		if (poll(&stop, 1, left > 60000 ? 60000 : (int)left) > 0)
			return false;
		left = end - monotonic_ms();
	}
	return true;
}

void
conn_wait_gone(struct conn *c, bool reading)
{
	struct pollfd fds[2] = {
		{ .fd = c->server->stop_fd, .events = POLLIN },
		{ .fd = c->fd, .events = reading ? POLLIN : POLLRDHUP },
	};
	char rest[4096];

	for (;;) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return;
		if (fds[0].revents != 0)
			return;
		if (fds[1].revents == 0)
			continue;
		/* Undeciphered: nobody is interested. */
		if (!reading || recv(c->fd, rest, sizeof(rest), 0) <= 0)
			return;
	}
}

bool
conn_start_tls(struct conn *c)
{
	const char *sni;
	int result;

	c->ssl = SSL_new(c->server->tls);
	if (c->ssl == NULL || SSL_set_fd(c->ssl, c->fd) != 1) {
		c->dead = true;
		return false;
	}
	ERR_clear_error();
	result = SSL_accept(c->ssl);
	if (result != 1) {
		const char *why = ERR_reason_error_string(ERR_get_error());

		log_text(c, "tls failed: %s",
		    why != NULL ? why : "connection closed");
		c->dead = true;
		return false;
	}
	sni = SSL_get_servername(c->ssl, TLSEXT_NAMETYPE_host_name);
	(void)snprintf(c->sni, sizeof(c->sni), "%s", sni != NULL ? sni : "");
	log_text(c, "tls %s sni=%s", SSL_get_version(c->ssl), c->sni);
	return true;
}

/* Read until the peer closes too, for a bounded time. */
static void
drain(struct conn *c)
{
	struct pollfd fds[2] = {
		{ .fd = c->server->stop_fd, .events = POLLIN },
		{ .fd = c->fd, .events = POLLIN },
	};
	int64_t end = monotonic_ms() + DRAIN_MS, left;
	char rest[4096];

	while ((left = end - monotonic_ms()) > 0) {
		if (poll(fds, 2, (int)left) <= 0 || fds[0].revents != 0)
			return;
		if (recv(c->fd, rest, sizeof(rest), MSG_DONTWAIT) <= 0)
			return;
	}
}

void
conn_close(struct conn *c)
{
	const struct linger now = { .l_onoff = 1, .l_linger = 0 };

	if (c->ssl != NULL) {
		if (!c->dead)
			(void)SSL_shutdown(c->ssl);
		SSL_free(c->ssl);
		c->ssl = NULL;
	}
	if (c->reset) {
		(void)setsockopt(
		    c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	} else {
		(void)shutdown(c->fd, SHUT_WR);
		drain(c);
	}
	(void)close(c->fd);
	c->fd = -1;
}
