/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The picture of the queue: who sent how much lately. */

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/queue-work.h"

static int
compare_key(const struct sender_state *a, const struct sender_state *b)
{
	return a->key < b->key ? -1 : a->key > b->key;
}

RB_GENERATE_INTERNAL(sender_keys, sender_state, by_key, compare_key,
    __attribute__((unused)) static)

/* FNV-1a, over one byte. */
static uint64_t
hash(uint64_t h, unsigned char c)
{
	return (h ^ c) * UINT64_C(0x100000001b3);
}

/*
 * The local part counts as far as a "+": what follows is often made anew for
 * each message (a list's VERP), and it would be a sender of its own each time.
 */
static uint64_t
hash_sender(uint64_t h, const char *sender)
{
	const char *at = strrchr(sender, '@');
	size_t len = at == NULL ? strlen(sender) : (size_t)(at - sender);
	const char *plus = memchr(sender, '+', len);

	if (plus != NULL && plus != sender)
		len = (size_t)(plus - sender);
	for (size_t i = 0; i < len; i++)
		h = hash(h, (unsigned char)sender[i]);
	for (; at != NULL && *at != '\0'; at++)
		h = hash(h, (unsigned char)*at);
	return h;
}

uint64_t
queue_sender_key(const struct queue *q, const struct message *m)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	if (q->fair == FAIR_NONE)
		return 0;
	for (unsigned shift = 0; shift < 32; shift += 8)
		h = hash(h, (unsigned char)((unsigned long)m->uid >> shift));
	return q->fair == FAIR_USER ? h : hash_sender(h, m->sender);
}

static struct sender_state *
find_sender(const struct queue *q, uint64_t sender_key)
{
	struct sender_state key = { .key = sender_key };

	return RB_FIND(
	    sender_keys, (struct sender_keys *)(uintptr_t)&q->senders, &key);
}

/* Senders are counted, not paced: who was quiet may send all at once. */
static unsigned
sender_burst(const struct queue *q)
{
	const struct rate_limit *shortest = q->sender_rates;

	for (size_t i = 1; i < q->nsender_rates; i++)
		if (q->sender_rates[i].window_us < shortest->window_us)
			shortest = &q->sender_rates[i];
	return shortest->count;
}

int64_t
queue_sender_when(
    const struct queue *q, const struct message *m, int64_t now_us)
{
	const struct sender_state *sender;

	if (q->nsender_rates == 0)
		return now_us;
	sender = find_sender(q, queue_sender_key(q, m));
	if (sender == NULL)
		return now_us;
	return rate_when(&sender->rate, q->sender_rates, q->nsender_rates,
	    sender_burst(q), now_us);
}

/* The sender KEY, made if need be; NULL: out of memory, and not limited. */
static struct sender_state *
make_sender(struct queue *q, uint64_t key)
{
	struct sender_state *sender = find_sender(q, key);

	if (sender != NULL)
		return sender;
	sender = calloc(1, sizeof(*sender));
	if (sender == NULL)
		return NULL;
	sender->key = key;
	if (rate_fit(&sender->rate, q->sender_rates, q->nsender_rates) < 0) {
		free(sender);
		return NULL;
	}
	(void)RB_INSERT(sender_keys, &q->senders, sender);
	return sender;
}

int
queue_load_sender(struct queue *q, uint64_t key, const char *rate)
{
	struct sender_state *sender;

	if (q->nsender_rates == 0)
		return 0;
	sender = make_sender(q, key);
	return sender == NULL
	    ? -ENOMEM
	    : rate_load(&sender->rate, rate, q->sender_rates, q->nsender_rates);
}

void
queue_charge(struct queue *q, struct relay_state *relay,
    const struct message *m, int64_t now_us)
{
	struct sender_state *sender;

	if (relay->nrates > 0)
		rate_charge(&relay->rate, relay->rates, relay->nrates,
		    relay->burst, now_us);
	if (q->nsender_rates == 0)
		return;
	sender = make_sender(q, queue_sender_key(q, m));
	if (sender != NULL)
		rate_charge(&sender->rate, q->sender_rates, q->nsender_rates,
		    sender_burst(q), now_us);
}

void
queue_refund(struct queue *q, struct relay_state *relay,
    const struct message *m, int64_t time_us)
{
	struct sender_state *sender = NULL;

	if (relay->nrates > 0)
		rate_refund(&relay->rate, relay->rates, relay->nrates, time_us);
	if (q->nsender_rates > 0)
		sender = find_sender(q, queue_sender_key(q, m));
	if (sender != NULL)
		rate_refund(
		    &sender->rate, q->sender_rates, q->nsender_rates, time_us);
}

static void
forget(struct queue *q, struct sender_state *sender)
{
	(void)RB_REMOVE(sender_keys, &q->senders, sender);
	rate_release(&sender->rate);
	free(sender);
}

struct sender_state *
queue_first_sender(struct queue *q)
{
	return RB_MIN(sender_keys, &q->senders);
}

struct sender_state *
queue_next_sender(struct sender_state *sender)
{
	return RB_NEXT(sender_keys, NULL, sender);
}

void
queue_forget_senders(struct queue *q)
{
	struct sender_state *sender;

	while ((sender = RB_MIN(sender_keys, &q->senders)) != NULL)
		forget(q, sender);
}

void
queue_prune_senders(struct queue *q, int64_t now_us)
{
	struct sender_state *sender, *next;

	for (sender = RB_MIN(sender_keys, &q->senders); sender != NULL;
	     sender = next) {
		next = RB_NEXT(sender_keys, &q->senders, sender);
		if (rate_is_idle(&sender->rate, q->sender_rates,
			q->nsender_rates, now_us))
			forget(q, sender);
	}
}

static int
fit_relay(struct relay_state *relay)
{
	char *saved = relay->saved_rate;
	int err;

	if (relay->nrates == 0)
		return 0;
	relay->saved_rate = NULL;
	err = saved == NULL
	    ? 0
	    : rate_load(&relay->rate, saved, relay->rates, relay->nrates);
	free(saved);
	/* What is not understood is forgotten, as after a long rest. */
	return err == -ENOMEM
	    ? err
	    : rate_fit(&relay->rate, relay->rates, relay->nrates);
}

int
queue_fit_rates(struct queue *q)
{
	struct sender_state *sender;
	struct relay_state *relay;
	int err = 0;

	STAILQ_FOREACH (relay, &q->relays, link)
		if (err == 0)
			err = fit_relay(relay);
	RB_FOREACH (sender, sender_keys, &q->senders)
		if (err == 0)
			err = rate_fit(
			    &sender->rate, q->sender_rates, q->nsender_rates);
	return err;
}
