/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * From a host's name to a server that is ready for AUTH or MAIL: resolution,
 * the first address that answers, greeting, EHLO or HELO, TLS.
 *
 * Done without libESMTP, which hides what went wrong, so that the reason
 * can be told exactly.
 */

#ifndef SPOOLD_SMTP_OPENING_H
#define SPOOLD_SMTP_OPENING_H

#include "spoold/smtp/capabilities.h"
#include "spoold/smtp/conn.h"
#include "spoold/smtp/settings.h"

struct tls_context;

/*
 * Open C to the relay of RS.  0, with what it offers in *RET, or -1 when C is
 * dead: its WHY is the whole reason then ("connect to 192.0.2.1:25:
 * Connection refused").
 */
int opening_run(struct conn *c, const struct relay_settings *rs,
    struct tls_context *tc, struct capabilities *ret);

#endif
