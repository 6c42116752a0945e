/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * How many clients .control serves at once.  Who waits, or is no operator, is
 * counted apart, so that however many there are, there is room for an operator.
 */

#include "config.h"

#include <poll.h>

#include "spoold/control-work.h"

/* Clients at once: who waits, or is no operator, together and of one uid;
 * operators, of whom as many may be about to wait and have not said so yet. */
#define OTHERS_MAX 256
#define OTHERS_OF_ONE_MAX 64
#define OPERATORS_MAX OTHERS_OF_ONE_MAX
/* Who is no operator and is told the status: all messages are gone through for
 * the few that are his. */
#define TOLD_MAX 8
#define TOLD_OF_ONE_MAX 2

static bool
is_other(const struct client *cl)
{
	return !cl->is_operator || cl->waiter != NULL;
}

/* Whether there is room for CL, which is in the list already. */
static bool
has_room(const struct client *cl)
{
	unsigned operators = 0, others = 0, of_one = 0;
	const struct client *each;

	LIST_FOREACH (each, &cl->c->clients, link) {
		if (uv_is_closing((const uv_handle_t *)&each->pipe))
			continue;
		if (!is_other(each)) {
			operators++;
			continue;
		}
		others++;
		of_one += each->uid == cl->uid;
	}
	if (!is_other(cl))
		return operators <= OPERATORS_MAX;
	return others <= OTHERS_MAX && of_one <= OTHERS_OF_ONE_MAX;
}

/* Whether nobody is at the other end of CL any more. */
static bool
is_left(const struct client *cl)
{
	struct pollfd pfd = { .events = 0 };

	return uv_fileno((const uv_handle_t *)&cl->pipe, &pfd.fd) == 0 &&
	    poll(&pfd, 1, 0) == 1 && (pfd.revents & POLLHUP) != 0;
}

bool
client_find_room(const struct client *cl)
{
	struct client *each;

	if (has_room(cl))
		return true;
	LIST_FOREACH (each, &cl->c->clients, link)
		if (each != cl && is_other(each) && is_left(each))
			client_close(each);
	return has_room(cl);
}

bool
client_may_be_told(const struct client *cl)
{
	const struct client *each;
	unsigned told = 0, of_one = 0;

	if (cl->is_operator)
		return true;
	LIST_FOREACH (each, &cl->c->clients, link) {
		if (each == cl || !each->is_told || each->is_operator ||
		    uv_is_closing((const uv_handle_t *)&each->pipe))
			continue;
		told++;
		of_one += each->uid == cl->uid;
	}
	return told < TOLD_MAX && of_one < TOLD_OF_ONE_MAX;
}
