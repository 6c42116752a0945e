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

#include "spoold/smtp/conn.h"
#include "spoold/smtp/tls.h"

struct tls_context {
	pthread_mutex_t lock; /* of making CTX */
	const char *ca_file;
	SSL_CTX *ctx; /* NULL until the first handshake */
};

struct tls_context *
tls_context_new(const char *ca_file)
{
	struct tls_context *tc = calloc(1, sizeof(*tc));

	if (tc == NULL)
		return NULL;
	(void)pthread_mutex_init(&tc->lock, NULL);
	tc->ca_file = ca_file;
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

static SSL_CTX *
make_ctx(const char *ca_file)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	if (ctx == NULL)
		return NULL;
	if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1)
		goto fail;
	SSL_CTX_set_mode(ctx,
	    SSL_MODE_ENABLE_PARTIAL_WRITE |
		SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	/* Sessions are long and few: resumption would gain nothing. */
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	if (ca_file != NULL ? SSL_CTX_load_verify_file(ctx, ca_file) != 1
			    : SSL_CTX_set_default_verify_paths(ctx) != 1)
		goto fail;
	return ctx;
fail:
	SSL_CTX_free(ctx);
	return NULL;
}

/* The shared context; a failure is tried again by the next session. */
static SSL_CTX *
get_ctx(struct tls_context *tc, struct conn *c)
{
	SSL_CTX *ctx;

	(void)pthread_mutex_lock(&tc->lock);
	if (tc->ctx == NULL) {
		ERR_clear_error();
		tc->ctx = make_ctx(tc->ca_file);
	}
	ctx = tc->ctx;
	(void)pthread_mutex_unlock(&tc->lock);
	if (ctx == NULL)
		conn_kill(c, "cannot load certificates from '%s': %s",
		    tc->ca_file != NULL ? tc->ca_file : "the system's store",
		    tls_error());
	return ctx;
}

/* Whose certificate it has to be: a name is also asked for (SNI). */
static bool
expect_host(SSL *ssl, const char *host)
{
	unsigned char addr[sizeof(struct in6_addr)];

	if (inet_pton(AF_INET, host, addr) == 1 ||
	    inet_pton(AF_INET6, host, addr) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(
			   SSL_get0_param(ssl), host) == 1;
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return SSL_set1_host(ssl, host) == 1 &&
	    SSL_set_tlsext_host_name(ssl, host) == 1;
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
handshake_failed(struct conn *c, const char *host, int err)
{
	long verdict = SSL_get_verify_result(c->ssl);

	if (err == EPROTO && verdict != X509_V_OK &&
	    SSL_get_verify_mode(c->ssl) != SSL_VERIFY_NONE)
		conn_kill(c, "certificate of %s: %s", host,
		    X509_verify_cert_error_string(verdict));
	else if (err == EPROTO)
		conn_kill(c, "TLS handshake: %s", tls_error());
	else
		conn_kill(c, "TLS handshake: %s",
		    err == EPIPE ? "the server closed the connection"
				 : strerror(err));
}

static int
shake(struct conn *c, const char *host, int64_t deadline_ms)
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
			handshake_failed(c, host, err);
			return -1;
		}
		if (conn_wait(c, want, deadline_ms,
			"TLS handshake: no answer in time") < 0)
			return -1;
	}
}

int
tls_handshake(struct tls_context *tc, struct conn *c, const char *host,
    bool is_required, int64_t deadline_ms)
{
	SSL_CTX *ctx = get_ctx(tc, c);

	if (ctx == NULL)
		return -1;
	c->ssl = SSL_new(ctx);
	if (c->ssl == NULL || SSL_set_fd(c->ssl, c->fd) != 1 ||
	    !expect_host(c->ssl, host)) {
		conn_kill(c, "cannot prepare TLS: %s", tls_error());
		return -1;
	}
	SSL_set_verify(
	    c->ssl, is_required ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
	if (shake(c, host, deadline_ms) < 0)
		return -1;
	c->is_verified = SSL_get_verify_result(c->ssl) == X509_V_OK;
	return 0;
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
