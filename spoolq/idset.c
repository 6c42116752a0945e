/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See idset.h. */

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "spoolq/idset.h"

/* Above the bits of eleven digits. */
#define LENGTH_SHIFT 56

uint64_t
id_pack(const char *id)
{
	return strtoull(id, NULL, 16) | (uint64_t)strlen(id) << LENGTH_SHIFT;
}

void
id_unpack(uint64_t packed, char ret[SPOOL_ID_SIZE])
{
	static const char digits[] = "0123456789ABCDEF";
	size_t len = (size_t)(packed >> LENGTH_SHIFT);

	ret[len] = '\0';
	for (; len > 0; packed >>= 4)
		ret[--len] = digits[packed & 15];
}

int
idset_add(struct idset *set, const char *id)
{
	size_t room = set->room == 0 ? 64 : 2 * set->room;
	uint64_t *grown;

	if (set->n == set->room) {
		grown = reallocarray(set->ids, room, sizeof(*grown));
		if (grown == NULL)
			return -ENOMEM;
		set->ids = grown;
		set->room = room;
	}
	set->ids[set->n++] = id_pack(id);
	return 0;
}

static int
compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

int
idset_sort(struct idset *set)
{
	uint8_t *marks;
	size_t kept = 0;

	if (set->n > 1)
		qsort(set->ids, set->n, sizeof(*set->ids), compare);
	for (size_t i = 0; i < set->n; i++)
		if (kept == 0 || set->ids[kept - 1] != set->ids[i])
			set->ids[kept++] = set->ids[i];
	marks = calloc(kept + 1, 1);
	if (marks == NULL)
		return -ENOMEM;
	set->n = kept;
	free(set->marks);
	set->marks = marks;
	return 0;
}

uint8_t *
idset_mark(const struct idset *set, const char *id)
{
	uint64_t packed = id_pack(id);
	const uint64_t *found = set->n == 0
	    ? NULL
	    : bsearch(&packed, set->ids, set->n, sizeof(packed), compare);

	return found == NULL ? NULL : &set->marks[found - set->ids];
}

void
idset_release(struct idset *set)
{
	free(set->ids);
	free(set->marks);
	*set = (struct idset){ .n = 0 };
}
