/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* What only the whole of a configuration tells, and the files that it names. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/conf-value.h"
#include "lib/credential.h"
#include "lib/conf.h"
#include "lib/fsutil.h"

/* What is wrong, and the keys that it is about: the first one that is set
 * tells the line. */
struct fault {
	const char *text; /* NULL: nothing */
	const char *keys[2];
};

static const struct fault no_fault;

static struct fault
about(const char *key, const char *other, const char *text)
{
	return (struct fault){ text, { key, other } };
}

/* The line of FAULT in RELAY; that of its section if there is none. */
static unsigned
relay_line(const struct relay_config *relay, const struct fault *fault)
{
	unsigned line = 0;

	for (int i = 0; i < 2 && line == 0 && fault->keys[i] != NULL; i++)
		line = config_line_of(SECTION_RELAY, fault->keys[i], relay);
	return line != 0 ? line : relay->line;
}

/* Say FAULT about RELAY; that of the top level has no section. */
static int
refuse_relay(const struct config *cfg, struct config_error *err,
    const struct relay_config *relay, const struct fault *fault)
{
	bool is_top = relay == &cfg->stock[0];

	return config_refuse_line(err, cfg, relay_line(relay, fault),
	    "%s%s%s%s", is_top ? "" : "relay ", is_top ? "" : relay->name,
	    is_top ? "" : ": ", fault->text);
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

/* What is wrong with what RELAY has without a user. */
static struct fault
nobody_fault(const struct relay_config *relay)
{
	if (relay->password_file != NULL)
		return about("password_file", NULL,
		    "password_file is set, but user is not");
	if (relay->password_command != NULL)
		return about("password_command", NULL,
		    "password_command is set, but user is not");
	if (relay->auth != AUTH_AUTO)
		return about("auth", NULL, "auth is set, but user is not");
	return no_fault;
}

/* What is wrong with RELAY's login. */
static struct fault
login_fault(const struct relay_config *relay)
{
	bool has_other =
	    relay->password_command != NULL || relay->password != NULL;

	if (relay->password_file != NULL && has_other)
		return about("password_command", "password_file",
		    relay->password != NULL
			? "a password and a file with one exclude each other"
			: "password_file and password_command exclude each "
			  "other");
	if (relay->user == NULL)
		return nobody_fault(relay);
	if (relay->password_file == NULL && !has_other)
		return about("user", NULL,
		    "user is set, but password_file is not, nor "
		    "password_command");
	if (exposes_login(relay))
		return about("tls", "user",
		    "a login needs a connection that cannot be listened "
		    "to: set tls = starttls or tls = implicit "
		    "(or login_in_clear = yes)");
	return no_fault;
}

/* What is wrong with RELAY's TLS. */
static struct fault
tls_fault(const struct relay_config *relay)
{
	if (relay->key_file != NULL && relay->cert_file == NULL)
		return about(
		    "key_file", NULL, "key_file is set, but cert_file is not");
	if (relay->cert_file != NULL && relay->tls == TLS_NONE)
		return about(
		    "cert_file", NULL, "cert_file is set, but tls is none");
	if (relay->fingerprint != NULL && !is_verified(relay))
		return about("fingerprint", NULL,
		    "fingerprint needs tls = starttls or tls = implicit");
	return no_fault;
}

/* What else is wrong with RELAY. */
static struct fault
relay_fault(const struct relay_config *relay)
{
	struct fault fault = login_fault(relay);

	if (fault.text == NULL)
		fault = tls_fault(relay);
	if (fault.text == NULL && relay->connections_max < relay->connections)
		fault = about("connections_max", "connections",
		    "connections_max must not be less than connections");
	return fault;
}

/* The first key that the top level has for a relay of its own, or NULL. */
static const struct config_key *
orphan_of(const struct config *cfg)
{
	const struct config_key *key;

	for (size_t i = 0; (key = config_key_at(SECTION_RELAY, i)) != NULL; i++)
		if (!(key->flags & KEY_SHARED) &&
		    cfg->stock[0].given & config_key_bit(key))
			return key;
	return NULL;
}

static int
check_top(const struct config *cfg, struct config_error *err)
{
	const struct config_key *orphan = cfg->has_top ? NULL : orphan_of(cfg);
	struct fault fault = relay_fault(&cfg->stock[0]);

	/* Of the two this is the plainer one. */
	if (fault.text != NULL && (orphan == NULL || cfg->nrelays == 0))
		return refuse_relay(cfg, err, &cfg->stock[0], &fault);
	if (orphan == NULL)
		return 0;
	return config_refuse_line(err, cfg,
	    config_line(SECTION_TOP, orphan, cfg), "%s is set%s", orphan->name,
	    cfg->nrelays > 0 ? " outside of sections, where there is no relay"
			     : ", but relay is not");
}

static int
check_relay(const struct config *cfg, const struct relay_config *relay,
    struct config_error *err)
{
	struct fault fault = relay_fault(relay);

	if (relay->nhosts == 0 && relay->maildir == NULL)
		fault = about(NULL, NULL, "host is not set");
	if (fault.text == NULL && cfg->has_top &&
	    strcmp(relay->name, cfg->stock[0].name) == 0)
		fault = about(
		    NULL, NULL, "the relay outside of sections has this name");
	return fault.text == NULL ? 0 : refuse_relay(cfg, err, relay, &fault);
}

/* ---- routes and lanes ------------------------------------------------ */

static int
check_route(const struct config *cfg, const struct route_config *route,
    struct config_error *err)
{
	if (route->relay == NULL)
		return config_refuse_line(
		    err, cfg, route->line, "route: relay is not set");
	if (config_relay(cfg, route->relay) == NULL)
		return config_refuse_line(err, cfg,
		    config_line_of(SECTION_ROUTE, "relay", route),
		    "route: there is no relay '%s'", route->relay);
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
		unsigned line = config_line_of(SECTION_LANE, "reserve", lane);

		reserved += lane->reserve;
		for (size_t k = 0; k < cfg->nrelays; k++) {
			const struct relay_config *relay = &cfg->relays[k];

			if (reserved > 0 && reserved >= relay->connections)
				return config_refuse_line(err, cfg,
				    line != 0 ? line : lane->line,
				    "lane %s: reserve leaves none of the %u "
				    "connections of relay %s",
				    lane->name, relay->connections,
				    relay->name);
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

/* What a file of a relay is for. */
#define FILE_SECRET 1u   /* it is its owner's alone */
#define FILE_PASSWORD 2u /* its first line is one */
#define FILE_CERT 4u     /* it has a certificate */
#define FILE_KEY 8u      /* … a private key */

/* More than a bundle of all authorities there are. */
#define FILE_BYTES_MAX (16u << 20)
/* Longest password that an agent takes. */
#define PASSWORD_BYTES_MAX 8192

/* Whether TEXT has the beginning of a PEM block whose name ends with WHAT. */
static bool
has_pem(const char *text, const char *what)
{
	static const char begin[] = "-----BEGIN ";
	size_t len = strlen(what);

	while ((text = strstr(text, begin)) != NULL) {
		const char *end = strstr(text += strlen(begin), "-----");

		if (end == NULL)
			return false;
		if ((size_t)(end - text) >= len &&
		    memcmp(end - len, what, len) == 0)
			return true;
	}
	return false;
}

/* What is wrong with the LEN bytes TEXT, of which the first line is to be a
 * password; in the words of the agent, which says the same when it reads it. */
static const char *
password_fault(const char *text, size_t len)
{
	const char *lf = memchr(text, '\n', len);
	size_t line = lf != NULL ? (size_t)(lf - text) : len;

	if (line > 0 && text[line - 1] == '\r')
		line--;
	if (line == 0)
		return "is empty";
	if (line > PASSWORD_BYTES_MAX)
		return "has a password longer than 8192 bytes";
	return memchr(text, '\0', line) != NULL ? "has a NUL in the password"
						: NULL;
}

/* What is wrong with a file for USES that has the LEN bytes TEXT, or NULL. */
static const char *
content_fault(const char *text, size_t len, unsigned uses)
{
	if (uses & FILE_PASSWORD)
		return password_fault(text, len);
	if (uses & FILE_CERT && !has_pem(text, "CERTIFICATE"))
		return "has no certificate (-----BEGIN CERTIFICATE-----)";
	if (uses & FILE_KEY && !has_pem(text, "PRIVATE KEY"))
		return "has no private key (-----BEGIN PRIVATE KEY-----)";
	return NULL;
}

/* What is wrong with what FD has, of ST, in *RET; 0 or -errno. */
static int
check_open(int fd, const struct stat *st, unsigned uses, const char **ret)
{
	char *text;
	size_t len;
	int err;

	if (S_ISDIR(st->st_mode))
		return -EISDIR;
	if (!S_ISREG(st->st_mode)) {
		*ret = "not a regular file";
		return 0;
	}
	err = fs_read_open(fd, st, FILE_BYTES_MAX, &text, &len);
	if (err < 0)
		return err;
	*ret = content_fault(text, len, uses);
	explicit_bzero(text, len);
	free(text);
	return 0;
}

/* Whether others than its owner get at the file PATH, of ST. */
static bool
lets_others(const char *path, const struct stat *st)
{
	return S_ISREG(st->st_mode) && st->st_mode & 077 &&
	    !credential_is(path);
}

/*
 * What is wrong with the file PATH, in TEXT of SIZE bytes; whether anything
 * is.
 */
static bool
has_file_fault(const char *path, unsigned uses, char *text, size_t size)
{
	const char *fault = NULL;
	struct stat st = { .st_mode = 0 };
	int fd, err;

	/* Non-blocking: a FIFO of that name is no reason to wait. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	err = fd < 0 || fstat(fd, &st) < 0 ? -errno
					   : check_open(fd, &st, uses, &fault);
	if (fd >= 0)
		close(fd);
	if (err < 0)
		snprintf(text, size, "%s%s", strerror(-err),
		    path[0] != '/' ? ", nor is it a credential" : "");
	else if (uses & FILE_SECRET && lets_others(path, &st))
		snprintf(text, size, "mode %04o lets others read it: chmod 600",
		    st.st_mode & 07777);
	else if (fault != NULL)
		snprintf(text, size, "%s", fault);
	else
		return false;
	return true;
}

static int
check_relay_files(const struct config *cfg, const struct relay_config *relay,
    struct config_error *err)
{
	unsigned in_cert = relay->key_file == NULL ? FILE_SECRET | FILE_KEY : 0;
	const struct {
		const char *key, *path;
		unsigned uses;
	} files[] = {
		{ "password_file", relay->password_file,
		    FILE_SECRET | FILE_PASSWORD },
		{ "ca_file", relay->ca_file, FILE_CERT },
		{ "cert_file", relay->cert_file, FILE_CERT | in_cert },
		{ "key_file", relay->key_file, FILE_SECRET | FILE_KEY },
	};
	char text[200], what[500];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct fault fault = { what, { files[i].key } };

		if (files[i].path == NULL ||
		    !has_file_fault(
			files[i].path, files[i].uses, text, sizeof(text)))
			continue;
		snprintf(what, sizeof(what), "%s '%.200s': %s", files[i].key,
		    files[i].path, text);
		return refuse_relay(cfg, err, relay, &fault);
	}
	return 0;
}

/* Whether the directory that is to hold the file of "json" is there. */
static int
check_json(const struct config *cfg, struct config_error *err)
{
	const char *slash = cfg->json != NULL ? strrchr(cfg->json, '/') : NULL;
	struct stat st;
	char *dir;
	int fault = 0;

	if (slash == NULL)
		return 0;
	dir = strndup(
	    cfg->json, slash == cfg->json ? 1 : (size_t)(slash - cfg->json));
	if (dir == NULL || stat(dir, &st) < 0)
		fault = errno;
	else if (!S_ISDIR(st.st_mode))
		fault = ENOTDIR;
	free(dir);
	if (fault == 0)
		return 0;
	return config_refuse_line(err, cfg,
	    config_line_of(SECTION_TOP, "json", cfg),
	    "json '%.200s': its directory: %s", cfg->json, strerror(fault));
}

int
config_check_files(const struct config *cfg, struct config_error *err)
{
	int result = 0;

	/* The first one, too, if it is no relay: its files are named. */
	for (size_t i = 0; result == 0 && i < cfg->nstock; i++)
		result = check_relay_files(cfg, &cfg->stock[i], err);
	if (result == 0)
		result = check_json(cfg, err);
	return result < 0 ? result : config_check_maps(cfg, err);
}
