/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* What to do with a message that nobody wants. */

#ifndef SENDMAIL_DRAIN_H
#define SENDMAIL_DRAIN_H

/*
 * Read and forget what a writer at the other end of FD has still to say, or
 * SIGPIPE would kill it before it sees our exit status.  Ends at the end of
 * file, after a second of silence, or when it is too much or takes too long:
 * ten seconds at most.  Only pipes and sockets have such a writer.
 */
void drain_input(int fd);

#endif
