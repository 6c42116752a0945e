/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * What one call of sendmail has to do with messages: its options, who calls,
 * the configuration, who is who on this machine, the spool.
 */

#ifndef SENDMAIL_JOB_H
#define SENDMAIL_JOB_H

#include "lib/submit.h"
#include "sendmail/caller.h"
#include "sendmail/options.h"

struct job {
	const struct options *opts;
	const struct caller *caller;
	struct config cfg;
	struct identity identity;
	struct user user; /* zeroes before job_find_user() */
	struct spool spool;
	bool has_spool;
	bool is_ascii_only; /* of one that was closed: see lib/identity.h */
};

/* Write a line to standard error, "sendmail: …"; EXIT_CODE. */
int complain(int exit_code, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Each of these is EX_OK, or an exit status after it has been said why.  JOB
 * has its options and caller, else zeroes; job_release() is due in any case.
 */
int job_read_config(struct job *job);
int job_open_spool(struct job *job);
/* Learn who is who; the configuration has been read. */
int job_identify(struct job *job);

/*
 * Learn who calls, unless that is known: it may take seconds, so it is for
 * whoever needs it.  0 or -ENOMEM.
 */
int job_find_user(struct job *job);

/*
 * Open the spool for a look, and close it: 0 if a message could be put there,
 * or -errno with *RETERR_FAULT what is to be said, to be freed (NULL: no
 * memory).
 */
int job_spool_fault(struct job *job, char **reterr_fault);

/* What submit() is to do; borrows from JOB. */
struct submit_options job_submit_options(struct job *job);

/*
 * Make the envelope of the command line: sender, recipients, wishes, times
 * that count from the arrival, which ENV has.  0, or
 * -1 with ERR; ENV is to be released in either case.
 */
int
job_envelope(struct job *job, struct envelope *env, struct submit_error *err);

void job_release(struct job *job);

#endif
