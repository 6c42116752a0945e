/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The password or token of the login: the first line of password_file, or of
 * what password_command says; or what spoold was given itself.  A file is read
 * each time, so that a change holds at once; what a command said is kept, a
 * password for a minute, a token until the server refuses it.  Any thread may
 * call.
 */

#ifndef SPOOLD_SMTP_SECRET_H
#define SPOOLD_SMTP_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "spoold/smtp/settings.h"

/* Longest token: as base64 it fits a line of 12288 bytes (RFC 4954 §4). */
#define SECRET_MAX 8192

struct secret;

/* NULL when out of memory. */
struct secret *secret_new(void);

/* Wipe and free; NULL is fine. */
void secret_free(struct secret *secret);

struct secret_text {
	char text[SECRET_MAX + 1];
	unsigned version; /* stands for the text */
	bool is_kept;     /* it is not fresh: a server may refuse it */
};

/*
 * The secret that RS names, into RET, which the caller wipes.  0; -1 with WHY
 * (of SIZE) one clause that names file or command; or -ECANCELED once ABORT_FD
 * (-1: none) is readable.  The command has 30 seconds, meanwhile the other
 * callers wait for what it says.
 */
int secret_get(const struct relay_settings *rs, int abort_fd,
    struct secret_text *ret, char *why, size_t size);

/* The server refused what VERSION stands for: do not use it again. */
void secret_refused(struct secret *secret, unsigned version);

/*
 * Read the first line of the file PATH, which nobody but its owner may read;
 * of a credential of systemd's (lib/credential.h) the mode is not looked at.
 * 0, or -1 with WHY (of SIZE) one clause that has PATH.
 */
int secret_read_file(
    const char *path, char ret[SECRET_MAX + 1], char *why, size_t size);

#endif
