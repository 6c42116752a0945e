/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* What a reply is about, without what differs from message to message. */

#ifndef SPOOLQ_CAUSE_H
#define SPOOLQ_CAUSE_H

/* Room for a cause, with its NUL. */
#define CAUSE_SIZE 121

/*
 * Write REPLY so that equal causes are equal texts: the reply's code and its
 * enhanced status stay, addresses, and words with a digit in them (numbers,
 * ids, host names, times), become "*".  Made harmless, and cut if need be.
 */
void cause_of(const char *reply, char ret[CAUSE_SIZE]);

#endif
