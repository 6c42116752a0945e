/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/utsname.h>

#include "lib/wire.h"
#include "spoold/smtp/hosts.h"
#include "spoold/smtp/secret.h"
#include "spoold/smtp/settings.h"

/*
 * Messages over one session: libESMTP keeps some 3 KB of each until the
 * session ends.
 */
#define SESSION_MESSAGES_MAX 500

#define PATH_BYTES_MAX 4096

/* Either TEXT or NUMBER is the place of the value in the settings. */
static const struct setting {
	const char *key;
	size_t text;
	size_t number;
	unsigned min;
	unsigned max;
	const char *fault;
} table[] = {
#define PLACE(field) offsetof(struct relay_settings, field)
#define TEXT(name, most, why) \
	{ \
		.key = #name, .text = PLACE(name), .max = (most), \
		.fault = (why) \
	}
#define NUMBER(name, field, least, most, why) \
	{ \
		.key = (name), .number = PLACE(field), .min = (least), \
		.max = (most), .fault = (why) \
	}
	TEXT(relay, 1000, "is too long"),
	TEXT(user, CREDENTIAL_MAX, "is longer than 255 bytes"),
	TEXT(password_file, PATH_BYTES_MAX, "is too long"),
	TEXT(password_command, PATH_BYTES_MAX, "is too long"),
	TEXT(password, CREDENTIAL_MAX, "is longer than 255 bytes"),
	TEXT(ca_file, PATH_BYTES_MAX, "is too long"),
	TEXT(cert_file, PATH_BYTES_MAX, "is too long"),
	TEXT(key_file, PATH_BYTES_MAX, "is too long"),
	TEXT(helo, 255, "is longer than 255 bytes"),
	NUMBER("tls_min", tls_min, 12, 13, "is not 12 or 13"),
	NUMBER("port", port, 1, 65535, "is not a number from 1 to 65535"),
	NUMBER("connections", connections, 1, 1000,
	    "is not a number from 1 to 1000"),
	NUMBER("connections_max", connections_max, 1, 1000,
	    "is not a number from 1 to 1000"),
	NUMBER("slow_after", slow_after_s, 0, 86400,
	    "is not a number up to 86400"),
	NUMBER("connect_timeout", connect_timeout_s, 1, 3600,
	    "is not a number from 1 to 3600"),
	NUMBER("reply_timeout", reply_timeout_s, 1, 86400,
	    "is not a number from 1 to 86400"),
	NUMBER("session_messages", session_messages, 1, 1000000,
	    "is not a number from 1 to 1000000"),
	NUMBER(
	    "pause_ms", pause_ms, 0, 3600000, "is not a number up to 3600000"),
	NUMBER("linger_ms", linger_ms, 0, 3600000,
	    "is not a number up to 3600000"),
#undef NUMBER
#undef TEXT
#undef PLACE
};

int
settings_init(struct relay_settings *rs)
{
	struct utsname name;

	memset(rs, 0, sizeof(*rs));
	rs->tls = TLS_OPPORTUNISTIC;
	rs->tls_min = 12;
	rs->port = 25;
	rs->connections = 10;
	rs->slow_after_s = 3;
	rs->connect_timeout_s = 30;
	rs->reply_timeout_s = 300;
	rs->session_messages = 100;
	rs->linger_ms = 1000;
	rs->helo = strdup(uname(&name) == 0 ? name.nodename : "localhost");
	rs->hosts = hosts_new();
	rs->secret = secret_new();
	if (rs->helo == NULL || rs->hosts == NULL || rs->secret == NULL)
		return -ENOMEM;
	return 0;
}

/* The place of VALUE among COUNT NAMES, or -1. */
static int
find_word(const char *const *names, size_t count, const char *value)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], value) == 0)
			return (int)i;
	return -1;
}

static int
set_tls(struct relay_settings *rs, const char *value, const char **reterr_why)
{
	static const char *const names[] = {
		[TLS_NONE] = "none",
		[TLS_OPPORTUNISTIC] = "opportunistic",
		[TLS_STARTTLS] = "starttls",
		[TLS_IMPLICIT] = "implicit",
	};
	int at = find_word(names, sizeof(names) / sizeof(*names), value);

	if (at >= 0) {
		rs->tls = (enum tls_mode)at;
		return 0;
	}
	*reterr_why = "is not none, opportunistic, starttls or implicit";
	return -EINVAL;
}

static int
set_auth(struct relay_settings *rs, const char *value, const char **reterr_why)
{
	static const char *const names[] = {
		[AUTH_AUTO] = "auto",
		[AUTH_PLAIN] = "plain",
		[AUTH_LOGIN] = "login",
		[AUTH_CRAM_MD5] = "cram-md5",
		[AUTH_XOAUTH2] = "xoauth2",
		[AUTH_OAUTHBEARER] = "oauthbearer",
	};
	int at = find_word(names, sizeof(names) / sizeof(*names), value);

	if (at >= 0) {
		rs->auth = (enum auth_mode)at;
		return 0;
	}
	*reterr_why =
	    "is not auto, plain, login, cram-md5, xoauth2 or oauthbearer";
	return -EINVAL;
}

static int
set_bool(bool *ret, const char *value, const char **reterr_why)
{
	*ret = strcmp(value, "yes") == 0;
	if (*ret || value[0] == '\0' || strcmp(value, "no") == 0)
		return 0;
	*reterr_why = "is not yes or no";
	return -EINVAL;
}

static int
set_login_in_clear(
    struct relay_settings *rs, const char *value, const char **reterr_why)
{
	return set_bool(&rs->login_in_clear, value, reterr_why);
}

static int
set_tls_verify(
    struct relay_settings *rs, const char *value, const char **reterr_why)
{
	return set_bool(&rs->tls_verify, value, reterr_why);
}

static int
set_host(struct relay_settings *rs, const char *value, const char **reterr_why)
{
	return hosts_add(rs->hosts, value, reterr_why);
}

static int
set_rest(struct relay_settings *rs, const char *value, const char **reterr_why)
{
	unsigned long long number;

	if (!wire_number(span_of(value), 3600000, &number)) {
		*reterr_why = "is not a number up to 3600000";
		return -EINVAL;
	}
	hosts_set_rest(rs->hosts, (unsigned)number);
	return 0;
}

static int
set_source(
    struct relay_settings *rs, const char *value, const char **reterr_why)
{
	unsigned char addr[sizeof(struct in6_addr)];
	char *copy;

	if (value[0] == '\0')
		return 0;
	if (inet_pton(AF_INET, value, addr) != 1 &&
	    inet_pton(AF_INET6, value, addr) != 1) {
		*reterr_why = "is neither an IPv4 nor an IPv6 address";
		return -EINVAL;
	}
	copy = strdup(value);
	if (copy == NULL)
		return -ENOMEM;
	free(rs->source);
	rs->source = copy;
	return 0;
}

static int
hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *at = c != '\0' ? strchr(digits, c) : NULL;

	return at != NULL ? (int)((at - digits) % 16) : -1;
}

/* One fingerprint at *AT, which goes behind it; colons do not matter. */
static bool
take_pin(const char **at, unsigned char pin[PIN_BYTES])
{
	const char *p = *at;

	for (size_t i = 0; i < 2 * (size_t)PIN_BYTES; i++) {
		int digit;

		while (*p == ':')
			p++;
		digit = hex_digit(*p++);
		if (digit < 0)
			return false;
		pin[i / 2] = (unsigned char)(pin[i / 2] << 4 | digit);
	}
	*at = p;
	return *p == '\0' || *p == ' ';
}

static int
set_fingerprint(
    struct relay_settings *rs, const char *value, const char **reterr_why)
{
	for (;;) {
		while (*value == ' ')
			value++;
		if (*value == '\0')
			return 0;
		if (rs->npins == PINS_MAX) {
			*reterr_why = "has more than 16 fingerprints";
			return -EINVAL;
		}
		if (!take_pin(&value, rs->pins[rs->npins])) {
			*reterr_why = "is no SHA-256 in hexadecimal digits";
			return -EINVAL;
		}
		rs->npins++;
	}
}

/* Those that are neither plain text nor plain numbers. */
static const struct {
	const char *key;
	int (*set)(struct relay_settings *rs, const char *value,
	    const char **reterr_why);
} special[] = {
	{ "host", set_host },
	{ "rest_ms", set_rest },
	{ "tls", set_tls },
	{ "auth", set_auth },
	{ "tls_verify", set_tls_verify },
	{ "login_in_clear", set_login_in_clear },
	{ "fingerprint", set_fingerprint },
	{ "source", set_source },
};

/* A control character would end up in a command. */
static bool
has_control(const char *value)
{
	for (const char *p = value; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return true;
	return false;
}

static int
set_text(struct relay_settings *rs, const struct setting *setting,
    const char *value, const char **reterr_why)
{
	char **place = (char **)((char *)rs + setting->text);
	size_t len = strlen(value);
	char *copy;

	if (len > setting->max) {
		*reterr_why = setting->fault;
		return -EINVAL;
	}
	/* Empty says that the default holds. */
	if (len == 0)
		return 0;
	copy = strdup(value);
	if (copy == NULL)
		return -ENOMEM;
	free(*place);
	*place = copy;
	if (place == &rs->helo)
		rs->is_helo_set = true;
	/* No core file gets what no file has. */
	if (place == &rs->password)
		(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	return 0;
}

static int
set_number(struct relay_settings *rs, const struct setting *setting,
    const char *value, const char **reterr_why)
{
	unsigned long long number;

	if (!wire_number(span_of(value), setting->max, &number) ||
	    number < setting->min) {
		*reterr_why = setting->fault;
		return -EINVAL;
	}
	if (setting->number ==
		offsetof(struct relay_settings, session_messages) &&
	    number > SESSION_MESSAGES_MAX)
		number = SESSION_MESSAGES_MAX;
	*(unsigned *)((char *)rs + setting->number) = (unsigned)number;
	return 0;
}

static int
set_plain(struct relay_settings *rs, const char *key, const char *value,
    const char **reterr_why)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		const struct setting *setting = &table[i];

		if (strcmp(setting->key, key) != 0)
			continue;
		if (setting->number != 0)
			return set_number(rs, setting, value, reterr_why);
		return set_text(rs, setting, value, reterr_why);
	}
	*reterr_why = "is no known setting";
	return -EINVAL;
}

int
settings_set(struct relay_settings *rs, const char *key, const char *value,
    const char **reterr_why)
{
	/* A command may have several lines. */
	if (strcmp(key, "password_command") != 0 && has_control(value)) {
		*reterr_why = "has a control character";
		return -EINVAL;
	}
	for (size_t i = 0; i < sizeof(special) / sizeof(*special); i++)
		if (strcmp(special[i].key, key) == 0)
			return special[i].set(rs, value, reterr_why);
	return set_plain(rs, key, value, reterr_why);
}

/* What is missing for a login. */
static const char *
login_fault(const struct relay_settings *rs)
{
	bool has_file = rs->password_file != NULL;
	bool has_command = rs->password_command != NULL;

	bool has_itself = rs->password != NULL;

	if (has_file + has_command + has_itself > 1)
		return "more than one of password_file, password_command and "
		       "password is set";
	if (rs->user != NULL && !has_file && !has_command && !has_itself)
		return "user is set without password_file or password_command";
	if (rs->user == NULL && rs->auth != AUTH_AUTO)
		return "auth is set without user";
	return NULL;
}

const char *
settings_fault(const struct relay_settings *rs)
{
	if (hosts_count(rs->hosts) == 0)
		return "no host was set";
	if (rs->key_file != NULL && rs->cert_file == NULL)
		return "key_file is set without cert_file";
	return login_fault(rs);
}

void
settings_release(struct relay_settings *rs)
{
	hosts_free(rs->hosts);
	secret_free(rs->secret);
	if (rs->password != NULL)
		explicit_bzero(rs->password, strlen(rs->password));
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		if (table[i].number == 0)
			free(*(char **)((char *)rs + table[i].text));
	free(rs->source);
	memset(rs, 0, sizeof(*rs));
}
