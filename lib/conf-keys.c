/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The tables of keys, of the top level and of each kind of section. */

#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/conf-value.h"
#include "lib/text.h"

static const char *const tls_names[] = { [TLS_NONE] = "none",
	[TLS_OPPORTUNISTIC] = "opportunistic",
	[TLS_STARTTLS] = "starttls",
	[TLS_IMPLICIT] = "implicit",
	NULL };

static const char *const auth_names[] = { [AUTH_AUTO] = "auto",
	[AUTH_PLAIN] = "plain",
	[AUTH_LOGIN] = "login",
	[AUTH_CRAM_MD5] = "cram-md5",
	[AUTH_XOAUTH2] = "xoauth2",
	[AUTH_OAUTHBEARER] = "oauthbearer",
	NULL };

static const char *const uncertain_names[] = {
	[UNCERTAIN_RETRY] = "retry", [UNCERTAIN_HOLD] = "hold", NULL
};

static const char *const fair_names[] = { [FAIR_SENDER] = "sender",
	[FAIR_USER] = "user",
	[FAIR_NONE] = "none",
	NULL };

const char *
tls_mode_name(enum tls_mode mode)
{
	return tls_names[mode];
}

const char *
auth_mode_name(enum auth_mode mode)
{
	return auth_names[mode];
}

/* Each row: name, setter, member, least, most, flags, words. */

#define AT(member) offsetof(struct config, member)

static const struct config_key top_keys[] = {
	{ "spool", config_set_path, AT(spool), 0, 0, 0, NULL },
	{ "origin", config_set_name, AT(origin), 0, 0, 0, NULL },
	{ "json", config_set_path, AT(json), 0, 0, 0, NULL },
	{ "history", config_set_duration, AT(history_s), 0, 315360000, 0,
	    NULL },
	{ "history_size", config_set_size, AT(history_bytes), 0, 0, 0, NULL },
	{ "status_subject", config_set_bool, AT(status_subject), 0, 0, 0,
	    NULL },
	{ "aliases", config_set_map, AT(aliases), 0, 0, 0, NULL },
	{ "generic", config_set_map, AT(generic), 0, 0, 0, NULL },
	{ "masquerade", config_set_domains, AT(masquerade), 0, 0, 0, NULL },
	{ "local_recipients", config_set_recipients, AT(local_recipients), 0, 0,
	    0, NULL },
	{ "message_size_max", config_set_size, AT(message_size_max), 1, 0, 0,
	    NULL },
	{ "recipients_max", config_set_number, AT(recipients_max), 1, 1000000,
	    0, NULL },
	{ "freq", config_set_duration, AT(freq_s), 1, 86400, 0, NULL },
	{ "attempts", config_set_number, AT(attempts), 1, 1000000, 0, NULL },
	{ "lifetime", config_set_duration, AT(lifetime_s), 1, 315360000, 0,
	    NULL },
	{ "agents", config_set_number, AT(agents), 2, 64, 0, NULL },
	{ "retry", config_set_retry, AT(retry), 0, 0, KEY_LIST, NULL },
	{ "on_uncertain", config_set_word, AT(on_uncertain), 0, 0, 0,
	    uncertain_names },
	{ "fair", config_set_word, AT(fair), 0, 0, 0, fair_names },
	{ "sender_rate", config_set_sender_rates, 0, 0, 0, KEY_LIST, NULL },
	{ "delay_warning", config_set_duration, AT(delay_warning_s), 0,
	    315360000, 0, NULL },
	{ "postmaster", config_set_address, AT(postmaster), 0, 0, 0, NULL },
	{ "bounce_size_max", config_set_size, AT(bounce_size_max), 0, 0, 0,
	    NULL },
	{ "bounce_rate", config_set_rate, AT(bounce_rate), 0, 0, 0, NULL },
	{ "bounces", config_set_bool, AT(bounces), 0, 0, 0, NULL },
	{ "keep_failed", config_set_bool, AT(keep_failed), 0, 0, 0, NULL },
	{ "relay", config_set_relay, 0, 0, 0, KEY_LIST, NULL },
};

#undef AT
#define AT(member) offsetof(struct relay_config, member)
#define OWN KEY_RELAY
#define HERE (KEY_RELAY | KEY_SECTION)
#define SHARED (KEY_RELAY | KEY_SHARED)
#define POINTER KEY_POINTER

/* Those that only sections have come first. */
#define ONLY_IN_SECTIONS 2

static const struct config_key relay_keys[] = {
	{ "host", config_set_hosts, 0, 0, 0, HERE | KEY_LIST, NULL },
	{ "port", config_set_number, AT(port), 1, 65535, HERE, NULL },
	{ "tls", config_set_word, AT(tls), 0, 0, SHARED, tls_names },
	{ "tls_min", config_set_tls_min, AT(tls_min), 0, 0, SHARED, NULL },
	{ "ca_file", config_set_path, AT(ca_file), 0, 0, SHARED | POINTER,
	    NULL },
	{ "cert_file", config_set_path, AT(cert_file), 0, 0, OWN, NULL },
	{ "key_file", config_set_path, AT(key_file), 0, 0, OWN, NULL },
	{ "fingerprint", config_set_fingerprint, AT(fingerprint), 0, 0,
	    OWN | KEY_LIST, NULL },
	{ "auth", config_set_word, AT(auth), 0, 0, OWN, auth_names },
	{ "user", config_set_login, AT(user), 0, 0, OWN, NULL },
	{ "password_file", config_set_password, AT(password_file), 0, 0, OWN,
	    NULL },
	{ "password_command", config_set_command, AT(password_command), 0, 0,
	    OWN, NULL },
	{ "login_in_clear", config_set_bool, AT(login_in_clear), 0, 0, OWN,
	    NULL },
	{ "helo", config_set_name, AT(helo), 0, 0, SHARED | POINTER, NULL },
	{ "source", config_set_source, AT(source), 0, 0, SHARED | POINTER,
	    NULL },
	{ "connections", config_set_number, AT(connections), 1, 1000, SHARED,
	    NULL },
	{ "connections_max", config_set_number, AT(connections_max), 1, 1000,
	    SHARED, NULL },
	{ "slow_after", config_set_duration, AT(slow_after_s), 1, 3600, SHARED,
	    NULL },
	{ "messages_per_connection", config_set_number, AT(session_messages), 1,
	    1000000, SHARED, NULL },
	{ "recipients_per_message", config_set_number, AT(recipients_max), 1,
	    10000, SHARED, NULL },
	{ "pause", config_set_pause, AT(pause_ms), 0, 60000, SHARED, NULL },
	{ "rate", config_set_rates, 0, 0, 0, OWN | KEY_LIST, NULL },
	{ "burst", config_set_number, AT(burst), 1, 1000000, OWN, NULL },
	{ "connect_timeout", config_set_duration, AT(connect_timeout_s), 1,
	    3600, SHARED, NULL },
	{ "reply_timeout", config_set_duration, AT(reply_timeout_s), 1, 86400,
	    SHARED, NULL },
};

#undef AT
#define AT(member) offsetof(struct route_config, member)

static const struct config_key route_keys[] = {
	{ "sender", config_set_pattern, AT(sender), 0, 0, KEY_LIST, NULL },
	{ "recipient", config_set_pattern, AT(recipient), 0, 0, KEY_LIST,
	    NULL },
	{ "relay", config_set_relay_name, AT(relay), 0, 0, 0, NULL },
};

#undef AT
#define AT(member) offsetof(struct lane_config, member)

static const struct config_key lane_keys[] = {
	{ "priority", config_set_priority, AT(priority), 0, 0, 0, NULL },
	{ "sender", config_set_pattern, AT(sender), 0, 0, KEY_LIST, NULL },
	{ "reserve", config_set_number, AT(reserve), 0, 999, 0, NULL },
};

#define KEYS_OF(table) table, sizeof(table) / sizeof(table[0])

static const struct {
	const char *name;
	const struct config_key *keys;
	size_t nkeys;
} sections[] = {
	[SECTION_TOP] = { NULL, KEYS_OF(top_keys) },
	[SECTION_RELAY] = { "relay", KEYS_OF(relay_keys) },
	[SECTION_ROUTE] = { "route", KEYS_OF(route_keys) },
	[SECTION_LANE] = { "lane", KEYS_OF(lane_keys) },
};

const char *
config_section_name(enum config_section section)
{
	return sections[section].name;
}

/* The top level has its own keys, then those of relays that it may have. */
const struct config_key *
config_key_at(enum config_section section, size_t i)
{
	size_t n = sections[section].nkeys;

	if (i < n)
		return &sections[section].keys[i];
	i = i - n + ONLY_IN_SECTIONS;
	if (section == SECTION_TOP && i < sections[SECTION_RELAY].nkeys)
		return &relay_keys[i];
	return NULL;
}

const struct config_key *
config_find_key(enum config_section section, const char *name)
{
	const struct config_key *key;

	for (size_t i = 0; (key = config_key_at(section, i)) != NULL; i++)
		if (strcmp(key->name, name) == 0)
			return key;
	return NULL;
}

uint64_t
config_key_bit(const struct config_key *key)
{
	return (uint64_t)1 << (key - relay_keys);
}

/* ---- lines ----------------------------------------------------------- */

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

_Static_assert(COUNT(top_keys) <= CONFIG_KEYS_MAX &&
	COUNT(relay_keys) <= CONFIG_KEYS_MAX &&
	COUNT(route_keys) <= CONFIG_KEYS_MAX &&
	COUNT(lane_keys) <= CONFIG_KEYS_MAX,
    "a line for each key");

/* The object that KEY is a member of, in OBJ, which is SECTION's. */
static void *
owner_of(enum config_section section, const struct config_key *key, void *obj)
{
	if (section == SECTION_TOP && key->flags & KEY_RELAY)
		return &((struct config *)obj)->stock[0];
	return obj;
}

/* Where the line of KEY of OBJ, which is SECTION's, is noted. */
static unsigned *
place_of(enum config_section section, const struct config_key *key, void *obj)
{
	struct relay_config *relay = owner_of(section, key, obj);
	struct route_config *route = obj;
	struct lane_config *lane = obj;
	struct config *top = obj;

	if (key->flags & KEY_RELAY)
		return &relay->lines[key - relay_keys];
	if (section == SECTION_ROUTE)
		return &route->lines[key - route_keys];
	if (section == SECTION_LANE)
		return &lane->lines[key - lane_keys];
	return &top->lines[key - top_keys];
}

unsigned
config_line(
    enum config_section section, const struct config_key *key, const void *obj)
{
	return *place_of(section, key, (void *)(uintptr_t)obj);
}

unsigned
config_line_of(enum config_section section, const char *name, const void *obj)
{
	return config_line(section, config_find_key(section, name), obj);
}

void
config_note_line(enum config_section section, const struct config_key *key,
    void *obj, unsigned line)
{
	*place_of(section, key, obj) = line;
}

int
config_refuse_line(struct config_error *err, const struct config *cfg,
    unsigned line, const char *fmt, ...)
{
	char what[500], number[16] = "";
	bool is_file = cfg->path != NULL && line != CONFIG_LINE_ARGS;
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	if (line != 0)
		snprintf(number, sizeof(number), ":%u", line);
	if (is_file)
		config_put_error(err, "%.200s%s: %s", cfg->path, number, what);
	else
		config_put_error(err, "%s%s",
		    line == CONFIG_LINE_ARGS ? "command line: " : "", what);
	return -EINVAL;
}

/* ---- errors ---------------------------------------------------------- */

void
config_put_error(struct config_error *err, const char *fmt, ...)
{
	va_list args;
	char *text, *clean = NULL;
	int len;

	va_start(args, fmt);
	len = vasprintf(&text, fmt, args);
	va_end(args);
	if (len >= 0) {
		clean = text_clean(span_of(text), sizeof(err->text) - 1);
		free(text);
	}
	snprintf(err->text, sizeof(err->text), "%s",
	    clean != NULL ? clean : "out of memory");
	free(clean);
}

/* How many single-byte edits lead from A to B, but at most 99. */
static unsigned
edit_distance(const char *a, const char *b)
{
	unsigned row[32];
	size_t len = strlen(b);
	unsigned diagonal, above, least;

	if (len >= sizeof(row) / sizeof(row[0]) || strlen(a) > 2 * len)
		return 99;
	for (size_t i = 0; i <= len; i++)
		row[i] = (unsigned)i;
	for (; *a != '\0'; a++) {
		diagonal = row[0]++;
		for (size_t i = 1; i <= len; i++) {
			above = row[i];
			least = above < row[i - 1] ? above + 1 : row[i - 1] + 1;
			if (least > diagonal + (*a != b[i - 1]))
				least = diagonal + (*a != b[i - 1]);
			diagonal = above;
			row[i] = least;
		}
	}
	return row[len];
}

/* The key of SECTION that is most like NAME, NULL if none is. */
static const struct config_key *
nearest_key(enum config_section section, const char *name)
{
	const struct config_key *key, *nearest = NULL;
	unsigned distance, least = 4;

	for (size_t i = 0; (key = config_key_at(section, i)) != NULL; i++) {
		distance = edit_distance(name, key->name);
		if (distance < least && distance < strlen(key->name)) {
			least = distance;
			nearest = key;
		}
	}
	return nearest;
}

/* The section, not SECTION, that has the key NAME; SECTIONS if none. */
static enum config_section
section_with(enum config_section section, const char *name)
{
	for (int other = 0; other < SECTIONS; other++)
		if (other != (int)section &&
		    config_find_key((enum config_section)other, name) != NULL)
			return (enum config_section)other;
	return SECTIONS;
}

void
config_put_unknown(
    struct config_error *err, enum config_section section, const char *name)
{
	const struct config_key *key, *nearest = nearest_key(section, name);
	enum config_section other = section_with(section, name);
	char list[400];
	size_t used = 0;

	if (other == SECTION_TOP) {
		config_put_error(err, "'%s' belongs outside of sections", name);
		return;
	}
	if (other != SECTIONS) {
		config_put_error(err, "'%s' belongs in a section: %s%s", name,
		    sections[other].name,
		    other == SECTION_ROUTE ? " { … }" : " NAME { … }");
		return;
	}
	if (nearest != NULL) {
		config_put_error(err, "unknown key '%.40s', did you mean '%s'?",
		    name, nearest->name);
		return;
	}
	for (size_t i = 0; (key = config_key_at(section, i)) != NULL &&
	     used + strlen(key->name) + 10 < sizeof(list);
	     i++)
		used += (size_t)snprintf(list + used, sizeof(list) - used,
		    "%s%s", i == 0 ? "" : ", ", key->name);
	config_put_error(err, "unknown key '%.40s', known are %s%s", name, list,
	    key != NULL ? ", …" : "");
}

int
config_set_value(enum config_section section, const struct config_key *key,
    void *obj, const char *value, const char *shown, const char *base,
    struct config_error *err)
{
	struct config_error why = { "" };
	void *owner = owner_of(section, key, obj);
	int result;

	if (strlen(value) > CONFIG_VALUE_MAX) {
		config_put_error(err, "%s is longer than %d bytes", key->name,
		    CONFIG_VALUE_MAX);
		return -EINVAL;
	}
	result = key->set(key, owner, value, base, &why);
	if (result == -EINVAL)
		config_put_error(
		    err, "%s '%.200s' %s", key->name, shown, why.text);
	else if (result < 0)
		config_put_error(err, "%s: %s", key->name, strerror(-result));
	else if (key->flags & KEY_RELAY)
		((struct relay_config *)owner)->given |= config_key_bit(key);
	return result;
}
