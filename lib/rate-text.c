/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* Rates as users write them, and what is kept of them over a restart. */

#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/rate.h"
#include "lib/wire.h"

#define RING (RATE_SLOTS + 1)
#define SECOND_US ((int64_t)1000000)
#define WINDOW_MAX_US (366 * 24 * 3600 * SECOND_US)

/* ---- as text --------------------------------------------------------- */

/* The first of a length is the one that rate_format() writes. */
static const struct {
	const char *name;
	int64_t len_us;
} units[] = {
	{ "day", 24 * 3600 * SECOND_US },
	{ "d", 24 * 3600 * SECOND_US },
	{ "h", 3600 * SECOND_US },
	{ "hour", 3600 * SECOND_US },
	{ "min", 60 * SECOND_US },
	{ "m", 60 * SECOND_US },
	{ "s", SECOND_US },
	{ "sec", SECOND_US },
};
#define NUNITS (sizeof(units) / sizeof(units[0]))

/* "15min", "s"; 0 if it is none. */
static int64_t
parse_window(const char *text)
{
	size_t ndigits = strspn(text, "0123456789");
	unsigned long long times = 1;

	if (ndigits > 0 &&
	    (!wire_number(
		 (struct span){ text, ndigits }, WINDOW_MAX_US, &times) ||
		times == 0))
		return 0;
	for (size_t i = 0; i < NUNITS; i++)
		if (strcmp(text + ndigits, units[i].name) == 0)
			return times > (unsigned long long)(WINDOW_MAX_US /
					   units[i].len_us)
			    ? 0
			    : (int64_t)times * units[i].len_us;
	return 0;
}

bool
rate_parse(const char *text, struct rate_limit *ret)
{
	size_t ndigits = strspn(text, "0123456789");
	unsigned long long count;
	int64_t window_us;

	if (text[ndigits] != '/' ||
	    !wire_number((struct span){ text, ndigits }, UINT32_MAX, &count) ||
	    count == 0)
		return false;
	window_us = parse_window(text + ndigits + 1);
	if (window_us == 0)
		return false;
	ret->count = (unsigned)count;
	ret->window_us = window_us;
	return true;
}

void
rate_format(const struct rate_limit *limit, char *buf, size_t size)
{
	int64_t times;
	size_t i = 0;

	while (i < NUNITS - 1 && limit->window_us % units[i].len_us != 0)
		i++;
	times = limit->window_us / units[i].len_us;
	if (times == 1)
		snprintf(buf, size, "%u/%s", limit->count, units[i].name);
	else
		snprintf(buf, size, "%u/%" PRId64 "%s", limit->count, times,
		    units[i].name);
}

/* ---- saved ----------------------------------------------------------- */

/*
 * "PACED { WINDOW SLOT N { AGE COUNT }… }…": N slots that are not empty, each
 * with how many slots it is older than SLOT.
 */

static void
put_window(FILE *out, const struct rate_window *w)
{
	unsigned n = 0;

	for (unsigned age = 0; age < RING; age++)
		n += age <= w->slot && w->counts[(w->slot - age) % RING] > 0;
	fprintf(out, " %" PRId64 " %" PRIu64 " %u", w->window_us, w->slot, n);
	for (unsigned age = 0; age < RING && age <= w->slot; age++) {
		uint32_t count = w->counts[(w->slot - age) % RING];

		if (count > 0)
			fprintf(out, " %u %" PRIu32, age, count);
	}
}

char *
rate_save(
    const struct rate_state *st, const struct rate_limit *limits, size_t n)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	bool is_broken;

	if (out == NULL)
		return NULL;
	if (st->paced_us > 0)
		fprintf(out, "%" PRId64, st->paced_us);
	for (size_t i = 0; i < n && st->paced_us > 0; i++)
		if (limits[i].count > 0 && st->windows[i].sum > 0)
			put_window(out, &st->windows[i]);
	is_broken = ferror(out) != 0;
	if (fclose(out) == 0 && !is_broken)
		return text;
	free(text);
	return NULL;
}

static bool
get_number(struct span *rest, uint64_t max, uint64_t *ret)
{
	struct span field;
	unsigned long long value;

	if (!wire_next(rest, &field) || !wire_number(field, max, &value))
		return false;
	*ret = value;
	return true;
}

/* Read what put_window() wrote, without its first space. */
static bool
get_window(struct span *rest, struct rate_window *w)
{
	uint64_t window_us, n, age, count;

	if (!get_number(rest, WINDOW_MAX_US, &window_us) ||
	    !get_number(rest, INT64_MAX, &w->slot) ||
	    !get_number(rest, RING, &n))
		return false;
	w->window_us = (int64_t)window_us;
	for (; n > 0; n--) {
		uint32_t *slot;

		if (!get_number(rest, RATE_SLOTS, &age) ||
		    !get_number(rest, UINT32_MAX, &count) || age > w->slot)
			return false;
		slot = &w->counts[(w->slot - age) % RING];
		w->sum += count - *slot;
		*slot = (uint32_t)count;
	}
	return true;
}

/* Read TEXT into ST as far as it is about a window that ST has. */
static int
load(struct rate_state *st, struct span rest)
{
	uint64_t paced_us;

	if (!get_number(&rest, INT64_MAX, &paced_us))
		return -EINVAL;
	st->paced_us = (int64_t)paced_us;
	while (rest.len > 0) {
		struct rate_window w = { .sum = 0 };

		if (!get_window(&rest, &w))
			return -EINVAL;
		for (unsigned i = 0; i < st->nwindows; i++)
			if (st->windows[i].window_us == w.window_us)
				st->windows[i] = w;
	}
	return 0;
}

int
rate_load(struct rate_state *st, const char *text,
    const struct rate_limit *limits, size_t n)
{
	struct rate_state new = { .paced_us = 0 };
	int err = rate_fit(&new, limits, n);

	if (err == 0 && text[0] != '\0')
		err = load(&new, span_of(text));
	if (err < 0) {
		rate_release(&new);
		/* As it was, but empty. */
		(void)rate_fit(&new, limits, n);
	}
	rate_release(st);
	*st = new;
	return err;
}
