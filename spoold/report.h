/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Reports to senders (RFC 3464, in multipart/report of RFC 6522): what was not
 * delivered, what is late, what a relay without DSN took over.
 *
 * Three parts: one for people (what, to whom, why in the relay's words, what to
 * do), message/delivery-status, and the original (message/rfc822) or its header
 * (text/rfc822-headers).  Everything that a server or a sender wrote is made
 * harmless (lib/text.h); lines stay below 998 bytes.
 *
 * Only the original may be beyond ASCII: then the report is 8BITMIME.  Text for
 * people is quoted-printable if it has to be.  The delivery status is always
 * message/delivery-status in ASCII, with addresses beyond it as RFC 6533,
 * section 3, writes them there ("utf-8; j\x{F6}rg@example"): every mail program
 * understands that, and no relay can refuse it.  An original whose header is
 * UTF-8 is message/global or message/global-headers (RFC 6532, RFC 6533).
 *
 * Runs in a worker thread: no globals, no log.
 */

#ifndef SPOOLD_REPORT_H
#define SPOOLD_REPORT_H

#include <stdio.h>

#include "lib/spool.h"

enum report_kind {
	REPORT_FAILED,  /* Action: failed */
	REPORT_DELAYED, /* Action: delayed */
	REPORT_RELAYED, /* Action: relayed: accepted by a relay that does not
			   pass NOTIFY on (RFC 3461, 5.2.3) */
};

struct report_rcpt {
	unsigned index;     /* in the envelope, which has address, ORCPT */
	const char *reply;  /* sanitised: "550 5.1.1 no such user",
			       "[local] …"; NULL: none yet */
	const char *server; /* "mail.example[192.0.2.1]:25" that said so; or
			       NULL */
	const char *note;   /* "gave up", "its lifetime ended"; or NULL */
	int64_t last_us;    /* when; 0: never tried */
};

struct report {
	enum report_kind kind;
	const char *id; /* of the original */
	const struct qfile *original;
	const struct report_rcpt *rcpts;
	size_t nrcpts;      /* at least 1 */
	const char *host;   /* this machine's name: Reporting-MTA */
	const char *origin; /* domain of MAILER-DAEMON */
	const char *to;     /* who gets it: the original's sender, or the
			       postmaster */
	bool is_double;     /* … as the original was a report itself */
	int64_t now_us;
	int64_t until_us;      /* REPORT_DELAYED: given up then; 0 unknown */
	uint64_t original_max; /* bytes: longer ones return their header only;
				  RET (RFC 3461) goes before */
};

/*
 * "0-2,5": the places of the N RCPTS, as ranges where they are in order; a new
 * string, NULL if out of memory.
 */
char *report_places(const struct report_rcpt *rcpts, size_t n);

/*
 * Write the report as a message with CRLF line ends.  Errors of OUT stay in
 * it; 0, or -errno of reading the original.
 */
int report_write(const struct report *rp, FILE *out);

/*
 * Write it and admit it to SP: null sender, to RP->to, with the envelope's
 * report_of set; for the null sender of a report with is_double, too.  RET_ID
 * is its id.  0 or -errno; nothing is left in tmp/ on failure.
 */
int report_submit(
    struct spool *sp, const struct report *rp, char ret_id[SPOOL_ID_SIZE]);

/*
 * The status code (RFC 3463) for REPLY: the enhanced code in it, else one made
 * of the SMTP reply's class ("5.0.0"), else of the kind.  The class fits the
 * kind: 4 of what is late, 2 of what was passed on, 4 or 5 of what failed.
 */
const char *
report_status(const char *reply, enum report_kind kind, char buf[static 16]);

#endif
