/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The relay that this agent serves: what spoold's "set" lines say. */

#ifndef SPOOLD_SMTP_SETTINGS_H
#define SPOOLD_SMTP_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

struct hosts;
struct secret;

enum tls_mode {
	TLS_NONE,          /* plaintext */
	TLS_OPPORTUNISTIC, /* STARTTLS if offered, any certificate */
	TLS_STARTTLS,      /* STARTTLS or nothing, verified */
	TLS_IMPLICIT,      /* TLS from the first byte, verified */
};

enum auth_mode {
	AUTH_AUTO, /* the safest of the next three that is offered */
	AUTH_PLAIN,
	AUTH_LOGIN,
	AUTH_CRAM_MD5,
	AUTH_XOAUTH2,     /* the password is a token */
	AUTH_OAUTHBEARER, /* RFC 7628, so is this one's */
};

/* Longest user and password: libESMTP's buffers overflow with 600. */
#define CREDENTIAL_MAX 255

/* Certificates that are known by their fingerprints. */
#define PINS_MAX 16
#define PIN_BYTES 32

/*
 * Read-only once "go" was said, so that threads share it without locks; what
 * HOSTS and SECRET point to has locks of its own.
 */
struct relay_settings {
	char *relay;
	struct hosts *hosts; /* where the relay is, and which of them rest */
	struct secret *secret;
	char *user; /* NULL: no login */
	char *password_file;
	char *password_command;
	char *password;  /* itself */
	char *ca_file;   /* NULL: the system's store */
	char *cert_file; /* the client's, with its chain; or NULL */
	char *key_file;  /* NULL: in cert_file */
	char *helo;      /* never NULL; only a guess unless … */
	bool is_helo_set;
	char *source; /* address to connect from; NULL: any */
	enum tls_mode tls;
	bool tls_verify;  /* TLS_OPPORTUNISTIC, but with the host's certificate
			     if there is one */
	unsigned tls_min; /* 12, 13 */
	unsigned char pins[PINS_MAX][PIN_BYTES]; /* SHA-256 */
	size_t npins;                            /* 0: the CA decides */
	enum auth_mode auth;
	bool login_in_clear;
	unsigned port; /* of hosts without one */
	unsigned connections;
	unsigned connections_max; /* 0: as connections */
	unsigned slow_after_s;    /* 0: never */
	unsigned connect_timeout_s;
	unsigned reply_timeout_s;
	unsigned session_messages;
	unsigned pause_ms;
	unsigned linger_ms;
};

/* Set the defaults.  0 or -ENOMEM; settings_release() in either case. */
int settings_init(struct relay_settings *rs);

/*
 * Take one setting.  0, -ENOMEM, or -EINVAL with *RETERR_WHY a fixed clause
 * ("is no known setting", "is not a number from 1 to 65535").
 */
int settings_set(struct relay_settings *rs, const char *key, const char *value,
    const char **reterr_why);

/* What is still missing, as a fixed sentence; NULL when nothing is. */
const char *settings_fault(const struct relay_settings *rs);

/* Secrets are wiped. */
void settings_release(struct relay_settings *rs);

#endif
