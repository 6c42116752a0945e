/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* Why a recipient waits: what keeps it back for longest is the reason. */

#include "config.h"

#include <string.h>

#include "lib/why.h"

static const char *const names[WHY_KINDS] = {
	[WHY_NOTHING] = "",
	[WHY_SENDING] = "sending",
	[WHY_HOLD] = "hold",
	[WHY_FAILED] = "failed",
	[WHY_PAUSED] = "paused",
	[WHY_NO_RELAY] = "no-relay",
	[WHY_NOT_BEFORE] = "not-before",
	[WHY_BACKOFF] = "backoff",
	[WHY_CIRCUIT] = "circuit",
	[WHY_RATE] = "rate",
	[WHY_TURN] = "turn",
};

const char *
why_name(enum why why)
{
	return why < WHY_KINDS ? names[why] : "";
}

enum why
why_of(const char *name)
{
	for (int i = WHY_NOTHING + 1; i < WHY_KINDS; i++)
		if (strcmp(names[i], name) == 0)
			return (enum why)i;
	return WHY_NOTHING;
}

/* What of R's state alone tells; WHY_TURN: nothing keeps it. */
static enum why
why_state(const struct message *m, const struct qrcpt *r)
{
	if (r->state == RCPT_FAILED && m->state == SPOOL_FAILED)
		return WHY_FAILED;
	if (r->state != RCPT_PENDING)
		return WHY_NOTHING;
	if (m->state == SPOOL_FAILED)
		return WHY_FAILED;
	if (r->waiting)
		return WHY_SENDING;
	return m->state == SPOOL_HOLD ? WHY_HOLD : WHY_TURN;
}

/* Whether spoold found no relay for M; a reader does not know where that goes
 * which was admitted since the snapshot. */
static bool
has_no_relay(const struct queue *q, const struct message *m)
{
	return q->read_us == 0 || m->seen_us <= q->read_us;
}

/* WHY until UNTIL_US, if that is later than what W has. */
static void
keep(struct waiting *w, enum why why, int64_t until_us, int64_t now_us)
{
	if (until_us <= now_us || until_us <= w->until_us)
		return;
	w->why = why;
	w->until_us = until_us;
}

/* What its relay, which is known, keeps W for until some time. */
static void
wait_for_relay(struct waiting *w, int64_t now_us)
{
	const struct relay_state *relay = w->relay;

	keep(w, WHY_RATE, relay->work.rate_until_us, now_us);
	if (!relay->down)
		return;
	/* Its probe is on the way: nobody knows when that ends. */
	if (w->why == WHY_TURN)
		w->why = WHY_CIRCUIT;
	keep(w, WHY_CIRCUIT, relay->next_us, now_us);
}

struct waiting
why_rcpt(const struct queue *q, const struct message *m, const struct qrcpt *r,
    int64_t now_us)
{
	struct waiting w = { .why = why_state(m, r), .relay = r->part->relay };
	bool is_later = r->tries == 0 && r->next_us <= queue_not_before_us(m);

	if (w.why != WHY_TURN)
		return w;
	if (q->paused_us > 0 || (w.relay != NULL && w.relay->paused_us > 0)) {
		w.why = WHY_PAUSED;
		return w;
	}
	if (w.relay == NULL && has_no_relay(q, m)) {
		w.why = WHY_NO_RELAY;
		return w;
	}
	keep(&w, is_later ? WHY_NOT_BEFORE : WHY_BACKOFF, r->next_us, now_us);
	/* Whatever the relay, which a reader need not know. */
	keep(&w, WHY_RATE, queue_sender_when(q, m, now_us), now_us);
	if (w.relay != NULL)
		wait_for_relay(&w, now_us);
	return w;
}

/* How soon something comes of W: less is sooner. */
static int
rank(const struct waiting *w)
{
	switch (w->why) {
	case WHY_SENDING:
		return 0;
	case WHY_TURN:
		return 1;
	case WHY_NOTHING:
		return 4;
	default:
		return w->until_us > 0 ? 2 : 3;
	}
}

static bool
is_sooner(const struct waiting *a, const struct waiting *b)
{
	if (rank(a) != rank(b))
		return rank(a) < rank(b);
	return rank(a) == 2 && a->until_us < b->until_us;
}

struct waiting
why_message(const struct queue *q, const struct message *m, int64_t now_us)
{
	struct waiting best = { .why = WHY_NOTHING }, w;

	for (unsigned i = 0; i < m->nrcpts; i++) {
		w = why_rcpt(q, m, &m->rcpts[i], now_us);
		if (is_sooner(&w, &best))
			best = w;
	}
	if (best.why == WHY_NOTHING && m->state == SPOOL_FAILED)
		best.why = WHY_FAILED;
	return best;
}
