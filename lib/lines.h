/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Lines as programs write them, read as mail needs them: LF and CRLF line
 * ends are one, every CR before a line end goes, a bare CR becomes a space,
 * and a lone dot ends what it is asked to end.
 *
 * Memory is bounded: a line longer than the buffer comes in pieces.  Time is
 * if it is asked for.
 */

#ifndef SPOOL_LINES_H
#define SPOOL_LINES_H

#include <stdint.h>

#include "lib/span.h"

#define LINES_BUFFER_BYTES (64u << 10)

/* What a dot at the beginning of a line means. */
enum lines_dot {
	LINES_DOT_TEXT, /* nothing */
	LINES_DOT_ENDS, /* alone on its line: the end; what follows is
			   not read */
	LINES_DOT_SMTP, /* RFC 5321, section 4.5.2: alone the end of a
			   message, doubled a dot */
	LINES_DOT_CRLF, /* the same, but only between CR LF and CR LF:
			   after a bare LF it is text, and left alone */
};

/*
 * How long to wait for a program at the other end.  Zeroes: for ever.
 */
struct lines_patience {
	int idle_ms;    /* for each read */
	int64_t end_ms; /* of the monotonic clock: for all of them */
};

struct lines {
	int fd; /* borrowed */
	enum lines_dot dot;
	struct lines_patience patience; /* may be set before any read */
	char *buf;
	size_t start; /* BUF[start, end) is read but not given out */
	size_t end;
	bool eof;        /* nothing more to read */
	bool inside;     /* the last piece did not end its line */
	bool at_end;     /* lines_next() has returned 0, last */
	bool is_bare_lf; /* the last line ended without a CR */
	int error;       /* why reading failed, for good; or 0 */
};

/*
 * A line or, if it is longer than the buffer, a piece of one.  TEXT has no
 * line end and is valid until the next lines_next().
 */
struct line_piece {
	struct span text;
	bool starts; /* the line's first piece */
	bool ends;   /* the line's last piece */
};

/* Begin reading FD with LINES_DOT_TEXT; DOT may be changed between lines.
 * 0 or -ENOMEM. */
int lines_open(struct lines *in, int fd);

/*
 * Read on.  1: *RET is the next piece.  0: the end, of the input or by a
 * dot; after an SMTP dot the next call goes on with the line after it.
 * -EPIPE: the input ended before the SMTP dot.  -ETIMEDOUT: there was no more
 * patience.  Or -errno of read(2).  After these two nothing is read again.
 */
int lines_next(struct lines *in, struct line_piece *ret);

/* Whether a whole line is there already, so that lines_next() will not wait. */
bool lines_is_ready(const struct lines *in);

/* The clock of lines_patience, in milliseconds. */
int64_t lines_clock_ms(void);

/* Release the buffer; a zeroed one is fine. */
void lines_close(struct lines *in);

#endif
