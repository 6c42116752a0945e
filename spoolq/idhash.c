/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See idhash.h: open addressing, with marks where something was. */

#include "config.h"

#include <stdlib.h>

#include "spoolq/idhash.h"
#include "spoolq/select.h"

/* Neither is an id: id_pack() has its length in it. */
#define FREE 0
#define WAS_USED 1
#define LEAST_SLOTS 64

static size_t
place_of(const struct idhash *set, uint64_t key)
{
	/* Fibonacci hashing: ids that follow each other are spread. */
	return (size_t)(key * 0x9e3779b97f4a7c15u >> 20) & (set->alloc - 1);
}

/* KEY's slot, or where it may be put; SET has a free one. */
static uint64_t *
find(const struct idhash *set, uint64_t key)
{
	size_t i = place_of(set, key);
	uint64_t *gap = NULL;

	for (;; i = (i + 1) & (set->alloc - 1)) {
		uint64_t *slot = &set->slots[i];

		if (*slot == key)
			return slot;
		if (*slot == FREE)
			return gap != NULL ? gap : slot;
		if (*slot == WAS_USED && gap == NULL)
			gap = slot;
	}
}

/* Have room for one more, without the marks. */
static bool
make_room(struct idhash *set)
{
	struct idhash fresh = { .alloc = LEAST_SLOTS };

	if (set->alloc > 0 && set->used < set->alloc / 2)
		return true;
	while (fresh.alloc < 4 * (set->len + 1))
		fresh.alloc *= 2;
	fresh.slots = calloc(fresh.alloc, sizeof(*fresh.slots));
	if (fresh.slots == NULL)
		return false;
	for (size_t i = 0; i < set->alloc; i++)
		if (set->slots[i] > WAS_USED)
			*find(&fresh, set->slots[i]) = set->slots[i];
	fresh.len = fresh.used = set->len;
	free(set->slots);
	*set = fresh;
	return true;
}

bool
idhash_add(struct idhash *set, const char *id)
{
	uint64_t key = id_pack(id), *slot;

	if (!make_room(set))
		return false;
	slot = find(set, key);
	if (*slot == key)
		return true;
	set->used += *slot == FREE;
	set->len++;
	*slot = key;
	return true;
}

bool
idhash_has(const struct idhash *set, const char *id)
{
	uint64_t key = id_pack(id);

	return set->alloc > 0 && *find(set, key) == key;
}

void
idhash_remove(struct idhash *set, const char *id)
{
	uint64_t key = id_pack(id), *slot;

	if (set->alloc == 0)
		return;
	slot = find(set, key);
	if (*slot != key)
		return;
	*slot = WAS_USED;
	set->len--;
}

void
idhash_release(struct idhash *set)
{
	free(set->slots);
	*set = (struct idhash){ .alloc = 0 };
}
