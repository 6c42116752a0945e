/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * AUTH PLAIN, LOGIN and CRAM-MD5 against one user and password, XOAUTH2 and
 * OAUTHBEARER against tokens in a file.
 */

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

/* Whether TOKEN is a line of the file with the tokens. */
static bool
is_token(const struct server *s, const char *token)
{
	FILE *in = s->tokens != NULL ? fopen(s->tokens, "re") : NULL;
	char *line = NULL;
	size_t room = 0;
	bool found = false;

	if (in == NULL)
		return false;
	while (!found && getline(&line, &room, in) >= 0) {
		line[strcspn(line, "\r\n")] = '\0';
		found = line[0] != '\0' && strcmp(line, token) == 0;
	}
	free(line);
	(void)fclose(in);
	return found;
}

/* The value behind KEY in TEXT, up to END, which is made a NUL; or NULL. */
static char *
value_of(char *text, const char *key, const char *end)
{
	char *at = strcasestr(text, key);

	if (at == NULL)
		return NULL;
	at += strlen(key);
	if (strpbrk(at, end) == NULL)
		return NULL;
	at[strcspn(at, end)] = '\0';
	return at;
}

/* The client's answer to the JSON is nothing or ^A, and does not matter. */
static int
refuse_token(struct conn *c, const char *json)
{
	char text[AUTH_SIZE];
	int got = ask(c, json, text);

	c->auth[0] = '\0';
	return got == -1 ? -1 : 0;
}

/* TEXT has the user behind KEY, up to END, and "auth=Bearer TOKEN^A^A". */
static int
auth_token(struct conn *c, const char *initial, const char *key,
    const char *end, const char *json)
{
	const struct server *s = c->server;
	char text[AUTH_SIZE], *user, *token;
	int len = initial != NULL ? decode(initial, text) : ask(c, "", text);

	if (len < 0)
		return len;
	if (len < 2 || strcmp(text + len - 2, "\1\1") != 0)
		return refuse_token(c, json);
	token = value_of(text, "\1auth=Bearer ", "\1");
	/* It comes later, so that its end does not hide it. */
	user = value_of(text, key, end);
	if (user == NULL || token == NULL || !is_token(s, token) ||
	    (s->user != NULL && strcmp(user, s->user) != 0))
		return refuse_token(c, json);
	(void)snprintf(c->auth, sizeof(c->auth), "%.255s", user);
	return 1;
}

static int
auth_xoauth2(struct conn *c, const char *initial)
{
	return auth_token(c, initial, "user=", "\1",
	    "{\"status\":\"400\",\"schemes\":\"Bearer\","
	    "\"scope\":\"https://mail.test/\"}");
}

static int
auth_oauthbearer(struct conn *c, const char *initial)
{
	return auth_token(c, initial, "n,a=", ",",
	    "{\"status\":\"invalid_token\","
	    "\"scope\":\"https://mail.test/\"}");
}

/* The mechanism NAME, if it is offered. */
static mechanism_fn *
find_mechanism(const struct server *s, const char *name)
{
	static const struct {
		const char *name;
		mechanism_fn *run;
		bool is_for_user; /* --auth's */
	} all[] = {
		{ "PLAIN", auth_plain, true },
		{ "LOGIN", auth_login, true },
		{ "CRAM-MD5", auth_cram_md5, true },
		{ "XOAUTH2", auth_xoauth2, false },
		{ "OAUTHBEARER", auth_oauthbearer, false },
	};
	size_t i, len = strlen(name);
	const char *at;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (strcasecmp(all[i].name, name) != 0 ||
		    (all[i].is_for_user && s->user == NULL))
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
	c->groups = 0;
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
	run = s->user != NULL || s->tokens != NULL
	    ? find_mechanism(s, arguments)
	    : NULL;
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
