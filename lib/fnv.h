/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * FNV-1a in 32 bits: a number that a text has for its own, most likely.  Who
 * makes texts collide makes things slow, nothing else.
 */

#ifndef SPOOL_FNV_H
#define SPOOL_FNV_H

#include <stdint.h>

static inline uint32_t
fnv32(const char *text)
{
	uint32_t h = 0x811c9dc5;

	for (; *text != '\0'; text++)
		h = (h ^ (unsigned char)*text) * 0x01000193;
	return h;
}

#endif
