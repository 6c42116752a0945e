/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* One message of an edited status: what differs, and what may be changed. */

#include "config.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "spoold/edits-work.h"
#include "spoold/steer.h"

/* Tools that write numbers their own way may lose the last digits. */
#define SAME_US ((int64_t)10000)

/* A message's recipients by address, for files in another order. */
struct places {
	struct place {
		const char *addr;
		char *mine; /* ADDR, if it had to be made */
		unsigned index;
		bool is_taken;
	} * all;
	unsigned n;
};

/* ---- which recipient ------------------------------------------------- */

static int
compare_place(const void *a, const void *b)
{
	const struct place *left = a, *right = b;
	int order = strcmp(left->addr, right->addr);

	if (order != 0)
		return order;
	return left->index < right->index ? -1 : 1;
}

static void
places_release(struct places *p)
{
	for (unsigned i = 0; i < p->n; i++)
		free(p->all[i].mine);
	free(p->all);
}

/* ADDR as JSON has it: bytes that are no UTF-8 are shown there. */
static bool
name_place(struct place *place, const char *addr)
{
	struct json_object *text;

	place->addr = addr;
	for (const char *c = addr; *c != '\0'; c++) {
		if ((unsigned char)*c < 0x80)
			continue;
		text = event_new_string(addr);
		place->mine =
		    text == NULL ? NULL : strdup(json_object_get_string(text));
		json_object_put(text);
		place->addr = place->mine;
		return place->mine != NULL;
	}
	return true;
}

static bool
places_init(struct places *p, const struct message *m)
{
	p->n = 0;
	p->all = calloc(m->nrcpts, sizeof(*p->all));
	if (p->all == NULL)
		return false;
	for (; p->n < m->nrcpts; p->n++) {
		p->all[p->n].index = p->n;
		if (!name_place(&p->all[p->n], m->rcpts[p->n].addr)) {
			places_release(p);
			return false;
		}
	}
	qsort(p->all, p->n, sizeof(*p->all), compare_place);
	return true;
}

/* The first place of ADDR that was not taken yet, or NULL. */
static struct place *
places_take(struct places *p, const char *addr)
{
	unsigned low = 0, high = p->n;

	while (low < high) {
		unsigned middle = low + (high - low) / 2;

		if (strcmp(p->all[middle].addr, addr) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < p->n && strcmp(p->all[low].addr, addr) == 0; low++)
		if (!p->all[low].is_taken) {
			p->all[low].is_taken = true;
			return &p->all[low];
		}
	return NULL;
}

/* ---- what differs ---------------------------------------------------- */

/* The word for a recipient that is not to be tried any more; NULL: it is. */
static const char *
decision(enum rcpt_state state)
{
	switch (state) {
	case RCPT_DELIVERED:
		return "delivered";
	case RCPT_FAILED:
		return "failed";
	case RCPT_DROPPED:
		return "dropped";
	default:
		return NULL;
	}
}

static struct event
event_of_rcpt(const struct message *m, unsigned index)
{
	struct event ev = event_of(EVENT_EDITED, m);

	ev.index = (int)index;
	ev.rcpt = m->rcpts[index].addr;
	ev.attempts = -1;
	return ev;
}

static void
decide(
    struct edits *e, const struct message *m, unsigned index, const char *word)
{
	struct event ev = event_of_rcpt(m, index);

	ev.note = word;
	ev.reply = "[local] by an operator";
	record(e->d, &ev);
	if (strcmp(word, "dropped") == 0)
		e->count.rcpts_dropped++;
}

static bool
is_same_time(int64_t a_us, int64_t b_us)
{
	return a_us - b_us < SAME_US && b_us - a_us < SAME_US;
}

/* What attempts and time of R are to be; false: what they are. */
static bool
get_changes(const struct edits *e, const struct qrcpt *r,
    const struct edited_rcpt *wanted, struct event *ev)
{
	bool is_flushed = e->no_next || e->no_next_since;

	if (wanted->attempts >= 0 && (unsigned)wanted->attempts != r->attempts)
		ev->attempts = wanted->attempts;
	if (wanted->next_us > 0 && !is_flushed &&
	    !is_same_time(wanted->next_us, r->next_us))
		ev->next_us = wanted->next_us;
	return ev->attempts >= 0 || ev->next_us > 0;
}

/* Whether R was changed. */
static bool
take_rcpt(struct edits *e, const struct message *m, unsigned index,
    const struct edited_rcpt *wanted)
{
	const struct qrcpt *r = &m->rcpts[index];
	struct event ev = event_of_rcpt(m, index);
	const char *word = decision(wanted->state);

	if (r->state != RCPT_PENDING || r->waiting ||
	    wanted->state == RCPT_REPORTED)
		return false;
	if (word != NULL) {
		decide(e, m, index, word);
		return true;
	}
	if (!get_changes(e, r, wanted, &ev))
		return false;
	record(e->d, &ev);
	return true;
}

/* Whether one was changed. */
static bool
take_rcpts(
    struct edits *e, struct message *m, const struct edited_message *wanted)
{
	struct places places;
	struct edited_rcpt r;
	bool any = false;

	if (!places_init(&places, m))
		return false;
	for (size_t i = 0; i < wanted->nrcpts; i++) {
		struct place *place;

		if (edited_rcpt_get(wanted, i, &r) != NULL)
			continue;
		place = places_take(&places, r.addr);
		/* Nobody can be added to a message that is written. */
		if (place != NULL)
			any |= take_rcpt(e, m, place->index, &r);
	}
	for (unsigned i = 0; i < places.n; i++) {
		unsigned index = places.all[i].index;

		if (places.all[i].is_taken ||
		    m->rcpts[index].state != RCPT_PENDING)
			continue;
		decide(e, m, index, "dropped");
		any = true;
	}
	places_release(&places);
	return any;
}

/* Bring M where STATE says, if an operator may: whether it is another now. */
static bool
take_state(struct edits *e, struct message *m, enum spool_state state)
{
	const char *why = "cannot be given up by an edit: drop it";

	if (m->state == state)
		return false;
	if (state == SPOOL_HOLD)
		why = steer_hold(e->d, m);
	else if (state == SPOOL_QUEUE && m->state == SPOOL_HOLD)
		why = steer_release(e->d, m);
	else if (state == SPOOL_QUEUE)
		why = steer_requeue(e->d, m);
	if (why == NULL)
		return true;
	log_msg(LOG_WARNING, "id=%s stays in %s/: it %s", m->id,
	    spool_state_name(m->state), why);
	e->count.left++;
	return false;
}

/* ---- whether --------------------------------------------------------- */

/* Whether M is what it was when the file was written. */
static bool
is_as_written(const struct edits *e, const struct message *m)
{
	return !id_set_has(&e->touched, m->id) &&
	    !id_set_has(&e->since, m->id) && !queue_is_busy(m) && !m->in_flight;
}

void
edits_apply(struct edits *e, struct json_object *obj)
{
	struct edited_message wanted;
	struct message *m;
	bool changed, was_failed;

	/* It was checked: then somebody wrote into the file meanwhile. */
	if (edited_message_get(obj, &wanted) != NULL)
		return;
	m = queue_find(&e->d->queue, wanted.id);
	if (m == NULL || !is_as_written(e, m)) {
		e->count.left++;
		return;
	}
	was_failed = m->state == SPOOL_FAILED;
	changed = take_state(e, m, wanted.state);
	/* What it says of those who failed is over when all begins anew. */
	if (!was_failed)
		changed |= take_rcpts(e, m, &wanted);
	e->count.changed += changed;
	if (changed)
		dispatch_finish(e->d, m);
}

void
edits_drop(struct edits *e, struct message *m)
{
	const char *why;

	if (id_set_has(&e->file.ids, m->id))
		return;
	if (!is_as_written(e, m)) {
		/* It came later, most likely: that is no difference. */
		return;
	}
	why = steer_drop(e->d, m, e->uid);
	if (why == NULL) {
		e->count.dropped++;
		return;
	}
	log_msg(LOG_WARNING, "id=%s is not dropped: it %s", m->id, why);
	e->count.left++;
}
