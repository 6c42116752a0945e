/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Dot-stuffing (RFC 5321, section 4.5.2) of a message that comes in blocks
 * ending anywhere.  Pure.
 *
 * It also insists on CRLF lines: a bare CR or LF is how a second message is
 * smuggled past a server that takes it for a line end, and admission leaves
 * none in a queue file.
 */

#ifndef SPOOLD_SMTP_STUFF_H
#define SPOOLD_SMTP_STUFF_H

#include <stdbool.h>
#include <stddef.h>

struct stuffer {
	bool is_line_start; /* the next byte begins a line */
	bool has_cr;        /* the last byte was a CR */
};

/* Take BYTES as the next to be sent; a non-zero result ends the work. */
typedef int stuff_fn(const char *bytes, size_t len, void *arg);

void stuffer_init(struct stuffer *s);

/* 0, FN's result, or -EBADMSG for a bare CR or LF in BLOCK. */
int stuffer_feed(
    struct stuffer *s, const char *block, size_t len, stuff_fn *fn, void *arg);

/*
 * The end of the message: an unfinished last line is ended.  The final dot
 * is not sent here.  As stuffer_feed().
 */
int stuffer_end(struct stuffer *s, stuff_fn *fn, void *arg);

#endif
