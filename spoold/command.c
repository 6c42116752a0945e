/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* What is asked for over .control; control.c tells who asks. */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "lib/wire.h"
#include "spoold/edits.h"
#include "spoold/pause.h"
#include "spoold/steer.h"

/* A request that is being done. */
struct request {
	struct spoold *d;
	uid_t uid;
	bool is_operator;
	FILE *out;
	char *relay; /* of "reroute" */
	unsigned done, failed;
};

static void
put_answer(struct request *rq, bool ok, const char *id, const char *text)
{
	(void)fputs(ok ? "ok " : "error ", rq->out);
	wire_puts(rq->out, id);
	(void)fputc(' ', rq->out);
	wire_puts(rq->out, text);
	(void)fputc('\n', rq->out);
	rq->done += ok;
	rq->failed += !ok;
}

/* ---- about messages -------------------------------------------------- */

/* What a command does to message M; NULL, or why it cannot. */
typedef const char *message_fn(struct request *rq, struct message *m);

static const char *
do_flush(struct request *rq, struct message *m)
{
	return steer_flush(rq->d, m);
}

static const char *
do_drop(struct request *rq, struct message *m)
{
	return steer_drop(rq->d, m, rq->uid);
}

static const char *
do_hold(struct request *rq, struct message *m)
{
	return steer_hold(rq->d, m);
}

static const char *
do_release(struct request *rq, struct message *m)
{
	return steer_release(rq->d, m);
}

static const char *
do_retry(struct request *rq, struct message *m)
{
	return steer_retry(rq->d, m);
}

static const char *
do_requeue(struct request *rq, struct message *m)
{
	return steer_requeue(rq->d, m);
}

static const char *
do_reroute(struct request *rq, struct message *m)
{
	return steer_reroute(rq->d, m, rq->relay);
}

/* ---- about all of them ----------------------------------------------- */

/* "flush" without ids: everything, and the relay is tried at once. */
static void
flush_all(struct request *rq)
{
	struct event ev = event_of(EVENT_FLUSHED, NULL);
	char text[64];

	record(rq->d, &ev);
	(void)snprintf(
	    text, sizeof(text), "%zu due now", rq->d->queue.count[SPOOL_QUEUE]);
	put_answer(rq, true, "*", text);
}

/* What a command does to RELAY, or (NULL) to all of them. */
typedef void relay_fn(struct request *rq, const char *relay);

static void
do_pause(struct request *rq, const char *relay)
{
	pause_by_operator(rq->d, relay, rq->uid);
	put_answer(rq, true, "*",
	    relay == NULL ? "delivery is paused" : "the relay is paused");
}

static void
do_resume(struct request *rq, const char *relay)
{
	if (relay != NULL) {
		pause_end_relay(rq->d, relay, "spoolq");
		put_answer(rq, true, "*", "the relay is used again");
		return;
	}
	/* After SIGTSTP somebody has edited the status perhaps. */
	if (rq->d->suspended != SUSPEND_NOT) {
		put_answer(
		    rq, true, "*", "the status is read, then delivery goes on");
		edits_take(rq->d, "spoolq", true);
		return;
	}
	pause_end(rq->d, "spoolq");
	put_answer(rq, true, "*", "delivery goes on");
}

/* ---- which ----------------------------------------------------------- */

static const struct command {
	const char *name;
	const char *done; /* to a message */
	message_fn *fn;   /* NULL: it is about relays */
	relay_fn *relay_fn;
	bool needs_relay;
	bool is_for_all; /* everybody, about messages of his own */
} commands[] = {
	{ .name = "flush", .done = "due now", .fn = do_flush },
	{ .name = "drop",
	    .done = "dropped",
	    .fn = do_drop,
	    .is_for_all = true },
	{ .name = "hold", .done = "held", .fn = do_hold },
	{ .name = "release", .done = "released", .fn = do_release },
	{ .name = "retry",
	    .done = "due now, its attempts are counted anew",
	    .fn = do_retry },
	{ .name = "requeue", .done = "back in queue/", .fn = do_requeue },
	{ .name = "reroute",
	    .done = "rerouted",
	    .fn = do_reroute,
	    .needs_relay = true },
	{ .name = "pause", .relay_fn = do_pause },
	{ .name = "resume", .relay_fn = do_resume },
};

static const struct command *
find_command(struct span word)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (span_is(word, commands[i].name))
			return &commands[i];
	return NULL;
}

/* The message ID if who asks may know of it.  Another one's is looked up like
 * one that is not there, and in the same time. */
static struct message *
find_message(const struct request *rq, const char *id)
{
	struct message *m = queue_find(&rq->d->queue, id);

	return m != NULL && (rq->is_operator || m->uid == rq->uid) ? m : NULL;
}

static void
run_one(struct request *rq, const struct command *cmd, struct span field)
{
	char *id = wire_get(field);
	struct message *m = NULL;
	const char *why = "is no id";

	if (id != NULL && spool_is_id(id)) {
		m = find_message(rq, id);
		why = m == NULL ? "is not in the spool" : cmd->fn(rq, m);
	}
	put_answer(rq, why == NULL, id == NULL ? "?" : id,
	    why == NULL ? cmd->done : why);
	free(id);
}

/* The relay that the next field of LINE names: new text, or NULL after an
 * answer, if there is none of that name. */
static char *
get_relay(struct request *rq, struct span *line)
{
	struct span field;
	char *name = NULL;

	if (wire_next(line, &field))
		name = wire_get(field);
	if (name != NULL && relay_find(rq->d, name) != NULL)
		return name;
	put_answer(rq, false, "*",
	    name == NULL ? "needs a relay" : "no relay of that name");
	free(name);
	return NULL;
}

static void
run_relay(struct request *rq, const struct command *cmd, struct span line)
{
	char *relay = NULL;

	if (line.len > 0 && (relay = get_relay(rq, &line)) == NULL)
		return;
	if (line.len > 0)
		put_answer(rq, false, "*", "takes one relay");
	else
		cmd->relay_fn(rq, relay);
	free(relay);
}

static void
run_messages(struct request *rq, const struct command *cmd, struct span line)
{
	struct span field;
	bool any = false;

	if (cmd->needs_relay && (rq->relay = get_relay(rq, &line)) == NULL)
		return;
	while (wire_next(&line, &field)) {
		any = true;
		run_one(rq, cmd, field);
	}
	if (any)
		return;
	if (cmd->fn == do_flush)
		flush_all(rq);
	else
		put_answer(rq, false, "*", "needs ids");
}

static void
run(struct request *rq, struct span line)
{
	const struct command *cmd;
	struct span word;

	if (!wire_next(&line, &word))
		word = span_of("");
	cmd = find_command(word);
	if (!rq->is_operator && (cmd == NULL || !cmd->is_for_all)) {
		put_answer(rq, false, "*", "not permitted");
		return;
	}
	if (cmd == NULL) {
		put_answer(rq, false, "*", "is no command");
		return;
	}
	if (cmd->fn == NULL)
		run_relay(rq, cmd, line);
	else
		run_messages(rq, cmd, line);
	/* What others have dropped is in the log, one by one. */
	if (rq->is_operator)
		log_msg(LOG_NOTICE, "uid %lu asked for %s: %u done, %u not",
		    (unsigned long)rq->uid, cmd->name, rq->done, rq->failed);
}

/* What an operator is told has happened is durable. */
static void
sync_names(struct spoold *d)
{
	int err = spool_sync_states(&d->sp, d->dirty_states);

	if (err < 0)
		record_broken(d, "sync", err);
	else
		memset(d->dirty_states, 0, sizeof(d->dirty_states));
}

void
command_run(
    struct spoold *d, uid_t uid, bool is_operator, struct span line, FILE *out)
{
	struct request rq = {
		.d = d,
		.uid = uid,
		.is_operator = is_operator,
		.out = out,
	};

	/* Of many messages: one write for all. */
	record_gather(d);
	run(&rq, line);
	record_flush(d);
	free(rq.relay);
	/* Others must not have us sync as often as they like. */
	if (rq.done > 0)
		sync_names(d);
}
