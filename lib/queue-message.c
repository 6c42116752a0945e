/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The picture of the queue: what one message alone tells. */

#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/queue.h"

/* Put S to *END, a place in M's block, and let that be behind it. */
static char *
put_text(char **end, const char *s)
{
	size_t size = strlen(s) + 1;
	char *text = memcpy(*end, s, size);

	*end += size;
	return text;
}

struct message *
message_new(struct queue *q, const char *sender, const char *const *rcpts,
    size_t nrcpts)
{
	char *shared = strpool_take_again(&q->texts, sender), *end;
	size_t size = shared == NULL ? strlen(sender) + 1 : 0;
	struct message *m;

	for (size_t i = 0; i < nrcpts; i++)
		size += sizeof(struct qrcpt) + strlen(rcpts[i]) + 1;
	m = calloc(1, sizeof(*m) + size);
	if (m == NULL) {
		strpool_drop(shared);
		return NULL;
	}
	m->rcpts = (struct qrcpt *)(void *)(m + 1);
	m->nrcpts = (unsigned)nrcpts;
	m->first.message = m;
	end = (char *)(m->rcpts + nrcpts);
	m->shares_sender = shared != NULL;
	m->sender = shared != NULL ? shared : put_text(&end, sender);
	for (size_t i = 0; i < nrcpts; i++)
		m->rcpts[i].addr = put_text(&end, rcpts[i]);
	return m;
}

/* Free what P, which is in no dues or lines, holds. */
static void
part_clear(struct part *p)
{
	if (p->place == PART_NOWHERE)
		free(p->server);
}

static void
parts_free(struct message *m)
{
	struct part *p, *next;

	part_clear(&m->first);
	for (p = m->first.next; p != NULL; p = next) {
		next = p->next;
		part_clear(p);
		free(p);
	}
}

void
message_free(struct message *m)
{
	if (m == NULL)
		return;
	for (unsigned i = 0; i < m->nrcpts; i++) {
		strpool_drop(m->rcpts[i].reply);
		strpool_drop(m->rcpts[i].server);
		strpool_drop(m->rcpts[i].note);
	}
	parts_free(m);
	if (m->extra != NULL) {
		strpool_drop(m->extra->lane);
		strpool_drop(m->extra->subject);
		free(m->extra);
	}
	if (m->shares_sender)
		strpool_drop(m->sender);
	free(m);
}

struct message_extra *
queue_extra(struct message *m)
{
	if (m->extra == NULL)
		m->extra = calloc(1, sizeof(*m->extra));
	return m->extra;
}

void
queue_set_text(struct queue *q, char **place, const char *text)
{
	char *old = *place;

	*place = strpool_take(&q->texts, text);
	strpool_drop(old);
}

int64_t
queue_due_us(const struct message *m)
{
	int64_t due_us = INT64_MAX;

	for (unsigned i = 0; i < m->nrcpts; i++)
		if (m->rcpts[i].state == RCPT_PENDING &&
		    m->rcpts[i].next_us < due_us)
			due_us = m->rcpts[i].next_us;
	return due_us == INT64_MAX ? 0 : due_us;
}

bool
queue_takes_part(const struct qrcpt *r, int64_t now_us)
{
	return r->state == RCPT_PENDING && r->next_us <= now_us;
}

int64_t
queue_since_us(const struct message *m)
{
	int64_t not_before_us = queue_not_before_us(m);

	return not_before_us > m->seen_us ? not_before_us : m->seen_us;
}

bool
queue_is_served(const struct message *m)
{
	for (unsigned i = 0; i < m->nrcpts; i++)
		if (m->rcpts[i].state != RCPT_DELIVERED &&
		    m->rcpts[i].state != RCPT_REPORTED &&
		    m->rcpts[i].state != RCPT_DROPPED)
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
