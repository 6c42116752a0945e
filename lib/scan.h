/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The lexical tokens of address fields: RFC 5322, section 3.2, for address.c
 * and address-put.c; and its classes of characters, for all that read
 * addresses.
 */

#ifndef SPOOL_SCAN_H
#define SPOOL_SCAN_H

#include "lib/span.h"

/* A special is a token of its own; its kind is its character. */
enum {
	TOKEN_END = 0,
	TOKEN_ATOM = 'a', /* with dots: "john.doe" */
	TOKEN_QUOTED = '"',
	TOKEN_LITERAL = '[',
	TOKEN_COMMENT = '(',
};

/* From START up to but not with END, delimiters included. */
struct token {
	int kind;
	size_t start;
	size_t end;
};

/* Where we are in TEXT.  A copy looks ahead. */
struct scan {
	struct span text;
	size_t pos;
	size_t *reterr_pos; /* set when a function returns -EINVAL */
};

/* Say that the byte at POS does not fit: always -EINVAL. */
int scan_fail(const struct scan *s, size_t pos);

/*
 * Split the next token off; white space before it is skipped.  0, or -EINVAL
 * (NUL; a parenthesis too many; an unclosed quote, comment or bracket, at
 * which the error's position is then).
 */
int scan_next(struct scan *s, struct token *ret);

/* scan_next() past comments. */
int scan_solid(struct scan *s, struct token *ret);

/* Whether a backslash is at POS and the byte after it belongs to it. */
bool scan_is_pair(const struct scan *s, size_t pos);

/* White space; a line end is nothing more. */
bool scan_is_space(char c);

/* A control character of ASCII. */
bool scan_is_control(char c);

/* TEXT without white space at its ends. */
struct span scan_trim(struct span text);

/* What ends an atom, besides white space. */
bool scan_is_special(char c);

#endif
