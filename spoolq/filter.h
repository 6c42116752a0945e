/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Which messages a command is about.  All commands that take messages have the
 * same filters: --from, --to, --relay, --state, --older, --newer, --larger,
 * --error, --user, --attempts, --limit and --all; all that are given must
 * match, and those about recipients the same one.
 */

#ifndef SPOOLQ_FILTER_H
#define SPOOLQ_FILTER_H

#include <regex.h>
#include <stdbool.h>
#include <stdio.h>

#include "lib/queue.h"
#include "spoolq/idset.h"

#define FILTER_OPTIONS_MAX 16

/*
 * Patterns for addresses: a glob as fnmatch(3) has it, without regard to case;
 * what it is to the letter, a whole address or a whole domain, matches too; one
 * that begins with '@' is for the domain.  "" and "<>" are the null sender.
 */
struct filter {
	const char *from;  /* the sender; NULL: any */
	const char *to;    /* a recipient not served yet; NULL: any */
	const char *relay; /* the name of one that a pending recipient goes
			      to; NULL: any */
	const char *state; /* as output_state() says it; or as why_name() of a
			      recipient not served yet; NULL: any */
	int64_t older_us;  /* arrived longer ago than that; 0: any */
	int64_t newer_us;  /* … less long ago */
	uint64_t larger_bytes;
	bool has_error;
	regex_t error; /* POSIX extended, without regard to case: in the last
			  reply of a recipient not served, or of its relay */
	bool has_user;
	uid_t user;
	unsigned attempts; /* at least so many */
	uint64_t limit;    /* no more than so many; 0: any */
	bool all;          /* every message: said so */
	/* Sorted, borrowed: only these, which are marked 1 when they are met,
	 * whatever else matches; NULL: any. */
	const struct idset *ids;
	/* By their place in filter_options: as given, for filter_put(); or
	 * NULL. */
	const char *given[FILTER_OPTIONS_MAX];
	int64_t now_us;  /* for the ages */
	char fault[256]; /* filter_set()'s own */
};

/* One of them, for the command line; the last one's name is NULL. */
struct filter_option {
	const char *name; /* "older" */
	const char *arg;  /* "TIME"; NULL: takes none */
	const char *does; /* half a line of help */
};

extern const struct filter_option filter_options[];

/* Whether FILTER leaves anything out, --all not counted. */
bool filter_is_set(const struct filter *filter);

/* Whether all of FILTER but its limit matches M of Q. */
bool filter_matches(const struct filter *filter, const struct queue *q,
    const struct message *m);

/* Whether PATTERN, as --from and --to take it, matches ADDR. */
bool filter_matches_address(const char *pattern, const char *addr);

/*
 * Take the option NAME ("older") with ARG.  0; -EINVAL, with *RETERR_WHY a
 * clause for the user ("is no length of time"); -ENOENT: NAME is none of ours.
 */
int filter_set(struct filter *filter, const char *name, const char *arg,
    const char **reterr_why);

/* Write what was given, "--older 2h --to bob@example.net" and how many ids, as
 * it is: not harmless. */
void filter_put(FILE *out, const struct filter *filter);

void filter_release(struct filter *filter);

#endif
