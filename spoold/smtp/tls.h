/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * TLS for a connection; with verify.c the only user of OpenSSL.
 *
 * libESMTP's own STARTTLS is not used: it keeps what was said before the
 * handshake, checks the DNS's canonical name, deadlocks on TLS 1.3 tickets
 * and uses freed memory in a second session.
 */

#ifndef SPOOLD_SMTP_TLS_H
#define SPOOLD_SMTP_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct conn;
struct relay_settings;
struct ssl_st;
struct tls_context; /* of all sessions: loading it costs 24 ms */

/* NULL when out of memory.  RS is borrowed. */
struct tls_context *tls_context_new(const struct relay_settings *rs);
void tls_context_free(struct tls_context *tc);

/* Whose certificate it has to be. */
struct tls_peer {
	const struct relay_settings *rs;
	const char *host;   /* name or address literal, also told (SNI) */
	const char *domain; /* the certificate may be its instead; or NULL */
	bool is_host_known; /* false: it is HOST only because an unsigned
			       answer of DNS said so, DOMAIN has to do */
	bool is_required;   /* false: a wrong one only shows in is_verified */
};

/*
 * Make C ready for a handshake with PEER: 0, or -1 when C is dead because of
 * what is wrong here: a file cannot be loaded.  A file that has changed is
 * loaded again.
 */
int tls_prepare(
    struct tls_context *tc, struct conn *c, const struct tls_peer *peer);

/*
 * Shake hands on C, which tls_prepare() has made ready, by DEADLINE_MS.  With
 * fingerprints in the settings one of them has to be the certificate's, and
 * nothing else counts.  0, or -1 when C is dead.
 */
int
tls_handshake(struct conn *c, const struct tls_peer *peer, int64_t deadline_ms);

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
