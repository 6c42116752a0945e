/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * sendmail -bs: SMTP with a program at the other end of a pipe, or with a
 * client of this machine at the other end of a connection.  Neither is
 * distrusted more than any caller of sendmail; no other machine is served.
 */

#ifndef SENDMAIL_SMTP_H
#define SENDMAIL_SMTP_H

#include <stdio.h>

#include "lib/submit.h"

/*
 * Serve a session with commands from IN_FD and replies to OUT, until QUIT or
 * the end of the input.  Messages are submitted for UID with OPTS, whose time
 * and recipients are the session's own.  Returns an exit status; what
 * went wrong with a message has been said in its reply.
 */
int smtp_serve(const struct spool *sp, const struct submit_options *opts,
    uid_t uid, int in_fd, FILE *out);

/* All that a client hears that cannot be served: see standard error. */
void smtp_turn_away(FILE *out);

#endif
