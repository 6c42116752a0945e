/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The messages of a queue in order of id: blocks of pointers, filled one after
 * the other, since new ids are nearly always the last ones.  About 8 bytes a
 * message; a tree would take 32.
 */

#ifndef SPOOL_QUEUE_IDS_H
#define SPOOL_QUEUE_IDS_H

#include <stddef.h>

struct message;
struct ids_block;

/* Zeroed: empty. */
struct message_ids {
	struct ids_block **blocks;
	size_t nblocks, alloc;
	size_t block; /* where the last look was: a hint */
	unsigned pos;
};

/* -1, 0 or 1.  Ids grow to eleven digits one day: shorter is older. */
int ids_compare(const char *a, const char *b);

/* Put M in; by its id, which must not change.  0, -EEXIST or -ENOMEM. */
int ids_insert(struct message_ids *ids, struct message *m);

/* Take M, which is there, out. */
void ids_remove(struct message_ids *ids, const struct message *m);

/* The message ID, or NULL. */
struct message *ids_find(struct message_ids *ids, const char *id);

/* The first, and the one after M, which is there; NULL at the end. */
struct message *ids_first(const struct message_ids *ids);
struct message *ids_next(struct message_ids *ids, const struct message *m);

/* The first one behind ID, "" for the first of all; NULL at the end. */
struct message *ids_after(struct message_ids *ids, const char *id);

/* Forget all of them. */
void ids_release(struct message_ids *ids);

#endif
