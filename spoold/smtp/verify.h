/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Whether a server's certificate is good, and exactly why not.
 *
 * OpenSSL forgets a certificate that it does not like, so what there is to
 * say of it is written down while it is looked at.
 */

#ifndef SPOOLD_SMTP_VERIFY_H
#define SPOOLD_SMTP_VERIFY_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include "spoold/smtp/settings.h"

/* What is wanted of one handshake, and what came of it. */
struct verdict {
	const struct relay_settings *rs;
	const char *host;
	const char *domain; /* or NULL */
	bool is_good;
	char why[700]; /* a clause, if it is not good */
};

/* Have CTX ask verify_expect()'s verdict about each certificate. */
void verify_install(SSL_CTX *ctx);

/*
 * VERDICT is to be filled during SSL's handshake, and no longer.
 */
void verify_expect(SSL *ssl, struct verdict *verdict);

#endif
