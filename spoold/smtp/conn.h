/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * A connection to a server: a socket, TLS over it or not, a buffer either
 * way, a deadline for everything, and replies read through the normaliser.
 *
 * Nothing here knows libESMTP or the order of SMTP's commands.  The first
 * failure is final: the connection is dead from then on, every call fails,
 * and WHY says what happened first.  One thread uses a connection; what
 * cuts it short from outside is a descriptor that it polls along, or, where it
 * only waits for input, its group, which shuts its socket down.
 */

#ifndef SPOOLD_SMTP_CONN_H
#define SPOOLD_SMTP_CONN_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "spoold/smtp/normalise.h"

struct ssl_st; /* OpenSSL's SSL */

/* What is written is collected up to here, whole messages if they fit. */
#define CONN_OUT_MAX 65536
#define CONN_IN_MAX 65536
#define CONN_WHY_MAX 1200
#define CONN_PEER_MAX 400
#define CONN_HOST_MAX 271    /* HOST_KEY_MAX */
#define CONN_SECRET_MAX 8192 /* SECRET_MAX */

/* Connections that may wait in recv(2), which no other descriptor ends. */
struct conn_group {
	pthread_mutex_t lock;
	LIST_HEAD(, conn) conns;
	bool is_cut; /* by conn_group_cut() */
};

struct conn {
	int fd;                   /* -1: not connected */
	int abort_fd;             /* readable: stop everything; -1: none */
	struct ssl_st *ssl;       /* NULL: plaintext */
	struct conn_group *group; /* NULL: it polls */
	LIST_ENTRY(conn) link;    /* of the group */
	int64_t recv_ms;          /* its SO_RCVTIMEO; 0: none was set */
	bool is_blocking;         /* its descriptor */
	int64_t reply_timeout_ms;
	/* No wait goes on behind this, each for itself may be short enough:
	   conn_now_ms(), 0: no such end. */
	int64_t cut_ms;
	/*
	 * Called once a wait for a reply, or for the server to read, has
	 * lasted SLOW_AFTER_MS (0: never), with true, and when that wait ends,
	 * however it does, with false.  It may not use the connection.
	 */
	void (*on_slow)(void *arg, bool is_slow);
	void *slow_arg;
	int64_t slow_after_ms;
	int64_t slow_at_ms; /* the wait that runs becomes slow; 0: none runs */
	bool is_slow;       /* and it has */
	bool is_loopback;   /* the peer is this machine */
	bool is_verified;   /* TLS, and the certificate is the host's */
	bool is_aborted;    /* dead because we were asked to stop */
	bool is_login_trouble; /* dead because of our login */
	bool is_dead;
	bool has_last_words;      /* dead, and norm.reply says why */
	bool is_secret;           /* wipe what was written once it is out */
	bool is_asking;           /* what was written last has no answer yet */
	char peer[CONN_PEER_MAX]; /* "mail.example[192.0.2.1]:25" */
	char host[CONN_HOST_MAX]; /* for hosts_blame(); "": none yet … */
	unsigned host_rank;       /* … and its rank */
	int64_t since_ms;         /* when HOST was ready for mail */
	char why[CONN_WHY_MAX];   /* one clause, when dead */
	struct normaliser norm;   /* its reply: the last one read */
	size_t in_start;
	size_t in_end;
	size_t out_len;
	char secret[CONN_SECRET_MAX + 1]; /* for conn_said(); "": none */
	char in[CONN_IN_MAX];
	char out[CONN_OUT_MAX];
};

/*
 * A connection that is not connected; NULL when out of memory.  ABORT_FD is
 * borrowed.
 */
struct conn *conn_new(int abort_fd, int64_t reply_timeout_ms);

/*
 * From now on C, which is connected, waits for replies in recv(2): a system
 * call and the wait for two descriptors less for each.  Over TLS it goes on as
 * before.
 */
void conn_join(struct conn *c, struct conn_group *group);

/* Let nothing of GROUP wait any more: with abort_fd, the end of all. */
void conn_group_cut(struct conn_group *group);

/* Close and free; NULL is fine.  TLS is told so, but not waited for. */
void conn_free(struct conn *c);

/* Forget a failed attempt, to try the next address. */
void conn_reset(struct conn *c);

/* Milliseconds on a clock that only goes forward. */
int64_t conn_now_ms(void);

/*
 * Wait until one of EVENTS (as poll(2)) is possible.  0, or -1 when C is
 * dead; LATE is the reason if DEADLINE_MS passes.
 */
int
conn_wait(struct conn *c, short events, int64_t deadline_ms, const char *late);

/* Append to what is to be written; flushes when full.  0 or -1. */
int conn_put(struct conn *c, const void *bytes, size_t len);

/* Write out what was put.  0 or -1. */
int conn_flush(struct conn *c);

/*
 * Read one reply into C->norm.reply, by DEADLINE_MS as a whole.  0 or -1.
 */
int conn_reply(struct conn *c, int64_t deadline_ms);

/*
 * Whether the connection is alive and the server has said nothing that was
 * not asked for.  Does not wait.  When it is not so, C is dead, with the
 * server's words if they are a reply.
 */
bool conn_is_quiet(struct conn *c);

/*
 * Our password or token, which C's server may repeat: kept, and wiped by
 * conn_free().
 */
void conn_set_secret(struct conn *c, const char *secret);

/* The last reply for people, as reply_describe(), without the secret. */
char *conn_said(const struct conn *c);

/* Whether input is there that nobody read; does not look at the socket. */
bool conn_has_input(const struct conn *c);

/* Declare C dead; only the first reason counts. */
void conn_kill(struct conn *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * A wait for the server begins, and ends: what is called with C's on_slow in
 * between is conn_wait()'s business.  conn_flush() and conn_reply() do both.
 */
void conn_begin_wait(struct conn *c);
void conn_end_wait(struct conn *c);

/* Put "WHAT: " before the reason of a dead C. */
void conn_blame(struct conn *c, const char *what);

#endif
