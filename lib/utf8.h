/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * UTF-8, strictly (RFC 3629): no overlong form, no surrogate, nothing over
 * U+10FFFF.
 */

#ifndef SPOOL_UTF8_H
#define SPOOL_UTF8_H

#include <stdint.h>

#include "lib/span.h"

/* Bytes that continue a character. */
static inline bool
utf8_is_tail(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/*
 * The character that TEXT, not empty, begins with: its length in bytes and
 * *RET_CODE; 0 if it is none or torn.
 */
size_t utf8_decode(struct span text, uint32_t *ret_code);

/* Whether all of TEXT is UTF-8; nothing is. */
bool utf8_is_valid(struct span text);

/* Whether TEXT has a byte that is not ASCII. */
bool utf8_has_8bit(struct span text);

#endif
