/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The command line of Spoolgore, the Go program that sent the mail that lay in
 * a directory:
 *
 *	-smtpaddr HOST:PORT [-smtpuser USER -smtppassword PASSWORD |
 *	    -smtpmd5user USER -smtpmd5password PASSWORD] … DIRECTORY
 *
 * Who starts spoold like that has no configuration, and gets none.
 */

#ifndef SPOOLD_SPOOLGORE_H
#define SPOOLD_SPOOLGORE_H

#include <stdbool.h>

#include "lib/conf.h"

struct spoolgore {
	bool is_meant; /* one of these was given */
	const char *addr;
	const char *user, *password;         /* by PLAIN; goes before … */
	const char *md5_user, *md5_password; /* … CRAM-MD5 */
};

/*
 * A copy of ARGV, for spoolgore_forget(); the passwords of ARGV itself, which
 * everybody may read in the list of processes, are overwritten.  NULL when out
 * of memory; they are gone then, too.
 */
char **spoolgore_hide(int argc, char *argv[]);

/* Wipe and free the copy; NULL is fine. */
void spoolgore_forget(char **copy);

/*
 * What is missing of SG, if it is meant, with SPOOL its directory, which may be
 * NULL if the file CONFIG is not: 0, or an exit status after one line on
 * standard error.  A password draws a hint to what is better, and is kept out
 * of core files from now on.
 */
int spoolgore_check(
    const struct spoolgore *sg, const char *config, const char *spool);

/*
 * As config_load(), of SG: without CONFIG no file is read, and the relay is the
 * one of the command line, with TLS if it has that, and if so with a
 * certificate that is its own.
 */
int spoolgore_load(struct config *cfg, const struct spoolgore *sg,
    const char *config, const char *spool, struct config_error *err);

#endif
