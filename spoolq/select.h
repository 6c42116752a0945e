/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The messages that a command changes, by their ids and what the filters say.
 */

#ifndef SPOOLQ_SELECT_H
#define SPOOLQ_SELECT_H

#include "spoolq/idset.h"
#include "spoolq/spoolq.h"

struct message;

/* How many messages are shown to whoever is asked about more of them. */
#define SELECT_SHOWN 5
/* … and how far from the left. */
#define SELECT_INDENT 2

struct selection {
	struct idset chosen;
	/* Named on the command line: one that is not there is a mistake.  Else
	 * it has left meanwhile. */
	bool is_named;
	size_t others; /* matched, but their state does not allow it */
	char *shown[SELECT_SHOWN]; /* the first ones, for people; or NULL */
};

/* What select_messages() does with each message that it chooses. */
typedef void select_fn(const struct message *m, void *arg);

struct select_how {
	/* A set of 1u << state: what filters choose among.  Names may be those
	 * of any. */
	unsigned states;
	bool is_due;   /* not those that are to be sent later */
	bool look;     /* at the queue, even if ids say all */
	select_fn *fn; /* or NULL; only called where the queue is looked at */
	void *arg;
};

/*
 * Choose messages by the N ids in OPERANDS and the filters of CTX; both: those
 * of the ids that match.  Without ids and filters, all of them.  EX_OK or
 * another code of sysexits.h, and what is wrong has been said: nothing is
 * chosen then, or only what of the ids is there.
 */
int select_messages(struct selection *ret, const struct context *ctx,
    const struct select_how *how, int n, char *operands[]);

void selection_release(struct selection *sel);

/* Whether the N OPERANDS are ids; says of the first one that is none. */
bool select_are_ids(int n, char *operands[]);

/*
 * Have CTX->filter match none but the N ids in OPERANDS, which are put into
 * SET; without any, it is as before.  EX_OK or, after saying what is wrong,
 * another code of sysexits.h; the caller is to release SET either way.
 */
int
select_only(struct idset *set, struct context *ctx, int n, char *operands[]);

/* Say why there is no message ID to be seen; a code of sysexits.h. */
int select_miss(const struct context *ctx, const char *id);

/* The same of each of SET, which select_only() made and all messages were
 * compared with, that is not there.  EX_OK or the first such code. */
int select_missed(const struct context *ctx, const struct idset *set);

#endif
