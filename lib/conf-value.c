/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* One function for each kind of value; none knows where the text is from. */

#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/conf-value.h"
#include "lib/spool.h"
#include "lib/wire.h"

static const char *const tls_names[] = {
	[TLS_NONE] = "none",
	[TLS_OPPORTUNISTIC] = "opportunistic",
	[TLS_STARTTLS] = "starttls",
	[TLS_IMPLICIT] = "implicit",
};

#define TLS_MODES (sizeof(tls_names) / sizeof(tls_names[0]))

const char *
tls_mode_name(enum tls_mode mode)
{
	return tls_names[mode];
}

static int refuse(struct config_error *why, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static int
refuse(struct config_error *why, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(why->text, sizeof(why->text), fmt, args);
	va_end(args);
	return -EINVAL;
}

/* The member of CFG that KEY is about. */
static void *
member(const struct config_key *key, struct config *cfg)
{
	return (char *)cfg + key->offset;
}

/* Replace the string member by VALUE, which becomes CFG's; NULL: no memory. */
static int
take_string(const struct config_key *key, struct config *cfg, char *value)
{
	char **string = member(key, cfg);

	if (value == NULL)
		return -ENOMEM;
	free(*string);
	*string = value;
	return 0;
}

static bool
has_control(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return true;
	return false;
}

/* PATH as an absolute one, new in *RET. */
static int
make_absolute(
    const char *path, const char *base, char **ret, struct config_error *why)
{
	if (path[0] == '\0' || has_control(path))
		return refuse(why, "must be a path");
	if (strlen(path) >= PATH_MAX)
		return refuse(why, "must be shorter than %d bytes", PATH_MAX);
	if (path[0] == '/') {
		*ret = strdup(path);
		return *ret == NULL ? -ENOMEM : 0;
	}
	if (base == NULL)
		return refuse(why, "must be an absolute path");
	return asprintf(ret, "%s/%s", base, path) < 0 ? -ENOMEM : 0;
}

int
config_set_path(const struct config_key *key, struct config *cfg,
    const char *value, const char *base, struct config_error *why)
{
	char *path = NULL;
	int err = make_absolute(value, base, &path, why);

	return err < 0 ? err : take_string(key, cfg, path);
}

bool
config_is_name(const char *name)
{
	static const char legal[] =
	    "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]";
	size_t len = strspn(name, legal);

	return len > 0 && len <= 255 && name[len] == '\0' && name[0] != '-' &&
	    name[0] != '.';
}

int
config_set_name(const struct config_key *key, struct config *cfg,
    const char *value, const char *base, struct config_error *why)
{
	(void)base;
	if (!config_is_name(value))
		return refuse(why, "must be a host or domain name");
	return take_string(key, cfg, strdup(value));
}

int
config_set_login(const struct config_key *key, struct config *cfg,
    const char *value, const char *base, struct config_error *why)
{
	(void)base;
	if (value[0] == '\0' || strlen(value) > 255 || has_control(value))
		return refuse(why, "must be 1 to 255 printable characters");
	return take_string(key, cfg, strdup(value));
}

int
config_set_number(const struct config_key *key, struct config *cfg,
    const char *value, const char *base, struct config_error *why)
{
	unsigned *number = member(key, cfg);
	unsigned long long n;

	(void)base;
	if (!wire_number(span_of(value), key->max, &n) || n < key->min)
		return refuse(
		    why, "must be a number from %u to %u", key->min, key->max);
	*number = (unsigned)n;
	return 0;
}

struct unit {
	char letter; /* lower case */
	unsigned long long factor;
};

/*
 * Parse digits and, at the end, an optional letter of UNITS (ended by a zero
 * letter); false if malformed or above MAX.
 */
static bool
parse_quantity(const char *value, const struct unit *units,
    unsigned long long max, unsigned long long *ret)
{
	struct span digits = span_of(value);
	unsigned long long n, factor = 1;

	for (; digits.len > 0 && units->letter != '\0'; units++)
		if ((digits.ptr[digits.len - 1] | 0x20) == units->letter) {
			factor = units->factor;
			digits.len--;
			break;
		}
	if (!wire_number(digits, max / factor, &n))
		return false;
	*ret = n * factor;
	return true;
}

bool
config_parse_duration(const char *text, unsigned max, unsigned *ret_s)
{
	static const struct unit units[] = { { 's', 1 }, { 'm', 60 },
		{ 'h', 3600 }, { 'd', 86400 }, { 0, 0 } };
	unsigned long long n;

	if (!parse_quantity(text, units, max, &n))
		return false;
	*ret_s = (unsigned)n;
	return true;
}

int
config_set_duration(const struct config_key *key, struct config *cfg,
    const char *value, const char *base, struct config_error *why)
{
	unsigned *seconds = member(key, cfg);
	unsigned n;

	(void)base;
	if (!config_parse_duration(value, key->max, &n) || n < key->min)
		return refuse(why,
		    "must be a time from %us to %us, such as "
		    "10s, 5m, 1h or 2d",
		    key->min, key->max);
	*seconds = n;
	return 0;
}

int
config_set_size(const struct config_key *key, struct config *cfg,
    const char *value, const char *base, struct config_error *why)
{
	static const struct unit units[] = { { 'k', 1ull << 10 },
		{ 'm', 1ull << 20 }, { 'g', 1ull << 30 }, { 0, 0 } };
	uint64_t *bytes = member(key, cfg);
	unsigned long long n;

	(void)base;
	if (!parse_quantity(value, units, SPOOL_MESSAGE_MAX, &n) || n == 0)
		return refuse(why,
		    "must be a size in bytes, such as 50000000, "
		    "500K, 50M or 1G");
	*bytes = n;
	return 0;
}

int
config_set_tls(const struct config_key *key, struct config *cfg,
    const char *value, const char *base, struct config_error *why)
{
	enum tls_mode *mode = member(key, cfg);

	(void)base;
	for (size_t i = 0; i < TLS_MODES; i++)
		if (strcmp(value, tls_names[i]) == 0) {
			*mode = (enum tls_mode)i;
			return 0;
		}
	return refuse(why, "must be none, opportunistic, starttls or implicit");
}

/* ---- relays ---------------------------------------------------------- */

/* Whether HOST is an IPv6 address, perhaps with a zone ("fe80::1%eth0"). */
static bool
is_ipv6(const char *host)
{
	char address[INET6_ADDRSTRLEN];
	struct in6_addr parsed;
	size_t len = strcspn(host, "%");

	if (len >= sizeof(address))
		return false;
	if (host[len] == '%' && !config_is_name(host + len + 1))
		return false;
	memcpy(address, host, len);
	address[len] = '\0';
	return inet_pton(AF_INET6, address, &parsed) == 1;
}

/*
 * Split VALUE: "HOST", "HOST:PORT", "[HOST]", "[HOST]:PORT", or an IPv6
 * address as it is.  *RET_PORT is the text after the colon, NULL if none.
 */
static bool
split_host(const char *value, struct span *ret_host, const char **ret_port)
{
	const char *end, *colon;

	*ret_port = NULL;
	if (value[0] == '[') {
		end = strchr(value, ']');
		if (end == NULL || (end[1] != '\0' && end[1] != ':'))
			return false;
		*ret_host =
		    (struct span){ value + 1, (size_t)(end - value) - 1 };
		if (end[1] == ':')
			*ret_port = end + 2;
		return true;
	}
	*ret_host = span_of(value);
	if (is_ipv6(value))
		return true;
	colon = strchr(value, ':');
	if (colon != NULL) {
		ret_host->len = (size_t)(colon - value);
		*ret_port = colon + 1;
	}
	return true;
}

/* Put a relay's place into CFG; the strings become its own. */
static void
take_relay(struct config *cfg, char *host, unsigned port, char *maildir)
{
	free(cfg->relay.host);
	free(cfg->relay.maildir);
	cfg->relay.host = host;
	cfg->relay.port = port;
	cfg->relay.maildir = maildir;
	cfg->has_relay = true;
}

static int
set_host(struct config *cfg, const char *value, struct config_error *why)
{
	unsigned long long port = 0;
	const char *port_text;
	struct span span;
	char *host;

	if (!split_host(value, &span, &port_text))
		return refuse(why,
		    "must be HOST[:PORT], [IPV6]:PORT or "
		    "maildir:/PATH");
	if (port_text != NULL &&
	    (!wire_number(span_of(port_text), 65535, &port) || port == 0))
		return refuse(why, "has a bad port, which must be 1 to 65535");
	host = strndup(span.ptr, span.len);
	if (host == NULL)
		return -ENOMEM;
	/* What is left of colons and brackets is in no name. */
	if (!is_ipv6(host) &&
	    (!config_is_name(host) || strpbrk(host, ":[]") != NULL)) {
		free(host);
		return refuse(why,
		    "must be HOST[:PORT], [IPV6]:PORT or "
		    "maildir:/PATH");
	}
	take_relay(cfg, host, (unsigned)port, NULL);
	return 0;
}

int
config_set_relay(const struct config_key *key, struct config *cfg,
    const char *value, const char *base, struct config_error *why)
{
	static const char scheme[] = "maildir:";
	char *maildir = NULL;
	int err;

	(void)key;
	if (strncmp(value, scheme, strlen(scheme)) != 0)
		return set_host(cfg, value, why);
	err = make_absolute(value + strlen(scheme), base, &maildir, why);
	if (err == 0)
		take_relay(cfg, NULL, 0, maildir);
	return err;
}

bool
config_is_loopback(const char *host)
{
	struct in6_addr v6;
	struct in_addr v4;

	if (strcasecmp(host, "localhost") == 0)
		return true;
	if (inet_pton(AF_INET, host, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}
