/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* What is said over a new connection before the first message. */

#ifndef SPOOLD_SMTP_DIALOGUE_H
#define SPOOLD_SMTP_DIALOGUE_H

#include "spoold/smtp/capabilities.h"
#include "spoold/smtp/conn.h"
#include "spoold/smtp/settings.h"
#include "spoold/smtp/tls.h"

/* What is wrong with a connection. */
enum trouble {
	TROUBLE_NONE,
	TROUBLE_HOST, /* another one may do */
	TROUBLE_HERE, /* ours, with each host */
};

/* The parts of a dialogue, in their order; TLS comes first or in between, and
 * EHLO twice with STARTTLS. */
enum dialogue_step {
	DIALOGUE_TLS,
	DIALOGUE_GREETING,
	DIALOGUE_EHLO,
	DIALOGUE_LOGIN,
};

/* A server as one connection is to find it. */
struct place {
	const struct relay_settings *rs;
	enum tls_mode tls;
	unsigned port;
	struct tls_peer peer;
	const char *helo; /* NULL: our address will do */
	/* Told, if set, what came of each step: the connection is as it left
	 * it. */
	void (*on_step)(
	    void *arg, enum dialogue_step step, enum trouble trouble);
	void *on_step_arg;
};

/*
 * Greeting, EHLO or HELO, TLS and the login by token at C, which is connected
 * to PLACE.  What the server offers is in *RET; unless TROUBLE_NONE, C is
 * dead.
 */
enum trouble dialogue_run(struct conn *c, const struct place *place,
    struct tls_context *tc, struct capabilities *ret);

#endif
