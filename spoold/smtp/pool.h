/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The jobs that wait and the sessions that work them off.
 *
 * A session is a thread.  One more is started when a job waits that no idle
 * session will take, up to the relay's limit; it then takes job after job,
 * over one connection after another, and ends when there is none.
 *
 * A session that waits long for the relay does not count (doc/SPOOL.md,
 * invariant 6), up to a second, higher limit: what the relay stalls on does
 * not hold back the rest.  When its wait is over and there are too many, the
 * next that is between two messages ends.
 */

#ifndef SPOOLD_SMTP_POOL_H
#define SPOOLD_SMTP_POOL_H

#include <pthread.h>
#include <stdbool.h>

#include "lib/spool.h"
#include "spoold/smtp/conn.h"
#include "spoold/smtp/job.h"
#include "spoold/smtp/say.h"
#include "spoold/smtp/settings.h"

struct tls_context;

struct pool {
	/* Read-only once the first job is there. */
	const struct relay_settings *rs;
	const struct spool *sp;
	struct tls_context *tc;
	struct say *say;
	unsigned mechanisms; /* AUTH plug-ins that there are */
	int abort_fd;        /* becomes readable to cut sessions short */
	struct conn_group conns;

	int ended_fd; /* readable when the last session ended */

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t has_work;
	struct job_list waiting;
	unsigned waiting_count;
	unsigned idle_count;
	unsigned starting_count; /* of the sessions: not at work yet */
	unsigned session_count;
	unsigned slow_count;    /* of them: they wait for the relay */
	unsigned leaving_count; /* of them: told to end */
	unsigned told_slow;     /* what "slow" was said last */
	bool has_told_utf8;
	bool has_utf8; /* what was told */
	bool has_left;
	pthread_t left; /* the last thread that ended, not joined */
	bool is_stopping;
};

/* 0 or -errno. */
int pool_init(struct pool *pool, const struct relay_settings *rs,
    const struct spool *sp, struct tls_context *tc, struct say *say);

/* Only after pool_stop() and once pool_wait() said so. */
void pool_release(struct pool *pool);

/* Have JOB done; it belongs to the pool now. */
void pool_add(struct pool *pool, struct job *job);

/* Hand back what waits, take no more; what runs goes on. */
void pool_stop(struct pool *pool);

/* pool_stop(), and cut short what runs. */
void pool_abort(struct pool *pool);

/*
 * Wait until no session is left (true) or FD is readable (false); FD may be
 * -1.
 */
bool pool_wait(struct pool *pool, int fd);

/* ---- for sessions ---------------------------------------------------- */

/*
 * The next job, waited for up to WAIT_MS; NULL if there is none, or if the
 * calling session is one too many, which *RET_IS_LEAVING tells: its thread
 * has to end.
 */
struct job *
pool_next(struct pool *pool, unsigned wait_ms, bool *ret_is_leaving);

/*
 * The calling session has waited long for the relay, or its wait is over: it
 * gives its place to another one, up to connections_max, and takes it back.
 */
void pool_slow(struct pool *pool, bool is_slow);

/* Wait for REST_MS, or until pool_abort(). */
void pool_rest(const struct pool *pool, unsigned rest_ms);

/* Tell spoold whether the relay offers SMTPUTF8, if that is news. */
void pool_tell_utf8(struct pool *pool, bool has_utf8);

/* The relay answers: if jobs wait, others may connect to it, too. */
void pool_connected(struct pool *pool);

#endif
