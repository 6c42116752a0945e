/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* Sockets that are connected: TCP from an address of choice, and Unix. */

#ifndef SPOOLD_SMTP_DIAL_H
#define SPOOLD_SMTP_DIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "spoold/smtp/conn.h"

/*
 * Connect C to ADDR by DEADLINE_MS, from the address SOURCE unless that is
 * NULL.  0, or -1 when C is dead.
 */
int dial(struct conn *c, const struct sockaddr *addr, socklen_t addr_len,
    const char *source, int64_t deadline_ms);

/* The same with the Unix socket PATH. */
int dial_unix(struct conn *c, const char *path, int64_t deadline_ms);

/* Whether what has FAMILY can be connected to from SOURCE (NULL: any). */
bool dial_fits(int family, const char *source);

/*
 * Our own address as EHLO wants it when there is no name: "[192.0.2.5]",
 * "[IPv6:2001:db8::5]" (RFC 5321 §4.1.3).  -1 if C has none.
 */
int dial_own_literal(const struct conn *c, char *buf, size_t size);

#endif
