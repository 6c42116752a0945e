/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * A .status.json that an operator edited, with whatever tool.  Pure: it reads
 * a file, and knows nothing of the queue.
 */

#ifndef SPOOLD_EDIT_READ_H
#define SPOOLD_EDIT_READ_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/json-scan.h"
#include "lib/queue.h"
#include "lib/status.h"

/* ---- a set of messages ----------------------------------------------- */

/* Zeroed: empty. */
struct id_set {
	char (*ids)[SPOOL_ID_SIZE];
	size_t len, alloc;
};

/* False: out of memory. */
bool id_set_add(struct id_set *set, const char *id);

/* After the last id_set_add(). */
void id_set_sort(struct id_set *set);

/* Whether ID is in SET, which is sorted. */
bool id_set_has(const struct id_set *set, const char *id);

void id_set_release(struct id_set *set);

/* ---- what it says ---------------------------------------------------- */

struct edited_rcpt {
	const char *addr; /* borrowed; as JSON has it */
	enum rcpt_state state;
	int attempts;    /* -1: it does not say */
	int64_t next_us; /* 0: it does not say */
};

struct edited_message {
	const char *id; /* borrowed */
	enum spool_state state;
	struct json_object *rcpts; /* borrowed */
	size_t nrcpts;
};

/* OBJ taken apart.  NULL, or what is wrong with it. */
const char *
edited_message_get(struct json_object *obj, struct edited_message *ret);
const char *edited_rcpt_get(
    const struct edited_message *m, size_t index, struct edited_rcpt *ret);

/* ---- the file -------------------------------------------------------- */

struct edit_file {
	FILE *in; /* the caller's */
	struct json_scan scan;
	uint64_t seq;      /* of the last event in the status that was edited */
	struct id_set ids; /* of its messages */
	char spool_id[STATUS_SPOOL_ID_SIZE]; /* "": it does not say */
	char why[200];     /* it cannot be used */
};

/*
 * Read F->in to its end, and note what it is and which messages it has.  0, or
 * -errno with F->why; -EBADMSG: it is no status.
 */
int edit_file_check(struct edit_file *f);

/* Begin anew, and then take one message after the other, to be put by the
 * caller: 1, 0 at the end, or -errno with F->why. */
int edit_file_rewind(struct edit_file *f);
int edit_file_next(struct edit_file *f, struct json_object **ret);

/* All but F->in. */
void edit_file_release(struct edit_file *f);

#endif
