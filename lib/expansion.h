/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * From the recipients that a caller names to those of an envelope: each once,
 * local ones as far as the aliases lead.
 *
 * Whom the envelope has, and which aliases have been followed for it, is kept
 * between the calls that fill it: twenty thousand names of one long alias
 * cost no more than the alias and the names.  Nothing recurses.
 */

#ifndef SPOOL_EXPANSION_H
#define SPOOL_EXPANSION_H

#include "lib/address.h"
#include "lib/envelope.h"
#include "lib/identity.h"

struct expansion;

/*
 * Make ID's expansion be about ENV: go on if ENV is as expansion_pause() saw
 * it, else learn its recipients.  0 or -ENOMEM.
 */
int expansion_resume(struct identity *id, struct envelope *env);

/*
 * Begin anew, whatever was before, and drop the recipients of ENV that are
 * there twice.  0 or -ENOMEM; ENV may then still have some twice.
 */
int expansion_restart(struct identity *id, struct envelope *env);

/* What has been added so far is to stay. */
void expansion_pause(struct identity *id);

/* Forget all: after a failure, or when ENV ends. */
void expansion_end(struct identity *id);

/*
 * Append to the envelope where BOX leads, unless it has that.  Those that an
 * alias has led to get an orcpt.  The aliases have been read if BOX is local.
 * 0, -ENOMEM, -EINVAL if BOX cannot be sent to, with *RETERR_WHY a fixed text.
 *
 * A member of an alias that is refused, is no address, cannot be sent to or
 * leads nowhere is told to ID->warn, and what it should have got goes to the
 * postmaster, see routes_fallback().  -ENOENT if there is none, or if BOX
 * itself leads nowhere.
 */
int expansion_add(
    struct identity *id, const struct mailbox *box, const char **reterr_why);

/* NULL is fine. */
void expansion_free(struct expansion *ex);

#endif
