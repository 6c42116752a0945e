/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See top.h. */

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "spoolq/top.h"

#define TEXT_MAX 255
#define SLOTS ((size_t)4 * TOP_MAX)
#define MINUTE_US ((int64_t)60000000)

unsigned
top_age(int64_t age_us)
{
	int64_t limit_us = 5 * MINUTE_US;
	unsigned age = 0;

	while (age < TOP_AGES - 1 && age_us >= limit_us) {
		limit_us *= 2;
		age++;
	}
	return age;
}

unsigned
top_age_limit(unsigned age)
{
	return age < TOP_AGES - 1 ? 5u << age : 0;
}

/* FNV-1a: who makes texts collide makes a summary slow, nothing else. */
static uint64_t
hash_of(const char *text, size_t len)
{
	uint64_t hash = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < len; i++) {
		hash ^= (unsigned char)text[i];
		hash *= UINT64_C(1099511628211);
	}
	return hash;
}

/* The slot of the text, or the free one where it belongs. */
static uint16_t *
find_slot(const struct top *t, const char *text, size_t len, uint64_t hash)
{
	for (size_t i = hash % SLOTS;; i = (i + 1) % SLOTS) {
		const struct top_row *row;

		if (t->slots[i] == 0)
			return &t->slots[i];
		row = &t->rows[t->slots[i] - 1];
		if (row->hash == hash && strncmp(row->text, text, len) == 0 &&
		    row->text[len] == '\0')
			return &t->slots[i];
	}
}

static void
merge(struct top_row *into, const struct top_row *row)
{
	into->count += row->count;
	for (size_t i = 0; i < TOP_AGES; i++)
		into->ages[i] += row->ages[i];
	if (into->first_us == 0 ||
	    (row->first_us != 0 && row->first_us < into->first_us))
		into->first_us = row->first_us;
}

static int
compare(const void *a, const void *b)
{
	const struct top_row *one = a, *two = b;

	if (one->count != two->count)
		return one->count > two->count ? -1 : 1;
	return strcmp(one->text, two->text);
}

/* Give up the lesser half. */
static void
prune(struct top *t)
{
	size_t kept = t->nrows / 2;

	qsort(t->rows, t->nrows, sizeof(*t->rows), compare);
	for (size_t i = kept; i < t->nrows; i++) {
		merge(&t->others, &t->rows[i]);
		free(t->rows[i].text);
	}
	t->nrows = kept;
	memset(t->slots, 0, SLOTS * sizeof(*t->slots));
	for (size_t i = 0; i < kept; i++) {
		const struct top_row *row = &t->rows[i];

		*find_slot(t, row->text, strlen(row->text), row->hash) =
		    (uint16_t)(i + 1);
	}
}

/* Make room for one more. */
static int
grow(struct top *t)
{
	size_t alloc = t->alloc > 0 ? 2 * t->alloc : 32;
	struct top_row *rows;

	if (t->slots == NULL) {
		t->slots = calloc(SLOTS, sizeof(*t->slots));
		if (t->slots == NULL)
			return -ENOMEM;
	}
	if (t->nrows < t->alloc)
		return 0;
	if (t->nrows == TOP_MAX) {
		prune(t);
		return 0;
	}
	rows = reallocarray(t->rows, alloc, sizeof(*rows));
	if (rows == NULL)
		return -ENOMEM;
	t->rows = rows;
	t->alloc = alloc;
	return 0;
}

/* The row of the text, made if need be; NULL if out of memory. */
static struct top_row *
find_or_make(struct top *t, const char *text)
{
	size_t len = strnlen(text, TEXT_MAX);
	uint64_t hash = hash_of(text, len);
	uint16_t *slot;
	char *copy;

	if (t->slots != NULL) {
		slot = find_slot(t, text, len, hash);
		if (*slot != 0)
			return &t->rows[*slot - 1];
	}
	if (grow(t) < 0 || (copy = strndup(text, len)) == NULL)
		return NULL;
	slot = find_slot(t, text, len, hash);
	t->rows[t->nrows] = (struct top_row){ .text = copy, .hash = hash };
	*slot = (uint16_t)++t->nrows;
	return &t->rows[t->nrows - 1];
}

int
top_add(struct top *t, const char *text, int64_t time_us, int64_t now_us)
{
	struct top_row *row = find_or_make(t, text);

	if (row == NULL)
		return -ENOMEM;
	row->count++;
	row->ages[top_age(now_us - time_us)]++;
	if (row->first_us == 0 || time_us < row->first_us)
		row->first_us = time_us;
	return 0;
}

const struct top_row *
top_named(const struct top *t, const char *text)
{
	for (size_t i = 0; i < t->nrows; i++)
		if (strcmp(t->rows[i].text, text) == 0)
			return &t->rows[i];
	return NULL;
}

void
top_sort(struct top *t)
{
	if (t->nrows > 1)
		qsort(t->rows, t->nrows, sizeof(*t->rows), compare);
}

struct top_row
top_rest(const struct top *t, size_t first)
{
	struct top_row rest = t->others;

	for (size_t i = first; i < t->nrows; i++)
		merge(&rest, &t->rows[i]);
	return rest;
}

void
top_release(struct top *t)
{
	for (size_t i = 0; i < t->nrows; i++)
		free(t->rows[i].text);
	free(t->rows);
	free(t->slots);
	*t = (struct top){ .nrows = 0 };
}
