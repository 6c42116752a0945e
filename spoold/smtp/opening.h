/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * From a relay's hosts to a server that is ready for MAIL, or for libESMTP's
 * AUTH: the first host that does not rest (hosts.h), resolution, the first
 * address that answers, greeting, EHLO or HELO, TLS, a login by token.
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
 * dead: its WHY is the whole reason then, of every host that was tried
 * ("connect to 192.0.2.1:25: Connection refused").  What goes wrong later and
 * is the host's fault, as a login that is refused, is for hosts_blame() with
 * C's HOST.
 */
int opening_run(struct conn *c, const struct relay_settings *rs,
    struct tls_context *tc, struct capabilities *ret);

#endif
