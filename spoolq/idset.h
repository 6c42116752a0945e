/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Ids of messages, nine bytes each: a million of them are no burden.  Pure.
 */

#ifndef SPOOLQ_IDSET_H
#define SPOOLQ_IDSET_H

#include <stddef.h>
#include <stdint.h>

#include "lib/spool.h"

/* ID, which spool_is_id(), as a number and back; greater for longer ids, and
 * among those as strcmp(3) has it. */
uint64_t id_pack(const char *id);
void id_unpack(uint64_t packed, char ret[SPOOL_ID_SIZE]);

/* In order, each once. */
struct idset {
	uint64_t *ids;
	uint8_t *marks; /* a byte of the user's for each; see idset_mark() */
	size_t n, room;
};

/* Add ID; idset_sort() is due then.  0 or -ENOMEM. */
int idset_add(struct idset *set, const char *id);

/* Put SET in order, and give it new marks, all 0.  0 or -ENOMEM. */
int idset_sort(struct idset *set);

/* The mark of ID in the sorted SET; NULL: it is not among them. */
uint8_t *idset_mark(const struct idset *set, const char *id);

void idset_release(struct idset *set);

#endif
