/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* What only the whole of a configuration tells, and the files that it names. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/conf-value.h"
#include "lib/credential.h"
#include "lib/conf.h"

/*
 * "FILE:LINE: WHAT", with what of it there is; SECTION and NAME, unless NULL,
 * are in front of WHAT.  Always -EINVAL.
 */
static int __attribute__((format(printf, 6, 7)))
refuse_whole(const struct config *cfg, struct config_error *err, unsigned line,
    const char *section, const char *name, const char *fmt, ...)
{
	char what[400], place[300] = "", number[16] = "";
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	if (line != 0)
		snprintf(number, sizeof(number), ":%u", line);
	if (cfg->path != NULL)
		snprintf(place, sizeof(place), "%.200s%s: ", cfg->path, number);
	config_put_error(err, "%s%s%s%s%s%s", place,
	    section != NULL ? section : "", name != NULL ? " " : "",
	    name != NULL ? name : "", section != NULL ? ": " : "", what);
	return -EINVAL;
}

/* The same about RELAY; that of the top level has no section. */
static int
refuse_relay(const struct config *cfg, struct config_error *err,
    const struct relay_config *relay, const char *what)
{
	bool is_top = relay == &cfg->stock[0];

	return refuse_whole(cfg, err, relay->line, is_top ? NULL : "relay",
	    is_top ? NULL : relay->name, "%s", what);
}

/* ---- relays ---------------------------------------------------------- */

static bool
is_verified(const struct relay_config *relay)
{
	return relay->tls == TLS_STARTTLS || relay->tls == TLS_IMPLICIT;
}

/* Whether the password would go over a network for everybody to read. */
static bool
exposes_login(const struct relay_config *relay)
{
	/* With tls_verify the agent decides when it sees the server. */
	if (relay->user == NULL || relay->login_in_clear ||
	    relay->auth == AUTH_CRAM_MD5 || relay->tls_verify ||
	    is_verified(relay))
		return false;
	for (size_t i = 0; i < relay->nhosts; i++)
		if (!config_is_loopback(relay->hosts[i]))
			return true;
	return false;
}

/* What is wrong with what RELAY has without a user, or NULL. */
static const char *
nobody_fault(const struct relay_config *relay)
{
	if (relay->password_file != NULL)
		return "password_file is set, but user is not";
	if (relay->password_command != NULL)
		return "password_command is set, but user is not";
	if (relay->auth != AUTH_AUTO)
		return "auth is set, but user is not";
	return NULL;
}

/* What is wrong with RELAY's login, or NULL. */
static const char *
login_fault(const struct relay_config *relay)
{
	bool has_other =
	    relay->password_command != NULL || relay->password != NULL;

	if (relay->password_file != NULL && has_other)
		return relay->password != NULL
		    ? "a password and a file with one exclude each other"
		    : "password_file and password_command exclude each other";
	if (relay->user == NULL)
		return nobody_fault(relay);
	if (relay->password_file == NULL && !has_other)
		return "user is set, but password_file is not, nor "
		       "password_command";
	if (exposes_login(relay))
		return "a login needs a connection that cannot be listened "
		       "to: set tls = starttls or tls = implicit "
		       "(or login_in_clear = yes)";
	return NULL;
}

/* What is wrong with RELAY's TLS, or NULL. */
static const char *
tls_fault(const struct relay_config *relay)
{
	if (relay->key_file != NULL && relay->cert_file == NULL)
		return "key_file is set, but cert_file is not";
	if (relay->cert_file != NULL && relay->tls == TLS_NONE)
		return "cert_file is set, but tls is none";
	if (relay->fingerprint != NULL && !is_verified(relay))
		return "fingerprint needs tls = starttls or tls = implicit";
	return NULL;
}

/* What else is wrong with RELAY, or NULL. */
static const char *
relay_fault(const struct relay_config *relay)
{
	const char *fault = login_fault(relay);

	if (fault == NULL)
		fault = tls_fault(relay);
	if (fault == NULL && relay->connections_max < relay->connections)
		fault = "connections_max is less than connections";
	return fault;
}

/* The first key that the top level has for a relay of its own, or NULL. */
static const char *
orphan_of(const struct config *cfg)
{
	const struct config_key *key;

	for (size_t i = 0; (key = config_key_at(SECTION_RELAY, i)) != NULL; i++)
		if (!(key->flags & KEY_SHARED) &&
		    cfg->stock[0].given & config_key_bit(key))
			return key->name;
	return NULL;
}

static int
check_top(const struct config *cfg, struct config_error *err)
{
	const char *orphan = cfg->has_top ? NULL : orphan_of(cfg);
	const char *fault = relay_fault(&cfg->stock[0]);

	/* Of the two this is the plainer one. */
	if (orphan != NULL && cfg->nrelays > 0)
		return refuse_whole(cfg, err, 0, NULL, NULL,
		    "%s is set outside of sections, where there is no relay",
		    orphan);
	if (fault != NULL)
		return refuse_relay(cfg, err, &cfg->stock[0], fault);
	if (orphan != NULL)
		return refuse_whole(cfg, err, 0, NULL, NULL,
		    "%s is set, but relay is not", orphan);
	return 0;
}

static int
check_relay(const struct config *cfg, const struct relay_config *relay,
    struct config_error *err)
{
	const char *fault = relay_fault(relay);

	if (relay->nhosts == 0 && relay->maildir == NULL)
		fault = "host is not set";
	if (fault == NULL && cfg->has_top &&
	    strcmp(relay->name, cfg->stock[0].name) == 0)
		fault = "the relay outside of sections has this name";
	return fault == NULL ? 0 : refuse_relay(cfg, err, relay, fault);
}

/* ---- routes and lanes ------------------------------------------------ */

static int
check_route(const struct config *cfg, const struct route_config *route,
    struct config_error *err)
{
	if (route->relay == NULL)
		return refuse_whole(
		    cfg, err, route->line, "route", NULL, "relay is not set");
	if (config_relay(cfg, route->relay) == NULL)
		return refuse_whole(cfg, err, route->line, "route", NULL,
		    "there is no relay '%s'", route->relay);
	return 0;
}

/* Whether lanes leave something of each relay to those behind them. */
static int
check_lanes(const struct config *cfg, struct config_error *err)
{
	unsigned reserved = 0;

	/* Behind the last one is nobody. */
	for (size_t i = 0; i + 1 < cfg->nlanes; i++) {
		const struct lane_config *lane = &cfg->lanes[i];

		reserved += lane->reserve;
		for (size_t k = 0; k < cfg->nrelays; k++) {
			const struct relay_config *relay = &cfg->relays[k];

			if (reserved > 0 && reserved >= relay->connections)
				return refuse_whole(cfg, err, lane->line,
				    "lane", lane->name,
				    "reserve leaves none of the %u "
				    "connections of relay %s",
				    relay->connections, relay->name);
		}
	}
	return 0;
}

int
config_check(const struct config *cfg, struct config_error *err)
{
	int result = check_top(cfg, err);

	for (size_t i = 1; result == 0 && i < cfg->nstock; i++)
		result = check_relay(cfg, &cfg->stock[i], err);
	for (size_t i = 0; result == 0 && i < cfg->nroutes; i++)
		result = check_route(cfg, &cfg->routes[i], err);
	return result < 0 ? result : check_lanes(cfg, err);
}

/* ---- files ----------------------------------------------------------- */

/* A file, and what is wrong with it. */
struct file_fault {
	const char *key, *path;
	char text[200];
};

/* Whether this process can read the file PATH, of mode *RET_MODE; 0 or
 * -errno. */
static int
try_file(const char *path, mode_t *ret_mode)
{
	struct stat st;
	int fd, result = 0;

	/* Non-blocking: a FIFO of that name is no reason to wait. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		result = -errno;
	else if (S_ISDIR(st.st_mode))
		result = -EISDIR;
	else
		*ret_mode = st.st_mode;
	close(fd);
	return result;
}

/* Whether the directory that is to hold the file PATH is there. */
static int
try_directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	struct stat st;
	char *dir;
	int result = 0;

	if (slash == NULL)
		return 0;
	dir = strndup(path, slash == path ? 1 : (size_t)(slash - path));
	if (dir == NULL)
		return -ENOMEM;
	if (stat(dir, &st) < 0)
		result = -errno;
	else if (!S_ISDIR(st.st_mode))
		result = -ENOTDIR;
	free(dir);
	return result;
}

/* Check the file of KEY, unless PATH is NULL; 0, or -errno with FAULT. */
static int
check_file(
    const char *key, const char *path, bool is_secret, struct file_fault *fault)
{
	mode_t mode = 0;
	int result;

	if (path == NULL)
		return 0;
	fault->key = key;
	fault->path = path;
	result = try_file(path, &mode);
	if (result < 0) {
		snprintf(fault->text, sizeof(fault->text), "%s%s",
		    strerror(-result),
		    path[0] != '/' ? ", nor is it a credential" : "");
		return result;
	}
	if (!S_ISREG(mode)) {
		snprintf(
		    fault->text, sizeof(fault->text), "not a regular file");
		return -EINVAL;
	}
	if (!is_secret || !(mode & 077) || credential_is(path))
		return 0;
	snprintf(fault->text, sizeof(fault->text),
	    "mode %04o lets others read it: chmod 600", mode & 07777);
	return -EACCES;
}

static int
check_relay_files(const struct config *cfg, const struct relay_config *relay,
    struct config_error *err)
{
	bool key_in_cert = relay->key_file == NULL;
	struct file_fault fault;
	char what[600];
	int result;

	result =
	    check_file("password_file", relay->password_file, true, &fault);
	if (result == 0)
		result = check_file("ca_file", relay->ca_file, false, &fault);
	if (result == 0)
		result = check_file(
		    "cert_file", relay->cert_file, key_in_cert, &fault);
	if (result == 0)
		result = check_file("key_file", relay->key_file, true, &fault);
	if (result == 0)
		return 0;
	snprintf(what, sizeof(what), "%s '%.200s': %s", fault.key, fault.path,
	    fault.text);
	(void)refuse_relay(cfg, err, relay, what);
	return result;
}

int
config_check_files(const struct config *cfg, struct config_error *err)
{
	int result = 0;

	/* The first one, too, if it is no relay: its files are named. */
	for (size_t i = 0; result == 0 && i < cfg->nstock; i++)
		result = check_relay_files(cfg, &cfg->stock[i], err);
	if (result < 0 || cfg->json == NULL)
		return result;
	result = try_directory_of(cfg->json);
	if (result < 0)
		(void)refuse_whole(cfg, err, 0, NULL, NULL,
		    "json '%.200s': its directory: %s", cfg->json,
		    strerror(-result));
	return result;
}
