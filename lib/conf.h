/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The configuration: spoold.conf(5), the same for every program.
 *
 * Parsed by libconfuse from a descriptor that we opened ourselves (its own
 * opening expands "~" unsafely).  It would replace ${VAR} by the caller's
 * environment, and an undefined one by nothing: such a file is refused.
 */

#ifndef SPOOL_CONF_H
#define SPOOL_CONF_H

#include <stdbool.h>
#include <stdint.h>

#define CONFIG_DEFAULT_PATH SYSCONFDIR "/spoold/spoold.conf"
#define CONFIG_DEFAULT_SPOOL LOCALSTATEDIR "/spool/spoold"
/* The one file that admins and package scripts know: no matter the prefix. */
#define CONFIG_DEFAULT_ALIASES "/etc/aliases"

enum tls_mode { TLS_NONE, TLS_OPPORTUNISTIC, TLS_STARTTLS, TLS_IMPLICIT };

struct relay_config {
	char *name;    /* "default" */
	char *host;    /* name, IPv4 or IPv6 without brackets; NULL
			  if the relay is a Maildir */
	unsigned port; /* 0: 25, or 465 with TLS_IMPLICIT */
	char *maildir; /* absolute path, or NULL */
	enum tls_mode tls;
	char *user; /* NULL: no AUTH */
	char *password_file;
	char *ca_file;        /* NULL: the system's */
	char *helo;           /* EHLO name; NULL: this host's name */
	unsigned connections; /* at most so many at once */
	unsigned connect_timeout_s;
	unsigned reply_timeout_s; /* for each reply, as a whole */
};

struct config {
	char *path; /* the file read, or NULL */
	char *spool;
	char *origin;              /* NULL: config_origin() finds one */
	char *json;                /* copy of the status; NULL: none */
	char *aliases;             /* a path; NULL: none */
	char *generic;             /* a path; NULL: none */
	char *masquerade;          /* domains, a space between; or NULL */
	char *local_recipients;    /* an address list, or NULL */
	uint64_t message_size_max; /* bytes */
	unsigned recipients_max;
	unsigned freq_s; /* rescan of the spool */
	unsigned attempts;
	unsigned lifetime_s;
	unsigned agents; /* delivery agents of a relay, at least 2 */
	bool has_relay;
	struct relay_config relay;
};

/* What was wrong: one line for the user, "FILE:LINE: …" where it has one. */
struct config_error {
	char text[512];
};

/* The defaults; the result is released by config_release(). */
int config_init(struct config *cfg);

/*
 * Read PATH over CFG's values.  A missing file is -ENOENT and changes nothing
 * (callers accept that for CONFIG_DEFAULT_PATH).  0, -EINVAL for anything in
 * the file that is wrong, or -errno; ERR says what, and CFG keeps its values.
 * One thread at a time.  A file that everybody may write is refused; a pipe or
 * /dev/null will do.  Paths in it are absolute.
 */
int config_read(struct config *cfg, const char *path, struct config_error *err);

/*
 * Set one value as a command line gives it: KEY is the file's key ("relay",
 * "tls", "password_file", "freq" …).  A relative path is completed by the
 * working directory.  0, or -EINVAL or -ENOMEM with ERR.
 */
int config_set(struct config *cfg, const char *key, const char *value,
    struct config_error *err);

/*
 * What only the whole tells: a user without a password file, a login without
 * TLS to a host that is not this one …  0 or -EINVAL with ERR.
 */
int config_check(const struct config *cfg, struct config_error *err);

/*
 * Whether the files that CFG names for spoold are there: password_file,
 * ca_file, the directory of json.  0, or -errno with ERR.  For spoold only,
 * as the spool's owner: sendmail may be run by anybody, and has no business
 * with a password.
 */
int config_check_files(const struct config *cfg, struct config_error *err);

/*
 * What a program begins with: the defaults, then the file PATH or, if that is
 * NULL, CONFIG_DEFAULT_PATH if there is one, then SPOOL as a command line
 * gives it, unless NULL.  0, or -errno with ERR; CFG must be released by
 * config_release() in either case.
 */
int config_load(struct config *cfg, const char *path, const char *spool,
    struct config_error *err);

/*
 * The domain that completes local addresses: the configured origin, the first
 * line of /etc/mailname, else this host's name.  A new string, or NULL when
 * out of memory.
 */
char *config_origin(const struct config *cfg);

/* "none", "opportunistic", "starttls", "implicit". */
const char *tls_mode_name(enum tls_mode mode);

void config_release(struct config *cfg);

#endif
