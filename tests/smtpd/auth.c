/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* AUTH PLAIN, LOGIN and CRAM-MD5 against one user and password. */

#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "tests/smtpd/smtpd.h"

#define AUTH_SIZE 1024

/* 1: the credentials are right, 0: they are not, -1: connection dead,
   -2: the client gave up, -3: no base64. */
typedef int mechanism_fn(struct conn *c, const char *initial);

/* Decode TEXT, NUL-terminated; the length, or -3. */
static int
decode(const char *text, char out[AUTH_SIZE])
{
	unsigned char bytes[LINE_SIZE];
	size_t len = strlen(text);
	int got;

	if (len / 4 * 3 >= AUTH_SIZE)
		return -3;
	got = EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)len);
	if (got < 0 || (len > 0 && len % 4 != 0))
		return -3;
	/* EVP counts the padding as zero bytes. */
	while (len > 0 && got > 0 && text[len - 1] == '=') {
		got--;
		len--;
	}
	memcpy(out, bytes, (size_t)got);
	out[got] = '\0';
	return got;
}

/* Send a challenge, decode what comes back; its length or as above. */
static int
ask(struct conn *c, const char *challenge, char out[AUTH_SIZE])
{
	char line[LINE_SIZE], base64[LINE_SIZE];
	int got;

	(void)EVP_EncodeBlock((unsigned char *)base64,
	    (const unsigned char *)challenge, (int)strlen(challenge));
	(void)snprintf(line, sizeof(line), "334 %.1024s", base64);
	if (!conn_reply(c, line, strlen(line)))
		return -1;
	got = conn_line(c, line, sizeof(line));
	if (got <= 0)
		return got == 0 ? -1 : -3;
	return strcmp(line, "*") == 0 ? -2 : decode(line, out);
}

static int
is_right(struct conn *c, const char *user, const char *password)
{
	const struct server *s = c->server;

	(void)snprintf(c->auth, sizeof(c->auth), "%.255s", user);
	return strcmp(user, s->user) == 0 && strcmp(password, s->password) == 0;
}

static int
auth_plain(struct conn *c, const char *initial)
{
	char text[AUTH_SIZE], *user, *password;
	int len = initial != NULL ? decode(initial, text) : ask(c, "", text);

	if (len < 0)
		return len;
	user = memchr(text, '\0', (size_t)len);
	if (user == NULL)
		return 0;
	user++;
	password = memchr(user, '\0', (size_t)(text + len - user));
	return password != NULL && is_right(c, user, password + 1);
}

static int
auth_login(struct conn *c, const char *initial)
{
	char user[AUTH_SIZE], password[AUTH_SIZE];
	int len;

	len =
	    initial != NULL ? decode(initial, user) : ask(c, "Username:", user);
	if (len >= 0)
		len = ask(c, "Password:", password);
	return len < 0 ? len : is_right(c, user, password);
}

static int
auth_cram_md5(struct conn *c, const char *initial)
{
	const struct server *s = c->server;
	char challenge[256], text[AUTH_SIZE], want[2 * EVP_MAX_MD_SIZE + 1];
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0, i;
	char *space;
	int got;

	if (initial != NULL)
		return -3;
	(void)snprintf(challenge, sizeof(challenge), "<%lu.%lld@%.200s>",
	    c->number, (long long)time(NULL), s->name);
	got = ask(c, challenge, text);
	if (got < 0)
		return got;
	space = strrchr(text, ' ');
	if (space == NULL ||
	    HMAC(EVP_md5(), s->password, (int)strlen(s->password),
		(const unsigned char *)challenge, strlen(challenge), digest,
		&len) == NULL)
		return 0;
	*space = '\0';
	for (i = 0; i < len; i++)
		(void)snprintf(want + 2 * i, 3, "%02x", digest[i]);
	(void)snprintf(c->auth, sizeof(c->auth), "%.255s", text);
	return strcmp(text, s->user) == 0 && strcmp(space + 1, want) == 0;
}

/* The mechanism NAME, if it is offered. */
static mechanism_fn *
find_mechanism(const struct server *s, const char *name)
{
	static const struct {
		const char *name;
		mechanism_fn *run;
	} all[] = {
		{ "PLAIN", auth_plain },
		{ "LOGIN", auth_login },
		{ "CRAM-MD5", auth_cram_md5 },
	};
	size_t i, len = strlen(name);
	const char *at;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (strcasecmp(all[i].name, name) != 0)
			continue;
		at = strstr(s->mechs, all[i].name);
		if (at != NULL && (at[len] == ' ' || at[len] == '\0'))
			return all[i].run;
	}
	return NULL;
}

static bool
finish(struct conn *c, const char *mechanism, int result)
{
	const char *reply = "535 5.7.8 Authentication credentials invalid";
	bool claimed = c->auth[0] != '\0';
	int class;

	if (result == -1)
		return false;
	if (result == -2)
		reply = "501 5.7.0 Authentication aborted";
	else if (result == -3)
		reply = "501 5.5.2 Cannot decode response";
	else if (result == 1)
		reply = "235 2.7.0 Authentication successful";
	class = respond(c, STAGE_AUTHEND, mechanism, reply);
	if (class == '2' && !claimed)
		(void)snprintf(c->auth, sizeof(c->auth), "unknown");
	else if (class != '2')
		c->auth[0] = '\0';
	return class >= 0;
}

bool
auth_command(struct conn *c, char *arguments)
{
	const struct server *s = c->server;
	char *initial = strchr(arguments, ' ');
	mechanism_fn *run;
	const char *refusal = NULL;
	int class;

	if (initial != NULL)
		*initial++ = '\0';
	if (initial != NULL && strcmp(initial, "=") == 0)
		initial = strchr(initial, '\0');
	run = s->user != NULL ? find_mechanism(s, arguments) : NULL;
	if (run == NULL)
		refusal = "504 5.5.4 Unrecognized authentication type";
	else if (c->auth[0] != '\0')
		refusal = "503 5.5.1 Already authenticated";
	/* No default: what the mechanism asks is the answer. */
	class = respond(c, STAGE_AUTH, arguments, refusal);
	if (class != 0)
		return class > 0;
	return finish(c, arguments, run(c, initial));
}
