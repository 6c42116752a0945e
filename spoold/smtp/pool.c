/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "spoold/smtp/pool.h"
#include "spoold/smtp/session.h"
#include "spoold/smtp/threads.h"

int
pool_init(struct pool *pool, const struct relay_settings *rs,
    const struct spool *sp, struct tls_context *tc, struct say *say)
{
	pthread_condattr_t attr;

	memset(pool, 0, sizeof(*pool));
	pool->rs = rs;
	pool->sp = sp;
	pool->tc = tc;
	pool->say = say;
	pool->abort_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (pool->abort_fd < 0)
		return -errno;
	pool->ended_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (pool->ended_fd < 0) {
		int err = -errno;

		(void)close(pool->abort_fd);
		return err;
	}
	LIST_INIT(&pool->conns.conns);
	(void)pthread_mutex_init(&pool->conns.lock, NULL);
	TAILQ_INIT(&pool->waiting);
	(void)pthread_mutex_init(&pool->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&pool->has_work, &attr);
	(void)pthread_condattr_destroy(&attr);
	return 0;
}

void
pool_release(struct pool *pool)
{
	if (pool->has_left)
		(void)pthread_join(pool->left, NULL);
	(void)close(pool->abort_fd);
	(void)close(pool->ended_fd);
	(void)pthread_cond_destroy(&pool->has_work);
	(void)pthread_mutex_destroy(&pool->lock);
	(void)pthread_mutex_destroy(&pool->conns.lock);
}

/* The first of the waiting jobs; the lock is held. */
static struct job *
take_first(struct pool *pool)
{
	struct job *job = TAILQ_FIRST(&pool->waiting);

	if (job == NULL)
		return NULL;
	TAILQ_REMOVE(&pool->waiting, job, link);
	pool->waiting_count--;
	return job;
}

/* Move all that wait to LIST, to be handed back; the lock is held. */
static void
take_all(struct pool *pool, struct job_list *list)
{
	TAILQ_INIT(list);
	TAILQ_CONCAT(list, &pool->waiting, link);
	pool->waiting_count = 0;
}

static void
hand_back(struct job_list *list, const char *why, const char *reason)
{
	struct job *job;

	while ((job = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, job, link);
		job_back(job, why, reason);
	}
}

/* So many sessions there may be; the lock is held. */
static unsigned
limit_of(const struct pool *pool)
{
	unsigned limit = pool->rs->connections + pool->slow_count;
	unsigned max = pool->rs->connections_max;

	if (max < pool->rs->connections)
		max = pool->rs->connections;
	return limit < max ? limit : max;
}

/*
 * Whether the calling session is one too many, for others are not slow any
 * more; then it is counted as leaving.  The lock is held.
 */
static bool
is_surplus(struct pool *pool)
{
	if (pool->session_count - pool->leaving_count <= limit_of(pool))
		return false;
	pool->leaving_count++;
	return true;
}

/* Wait for a job; the lock is held. */
static struct job *
await(struct pool *pool, unsigned wait_ms)
{
	struct timespec until;
	int err = 0;

	if (pool->waiting_count > 0 || wait_ms == 0)
		return take_first(pool);
	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += wait_ms / 1000;
	until.tv_nsec += (long)(wait_ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pool->idle_count++;
	while (pool->waiting_count == 0 && !pool->is_stopping && err == 0)
		err = pthread_cond_timedwait(
		    &pool->has_work, &pool->lock, &until);
	pool->idle_count--;
	return take_first(pool);
}

struct job *
pool_next(struct pool *pool, unsigned wait_ms, bool *ret_is_leaving)
{
	struct job *job = NULL;

	(void)pthread_mutex_lock(&pool->lock);
	*ret_is_leaving = is_surplus(pool);
	if (!*ret_is_leaving)
		job = await(pool, wait_ms);
	(void)pthread_mutex_unlock(&pool->lock);
	return job;
}

/*
 * Account for the end of this thread; the lock is held and released.  Each
 * thread waits for the one that ended before it, and pool_release() for the
 * last: so no thread is in its last steps when the process ends.
 */
static void
leave(struct pool *pool)
{
	bool has_left = pool->has_left;
	pthread_t before = pool->left;

	pool->has_left = true;
	pool->left = pthread_self();
	if (--pool->session_count == 0)
		(void)eventfd_write(pool->ended_fd, 1);
	(void)pthread_mutex_unlock(&pool->lock);
	if (has_left)
		(void)pthread_join(before, NULL);
}

/* End the thread unless a job has come meanwhile. */
static bool
leave_if_idle(struct pool *pool)
{
	(void)pthread_mutex_lock(&pool->lock);
	if (pool->waiting_count == 0) {
		leave(pool);
		return true;
	}
	(void)pthread_mutex_unlock(&pool->lock);
	return false;
}

/*
 * End the thread because the relay cannot be reached.  Other sessions may be
 * luckier; the last one gives up for all jobs that wait.  WHY as job_back().
 */
static void
give_up(struct pool *pool, const char *why, const char *reason)
{
	struct job_list list;

	for (;;) {
		(void)pthread_mutex_lock(&pool->lock);
		if (pool->session_count > 1 || pool->waiting_count == 0)
			break;
		take_all(pool, &list);
		(void)pthread_mutex_unlock(&pool->lock);
		hand_back(&list, why, reason);
	}
	leave(pool);
}

/* End the thread because it is_surplus(). */
static void
give_way(struct pool *pool)
{
	(void)pthread_mutex_lock(&pool->lock);
	pool->leaving_count--;
	leave(pool);
}

static void *
work(void *arg)
{
	struct pool *pool = arg;
	struct session_end end = { 0 };

	(void)pthread_mutex_lock(&pool->lock);
	pool->starting_count--;
	end.carry = take_first(pool);
	(void)pthread_mutex_unlock(&pool->lock);
	while (end.trouble == NULL && !end.is_leaving) {
		if (end.carry != NULL)
			end = session_run(pool, end.carry);
		else if ((end.carry = pool_next(pool, 0, &end.is_leaving)) ==
			NULL &&
		    !end.is_leaving && leave_if_idle(pool))
			return NULL;
	}
	if (end.is_leaving)
		give_way(pool);
	else
		give_up(pool, end.is_login ? "login" : "relay", end.trouble);
	free(end.trouble);
	return NULL;
}

/* Start a session if a job needs one; the lock is held. */
static void
start_one(struct pool *pool)
{
	pthread_t thread;

	if (pool->is_stopping ||
	    pool->waiting_count <= pool->idle_count + pool->starting_count ||
	    pool->session_count >= limit_of(pool))
		return;
	if (thread_start(work, pool, &thread) < 0)
		return;
	pool->session_count++;
	pool->starting_count++;
}

void
pool_connected(struct pool *pool)
{
	(void)pthread_mutex_lock(&pool->lock);
	start_one(pool);
	(void)pthread_mutex_unlock(&pool->lock);
}

void
pool_slow(struct pool *pool, bool is_slow)
{
	char count[12];
	unsigned more;

	(void)pthread_mutex_lock(&pool->lock);
	if (is_slow)
		pool->slow_count++;
	else
		pool->slow_count--;
	more = limit_of(pool) - pool->rs->connections;
	(void)snprintf(count, sizeof(count), "%u", more);
	/* Under the lock, so that the last one said is right. */
	if (more != pool->told_slow)
		say(pool->say, "slow", count, SAY_END);
	pool->told_slow = more;
	if (is_slow)
		start_one(pool);
	(void)pthread_mutex_unlock(&pool->lock);
}

void
pool_rest(const struct pool *pool, unsigned rest_ms)
{
	struct pollfd fd = { .fd = pool->abort_fd, .events = POLLIN };

	(void)poll(&fd, 1, (int)rest_ms);
}

void
pool_tell_utf8(struct pool *pool, bool has_utf8)
{
	bool is_news;

	(void)pthread_mutex_lock(&pool->lock);
	is_news = !pool->has_told_utf8 || pool->has_utf8 != has_utf8;
	pool->has_told_utf8 = true;
	pool->has_utf8 = has_utf8;
	(void)pthread_mutex_unlock(&pool->lock);
	if (is_news)
		say(pool->say, "smtputf8", has_utf8 ? "yes" : "no", SAY_END);
}

void
pool_add(struct pool *pool, struct job *job)
{
	struct job_list list;
	bool has_idle;

	TAILQ_INIT(&list);
	(void)pthread_mutex_lock(&pool->lock);
	TAILQ_INSERT_TAIL(&pool->waiting, job, link);
	pool->waiting_count++;
	start_one(pool);
	/* No thread at all: nobody would ever look at it. */
	if (pool->session_count == 0)
		take_all(pool, &list);
	has_idle = pool->idle_count > 0;
	(void)pthread_mutex_unlock(&pool->lock);
	/* Not under the lock, which the session would have to wait for. */
	if (has_idle)
		(void)pthread_cond_signal(&pool->has_work);
	hand_back(&list, "local", "cannot start a thread");
}

void
pool_stop(struct pool *pool)
{
	struct job_list list;

	(void)pthread_mutex_lock(&pool->lock);
	pool->is_stopping = true;
	take_all(pool, &list);
	(void)pthread_cond_broadcast(&pool->has_work);
	(void)pthread_mutex_unlock(&pool->lock);
	hand_back(&list, "stop", "asked to stop");
}

void
pool_abort(struct pool *pool)
{
	pool_stop(pool);
	/* Never read: it stays readable for every poll there is. */
	(void)eventfd_write(pool->abort_fd, 1);
	conn_group_cut(&pool->conns);
}

bool
pool_wait(struct pool *pool, int fd)
{
	struct pollfd fds[2] = {
		{ .fd = pool->ended_fd, .events = POLLIN },
		{ .fd = fd, .events = POLLIN },
	};
	eventfd_t count;
	bool is_empty;

	for (;;) {
		(void)pthread_mutex_lock(&pool->lock);
		is_empty = pool->session_count == 0;
		(void)pthread_mutex_unlock(&pool->lock);
		if (is_empty)
			return true;
		if (poll(fds, 2, -1) > 0 && fds[1].revents != 0)
			return false;
		(void)eventfd_read(pool->ended_fd, &count);
	}
}
