/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * sendmail --explain: say what would become of a message, and do nothing.
 *
 * A set-group-id sendmail explains with the rights of its caller: it reads the
 * configuration with its own, for that decides, and then gives them up before
 * anything else is looked at.  If the caller may not read the configuration
 * himself, what would come from nowhere else is not shown: the relay, the
 * spool, what is wrong with the files that it names.  Nor are the recipients
 * when one of them is local: even how many there are would tell who guesses
 * where a name leads that the guess is right.
 */

#ifndef SENDMAIL_EXPLAIN_H
#define SENDMAIL_EXPLAIN_H

#include "sendmail/job.h"

/*
 * Explain the message on standard input to OUT.  JOB has options and caller
 * only.  Returns the exit status that queueing it would have had, after the
 * line on standard error that this would have written.
 */
int explain_run(struct job *job, FILE *out);

#endif
