/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The login by a token: XOAUTH2 (Google's and Microsoft's) and OAUTHBEARER
 * (RFC 7628), which libESMTP does not know.
 */

#ifndef SPOOLD_SMTP_TOKEN_H
#define SPOOLD_SMTP_TOKEN_H

#include <stddef.h>

#include "spoold/smtp/conn.h"
#include "spoold/smtp/settings.h"

struct token_login {
	enum auth_mode mode; /* AUTH_XOAUTH2 or AUTH_OAUTHBEARER */
	const char *user;
	const char *token;
	const char *host; /* of the server, and its port */
	unsigned port;
};

/*
 * What the client says first, in base64 (RFC 4954 §4), to be wiped and
 * freed; *RET_LEN says how long it is.  NULL when out of memory.
 */
char *token_message(const struct token_login *login, size_t *ret_len);

/*
 * Log in at C.  0; -1 when C is dead; 1 when the server refused the token
 * for good, with WHY (of SIZE) its words.
 */
int token_login(
    struct conn *c, const struct token_login *login, char *why, size_t size);

#endif
