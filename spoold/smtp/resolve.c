/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "spoold/smtp/aside.h"
#include "spoold/smtp/resolve.h"

struct query {
	int flags;
	int status; /* of getaddrinfo() */
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

/* An aside_fn. */
static void
run_query(void *data)
{
	struct query *query = data;

	query->status =
	    ask(query->host, query->port, query->flags, &query->list);
	if (query->status != 0)
		query->list = NULL;
}

/* An aside_fn. */
static void
drop_query(void *data)
{
	struct query *query = data;

	if (query->list != NULL)
		freeaddrinfo(query->list);
	free(query);
}

/* 0 and a list, an EAI_ value, or a negative errno. */
static int
ask_aside(const char *host, const char *port, int flags, int abort_fd,
    int64_t deadline_ms, struct addrinfo **ret)
{
	size_t len = strlen(host) + 1;
	struct query *query = calloc(1, sizeof(*query) + len);
	int err;

	*ret = NULL;
	if (query == NULL)
		return -ENOMEM;
	memcpy(query->host, host, len);
	(void)snprintf(query->port, sizeof(query->port), "%s", port);
	query->flags = flags;
	err = aside_run(query, run_query, drop_query, abort_fd, deadline_ms);
	if (err < 0)
		return err;
	err = query->status;
	*ret = query->list;
	query->list = NULL;
	drop_query(query);
	return err;
}

int
resolve(const char *host, unsigned port, int abort_fd, int64_t deadline_ms,
    struct addrinfo **ret, const char **reterr_why)
{
	char service[8];
	int err;

	(void)snprintf(service, sizeof(service), "%u", port % 65536);
	if (ask(host, service, AI_NUMERICHOST, ret) == 0)
		return 0;
	err = ask_aside(host, service, 0, abort_fd, deadline_ms, ret);
	if (err == 0 || err == -ECANCELED)
		return err;
	/* The values of EAI_ are negative as well, but other ones. */
	if (err == -ETIMEDOUT)
		*reterr_why = "the resolver does not answer";
	else
		*reterr_why =
		    err == -ENOMEM ? strerror(ENOMEM) : gai_strerror(err);
	return -1;
}

int
resolve_own_name(
    const char *name, int abort_fd, int64_t deadline_ms, char *ret, size_t size)
{
	struct addrinfo *list = NULL;
	const char *found = name;
	int result = -1;

	if (strchr(name, '.') == NULL &&
	    ask_aside(name, "25", AI_CANONNAME, abort_fd, deadline_ms, &list) ==
		0 &&
	    list != NULL && list->ai_canonname != NULL)
		found = list->ai_canonname;
	if (strchr(found, '.') != NULL && strlen(found) < size &&
	    strncasecmp(found, "localhost", 9) != 0) {
		(void)snprintf(ret, size, "%s", found);
		result = 0;
	}
	if (list != NULL)
		freeaddrinfo(list);
	return result;
}
