/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* What the parts of spoold/report.c share, and nobody else needs. */

#ifndef SPOOLD_REPORT_WORK_H
#define SPOOLD_REPORT_WORK_H

#include "spoold/report.h"

/* ---- the original (report-original.c) -------------------------------- */

struct original {
	char *header; /* whole lines, a bounded number; not terminated */
	size_t header_len;
	char *subject;    /* decoded and clean; NULL: none */
	char *message_id; /* "<…>" of harmless bytes; NULL: none */
	bool is_whole;    /* goes back whole, not its header only */
	bool has_8bit;    /* of what goes back */
	bool is_global;   /* its header is UTF-8 beyond ASCII (RFC 6532) */
};

/* Read of RP's original what a report needs.  0 or -errno; O is released by
 * original_release() in either case. */
int original_load(struct original *o, const struct report *rp);

void original_release(struct original *o);

/* The part's content, CRLF lines.  0 or -errno of reading. */
int original_put(const struct original *o, const struct report *rp, FILE *out);

/* ---- words (report-words.c) ------------------------------------------ */

/*
 * The encoded words (RFC 2047) of an unfolded field decoded, as far as their
 * character set is UTF-8, ASCII or ISO 8859-1, and all of it made clean, of MAX
 * bytes at most.  A new string or NULL.
 */
char *words_decode(const char *text, size_t max);

/* Write clean TEXT for a header field: in encoded words if it is not ASCII. */
void words_put(FILE *out, const char *text);

/* Write TEXT, LF lines, as quoted-printable (RFC 2045, section 6.7). */
void quoted_put(FILE *out, const char *text, size_t len);

/* ---- the parts (report-text.c, report-status.c) ---------------------- */

/* What people read: LF lines, UTF-8, maybe long ones. */
void
report_put_text(const struct report *rp, const struct original *o, FILE *out);

/* The content of message/delivery-status: CRLF lines, ASCII. */
void report_put_status(const struct report *rp, FILE *out);

/* report_status() of R, with what is known beside its reply. */
const char *report_rcpt_status(
    const struct report *rp, const struct report_rcpt *r, char buf[static 16]);

/* R's entry of the envelope; NULL if there is none. */
const struct recipient *
report_recipient(const struct report *rp, const struct report_rcpt *r);

#endif
