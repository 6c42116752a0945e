/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * .control: commands of spoolq.
 *
 * A client sends one line, "COMMAND [ID …]", and gets a line per id, "ok ID
 * TEXT" or "error ID TEXT", then "end".  Root and the user that spoold runs
 * as may command; the kernel says who asks.
 */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/wire.h"
#include "spoold/spoold.h"

#define SOCKET_NAME ".control"
/* The longest request: a hundred thousand ids. */
#define REQUEST_MAX (1200000u)
#define CLIENTS_MAX 32

struct control {
	struct spoold *d;
	uv_pipe_t listener;
	LIST_HEAD(, client) clients;
	unsigned nclients;
};

struct client {
	LIST_ENTRY(client) link;
	struct control *c;
	uv_pipe_t pipe;
	uv_timer_t timer; /* a client that says nothing is sent away */
	uv_write_t write;
	unsigned open_handles;
	char *buf;
	size_t len, alloc;
	char *answer;
};

#define CLIENT_MS 10000

/* ---- the commands ---------------------------------------------------- */

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

	if (m->job != NULL)
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
	if (m->job != NULL)
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

/* ---- the socket ------------------------------------------------------ */

static void
on_client_closed(uv_handle_t *handle)
{
	struct client *cl = handle->data;

	if (--cl->open_handles > 0)
		return;
	LIST_REMOVE(cl, link);
	cl->c->nclients--;
	free(cl->buf);
	free(cl->answer);
	free(cl);
}

static void
client_close(struct client *cl)
{
	if (uv_is_closing((uv_handle_t *)&cl->pipe))
		return;
	uv_close((uv_handle_t *)&cl->pipe, on_client_closed);
	uv_close((uv_handle_t *)&cl->timer, on_client_closed);
}

static void
on_client_timer(uv_timer_t *timer)
{
	client_close(timer->data);
}

static void
on_answered(uv_write_t *write, int status)
{
	(void)status;
	client_close(write->data);
}

static bool
may_command(struct client *cl)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	uv_os_fd_t fd;

	return uv_fileno((uv_handle_t *)&cl->pipe, &fd) == 0 &&
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 &&
	    (cred.uid == 0 || cred.uid == geteuid());
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

static void
answer(struct client *cl, struct span line)
{
	struct spoold *d = cl->c->d;
	size_t len;
	FILE *out = open_memstream(&cl->answer, &len);
	uv_buf_t buf;

	(void)uv_read_stop((uv_stream_t *)&cl->pipe);
	if (out == NULL) {
		client_close(cl);
		return;
	}
	if (may_command(cl)) {
		run(d, line, out);
		sync_names(d);
	} else
		put_answer(out, false, "*", "not permitted");
	(void)fputs("end\n", out);
	if (fclose(out) != 0) {
		client_close(cl);
		return;
	}
	buf = uv_buf_init(cl->answer, (unsigned)len);
	cl->write.data = cl;
	if (uv_write(
		&cl->write, (uv_stream_t *)&cl->pipe, &buf, 1, on_answered) < 0)
		client_close(cl);
	dispatch(d);
	spoold_check_done(d);
}

static void
on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct client *cl = handle->data;

	(void)suggested;
	if (cl->len == cl->alloc && cl->alloc < REQUEST_MAX) {
		size_t alloc = cl->alloc == 0 ? 4096 : 2 * cl->alloc;
		char *grown = realloc(cl->buf, alloc);

		if (grown != NULL) {
			cl->buf = grown;
			cl->alloc = alloc;
		}
	}
	*buf = uv_buf_init(cl->buf == NULL ? NULL : cl->buf + cl->len,
	    (unsigned)(cl->alloc - cl->len));
}

static void
on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct client *cl = stream->data;
	struct span rest, line;

	(void)buf;
	if (n < 0) {
		client_close(cl);
		return;
	}
	cl->len += (size_t)n;
	rest = (struct span){ cl->buf, cl->len };
	if (n > 0 && wire_line(&rest, &line))
		answer(cl, line);
}

static void
on_connection(uv_stream_t *listener, int status)
{
	struct control *c = listener->data;
	struct client *cl;

	if (status < 0 || (cl = calloc(1, sizeof(*cl))) == NULL)
		return;
	cl->c = c;
	(void)uv_pipe_init(&c->d->loop, &cl->pipe, 0);
	(void)uv_timer_init(&c->d->loop, &cl->timer);
	cl->pipe.data = cl;
	cl->timer.data = cl;
	cl->open_handles = 2;
	LIST_INSERT_HEAD(&c->clients, cl, link);
	c->nclients++;
	if (uv_accept(listener, (uv_stream_t *)&cl->pipe) < 0 ||
	    c->nclients > CLIENTS_MAX ||
	    uv_read_start((uv_stream_t *)&cl->pipe, on_alloc, on_read) < 0) {
		client_close(cl);
		return;
	}
	(void)uv_timer_start(&cl->timer, on_client_timer, CLIENT_MS, 0);
}

static int
listen_(struct control *c)
{
	mode_t mask;
	int err;

	(void)uv_pipe_init(&c->d->loop, &c->listener, 0);
	c->listener.data = c;
	/* We hold the lock, so a socket that is there is nobody's.  The
	 * working directory is the spool: paths in sockets are short. */
	(void)unlink(SOCKET_NAME);
	mask = umask(0177);
	err = uv_pipe_bind(&c->listener, SOCKET_NAME);
	(void)umask(mask);
	return err < 0
	    ? err
	    : uv_listen((uv_stream_t *)&c->listener, 16, on_connection);
}

int
control_init(struct spoold *d)
{
	struct control *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return -ENOMEM;
	c->d = d;
	d->control = c;
	return listen_(c);
}

static void
on_listener_closed(uv_handle_t *handle)
{
	struct control *c = handle->data;

	if (c->d->stopping)
		return;
	(void)listen_(c);
}

void
control_tick(struct spoold *d)
{
	uv_handle_t *listener;

	if (d->control == NULL || access(SOCKET_NAME, F_OK) == 0)
		return;
	listener = (uv_handle_t *)&d->control->listener;
	if (uv_is_closing(listener))
		return;
	log_msg(LOG_WARNING, ".control was removed; it is made again");
	uv_close(listener, on_listener_closed);
}

void
control_close(struct spoold *d)
{
	struct client *cl;

	if (d->control == NULL ||
	    uv_is_closing((uv_handle_t *)&d->control->listener))
		return;
	(void)unlink(SOCKET_NAME);
	uv_close((uv_handle_t *)&d->control->listener, NULL);
	LIST_FOREACH (cl, &d->control->clients, link)
		client_close(cl);
}
