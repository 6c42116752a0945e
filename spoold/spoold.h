/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The queue manager's state and what its parts offer each other.
 *
 *	loop.c      the event loop: signals, timers, start and stop
 *	scan.c      what lies in the spool's directories
 *	unreadable.c  … of which what was complained about
 *	record.c    every change: journal first, then the picture
 *	snapshot.c  .status.json and the journal's rotation
 *	dispatch.c  which message goes to which agent; what comes back
 *	recover.c   what the last spoold left half done
 *	relay.c     whether the relay is up
 *	agent.c     delivery agents as processes; agent-lines.c what they say
 *	control.c   .control: who asks there; command.c what spoolq asks
 *	waiters.c   and who waits there for what becomes of a message
 *	retry.c     waiting times (pure)
 *
 * One thread owns everything here; only fsync and fdatasync run elsewhere.
 */

#ifndef SPOOLD_SPOOLD_H
#define SPOOLD_SPOOLD_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "lib/conf.h"
#include "lib/journal.h"
#include "lib/queue.h"
#include "lib/spool.h"
#include "lib/status.h"
#include "spoold/agent-protocol.h"
#include "spoold/unreadable.h"

/* When to end by itself. */
enum run_until { RUN_FOREVER, RUN_ONCE, RUN_DRAINED };

struct agent;
struct control;
struct waiters;

struct spoold {
	uv_loop_t loop;
	struct config *cfg;
	struct spool sp;
	struct journal journal;
	struct queue queue;
	struct status_daemon daemon;
	enum run_until until;
	int exit_code;
	bool stopping;
	bool scanned; /* the first scan is complete */

	/* The clock: the wall's at the start, then never stepped. */
	int64_t wall_us;
	uint64_t base_ns;

	/* record.c */
	bool broken; /* events were not journalled: see record.c */
	bool journal_dirty;
	bool journal_syncing;
	uv_timer_t sync_timer;
	uv_work_t sync_work;
	int sync_fd;
	int sync_err;
	bool dirty_states[SPOOL_STATES]; /* names changed, not synced */
	bool sync_states[SPOOL_STATES];  /* … being synced now */

	/* snapshot.c */
	bool snapshot_running;
	bool snapshot_wanted;
	uint64_t snapshot_seq;
	uint64_t snapshot_bytes; /* journal bytes at the last one */
	int64_t snapshot_us;     /* when it was written */
	int64_t snapshot_cost_us;
	uv_work_t snapshot_work;
	int snapshot_err;
	int snapshot_copy_err;

	/* scan.c */
	uv_idle_t scan_idle;
	bool scan_running;
	bool scan_again;
	char (*scan_names)[SPOOL_ID_SIZE];
	size_t scan_len, scan_alloc, scan_pos;
	size_t scan_start[SPOOL_STATES + 1];
	enum spool_state scan_listing;
	int64_t scan_us;
	int64_t scan_cost_us;
	uv_fs_event_t scan_events;
	struct unreadables unreadables;

	/* dispatch.c */
	struct agent *agents;
	unsigned nagents;
	unsigned in_flight;
	int64_t probe_rest_us;       /* the relay's last rest; 0: it is up */
	const struct message *probe; /* on its way to a relay that is down */
	uv_timer_t due_timer;

	/* loop.c */
	uv_timer_t tick_timer;
	uv_timer_t stop_timer;
	unsigned stop_stage;
	uv_signal_t signals[5];

	struct control *control;
	struct waiters *waiters;
};

/* ---- loop.c ---------------------------------------------------------- */

/* Microseconds since the epoch by the clock that is never stepped. */
int64_t spoold_now(const struct spoold *d);

/*
 * Run until told to stop.  CFG, the locked SP and D's other fields zeroed;
 * the working directory is the spool.  Returns an exit status (sysexits.h).
 */
int spoold_run(struct spoold *d);

/* Begin to stop: nothing new is started, agents finish, then the loop ends. */
void spoold_stop(struct spoold *d, const char *why);

/* Something may have ended: stop if D was to run only that far. */
void spoold_check_done(struct spoold *d);

/* ---- record.c -------------------------------------------------------- */

/*
 * Let EV happen: number and journal it, apply it to the queue.  Its time is
 * set to now if it has none.  When the journal cannot be written the event is
 * applied all the same, D is marked broken: nothing is sent and no file is
 * removed until a snapshot has made the picture durable again.
 */
void record(struct spoold *d, struct event *ev);

/* An event of KIND about message M (or NULL), otherwise empty. */
struct event event_of(enum event_kind kind, const struct message *m);

/* WHAT ("write", "sync") of the journal failed with ERR: D is broken now. */
void record_broken(struct spoold *d, const char *what, int err);

void record_init(struct spoold *d);

/* ---- snapshot.c ------------------------------------------------------ */

/* Write a snapshot soon: now, or when the one going on is complete. */
void snapshot_want(struct spoold *d);

/* Called every second: write one if it is time. */
void snapshot_tick(struct spoold *d);

/* Write one here and now, in this thread: the last of all. */
void snapshot_final(struct spoold *d);

/* ---- scan.c ---------------------------------------------------------- */

/* Watch queue/ and begin the first scan.  0 or -errno. */
int scan_init(struct spoold *d);

/* Scan again, in small steps between other work. */
void scan_begin(struct spoold *d);

/* Look for message ID now, in all directories, and admit it if it is new. */
void scan_look(struct spoold *d, const char *id);

/* Called every second: scan if it is time. */
void scan_tick(struct spoold *d);

/* ---- dispatch.c ------------------------------------------------------ */

/* Hand out what is due and allowed, and set the timer for what is next. */
void dispatch(struct spoold *d);

/*
 * Give recipients of M up whose lifetime has ended while the relay could not
 * be reached, and complete it if that was all.
 */
void dispatch_expire(struct spoold *d, struct message *m);

/* Complete what has no pending recipient: remove it or keep it in failed/. */
void dispatch_finish(struct spoold *d, struct message *m);

/* What an agent said about message ID, in the words of agent-protocol.h. */
void dispatch_start(struct agent *a, const char *id, const char *server);
void dispatch_rcpt(struct agent *a, const char *id, unsigned index,
    const char *outcome, int64_t delay_us, const char *reply);
void dispatch_done(struct agent *a, const char *id);
void dispatch_back(
    struct agent *a, const char *id, const char *why, const char *reason);
void dispatch_bad(struct agent *a, const char *id, const char *reason);

/* Agent A died: each of its messages was interrupted. */
void dispatch_died(struct agent *a, const char *how);

/* After replay: attempts that were going on when spoold ended. */
void dispatch_recover(struct spoold *d);

/* ---- relay.c --------------------------------------------------------- */

/*
 * Whether a message may go out at NOW_US.  If not, and a time is known at
 * which to look again, *RET_WAKE_US is that.
 */
bool
relay_is_open(const struct spoold *d, int64_t now_us, int64_t *ret_wake_us);

/*
 * Trouble with the relay: close the way, or keep it closed for longer.
 * IS_MESSAGE: perhaps with one message alone; then the rest does not grow, so
 * that it soon is another one's turn.
 */
void relay_trouble(struct spoold *d, const char *reason, bool is_message);

/*
 * What OUTCOME says of the relay: an answer about M shows that it is up; none,
 * while it is being probed, that it is not.
 */
void relay_judge(struct spoold *d, const struct message *m,
    enum outcome outcome, const char *reply);

/* ---- agent.c --------------------------------------------------------- */

enum agent_state { AGENT_ABSENT, AGENT_STARTING, AGENT_READY, AGENT_ENDING };

struct agent {
	struct spoold *d;
	enum agent_state state;
	unsigned number;
	unsigned connections; /* its share of the relay's */
	unsigned in_flight;
	unsigned deaths; /* in a row, soon after the start */
	int64_t start_us;
	uv_process_t process;
	uv_pipe_t in, out;
	uv_timer_t respawn_timer;
	unsigned open_handles; /* process and pipes not closed yet */
	bool died;
	char how[40]; /* … it did */
	char *buf;
	size_t len, alloc;
};

/* Start the relay's agents; false if none is needed. */
bool agents_start(struct spoold *d);

/* Give message ID's recipients INDEXES ("*" or "0,3") to A. */
void agent_send(struct agent *a, const char *id, const char *indexes);

/* Take the complete lines out of A's buffer and do what they say. */
void agent_take_lines(struct agent *a);

/* Say "quit" (or "abort", or kill) to all that run. */
enum agents_end { AGENTS_QUIT, AGENTS_ABORT, AGENTS_KILL };
void agents_end(struct spoold *d, enum agents_end how);

/* How many are running, in whatever state. */
unsigned agents_running(const struct spoold *d);

/* Whether none of them ever lives long: there is no use in waiting. */
bool agents_fail(const struct spoold *d);

void agents_free(struct spoold *d);

/* ---- command.c ------------------------------------------------------- */

/*
 * Do what LINE, a request of spoolq's, says, and write the answers to OUT, each
 * with its line end; what they say has happened is durable.
 */
void command_run(struct spoold *d, struct span line, FILE *out);

/* ---- control.c ------------------------------------------------------- */

/* Listen on .control.  0 or -errno. */
int control_init(struct spoold *d);

/* Called every second: listen anew if somebody removed the socket. */
void control_tick(struct spoold *d);

void control_close(struct spoold *d);

#endif
