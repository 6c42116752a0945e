/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Text from elsewhere made harmless: server replies, addresses and header
 * fields before they are logged, journalled or shown.
 */

#ifndef SPOOL_TEXT_H
#define SPOOL_TEXT_H

#include <stdio.h>

#include "lib/span.h"

/*
 * Write TEXT so that a terminal, a log and JSON stay themselves: valid UTF-8
 * passes; C0 and C1 controls, DEL, bidirectional controls, line separators,
 * what is invisible (but for joiners, which scripts and emoji need) and bytes
 * that are no UTF-8 become \xNN or \u{N…}.  At most MAX bytes are
 * written, "…" (3 bytes) last when something was cut.  A backslash of TEXT
 * stays one, so that cleaning twice does no harm.  Errors stay in OUT.
 */
void text_put_clean(FILE *out, struct span text, size_t max);

/* C in lower case, ASCII only: in a Turkish locale tolower(3) knows another
 * "i".  Unsigned, so that what is 8-bit sorts behind the rest. */
static inline unsigned char
text_lower(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

/* text_put_clean() into a new string; NULL when out of memory. */
char *text_clean(struct span text, size_t max);

#endif
