/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* spoold's command line: spoold(8). */

#ifndef SPOOLD_OPTIONS_H
#define SPOOLD_OPTIONS_H

#include <stdbool.h>

#include "lib/conf.h"
#include "spoold/spoolgore.h"

struct options {
	const char *config; /* -C; NULL: the default, which may be missing */
	const char *spool;  /* operand; NULL: the configuration's */
	bool once, drain;   /* --once, --drain */
	bool daemon;
	bool check; /* --check-config */
	int log_level;
	struct spoolgore spoolgore;
};

/*
 * Parse the command line.  Settings (--relay and so on) are kept for
 * options_apply(), for the file is read first.  0, or an exit status after
 * one line on standard error, or -1: --help or --version was answered.
 */
int options_parse(struct options *opts, int argc, char *argv[]);

/* Set what the command line says over what the file said.  As config_set(). */
int options_apply(
    struct config *cfg, int argc, char *argv[], struct config_error *err);

#endif
