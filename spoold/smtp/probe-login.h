/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * A login without mail behind it.  libESMTP goes on to MAIL in any case, so
 * this says AUTH itself, for the probe alone.
 */

#ifndef SPOOLD_SMTP_PROBE_LOGIN_H
#define SPOOLD_SMTP_PROBE_LOGIN_H

#include <stddef.h>

#include "spoold/smtp/auth.h"
#include "spoold/smtp/conn.h"

/*
 * Log in at C with MECHANISM, a MECHANISM_ value, and CREDS.  0, with the
 * server's words in SAID (of SIZE), nothing of the login in them; 1 with them
 * if it refused; -1 when C is dead.
 */
int probe_login(struct conn *c, unsigned mechanism,
    const struct credentials *creds, char *said, size_t size);

#endif
