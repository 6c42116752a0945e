/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * What spoolq does itself while no spoold runs: with the spool's lock
 * (invariant 3), and journalled as spoold would.
 */

#ifndef SPOOLQ_DIRECT_H
#define SPOOLQ_DIRECT_H

#include "lib/journal.h"
#include "lib/queue.h"
#include "spoolq/change.h"
#include "spoolq/view.h"

/* What events say of who made them. */
#define DIRECT_NOTE "by spoolq, without spoold"

/* A spool that is ours for the moment. */
struct owned {
	struct spool sp;
	struct journal journal;
	struct view view; /* without its messages */
	int64_t now_us;
};

/* Whether CTX's caller is whom the spool belongs to, as root is meanwhile:
 * others may look at most, and have spoold do what is for them. */
bool direct_is_owner(const struct context *ctx);

/* Say that CTX's caller, who is no owner, may not VERB; EX_NOPERM. */
int direct_refuse(const struct context *ctx, const char *verb);

/* Whether there is anything that CTX's caller could do now: EX_OK, or a code
 * after saying why not. */
int direct_check(const struct context *ctx);

/*
 * Whichever comes first, for as long as a spoold may take to start or to end:
 * a connection to it, EX_OK with *RET_FD that; or the spool is ours, EX_OK
 * with *RET_FD -1.  Else what is wrong has been said.
 */
int direct_open(struct owned *o, const struct context *ctx, int *ret_fd);

/* Let go of the spool; what was journalled is durable then.  A code of
 * sysexits.h. */
int direct_close(struct owned *o);

/* Append an event of KIND about all messages, or RELAY unless NULL, by BY.  0
 * or -errno. */
int direct_record(struct owned *o, enum event_kind kind, const char *relay,
    const char *by);

/* Do R->ch to the N of PACKED, see R. */
void direct_change(struct owned *o, struct change_result *r,
    const uint64_t packed[], size_t n);

#endif
