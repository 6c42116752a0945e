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
 *
 * Of "host!user", which is user@host, the domain stands before the local part.
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
 * How many mailboxes address_walk() finds.  0, or -EINVAL as there: then
 * *RET is how many there are before the error.
 */
int address_count(struct span body, size_t *ret, size_t *reterr_pos);

/*
 * Write BOX as an addr-spec: comments and folding gone, a local part quoted if
 * it has to be (RFC 5321, section 4.1.2, wants it plain where it can be, and
 * so the same address always looks the same), or if it was and begins with
 * '-' or has a '!', a trailing dot of the domain removed, an unqualified one
 * with "@ORIGIN" appended (nothing if ORIGIN is NULL).  Errors stay in OUT.
 */
void address_put(FILE *out, const struct mailbox *box, const char *origin);

/*
 * BOX as a new addr-spec string, as address_put() writes it; NULL when out of
 * memory.  A local part that begins with '-' could pass for an option some
 * day: quoted, it is the same address (RFC 5321, section 4.1.2) and cannot.
 * Without a domain it is an option after the recipients, and left alone.
 */
char *address_string(const struct mailbox *box, const char *origin);

/* How many bytes of the addr-spec ADDR stand before its "@", or all of it. */
size_t address_local_len(struct span addr);

/*
 * What shall stand for BOX: *RET is a new addr-spec, or a new "@domain" if
 * its local part stays as it stands, or NULL if all of it does.  0, or a
 * negative result, which ends the walk.
 */
typedef int address_map_fn(const struct mailbox *box, void *arg, char **ret);

/*
 * Copy BODY with FN's address in the place of each, all else byte for byte:
 * names, comments, folds.  "host!user" becomes user@host in any case.  0,
 * -ENOMEM, FN's result, or -EINVAL as address_walk(): then OUT has BODY as it
 * was.  Errors stay in OUT.
 */
int address_rewrite(struct span body, address_map_fn *fn, void *arg, FILE *out);

/* Write NAME as an RFC 5322 phrase: quoted where it must be; controls become
 * spaces. */
void address_put_phrase(FILE *out, struct span name);

/*
 * Compare addr-specs as a whole without regard to ASCII case, as Postfix
 * does to find duplicates: <0, 0, >0.
 */
int address_compare(const char *a, const char *b);

#endif
