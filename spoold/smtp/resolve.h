/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* getaddrinfo(3) with a bound on its time. */

#ifndef SPOOLD_SMTP_RESOLVE_H
#define SPOOLD_SMTP_RESOLVE_H

#include <netdb.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * The stream addresses of HOST (a name, or an IPv4 or IPv6 literal
 * without brackets) and PORT.  Returns 0 and a list for freeaddrinfo(3);
 * 0 and NULL when ABORT_FD became readable; or -1 with *RETERR_WHY a fixed
 * text.  A name is looked up by a thread that outlives the wait if the
 * resolver does not answer by DEADLINE_MS (conn_now_ms()).
 */
int resolve(const char *host, unsigned port, int abort_fd, int64_t deadline_ms,
    struct addrinfo **ret, const char **reterr_why);

#endif
