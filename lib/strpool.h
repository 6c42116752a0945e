/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Strings that many have, kept once and counted: the replies of a relay in
 * trouble, the sender of a mailing.  Not for threads.
 */

#ifndef SPOOL_STRPOOL_H
#define SPOOL_STRPOOL_H

#include <stddef.h>
#include <stdint.h>

/* Of so many strings that were seen it is known for a while. */
#define STRPOOL_LATELY 4096

struct pooled;

/* Zeroed: empty. */
struct strpool {
	struct pooled **buckets;
	size_t nbuckets; /* a power of two, or 0 */
	size_t count;    /* of strings */
	uint32_t lately[STRPOOL_LATELY];
};

/*
 * TEXT as POOL has it, from now on once more in use, to be given to
 * strpool_drop() and not to be changed.  NULL for NULL, and if out of memory.
 */
char *strpool_take(struct strpool *pool, const char *text);

/*
 * The same if it is in use already or was asked for lately; else NULL, and
 * next time it was.  So what is there once only costs no entry.
 */
char *strpool_take_again(struct strpool *pool, const char *text);

/* TEXT, from one of these, or NULL, is in use once less.  Before the pool is
 * released. */
void strpool_drop(char *text);

/* Free what is not the strings; those have been dropped. */
void strpool_release(struct strpool *pool);

#endif
