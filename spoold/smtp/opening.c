/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spoold/smtp/opening.h"
#include "spoold/smtp/resolve.h"
#include "spoold/smtp/tls.h"

/* A name with more addresses than this has one that answers among them. */
#define ADDRESSES_MAX 16

static int64_t
reply_deadline(const struct conn *c)
{
	return conn_now_ms() + c->reply_timeout_ms;
}

/* A reply that is no consent: relay trouble, in the server's own words. */
static int
refused(struct conn *c, const char *what)
{
	char *said = reply_describe(&c->norm.reply);

	conn_kill(c, "%s: %s", what, said != NULL ? said : "refused");
	free(said);
	return -1;
}

/* Send VERB and ARG; the reply is C's.  0, or -1 when C is dead. */
static int
command(struct conn *c, const char *verb, const char *arg)
{
	if (conn_is_quiet(c) && conn_put(c, verb, strlen(verb)) == 0 &&
	    (arg == NULL ||
		(conn_put(c, " ", 1) == 0 &&
		    conn_put(c, arg, strlen(arg)) == 0)) &&
	    conn_put(c, "\r\n", 2) == 0 && conn_flush(c) == 0 &&
	    conn_reply(c, reply_deadline(c)) == 0)
		return 0;
	conn_blame(c, verb);
	return -1;
}

static int
greeting(struct conn *c)
{
	if (conn_reply(c, reply_deadline(c)) < 0) {
		conn_blame(c, "greeting");
		return -1;
	}
	return c->norm.reply.code == 220 ? 0 : refused(c, "greeting");
}

/* A server that does not know EHLO may know HELO; it offers nothing then. */
static int
hello(struct conn *c, const struct relay_settings *rs, struct capabilities *ret)
{
	unsigned code;

	if (command(c, "EHLO", rs->helo) < 0)
		return -1;
	code = c->norm.reply.code;
	if (code / 100 == 2) {
		capabilities_parse(&c->norm.reply, ret);
		return 0;
	}
	if (code != 500 && code != 501 && code != 502 && code != 504)
		return refused(c, "EHLO");
	memset(ret, 0, sizeof(*ret));
	if (command(c, "HELO", rs->helo) < 0)
		return -1;
	return c->norm.reply.code / 100 == 2 ? 0 : refused(c, "HELO");
}

static int
handshake(
    struct conn *c, const struct relay_settings *rs, struct tls_context *tc)
{
	return tls_handshake(
	    tc, c, rs->host, rs->tls != TLS_OPPORTUNISTIC, reply_deadline(c));
}

static int
starttls(struct conn *c, const struct relay_settings *rs,
    struct tls_context *tc, struct capabilities *caps)
{
	if (!caps->has_starttls) {
		if (rs->tls == TLS_OPPORTUNISTIC)
			return 0;
		conn_kill(c, "STARTTLS is not offered");
		return -1;
	}
	if (command(c, "STARTTLS", NULL) < 0)
		return -1;
	if (c->norm.reply.code != 220)
		return refused(c, "STARTTLS");
	/* Whoever speaks here wants it to be taken for the server's later. */
	if (conn_has_input(c)) {
		conn_kill(c, "STARTTLS: plaintext before the handshake");
		return -1;
	}
	if (handshake(c, rs, tc) < 0)
		return -1;
	return hello(c, rs, caps);
}

static int
converse(struct conn *c, const struct relay_settings *rs,
    struct tls_context *tc, struct capabilities *caps)
{
	if (rs->tls == TLS_IMPLICIT && handshake(c, rs, tc) < 0)
		return -1;
	if (greeting(c) < 0 || hello(c, rs, caps) < 0)
		return -1;
	if (rs->tls == TLS_STARTTLS || rs->tls == TLS_OPPORTUNISTIC)
		return starttls(c, rs, tc, caps);
	return 0;
}

/* "mail.example[192.0.2.1]:25"; a literal host is not said twice. */
static void
name_peer(
    struct conn *c, const struct relay_settings *rs, const struct addrinfo *ai)
{
	char addr[NI_MAXHOST];
	bool is_v6 = ai->ai_family == AF_INET6;

	if (getnameinfo(ai->ai_addr, ai->ai_addrlen, addr, sizeof(addr), NULL,
		0, NI_NUMERICHOST) != 0)
		addr[0] = '\0';
	if (strcmp(addr, rs->host) == 0)
		(void)snprintf(c->peer, sizeof(c->peer),
		    is_v6 ? "[%.200s]:%u" : "%.200s:%u", addr, rs->port);
	else
		(void)snprintf(c->peer, sizeof(c->peer), "%.255s[%.100s]:%u",
		    rs->host, addr, rs->port);
}

static int
try_address(
    struct conn *c, const struct relay_settings *rs, const struct addrinfo *ai)
{
	int64_t deadline_ms =
	    conn_now_ms() + (int64_t)rs->connect_timeout_s * 1000;
	char what[CONN_PEER_MAX + 16];

	conn_reset(c);
	name_peer(c, rs, ai);
	if (conn_connect(c, ai->ai_addr, ai->ai_addrlen, deadline_ms) == 0)
		return 0;
	(void)snprintf(what, sizeof(what), "connect to %s", c->peer);
	conn_blame(c, what);
	return -1;
}

int
opening_run(struct conn *c, const struct relay_settings *rs,
    struct tls_context *tc, struct capabilities *ret)
{
	struct addrinfo *ai, *list = NULL;
	const char *why;
	int64_t deadline_ms =
	    conn_now_ms() + (int64_t)rs->connect_timeout_s * 1000;
	unsigned tried = 0;

	if (resolve(rs->host, rs->port, c->abort_fd, deadline_ms, &list, &why) <
	    0) {
		conn_kill(c, "cannot resolve '%s': %s", rs->host, why);
		return -1;
	}
	if (list == NULL) {
		conn_kill(c, "asked to stop");
		c->is_aborted = true;
		return -1;
	}
	/* One that greets badly may have a better neighbour. */
	for (ai = list; ai != NULL && tried < ADDRESSES_MAX && !c->is_aborted;
	     ai = ai->ai_next, tried++)
		if (try_address(c, rs, ai) == 0 &&
		    converse(c, rs, tc, ret) == 0)
			break;
	freeaddrinfo(list);
	return c->is_dead ? -1 : 0;
}
