/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * What a server said it can do (EHLO), and what of it libESMTP is told.
 *
 * Told are PIPELINING, SIZE, 8BITMIME, DSN and one AUTH mechanism.  Not told
 * are SMTPUTF8 (libESMTP does not know it: transport.c uses it for it),
 * CHUNKING and BINARYMIME (a chunk's reply reads as the message's),
 * ENHANCEDSTATUSCODES (their absence in a reply is taken amiss) and STARTTLS
 * (done by then).
 */

#ifndef SPOOLD_SMTP_CAPABILITIES_H
#define SPOOLD_SMTP_CAPABILITIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spoold/smtp/normalise.h"

/* AUTH mechanisms that libESMTP has, as a set. */
enum {
	MECHANISM_PLAIN = 1,
	MECHANISM_LOGIN = 2,
	MECHANISM_CRAM_MD5 = 4,
};

struct capabilities {
	bool has_pipelining;
	bool has_8bitmime;
	bool has_dsn;
	bool has_smtputf8;
	bool has_starttls;
	bool has_size;
	bool has_auth;       /* any mechanism at all */
	uint64_t size_limit; /* 0: none said */
	unsigned mechanisms; /* set of MECHANISM_ values */
};

/* Read the reply to EHLO; the first line is only a greeting. */
void capabilities_parse(const struct reply *r, struct capabilities *ret);

/* "CRAM-MD5" for MECHANISM_CRAM_MD5 and so on; NULL for none of them. */
const char *mechanism_name(unsigned mechanism);

/*
 * Write the EHLO reply that libESMTP is given, with MECHANISM as the only
 * one to log in with (0: none).  SIZE of 256 is ample.  Returns its length.
 */
size_t capabilities_write(const struct capabilities *caps, unsigned mechanism,
    char *buf, size_t size);

#endif
