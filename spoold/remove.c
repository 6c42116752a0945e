/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* Files of messages that are done, removed in worker threads. */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "spoold/spoold.h"

/* For them, for raw messages, and for what else is done there: syncing,
 * snapshots. */
#define THREADS (REMOVERS + RAW_WORKERS + 2)

void
remove_init(struct spoold *d)
{
	char number[16];

	(void)snprintf(number, sizeof(number), "%d", THREADS);
	(void)setenv("UV_THREADPOOL_SIZE", number, 0);
	for (int i = 0; i < REMOVERS; i++) {
		d->removals.removers[i].d = d;
		d->removals.removers[i].work.data = &d->removals.removers[i];
	}
}

/* Make room for one more: shift what is left to the front, or grow. */
static bool
has_room(struct removals *r)
{
	size_t alloc = r->alloc * 2 + REMOVE_BATCH;
	void *ids;

	if (r->first + r->len < r->alloc)
		return true;
	if (r->first > r->len) {
		memcpy(r->ids, r->ids + r->first, r->len * sizeof(*r->ids));
		r->first = 0;
		return true;
	}
	ids = reallocarray(r->ids, alloc, sizeof(*r->ids));
	if (ids == NULL)
		return false;
	r->ids = ids;
	r->alloc = alloc;
	return true;
}

void
remove_begin(struct spoold *d, struct message *m)
{
	struct removals *r = &d->removals;

	if (!has_room(r)) {
		/* The next scan comes to it again. */
		log_msg(LOG_ERR, "cannot remove id=%s: out of memory", m->id);
		return;
	}
	(void)strcpy(r->ids[r->first + r->len++], m->id);
	m->removing = true;
}

/* In a worker thread. */
static void
run(uv_work_t *work)
{
	struct remover *w = work->data;

	for (unsigned i = 0; i < w->n; i++)
		w->errs[i] = spool_remove(&w->d->sp, w->ids[i], SPOOL_QUEUE);
}

static void
removed(struct spoold *d, const char *id, int err)
{
	struct message *m = queue_find(&d->queue, id);
	bool came_again;
	struct event ev;

	if (m == NULL)
		return;
	m->removing = false;
	came_again = m->came_again;
	m->came_again = false;
	/* Somebody else has removed it: then it is not what came since. */
	if (err < 0 && !(err == -ENOENT && came_again)) {
		log_msg(LOG_ERR, "cannot remove id=%s: %s", id, strerror(-err));
		return;
	}
	log_msg(LOG_INFO, "removed id=%s", id);
	ev = event_of(EVENT_REMOVED, m);
	record(d, &ev);
	/* Two clocks that agree gave its id to another message. */
	if (came_again) {
		scan_look(d, id);
		dispatch(d);
	}
}

static void
done(uv_work_t *work, int status)
{
	struct remover *w = work->data;
	struct spoold *d = w->d;
	unsigned n = w->n;

	(void)status;
	w->n = 0;
	d->dirty_states[SPOOL_QUEUE] = true;
	record_gather(d);
	for (unsigned i = 0; i < n; i++)
		removed(d, w->ids[i], w->errs[i]);
	spoold_check_done(d);
}

/* Give W as much as it takes of what waits. */
static void
start(struct removals *r, struct remover *w)
{
	w->n = (unsigned)(r->len < REMOVE_BATCH ? r->len : REMOVE_BATCH);
	memcpy(w->ids, r->ids + r->first, w->n * sizeof(*w->ids));
	r->first += w->n;
	r->len -= w->n;
	if (uv_queue_work(&w->d->loop, &w->work, run, done) == 0)
		return;
	run(&w->work);
	done(&w->work, 0);
}

/* Nothing may go: what is asked for waits until the journal is well. */
static void
forget_all(struct spoold *d)
{
	struct removals *r = &d->removals;
	struct message *m;

	for (; r->len > 0; r->len--, r->first++) {
		m = queue_find(&d->queue, r->ids[r->first]);
		if (m != NULL)
			m->removing = false;
	}
}

/*
 * One thread at work is enough for most disks, and costs least: the others
 * would only wait for the directory.  Each more needs a batch of its own that
 * waits, which is when unlinking is slow.
 */
void
remove_push(struct spoold *d)
{
	struct removals *r = &d->removals;
	size_t busy = 0;

	if (r->len == 0)
		return;
	if (d->broken) {
		forget_all(d);
		return;
	}
	for (int i = 0; i < REMOVERS; i++)
		busy += r->removers[i].n > 0;
	for (int i = 0; i < REMOVERS && r->len > busy * REMOVE_BATCH; i++)
		if (r->removers[i].n == 0) {
			start(r, &r->removers[i]);
			busy++;
		}
}

bool
remove_is_busy(const struct spoold *d)
{
	if (d->removals.len > 0)
		return true;
	for (int i = 0; i < REMOVERS; i++)
		if (d->removals.removers[i].n > 0)
			return true;
	return false;
}

void
remove_free(struct spoold *d)
{
	free(d->removals.ids);
	d->removals.ids = NULL;
	d->removals.alloc = 0;
}
