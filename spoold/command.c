/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* What an operator can do to messages; control.c lets in who may. */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "lib/wire.h"
#include "spoold/spoold.h"

/* What a command does to message M; NULL, or why it cannot. */
typedef const char *command_fn(struct spoold *d, struct message *m);

static const char *
do_flush(struct spoold *d, struct message *m)
{
	struct event ev = event_of(EVENT_FLUSHED, m);

	if (m->state != SPOOL_QUEUE)
		return "is not in queue/";
	record(d, &ev);
	return NULL;
}

static const char *
do_drop(struct spoold *d, struct message *m)
{
	struct event ev = event_of(EVENT_DROPPED, m);
	int err;

	if (queue_is_busy(m))
		return "is being delivered at this moment";
	err = spool_remove(&d->sp, m->id, m->state);
	if (err < 0)
		return strerror(-err);
	d->dirty_states[m->state] = true;
	log_msg(LOG_NOTICE, "dropped id=%s from=<%s> by an operator", m->id,
	    m->sender);
	record(d, &ev);
	return NULL;
}

static const char *
move(struct spoold *d, struct message *m, enum spool_state from,
    enum spool_state to, enum event_kind kind)
{
	struct event ev = event_of(kind, m);
	int err;

	if (m->state != from)
		return m->state == SPOOL_FAILED ? "is in failed/"
		    : m->state == SPOOL_HOLD    ? "is held already"
						: "is not held";
	if (queue_is_busy(m))
		return "is being delivered at this moment";
	err = spool_rename(&d->sp, m->id, from, to);
	if (err < 0)
		return strerror(-err);
	d->dirty_states[from] = true;
	d->dirty_states[to] = true;
	record(d, &ev);
	return NULL;
}

static const char *
do_hold(struct spoold *d, struct message *m)
{
	return move(d, m, SPOOL_QUEUE, SPOOL_HOLD, EVENT_HELD);
}

static const char *
do_release(struct spoold *d, struct message *m)
{
	return move(d, m, SPOOL_HOLD, SPOOL_QUEUE, EVENT_RELEASED);
}

static const struct command {
	const char *name;
	const char *done;
	command_fn *fn;
} commands[] = {
	{ "flush", "due now", do_flush },
	{ "drop", "dropped", do_drop },
	{ "hold", "held", do_hold },
	{ "release", "released", do_release },
};

static void
put_answer(FILE *out, bool ok, const char *id, const char *text)
{
	(void)fputs(ok ? "ok " : "error ", out);
	wire_puts(out, id);
	(void)fputc(' ', out);
	wire_puts(out, text);
	(void)fputc('\n', out);
}

static void
run_one(
    struct spoold *d, const struct command *cmd, struct span field, FILE *out)
{
	char *id = wire_get(field);
	struct message *m = NULL;
	const char *why = "is no id";

	if (id != NULL && spool_is_id(id)) {
		m = queue_find(&d->queue, id);
		why = m == NULL ? "is not in the spool" : cmd->fn(d, m);
	}
	put_answer(out, why == NULL, id == NULL ? "?" : id,
	    why == NULL ? cmd->done : why);
	free(id);
}

/* "flush" without ids: everything, and the relay is tried at once. */
static void
flush_all(struct spoold *d, FILE *out)
{
	struct event ev = event_of(EVENT_FLUSHED, NULL);
	char text[64];

	record(d, &ev);
	(void)snprintf(
	    text, sizeof(text), "%zu due now", d->queue.count[SPOOL_QUEUE]);
	put_answer(out, true, "*", text);
}

static void
run(struct spoold *d, struct span line, FILE *out)
{
	const struct command *cmd = NULL;
	struct span word, field;
	bool any = false;

	if (!wire_next(&line, &word))
		word = span_of("");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (span_is(word, commands[i].name))
			cmd = &commands[i];
	if (cmd == NULL) {
		put_answer(out, false, "*", "is no command");
		return;
	}
	while (wire_next(&line, &field)) {
		any = true;
		run_one(d, cmd, field, out);
	}
	if (any)
		return;
	if (cmd->fn == do_flush)
		flush_all(d, out);
	else
		put_answer(out, false, "*", "needs ids");
}

/* What an operator is told has happened is durable. */
static void
sync_names(struct spoold *d)
{
	int err = 0;

	for (int i = 0; i < SPOOL_STATES && err == 0; i++) {
		if (d->dirty_states[i])
			err = spool_sync(&d->sp, (enum spool_state)i);
		d->dirty_states[i] = false;
	}
	if (err < 0)
		record_broken(d, "sync", err);
}

void
command_run(struct spoold *d, struct span line, FILE *out)
{
	run(d, line, out);
	sync_names(d);
}
