/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * What lies in the spool's directories: the truth about which messages there
 * are and in which state.  Directory events bring new mail at once; they can
 * be lost, so a scan from time to time looks at everything.
 *
 * A scan reads the names first and then goes through them in small steps
 * between other work, so that a million files delay nobody.
 */

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/text.h"
#include "spoold/spoold.h"

/* Names a step: some milliseconds when each file has to be opened. */
#define STEP 200
/* Between two scans: at least this many times what the last one cost. */
#define COST_FACTOR 50
/* Files in tmp/ that nobody wrote to for a day are nobody's. */
#define TMP_AGE_S (24 * 3600)

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

/* The state of M is what its directory says. */
static void
correct_state(struct spoold *d, struct message *m, enum spool_state state)
{
	static const enum event_kind kinds[SPOOL_STATES] = {
		[SPOOL_QUEUE] = EVENT_RELEASED,
		[SPOOL_HOLD] = EVENT_HELD,
		[SPOOL_FAILED] = EVENT_KEPT,
	};
	struct event ev = event_of(kinds[state], m);

	if (queue_is_busy(m) ||
	    faccessat(d->sp.state_fd[state], m->id, F_OK, AT_SYMLINK_NOFOLLOW) <
		0)
		return;
	ev.note = "found there";
	record(d, &ev);
}

static int
record_admitted(struct spoold *d, const char *id, const struct qfile *qf,
    enum spool_state state)
{
	struct message *m;
	struct event ev;

	if (event_of_qfile(&ev, id, qf) < 0)
		return -ENOMEM;
	/* Only our own reports are: nobody else's says of a message that its
	 * sender has been told. */
	if (qf->uid != geteuid() && qf->uid != 0)
		ev.report_of = NULL;
	record(d, &ev);
	event_release(&ev);
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

	err = qfile_open(&qf, &d->sp, state, id, &why);
	if (err == 0) {
		unreadable_forget(&d->unreadables, id);
		err = record_admitted(d, id, &qf, state);
		qfile_close(&qf);
		m = queue_find(&d->queue, id);
		if (m != NULL)
			m->found = true;
	} else if (err == -EBADMSG) {
		set_aside(d, state, id, why);
		return;
	}
	if (err < 0 && err != -ENOENT &&
	    unreadable_is_news(&d->unreadables, id, err))
		log_msg(LOG_ERR, "cannot read id=%s in %s/: %s", id,
		    spool_state_name(state), strerror(-err));
}

void
scan_look(struct spoold *d, const char *id)
{
	for (int i = 0; i < SPOOL_STATES && !d->stopping; i++) {
		if (queue_find(&d->queue, id) != NULL)
			break;
		admit_new(d, (enum spool_state)i, id);
	}
}

/* NAME lies in STATE's directory. */
static void
look_at(struct spoold *d, enum spool_state state, const char *name)
{
	struct message *m;
	bool is_new; /* to us: the status knew of it */

	if (!spool_is_id(name)) {
		/* failed/ is also where the damaged ones are kept. */
		if (state != SPOOL_FAILED)
			set_aside(
			    d, state, name, "is no message of this spool");
		return;
	}
	m = queue_find(&d->queue, name);
	if (m == NULL) {
		admit_new(d, state, name);
		return;
	}
	is_new = !d->scanned && !m->found;
	m->found = true;
	if (m->state != state)
		correct_state(d, m, state);
	if (is_new)
		recover_message(d, m);
}

static int
collect(const char *name, void *arg)
{
	struct spoold *d = arg;

	if (!spool_is_id(name)) {
		/* Few, if any, and their names may be long: at once. */
		look_at(d, d->scan_listing, name);
		return 0;
	}
	if (d->scan_len == d->scan_alloc) {
		size_t alloc = d->scan_alloc * 2 + 1024;
		void *names =
		    reallocarray(d->scan_names, alloc, sizeof(*d->scan_names));

		if (names == NULL)
			return -ENOMEM;
		d->scan_names = names;
		d->scan_alloc = alloc;
	}
	(void)strcpy(d->scan_names[d->scan_len++], name);
	return 0;
}

/* Whether M's file is nowhere: somebody else removed it. */
static bool
is_gone(const struct spoold *d, const struct message *m)
{
	return !m->found && !queue_is_busy(m) &&
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

/* What only a look at all messages shows. */
static void
look_at_all(struct spoold *d)
{
	struct message *m, *next;

	for (m = queue_first(&d->queue); m != NULL; m = next) {
		next = queue_next(&d->queue, m);
		if (is_gone(d, m))
			record_gone(d, m);
		else
			/* Also what could not be removed the last time. */
			look_at_one(d, m);
	}
}

static void
scan_end(struct spoold *d)
{
	bool first = !d->scanned;

	(void)uv_idle_stop(&d->scan_idle);
	d->scanned = true;
	look_at_all(d);
	unreadable_scan_end(&d->unreadables);
	free(d->scan_names);
	d->scan_names = NULL;
	d->scan_alloc = 0;
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
	int state = SPOOL_QUEUE;

	record_gather(d);
	for (int i = 0; i < STEP && d->scan_pos < d->scan_len; i++) {
		while (d->scan_pos >= d->scan_start[state + 1])
			state++;
		look_at(
		    d, (enum spool_state)state, d->scan_names[d->scan_pos++]);
	}
	if (d->scan_pos == d->scan_len)
		scan_end(d);
	else if (!d->scanned)
		/* However long the queue is, the first need not wait. */
		dispatch(d);
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int
read_names(struct spoold *d)
{
	int err;

	d->scan_len = 0;
	d->scan_pos = 0;
	for (int i = 0; i < SPOOL_STATES; i++) {
		d->scan_start[i] = d->scan_len;
		d->scan_listing = (enum spool_state)i;
		err = spool_list(&d->sp, (enum spool_state)i, collect, d);
		if (err < 0)
			return err;
	}
	d->scan_start[SPOOL_STATES] = d->scan_len;
	/* As they are seen they are sent: the oldest first. */
	if (!d->scanned && d->scan_start[SPOOL_QUEUE + 1] > 0)
		qsort(d->scan_names, d->scan_start[SPOOL_QUEUE + 1],
		    sizeof(*d->scan_names), compare_names);
	return 0;
}

void
scan_begin(struct spoold *d)
{
	struct message *m;
	int err;

	d->scan_again = d->scan_running;
	if (d->scan_running || d->stopping)
		return;
	d->scan_us = spoold_now(d);
	for (m = queue_first(&d->queue); m != NULL;
	     m = queue_next(&d->queue, m))
		m->found = false;
	unreadable_scan_begin(&d->unreadables);
	err = read_names(d);
	if (err < 0) {
		log_msg(LOG_ERR, "cannot list the spool: %s", strerror(-err));
		return;
	}
	d->scan_running = true;
	(void)uv_idle_start(&d->scan_idle, scan_step);
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
	if (d->scan_running || spoold_now(d) - d->scan_us < wait_us)
		return;
	(void)spool_sweep(&d->sp, spoold_now(d), TMP_AGE_S);
	scan_begin(d);
}

static void
on_event(uv_fs_event_t *handle, const char *name, int events, int status)
{
	struct spoold *d = handle->data;

	(void)events;
	if (name == NULL || status < 0) {
		scan_begin(d);
		return;
	}
	/* Its own removals come back as events too: opening tells. */
	if (d->stopping || !spool_is_id(name) ||
	    queue_find(&d->queue, name) != NULL)
		return;
	admit_new(d, SPOOL_QUEUE, name);
	dispatch(d);
}

int
scan_init(struct spoold *d)
{
	int err;

	(void)uv_idle_init(&d->loop, &d->scan_idle);
	d->scan_idle.data = d;
	(void)uv_fs_event_init(&d->loop, &d->scan_events);
	d->scan_events.data = d;
	err = uv_fs_event_start(&d->scan_events, on_event, "queue", 0);
	if (err < 0)
		log_msg(LOG_WARNING,
		    "cannot watch queue/ (%s): new mail is "
		    "noticed every %u seconds",
		    strerror(-err), d->cfg->freq_s);
	/* Here too, for who never lives until the next scan. */
	(void)spool_sweep(&d->sp, spoold_now(d), TMP_AGE_S);
	scan_begin(d);
	return d->scan_running ? 0 : -EIO;
}
