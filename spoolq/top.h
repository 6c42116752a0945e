/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * What there is most of, counted in bounded memory, by a text and by age.
 *
 * The counts are exact while there are at most TOP_MAX texts.  When there are
 * more, those with the smaller counts are counted together; one of them that
 * comes again counts anew.  So what makes up more than a few thousandths of all
 * is found in any case, counted too low rather than too high.
 */

#ifndef SPOOLQ_TOP_H
#define SPOOLQ_TOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOP_MAX 2048
/* Ages: less than 5, 10, 20 … 1280 minutes, and more, as qshape has them. */
#define TOP_AGES 10

struct top_row {
	char *text; /* not made harmless; its first 255 bytes */
	uint64_t hash;
	uint64_t count;
	uint64_t ages[TOP_AGES];
	int64_t first_us; /* the earliest time */
};

/* Zeroed: nothing was counted. */
struct top {
	struct top_row *rows;
	size_t nrows, alloc;
	uint16_t *slots;       /* of a hash table: index + 1 */
	struct top_row others; /* what was given up; no text */
};

/* The place of AGE_US in a row's ages. */
unsigned top_age(int64_t age_us);

/* The upper limit of that place, in minutes; 0: none. */
unsigned top_age_limit(unsigned age);

/* Count one TEXT, which is from TIME_US and so old at NOW_US.  0, -ENOMEM */
int top_add(struct top *t, const char *text, int64_t time_us, int64_t now_us);

/* The row of TEXT, looked for one after the other; NULL if there is none, or
 * it was given up. */
const struct top_row *top_named(const struct top *t, const char *text);

/*
 * Order the rows: the greatest count first, equal ones by text.  Nothing may be
 * added any more.
 */
void top_sort(struct top *t);

/* All rows from the FIRST on and what was given up, as one without text. */
struct top_row top_rest(const struct top *t, size_t first);

void top_release(struct top *t);

#endif
