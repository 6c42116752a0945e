/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Lines over 998 bytes (RFC 5322, section 2.1.1), which relays refuse, made
 * shorter as the message passes.
 *
 *	body	CRLF and a space after 998 bytes, never inside a character of
 *		UTF-8: without every "CRLF space" that was put there the text
 *		is what it was
 *	header	a line end before white space that is there; in a word without
 *		any, as in the body.  White space is lost where there is so
 *		much that only it would be left in a line
 *
 * Other lines pass as they are.  Memory does not grow.
 */

#ifndef SPOOL_FOLD_H
#define SPOOL_FOLD_H

#include <stdbool.h>
#include <stddef.h>

/* Longest line, without CRLF. */
#define FOLD_LINE_MAX 998

/* Takes what comes out; a non-zero result ends the work. */
typedef int fold_fn(const char *bytes, size_t len, void *arg);

struct fold {
	fold_fn *fn;
	void *arg;
	bool in_header;
	bool is_continued; /* LINE is not the line's beginning */
	bool owes_end;     /* what came out before LINE lacks its CRLF */
	bool has_cr;       /* after LINE, which may be half a line end */
	size_t len;
	char line[FOLD_LINE_MAX];
};

/* IS_HEADER: the text begins with a header, which an empty line ends. */
void fold_init(struct fold *f, bool is_header, fold_fn *fn, void *arg);

/*
 * Take TEXT, a line or the next piece of one, without line end; ENDS: the
 * line ends with it.  0 or FN's result.
 */
int fold_piece(struct fold *f, const char *text, size_t len, bool ends);

/*
 * Take a block of CRLF text that ends anywhere; a CR or a LF alone passes as
 * it is.  0 or FN's result.
 */
int fold_block(struct fold *f, const char *block, size_t len);

/* The text is over, maybe inside a line.  0 or FN's result. */
int fold_end(struct fold *f);

/*
 * Whether a block of CRLF text has a line that is too long.  *LEN, 0 before
 * the first block, is how long the unfinished line is.
 */
bool fold_is_due(const char *block, size_t block_len, size_t *len);

#endif
