/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Waiting until messages have left: --wait.  The journal says what becomes of
 * them; a look at the files now and then, that nothing was missed.
 */

#ifndef SPOOLQ_WAIT_H
#define SPOOLQ_WAIT_H

#include "spoolq/select.h"

struct wait;

/* EX_OK if a spoold serves CTX's spool; else that is said. */
int wait_needs_spoold(const struct context *ctx);

/*
 * Begin to watch: what happens from now on is seen by wait_for().  EX_OK, or a
 * code of sysexits.h, and what is wrong has been said.
 */
int wait_open(struct wait **ret, const struct context *ctx);

/*
 * Wait for those of SET that are marked MARK, at most TIMEOUT_S (0: as long as
 * it takes), until SIGINT, or until there is no spoold any more; their marks
 * are used up.  Progress is shown on standard error, and the sum on standard
 * output.  EX_OK: all have left; EX_TEMPFAIL: some have failed, or are left.
 */
int
wait_for(struct wait *w, struct idset *set, uint8_t mark, unsigned timeout_s);

/* NULL is fine. */
void wait_close(struct wait *w);

#endif
