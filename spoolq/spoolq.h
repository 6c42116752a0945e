/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* spoolq's commands: a file and a descriptor each. */

#ifndef SPOOLQ_SPOOLQ_H
#define SPOOLQ_SPOOLQ_H

#include <stdint.h>

#include "lib/conf.h"
#include "lib/spool.h"
#include "spoolq/filter.h"

/* An option that a command has besides the common ones and the filters. */
struct command_option {
	const char *name;    /* "dry-run"; NULL ends a list */
	const char *arg;     /* "PATH", for the usage; NULL: takes none */
	char letter;         /* 'f': also as -f; 0: none */
	const char *does;    /* half a line of help */
};

#define COMMAND_OPTIONS_MAX 16

/* What every command gets. */
struct context {
	/* -C and --spool, for programs that are run; NULL: not given. */
	const char *config, *spool;
	struct config cfg;
	struct spool sp; /* opened for SPOOL_READ; see is_foreign */
	int64_t now_us;
	const struct command *command;
	/* By their place in command->options: the argument, "" for an option
	 * without one, NULL if it was not given. */
	const char *given[COMMAND_OPTIONS_MAX];
	struct filter filter;
	/*
	 * The caller may not read the spool: he sees and may drop, through
	 * .control, what his uid submitted.  Only sp.path and sp.dir_fd
	 * (O_PATH) are there.
	 */
	bool is_foreign;
	/* Of a command that needs no spool: why the configuration cannot be
	 * read, CFG being the defaults then; NULL: it can. */
	char *config_fault;
};

/* The argument of the command's option NAME, "" if it takes none, NULL if it
 * was not given. */
const char *context_option(const struct context *ctx, const char *name);

struct command {
	const char *name;
	const char *args; /* for the usage: "[--json] [FILTER...] [ID...]" */
	const char *does; /* half a line of help */
	const struct command_option *options; /* NULL: none */
	bool has_filters;                     /* takes those of filter.h */
	bool needs_no_spool; /* may run where none can be opened: doctor;
				then sp.path is NULL */
	bool keeps_root; /* root does not become the spool's owner: import */
	/* -1: any number.  Fewer will do when a filter or --all is given. */
	int operands_min, operands_max;
	const char *operand; /* what it is, for "which message?": NULL */
	/* What needs the caller's own rights, before root becomes the owner of
	 * the spool.  NULL, or as RUN. */
	int (*prepare)(struct context *ctx);
	/* Returns a code of sysexits.h, EX_USAGE before anything was done. */
	int (*run)(struct context *ctx, int noperands, char *operands[]);
};

extern const struct command command_list;
extern const struct command command_show;
extern const struct command command_flush;
extern const struct command command_drop;
extern const struct command command_hold;
extern const struct command command_release;
extern const struct command command_retry;
extern const struct command command_reroute;
extern const struct command command_requeue;
extern const struct command command_pause;
extern const struct command command_resume;
extern const struct command command_mailq;
extern const struct command command_summary;
extern const struct command command_status;
extern const struct command command_watch;
extern const struct command command_metrics;
extern const struct command command_report;
extern const struct command command_doctor;
extern const struct command command_import;
extern const struct command command_why;
extern const struct command command_log;
extern const struct command command_trace;
extern const struct command command_test;

/* The code of sysexits.h for the negative errno ERR. */
int exit_code(int err);

#endif
