/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * What the SMTP agent decides without a network: what a server offers, how
 * to log in, what a code means, what became of a message, its settings.
 */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/credential.h"
#include "spoold/smtp/auth.h"
#include "spoold/smtp/mask.h"
#include "spoold/smtp/capabilities.h"
#include "spoold/agent-protocol.h"
#include "spoold/smtp/hosts.h"
#include "spoold/smtp/secret.h"
#include "spoold/smtp/settings.h"
#include "tests/unit/unit.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

#define ALL (MECHANISM_PLAIN | MECHANISM_LOGIN | MECHANISM_CRAM_MD5)

/* ---- EHLO ------------------------------------------------------------ */

static const struct {
	const char *text;
	struct capabilities want;
} offers[] = {
	{ "", { 0 } },
	{ "PIPELINING", { 0 } },
	{ "x\nsmtputf8\nSMTPUTF8X", { .has_smtputf8 = true } },
	{ "SMTPUTF8", { 0 } },
	{ "x\nPIPELINING\n8BITMIME\nDSN\nSTARTTLS",
	    { .has_pipelining = true,
		.has_8bitmime = true,
		.has_dsn = true,
		.has_starttls = true } },
	{ "x\npipelining\n8bitMime",
	    { .has_pipelining = true, .has_8bitmime = true } },
	{ "x\nPIPELININGS\nXDSN\n8BIT", { 0 } },
	{ "x\nSIZE", { .has_size = true } },
	{ "x\nSIZE 0", { .has_size = true } },
	{ "x\nSIZE 10240000", { .has_size = true, .size_limit = 10240000 } },
	{ "x\nSIZE  5 6", { .has_size = true, .size_limit = 5 } },
	{ "x\nSIZE -1", { .has_size = true } },
	{ "x\nSIZE 99999999999999999999999999", { .has_size = true } },
	{ "x\nAUTH PLAIN login CRAM-MD5 GSSAPI",
	    { .has_auth = true, .mechanisms = ALL } },
	{ "x\nAUTH=LOGIN PLAIN",
	    { .has_auth = true,
		.mechanisms = MECHANISM_LOGIN | MECHANISM_PLAIN } },
	{ "x\nAUTH PLAINER XPLAIN", { .has_auth = true } },
	{ "x\nAUTH\n\n \n=\n", { .has_auth = true } },
};

START_TEST(reads_what_a_server_offers)
{
	struct capabilities got;
	struct reply r = { .code = 250 };

	r.len = strlen(offers[_i].text);
	memcpy(r.text, offers[_i].text, r.len);
	capabilities_parse(&r, &got);
	ck_assert_int_eq(got.has_pipelining, offers[_i].want.has_pipelining);
	ck_assert_int_eq(got.has_8bitmime, offers[_i].want.has_8bitmime);
	ck_assert_int_eq(got.has_dsn, offers[_i].want.has_dsn);
	ck_assert_int_eq(got.has_smtputf8, offers[_i].want.has_smtputf8);
	ck_assert_int_eq(got.has_starttls, offers[_i].want.has_starttls);
	ck_assert_int_eq(got.has_size, offers[_i].want.has_size);
	ck_assert_int_eq(got.has_auth, offers[_i].want.has_auth);
	ck_assert_uint_eq(got.size_limit, offers[_i].want.size_limit);
	ck_assert_uint_eq(got.mechanisms, offers[_i].want.mechanisms);
}
END_TEST

START_TEST(tells_libesmtp_what_is_safe)
{
	struct capabilities caps = {
		.has_pipelining = true,
		.has_8bitmime = true,
		.has_dsn = true,
		.has_starttls = true,
		.has_size = true,
		.has_auth = true,
		.size_limit = 999999999999999999,
		.mechanisms = ALL,
	};
	char buf[256];

	ck_assert_uint_eq(
	    capabilities_write(&caps, MECHANISM_CRAM_MD5, buf, sizeof(buf)),
	    strlen(buf));
	ck_assert_str_eq(buf,
	    "250-relay\r\n250-PIPELINING\r\n"
	    "250-8BITMIME\r\n250-DSN\r\n250-SIZE 999999999999999999\r\n"
	    "250-AUTH CRAM-MD5\r\n250 HELP\r\n");
	memset(&caps, 0, sizeof(caps));
	(void)capabilities_write(&caps, 0, buf, sizeof(buf));
	ck_assert_str_eq(buf, "250-relay\r\n250 HELP\r\n");
}
END_TEST

/* ---- AUTH ------------------------------------------------------------ */

static const struct {
	enum auth_mode mode;
	bool has_auth;
	unsigned offered;
	bool is_private;
	unsigned want; /* 0: WHY says why */
	const char *why;
} logins[] = {
	{ AUTH_AUTO, true, ALL, true, MECHANISM_CRAM_MD5, NULL },
	{ AUTH_AUTO, true, ALL, false, MECHANISM_CRAM_MD5, NULL },
	{ AUTH_AUTO, true, MECHANISM_PLAIN | MECHANISM_LOGIN, true,
	    MECHANISM_PLAIN, NULL },
	{ AUTH_AUTO, true, MECHANISM_LOGIN, true, MECHANISM_LOGIN, NULL },
	{ AUTH_AUTO, true, MECHANISM_PLAIN | MECHANISM_LOGIN, false, 0,
	    "AUTH: PLAIN and LOGIN need TLS with a valid certificate" },
	{ AUTH_AUTO, true, 0, true, 0,
	    "AUTH: none of CRAM-MD5, PLAIN and LOGIN is offered" },
	{ AUTH_AUTO, false, 0, true, 0, "AUTH is not offered" },
	{ AUTH_PLAIN, true, ALL, true, MECHANISM_PLAIN, NULL },
	{ AUTH_LOGIN, true, ALL, true, MECHANISM_LOGIN, NULL },
	{ AUTH_CRAM_MD5, true, ALL, false, MECHANISM_CRAM_MD5, NULL },
	{ AUTH_PLAIN, true, ALL, false, 0,
	    "AUTH: the configured mechanism needs TLS with a valid "
	    "certificate" },
	{ AUTH_LOGIN, true, MECHANISM_PLAIN, true, 0,
	    "AUTH: the configured mechanism is not offered" },
	{ AUTH_LOGIN, false, 0, true, 0, "AUTH is not offered" },
};

START_TEST(chooses_a_mechanism)
{
	struct capabilities caps = {
		.has_auth = logins[_i].has_auth,
		.mechanisms = logins[_i].offered,
	};
	const char *why = NULL;

	ck_assert_uint_eq(
	    auth_choose(logins[_i].mode, &caps, logins[_i].is_private, &why),
	    logins[_i].want);
	if (logins[_i].want == 0)
		ck_assert_str_eq(why, logins[_i].why);
}
END_TEST

static const struct {
	const char *text;
	bool want;
} token_offers[] = {
	{ "x\nAUTH PLAIN XOAUTH2", true },
	{ "x\nSIZE 5\nauth\txoauth2", false },
	{ "x\nSIZE 5\nauth xoauth2", true },
	{ "x\nAUTH=XOAUTH2", true },
	{ "x\nAUTH PLAIN\nAUTH=LOGIN XOAUTH2\nHELP", true },
	{ "AUTH XOAUTH2", false },
	{ "x\nAUTH XOAUTH22 XXOAUTH2", false },
	{ "x\nAUTH", false },
	{ "", false },
};

START_TEST(sees_a_mechanism_offered)
{
	struct reply r = { .code = 250, .len = strlen(token_offers[_i].text) };

	memcpy(r.text, token_offers[_i].text, r.len);
	ck_assert_int_eq(auth_is_offered(&r, "XOAUTH2"), token_offers[_i].want);
}
END_TEST

#define P64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define P255 \
	P64 P64 P64 "0123456789abcdef0123456789abcdef0123456789abcdef" \
		    "0123456789abcde"

static const struct {
	const char *content;
	size_t len;
	mode_t mode;
	const char *want; /* NULL: refused */
} files[] = {
	{ "secret\n", 7, 0600, "secret" },
	{ "secret", 6, 0600, "secret" },
	{ "secret\r\n", 8, 0400, "secret" },
	{ " a b \nsecond\n", 13, 0600, " a b " },
	{ P255 "\n", 256, 0600, P255 },
	{ P255 "\r\n", 257, 0600, P255 },
	{ P255 "x\n", 257, 0600, NULL },
	{ P255 P255, 510, 0600, NULL },
	{ "", 0, 0600, NULL },
	{ "\nsecret\n", 8, 0600, NULL },
	{ "a\0b\n", 4, 0600, NULL },
	{ "secret\n", 7, 0640, NULL },
	{ "secret\n", 7, 0604, NULL },
	{ "secret\n", 7, 0666, NULL },
};

static int
prepare(const char *path, struct credentials *creds, char *why, size_t size)
{
	struct capabilities caps = { .has_auth = true, .mechanisms = ALL };
	struct relay_settings rs;
	const char *fault;
	unsigned mechanism;
	struct conn *c = conn_new(-1, 1000);
	int result;

	ck_assert_int_eq(settings_init(&rs), 0);
	ck_assert_int_eq(settings_set(&rs, "user", "ann", &fault), 0);
	ck_assert_int_eq(settings_set(&rs, "password_file", path, &fault), 0);
	ck_assert_ptr_nonnull(c);
	c->is_loopback = true;
	result = auth_prepare(c, &rs, &caps, creds, &mechanism, why, size);
	settings_release(&rs);
	conn_free(c);
	return result;
}

START_TEST(reads_a_password)
{
	char path[] = "/tmp/test_relay.XXXXXX";
	struct credentials creds;
	char why[400] = "";
	int fd = mkstemp(path), result;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, files[_i].content, files[_i].len),
	    (ssize_t)files[_i].len);
	ck_assert_int_eq(fchmod(fd, files[_i].mode), 0);
	ck_assert_int_eq(close(fd), 0);
	result = prepare(path, &creds, why, sizeof(why));
	ck_assert_int_eq(unlink(path), 0);
	if (files[_i].want != NULL) {
		ck_assert_int_eq(result, 0);
		ck_assert_str_eq(creds.password, files[_i].want);
		ck_assert_str_eq(creds.user, "ann");
	} else {
		ck_assert_int_eq(result, -1);
		ck_assert_ptr_nonnull(strstr(why, path));
		ck_assert_ptr_null(strstr(why, "secret"));
	}
}
END_TEST

static const struct {
	const char *text, *want;
} replies[] = {
	{ "", "" },
	{ "535 5.7.8 no", "535 5.7.8 no" },
	{ "535 Authentication unsuccessful",
	    "535 Authentication unsuccessful" },
	{ "bad: AUTH PLAIN AGFubgBzZXNhbWU=", "bad: AUTH PLAIN …" },
	{ "AGFubgBzZXNhbWU= twice AGFubgBzZXNhbWU=.", "… twice …." },
	{ "abcdefghijk", "abcdefghijk" },
	{ "abcdefghijkl", "…" },
	{ "{\"token\":\"ya29_a-bcdefghijkl\"}", "{\"token\":\"…\"}" },
};

START_TEST(masks_what_may_be_a_secret)
{
	char text[100];

	(void)snprintf(text, sizeof(text), "%s", replies[_i].text);
	mask_secrets(text);
	ck_assert_str_eq(text, replies[_i].want);
}
END_TEST

static const struct {
	const char *dir, *path;
	bool want;
} credentials[] = {
	{ NULL, "/run/c/x", false },
	{ "", "/run/c/x", false },
	{ "/", "/x", false },
	{ "run/c", "run/c/x", false },
	{ "/run/c", "/run/c/x", true },
	{ "/run/c/", "/run/c/x", true },
	{ "/run/c", "/run/c/d/x..", true },
	{ "/run/c", "/run/c", false },
	{ "/run/c", "/run/c/", false },
	{ "/run/c", "/run/cx/x", false },
	{ "/run/c", "/run/c/../x", false },
	{ "/run/c", "/run/c/d/..", false },
};

START_TEST(knows_credentials)
{
	if (credentials[_i].dir != NULL)
		(void)setenv("CREDENTIALS_DIRECTORY", credentials[_i].dir, 1);
	else
		(void)unsetenv("CREDENTIALS_DIRECTORY");
	ck_assert_int_eq(
	    credential_is(credentials[_i].path), credentials[_i].want);
}
END_TEST

START_TEST(reads_no_password_from_what_is_no_file)
{
	char text[SECRET_MAX + 1], why[200];

	ck_assert_int_eq(
	    secret_read_file("/nonexistent", text, why, sizeof(why)), -1);
	ck_assert_str_eq(
	    why, "password_file '/nonexistent': No such file or directory");
	ck_assert_int_eq(
	    secret_read_file("/dev/zero", text, why, sizeof(why)), -1);
	ck_assert_int_eq(secret_read_file("/tmp", text, why, sizeof(why)), -1);
}
END_TEST

/* ---- results --------------------------------------------------------- */

START_TEST(names_every_outcome)
{
	enum outcome outcome;

	for (int i = 0; i < OUTCOMES; i++) {
		ck_assert(
		    outcome_parse(outcome_name((enum outcome)i), &outcome));
		ck_assert_int_eq(outcome, i);
	}
	ck_assert(!outcome_parse("", &outcome));
	ck_assert(!outcome_parse("Delivered", &outcome));
	ck_assert_str_eq(outcome_name(OUTCOME_UNCERTAIN), "uncertain");
}
END_TEST

/* ---- settings -------------------------------------------------------- */

#define PIN62 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd"
#define PIN PIN62 "ef"

static const struct {
	const char *key;
	const char *value;
	int want;
} values[] = {
	{ "host", "mail.example", 0 },
	{ "host", "[::1]", 0 },
	{ "host", "a\r\nb", -EINVAL },
	{ "helo", "x\ny", -EINVAL },
	{ "port", "587", 0 },
	{ "port", "0", -EINVAL },
	{ "port", "65536", -EINVAL },
	{ "port", "smtp", -EINVAL },
	{ "port", "", -EINVAL },
	{ "connections", "0", -EINVAL },
	{ "connections", "64", 0 },
	{ "reply_timeout", "-1", -EINVAL },
	{ "linger_ms", "0", 0 },
	{ "tls", "implicit", 0 },
	{ "tls", "yes", -EINVAL },
	{ "user", "", 0 },
	{ "user", P255, 0 },
	{ "user", P255 "x", -EINVAL },
	{ "password_command", "a\nb", 0 },
	{ "login_in_clear", "yes", 0 },
	{ "login_in_clear", "1", -EINVAL },
	{ "auth", "oauthbearer", 0 },
	{ "auth", "OAUTH", -EINVAL },
	{ "tls_min", "13", 0 },
	{ "tls_min", "1.3", -EINVAL },
	{ "source", "192.0.2.1", 0 },
	{ "source", "2001:db8::1", 0 },
	{ "source", "localhost", -EINVAL },
	{ "fingerprint", "", 0 },
	{ "fingerprint", PIN, 0 },
	{ "fingerprint", PIN " " PIN, 0 },
	{ "fingerprint", "AB:" PIN62, 0 },
	{ "fingerprint", PIN62, -EINVAL },
	{ "fingerprint", PIN "0", -EINVAL },
	{ "fingerprint", "g" PIN62 "0", -EINVAL },
	{ "connections_max", "20", 0 },
	{ "slow_after", "0", 0 },
	{ "pause_ms", "100", 0 },
	{ "rest_ms", "x", -EINVAL },
	{ "maildir", "/x", -EINVAL },
	{ "colour", "red", -EINVAL },
};

START_TEST(takes_settings)
{
	struct relay_settings rs;
	const char *why = NULL;

	ck_assert_int_eq(settings_init(&rs), 0);
	ck_assert_int_eq(
	    settings_set(&rs, values[_i].key, values[_i].value, &why),
	    values[_i].want);
	ck_assert_int_eq(why != NULL, values[_i].want != 0);
	settings_release(&rs);
}
END_TEST

START_TEST(knows_what_is_missing)
{
	struct relay_settings rs;
	const char *why;

	ck_assert_int_eq(settings_init(&rs), 0);
	ck_assert_str_eq(settings_fault(&rs), "no host was set");
	ck_assert_int_eq(settings_set(&rs, "host", "[::1]", &why), 0);
	ck_assert_str_eq(hosts_at(rs.hosts, 0)->name, "::1");
	ck_assert_ptr_null(settings_fault(&rs));
	ck_assert_int_eq(settings_set(&rs, "user", "joe", &why), 0);
	ck_assert_str_eq(settings_fault(&rs),
	    "user is set without password_file or password_command");
	ck_assert_int_eq(settings_set(&rs, "password_file", "/x", &why), 0);
	ck_assert_ptr_null(settings_fault(&rs));
	ck_assert_int_eq(settings_set(&rs, "password_command", "x", &why), 0);
	ck_assert_str_eq(settings_fault(&rs),
	    "more than one of password_file, password_command and password "
	    "is set");
	ck_assert_int_eq(
	    settings_set(&rs, "session_messages", "100000", &why), 0);
	ck_assert_uint_eq(rs.session_messages, 500);
	settings_release(&rs);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("relay");
	TCase *tc = tcase_create("all");

	tcase_add_loop_test(tc, reads_what_a_server_offers, 0, COUNT(offers));
	tcase_add_test(tc, tells_libesmtp_what_is_safe);
	tcase_add_loop_test(tc, chooses_a_mechanism, 0, COUNT(logins));
	tcase_add_loop_test(
	    tc, sees_a_mechanism_offered, 0, COUNT(token_offers));
	tcase_add_loop_test(tc, reads_a_password, 0, COUNT(files));
	tcase_add_test(tc, reads_no_password_from_what_is_no_file);
	tcase_add_loop_test(tc, masks_what_may_be_a_secret, 0, COUNT(replies));
	tcase_add_loop_test(tc, knows_credentials, 0, COUNT(credentials));
	tcase_add_test(tc, names_every_outcome);
	tcase_add_loop_test(tc, takes_settings, 0, COUNT(values));
	tcase_add_test(tc, knows_what_is_missing);
	suite_add_tcase(s, tc);
	return unit_main(s);
}
