/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The header of a message: fields found, split, unfolded.
 *
 * Works on text in memory with LF or CRLF lines; spans point into it.
 */

#ifndef SPOOL_HEADER_H
#define SPOOL_HEADER_H

#include <stdio.h>

#include "lib/span.h"

/*
 * One field.  RAW is all of its lines with their line ends; NAME is without
 * the colon and without white space before it; BODY is what follows the
 * colon, folds and all, without the last line end.
 */
struct header_field {
	struct span raw;
	struct span name;
	struct span body;
};

/*
 * Split the first field off REST.  1: *RET_FIELD is set.  0: REST begins
 * with a line that is no header field (empty, or no "name:" of RFC 5322,
 * section 2.2: printable ASCII except colon, then optional white space and a
 * colon) or is empty: the body begins here.
 */
int header_next(struct span *rest, struct header_field *ret_field);

/* Whether LINE (with or without line end) can start a header field. */
bool header_is_field(struct span line);

/* Whether LINE continues a field: it begins with a space or tab. */
bool header_is_fold(struct span line);

/* Whether FIELD is called NAME, without regard to case. */
bool header_is(const struct header_field *field, const char *name);

/* The first field called NAME in TEXT; false if there is none. */
bool
header_find(struct span text, const char *name, struct header_field *ret_field);

/*
 * Write BODY unfolded (line ends removed, RFC 5322, section 2.2.3) and
 * without white space at either end.  Errors stay in OUT.
 */
void header_put_unfolded(FILE *out, struct span body);

/*
 * Write FIELD with CRLF line ends whatever it had; a bare CR becomes a space.
 */
void header_put(FILE *out, const struct header_field *field);

#endif
