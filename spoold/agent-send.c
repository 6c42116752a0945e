/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Jobs on their way to an agent: they gather until the journal has their
 * attempts, and are told with one write(2).
 */

#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/wire.h"
#include "spoold/spoold.h"

/* Room for LEN more bytes of lines. */
static bool
has_room(struct agent *a, size_t len)
{
	size_t alloc = 2 * a->unsent_alloc + 512;
	char *grown;

	if (len <= a->unsent_alloc - a->unsent_len)
		return true;
	if (alloc - a->unsent_len < len)
		alloc = a->unsent_len + len;
	grown = realloc(a->unsent, alloc);
	if (grown == NULL)
		return false;
	a->unsent = grown;
	a->unsent_alloc = alloc;
	return true;
}

void
agent_send(struct agent *a, const char *id, const char *indexes)
{
	static const char word[] = "send ";
	size_t len = sizeof(word) + strlen(id) + 1 + strlen(indexes) + 1;

	if (has_room(a, len))
		a->unsent_len += (size_t)snprintf(a->unsent + a->unsent_len,
		    len, "%s%s %s\n", word, id, indexes);
	else
		/* Or it would never give the message back. */
		agent_write(a, NULL, 0);
}

/* What A would have been told comes back untried. */
static void
take_back(struct agent *a)
{
	struct span rest = { a->unsent, a->unsent_len }, line, word, id;
	char *text = a->unsent;
	char copy[SPOOL_ID_SIZE];

	a->unsent = NULL;
	a->unsent_len = 0;
	a->unsent_alloc = 0;
	while (wire_line(&rest, &line)) {
		if (!wire_next(&line, &word) || !wire_next(&line, &id) ||
		    id.len >= sizeof(copy))
			continue;
		memcpy(copy, id.ptr, id.len);
		copy[id.len] = '\0';
		dispatch_back(a, copy, "stop", "cannot be journalled");
	}
	free(text);
}

void
agent_push(struct agent *a)
{
	char *text = a->unsent;
	size_t len = a->unsent_len;

	if (len == 0)
		return;
	if (a->d->broken) {
		take_back(a);
		return;
	}
	a->unsent = NULL;
	a->unsent_len = 0;
	a->unsent_alloc = 0;
	agent_write(a, text, len);
}

void
agents_push(struct spoold *d)
{
	struct relay *r;
	struct agent *a;

	TAILQ_FOREACH (r, &d->relays, link)
		TAILQ_FOREACH (a, &r->agents, link)
			agent_push(a);
}
