/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See tally.h. */

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/text.h"
#include "spoolq/cause.h"
#include "spoolq/output.h"
#include "spoolq/tally.h"

static const char *const state_names[TALLY_STATES] = {
	[TALLY_NEW] = "new",
	[TALLY_SENDING] = "sending",
	[TALLY_DEFERRED] = "deferred",
	[TALLY_HELD] = "held",
	[TALLY_FAILED] = "failed",
};

const char *
tally_state_name(enum tally_state state)
{
	return state_names[state];
}

static enum tally_state
state_of(const struct message *m)
{
	const char *name = output_state(m);
	int i = 0;

	while (i < TALLY_STATES - 1 && strcmp(name, state_names[i]) != 0)
		i++;
	return (enum tally_state)i;
}

/* From when on M could be sent: whenever spoold saw it first. */
static int64_t
since_of(const struct message *m)
{
	return queue_not_before_us(m) > m->arrival_us ? queue_not_before_us(m)
						      : m->arrival_us;
}

/* ---- single messages --------------------------------------------------- */

static void
note_release(struct tally_note *note)
{
	free(note->sender);
	free(note->rcpt);
	free(note->reply);
}

/* Where something of TIME_US belongs; TALLY_NOTES: nowhere. */
static size_t
place_of(const struct tally_notes *notes, int64_t time_us, bool latest_first)
{
	size_t i = 0;

	while (i < notes->n &&
	    (latest_first ? notes->note[i].time_us >= time_us
			  : notes->note[i].time_us <= time_us))
		i++;
	return i;
}

static int
note_add(struct tally_notes *notes, size_t place, const struct message *m,
    const struct qrcpt *r, int64_t time_us)
{
	struct tally_note note = { .time_us = time_us, .tries = r->tries };

	if (place >= TALLY_NOTES)
		return 0;
	(void)strcpy(note.id, m->id);
	note.sender = strdup(m->sender);
	note.rcpt = strdup(r->addr);
	if (r->reply != NULL)
		note.reply = strdup(r->reply);
	if (note.sender == NULL || note.rcpt == NULL ||
	    (note.reply == NULL && r->reply != NULL)) {
		note_release(&note);
		return -ENOMEM;
	}
	if (notes->n == TALLY_NOTES)
		note_release(&notes->note[--notes->n]);
	memmove(&notes->note[place + 1], &notes->note[place],
	    (notes->n - place) * sizeof(note));
	notes->note[place] = note;
	notes->n++;
	return 0;
}

/* The message as one of those that wait for longest. */
static int
note_oldest(struct tally *t, const struct message *m)
{
	const struct qrcpt *r = output_reason(m);
	int64_t since_us = since_of(m);

	for (unsigned i = 0; r == NULL && i < m->nrcpts; i++)
		if (m->rcpts[i].state == RCPT_PENDING)
			r = &m->rcpts[i];
	if (r == NULL)
		return 0;
	return note_add(
	    &t->oldest, place_of(&t->oldest, since_us, false), m, r, since_us);
}

/* ---- counts ------------------------------------------------------------- */

/* Why R is still there; NULL: nothing was said. */
static const char *
reply_of(const struct queue *q, const struct message *m, const struct qrcpt *r)
{
	const struct relay_state *relay = output_relay(q, m, r);

	if (r->reply != NULL || m->state != SPOOL_QUEUE || relay == NULL ||
	    !relay->down)
		return r->reply;
	return relay->reason;
}

static int
add_rcpt(struct tally *t, const struct queue *q, const struct message *m,
    const struct qrcpt *r, int64_t now_us)
{
	const char *at = strrchr(r->addr, '@');
	const char *reply = reply_of(q, m, r);
	char text[CAUSE_SIZE], domain[256] = "";
	int err;

	t->rcpts++;
	t->to_go += r->state == RCPT_PENDING;
	for (size_t i = 0;
	     at != NULL && at[i + 1] != '\0' && i + 1 < sizeof(domain); i++)
		domain[i] = (char)text_lower(at[i + 1]);
	err = top_add(&t->domains, domain, m->arrival_us, now_us);
	if (err < 0 || reply == NULL)
		return err;
	cause_of(reply, text);
	err = top_add(&t->errors, text, m->arrival_us, now_us);
	if (err < 0 || r->reply == NULL || r->last_us == 0)
		return err;
	return note_add(&t->troubles, place_of(&t->troubles, r->last_us, true),
	    m, r, r->last_us);
}

static int
add_rcpts(struct tally *t, const struct queue *q, const struct message *m,
    int64_t now_us)
{
	for (unsigned i = 0; i < m->nrcpts; i++) {
		const struct qrcpt *r = &m->rcpts[i];
		int err;

		if (r->state != RCPT_PENDING && r->state != RCPT_FAILED)
			continue;
		err = add_rcpt(t, q, m, r, now_us);
		if (err < 0)
			return err;
	}
	return 0;
}

/* The name of the relay that M goes to first; "" if it is not known. */
static const char *
relay_of(
    const struct queue *q, const struct message *m, const struct waiting *w)
{
	const struct relay_state *relay = w->relay;

	for (unsigned i = 0; relay == NULL && i < m->nrcpts; i++)
		if (m->rcpts[i].state == RCPT_PENDING)
			relay = output_relay(q, m, &m->rcpts[i]);
	return relay != NULL ? relay->name : "";
}

/* M, which goes to RELAY, waits in queue/ for WHY. */
static int
add_waiting(struct tally *t, const struct message *m, enum why why,
    const char *relay, int64_t now_us)
{
	int64_t since_us = since_of(m);
	int err;

	if (since_us <= now_us &&
	    (t->oldest_us == 0 || since_us < t->oldest_us)) {
		t->oldest_us = since_us;
		(void)strcpy(t->oldest_id, m->id);
	}
	if (why == WHY_TURN && (t->due_us == 0 || queue_due_us(m) < t->due_us))
		t->due_us = queue_due_us(m) > 0 ? queue_due_us(m) : since_us;
	err = top_add(&t->relays, relay, since_us, now_us);
	return err < 0 ? err : note_oldest(t, m);
}

int
tally_add(struct tally *t, const struct queue *q, const struct message *m,
    int64_t now_us)
{
	struct waiting w = why_message(q, m, now_us);
	enum tally_state state = state_of(m);
	int err;

	t->messages++;
	t->bytes += m->size_bytes;
	t->state[state]++;
	t->state_bytes[state] += m->size_bytes;
	t->why[w.why]++;
	err = top_add(&t->senders, m->sender, m->arrival_us, now_us);
	if (err == 0)
		err = add_rcpts(t, q, m, now_us);
	if (err == 0 && m->state == SPOOL_QUEUE)
		err = add_waiting(t, m, w.why, relay_of(q, m, &w), now_us);
	return err;
}

void
tally_finish(struct tally *t)
{
	top_sort(&t->relays);
	top_sort(&t->domains);
	top_sort(&t->senders);
	top_sort(&t->errors);
}

uint64_t
tally_waiting(const struct tally *t)
{
	return t->state[TALLY_NEW] + t->state[TALLY_SENDING] +
	    t->state[TALLY_DEFERRED];
}

void
tally_release(struct tally *t)
{
	top_release(&t->relays);
	top_release(&t->domains);
	top_release(&t->senders);
	top_release(&t->errors);
	for (size_t i = 0; i < t->oldest.n; i++)
		note_release(&t->oldest.note[i]);
	for (size_t i = 0; i < t->troubles.n; i++)
		note_release(&t->troubles.note[i]);
	*t = (struct tally){ .messages = 0 };
}
