/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * A line that is not empty is either in the round or among the blocked.  Lines
 * are made and freed as needed.
 */

#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/turns.h"

static int
compare_key(const struct flow *a, const struct flow *b)
{
	return a->key < b->key ? -1 : a->key > b->key;
}

static int
compare_end(const struct flow *a, const struct flow *b)
{
	if (a->blocked_us != b->blocked_us)
		return a->blocked_us < b->blocked_us ? -1 : 1;
	return compare_key(a, b);
}

/* RB_GENERATE_STATIC wants a macro that glibc does not have. */
RB_GENERATE_INTERNAL(
    flow_keys, flow, by_key, compare_key, __attribute__((unused)) static)
RB_GENERATE_INTERNAL(
    flow_ends, flow, by_end, compare_end, __attribute__((unused)) static)

void
turns_init(struct turns *ts)
{
	RB_INIT(&ts->keys);
	RB_INIT(&ts->ends);
	TAILQ_INIT(&ts->round);
	ts->count = 0;
}

void
turns_release(struct turns *ts)
{
	struct flow *f, *next;

	for (f = RB_MIN(flow_keys, &ts->keys); f != NULL; f = next) {
		next = RB_NEXT(flow_keys, &ts->keys, f);
		RB_REMOVE(flow_keys, &ts->keys, f);
		free(f);
	}
	turns_init(ts);
}

/* KEY's line, made if it is not there; NULL if out of memory. */
static struct flow *
find_flow(struct turns *ts, uint64_t key)
{
	struct flow wanted = { .key = key };
	struct flow *f = RB_FIND(flow_keys, &ts->keys, &wanted);

	if (f != NULL)
		return f;
	f = calloc(1, sizeof(*f));
	if (f == NULL)
		return NULL;
	f->key = key;
	TAILQ_INIT(&f->line);
	RB_INSERT(flow_keys, &ts->keys, f);
	TAILQ_INSERT_TAIL(&ts->round, f, by_turn);
	return f;
}

/* Take F out of the round, or from among the blocked. */
static void
take_out(struct turns *ts, struct flow *f)
{
	if (f->blocked_us != 0)
		RB_REMOVE(flow_ends, &ts->ends, f);
	else
		TAILQ_REMOVE(&ts->round, f, by_turn);
}

int
turns_add(struct turns *ts, struct turn *t, uint64_t key)
{
	struct flow *f = find_flow(ts, key);

	if (f == NULL)
		return -ENOMEM;
	t->flow = f;
	TAILQ_INSERT_TAIL(&f->line, t, link);
	ts->count++;
	return 0;
}

void
turns_remove(struct turns *ts, struct turn *t)
{
	struct flow *f = t->flow;

	if (f == NULL)
		return;
	TAILQ_REMOVE(&f->line, t, link);
	t->flow = NULL;
	ts->count--;
	if (!TAILQ_EMPTY(&f->line))
		return;
	take_out(ts, f);
	RB_REMOVE(flow_keys, &ts->keys, f);
	free(f);
}

struct turn *
turns_first(const struct turns *ts)
{
	const struct flow *f = TAILQ_FIRST(&ts->round);

	return f != NULL ? TAILQ_FIRST(&f->line) : NULL;
}

void
turns_serve(struct turns *ts, struct turn *t)
{
	struct flow *f = t->flow;

	if (f != NULL && f->blocked_us == 0) {
		TAILQ_REMOVE(&ts->round, f, by_turn);
		TAILQ_INSERT_TAIL(&ts->round, f, by_turn);
	}
	turns_remove(ts, t);
}

void
turns_block(struct turns *ts, struct turn *t, int64_t until_us)
{
	struct flow *f = t->flow;

	if (f == NULL)
		return;
	take_out(ts, f);
	f->blocked_us = until_us != 0 ? until_us : 1;
	RB_INSERT(flow_ends, &ts->ends, f);
}

int64_t
turns_wake(struct turns *ts, int64_t now_us)
{
	struct flow *f;

	while ((f = RB_MIN(flow_ends, &ts->ends)) != NULL &&
	    f->blocked_us <= now_us) {
		RB_REMOVE(flow_ends, &ts->ends, f);
		f->blocked_us = 0;
		TAILQ_INSERT_TAIL(&ts->round, f, by_turn);
	}
	return f != NULL ? f->blocked_us : 0;
}
