/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The login at the relay: which mechanism, and with what.  Tokens are our own
 * business (token.h) and done with when libESMTP comes; the other mechanisms
 * are libESMTP's, for which all is made ready here.
 */

#ifndef SPOOLD_SMTP_AUTH_H
#define SPOOLD_SMTP_AUTH_H

#include <stdbool.h>
#include <stddef.h>

#include "spoold/smtp/capabilities.h"
#include "spoold/smtp/conn.h"
#include "spoold/smtp/settings.h"

struct credentials {
	char user[CREDENTIAL_MAX + 1];
	char password[CREDENTIAL_MAX + 1];
	unsigned version; /* for secret_refused() */
};

/*
 * The one of libESMTP's mechanisms to log in with: MODE's, or with AUTH_AUTO
 * CRAM-MD5 before PLAIN before LOGIN, of those that CAPS offers.  PLAIN and
 * LOGIN send the password readable, so they need IS_PRIVATE: the peer is this
 * machine, or has proved its name over TLS, or the user wants it so.  Returns
 * a MECHANISM_ value, or 0 with *RETERR_WHY a fixed sentence.
 */
unsigned auth_choose(enum auth_mode mode, const struct capabilities *caps,
    bool is_private, const char **reterr_why);

/* Whether EHLO's reply R offers the mechanism NAME. */
bool auth_is_offered(const struct reply *r, const char *name);

/*
 * After EHLO, whose reply is still C's, and TLS: find out whether the login
 * that RS wants is possible, and do it if it is by a token; HOST and PORT are
 * the server's.  0; -1 when C is dead, is_login_trouble where it is; -2 if it
 * is because of what is wrong here, and would be with each host: there is no
 * password to be had.
 */
int auth_open(struct conn *c, const struct relay_settings *rs,
    const struct capabilities *caps, const char *host, unsigned port);

/*
 * The login that RS wants of libESMTP over C, whose server offers CAPS, after
 * auth_open(): *RET_MECHANISM is 0 if it wants none.  0, or -1 with WHY (of
 * SIZE) one clause; C is dead if that is because we were asked to stop.
 */
int auth_prepare(struct conn *c, const struct relay_settings *rs,
    const struct capabilities *caps, struct credentials *ret_creds,
    unsigned *ret_mechanism, char *why, size_t size);

#endif
