/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The login at the relay: which mechanism, and with what. */

#ifndef SPOOLD_SMTP_AUTH_H
#define SPOOLD_SMTP_AUTH_H

#include <stdbool.h>
#include <stddef.h>

#include "spoold/smtp/capabilities.h"
#include "spoold/smtp/settings.h"

struct credentials {
	char user[CREDENTIAL_MAX + 1];
	char password[CREDENTIAL_MAX + 1];
};

/*
 * The one mechanism to log in with: CRAM-MD5 before PLAIN before LOGIN, of
 * those that CAPS offers.  PLAIN and LOGIN send the password readable, so
 * they need IS_PRIVATE: the peer is this machine or has proved its name over
 * TLS.  Returns a MECHANISM_ value, or 0 with *RETERR_WHY a fixed sentence.
 */
unsigned auth_choose(
    const struct capabilities *caps, bool is_private, const char **reterr_why);

/*
 * Read the first line of the file PATH, which nobody but its owner may read,
 * as the password.  0, or -1 with WHY (of SIZE) one clause that has PATH.
 */
int auth_read_password(const char *path, char password[CREDENTIAL_MAX + 1],
    char *why, size_t size);

/*
 * The login that RS wants at a relay that offers CAPS: *RET_MECHANISM is 0 if
 * it wants none.  0, or -1 with WHY (of SIZE) one clause.
 */
int
auth_prepare(const struct relay_settings *rs, const struct capabilities *caps,
    bool is_private, struct credentials *ret_creds, unsigned *ret_mechanism,
    char *why, size_t size);

#endif
