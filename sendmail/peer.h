/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Who is at the other end of an SMTP session: a program at a pipe, or, when
 * systemd(1) starts sendmail for each connection to a port, a TCP client.
 */

#ifndef SENDMAIL_PEER_H
#define SENDMAIL_PEER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct peer {
	bool is_network;  /* FD is a socket of IPv4 or IPv6 */
	bool is_loopback; /* … whose other end is this machine */
	bool has_uid;     /* UID is known */
	uid_t uid;        /* who owns that other end */
	/* "127.0.0.1" or, as RFC 5321 has it, "IPv6:::1"; "unknown" when the
	 * other end is gone already; "" for a pipe. */
	char address[INET6_ADDRSTRLEN + 5];
};

/*
 * Look at FD.  What cannot be looked at is a network, and no loopback: then
 * nothing is trusted that should not be.
 */
void peer_look(int fd, struct peer *ret);

/*
 * A Received field for a message from PEER, which calls itself HELO (any
 * bytes; "": nothing), taken by HOST with the protocol WITH at NOW_US.  LF
 * lines; a new string, or NULL when out of memory.
 */
char *peer_received(const struct peer *peer, const char *helo, const char *host,
    const char *with, int64_t now_us);

#endif
