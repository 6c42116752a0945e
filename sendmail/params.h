/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * What stands after MAIL and RCPT: a path and its parameters (RFC 5321,
 * section 4.1.2; RFC 1870, 3461, 6152 and 6531 for the parameters).
 */

#ifndef SENDMAIL_PARAMS_H
#define SENDMAIL_PARAMS_H

#include "lib/envelope.h"

/* Which command the parameters are for; a set. */
enum params_verb { PARAMS_MAIL = 1, PARAMS_RCPT = 2 };

/* Zeroed: nothing was given. */
struct params {
	unsigned given; /* which, as bits of the table's rows */
	unsigned long long size;
	enum body_type body;
	enum dsn_ret ret;
	bool is_utf8;
	char *envid; /* decoded; owned */
	char *orcpt; /* decoded; owned */
	unsigned notify;
};

/* TEXT without the spaces and tabs around it. */
struct span params_trim(struct span text);

/*
 * Split "FROM:<path> parameters" into both; false if it does not begin with
 * WORD and a colon, or something clings to the path.  A path without angle
 * brackets, and spaces around the colon, are taken as many programs send
 * them.
 */
bool params_split(struct span arg, const char *word, struct span *ret_path,
    struct span *ret_params);

/*
 * Read TEXT, "NAME=value NAME…" for VERB, into the zeroed PARAMS.  NULL, or
 * the reply that refuses it.  PARAMS is to be released in either case.
 */
const char *
params_read(struct span text, enum params_verb verb, struct params *params);

void params_release(struct params *params);

#endif
