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

#include "lib/rate.h"

#define CONFIG_DEFAULT_PATH SYSCONFDIR "/spoold/spoold.conf"
#define CONFIG_DEFAULT_SPOOL LOCALSTATEDIR "/spool/spoold"
/* The one file that admins and package scripts know: no matter the prefix. */
#define CONFIG_DEFAULT_ALIASES "/etc/aliases"

enum tls_mode { TLS_NONE, TLS_OPPORTUNISTIC, TLS_STARTTLS, TLS_IMPLICIT };

enum auth_mode {
	AUTH_AUTO, /* the safest that relay and agent have, no token */
	AUTH_PLAIN,
	AUTH_LOGIN,
	AUTH_CRAM_MD5,
	AUTH_XOAUTH2,     /* the password is a token */
	AUTH_OAUTHBEARER, /* RFC 7628, so is this one's */
};

/* More than there are keys outside of sections, and in any section. */
#define CONFIG_KEYS_MAX 32

/* Where messages go: one Maildir, or hosts that speak SMTP. */
struct relay_config {
	char *name;
	unsigned line; /* of its section in the file; 0: none */
	/*
	 * In order of preference: "mail.example.org", "192.0.2.1",
	 * "2001:db8::1", each with ":PORT" behind it (IPv6 in brackets then),
	 * "unix:/path", "srv:example.org".  None if it is a Maildir.
	 */
	char **hosts;
	size_t nhosts;
	char *maildir; /* absolute path, or NULL */
	unsigned port; /* of hosts without one; 0: 25, or 465 with
			  TLS_IMPLICIT */
	enum tls_mode tls;
	bool tls_verify;   /* TLS_OPPORTUNISTIC: where there is TLS, the
			      certificate has to be the host's */
	unsigned tls_min;  /* 12 or 13: TLS 1.2, 1.3 */
	char *ca_file;     /* NULL: the system's */
	char *cert_file;   /* the client's, with its chain; or NULL */
	char *key_file;    /* NULL: in cert_file */
	char *fingerprint; /* SHA-256 of the server's certificate in 64
			      lower-case hexadecimal digits, several with a
			      space between; NULL: not pinned */
	enum auth_mode auth;
	char *user;               /* NULL: no AUTH */
	char *password_file;      /* one of these three */
	char *password_command;   /* … for sh -c */
	char *password;           /* … itself: no file has it */
	bool login_in_clear;      /* the user wants it so */
	char *helo;               /* EHLO name; NULL: this host's name */
	char *source;             /* address to connect from; NULL: any */
	unsigned connections;     /* at most so many at once … */
	unsigned connections_max; /* … with those that wait for a reply
				     for longer than: */
	unsigned slow_after_s;
	unsigned session_messages; /* over one connection */
	unsigned recipients_max;   /* of a transaction */
	unsigned pause_ms;         /* between two messages of a connection */
	struct rate_limit *rates;  /* all of them hold */
	size_t nrates;
	unsigned burst; /* messages that need not be spaced */
	unsigned connect_timeout_s;
	unsigned reply_timeout_s; /* for each reply, as a whole */
	/* conf.c's own: which keys were set, and in which lines. */
	uint64_t given;
	unsigned lines[CONFIG_KEYS_MAX];
};

/*
 * Which relay serves a recipient: the first route whose patterns fit.  A
 * pattern is an address, "@domain" or "domain" (it alone), "@.domain" (those
 * below it), or has "*" for any characters; without regard to case.  Several
 * are separated by spaces.  "<>" is the null sender.  NULL fits everything.
 */
struct route_config {
	char *sender;
	char *recipient;
	char *relay; /* a relay's name */
	unsigned line;
	unsigned lines[CONFIG_KEYS_MAX]; /* conf.c's own: of its keys */
};

#define LANES_MAX 8
/* The lane of all that no other lane claims; it is always there. */
#define LANE_NORMAL "normal"

/* In order of precedence. */
struct lane_config {
	char *name;
	char *priority; /* value of a Priority: field that leads here: "urgent",
			   "normal", "non-urgent"; or NULL */
	char *sender;   /* pattern as in a route; or NULL */
	unsigned reserve; /* connections of each relay that lanes behind this
			     one leave free */
	unsigned line;
	unsigned lines[CONFIG_KEYS_MAX]; /* conf.c's own: of its keys */
};

enum retry_kind { RETRY_LINEAR, RETRY_EXPONENTIAL, RETRY_LIST };

#define RETRY_STEPS_MAX 32

/* The wait after the n-th failure; without jitter. */
struct retry_config {
	enum retry_kind kind;              /* LINEAR: min(n, 30) minutes;
					      EXPONENTIAL: steps[0] * 2^(n-1), at most
					      steps[1] */
	unsigned steps_s[RETRY_STEPS_MAX]; /* LIST: the last one stays */
	unsigned nsteps;
};

enum on_uncertain { UNCERTAIN_RETRY, UNCERTAIN_HOLD };
enum fair_by { FAIR_SENDER, FAIR_USER, FAIR_NONE };

struct config {
	char *path; /* the file read, or NULL */
	char *spool;
	char *origin;              /* NULL: config_origin() finds one */
	char *json;                /* copy of the status; NULL: none */
	unsigned history_s;        /* kept journals: that long … */
	uint64_t history_bytes;    /* … and so much of them */
	bool status_subject;       /* the status has messages' subjects */
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
	struct retry_config retry;
	enum on_uncertain on_uncertain;
	enum fair_by fair;               /* whose turn it is */
	struct rate_limit *sender_rates; /* for each sender, as FAIR says who
					    that is; all of them hold */
	size_t nsender_rates;
	unsigned delay_warning_s; /* 0: none */
	char *postmaster;         /* gets double bounces; or NULL */
	uint64_t bounce_size_max; /* originals up to here are returned whole */
	struct rate_limit bounce_rate; /* for each address that gets them */
	bool bounces;                  /* senders are told of failures */
	bool keep_failed;              /* in failed/, though the sender knows */
	struct relay_config *relays;   /* the first is the default */
	size_t nrelays;
	struct route_config *routes;
	size_t nroutes;
	struct lane_config *lanes; /* LANE_NORMAL is among them */
	size_t nlanes;
	/*
	 * conf.c's own: the relay of the top level, set or not, whose values
	 * are the others' defaults; then those of sections.
	 */
	struct relay_config *stock;
	size_t nstock;
	bool has_top;
	unsigned lines[CONFIG_KEYS_MAX]; /* of the keys that are not its */
};

/* What was wrong: one line for the user, "FILE:LINE: …" or "command line: …"
 * where it comes from there. */
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
 * Set the password of the top level's relay itself, as a command line may give
 * it.  It is wiped with CFG.  0, or -EINVAL or -ENOMEM with ERR, which does not
 * show it.
 */
int config_set_secret(
    struct config *cfg, const char *password, struct config_error *err);

/*
 * What only the whole tells: a user without a password file, a login without
 * TLS to a host that is not this one, a route to a relay that there is not …
 * 0 or -EINVAL with ERR.
 */
int config_check(const struct config *cfg, struct config_error *err);

/*
 * Whether the files that CFG names are there, can be read and have what they
 * are for: those of relays, the directory of json, the maps; and whether those
 * with secrets are their owner's alone, unless systemd gave them
 * (CREDENTIALS_DIRECTORY).  0, or -EINVAL with ERR.  For spoold only, as the
 * spool's owner: sendmail may be run by anybody, and has no business with a
 * password.
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

/* The relay of that name, or NULL. */
const struct relay_config *
config_relay(const struct config *cfg, const char *name);

/*
 * The relay for a message from SENDER ("" null) to RECIPIENT: that of the
 * first route that fits, else the default; NULL if there is none, or if the
 * route leads to none (config_check()).  *RET_WHY, unless NULL: the route, or
 * NULL for the default.
 */
const struct relay_config *
config_route(const struct config *cfg, const char *sender,
    const char *recipient, const struct route_config **ret_why);

/*
 * The place in CFG's lanes of a message whose sendmail was told LANE (a lane's
 * name, or a Priority: field's value; NULL: nothing) from SENDER.  A name goes
 * before all else; a lane's priority and sender have to fit both, if it has
 * them; one without either is found by its name alone.
 */
unsigned
config_lane(const struct config *cfg, const char *lane, const char *sender);

/* Whether the address ADDR fits PATTERN, see struct route_config. */
bool config_pattern_fits(const char *pattern, const char *addr);

/* "none", "opportunistic", "starttls", "implicit". */
const char *tls_mode_name(enum tls_mode mode);

/* "auto", "plain" … "oauthbearer". */
const char *auth_mode_name(enum auth_mode mode);

void config_release(struct config *cfg);

#endif
