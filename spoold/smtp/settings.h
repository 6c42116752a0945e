/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The relay that this agent serves: what spoold's "set" lines say. */

#ifndef SPOOLD_SMTP_SETTINGS_H
#define SPOOLD_SMTP_SETTINGS_H

enum tls_mode {
	TLS_NONE,          /* plaintext */
	TLS_OPPORTUNISTIC, /* STARTTLS if offered, any certificate */
	TLS_STARTTLS,      /* STARTTLS or nothing, verified */
	TLS_IMPLICIT,      /* TLS from the first byte, verified */
};

/* Longest user and password: libESMTP's buffers overflow with 600. */
#define CREDENTIAL_MAX 255

/* Read-only once "go" was said, so that threads share it without locks. */
struct relay_settings {
	char *relay;
	char *host; /* name or literal, as configured */
	char *user; /* NULL: no login */
	char *password_file;
	char *ca_file; /* NULL: the system's store */
	char *helo;
	enum tls_mode tls;
	unsigned port;
	unsigned connections;
	unsigned connect_timeout_s;
	unsigned reply_timeout_s;
	unsigned session_messages;
	unsigned linger_ms;
};

/* Set the defaults.  0 or -ENOMEM. */
int settings_init(struct relay_settings *rs);

/*
 * Take one setting.  0, -ENOMEM, or -EINVAL with *RETERR_WHY a fixed clause
 * ("is no known setting", "is not a number from 1 to 65535").
 */
int settings_set(struct relay_settings *rs, const char *key, const char *value,
    const char **reterr_why);

/* What is still missing, as a fixed sentence; NULL when nothing is. */
const char *settings_fault(const struct relay_settings *rs);

void settings_release(struct relay_settings *rs);

#endif
