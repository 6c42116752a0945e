/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * A job as a message of libESMTP's: part of session.c, the envelope's part.
 * libesmtp.h and what it needs are included before.
 */

#ifndef SPOOLD_SMTP_MESSAGE_H
#define SPOOLD_SMTP_MESSAGE_H

#include "spoold/smtp/capabilities.h"
#include "spoold/smtp/job.h"

/*
 * Choose between SMTPUTF8 and addresses in ASCII for a relay with CAPS, and
 * settle the recipients whose address, or the sender's, it cannot be sent;
 * all of them, if it takes no message of this size.  0 or -ENOMEM.
 */
int message_check(struct job *job, const struct capabilities *caps);

/*
 * A transaction of JOB's may last so long as a whole, in milliseconds: the time
 * of a reply, REPLY_MS, for each of its commands, if seldom for each recipient,
 * and a kilobyte a second.
 */
int64_t message_longest_ms(const struct job *job, int64_t reply_ms);

/*
 * Whether the message of QF, read through by BLOCK of SIZE, has a line over
 * the length that servers have to take; false, too, if it cannot be read.
 */
bool message_has_long_line(const struct qfile *qf, char *block, size_t size);

/*
 * Append JOB to the session LIB, with READ and ARG as its message callback.
 * 0 or -ENOMEM.
 */
int message_add(smtp_session_t lib, struct job *job,
    const struct capabilities *caps, smtp_messagecb_t read, void *arg);

#endif
