/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "spoold/smtp/conn.h"
#include "spoold/smtp/resolve.h"
#include "spoold/smtp/threads.h"

/* Owned by the asker and the helper; the last one frees it. */
struct lookup {
	pthread_mutex_t lock;
	unsigned users;
	int done_fd; /* the asker's to wait on */
	int status;  /* of getaddrinfo(), once has_answer */
	bool has_answer;
	struct addrinfo *list;
	char port[8];
	char host[];
};

static int
ask(const char *host, const char *port, int flags, struct addrinfo **ret)
{
	struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV | flags,
	};

	return getaddrinfo(host, port, &hints, ret);
}

static void
lookup_drop(struct lookup *lookup)
{
	bool is_last;

	(void)pthread_mutex_lock(&lookup->lock);
	is_last = --lookup->users == 0;
	(void)pthread_mutex_unlock(&lookup->lock);
	if (!is_last)
		return;
	if (lookup->list != NULL)
		freeaddrinfo(lookup->list);
	(void)close(lookup->done_fd);
	(void)pthread_mutex_destroy(&lookup->lock);
	free(lookup);
}

static void *
helper(void *arg)
{
	struct lookup *lookup = arg;
	struct addrinfo *list = NULL;
	int status = ask(lookup->host, lookup->port, 0, &list);

	(void)pthread_mutex_lock(&lookup->lock);
	lookup->status = status;
	lookup->list = status == 0 ? list : NULL;
	lookup->has_answer = true;
	(void)pthread_mutex_unlock(&lookup->lock);
	/* Cannot fail: one increment of a fresh counter. */
	(void)eventfd_write(lookup->done_fd, 1);
	lookup_drop(lookup);
	return NULL;
}

static struct lookup *
lookup_start(const char *host, const char *port)
{
	struct lookup *lookup = calloc(1, sizeof(*lookup) + strlen(host) + 1);

	if (lookup == NULL)
		return NULL;
	lookup->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (lookup->done_fd < 0) {
		free(lookup);
		return NULL;
	}
	(void)pthread_mutex_init(&lookup->lock, NULL);
	memcpy(lookup->host, host, strlen(host) + 1);
	(void)snprintf(lookup->port, sizeof(lookup->port), "%s", port);
	lookup->users = 2;
	if (thread_start(helper, lookup, NULL) < 0) {
		lookup->users = 1;
		lookup_drop(lookup);
		return NULL;
	}
	return lookup;
}

/* Take the answer if there is one; the list is the caller's then. */
static bool
lookup_take(struct lookup *lookup, int *ret_status, struct addrinfo **ret)
{
	bool has_answer;

	(void)pthread_mutex_lock(&lookup->lock);
	has_answer = lookup->has_answer;
	if (has_answer) {
		*ret_status = lookup->status;
		*ret = lookup->list;
		lookup->list = NULL;
	}
	(void)pthread_mutex_unlock(&lookup->lock);
	return has_answer;
}

static int
lookup_wait(struct lookup *lookup, int abort_fd, int64_t deadline_ms,
    struct addrinfo **ret, const char **reterr_why)
{
	struct pollfd fds[2] = {
		{ .fd = lookup->done_fd, .events = POLLIN },
		{ .fd = abort_fd, .events = POLLIN },
	};
	int status = 0;

	while (!lookup_take(lookup, &status, ret)) {
		int64_t left_ms = deadline_ms - conn_now_ms();

		if (left_ms <= 0) {
			*reterr_why = "the resolver does not answer";
			return -1;
		}
		if (poll(fds, 2, left_ms < 3600000 ? (int)left_ms : 3600000) >
			0 &&
		    fds[1].revents != 0) {
			*ret = NULL;
			return 0;
		}
	}
	if (status == 0)
		return 0;
	*reterr_why = gai_strerror(status);
	return -1;
}

int
resolve(const char *host, unsigned port, int abort_fd, int64_t deadline_ms,
    struct addrinfo **ret, const char **reterr_why)
{
	struct lookup *lookup;
	char service[8];
	int result;

	(void)snprintf(service, sizeof(service), "%u", port % 65536);
	if (ask(host, service, AI_NUMERICHOST, ret) == 0)
		return 0;
	lookup = lookup_start(host, service);
	if (lookup == NULL) {
		*reterr_why = strerror(ENOMEM);
		return -1;
	}
	result = lookup_wait(lookup, abort_fd, deadline_ms, ret, reterr_why);
	lookup_drop(lookup);
	return result;
}
