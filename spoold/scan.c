/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * What lies in the spool's directories: the truth about which messages there
 * are and in which state.  Directory events bring new mail at once; they can
 * be lost, so a scan from time to time looks at everything.
 *
 * A scan has the names read first, by a worker thread, and then goes through
 * them in small steps between other work, so that a million files delay nobody.
 */

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/text.h"
#include "spoold/spoold.h"

/* Names a step: some milliseconds when each file has to be opened. */
#define STEP 200
/* Messages a step, of those that are only looked at in memory. */
#define LOOK_STEP 5000
/* Between two scans: at least this many times what the last one cost. */
#define COST_FACTOR 50
/* Files in tmp/ that nobody wrote to for a day are nobody's. */
#define TMP_AGE_S (24 * 3600)
/* Numbers of scans, from 1 on, that messages can tell apart. */
#define SCAN_TURNS 15

static void
set_aside(
    struct spoold *d, enum spool_state state, const char *name, const char *why)
{
	struct event ev = event_of(EVENT_DAMAGED, NULL);
	char *shown = text_clean(span_of(name), 200);
	int err = spool_set_aside(&d->sp, state, name, why);

	if (err < 0) {
		log_msg(LOG_ERR, "cannot move '%s' out of %s/: %s",
		    shown == NULL ? "?" : shown, spool_state_name(state),
		    strerror(-err));
	} else {
		log_msg(LOG_ERR, "moved '%s' of %s/ to failed/: it %s",
		    shown == NULL ? "?" : shown, spool_state_name(state), why);
		if (spool_is_id(name))
			(void)strcpy(ev.id, name);
		ev.note = why;
		record(d, &ev);
	}
	free(shown);
}

/* Whether something has the name ID in STATE's directory. */
static bool
is_there(const struct spoold *d, enum spool_state state, const char *id)
{
	return faccessat(
		   d->sp.state_fd[state], id, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* M, known in one state, lies in STATE's directory, too: a copy that somebody
 * made. */
static void
say_twice(struct spoold *d, const struct message *m, enum spool_state state)
{
	enum spool_state last = state > m->state ? state : m->state;

	if (unreadable_is_news(&d->unreadables, m->id, -EEXIST))
		log_msg(LOG_WARNING,
		    "id=%s lies in '%s/' and in '%s/': it is taken for %s; "
		    "remove one of the two files",
		    m->id, spool_state_name(m->state), spool_state_name(state),
		    last == SPOOL_HOLD ? "held" : "failed");
}

/* The state of M is what its directory says; if two do, the one in which it is
 * not sent. */
static void
correct_state(struct spoold *d, struct message *m, enum spool_state state)
{
	static const enum event_kind kinds[SPOOL_STATES] = {
		[SPOOL_QUEUE] = EVENT_RELEASED,
		[SPOOL_HOLD] = EVENT_HELD,
		[SPOOL_FAILED] = EVENT_KEPT,
	};
	struct event ev = event_of(kinds[state], m);

	if (queue_is_busy(m) || !is_there(d, state, m->id))
		return;
	if (is_there(d, m->state, m->id)) {
		say_twice(d, m, state);
		if (state < m->state)
			return;
	}
	ev.note = "found there";
	record(d, &ev);
}

static int
record_admitted(struct spoold *d, const char *id, const struct qfile *qf,
    enum spool_state state)
{
	struct message *m;
	struct event ev;
	char *subject;

	if (event_of_qfile(&ev, id, qf) < 0)
		return -ENOMEM;
	subject = d->cfg->status_subject ? subject_of(qf) : NULL;
	ev.subject = subject;
	/* Only our own reports are: nobody else's says of a message that its
	 * sender has been told. */
	if (qf->uid != geteuid() && qf->uid != 0)
		ev.report_of = NULL;
	record(d, &ev);
	event_release(&ev);
	free(subject);
	m = queue_find(&d->queue, id);
	if (m != NULL)
		relay_route(d, m);
	log_msg(LOG_INFO,
	    "admitted id=%s from=<%s> size=%llu nrcpt=%zu uid=%lu", id,
	    qf->env.sender, (unsigned long long)qf->msg_bytes, qf->env.nrcpts,
	    (unsigned long)qf->uid);
	if (state == SPOOL_QUEUE)
		return 0;
	ev = event_of(state == SPOOL_HOLD ? EVENT_HELD : EVENT_KEPT, NULL);
	(void)strcpy(ev.id, id);
	ev.note = "found there";
	record(d, &ev);
	return 0;
}

static void
admit_new(struct spoold *d, enum spool_state state, const char *id)
{
	struct message *m;
	struct qfile qf;
	const char *why;
	int err;

	if (raw_owns(d, id))
		return;
	err = qfile_open(&qf, &d->sp, state, id, &why);
	if (err == 0) {
		unreadable_forget(&d->unreadables, id);
		err = record_admitted(d, id, &qf, state);
		qfile_close(&qf);
		m = queue_find(&d->queue, id);
		if (m != NULL)
			m->seen = d->scan_turn & SCAN_TURNS;
	} else if (err == -EBADMSG) {
		set_aside(d, state, id, why);
		return;
	}
	if (err < 0 && err != -ENOENT &&
	    unreadable_is_news(&d->unreadables, id, err))
		log_msg(LOG_ERR, "cannot read id=%s in %s/: %s", id,
		    spool_state_name(state), strerror(-err));
}

/* NAME, an id, lies in STATE's directory. */
static void
look_at(struct spoold *d, enum spool_state state, const char *name)
{
	struct message *m;
	bool is_new; /* to us: the status knew of it */

	/* Nothing of it is sent, and its file not removed, as long as another
	 * message may be made of the one that it was made of. */
	if (raw_owns(d, name))
		return;
	m = queue_find(&d->queue, name);
	if (m == NULL) {
		admit_new(d, state, name);
		return;
	}
	if (state == SPOOL_QUEUE)
		m->came_again |= m->removing;
	is_new = m->seen == 0;
	m->seen = d->scan_turn & SCAN_TURNS;
	if (m->state != state)
		correct_state(d, m, state);
	if (is_new)
		recover_message(d, m);
}

void
scan_look(struct spoold *d, const char *id)
{
	for (int i = 0; i < SPOOL_STATES && !d->stopping; i++) {
		const struct message *m = queue_find(&d->queue, id);

		if (m != NULL && m->seen != 0)
			break;
		if (m == NULL)
			admit_new(d, (enum spool_state)i, id);
		else if (is_there(d, (enum spool_state)i, id))
			look_at(d, (enum spool_state)i, id);
	}
}

/* Whether M's file is nowhere: somebody else removed it. */
static bool
is_gone(const struct spoold *d, const struct message *m)
{
	return m->seen != d->scan_turn && !queue_is_busy(m) &&
	    faccessat(d->sp.state_fd[m->state], m->id, F_OK,
		AT_SYMLINK_NOFOLLOW) < 0 &&
	    errno == ENOENT;
}

/*
 * The file of M has gone.  If it was served, that is as it should be: spoold
 * ended after it had removed the file and before it could say so.
 */
static void
record_gone(struct spoold *d, struct message *m)
{
	bool is_served = m->state == SPOOL_QUEUE && queue_is_served(m);
	struct event ev = event_of(is_served ? EVENT_REMOVED : EVENT_GONE, m);

	if (is_served)
		log_msg(LOG_INFO, "removed id=%s", m->id);
	else
		log_msg(LOG_WARNING, "the file of id=%s has gone from %s/",
		    m->id, spool_state_name(m->state));
	d->dirty_states[m->state] = true;
	record(d, &ev);
}

/* What time alone has brought about for M. */
static void
look_at_one(struct spoold *d, struct message *m)
{
	reports_late(d, m);
	dispatch_expire(d, m);
}

/* What only a look at all messages shows, some of them a step.  Whether there
 * are more. */
static bool
look_at_some(struct spoold *d)
{
	struct message *m = queue_after(&d->queue, d->scan_cursor), *next;

	for (int i = 0; i < LOOK_STEP && m != NULL; i++, m = next) {
		next = queue_next(&d->queue, m);
		(void)strcpy(d->scan_cursor, m->id);
		if (is_gone(d, m))
			record_gone(d, m);
		else if (m->seen != 0)
			/* Also what could not be removed the last time. */
			look_at_one(d, m);
	}
	return m != NULL;
}

static void
scan_end(struct spoold *d)
{
	bool first = d->scan_is_first;

	(void)uv_idle_stop(&d->scan_idle);
	d->scan_is_first = false;
	unreadable_scan_end(&d->unreadables);
	scan_names_release(&d->scan_names);
	d->scan_running = false;
	d->scan_cost_us = spoold_now(d) - d->scan_us;
	if (first) {
		log_msg(LOG_INFO, "%zu in queue/, %zu in hold/, %zu in failed/",
		    d->queue.count[SPOOL_QUEUE], d->queue.count[SPOOL_HOLD],
		    d->queue.count[SPOOL_FAILED]);
	}
	if (d->scan_again)
		scan_begin(d);
	dispatch(d);
	spoold_check_done(d);
}

static void
scan_step(uv_idle_t *idle)
{
	struct spoold *d = idle->data;
	struct scan_names *names = &d->scan_names;
	int state = SPOOL_QUEUE;

	record_gather(d);
	for (int i = 0; i < STEP && names->pos < names->len; i++) {
		while (names->pos >= names->start[state + 1])
			state++;
		look_at(d, (enum spool_state)state, names->ids[names->pos++]);
	}
	if (names->pos < names->len) {
		/* However long the queue is, the first need not wait. */
		if (!d->scanned)
			dispatch(d);
		return;
	}
	d->scan_is_first = d->scan_is_first || !d->scanned;
	/* But not over what an operator edits. */
	if (!d->scanned && d->suspended == SUSPEND_NOT)
		snapshot_want(d);
	d->scanned = true;
	/* Who has no relay now has none. */
	d->queue.read_us = 0;
	if (!look_at_some(d))
		scan_end(d);
}

static void
read_names(uv_work_t *work)
{
	struct spoold *d = work->data;

	d->scan_names.err = scan_names_read(&d->scan_names, &d->sp);
}

/* The spool cannot be listed.  At the start there is nothing to go on with. */
static void
give_up(struct spoold *d, int err)
{
	log_msg(LOG_ERR, "cannot list the spool: %s", strerror(-err));
	scan_names_release(&d->scan_names);
	d->scan_running = false;
	if (!d->scanned) {
		d->exit_code = EX_OSERR;
		spoold_stop(d, "the spool cannot be listed");
	}
	spoold_check_done(d);
}

static void
names_read(uv_work_t *work, int status)
{
	struct spoold *d = work->data;
	const struct scan_stray *stray;
	int err = status < 0 ? status : d->scan_names.err;

	if (d->stopping) {
		d->scan_running = false;
		spoold_check_done(d);
		return;
	}
	if (err < 0) {
		give_up(d, err);
		return;
	}
	STAILQ_FOREACH (stray, &d->scan_names.strays, link)
		set_aside(d, stray->state, stray->name,
		    "is no message of this spool");
	(void)uv_idle_start(&d->scan_idle, scan_step);
}

void
scan_begin(struct spoold *d)
{
	d->scan_again = d->scan_running;
	if (d->scan_running || d->stopping)
		return;
	d->scan_us = spoold_now(d);
	raw_scan(d);
	d->scan_turn = d->scan_turn % SCAN_TURNS + 1;
	unreadable_scan_begin(&d->unreadables);
	d->scan_names.pos = 0;
	d->scan_cursor[0] = '\0';
	d->scan_running = true;
	d->scan_names.work.data = d;
	if (uv_queue_work(
		&d->loop, &d->scan_names.work, read_names, names_read) == 0)
		return;
	read_names(&d->scan_names.work);
	names_read(&d->scan_names.work, 0);
}

void
scan_cancel(struct spoold *d)
{
	atomic_store(&d->scan_names.is_cancelled, true);
	watch_end(&d->scan_watch);
	watch_end(&d->raw->watch);
}

/* Whether the path still leads to the spool that we have. */
static bool
is_still_ours(const struct spoold *d)
{
	struct stat ours, there;

	return fstat(d->sp.dir_fd, &ours) == 0 &&
	    stat(d->sp.path, &there) == 0 && ours.st_dev == there.st_dev &&
	    ours.st_ino == there.st_ino;
}

/* Whether a report has waited for long enough for what it may be about, too. */
static bool
is_report_due(const struct spoold *d)
{
	return d->report_us != 0 && spoold_now(d) > d->report_us;
}

void
scan_tick(struct spoold *d)
{
	int64_t wait_us = d->cfg->freq_s * (int64_t)1000000;

	if (!is_still_ours(d)) {
		/* Mail goes where we do not look: let us be started again. */
		log_msg(LOG_CRIT, "'%s' was removed or replaced", d->sp.path);
		d->exit_code = EX_OSFILE;
		spoold_stop(d, "the spool is another one");
		return;
	}

	if (wait_us < COST_FACTOR * d->scan_cost_us)
		wait_us = COST_FACTOR * d->scan_cost_us;
	if (d->scan_running ||
	    (spoold_now(d) - d->scan_us < wait_us && !is_report_due(d)))
		return;
	d->report_us = 0;
	(void)spool_sweep(&d->sp, spoold_now(d), TMP_AGE_S);
	scan_begin(d);
}

/* A watch_take_fn. */
static void
on_name(void *arg, const char *name, uint32_t events)
{
	struct spoold *d = arg;
	struct message *m;

	(void)events;
	if (name == NULL) {
		scan_begin(d);
		return;
	}
	if (d->stopping || !spool_is_id(name))
		return;
	record_gather(d);
	m = queue_find(&d->queue, name);
	if (m != NULL)
		m->came_again |= m->removing;
	else
		admit_new(d, SPOOL_QUEUE, name);
}

static void
on_names_end(void *arg)
{
	struct spoold *d = arg;

	if (!d->stopping)
		dispatch(d);
}

int
scan_init(struct spoold *d)
{
	int err = raw_init(d);

	if (err < 0)
		return err;
	(void)uv_idle_init(&d->loop, &d->scan_idle);
	d->scan_idle.data = d;
	err = watch_init(&d->scan_watch, &d->loop, "queue",
	    IN_CREATE | IN_MOVED_TO | IN_ATTRIB, on_name, on_names_end, d);
	if (err < 0)
		log_msg(LOG_WARNING,
		    "cannot watch queue/ (%s): new mail is "
		    "noticed every %u seconds",
		    strerror(-err), d->cfg->freq_s);
	/* Here too, for who never lives until the next scan. */
	(void)spool_sweep(&d->sp, spoold_now(d), TMP_AGE_S);
	scan_begin(d);
	return 0;
}
