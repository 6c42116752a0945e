/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "spoold/smtp/auth.h"
#include "spoold/smtp/dial.h"
#include "spoold/smtp/dialogue.h"

static int64_t
reply_deadline(const struct conn *c)
{
	return conn_now_ms() + c->reply_timeout_ms;
}

/* Tell whoever watches; returns TROUBLE. */
static enum trouble
note(const struct place *place, enum dialogue_step step, enum trouble trouble)
{
	if (place->on_step != NULL)
		place->on_step(place->on_step_arg, step, trouble);
	return trouble;
}

/* A reply that is no consent: relay trouble, in the server's own words. */
static enum trouble
refused(struct conn *c, const char *what)
{
	char *said = conn_said(c);

	conn_kill(c, "%s: %s", what, said != NULL ? said : "refused");
	free(said);
	return TROUBLE_HOST;
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

static enum trouble
greeting(struct conn *c)
{
	if (conn_reply(c, reply_deadline(c)) < 0) {
		conn_blame(c, "greeting");
		return TROUBLE_HOST;
	}
	return c->norm.reply.code == 220 ? TROUBLE_NONE
					 : refused(c, "greeting");
}

/* What we call ourselves, maybe in BUF. */
static const char *
own_name(
    const struct conn *c, const struct place *place, char *buf, size_t size)
{
	if (place->helo != NULL)
		return place->helo;
	return dial_own_literal(c, buf, size) == 0 ? buf : place->rs->helo;
}

/* A server that does not know EHLO may know HELO; it offers nothing then. */
static enum trouble
hello(struct conn *c, const struct place *place, struct capabilities *ret)
{
	char literal[128];
	const char *helo = own_name(c, place, literal, sizeof(literal));
	unsigned code;

	if (command(c, "EHLO", helo) < 0)
		return TROUBLE_HOST;
	code = c->norm.reply.code;
	if (code / 100 == 2) {
		capabilities_parse(&c->norm.reply, ret);
		return TROUBLE_NONE;
	}
	if (code != 500 && code != 501 && code != 502 && code != 504)
		return refused(c, "EHLO");
	memset(ret, 0, sizeof(*ret));
	if (command(c, "HELO", helo) < 0)
		return TROUBLE_HOST;
	return c->norm.reply.code / 100 == 2 ? TROUBLE_NONE
					     : refused(c, "HELO");
}

static enum trouble
handshake(struct conn *c, const struct place *place, struct tls_context *tc)
{
	if (tls_prepare(tc, c, &place->peer) < 0)
		return TROUBLE_HERE;
	if (tls_handshake(c, &place->peer, reply_deadline(c)) < 0)
		return TROUBLE_HOST;
	return TROUBLE_NONE;
}

static enum trouble
upgrade(struct conn *c, const struct place *place, struct tls_context *tc,
    const struct capabilities *caps)
{
	if (!caps->has_starttls) {
		conn_kill(c, "STARTTLS is not offered");
		return TROUBLE_HOST;
	}
	if (command(c, "STARTTLS", NULL) < 0)
		return TROUBLE_HOST;
	if (c->norm.reply.code != 220)
		return refused(c, "STARTTLS");
	/* Whoever speaks here wants it to be taken for the server's later. */
	if (conn_has_input(c)) {
		conn_kill(c, "STARTTLS: plaintext before the handshake");
		return TROUBLE_HOST;
	}
	return handshake(c, place, tc);
}

static enum trouble
starttls(struct conn *c, const struct place *place, struct tls_context *tc,
    struct capabilities *caps)
{
	enum trouble trouble;

	/* Who has a fingerprint does not want to go without TLS. */
	if (!caps->has_starttls && place->tls == TLS_OPPORTUNISTIC &&
	    place->rs->npins == 0)
		return TROUBLE_NONE;
	trouble = note(place, DIALOGUE_TLS, upgrade(c, place, tc, caps));
	if (trouble != TROUBLE_NONE)
		return trouble;
	return note(place, DIALOGUE_EHLO, hello(c, place, caps));
}

/* EHLO's reply, the last one, has to be C's still. */
static enum trouble
login(
    struct conn *c, const struct place *place, const struct capabilities *caps)
{
	int result =
	    auth_open(c, place->rs, caps, place->peer.host, place->port);

	if (result == 0)
		return TROUBLE_NONE;
	return result == -2 ? TROUBLE_HERE : TROUBLE_HOST;
}

enum trouble
dialogue_run(struct conn *c, const struct place *place, struct tls_context *tc,
    struct capabilities *ret)
{
	enum trouble trouble = TROUBLE_NONE;

	if (place->tls == TLS_IMPLICIT)
		trouble = note(place, DIALOGUE_TLS, handshake(c, place, tc));
	if (trouble == TROUBLE_NONE)
		trouble = note(place, DIALOGUE_GREETING, greeting(c));
	if (trouble == TROUBLE_NONE)
		trouble = note(place, DIALOGUE_EHLO, hello(c, place, ret));
	if (trouble == TROUBLE_NONE &&
	    (place->tls == TLS_STARTTLS || place->tls == TLS_OPPORTUNISTIC))
		trouble = starttls(c, place, tc, ret);
	if (trouble == TROUBLE_NONE)
		trouble = note(place, DIALOGUE_LOGIN, login(c, place, ret));
	return trouble;
}
