/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The values of the keys of relays. */

#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/conf-value.h"
#include "lib/wire.h"

static const char maildir_scheme[] = "maildir:";
static const char unix_scheme[] = "unix:";
static const char srv_scheme[] = "srv:";

static bool
has_scheme(const char *value, const char *scheme)
{
	return strncmp(value, scheme, strlen(scheme)) == 0;
}

bool
config_is_ipv6(const char *host)
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
	if (config_is_ipv6(value))
		return true;
	colon = strchr(value, ':');
	if (colon != NULL) {
		ret_host->len = (size_t)(colon - value);
		*ret_port = colon + 1;
	}
	return true;
}

/* Whether HOST is a name or an address, without a port. */
static bool
is_host(const char *host)
{
	/* What is left of colons and brackets is in no name. */
	return config_is_ipv6(host) ||
	    (config_is_name(host) && strpbrk(host, ":[]") == NULL);
}

static int
refuse_host(struct config_error *why)
{
	return config_refuse(why,
	    "must be HOST[:PORT], [IPV6]:PORT, unix:/PATH, srv:DOMAIN or "
	    "maildir:/PATH");
}

/* A name or address with or without a port, new in *RET. */
static int
parse_plain(const char *value, char **ret, struct config_error *why)
{
	unsigned long long port = 0;
	const char *port_text;
	struct span span;
	char *host;
	int n;

	if (!split_host(value, &span, &port_text))
		return refuse_host(why);
	if (port_text != NULL &&
	    (!wire_number(span_of(port_text), 65535, &port) || port == 0))
		return config_refuse(
		    why, "has a bad port, which must be 1 to 65535");
	host = strndup(span.ptr, span.len);
	if (host == NULL)
		return -ENOMEM;
	if (!is_host(host)) {
		free(host);
		return refuse_host(why);
	}
	if (port == 0) {
		*ret = host;
		return 0;
	}
	n = asprintf(
	    ret, config_is_ipv6(host) ? "[%s]:%llu" : "%s:%llu", host, port);
	free(host);
	return n < 0 ? -ENOMEM : 0;
}

/* Check a Unix socket's path and make it absolute, new in *RET. */
static int
parse_unix(
    const char *path, const char *base, char **ret, struct config_error *why)
{
	struct sockaddr_un un;
	char *absolute;
	int n, err = config_make_absolute(path, base, &absolute, why);

	if (err < 0)
		return err;
	if (strlen(absolute) >= sizeof(un.sun_path)) {
		free(absolute);
		return config_refuse(why,
		    "must be a path of less than %zu bytes",
		    sizeof(un.sun_path));
	}
	n = asprintf(ret, "%s%s", unix_scheme, absolute);
	free(absolute);
	return n < 0 ? -ENOMEM : 0;
}

/* One of a relay's hosts as struct relay_config has them, new in *RET. */
static int
parse_host(
    const char *value, const char *base, char **ret, struct config_error *why)
{
	const char *domain = value + strlen(srv_scheme);

	if (has_scheme(value, unix_scheme))
		return parse_unix(value + strlen(unix_scheme), base, ret, why);
	if (!has_scheme(value, srv_scheme))
		return parse_plain(value, ret, why);
	if (!is_host(domain) || config_is_ipv6(domain))
		return config_refuse(
		    why, "must be srv: and a domain, without a port");
	*ret = strdup(value);
	return *ret == NULL ? -ENOMEM : 0;
}

void
config_release_hosts(char **hosts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(hosts[i]);
	free(hosts);
}

/* Put a relay's place into RELAY; what is given becomes its own. */
static void
take_place(struct relay_config *relay, char **hosts, size_t n, char *maildir)
{
	config_release_hosts(relay->hosts, relay->nhosts);
	free(relay->maildir);
	relay->hosts = hosts;
	relay->nhosts = n;
	relay->maildir = maildir;
}

/* Add the host VALUE to HOSTS, which has room. */
static int
add_host(char **hosts, size_t *n, struct span value, const char *base,
    struct config_error *why)
{
	char *copy;
	int err;

	if (*n == CONFIG_HOSTS_MAX)
		return config_refuse(
		    why, "is one too many, the limit is %d", CONFIG_HOSTS_MAX);
	copy = strndup(value.ptr, value.len);
	if (copy == NULL)
		return -ENOMEM;
	if (has_scheme(copy, maildir_scheme))
		err = config_refuse(why, "must be alone, as a Maildir");
	else
		err = parse_host(copy, base, &hosts[*n], why);
	free(copy);
	*n += err == 0;
	return err;
}

int
config_set_hosts(const struct config_key *key, void *obj, const char *value,
    const char *base, struct config_error *why)
{
	struct relay_config *relay = obj;
	char **hosts, *maildir = NULL;
	struct span one;
	size_t n = 0;
	int err = 0;

	(void)key;
	if (has_scheme(value, maildir_scheme) &&
	    strchr(value, CONFIG_LIST_GAP) == NULL) {
		err = config_make_absolute(
		    value + strlen(maildir_scheme), base, &maildir, why);
		if (err == 0)
			take_place(relay, NULL, 0, maildir);
		return err;
	}
	hosts = calloc(CONFIG_HOSTS_MAX, sizeof(hosts[0]));
	if (hosts == NULL)
		return -ENOMEM;
	for (const char *rest = value;
	     err == 0 && config_next_element(&rest, &one);)
		err = add_host(hosts, &n, one, base, why);
	if (err == 0)
		take_place(relay, hosts, n, NULL);
	else
		config_release_hosts(hosts, n);
	return err;
}

int
config_set_relay(const struct config_key *key, void *obj, const char *value,
    const char *base, struct config_error *why)
{
	struct config *cfg = obj;
	int err = config_set_hosts(key, &cfg->stock[0], value, base, why);

	if (err == 0)
		cfg->has_top = true;
	return err;
}

bool
config_is_loopback(const char *host)
{
	struct in6_addr v6;
	struct in_addr v4;
	const char *port;
	struct span span;
	char name[256];

	if (has_scheme(host, unix_scheme))
		return true;
	if (!split_host(host, &span, &port) || span.len >= sizeof(name))
		return false;
	memcpy(name, span.ptr, span.len);
	name[span.len] = '\0';
	if (strcasecmp(name, "localhost") == 0)
		return true;
	if (inet_pton(AF_INET, name, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	return inet_pton(AF_INET6, name, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

/* ---- TLS and login --------------------------------------------------- */

/* The credential NAME that systemd gives to this service, or NULL. */
static char *
find_credential(const char *name)
{
	const char *dir = secure_getenv("CREDENTIALS_DIRECTORY");
	char *path;

	if (dir == NULL || dir[0] != '/' || name[0] == '.' ||
	    asprintf(&path, "%s/%s", dir, name) < 0)
		return NULL;
	if (access(path, F_OK) == 0)
		return path;
	free(path);
	return NULL;
}

int
config_set_password(const struct config_key *key, void *obj, const char *value,
    const char *base, struct config_error *why)
{
	bool is_bare = value[0] != '\0' && strchr(value, '/') == NULL &&
	    !config_has_control(value);
	char *credential = is_bare ? find_credential(value) : NULL;

	if (credential != NULL)
		return config_take_string(key, obj, credential);
	/* Only spoold has credentials, but all read the file. */
	if (is_bare && base == NULL)
		return config_take_string(key, obj, strdup(value));
	return config_set_path(key, obj, value, base, why);
}

int
config_set_command(const struct config_key *key, void *obj, const char *value,
    const char *base, struct config_error *why)
{
	(void)base;
	if (value[0] == '\0' || config_has_control(value))
		return config_refuse(
		    why, "must be a command for sh, on one line");
	return config_take_string(key, obj, strdup(value));
}

/* Write the 64 digits of FINGERPRINT, which may have colons, to TO. */
static bool
parse_fingerprint(struct span fingerprint, char to[static 65])
{
	size_t n = 0;

	for (size_t i = 0; i < fingerprint.len; i++) {
		char c = fingerprint.ptr[i];

		if (c == ':')
			continue;
		if (c >= 'A' && c <= 'F')
			c = (char)(c | 0x20);
		if (n == 64 || c == '\0' ||
		    strchr("0123456789abcdef", c) == NULL)
			return false;
		to[n++] = c;
	}
	to[n] = '\0';
	return n == 64;
}

/* As many as an agent takes. */
#define FINGERPRINTS_MAX 16

int
config_set_fingerprint(const struct config_key *key, void *obj,
    const char *value, const char *base, struct config_error *why)
{
	/* No element is shorter than what is written for it. */
	char *list = malloc(strlen(value) + 2), *end = list;
	unsigned count = 0;
	struct span one;
	int err = 0;

	(void)base;
	if (list == NULL)
		return -ENOMEM;
	for (const char *rest = value;
	     err == 0 && config_next_element(&rest, &one);) {
		char digits[65];

		if (!parse_fingerprint(one, digits))
			err = config_refuse(
			    why, "must be a SHA-256 of 64 hexadecimal digits");
		else if (++count > FINGERPRINTS_MAX)
			err = config_refuse(why,
			    "is one too many, the limit is %d",
			    FINGERPRINTS_MAX);
		else
			end += sprintf(
			    end, "%s%s", end == list ? "" : " ", digits);
	}
	if (err == 0)
		return config_take_string(key, obj, list);
	free(list);
	return err;
}

int
config_set_tls_min(const struct config_key *key, void *obj, const char *value,
    const char *base, struct config_error *why)
{
	unsigned *version = (unsigned *)(void *)((char *)obj + key->offset);

	(void)base;
	if (strcmp(value, "1.2") != 0 && strcmp(value, "1.3") != 0)
		return config_refuse(why, "must be 1.2 or 1.3");
	*version = value[2] == '2' ? 12 : 13;
	return 0;
}

/* ---- connections ----------------------------------------------------- */

int
config_set_source(const struct config_key *key, void *obj, const char *value,
    const char *base, struct config_error *why)
{
	struct in_addr v4;

	(void)base;
	if (inet_pton(AF_INET, value, &v4) != 1 && !config_is_ipv6(value))
		return config_refuse(why, "must be an IP address of this host");
	return config_take_string(key, obj, strdup(value));
}

int
config_set_pause(const struct config_key *key, void *obj, const char *value,
    const char *base, struct config_error *why)
{
	unsigned *pause_ms = (unsigned *)(void *)((char *)obj + key->offset);
	struct span digits = span_of(value);
	unsigned long long ms;
	unsigned seconds;

	(void)base;
	if (config_parse_duration(value, key->max / 1000, &seconds)) {
		*pause_ms = seconds * 1000;
		return 0;
	}
	if (digits.len > 2 && strcmp(value + digits.len - 2, "ms") == 0) {
		digits.len -= 2;
		if (wire_number(digits, key->max, &ms)) {
			*pause_ms = (unsigned)ms;
			return 0;
		}
	}
	return config_refuse(why,
	    "must be a time up to %us, such as 100ms or 2s", key->max / 1000);
}
