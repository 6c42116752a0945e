/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Looking whether a relay is well, without sending anything: each of its
 * hosts is resolved, each address connected to and talked to up to the login,
 * which is tried once, before a server takes it amiss.  What comes of it is
 * said as spoold/agent-protocol.h has it.
 */

#ifndef SPOOLD_SMTP_PROBE_H
#define SPOOLD_SMTP_PROBE_H

#include "spoold/smtp/say.h"
#include "spoold/smtp/settings.h"
#include "spoold/smtp/tls.h"

/*
 * Probe the relay of RS, LIMIT_S seconds long at most; MECHANISMS are what
 * libESMTP has of them.  Ends early when standard input does.  0 or -ENOMEM.
 */
int probe_run(const struct relay_settings *rs, struct tls_context *tc,
    unsigned mechanisms, unsigned limit_s, struct say *say);

#endif
