/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* spoolq's commands: a file and a descriptor each. */

#ifndef SPOOLQ_SPOOLQ_H
#define SPOOLQ_SPOOLQ_H

#include <stdint.h>

#include "lib/conf.h"
#include "lib/spool.h"
#include "spoolq/filter.h"

/* What every command gets. */
struct context {
	struct config cfg;
	struct spool sp; /* opened for SPOOL_READ */
	int64_t now_us;
	unsigned flags; /* set of COMMAND_ values */
	struct filter filter;
};

/* The options that some commands have. */
enum {
	COMMAND_JSON = 1,
	COMMAND_BODY = 2,
	COMMAND_RAW = 4,
	COMMAND_FILTER = 8, /* --from, --to */
};

struct command {
	const char *name;
	const char *args;               /* for the usage */
	const char *does;               /* half a line of help */
	unsigned flags;                 /* which of the options it has */
	int operands_min, operands_max; /* -1: any number */
	/* Returns a code of sysexits.h, EX_USAGE before anything was done. */
	int (*run)(struct context *ctx, int noperands, char *operands[]);
};

extern const struct command command_list;
extern const struct command command_show;
extern const struct command command_flush;
extern const struct command command_drop;
extern const struct command command_hold;
extern const struct command command_release;
extern const struct command command_mailq;

/* The code of sysexits.h for the negative errno ERR. */
int exit_code(int err);

#endif
