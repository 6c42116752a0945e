/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Blocks are never empty.  A walk finds its place again by the hint, so a step
 * costs nothing; all else is two binary searches.
 */

#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/queue.h"

#define BLOCK_MESSAGES 126 /* with their number, a KiB */

struct ids_block {
	unsigned n;
	struct message *messages[BLOCK_MESSAGES];
};

int
ids_compare(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);

	if (la != lb)
		return la < lb ? -1 : 1;
	return strcmp(a, b);
}

/* Whether the hint leads to M. */
static bool
is_hinted(const struct message_ids *ids, const struct message *m)
{
	return ids->block < ids->nblocks &&
	    ids->pos < ids->blocks[ids->block]->n &&
	    ids->blocks[ids->block]->messages[ids->pos] == m;
}

/* The first block whose last id is not before ID; NBLOCKS if there is none. */
static size_t
find_block(const struct message_ids *ids, const char *id)
{
	size_t low = 0, high = ids->nblocks;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct ids_block *b = ids->blocks[mid];

		if (ids_compare(b->messages[b->n - 1]->id, id) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* The place in B of the first id that is not before ID. */
static unsigned
find_pos(const struct ids_block *b, const char *id)
{
	unsigned low = 0, high = b->n;

	while (low < high) {
		unsigned mid = (low + high) / 2;

		if (ids_compare(b->messages[mid]->id, id) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Let the hint lead to where ID is, or belongs.  Whether it is there. */
static bool
look_for(struct message_ids *ids, const char *id)
{
	const struct ids_block *b;

	/* Often several things happen to one. */
	if (ids->block < ids->nblocks &&
	    ids->pos < ids->blocks[ids->block]->n &&
	    strcmp(ids->blocks[ids->block]->messages[ids->pos]->id, id) == 0)
		return true;
	ids->block = find_block(ids, id);
	ids->pos = 0;
	if (ids->block == ids->nblocks)
		return false;
	b = ids->blocks[ids->block];
	ids->pos = find_pos(b, id);
	return strcmp(b->messages[ids->pos]->id, id) == 0;
}

/* A new block at the place AT of the list; NULL: out of memory. */
static struct ids_block *
add_block(struct message_ids *ids, size_t at)
{
	struct ids_block *b;

	if (ids->nblocks == ids->alloc) {
		size_t alloc = ids->alloc + ids->alloc / 2 + 8;
		void *blocks = reallocarray(
		    ids->blocks, alloc, sizeof(struct ids_block *));

		if (blocks == NULL)
			return NULL;
		ids->blocks = blocks;
		ids->alloc = alloc;
	}
	b = malloc(sizeof(*b));
	if (b == NULL)
		return NULL;
	b->n = 0;
	memmove(&ids->blocks[at + 1], &ids->blocks[at],
	    (ids->nblocks - at) * sizeof(struct ids_block *));
	ids->blocks[at] = b;
	ids->nblocks++;
	return b;
}

/* Make room where the hint leads to, and let it lead to that room. */
static bool
make_room(struct message_ids *ids)
{
	struct ids_block *b, *next;

	/* Behind all others. */
	if (ids->block == ids->nblocks) {
		if (ids->nblocks == 0 ||
		    ids->blocks[ids->nblocks - 1]->n == BLOCK_MESSAGES)
			return add_block(ids, ids->nblocks) != NULL;
		ids->block--;
		ids->pos = ids->blocks[ids->block]->n;
		return true;
	}
	b = ids->blocks[ids->block];
	if (b->n < BLOCK_MESSAGES)
		return true;
	next = add_block(ids, ids->block + 1);
	if (next == NULL)
		return false;
	next->n = b->n / 2;
	b->n -= next->n;
	memcpy(next->messages, b->messages + b->n,
	    next->n * sizeof(struct message *));
	if (ids->pos > b->n) {
		ids->pos -= b->n;
		ids->block++;
	}
	return true;
}

int
ids_insert(struct message_ids *ids, struct message *m)
{
	struct ids_block *b;

	if (look_for(ids, m->id))
		return -EEXIST;
	if (!make_room(ids))
		return -ENOMEM;
	b = ids->blocks[ids->block];
	memmove(&b->messages[ids->pos + 1], &b->messages[ids->pos],
	    (b->n - ids->pos) * sizeof(struct message *));
	b->messages[ids->pos] = m;
	b->n++;
	return 0;
}

/* Take the block AT, whose messages are somewhere else, out. */
static void
remove_block(struct message_ids *ids, size_t at)
{
	free(ids->blocks[at]);
	ids->nblocks--;
	memmove(&ids->blocks[at], &ids->blocks[at + 1],
	    (ids->nblocks - at) * sizeof(struct ids_block *));
}

/* Put the block AT together with the one behind if both are rather empty. */
static void
join_blocks(struct message_ids *ids, size_t at)
{
	struct ids_block *b = ids->blocks[at], *next;

	if (at + 1 >= ids->nblocks)
		return;
	next = ids->blocks[at + 1];
	if (b->n + next->n > BLOCK_MESSAGES / 2)
		return;
	memcpy(b->messages + b->n, next->messages,
	    next->n * sizeof(struct message *));
	b->n += next->n;
	remove_block(ids, at + 1);
}

void
ids_remove(struct message_ids *ids, const struct message *m)
{
	struct ids_block *b;

	if (!is_hinted(ids, m) && !look_for(ids, m->id))
		return;
	b = ids->blocks[ids->block];
	b->n--;
	memmove(&b->messages[ids->pos], &b->messages[ids->pos + 1],
	    (b->n - ids->pos) * sizeof(struct message *));
	if (b->n == 0)
		remove_block(ids, ids->block);
	else
		join_blocks(ids, ids->block);
}

struct message *
ids_find(struct message_ids *ids, const char *id)
{
	return look_for(ids, id) ? ids->blocks[ids->block]->messages[ids->pos]
				 : NULL;
}

struct message *
ids_first(const struct message_ids *ids)
{
	return ids->nblocks == 0 ? NULL : ids->blocks[0]->messages[0];
}

/* What the hint leads to. */
static struct message *
hinted(const struct message_ids *ids)
{
	return ids->block == ids->nblocks
	    ? NULL
	    : ids->blocks[ids->block]->messages[ids->pos];
}

/* … and to the next one. */
static struct message *
step(struct message_ids *ids)
{
	ids->pos++;
	if (ids->pos == ids->blocks[ids->block]->n) {
		ids->block++;
		ids->pos = 0;
	}
	return hinted(ids);
}

struct message *
ids_next(struct message_ids *ids, const struct message *m)
{
	return is_hinted(ids, m) || look_for(ids, m->id) ? step(ids) : NULL;
}

struct message *
ids_after(struct message_ids *ids, const char *id)
{
	return look_for(ids, id) ? step(ids) : hinted(ids);
}

void
ids_release(struct message_ids *ids)
{
	for (size_t i = 0; i < ids->nblocks; i++)
		free(ids->blocks[i]);
	free(ids->blocks);
	*ids = (struct message_ids){ .nblocks = 0 };
}
