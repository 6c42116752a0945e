/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spoold/smtp/base64.h"
#include "spoold/smtp/mask.h"
#include "spoold/smtp/probe-login.h"

/* Longest challenge of CRAM-MD5 that is answered. */
#define CHALLENGE_MAX 1024

/* Send START and then the secret BYTES in base64.  The reply's code, or 0. */
static unsigned
ask(struct conn *c, const char *start, const char *bytes, size_t len)
{
	size_t text_len = 0;
	char *text = base64_encode(bytes, len, &text_len);
	unsigned code = 0;

	if (text == NULL) {
		conn_kill(c, "out of memory");
		return 0;
	}
	c->is_secret = true;
	if (conn_is_quiet(c) && conn_put(c, start, strlen(start)) == 0 &&
	    conn_put(c, text, text_len) == 0 && conn_put(c, "\r\n", 2) == 0 &&
	    conn_flush(c) == 0 &&
	    conn_reply(c, conn_now_ms() + c->reply_timeout_ms) == 0)
		code = c->norm.reply.code;
	explicit_bzero(text, text_len);
	free(text);
	return code;
}

static unsigned
log_in_plain(struct conn *c, const struct credentials *creds)
{
	char plain[2 * (CREDENTIAL_MAX + 1)];
	size_t user = strlen(creds->user), password = strlen(creds->password);
	unsigned code;

	/* NUL, the user, NUL, the password (RFC 4616). */
	plain[0] = '\0';
	memcpy(plain + 1, creds->user, user + 1);
	memcpy(plain + user + 2, creds->password, password);
	code = ask(c, "AUTH PLAIN ", plain, user + 2 + password);
	explicit_bzero(plain, sizeof(plain));
	return code;
}

static unsigned
log_in_login(struct conn *c, const struct credentials *creds)
{
	unsigned code = ask(c, "AUTH LOGIN", "", 0);

	if (code == 334)
		code = ask(c, "", creds->user, strlen(creds->user));
	if (code == 334)
		code = ask(c, "", creds->password, strlen(creds->password));
	return code;
}

static unsigned
log_in_cram(struct conn *c, const struct credentials *creds)
{
	const struct reply *r = &c->norm.reply;
	char challenge[CHALLENGE_MAX];
	char answer[CREDENTIAL_MAX + 2 + 2 * EVP_MAX_MD_SIZE];
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0, code = ask(c, "AUTH CRAM-MD5", "", 0);
	size_t n;
	int at;

	if (code != 334)
		return code;
	n = base64_decode(
	    (struct span){ r->text, r->len }, challenge, sizeof(challenge));
	if (HMAC(EVP_md5(), creds->password, (int)strlen(creds->password),
		(const unsigned char *)challenge, n, digest, &len) == NULL) {
		conn_kill(c, "AUTH CRAM-MD5: this OpenSSL has no MD5");
		return 0;
	}
	at = snprintf(answer, sizeof(answer), "%s ", creds->user);
	for (unsigned i = 0; i < len; i++)
		at += snprintf(answer + at, sizeof(answer) - (size_t)at, "%02x",
		    digest[i]);
	return ask(c, "", answer, (size_t)at);
}

int
probe_login(struct conn *c, unsigned mechanism, const struct credentials *creds,
    char *said, size_t size)
{
	unsigned code;
	char *text;

	if (mechanism == MECHANISM_PLAIN)
		code = log_in_plain(c, creds);
	else if (mechanism == MECHANISM_LOGIN)
		code = log_in_login(c, creds);
	else
		code = log_in_cram(c, creds);
	if (code == 0) {
		mask_secrets(c->why);
		conn_blame(c, "AUTH");
		return -1;
	}
	text = conn_said(c);
	(void)snprintf(said, size, "%s", text != NULL ? text : "refused");
	mask_secrets(said);
	free(text);
	return code / 100 == 2 ? 0 : 1;
}
