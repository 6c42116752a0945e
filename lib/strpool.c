/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* A hash table with a chain for each bucket, as long as there are strings. */

#include "config.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/fnv.h"
#include "lib/strpool.h"

#define BUCKETS_MIN 16

struct pooled {
	struct pooled *next; /* of the bucket */
	struct strpool *pool;
	uint32_t hash;
	uint32_t uses;
	char text[];
};

static struct pooled **
bucket_of(const struct strpool *pool, uint32_t hash)
{
	return &pool->buckets[hash & (pool->nbuckets - 1)];
}

static struct pooled *
find(const struct strpool *pool, const char *text, uint32_t hash)
{
	struct pooled *p;

	if (pool->nbuckets == 0)
		return NULL;
	for (p = *bucket_of(pool, hash); p != NULL; p = p->next)
		if (p->hash == hash && strcmp(p->text, text) == 0)
			return p;
	return NULL;
}

/* Room for one more.  Out of memory the chains get longer: false only if there
 * is no bucket at all. */
static bool
grow(struct strpool *pool)
{
	struct strpool bigger = *pool;
	struct pooled *p, *next, **bucket;

	if (pool->count < pool->nbuckets)
		return true;
	bigger.nbuckets =
	    pool->nbuckets == 0 ? BUCKETS_MIN : 2 * pool->nbuckets;
	bigger.buckets = calloc(bigger.nbuckets, sizeof(struct pooled *));
	if (bigger.buckets == NULL)
		return pool->nbuckets > 0;
	for (size_t i = 0; i < pool->nbuckets; i++)
		for (p = pool->buckets[i]; p != NULL; p = next) {
			next = p->next;
			bucket = bucket_of(&bigger, p->hash);
			p->next = *bucket;
			*bucket = p;
		}
	free(pool->buckets);
	pool->buckets = bigger.buckets;
	pool->nbuckets = bigger.nbuckets;
	return true;
}

static char *
add(struct strpool *pool, const char *text, uint32_t hash)
{
	size_t size = strlen(text) + 1;
	struct pooled *p, **bucket;

	if (!grow(pool))
		return NULL;
	p = malloc(sizeof(*p) + size);
	if (p == NULL)
		return NULL;
	bucket = bucket_of(pool, hash);
	p->next = *bucket;
	p->pool = pool;
	p->hash = hash;
	p->uses = 1;
	memcpy(p->text, text, size);
	*bucket = p;
	pool->count++;
	return p->text;
}

/* TEXT, whose hash is HASH, if it is there. */
static char *
use(struct strpool *pool, const char *text, uint32_t hash)
{
	struct pooled *p = find(pool, text, hash);

	if (p == NULL || p->uses == UINT32_MAX)
		return NULL;
	p->uses++;
	return p->text;
}

char *
strpool_take(struct strpool *pool, const char *text)
{
	uint32_t hash;
	char *there;

	if (text == NULL)
		return NULL;
	hash = fnv32(text);
	there = use(pool, text, hash);
	return there != NULL ? there : add(pool, text, hash);
}

char *
strpool_take_again(struct strpool *pool, const char *text)
{
	uint32_t hash = fnv32(text), *seen;
	char *there = use(pool, text, hash);

	if (there != NULL)
		return there;
	seen = &pool->lately[hash % STRPOOL_LATELY];
	if (*seen == hash)
		return add(pool, text, hash);
	*seen = hash;
	return NULL;
}

void
strpool_drop(char *text)
{
	struct pooled *p, **link;

	if (text == NULL)
		return;
	p = (struct pooled *)(void *)(text - offsetof(struct pooled, text));
	if (--p->uses > 0)
		return;
	link = bucket_of(p->pool, p->hash);
	while (*link != p)
		link = &(*link)->next;
	*link = p->next;
	p->pool->count--;
	free(p);
}

void
strpool_release(struct strpool *pool)
{
	free(pool->buckets);
	*pool = (struct strpool){ .count = 0 };
}
