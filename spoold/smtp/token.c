/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/text.h"
#include "spoold/smtp/base64.h"
#include "spoold/smtp/mask.h"
#include "spoold/smtp/token.h"

/* A command line with its CRLF, RFC 5321 §4.5.3.1.4; RFC 4954 §4 wants what
 * does not fit sent on a line of its own. */
#define COMMAND_LINE_MAX 512
/* What is told of the server's words about an error. */
#define ERROR_MAX 300

/* ---- the message ----------------------------------------------------- */

/* A saslname of RFC 5801 §4: "," and "=" have a meaning of their own. */
static void
escape_user(const char *user, char *out)
{
	for (const char *p = user; *p != '\0'; p++) {
		if (*p != ',' && *p != '=') {
			*out++ = *p;
			continue;
		}
		memcpy(out, *p == ',' ? "=2C" : "=3D", 3);
		out += 3;
	}
	*out = '\0';
}

char *
token_message(const struct token_login *login, size_t *ret_len)
{
	char user[3 * CREDENTIAL_MAX + 1];
	size_t size =
	    sizeof(user) + strlen(login->token) + strlen(login->host) + 100;
	char *plain = malloc(size), *text;
	int len;

	if (plain == NULL || strlen(login->user) > CREDENTIAL_MAX) {
		free(plain);
		return NULL;
	}
	escape_user(login->user, user);
	if (login->mode == AUTH_XOAUTH2)
		len = snprintf(plain, size, "user=%s\001auth=Bearer %s\001\001",
		    login->user, login->token);
	else
		len = snprintf(plain, size,
		    "n,a=%s,\001host=%s\001port=%u\001auth=Bearer %s\001\001",
		    user, login->host, login->port, login->token);
	text = base64_encode(plain, (size_t)len, ret_len);
	explicit_bzero(plain, size);
	free(plain);
	return text;
}

/* ---- the dialogue ---------------------------------------------------- */

static const char *
name_of(const struct token_login *login)
{
	return login->mode == AUTH_XOAUTH2 ? "XOAUTH2" : "OAUTHBEARER";
}

/* Send a line that nobody may see, and read the reply.  Its code, or 0. */
static unsigned
exchange(struct conn *c, const char *start, const char *text, size_t len)
{
	if (!conn_is_quiet(c))
		return 0;
	c->is_secret = true;
	if (conn_put(c, start, strlen(start)) < 0 ||
	    conn_put(c, text, len) < 0 || conn_put(c, "\r\n", 2) < 0 ||
	    conn_flush(c) < 0 ||
	    conn_reply(c, conn_now_ms() + c->reply_timeout_ms) < 0)
		return 0;
	return c->norm.reply.code;
}

/* The server says in JSON what it does not like (RFC 7628 §3.2.2). */
static void
take_error(const struct conn *c, char *buf, size_t size)
{
	const struct reply *r = &c->norm.reply;
	char plain[REPLY_TEXT_MAX], *clean;
	size_t len = base64_decode(
	    (struct span){ r->text, r->len }, plain, sizeof(plain));

	len = mask_secret(plain, len, c->secret);
	clean = text_clean((struct span){ plain, len }, size - 1);
	(void)snprintf(buf, size, "%s", clean != NULL ? clean : "");
	free(clean);
}

static unsigned
say_message(struct conn *c, const struct token_login *login, const char *text,
    size_t len)
{
	char start[32];
	unsigned code;
	int n = snprintf(start, sizeof(start), "AUTH %s ", name_of(login));

	if ((size_t)n + len + 2 <= COMMAND_LINE_MAX)
		return exchange(c, start, text, len);
	start[n - 1] = '\0';
	code = exchange(c, start, "", 0);
	return code == 334 ? exchange(c, "", text, len) : code;
}

/* WHY (of SIZE): the reply, which is WHAT's, and ERROR. */
static void
refused(const struct conn *c, const char *what, const char *error, char *why,
    size_t size)
{
	char *said = conn_said(c);

	(void)snprintf(why, size, "%s: %s%s%s%s", what,
	    said != NULL ? said : "refused", error[0] != '\0' ? " (" : "",
	    error, error[0] != '\0' ? ")" : "");
	mask_secrets(why);
	free(said);
}

int
token_login(
    struct conn *c, const struct token_login *login, char *why, size_t size)
{
	char error[ERROR_MAX] = "", what[32];
	size_t len = 0;
	char *text = token_message(login, &len);
	unsigned code = 0;

	if (text == NULL) {
		conn_kill(c, "%s", strerror(ENOMEM));
		return -1;
	}
	code = say_message(c, login, text, len);
	explicit_bzero(text, len);
	free(text);
	if (code == 334) {
		take_error(c, error, sizeof(error));
		/* Nothing but "I have heard": ^A says it in OAUTHBEARER. */
		code = exchange(
		    c, login->mode == AUTH_XOAUTH2 ? "" : "AQ==", "", 0);
	}
	if (code / 100 == 2)
		return 0;
	(void)snprintf(what, sizeof(what), "AUTH %s", name_of(login));
	if (code == 0) {
		mask_secrets(c->why);
		conn_blame(c, what);
		return -1;
	}
	refused(c, what, error, why, size);
	if (code / 100 == 5)
		return 1;
	conn_kill(c, "%s", why);
	c->is_login_trouble = code != 421;
	return -1;
}
