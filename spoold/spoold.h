/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The queue manager's state and what its parts offer each other.
 *
 *	loop.c      the event loop: signals, timers, start and stop
 *	scan.c      what lies in the spool's directories (scan-names.c)
 *	unreadable.c  … of which what was complained about
 *	raw.c       messages that are files at its top; see raw.h
 *	record.c    every change: journal first, then the picture
 *	remove.c    files of messages that are done
 *	snapshot.c  .status.json and the journal's rotation;
 *	            snapshot-child.c  written by a process of its own
 *	dispatch.c  which message goes to which agent
 *	results.c   what comes back
 *	reports.c   what senders are told
 *	recover.c   what the last spoold left half done
 *	relay.c     the relays, and whether they are up
 *	agent.c     delivery agents as processes; agent-send.c what they are
 *	            told; agent-lines.c what they say
 *	reload.c    another configuration
 *	pause.c     pauses, and what SIGTSTP begins
 *	edits.c     the status, edited by an operator; edit-read.c, edits-apply.c
 *	            and written.c are parts of it
 *	control.c   .control: who asks there; command.c what spoolq asks;
 *	            status-stream.c the status, told there
 *	steer.c     what operators can do to messages
 *	waiters.c   and who waits there for what becomes of a message
 *	retry.c     waiting times (pure)
 *
 * One thread owns everything here; only fsync, fdatasync and unlink run
 * elsewhere.
 */

#ifndef SPOOLD_SPOOLD_H
#define SPOOLD_SPOOLD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <uv.h>

#include "lib/conf.h"
#include "lib/journal.h"
#include "lib/queue.h"
#include "lib/spool.h"
#include "lib/status.h"
#include "spoold/agent-protocol.h"
#include "spoold/raw.h"
#include "spoold/agent-settings.h"
#include "spoold/remove.h"
#include "spoold/scan-names.h"
#include "spoold/snapshot-child.h"
#include "spoold/unreadable.h"
#include "spoold/watch.h"
#include "spoold/written.h"

/* When to end by itself. */
enum run_until { RUN_FOREVER, RUN_ONCE, RUN_DRAINED };

/* Where a pause by SIGTSTP stands. */
enum suspended {
	SUSPEND_NOT,
	SUSPEND_WAITING, /* for what is on the way */
	SUSPEND_WRITING, /* the status */
	SUSPEND_WRITTEN, /* which is the operator's now */
};

struct agent;
struct control;
struct edits;
struct reports;
struct waiters;

struct spoold {
	uv_loop_t loop;
	struct config *cfg;
	/* Read the configuration anew, command line and all, into the
	 * uninitialised CFG, to be released in any case.  0 or -errno. */
	int (*load)(
	    struct spoold *d, struct config *cfg, struct config_error *err);
	void *load_arg;
	struct spool sp;
	struct journal journal;
	struct queue queue;
	struct status_daemon daemon;
	enum run_until until;
	int exit_code;
	bool stopping;
	bool scanned; /* the first scan is complete */

	/* The clock: the wall's at the start, then never stepped; and how far
	 * the wall's was ahead when that was last looked at. */
	int64_t wall_us, base_us, ahead_us;

	/* record.c */
	bool broken;            /* events were not journalled: see record.c */
	uint64_t unwritten_seq; /* … of which this one was the last that only
				   a snapshot tells of */
	bool gathering;         /* lines wait for the end of the turn */
	uv_prepare_t turn_prepare;
	uv_check_t turn_check;
	bool journal_dirty;
	bool journal_syncing;
	uv_timer_t sync_timer;
	uv_work_t sync_work;
	int sync_fd, sync_err;
	int64_t sync_us, sync_took_us; /* when it began; about how long */
	bool dirty_states[SPOOL_STATES]; /* names changed, not synced */
	bool sync_states[SPOOL_STATES];  /* … being synced now */

	/* snapshot.c */
	bool snapshot_running, snapshot_wanted;
	uint64_t snapshot_seq;      /* of the last event in it, on disk … */
	uint64_t snapshot_next_seq; /* … and in the one being written */
	uint64_t snapshot_bytes;    /* journal bytes at the last one */
	uint64_t snapshot_size;     /* of the last one */
	int64_t snapshot_us;        /* when it was begun */
	int64_t snapshot_cost_us;
	struct snapshot_child snapshot_child;
	uv_work_t snapshot_work;
	int snapshot_err;
	int snapshot_copy_err;
	char *snapshot_copy; /* where to, or NULL */
	/* The status and its copy; not while a snapshot is running. */
	struct written written[2];
	bool edit_kept[2]; /* one lay there and was put aside */
	bool snapshot_is_base; /* … to be edited: a copy is kept */

	/* scan.c */
	uv_idle_t scan_idle;
	bool scan_running, scan_again;
	struct scan_names scan_names; /* a worker's, while it reads them */
	unsigned scan_turn; /* its number: see struct message */
	char scan_cursor[SPOOL_ID_SIZE]; /* of the look at all messages */
	bool scan_is_first;
	int64_t scan_us;
	int64_t report_us; /* a report waits until then; 0: none */
	int64_t scan_cost_us;
	struct watch scan_watch;
	struct unreadables unreadables;
	struct raw *raw; /* raw.h */

	struct removals removals; /* remove.c */

	/* relay.c */
	TAILQ_HEAD(, relay) relays;

	/* dispatch.c */
	unsigned in_flight;

	unsigned agents_made; /* agent.c: the last one's number */

	/* loop.c */
	uv_timer_t tick_timer;
	uv_timer_t stop_timer;
	unsigned stop_stage;
	uv_signal_t signals[7];

	enum suspended suspended; /* pause.c */

	struct control *control;
	struct edits *edits;
	struct reports *reports;
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

/*
 * Lines may gather until this turn of the loop ends, for who is about to
 * record many.  Without that each is written at once.
 */
void record_gather(struct spoold *d);

/* Write what has gathered; D is marked broken when that fails. */
void record_flush(struct spoold *d);

/* An event of KIND about message M (or NULL), otherwise empty. */
struct event event_of(enum event_kind kind, const struct message *m);

/* WHAT ("write", "sync") of the journal failed with ERR: D is broken now, until
 * a snapshot of all that has happened so far is on disk. */
void record_broken(struct spoold *d, const char *what, int err);

void record_init(struct spoold *d);

/* ---- snapshot.c ------------------------------------------------------ */

/* Write a snapshot soon: now, or when the one going on is complete. */
void snapshot_want(struct spoold *d);

/* While none is being written: the configuration may have another place for the
 * copy; of what lies there nothing is known then. */
void snapshot_fit_copy(struct spoold *d);

/* Called every second: write one if it is time. */
void snapshot_tick(struct spoold *d);

/* spoold is about to stop: the one going on is not worth waiting for. */
void snapshot_cancel(struct spoold *d);

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

/* spoold is about to stop: nobody waits for names any more. */
void scan_cancel(struct spoold *d);

/* ---- subject.c ------------------------------------------------------- */

/* The Subject: field of QF's message, cleaned and cut: a new string; NULL:
 * there is none, or out of memory. */
char *subject_of(const struct qfile *qf);

/* ---- relay.c --------------------------------------------------------- */

/* A relay that is, or was, configured; it stays until the end. */
struct relay {
	TAILQ_ENTRY(relay) link;
	struct spoold *d;
	const struct relay_config *cfg; /* NULL: not configured any more */
	struct relay_state *state;
	TAILQ_HEAD(, agent) agents; /* those too that are to end */
	unsigned in_flight;
	unsigned lane_in_flight[LANES_MAX];
	unsigned choices;         /* made, for the lanes behind */
	int64_t probe_rest_us;    /* its last rest; 0: it is up */
	const struct part *probe; /* on its way while it is down */
	uv_timer_t timer;
	bool is_ascii_only; /* it said that it has no SMTPUTF8 */
};

/*
 * Make the relays what D->cfg says: new ones, other limits, some not
 * configured any more; D->queue learns of the limits.  0 or -ENOMEM.
 */
int relays_fit(struct spoold *d);

/* The hosts of CFG's first relay, for people; new text, NULL: no relay. */
char *relays_text(const struct config *cfg);

/* The relay of that name that is configured, or NULL. */
struct relay *relay_find(struct spoold *d, const char *name);

/* Put down what only spoold knows of the relays' work at NOW_US, for the
 * status: connections, and how much of the limits is used up. */
void relays_measure(struct spoold *d, int64_t now_us);

/* Find out anew where M's recipients go and which lane it is in. */
void relay_route(struct spoold *d, struct message *m);

/* The same for all, for the configuration is another one. */
void relay_route_all(struct spoold *d);

/*
 * Whether a message may go out at NOW_US.  If not, and a time is known at
 * which to look again, *RET_WAKE_US is that.
 */
bool relay_is_open(const struct relay *r, int64_t now_us, int64_t *ret_wake_us);

/*
 * Trouble with the relay: close the way, or keep it closed for longer.
 * TROUBLE_MESSAGE: perhaps with one message alone; then the rest does not grow,
 * so that it soon is another one's turn.  TROUBLE_LOGIN: it refuses our login.
 */
enum trouble { TROUBLE_RELAY, TROUBLE_LOGIN, TROUBLE_MESSAGE };
void relay_trouble(struct relay *r, const char *reason, enum trouble trouble);

/*
 * What OUTCOME says of the relay: an answer by SERVER shows that it is up;
 * none, while it is being probed, that it is not.
 */
void relay_judge(struct relay *r, enum outcome outcome, const char *server,
    const char *reply);

/*
 * The last reply about R or, where nobody answered, "[local] " and the trouble
 * with its relay: a new string; NULL: there is neither, or out of memory.
 */
char *relay_reply(const struct qrcpt *r);

/* An agent said whether the relay offers SMTPUTF8: tell sendmail. */
void relay_has_utf8(struct relay *r, bool has_utf8);

/* A uv_timer_cb: it may be time to hand something out. */
void relay_on_timer(uv_timer_t *timer);

void relays_free(struct spoold *d);

/* ---- dispatch.c ------------------------------------------------------ */

/* Hand out what is due and allowed, and set the timers for what is next. */
void dispatch(struct spoold *d);
void dispatch_relay(struct relay *r);

/*
 * Give recipients of M up that are pending for longer than is of use: its time
 * to live is over, or its lifetime while its relay could not be reached.
 */
void dispatch_expire(struct spoold *d, struct message *m);

/* ---- results.c ------------------------------------------------------- */

/* Complete what has no pending recipient: have its sender told, remove it, or
 * keep it in failed/. */
void dispatch_finish(struct spoold *d, struct message *m);

/* Write the result EV, about M, to the log. */
void log_result(const struct event *ev, const struct message *m);

/* What an agent said about message ID, in the words of agent-protocol.h. */
void dispatch_start(
    struct agent *a, const char *id, const char *server, bool owes_success);
void dispatch_rcpt(struct agent *a, const char *id, unsigned index,
    const char *outcome, int64_t delay_us, const char *reply);
void dispatch_done(struct agent *a, const char *id);
void dispatch_back(
    struct agent *a, const char *id, const char *why, const char *reason);
void dispatch_bad(struct agent *a, const char *id, const char *reason);

/* EV, uncertain, is the result of R's attempt that broke off with an agent or
 * with spoold.  It counts, for it may have been this message that did it; not
 * if such ones are held, which no count must end. */
void dispatch_count(
    const struct spoold *d, const struct qrcpt *r, struct event *ev);

/* Agent A died: each of its messages was interrupted. */
void dispatch_died(struct agent *a, const char *how);

/* ---- recover.c ------------------------------------------------------- */

/*
 * After the status was read: nothing of it goes anywhere before the first scan
 * has shown that its file is there.
 */
void recover_begin(struct spoold *d);

/* M's file is there: what was going on when the last spoold ended is sorted
 * out, and M can go. */
void recover_message(struct spoold *d, struct message *m);

/* ---- reports.c ------------------------------------------------------- */

int reports_init(struct spoold *d);

/*
 * Tell the sender of M of the recipients that failed and that he was not told
 * of.  True: something is being done about it, and dispatch_finish() comes
 * again; false: he cannot be told, M->untold says so.
 */
bool reports_failed(struct spoold *d, struct message *m);

/* If M is late for long enough, tell its sender once. */
void reports_late(struct spoold *d, struct message *m);

/* The relay of P, which took recipients of this attempt, tells nobody: if
 * somebody wants to know, tell him. */
void reports_relayed(struct spoold *d, const struct part *p);

/* Whether none is being written. */
bool reports_idle(const struct spoold *d);

void reports_free(struct spoold *d);

/* ---- reload.c -------------------------------------------------------- */

/* Read the configuration again.  What is wrong with it is logged, and the one
 * that is there stays. */
void reload(struct spoold *d);

/* ---- agent.c --------------------------------------------------------- */

enum agent_state { AGENT_ABSENT, AGENT_STARTING, AGENT_READY, AGENT_ENDING };

struct agent {
	TAILQ_ENTRY(agent) link;
	struct spoold *d;
	struct relay *relay;
	enum agent_state state;
	bool is_leaving; /* not to be started again */
	unsigned number;
	unsigned connections;     /* its share of the relay's */
	unsigned connections_max; /* … with slow ones */
	unsigned slow;            /* sessions that wait for long */
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
	char *unsent; /* "send" lines: go out when the turn ends */
	size_t unsent_len, unsent_alloc;
};

/* Start R's agents, as its configuration says; false: out of memory. */
bool agents_start(struct relay *r);

/* R's agents are to finish what they do and end for good. */
void agents_retire(struct relay *r);

/*
 * Give message ID's recipients INDEXES ("*" or "0-2,5") to A: at the end of
 * the turn, when the journal has the attempt.
 */
void agent_send(struct agent *a, const char *id, const char *indexes);

/*
 * Tell the agents, or only A, what agent_send() was given.  If D is broken, it
 * comes back by dispatch_back() instead.
 */
void agents_push(struct spoold *d);
void agent_push(struct agent *a);

/*
 * Send TEXT, which becomes its own; NULL (out of memory) kills A, for it would
 * wait for ever.
 */
void agent_write(struct agent *a, char *text, size_t len);

/* Take the complete lines out of A's buffer and do what they say. */
void agent_take_lines(struct agent *a);

/* Say "quit" (or "abort", or kill) to all that run. */
enum agents_end { AGENTS_QUIT, AGENTS_ABORT, AGENTS_KILL };
void agents_end(struct spoold *d, enum agents_end how);

/* How many are running, in whatever state. */
unsigned agents_running(const struct spoold *d);

/* Whether none of R's ever lives long: there is no use in waiting. */
bool agents_fail(const struct relay *r);

void agents_free(struct relay *r);

/* ---- command.c ------------------------------------------------------- */

/*
 * Do what LINE, a request of UID's, says, and write the answers to OUT, each
 * with its line end; what they say has happened is durable.  Who is no operator
 * may drop messages of his own, and learns of no others.
 */
void command_run(struct spoold *d, uid_t uid, bool is_operator,
    struct span line, FILE *out);

/* ---- control.c ------------------------------------------------------- */

/* Listen on .control.  0 or -errno. */
int control_init(struct spoold *d);

/* Called every second: listen anew if somebody removed the socket. */
void control_tick(struct spoold *d);

void control_close(struct spoold *d);

#endif
