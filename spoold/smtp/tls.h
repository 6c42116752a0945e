/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * TLS for a connection: the only user of OpenSSL.
 *
 * libESMTP's own STARTTLS is not used: it keeps what was said before the
 * handshake, checks the DNS's canonical name, deadlocks on TLS 1.3 tickets
 * and uses freed memory in a second session.
 */

#ifndef SPOOLD_SMTP_TLS_H
#define SPOOLD_SMTP_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct conn;
struct ssl_st;
struct tls_context; /* of all sessions: loading it costs 24 ms */

/* NULL when out of memory.  CA_FILE is borrowed; NULL: the system's store. */
struct tls_context *tls_context_new(const char *ca_file);
void tls_context_free(struct tls_context *tc);

/*
 * Shake hands on C by DEADLINE_MS as HOST, a name or an address literal.
 * With IS_REQUIRED a certificate that is not HOST's fails; else it only
 * shows in C->is_verified.  0, or -1 when C is dead.
 */
int tls_handshake(struct tls_context *tc, struct conn *c, const char *host,
    bool is_required, int64_t deadline_ms);

/*
 * As recv(2) and send(2) on a non-blocking socket; with errno EAGAIN,
 * *RET_WANT is the event to wait for; errno EPROTO: see tls_error().
 */
ssize_t tls_read(struct ssl_st *ssl, void *buf, size_t len, short *ret_want);
ssize_t
tls_write(struct ssl_st *ssl, const void *buf, size_t len, short *ret_want);

/* The root of the calling thread's last TLS failure, as fixed text. */
const char *tls_error(void);

/* Free SSL; IS_ALIVE: say goodbye first (not waited for). */
void tls_end(struct ssl_st *ssl, bool is_alive);

#endif
