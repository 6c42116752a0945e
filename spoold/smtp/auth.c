/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/span.h"
#include "lib/text.h"
#include "spoold/smtp/auth.h"
#include "spoold/smtp/secret.h"
#include "spoold/smtp/token.h"

_Static_assert(CONN_SECRET_MAX >= SECRET_MAX, "room for each secret");

/* What is told of the mechanisms that a server offers. */
#define OFFER_TOLD_MAX 200

static const struct {
	const char *name;
	unsigned mechanism; /* of libESMTP's; 0: none of them */
	bool is_readable;   /* whoever listens has the password */
} modes[] = {
	[AUTH_AUTO] = { NULL, 0, false },
	[AUTH_PLAIN] = { "PLAIN", MECHANISM_PLAIN, true },
	[AUTH_LOGIN] = { "LOGIN", MECHANISM_LOGIN, true },
	[AUTH_CRAM_MD5] = { "CRAM-MD5", MECHANISM_CRAM_MD5, false },
	[AUTH_XOAUTH2] = { "XOAUTH2", 0, true },
	[AUTH_OAUTHBEARER] = { "OAUTHBEARER", 0, true },
};

static bool
is_token(enum auth_mode mode)
{
	return mode == AUTH_XOAUTH2 || mode == AUTH_OAUTHBEARER;
}

/* ---- the choice ------------------------------------------------------ */

static unsigned
choose_any(
    const struct capabilities *caps, bool is_private, const char **reterr_why)
{
	static const enum auth_mode order[] = {
		AUTH_CRAM_MD5,
		AUTH_PLAIN,
		AUTH_LOGIN,
	};

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if ((caps->mechanisms & modes[order[i]].mechanism) &&
		    (is_private || !modes[order[i]].is_readable))
			return modes[order[i]].mechanism;
	*reterr_why = caps->mechanisms == 0
	    ? "AUTH: none of CRAM-MD5, PLAIN and LOGIN is offered"
	    : "AUTH: PLAIN and LOGIN need TLS with a valid certificate";
	return 0;
}

unsigned
auth_choose(enum auth_mode mode, const struct capabilities *caps,
    bool is_private, const char **reterr_why)
{
	if (!caps->has_auth) {
		*reterr_why = "AUTH is not offered";
		return 0;
	}
	if (mode == AUTH_AUTO)
		return choose_any(caps, is_private, reterr_why);
	if ((caps->mechanisms & modes[mode].mechanism) == 0) {
		*reterr_why = "AUTH: the configured mechanism is not offered";
		return 0;
	}
	if (is_private || !modes[mode].is_readable)
		return modes[mode].mechanism;
	*reterr_why = "AUTH: the configured mechanism needs TLS with a valid "
		      "certificate";
	return 0;
}

/* ---- what is offered ------------------------------------------------- */

/* The next line of *REST, which goes behind it. */
static struct span
next_line(struct span *rest)
{
	const char *lf = memchr(rest->ptr, '\n', rest->len);
	struct span line = { rest->ptr,
		lf != NULL ? (size_t)(lf - rest->ptr) : rest->len };
	size_t used = line.len + (lf != NULL);

	rest->ptr += used;
	rest->len -= used;
	return line;
}

static struct span
next_word(struct span *rest)
{
	struct span word;

	while (rest->len > 0 && (*rest->ptr == ' ' || *rest->ptr == '\t')) {
		rest->ptr++;
		rest->len--;
	}
	word = (struct span){ rest->ptr, 0 };
	while (rest->len > 0 && *rest->ptr != ' ' && *rest->ptr != '\t') {
		rest->ptr++;
		rest->len--;
		word.len++;
	}
	return word;
}

/* The mechanisms of the next AUTH line in *REST; false: no more. */
static bool
next_offer(struct span *rest, struct span *ret)
{
	while (rest->len > 0) {
		struct span line = next_line(rest);

		if (line.len < 5 ||
		    !span_is_word((struct span){ line.ptr, 4 }, "AUTH") ||
		    (line.ptr[4] != ' ' && line.ptr[4] != '='))
			continue;
		*ret = (struct span){ line.ptr + 5, line.len - 5 };
		return true;
	}
	return false;
}

bool
auth_is_offered(const struct reply *r, const char *name)
{
	struct span rest = { r->text, r->len }, line;

	/* The first line is a greeting. */
	(void)next_line(&rest);
	while (next_offer(&rest, &line))
		while (line.len > 0)
			if (span_is_word(next_word(&line), name))
				return true;
	return false;
}

static void
not_offered(struct conn *c, const char *name)
{
	struct span rest = { c->norm.reply.text, c->norm.reply.len };
	struct span line = { NULL, 0 };
	char *clean;

	(void)next_line(&rest);
	if (!next_offer(&rest, &line)) {
		conn_kill(c, "AUTH is not offered");
		return;
	}
	clean = text_clean(line, OFFER_TOLD_MAX);
	conn_kill(c, "AUTH %s is not offered, only %s", name,
	    clean != NULL ? clean : "");
	free(clean);
}

/* ---- tokens ---------------------------------------------------------- */

/* C is dead for a lack of ours; what to return. */
static int
local_trouble(struct conn *c, int err, const char *why)
{
	conn_kill(c, "%s", err == -ECANCELED ? "asked to stop" : why);
	c->is_aborted = c->is_aborted || err == -ECANCELED;
	c->is_login_trouble = !c->is_aborted;
	return -2;
}

/* As token_login(); -2: there is no token. */
static int
try_token(struct conn *c, const struct relay_settings *rs,
    struct token_login *login, bool *ret_is_kept, char *why, size_t size)
{
	struct secret_text secret;
	int result = secret_get(rs, c->abort_fd, &secret, why, size);

	*ret_is_kept = secret.is_kept;
	if (result < 0)
		return local_trouble(c, result, why);
	conn_set_secret(c, secret.text);
	login->token = secret.text;
	result = token_login(c, login, why, size);
	if (result == 1)
		secret_refused(rs->secret, secret.version);
	explicit_bzero(&secret, sizeof(secret));
	return result;
}

/*
 * A token that was kept may have run out: another one, once.  One that is
 * fresh will not get better.
 */
static int
open_by_token(struct conn *c, const struct relay_settings *rs, const char *host,
    unsigned port)
{
	struct token_login login = {
		.mode = rs->auth,
		.user = rs->user,
		.host = host,
		.port = port,
	};
	char why[1000];
	bool is_kept;
	int result = try_token(c, rs, &login, &is_kept, why, sizeof(why));

	if (result == 1 && is_kept)
		result = try_token(c, rs, &login, &is_kept, why, sizeof(why));
	if (result <= 0)
		return result;
	conn_kill(c, "%s", why);
	c->is_login_trouble = true;
	return -1;
}

/* ---- passwords ------------------------------------------------------- */

/* As secret_get(), for libESMTP; C's replies are told without it. */
static int
get_password(struct conn *c, const struct relay_settings *rs,
    struct credentials *ret, char *why, size_t size)
{
	struct secret_text secret;
	size_t len;
	int result = secret_get(rs, c->abort_fd, &secret, why, size);

	if (result < 0)
		return result;
	conn_set_secret(c, secret.text);
	len = strlen(secret.text);
	if (len <= CREDENTIAL_MAX) {
		memcpy(ret->password, secret.text, len + 1);
		ret->version = secret.version;
	} else {
		(void)snprintf(why, size,
		    "%s%.4000s: the password is longer than 255 bytes",
		    rs->password_file != NULL ? "password_file "
					      : "password_command",
		    rs->password_file != NULL ? rs->password_file : "");
		result = -1;
	}
	explicit_bzero(&secret, sizeof(secret));
	return result;
}

/* So that auth_prepare() need not wait for a command. */
static int
fetch_password(struct conn *c, const struct relay_settings *rs)
{
	struct credentials creds;
	char why[5000];
	int err = get_password(c, rs, &creds, why, sizeof(why));

	explicit_bzero(&creds, sizeof(creds));
	return err == 0 ? 0 : local_trouble(c, err, why);
}

/* ---- what opening and session call ----------------------------------- */

/* Whether the mechanism that RS wants may be used at C; else C is dead. */
static bool
is_usable(struct conn *c, const struct relay_settings *rs,
    const struct capabilities *caps)
{
	bool is_private =
	    c->is_loopback || c->is_verified || rs->login_in_clear;
	const char *name = modes[rs->auth].name, *why;

	if (name != NULL && !auth_is_offered(&c->norm.reply, name))
		not_offered(c, name);
	else if (modes[rs->auth].is_readable && !is_private)
		conn_kill(
		    c, "AUTH: %s needs TLS with a valid certificate", name);
	else if (!is_token(rs->auth) &&
	    auth_choose(rs->auth, caps, is_private, &why) == 0)
		conn_kill(c, "%s", why);
	c->is_login_trouble = c->is_dead;
	return !c->is_dead;
}

int
auth_open(struct conn *c, const struct relay_settings *rs,
    const struct capabilities *caps, const char *host, unsigned port)
{
	if (rs->user == NULL)
		return 0;
	if (!is_usable(c, rs, caps))
		return -1;
	return is_token(rs->auth) ? open_by_token(c, rs, host, port)
				  : fetch_password(c, rs);
}

int
auth_prepare(struct conn *c, const struct relay_settings *rs,
    const struct capabilities *caps, struct credentials *ret_creds,
    unsigned *ret_mechanism, char *why, size_t size)
{
	bool is_private =
	    c->is_loopback || c->is_verified || rs->login_in_clear;
	const char *fault;
	int err;

	*ret_mechanism = 0;
	if (rs->user == NULL || is_token(rs->auth))
		return 0;
	*ret_mechanism = auth_choose(rs->auth, caps, is_private, &fault);
	if (*ret_mechanism == 0) {
		(void)snprintf(why, size, "%s", fault);
		return -1;
	}
	err = get_password(c, rs, ret_creds, why, size);
	if (err == -ECANCELED)
		(void)local_trouble(c, err, why);
	if (err < 0)
		return -1;
	(void)snprintf(
	    ret_creds->user, sizeof(ret_creds->user), "%s", rs->user);
	return 0;
}
