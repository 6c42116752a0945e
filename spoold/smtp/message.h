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
 * Settle the recipients whose address, or the sender's, cannot be sent:
 * libESMTP writes what it is given.
 */
void message_check_addresses(struct job *job);

/*
 * Append JOB to the session LIB, with READ and ARG as its message callback.
 * 0 or -ENOMEM.
 */
int message_add(smtp_session_t lib, struct job *job,
    const struct capabilities *caps, smtp_messagecb_t read, void *arg);

#endif
