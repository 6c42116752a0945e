/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "spoold/smtp/conn.h"
#include "spoold/smtp/settings.h"
#include "spoold/smtp/tls.h"
#include "spoold/smtp/verify.h"

/* ca_file, cert_file, key_file */
#define FILES 3
/* A host's name with its NUL. */
#define PLAIN_NAME_MAX 256

/* By which a file that was replaced is known. */
struct stamp {
	dev_t dev;
	ino_t ino;
	struct timespec mtime;
};

struct tls_context {
	const struct relay_settings *rs;
	pthread_mutex_t lock; /* of what follows */
	SSL_CTX *ctx;         /* NULL until the first handshake */
	struct stamp stamps[FILES];
};

struct tls_context *
tls_context_new(const struct relay_settings *rs)
{
	struct tls_context *tc = calloc(1, sizeof(*tc));

	if (tc == NULL)
		return NULL;
	(void)pthread_mutex_init(&tc->lock, NULL);
	tc->rs = rs;
	return tc;
}

void
tls_context_free(struct tls_context *tc)
{
	if (tc == NULL)
		return;
	SSL_CTX_free(tc->ctx);
	(void)pthread_mutex_destroy(&tc->lock);
	free(tc);
}

const char *
tls_error(void)
{
	unsigned long err = ERR_peek_error();
	const char *text;

	/* An error of the system's has its errno in the place of a reason. */
	if (ERR_SYSTEM_ERROR(err))
		return strerror(ERR_GET_REASON(err));
	text = ERR_reason_error_string(err);
	return text != NULL ? text : "protocol error";
}

/* ---- the context ----------------------------------------------------- */

/* A key with a passphrase: nobody is there to be asked for it. */
static int
no_passphrase(char *buf, int size, int is_writing, void *arg)
{
	(void)buf;
	(void)size;
	(void)is_writing;
	(void)arg;
	return -1;
}

static bool
cannot_load(struct conn *c, const char *what, const char *path)
{
	conn_kill(c, "cannot load %s '%s': %s", what, path, tls_error());
	return false;
}

static bool
load_authorities(SSL_CTX *ctx, const struct relay_settings *rs, struct conn *c)
{
	/* With fingerprints nobody asks them. */
	if (rs->npins > 0)
		return true;
	if (rs->ca_file != NULL)
		return SSL_CTX_load_verify_file(ctx, rs->ca_file) == 1 ||
		    cannot_load(c, "ca_file", rs->ca_file);
	return SSL_CTX_set_default_verify_paths(ctx) == 1 ||
	    cannot_load(c, "certificates from", "the system's store");
}

/* The certificate that we show if we are asked for one. */
static bool
load_own(SSL_CTX *ctx, const struct relay_settings *rs, struct conn *c)
{
	const char *key_file = rs->key_file;

	if (rs->cert_file == NULL)
		return true;
	if (SSL_CTX_use_certificate_chain_file(ctx, rs->cert_file) != 1)
		return cannot_load(c, "cert_file", rs->cert_file);
	if (key_file == NULL)
		key_file = rs->cert_file;
	return SSL_CTX_use_PrivateKey_file(ctx, key_file, SSL_FILETYPE_PEM) ==
	    1 ||
	    cannot_load(c, "key_file", key_file);
}

/* NULL, and C is dead, when something cannot be loaded. */
static SSL_CTX *
make_ctx(const struct relay_settings *rs, struct conn *c)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	if (ctx == NULL ||
	    SSL_CTX_set_min_proto_version(ctx,
		rs->tls_min == 13 ? TLS1_3_VERSION : TLS1_2_VERSION) != 1) {
		conn_kill(c, "cannot prepare TLS: %s", tls_error());
		goto fail;
	}
	SSL_CTX_set_mode(ctx,
	    SSL_MODE_ENABLE_PARTIAL_WRITE |
		SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	/* A certificate is looked at once: verify.h. */
	(void)SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION);
	/* Sessions are long and few: resumption would gain nothing. */
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
	verify_install(ctx);
	if (load_authorities(ctx, rs, c) && load_own(ctx, rs, c))
		return ctx;
fail:
	SSL_CTX_free(ctx);
	return NULL;
}

static void
take_stamps(const struct relay_settings *rs, struct stamp stamps[FILES])
{
	const char *const paths[FILES] = { rs->ca_file, rs->cert_file,
		rs->key_file };
	struct stat st;

	memset(stamps, 0, FILES * sizeof(*stamps));
	for (size_t i = 0; i < FILES; i++)
		if (paths[i] != NULL && stat(paths[i], &st) == 0)
			stamps[i] = (struct stamp){
				.dev = st.st_dev,
				.ino = st.st_ino,
				.mtime = st.st_mtim,
			};
}

static bool
is_same_stamp(const struct stamp *a, const struct stamp *b)
{
	return a->dev == b->dev && a->ino == b->ino &&
	    a->mtime.tv_sec == b->mtime.tv_sec &&
	    a->mtime.tv_nsec == b->mtime.tv_nsec;
}

/*
 * A connection by the shared context, which is made again when its files have
 * changed: certificates are renewed while we run.  A failure is tried again
 * by the next session.
 */
static SSL *
new_ssl(struct tls_context *tc, struct conn *c)
{
	struct stamp stamps[FILES];
	bool is_same = true;
	SSL *ssl = NULL;

	take_stamps(tc->rs, stamps);
	(void)pthread_mutex_lock(&tc->lock);
	ERR_clear_error();
	for (size_t i = 0; i < FILES; i++)
		is_same = is_same && is_same_stamp(&stamps[i], &tc->stamps[i]);
	if (tc->ctx == NULL || !is_same) {
		SSL_CTX_free(tc->ctx);
		tc->ctx = make_ctx(tc->rs, c);
		memcpy(tc->stamps, stamps, sizeof(stamps));
	}
	if (tc->ctx != NULL)
		ssl = SSL_new(tc->ctx);
	(void)pthread_mutex_unlock(&tc->lock);
	return ssl;
}

/* ---- the handshake --------------------------------------------------- */

/*
 * NAME as certificates have it: without the dot that ends a whole name in DNS
 * (RFC 6066 §3), and without the zone of an address (RFC 4007 §11).
 */
static void
plain_name(const char *name, char ret[PLAIN_NAME_MAX])
{
	size_t len;

	(void)snprintf(ret, PLAIN_NAME_MAX, "%s", name);
	if (strchr(ret, ':') != NULL)
		ret[strcspn(ret, "%")] = '\0';
	len = strlen(ret);
	if (len > 1 && ret[len - 1] == '.')
		ret[len - 1] = '\0';
}

/* Whose certificate it has to be: a name is also asked for (SNI). */
static bool
expect_peer(SSL *ssl, const struct tls_peer *peer)
{
	char host[PLAIN_NAME_MAX], domain[PLAIN_NAME_MAX] = "";
	unsigned char addr[sizeof(struct in6_addr)];

	plain_name(peer->host, host);
	if (peer->domain != NULL)
		plain_name(peer->domain, domain);
	if (inet_pton(AF_INET, host, addr) == 1 ||
	    inet_pton(AF_INET6, host, addr) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(
			   SSL_get0_param(ssl), host) == 1;
	/* A name is in subjectAltName or nowhere (RFC 9525 §2). */
	SSL_set_hostflags(ssl,
	    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
		X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	if (SSL_set1_host(ssl, peer->is_host_known ? host : domain) != 1 ||
	    SSL_set_tlsext_host_name(ssl, host) != 1)
		return false;
	return peer->domain == NULL || !peer->is_host_known ||
	    SSL_add1_host(ssl, domain) == 1;
}

int
tls_prepare(struct tls_context *tc, struct conn *c, const struct tls_peer *peer)
{
	c->ssl = new_ssl(tc, c);
	if (c->ssl != NULL && SSL_set_fd(c->ssl, c->fd) == 1 &&
	    expect_peer(c->ssl, peer)) {
		SSL_set_verify(c->ssl,
		    peer->is_required || tc->rs->npins > 0 ? SSL_VERIFY_PEER
							   : SSL_VERIFY_NONE,
		    NULL);
		return 0;
	}
	conn_kill(c, "cannot prepare TLS: %s", tls_error());
	return -1;
}

/* errno for a TLS call that returned RET; *RET_WANT as tls_read(). */
static int
classify(SSL *ssl, int ret, short *ret_want)
{
	int err = errno;

	switch (SSL_get_error(ssl, ret)) {
	case SSL_ERROR_WANT_READ:
		*ret_want = POLLIN;
		return EAGAIN;
	case SSL_ERROR_WANT_WRITE:
		*ret_want = POLLOUT;
		return EAGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return EPIPE;
	case SSL_ERROR_SYSCALL:
		return err != 0 ? err : EPIPE;
	default:
		if (ERR_GET_REASON(ERR_peek_last_error()) ==
		    SSL_R_UNEXPECTED_EOF_WHILE_READING)
			return EPIPE;
		return EPROTO;
	}
}

ssize_t
tls_read(SSL *ssl, void *buf, size_t len, short *ret_want)
{
	int n;

	ERR_clear_error();
	errno = 0;
	n = SSL_read(ssl, buf, (int)len);
	if (n > 0)
		return n;
	errno = classify(ssl, n, ret_want);
	return -1;
}

ssize_t
tls_write(SSL *ssl, const void *buf, size_t len, short *ret_want)
{
	int n;

	ERR_clear_error();
	errno = 0;
	n = SSL_write(ssl, buf, (int)len);
	if (n > 0)
		return n;
	errno = classify(ssl, n, ret_want);
	return -1;
}

static void
handshake_failed(struct conn *c, const struct verdict *verdict, int err)
{
	if (err == EPROTO && !verdict->is_good && verdict->why[0] != '\0' &&
	    SSL_get_verify_mode(c->ssl) != SSL_VERIFY_NONE)
		conn_kill(c, "%s", verdict->why);
	else if (err == EPROTO)
		conn_kill(c, "TLS handshake: %s", tls_error());
	else
		conn_kill(c, "TLS handshake: %s",
		    err == EPIPE ? "the server closed the connection"
				 : strerror(err));
}

static int
shake(struct conn *c, const struct verdict *verdict, int64_t deadline_ms)
{
	short want;
	int ret, err;

	for (;;) {
		ERR_clear_error();
		errno = 0;
		ret = SSL_connect(c->ssl);
		if (ret == 1)
			return 0;
		err = classify(c->ssl, ret, &want);
		if (err != EAGAIN) {
			handshake_failed(c, verdict, err);
			return -1;
		}
		if (conn_wait(c, want, deadline_ms,
			"TLS handshake: no answer in time") < 0)
			return -1;
	}
}

int
tls_handshake(struct conn *c, const struct tls_peer *peer, int64_t deadline_ms)
{
	struct verdict verdict = {
		.rs = peer->rs,
		.host = peer->host,
		.domain = peer->domain,
	};
	int result;

	verify_expect(c->ssl, &verdict);
	conn_begin_wait(c);
	result = shake(c, &verdict, deadline_ms);
	conn_end_wait(c);
	verify_expect(c->ssl, NULL);
	c->is_verified = result == 0 && verdict.is_good;
	return result;
}

void
tls_end(SSL *ssl, bool is_alive)
{
	ERR_clear_error();
	if (is_alive && SSL_is_init_finished(ssl))
		(void)SSL_shutdown(ssl);
	SSL_free(ssl);
	ERR_clear_error();
}
