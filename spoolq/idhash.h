/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* A set of message ids from which they can be taken again: some twenty bytes
 * each. */

#ifndef SPOOLQ_IDHASH_H
#define SPOOLQ_IDHASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero is an empty one. */
struct idhash {
	uint64_t *slots; /* 0: free; 1: was used; else id_pack() */
	size_t alloc;    /* a power of two, or 0 */
	size_t used;     /* slots that are not free */
	size_t len;
};

/* Add ID, which is one (spool_is_id()).  False: out of memory. */
bool idhash_add(struct idhash *set, const char *id);

bool idhash_has(const struct idhash *set, const char *id);

void idhash_remove(struct idhash *set, const char *id);

void idhash_release(struct idhash *set);

#endif
