/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The calls of the C library that libESMTP is diverted from.
 *
 * libesmtp.so imports getaddrinfo, socket, connect, read, write, poll, close
 * and dlopen; the executable exports functions of these names, which the
 * dynamic linker finds first.  While a thread is inside libESMTP they act on
 * the thread's transport; at any other time, and for any other descriptor,
 * they are the C library's own.
 *
 * dlopen: libESMTP 1.1.0 looks for sasl-cram-md5.so where the package has
 * sasl-crammd5.so, so CRAM-MD5 never loads; the second name is tried when
 * the first is not there.
 */

#ifndef SPOOLD_SMTP_HOOKS_H
#define SPOOLD_SMTP_HOOKS_H

struct transport;

enum {
	HOOK_GETADDRINFO = 1,
	HOOK_SOCKET = 2,
	HOOK_CONNECT = 4,
	HOOK_READ = 8,
	HOOK_WRITE = 16,
	HOOK_POLL = 32,
	HOOK_CLOSE = 64,
	HOOK_ALL = 127,
};

/*
 * Divert the calling thread to T until it is called with NULL.  Callbacks
 * of libESMTP's run diverted; T's own calls are not.
 */
void hooks_divert(struct transport *t);

/* The names of the hooks that are not in HITS, in BUF. */
void hooks_missing(unsigned hits, char *buf, unsigned long size);

#endif
