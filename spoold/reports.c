/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * What senders are told: when, of what, and how often at most.  How it reads is
 * report.c's.
 *
 * A report is written and made durable in a worker thread, one after the other.
 * It is a message like any other; that it is about another one stands in its
 * envelope, so that after a crash none is made twice.
 */

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/log.h"
#include "spoold/addressees.h"
#include "spoold/report-task.h"

/* Nothing is late because spoold was not there: it has so long to send it. */
#define FIRST_TRIES_US ((int64_t)600 * 1000000)

struct reports {
	STAILQ_HEAD(, task) tasks; /* the first is being worked on */
	uv_work_t work;
	struct addressees *addressees;
};

/* Whether one more report, about M, may go TO; it is counted then, but once:
 * a full disk makes no storm. */
static bool
may_tell(struct spoold *d, struct message *m, const char *to)
{
	m->counted = m->counted ||
	    addressees_allow(d->reports->addressees, &d->cfg->bounce_rate, to,
		spoold_now(d));
	return m->counted;
}

/* ---- tasks ----------------------------------------------------------- */

/* Whether the next spoold makes what is not made now: it knows of all that
 * failed and is late, but not of what relays did not report. */
static bool
may_wait(const struct spoold *d, const struct task *t)
{
	return d->stopping && t->kind != REPORT_RELAYED;
}

/* Drop ALL, or the first ones that may wait. */
static void
drop_tasks(struct spoold *d, bool all)
{
	struct task *t;

	while ((t = STAILQ_FIRST(&d->reports->tasks)) != NULL &&
	    (all || may_wait(d, t))) {
		STAILQ_REMOVE_HEAD(&d->reports->tasks, link);
		task_free(t);
	}
}

/* ---- and what becomes of it ------------------------------------------ */

static void begin(struct spoold *d);

static void
record_told(struct spoold *d, const struct task *t, struct message *m)
{
	static const char *const what[] = {
		[REPORT_FAILED] = "failed",
		[REPORT_DELAYED] = "is late",
		[REPORT_RELAYED] = "was accepted",
	};
	struct event ev = event_of(
	    t->kind == REPORT_DELAYED ? EVENT_WARNED : EVENT_REPORTED, m);
	char *indexes = report_places(t->rcpts, t->nrcpts - t->nunwanted);

	log_msg(LOG_NOTICE, "told <%s> that id=%s %s: id=%s", t->to, t->id,
	    what[t->kind], t->report_id);
	/* Its admission says the same, whenever the scan sees it. */
	ev.note = t->report_id;
	ev.indexes = indexes;
	if (t->kind == REPORT_DELAYED ||
	    (t->kind == REPORT_FAILED && indexes != NULL))
		record(d, &ev);
	free(indexes);
}

/* Nobody is told what KIND would say of M, because of WHY. */
static void
record_untold(
    struct spoold *d, struct message *m, enum event_kind kind, const char *why)
{
	struct event ev = event_of(kind, m);

	ev.reply = why;
	if (kind == EVENT_REPORTED)
		log_msg(LOG_NOTICE, "nobody is told that id=%s failed: %s",
		    m->id, why);
	record(d, &ev);
}

static void
complete(struct spoold *d, const struct task *t, struct message *m)
{
	if (t->err < 0) {
		/* The next scan tries again. */
		log_msg(LOG_ERR, "cannot write a report about id=%s: %s", t->id,
		    strerror(-t->err));
		return;
	}
	if (t->report_id[0] != '\0')
		record_told(d, t, m);
	else if (t->kind == REPORT_DELAYED)
		record_untold(d, m, EVENT_WARNED, "NOTIFY did not ask for it");
	if (t->kind != REPORT_FAILED)
		return;
	if (t->nunwanted > 0)
		record_untold(
		    d, m, EVENT_REPORTED, "NOTIFY did not ask for it");
	else if (t->is_double)
		record_untold(d, m, EVENT_REPORTED,
		    "it has no sender; the postmaster knows");
}

static void
done(uv_work_t *request, int status)
{
	struct task *t = request->data;
	struct spoold *d = t->d;
	struct message *m = queue_find(&d->queue, t->id);

	if (status < 0)
		t->err = status;
	if (m != NULL) {
		m->reporting--;
		if (t->err == 0)
			m->counted = false;
		complete(d, t, m);
		if (t->err == 0)
			dispatch_finish(d, m);
	}
	/* Until here, or what add() was given meanwhile would be begun with
	 * while this one's request is still libuv's. */
	STAILQ_REMOVE_HEAD(&d->reports->tasks, link);
	task_free(t);
	drop_tasks(d, false);
	begin(d);
	spoold_check_done(d);
}

/* Work on the first task. */
static void
begin(struct spoold *d)
{
	struct reports *rs = d->reports;
	struct task *t = STAILQ_FIRST(&rs->tasks);

	if (t == NULL)
		return;
	rs->work.data = t;
	if (uv_queue_work(&d->loop, &rs->work, task_work, done) < 0) {
		task_work(&rs->work);
		done(&rs->work, 0);
	}
}

static void
add(struct spoold *d, struct message *m, struct task *t)
{
	/* What it reports is written first; if it cannot be, or this one may
	 * wait, the next scan comes to it again. */
	record_flush(d);
	if (d->broken || may_wait(d, t)) {
		task_free(t);
		return;
	}
	m->reporting++;
	STAILQ_INSERT_TAIL(&d->reports->tasks, t, link);
	if (STAILQ_FIRST(&d->reports->tasks) == t)
		begin(d);
}

/* ---- when ------------------------------------------------------------ */

/* Whether M, which has the null sender, is for nobody but the postmaster. */
static bool
is_for_postmaster(const struct spoold *d, const struct message *m)
{
	return m->nrcpts == 1 &&
	    strcasecmp(m->rcpts[0].addr, d->cfg->postmaster) == 0;
}

bool
reports_failed(struct spoold *d, struct message *m)
{
	const char *to = m->sender, *why = NULL;
	struct task *t;

	if (!d->cfg->bounces) {
		why = "bounces are off";
	} else if (to[0] == '\0') {
		to = d->cfg->postmaster;
		if (to == NULL)
			why = "it has no sender";
		else if (is_for_postmaster(d, m))
			why = "the postmaster cannot be reached";
	}
	if (why == NULL && !may_tell(d, m, to))
		why = "its sender was told of too many lately";
	if (why != NULL) {
		record_untold(d, m, EVENT_REPORTED, why);
		return false;
	}
	t = task_new(d, REPORT_FAILED, m, NULL, to);
	if (t != NULL)
		add(d, m, t);
	/* Out of memory: the next scan tries again. */
	return true;
}

void
reports_late(struct spoold *d, struct message *m)
{
	int64_t up_us = spoold_now(d) - d->daemon.start_us;
	struct task *t;

	/* Whoever was away himself tries first. */
	if (up_us < FIRST_TRIES_US &&
	    up_us < (int64_t)d->cfg->delay_warning_s * 1000000)
		return;
	if (!d->cfg->bounces || d->cfg->delay_warning_s == 0 || m->warned ||
	    m->reporting > 0 || d->broken || m->state != SPOOL_QUEUE ||
	    m->npending == 0 || m->sender[0] == '\0' ||
	    spoold_now(d) - queue_since_us(m) <
		(int64_t)d->cfg->delay_warning_s * 1000000)
		return;
	if (!may_tell(d, m, m->sender)) {
		record_untold(d, m, EVENT_WARNED,
		    "its sender was told of too many lately");
		return;
	}
	t = task_new(d, REPORT_DELAYED, m, NULL, m->sender);
	if (t != NULL)
		add(d, m, t);
}

void
reports_relayed(struct spoold *d, const struct part *p)
{
	struct message *m = p->message;
	struct task *t;

	if (!d->cfg->bounces || m->sender[0] == '\0' ||
	    !may_tell(d, m, m->sender))
		return;
	t = task_new(d, REPORT_RELAYED, m, p, m->sender);
	if (t != NULL)
		add(d, m, t);
}

/* ---- as a whole ------------------------------------------------------ */

int
reports_init(struct spoold *d)
{
	d->reports = calloc(1, sizeof(*d->reports));
	if (d->reports == NULL)
		return -ENOMEM;
	STAILQ_INIT(&d->reports->tasks);
	d->reports->addressees = addressees_new();
	return d->reports->addressees == NULL ? -ENOMEM : 0;
}

bool
reports_idle(const struct spoold *d)
{
	return d->reports == NULL || STAILQ_EMPTY(&d->reports->tasks);
}

void
reports_free(struct spoold *d)
{
	struct reports *rs = d->reports;

	if (rs == NULL)
		return;
	drop_tasks(d, true);
	addressees_free(rs->addressees);
	free(rs);
	d->reports = NULL;
}
