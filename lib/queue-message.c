/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The picture of the queue: what one message alone tells. */

#include "config.h"

#include <stdlib.h>

#include "lib/queue.h"

static void
parts_free(struct message *m)
{
	struct part *p, *next;

	free(m->first.server);
	for (p = m->first.next; p != NULL; p = next) {
		next = p->next;
		free(p->server);
		free(p);
	}
	m->first.next = NULL;
}

void
message_free(struct message *m)
{
	if (m == NULL)
		return;
	for (unsigned i = 0; i < m->nrcpts; i++) {
		free(m->rcpts[i].addr);
		free(m->rcpts[i].reply);
		free(m->rcpts[i].server);
		free(m->rcpts[i].note);
	}
	parts_free(m);
	free(m->rcpts);
	free(m->sender);
	free(m->lane);
	free(m);
}

bool
queue_takes_part(const struct qrcpt *r, int64_t now_us)
{
	return r->state == RCPT_PENDING && r->next_us <= now_us;
}

int64_t
queue_since_us(const struct message *m)
{
	return m->not_before_us > m->seen_us ? m->not_before_us : m->seen_us;
}

bool
queue_is_served(const struct message *m)
{
	for (unsigned i = 0; i < m->nrcpts; i++)
		if (m->rcpts[i].state != RCPT_DELIVERED &&
		    m->rcpts[i].state != RCPT_REPORTED)
			return false;
	return true;
}

bool
queue_has_failed(const struct message *m)
{
	for (unsigned i = 0; i < m->nrcpts; i++)
		if (m->rcpts[i].state == RCPT_FAILED)
			return true;
	return false;
}

bool
queue_is_busy(const struct message *m)
{
	for (const struct part *p = &m->first; p != NULL; p = p->next)
		if (p->job != NULL)
			return true;
	return m->reporting > 0 || m->removing;
}
