/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "spoold/smtp/aside.h"
#include "spoold/smtp/conn.h"
#include "spoold/smtp/threads.h"

/* Owned by the asker and the helper; the last one frees it. */
struct aside {
	pthread_mutex_t lock;
	unsigned users;
	int done_fd; /* the asker's to wait on */
	bool is_done;
	bool is_left; /* the asker is gone: DATA is to be dropped */
	void *data;
	aside_fn *run;
	aside_fn *drop;
};

static void
release(struct aside *aside)
{
	bool is_last;

	(void)pthread_mutex_lock(&aside->lock);
	is_last = --aside->users == 0;
	(void)pthread_mutex_unlock(&aside->lock);
	if (!is_last)
		return;
	if (aside->is_left)
		aside->drop(aside->data);
	(void)close(aside->done_fd);
	(void)pthread_mutex_destroy(&aside->lock);
	free(aside);
}

static void *
helper(void *arg)
{
	struct aside *aside = arg;

	aside->run(aside->data);
	(void)pthread_mutex_lock(&aside->lock);
	aside->is_done = true;
	(void)pthread_mutex_unlock(&aside->lock);
	/* Cannot fail: one increment of a fresh counter. */
	(void)eventfd_write(aside->done_fd, 1);
	release(aside);
	return NULL;
}

static struct aside *
start(void *data, aside_fn *run, aside_fn *drop)
{
	struct aside *aside = calloc(1, sizeof(*aside));

	if (aside == NULL)
		return NULL;
	aside->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (aside->done_fd < 0) {
		free(aside);
		return NULL;
	}
	(void)pthread_mutex_init(&aside->lock, NULL);
	aside->data = data;
	aside->run = run;
	aside->drop = drop;
	aside->users = 2;
	if (thread_start(helper, aside, NULL) < 0) {
		aside->users = 1;
		release(aside);
		return NULL;
	}
	return aside;
}

/* Whether the work is done; if not and IS_LAST_CHANCE, it is left alone. */
static bool
check(struct aside *aside, bool is_last_chance)
{
	bool is_done;

	(void)pthread_mutex_lock(&aside->lock);
	is_done = aside->is_done;
	aside->is_left = !is_done && is_last_chance;
	(void)pthread_mutex_unlock(&aside->lock);
	return is_done;
}

static int
wait_for(struct aside *aside, int abort_fd, int64_t deadline_ms)
{
	struct pollfd fds[2] = {
		{ .fd = aside->done_fd, .events = POLLIN },
		{ .fd = abort_fd, .events = POLLIN },
	};
	int64_t left_ms;
	int err = 0;

	while (err == 0 && !check(aside, false)) {
		left_ms = deadline_ms - conn_now_ms();
		if (left_ms <= 0)
			err = -ETIMEDOUT;
		else if (poll(fds, 2,
			     left_ms < 3600000 ? (int)left_ms : 3600000) > 0 &&
		    fds[1].revents != 0)
			err = -ECANCELED;
	}
	return err == 0 || check(aside, true) ? 0 : err;
}

int
aside_run(void *data, aside_fn *run, aside_fn *drop, int abort_fd,
    int64_t deadline_ms)
{
	struct aside *aside = start(data, run, drop);
	int err;

	if (aside == NULL) {
		drop(data);
		return -ENOMEM;
	}
	err = wait_for(aside, abort_fd, deadline_ms);
	release(aside);
	return err;
}
