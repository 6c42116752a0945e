/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "lib/wire.h"
#include "spoold/smtp/settings.h"

/*
 * Messages over one session: libESMTP keeps some 3 KB of each until the
 * session ends.
 */
#define SESSION_MESSAGES_MAX 500

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
	{ .key = "relay",
	    .text = PLACE(relay),
	    .max = 1000,
	    .fault = "is too long" },
	{ .key = "host",
	    .text = PLACE(host),
	    .min = 1,
	    .max = 255,
	    .fault = "is empty or longer than 255 bytes" },
	{ .key = "user",
	    .text = PLACE(user),
	    .max = CREDENTIAL_MAX,
	    .fault = "is longer than 255 bytes" },
	{ .key = "password_file",
	    .text = PLACE(password_file),
	    .max = 4096,
	    .fault = "is too long" },
	{ .key = "ca_file",
	    .text = PLACE(ca_file),
	    .max = 4096,
	    .fault = "is too long" },
	{ .key = "helo",
	    .text = PLACE(helo),
	    .max = 255,
	    .fault = "is longer than 255 bytes" },
	{ .key = "port",
	    .number = PLACE(port),
	    .min = 1,
	    .max = 65535,
	    .fault = "is not a number from 1 to 65535" },
	{ .key = "connections",
	    .number = PLACE(connections),
	    .min = 1,
	    .max = 1000,
	    .fault = "is not a number from 1 to 1000" },
	{ .key = "connect_timeout",
	    .number = PLACE(connect_timeout_s),
	    .min = 1,
	    .max = 3600,
	    .fault = "is not a number from 1 to 3600" },
	{ .key = "reply_timeout",
	    .number = PLACE(reply_timeout_s),
	    .min = 1,
	    .max = 86400,
	    .fault = "is not a number from 1 to 86400" },
	{ .key = "session_messages",
	    .number = PLACE(session_messages),
	    .min = 1,
	    .max = 1000000,
	    .fault = "is not a number from 1 to 1000000" },
	{ .key = "linger_ms",
	    .number = PLACE(linger_ms),
	    .max = 3600000,
	    .fault = "is not a number up to 3600000" },
#undef PLACE
};

static const char *const tls_names[] = {
	[TLS_NONE] = "none",
	[TLS_OPPORTUNISTIC] = "opportunistic",
	[TLS_STARTTLS] = "starttls",
	[TLS_IMPLICIT] = "implicit",
};

int
settings_init(struct relay_settings *rs)
{
	struct utsname name;

	memset(rs, 0, sizeof(*rs));
	rs->tls = TLS_OPPORTUNISTIC;
	rs->port = 25;
	rs->connections = 10;
	rs->connect_timeout_s = 30;
	rs->reply_timeout_s = 300;
	rs->session_messages = 100;
	rs->linger_ms = 1000;
	rs->helo = strdup(uname(&name) == 0 ? name.nodename : "localhost");
	return rs->helo != NULL ? 0 : -ENOMEM;
}

static int
set_tls(struct relay_settings *rs, const char *value, const char **reterr_why)
{
	for (unsigned i = 0; i < sizeof(tls_names) / sizeof(*tls_names); i++) {
		if (strcmp(tls_names[i], value) != 0)
			continue;
		rs->tls = (enum tls_mode)i;
		return 0;
	}
	*reterr_why = "is not none, opportunistic, starttls or implicit";
	return -EINVAL;
}

/* A control character would end up in a command. */
static bool
has_control(const char *value)
{
	for (const char *p = value; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return true;
	return false;
}

/* "[::1]" is how people write it where a port may follow. */
static char *
copy_host(const char *value, size_t len)
{
	if (len > 2 && value[0] == '[' && value[len - 1] == ']')
		return strndup(value + 1, len - 2);
	return strdup(value);
}

static int
set_text(struct relay_settings *rs, const struct setting *setting,
    const char *value, const char **reterr_why)
{
	char **place = (char **)((char *)rs + setting->text);
	size_t len = strlen(value);
	char *copy;

	if (has_control(value)) {
		*reterr_why = "has a control character";
		return -EINVAL;
	}
	if (len < setting->min || len > setting->max) {
		*reterr_why = setting->fault;
		return -EINVAL;
	}
	/* Empty says that the default holds. */
	if (len == 0)
		return 0;
	copy = place == &rs->host ? copy_host(value, len) : strdup(value);
	if (copy == NULL)
		return -ENOMEM;
	free(*place);
	*place = copy;
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

int
settings_set(struct relay_settings *rs, const char *key, const char *value,
    const char **reterr_why)
{
	if (strcmp(key, "tls") == 0)
		return set_tls(rs, value, reterr_why);
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

const char *
settings_fault(const struct relay_settings *rs)
{
	if (rs->host == NULL)
		return "no host was set";
	if (rs->user != NULL && rs->password_file == NULL)
		return "user is set without password_file";
	return NULL;
}

void
settings_release(struct relay_settings *rs)
{
	free(rs->relay);
	free(rs->host);
	free(rs->user);
	free(rs->password_file);
	free(rs->ca_file);
	free(rs->helo);
	memset(rs, 0, sizeof(*rs));
}
