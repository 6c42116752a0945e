/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Addresses as people and programs write them: RFC 5322, section 3.4, with
 * what forty callers make of it (obsolete syntax, stray commas and
 * semicolons, spaces between addresses).
 *
 * Nothing is copied: spans point into the text given and live as long as it.
 */

#ifndef SPOOL_ADDRESS_H
#define SPOOL_ADDRESS_H

#include <stdio.h>

#include "lib/span.h"

/*
 * One mailbox of a list.  LOCAL and DOMAIN are as they stand in the text and
 * may hold comments and folding; address_put() writes them without.
 * WHOLE spans the mailbox with its name and comments, without the separator.
 */
struct mailbox {
	struct span local;
	struct span domain; /* len 0: unqualified */
	struct span whole;
};

/* Called once per mailbox, in order; a non-zero result ends the walk. */
typedef int address_fn(const struct mailbox *box, void *arg);

/*
 * Walk a header field's body or a command-line argument: enters groups,
 * skips names, comments, source routes ("<@a,@b:c@d>") and empty "<>"; a
 * newline is white space; "a b" is two addresses, "x@y <a@b>" is a@b.
 * Returns 0, FN's result, or -EINVAL with *RETERR_POS at the first byte that
 * does not fit (an unclosed quote, comment, bracket; "<<a>>"; NUL).
 */
int
address_walk(struct span body, address_fn *fn, void *arg, size_t *reterr_pos);

/*
 * Write BOX as an addr-spec: comments and folding gone, a quoted local part
 * kept quoted, a trailing dot of the domain removed, an unqualified one with
 * "@ORIGIN" appended (nothing if ORIGIN is NULL).  Errors stay in OUT.
 */
void address_put(FILE *out, const struct mailbox *box, const char *origin);

/*
 * Copy BODY with every unqualified mailbox qualified by ORIGIN, all else
 * byte for byte.  0, or -EINVAL as address_walk(): then OUT has BODY as it
 * was.  Errors stay in OUT.
 */
int address_qualify(struct span body, const char *origin, FILE *out);

/* Write NAME as an RFC 5322 phrase: quoted where it must be; controls become
 * spaces. */
void address_put_phrase(FILE *out, struct span name);

/*
 * Compare addr-specs as a whole without regard to ASCII case, as Postfix
 * does to find duplicates: <0, 0, >0.
 */
int address_compare(const char *a, const char *b);

#endif
