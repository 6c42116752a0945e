/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* A message's bytes, from its queue file to the server. */

#ifndef SPOOLD_SMTP_CONTENT_H
#define SPOOLD_SMTP_CONTENT_H

#include <stdbool.h>

#include "spoold/smtp/transport.h"

struct qfile;

/*
 * Send the message of QF, for libESMTP's message callback; IS_FOLDED: with
 * its long lines broken (lib/fold.h).  0, or -EIO when it must not be
 * completed; T's connection is dead then.
 */
int content_send(struct transport *t, const struct qfile *qf, bool is_folded);

#endif
