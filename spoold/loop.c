/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The event loop: signals, the tick, start and stop. */

#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "lib/date.h"
#include "lib/log.h"
#include "spoold/edits.h"
#include "spoold/notify.h"
#include "spoold/pause.h"
#include "spoold/signals.h"
#include "spoold/spoold.h"
#include "spoold/waiters.h"

#define TICK_MS 1000

/* Less is no more than a clock that is steered. */
#define CLOCK_SET_US ((int64_t)60 * 1000000)

/*
 * What happens when it is time to stop: sessions may finish, then are cut
 * short, then their process ends; together less than five seconds.
 */
static const struct {
	enum agents_end how;
	uint64_t then_wait_ms;
} stop_stages[] = {
	{ AGENTS_QUIT, 3000 },
	{ AGENTS_ABORT, 1000 },
	{ AGENTS_KILL, 1000 },
};

/* Microseconds since the machine came up, asleep or not. */
static int64_t
uptime_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_BOOTTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t
spoold_now(const struct spoold *d)
{
	return d->wall_us + uptime_us() - d->base_us;
}

/* Say so when the system's clock was set. */
static void
look_at_clock(struct spoold *d)
{
	int64_t ahead_us = date_now_us() - spoold_now(d);
	int64_t by_us = ahead_us - d->ahead_us;

	if (by_us > -CLOCK_SET_US && by_us < CLOCK_SET_US)
		return;
	d->ahead_us = ahead_us;
	log_msg(LOG_NOTICE,
	    "the system's clock was set %s by %lld seconds; ours goes on as it "
	    "was until the next start, so that nothing ends early",
	    by_us > 0 ? "forward" : "back",
	    (long long)(by_us > 0 ? by_us : -by_us) / 1000000);
}

/* ---- stop ------------------------------------------------------------ */

static void
close_handle(uv_handle_t *handle, void *arg)
{
	(void)arg;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

/* Nothing runs any more: close all handles, so that the loop ends. */
static void
end_loop(struct spoold *d)
{
	control_close(d);
	uv_walk(&d->loop, close_handle, NULL);
}

static void
on_stop_timer(uv_timer_t *timer)
{
	struct spoold *d = timer->data;

	if (d->stop_stage < sizeof(stop_stages) / sizeof(stop_stages[0])) {
		agents_end(d, stop_stages[d->stop_stage].how);
		(void)uv_timer_start(&d->stop_timer, on_stop_timer,
		    stop_stages[d->stop_stage].then_wait_ms, 0);
		d->stop_stage++;
	}
	spoold_check_done(d);
}

void
spoold_stop(struct spoold *d, const char *why)
{
	if (d->stopping)
		return;
	d->stopping = true;
	notify_systemd("STOPPING=1");
	log_msg(LOG_NOTICE, "stopping: %s", why);
	snapshot_cancel(d);
	scan_cancel(d);
	(void)uv_timer_start(&d->stop_timer, on_stop_timer, 0, 0);
}

/* Whether R has something that it can deliver now. */
static bool
is_at_work(struct spoold *d, struct relay *r)
{
	const struct part *p = queue_first_due(r->state);

	if (r->cfg == NULL || r->state->down || d->broken || pause_has(r) ||
	    agents_fail(r))
		return false;
	return r->state->nready > 0 ||
	    (p != NULL && p->due_us <= spoold_now(d));
}

/* Whether messages come or go by what other threads do. */
static bool
is_at_something(struct spoold *d)
{
	return !reports_idle(d) || remove_is_busy(d) ||
	    !raw_is_idle(d, d->until == RUN_DRAINED);
}

/* Whether there is nothing to do now for a run that is to end by itself. */
static bool
is_done(struct spoold *d)
{
	struct relay *r;

	if (d->until == RUN_FOREVER || !d->scanned || d->scan_running ||
	    edits_busy(d) || d->in_flight > 0 || is_at_something(d))
		return false;
	if (d->queue.count[SPOOL_QUEUE] == 0)
		return true;
	if (d->until == RUN_DRAINED)
		return false;
	TAILQ_FOREACH (r, &d->relays, link)
		if (is_at_work(d, r))
			return false;
	return true;
}

/* Whether something is going on that is worth waiting for. */
static bool
is_ending(struct spoold *d)
{
	return agents_running(d) > 0 || d->journal_syncing ||
	    d->snapshot_running || remove_is_busy(d) || !reports_idle(d) ||
	    raw_is_busy(d);
}

void
spoold_check_done(struct spoold *d)
{
	if (!d->stopping) {
		pause_check(d);
		if (!is_done(d))
			return;
		d->exit_code =
		    d->queue.count[SPOOL_QUEUE] == 0 && !raw_is_left(d)
		    ? EX_OK
		    : EX_TEMPFAIL;
		spoold_stop(d,
		    d->exit_code == EX_OK ? "the queue is empty"
					  : "nothing more is due");
	}
	if (!is_ending(d))
		end_loop(d);
}

/* ---- signals and time ------------------------------------------------ */

/* Everything is due, and nothing is in its way. */
static void
hurry(struct spoold *d)
{
	struct event ev = event_of(EVENT_FLUSHED, NULL);

	ev.note = "SIGURG";
	record(d, &ev);
	pause_end(d, "SIGURG");
	scan_begin(d);
	dispatch(d);
}

/* What an operator has changed is in force from now on. */
static void
renew(struct spoold *d, const char *signal_name)
{
	notify_systemd("RELOADING=1");
	reload(d);
	notify_systemd("READY=1");
	edits_take(d, signal_name, true);
	scan_begin(d);
}

static void
on_signal(uv_signal_t *handle, int signo)
{
	struct spoold *d = handle->data;

	/* systemd sends SIGCONT together with SIGTERM. */
	if (d->stopping)
		return;
	switch (signo) {
	case SIGUSR1:
		edits_take(d, "SIGUSR1", false);
		break;
	case SIGURG:
		hurry(d);
		break;
	case SIGHUP:
		renew(d, "SIGHUP");
		break;
	case SIGCONT:
		renew(d, "SIGCONT");
		break;
	case SIGTSTP:
		pause_by_signal(d);
		break;
	default:
		spoold_stop(d, signo == SIGTERM ? "SIGTERM" : "SIGINT");
		break;
	}
}

static void
on_tick(uv_timer_t *timer)
{
	struct spoold *d = timer->data;

	if (d->stopping)
		return;
	look_at_clock(d);
	scan_tick(d);
	queue_prune_senders(&d->queue, spoold_now(d));
	control_tick(d);
	snapshot_tick(d);
	dispatch(d);
}

static int
watch_signals(struct spoold *d)
{
	static const int signals[] = {
		SIGTERM,
		SIGINT,
		SIGHUP,
		SIGUSR1,
		SIGURG,
		SIGTSTP,
		SIGCONT,
	};
	int err = 0;

	(void)signal(SIGPIPE, SIG_IGN);
	/* A limit on file sizes is a failed write, not the end. */
	(void)signal(SIGXFSZ, SIG_IGN);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		(void)uv_signal_init(&d->loop, &d->signals[i]);
		d->signals[i].data = d;
		err = uv_signal_start(&d->signals[i], on_signal, signals[i]);
		if (err < 0)
			break;
	}
	signals_let_come();
	return err;
}

static void
init_timer(struct spoold *d, uv_timer_t *timer)
{
	(void)uv_timer_init(&d->loop, timer);
	timer->data = d;
}

/* ---- start ----------------------------------------------------------- */

/* A status_watch_fn, with an eye on what somebody may still wait for. */
static void
see_again(const struct event *ev, void *arg)
{
	waiters_see(arg, ev);
}

/* The spool keeps the id that it has. */
static void
take_spool_id(struct spoold *d, const struct status_daemon *last)
{
	if (last->spool_id[0] == '\0')
		status_new_spool_id(&d->daemon);
	else
		(void)strcpy(d->daemon.spool_id, last->spool_id);
}

/* What the last spoold knew: snapshot and journal, both optional. */
static int
recover(struct spoold *d)
{
	struct relay_state *relay;
	struct status_daemon last;
	int err;

	edits_recover_base(d->sp.dir_fd);
	/* Until recover_begin(). */
	queue_rest(&d->queue, true);
	err = status_load_watched(
	    d->sp.dir_fd, STATUS_NAME, &d->queue, &last, see_again, d);

	take_spool_id(d, &last);
	status_daemon_release(&last);
	/* Root may have edited it so that we cannot even read it. */
	if (err == -EACCES)
		err = -EBADMSG;
	if (err == -EBADMSG) {
		log_msg(LOG_WARNING,
		    "the status is damaged: attempts are "
		    "counted anew where it is; a copy is kept");
		(void)renameat(d->sp.dir_fd, STATUS_NAME, d->sp.dir_fd,
		    STATUS_NAME ".damaged");
	}
	if (err < 0 && err != -EBADMSG)
		return err;
	/* Whoever was down may be up again: ask at once.  And what was found
	 * out about the relay is perhaps another one's. */
	STAILQ_FOREACH (relay, &d->queue.relays, link)
		relay->down = false;
	(void)spool_set_ascii_only(&d->sp, false);
	/* Of what the journal alone knows no relay is known yet. */
	if (d->queue.read_us == 0)
		d->queue.read_us = -1;
	err = journal_open(&d->journal, d->sp.dir_fd, d->queue.seq);
	if (err < 0)
		log_msg(LOG_ERR, "cannot open '%s': %s", JOURNAL_NAME,
		    err == -EINVAL ? "not a regular file" : strerror(-err));
	return err;
}

static void
say_start(struct spoold *d)
{
	struct event ev = event_of(EVENT_START, NULL);

	ev.note = d->daemon.version;
	record(d, &ev);
	log_msg(LOG_NOTICE, "spoold %s: spool %s, relay %s", d->daemon.version,
	    d->sp.path, d->daemon.relay == NULL ? "none" : d->daemon.relay);
	if (d->cfg->nrelays == 0)
		log_msg(LOG_WARNING,
		    "no relay is configured: mail waits in "
		    "the queue");
	pause_warn(d);
	edits_hint(d);
}

static int
init_parts(struct spoold *d)
{
	int err = waiters_init(d);

	if (err == 0)
		err = edits_init(d);
	return err == 0 ? reports_init(d) : err;
}

static int
start(struct spoold *d)
{
	struct relay *r;
	int err;

	init_timer(d, &d->tick_timer);
	init_timer(d, &d->stop_timer);
	record_init(d);
	queue_init(&d->queue);
	TAILQ_INIT(&d->relays);
	err = init_parts(d);
	if (err == 0)
		err = relays_fit(d);
	if (err == 0)
		err = watch_signals(d);
	if (err == 0)
		err = recover(d);
	if (err < 0)
		return err;
	say_start(d);
	/* The last snapshot speaks of the last spoold: its pid, its relay.
	 * Where messages go it still knows; then they are routed anew. */
	snapshot_want(d);
	snapshot_tick(d);
	recover_begin(d);
	err = control_init(d);
	if (err < 0)
		log_msg(LOG_ERR,
		    "cannot listen on .control: %s; spoolq can "
		    "only read",
		    strerror(-err));
	err = scan_init(d);
	if (err < 0)
		return err;
	TAILQ_FOREACH (r, &d->relays, link)
		if (r->cfg != NULL && !agents_start(r))
			return -ENOMEM;
	(void)uv_timer_start(&d->tick_timer, on_tick, TICK_MS, TICK_MS);
	notify_systemd("READY=1");
	return 0;
}

static void
finish(struct spoold *d)
{
	struct event ev = event_of(EVENT_STOP, NULL);

	record(d, &ev);
	d->daemon.pid = 0;
	snapshot_final(d);
	(void)journal_sync(d->journal.fd);
}

static void
release(struct spoold *d)
{
	journal_close(&d->journal);
	reports_free(d);
	relays_free(d);
	queue_release(&d->queue);
	free(d->control);
	waiters_free(d);
	edits_free(d);
	scan_names_release(&d->scan_names);
	watch_release(&d->scan_watch);
	free(d->snapshot_copy);
	remove_free(d);
	unreadable_release(&d->unreadables);
	raw_free(d);
	(void)uv_loop_close(&d->loop);
}

int
spoold_run(struct spoold *d)
{
	int err;

	err = uv_loop_init(&d->loop);
	if (err < 0) {
		log_msg(LOG_ERR, "cannot start: %s", strerror(-err));
		return EX_OSERR;
	}
	d->wall_us = date_now_us();
	d->base_us = uptime_us();
	d->daemon.start_us = d->wall_us;
	d->daemon.pid = (long)getpid();
	d->journal.fd = -1;
	d->scan_watch.fd = -1;
	err = start(d);
	if (err < 0) {
		log_msg(LOG_ERR, "cannot start: %s", strerror(-err));
		d->exit_code = EX_OSERR;
		d->stopping = true;
		agents_end(d, AGENTS_KILL);
		end_loop(d);
	}
	(void)uv_run(&d->loop, UV_RUN_DEFAULT);
	if (err == 0)
		finish(d);
	release(d);
	return d->exit_code;
}
