/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The command line of sendmail, as forty years of programs write it: every
 * flag of the old mailers is known, most are ignored, some are refused.
 */

#ifndef SENDMAIL_OPTIONS_H
#define SENDMAIL_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/envelope.h"

enum mode {
	MODE_DELIVER, /* -bm: read a message, queue it */
	MODE_SMTP,    /* -bs: SMTP on standard input and output */
	MODE_LIST,    /* -bp, mailq: show the queue */
	MODE_FLUSH,   /* -q, runq: make everything due */
	MODE_ALIASES, /* -bi, newaliases: look the aliases through */
	MODE_NOTHING, /* succeed: -q30m, -bh … */
	MODE_HELP,
	MODE_VERSION,
};

/* Strings are those of argv. */
struct options {
	enum mode mode;
	bool header_rcpts;      /* -t */
	bool dot_is_text;       /* -i */
	bool keep_header;       /* -G */
	const char *sender;     /* -f, -r; NULL: the user */
	const char *full_name;  /* -F; NULL: $NAME or the user's */
	const char *config;     /* -C; NULL: the default */
	const char *spool;      /* --spool; NULL: the configured one */
	const char *flush_id;   /* -qI; NULL: all */
	const char *flush_from; /* -qS; NULL: all */
	const char *flush_to;   /* -qR; NULL: all */
	bool explain;    /* --explain: say what would be, queue nothing */
	bool wait;       /* --wait: until it is delivered or refused */
	int64_t wait_us; /* … but no longer; 0: any time */
	unsigned ttl_s;  /* --ttl; 0: none */
	const char *not_before; /* --not-before, for when_parse(); or NULL */
	const char *lane;       /* --lane; or NULL */
	unsigned notify;        /* -N, set of NOTIFY_ values */
	enum dsn_ret ret;       /* -R */
	const char *envid;      /* -V */
	enum body_type body;    /* -B */
	char **rcpts;           /* the arguments, NULL at the end */
};

/*
 * Parse ARGV; ARGV[0] chooses the mode of mailq, newaliases and runq.
 * Options end at the first argument that is none.  0, or an exit status with
 * a line on DIAG that says why; then RET has only the mode, as far as it was
 * known.  Warnings go to DIAG too.
 */
int options_parse(char **argv, struct options *ret, FILE *diag);

/* The help text, made from the table of flags.  Errors stay in OUT. */
void options_put_help(FILE *out);

#endif
