/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Changing the queue: by asking spoold or, when none runs, with the lock in
 * our own hands (invariant 3), and an event in the journal either way.
 *
 * Every command that changes messages is a row: what it does to their files,
 * what it journals, what it says.  All have the same grammar, "COMMAND
 * [FILTER...] [ID...]", and the same options.
 */

#ifndef SPOOLQ_CHANGE_H
#define SPOOLQ_CHANGE_H

#include "lib/event.h"
#include "spoolq/select.h"
#include "spoolq/spoolq.h"

/* What becomes of the file, beside a state that it moves to. */
#define CHANGE_STAYS (-1)
#define CHANGE_REMOVES (-2)

struct change {
	const char *verb; /* for spoold and people: "hold" */
	enum event_kind kind;
	int to; /* an enum spool_state, CHANGE_STAYS or CHANGE_REMOVES */
	/* By state, why not, for people; NULL: it can be done.  In state TO
	 * nothing is left to do, which is no fault. */
	const char *refusals[SPOOL_STATES];
	const char *already; /* what spoold says of those; or NULL */
	/* For people: of one message without spoold, of one with --dry-run,
	 * and of many. */
	const char *done, *would, *sum;
	bool is_all_by_default; /* without ids and filters: all that is due */
	bool is_for_others;     /* who submitted a message may, too */
	bool stops;             /* … it: not while it is being delivered */
	bool is_for_known;      /* means nothing of messages that the journal
				   does not know */
	const char *relay;      /* for the event and spoold; NULL: none */
};

/* The options that such commands have: all; and those after which mail goes,
 * for which one may wait. */
extern const struct command_option change_options[];
extern const struct command_option change_wait_options[];

/* Do CH to what the command line says; a code of sysexits.h. */
int change_run(struct context *ctx, const struct change *ch, int noperands,
    char *operands[]);

/* Say TEXT, with which spoold has refused the whole; the code for that. */
int change_refused(const char *text);

/* Say that spoold did not answer, for ERR; EX_UNAVAILABLE. */
int change_unanswered(int err);

/* ---- what happened to each ------------------------------------------- */

/* Marks of the chosen. */
enum { MARK_NONE, MARK_DONE, MARK_GONE, MARK_REFUSED };

struct change_result {
	const struct context *ctx;
	const struct change *ch;
	struct idset *chosen; /* to be marked; NULL: need not be */
	bool is_named;        /* see struct selection */
	size_t done, gone, refused;
	char *why;    /* of the first refusal */
	bool whys;    /* … others differ */
	bool is_over; /* no more is to be asked */
	int code;     /* of the first failure */
};

/* Count and say what happened to ID ("*": all): TEXT, which was done; or why
 * not, with CODE.  An id that is not in the spool is EX_NOINPUT. */
void change_did(struct change_result *r, const char *id, const char *text);
void change_failed(
    struct change_result *r, const char *id, const char *text, int code);

#endif
