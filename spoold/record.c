/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Every change goes through here: journal, then picture.
 *
 * Lines that come in hot places gather and are written with one write(2) at
 * the end of the turn of the loop.  What depends on them waits: agents are told
 * and files are removed after that.
 *
 * When the journal cannot be written (disk full, I/O error) events still
 * happen: the answer of a relay cannot be taken back.  Then the picture knows
 * more than the disk, so nothing new is sent and no file is removed, and a
 * snapshot, which holds the whole picture, is tried until one succeeds and
 * takes the journal's place.
 */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"
#include "spoold/edits.h"
#include "spoold/spoold.h"
#include "spoold/waiters.h"

/* Events are durable so soon, if the disk can: SPOOL.md. */
#define DURABLE_MS 50
/* What else takes its time. */
#define MARGIN_MS 5
/* Events gather at least so long for one fdatasync … */
#define GROUP_MIN_MS 5
/* … and so long where the disk cannot: it has other things to do, too. */
#define GROUP_SLOW_MS 25
/* What a sync is taken for before there was one. */
#define SYNC_GUESS_US 10000

struct event
event_of(enum event_kind kind, const struct message *m)
{
	struct event ev = { .kind = kind, .index = -1, .delay_us = -1 };

	if (m != NULL)
		(void)strcpy(ev.id, m->id);
	return ev;
}

void
record_broken(struct spoold *d, const char *what, int err)
{
	if (!d->broken)
		log_msg(LOG_CRIT,
		    "cannot %s the journal: %s; nothing is sent "
		    "until the status can be written again",
		    what, strerror(-err));
	d->broken = true;
	/* Any of what has gathered or was not synced may be missing. */
	d->unwritten_seq = d->journal.seq;
	snapshot_want(d);
}

/* EV is not in the journal, for ERR. */
static void
lose(struct spoold *d, struct event *ev, int err)
{
	ev->seq = ++d->journal.seq;
	/* New mail's files tell of it: no reason to stay broken. */
	if (!d->broken || ev->kind != EVENT_ADMITTED)
		record_broken(d, "write", err);
}

void
record_flush(struct spoold *d)
{
	int err = journal_flush(&d->journal);

	if (err < 0)
		record_broken(d, "write", err);
}

void
record_gather(struct spoold *d)
{
	d->gathering = true;
}

static void sync_begin(uv_timer_t *timer);

/*
 * How long events may gather: the first of them may have come while others
 * were synced, and has its own sync before it, which takes as long.
 */
static unsigned
group_ms(const struct spoold *d)
{
	int64_t left_ms = DURABLE_MS - MARGIN_MS - 2 * d->sync_took_us / 1000;

	return left_ms >= GROUP_MIN_MS ? (unsigned)left_ms : GROUP_SLOW_MS;
}

/* The longest of the last ones is what the next one may take. */
static void
note_sync(struct spoold *d)
{
	int64_t took_us = spoold_now(d) - d->sync_us;

	d->sync_took_us -= d->sync_took_us / 8;
	if (d->sync_took_us < took_us)
		d->sync_took_us = took_us;
}

static void
sync_run(uv_work_t *work)
{
	struct spoold *d = work->data;

	/*
	 * Names first: once the journal says that a message has gone, nothing
	 * but the missing file keeps it from being sent again.
	 */
	d->sync_err = spool_sync_states(&d->sp, d->sync_states);
	if (d->sync_err == 0)
		d->sync_err = journal_sync(d->sync_fd);
}

static void
sync_done(uv_work_t *work, int status)
{
	struct spoold *d = work->data;

	(void)status;
	(void)close(d->sync_fd);
	d->journal_syncing = false;
	note_sync(d);
	/* A failed sync is never tried again on the same file: its pages may
	 * be marked clean.  The snapshot writes all anew. */
	if (d->sync_err < 0) {
		for (int i = 0; i < SPOOL_STATES; i++)
			d->dirty_states[i] |= d->sync_states[i];
		record_broken(d, "sync", d->sync_err);
	}
	if (d->journal_dirty)
		(void)uv_timer_start(
		    &d->sync_timer, sync_begin, group_ms(d), 0);
	spoold_check_done(d);
}

static void
sync_begin(uv_timer_t *timer)
{
	struct spoold *d = timer->data;

	if (d->journal_syncing)
		return;
	record_flush(d);
	d->sync_fd = fcntl(d->journal.fd, F_DUPFD_CLOEXEC, 3);
	d->journal_dirty = false;
	if (d->sync_fd < 0) {
		record_broken(d, "sync", -errno);
		return;
	}
	d->journal_syncing = true;
	d->sync_us = spoold_now(d);
	memcpy(d->sync_states, d->dirty_states, sizeof(d->sync_states));
	memset(d->dirty_states, 0, sizeof(d->dirty_states));
	d->sync_work.data = d;
	if (uv_queue_work(&d->loop, &d->sync_work, sync_run, sync_done) < 0) {
		sync_run(&d->sync_work);
		d->journal_syncing = false;
		(void)close(d->sync_fd);
	}
}

void
record(struct spoold *d, struct event *ev)
{
	int err;

	if (ev->time_us == 0)
		ev->time_us = spoold_now(d);
	err = d->broken ? -EIO : journal_put(&d->journal, ev);
	if (err < 0) {
		lose(d, ev, err);
	} else if (!d->journal_dirty) {
		d->journal_dirty = true;
		if (!d->journal_syncing)
			(void)uv_timer_start(
			    &d->sync_timer, sync_begin, group_ms(d), 0);
	}
	/* Who waits hears only of what is written. */
	if (!d->gathering || waiters_any(d))
		record_flush(d);
	waiters_see(d, ev);
	edits_see(d, ev);
	err = queue_apply(&d->queue, ev);
	if (err < 0)
		/* The file is still there; the next scan finds it. */
		log_msg(LOG_CRIT, "cannot note an event: %s", strerror(-err));
}

/*
 * The end of a turn, before the loop waits and after what it waited for.  What
 * agents are told and what is removed follows what the journal says of it.
 */
static void
end_turn(struct spoold *d)
{
	record_flush(d);
	d->gathering = false;
	agents_push(d);
	remove_push(d);
}

static void
on_prepare(uv_prepare_t *prepare)
{
	end_turn(prepare->data);
}

static void
on_check(uv_check_t *check)
{
	end_turn(check->data);
}

void
record_init(struct spoold *d)
{
	(void)uv_timer_init(&d->loop, &d->sync_timer);
	d->sync_timer.data = d;
	d->sync_took_us = SYNC_GUESS_US;
	(void)uv_prepare_init(&d->loop, &d->turn_prepare);
	d->turn_prepare.data = d;
	(void)uv_prepare_start(&d->turn_prepare, on_prepare);
	(void)uv_check_init(&d->loop, &d->turn_check);
	d->turn_check.data = d;
	(void)uv_check_start(&d->turn_check, on_check);
	remove_init(d);
}
