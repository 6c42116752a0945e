/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* getaddrinfo(3) with a bound on its time. */

#ifndef SPOOLD_SMTP_RESOLVE_H
#define SPOOLD_SMTP_RESOLVE_H

#include <netdb.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The stream addresses of HOST (a name, or an IPv4 or IPv6 literal
 * without brackets) and PORT.  Returns 0 and a list for freeaddrinfo(3);
 * -ECANCELED when ABORT_FD became readable; or -1 with *RETERR_WHY a fixed
 * text, also if the resolver has not answered by DEADLINE_MS (conn_now_ms()).
 */
int resolve(const char *host, unsigned port, int abort_fd, int64_t deadline_ms,
    struct addrinfo **ret, const char **reterr_why);

/*
 * The whole name of this machine, which calls itself NAME: with a dot, and
 * not "localhost".  0 or -1 when none is known by DEADLINE_MS.
 */
int resolve_own_name(const char *name, int abort_fd, int64_t deadline_ms,
    char *ret, size_t size);

#endif
