/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The one table of sendmail's flags.  It has also those that do nothing:
 * whether a flag takes an argument decides what the next one means.  The
 * parser, the help and the manual page's test read it.
 */

#ifndef SENDMAIL_FLAGS_H
#define SENDMAIL_FLAGS_H

#include <stddef.h>
#include <stdio.h>

#include "sendmail/options.h"

enum flag_argument {
	ARG_NONE,
	ARG_VALUE,   /* glued, or the next argument */
	ARG_GLUED,   /* glued, or none; after '=' if the name is long */
	ARG_REFUSED, /* known, and an error */
};

/* Act on a flag with its VALUE ("" without); 0 or an exit status. */
typedef int flag_fn(struct options *opts, const char *value, FILE *diag);

struct flag {
	char letter; /* '\0': only the long name */
	enum flag_argument argument;
	flag_fn *act;      /* NULL: see FIELD */
	const char *name;  /* after two dashes, or NULL */
	const char *value; /* what the help calls the argument */
	const char *help;
	size_t field; /* where in struct options the value goes, a
			 string, or true; 0: ignored */
};

extern const struct flag flags[];
extern const size_t flags_count;

/*
 * Write "sendmail: BEFORE VALUE AFTER" to DIAG, VALUE made harmless; always
 * EX_USAGE.
 */
int flag_refuse(
    FILE *diag, const char *before, const char *value, const char *after);

#endif
