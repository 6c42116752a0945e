/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * .control: commands of spoolq, and sendmail's waiting (waiters.h).
 *
 * A client sends one line, "COMMAND [ID …]", and gets a line per id, "ok ID
 * TEXT" or "error ID TEXT", then "end"; or "status", and gets that.  The kernel
 * says who asks.  Root and the user that spoold runs as, the operators, may
 * command all.  Others may wait for mail of their own, be told of it, and drop
 * it.
 *
 * Everybody gets as far as the socket of a spool for the whole machine.  So
 * what each may have us do is bounded: how many come in a while, how many are
 * served at once (control-room.c), and what they can ask for.
 */

#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/wire.h"
#include "spoold/control-work.h"

#define SOCKET_NAME ".control"
/* What it is until it can be connected to. */
#define SOCKET_TMP SOCKET_NAME ".new"
#define BACKLOG 128
/* The longest request: a hundred thousand ids; and that of others, which need
 * not be all of theirs. */
#define REQUEST_MAX (1200000u)
#define OTHERS_REQUEST_MAX 1024u
#define REQUEST_BEGIN 512u
/* What a client that waits may ask for: it needs two or three. */
#define WAIT_COMMANDS_MAX 16
/* Clients that may come in so many milliseconds. */
#define COMERS_MAX 32
#define COMERS_MS 10

#define CLIENT_MS 10000

/* ---- the socket ------------------------------------------------------ */

static void
on_client_closed(uv_handle_t *handle)
{
	struct client *cl = handle->data;

	if (--cl->open_handles > 0)
		return;
	LIST_REMOVE(cl, link);
	free(cl->buf);
	free(cl->answer);
	json_out_free(&cl->piece);
	free(cl);
}

void
client_close(struct client *cl)
{
	if (uv_is_closing((uv_handle_t *)&cl->pipe))
		return;
	waiter_free(cl->waiter);
	cl->waiter = NULL;
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

/* Whether CL does not wait for an answer any more: its user was told that there
 * is none, so nothing must come of it. */
static bool
has_gone(const struct client *cl)
{
	struct pollfd pfd = { .fd = -1, .events = 0 };

	return uv_fileno((const uv_handle_t *)&cl->pipe, &pfd.fd) == 0 &&
	    poll(&pfd, 1, 0) > 0 && (pfd.revents & POLLHUP) != 0;
}

static void
answer(struct client *cl, struct span line)
{
	struct spoold *d = cl->c->d;
	size_t len;
	FILE *out = open_memstream(&cl->answer, &len);
	uv_buf_t buf;

	if (out == NULL) {
		client_close(cl);
		return;
	}
	command_run(d, cl->uid, cl->is_operator, line, out);
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

/* ---- who waits ------------------------------------------------------- */

/*
 * An answer for a client that waits.  It is short: one that does not fit into
 * the socket's buffer is for a client that does not read.
 */
static void
tell_client(struct span line, void *arg)
{
	struct client *cl = arg;
	uv_buf_t buf = uv_buf_init((char *)line.ptr, (unsigned)line.len);

	if (!uv_is_closing((uv_handle_t *)&cl->pipe) &&
	    uv_try_write((uv_stream_t *)&cl->pipe, &buf, 1) != (int)line.len)
		client_close(cl);
}

void
client_refuse(struct client *cl, const char *text)
{
	char line[64];

	(void)snprintf(line, sizeof(line), "error * %s\nend\n", text);
	tell_client(span_of(line), cl);
	client_close(cl);
}

/* Whether CL waits from now on, at the latest; if not, it is sent away. */
static bool
begin_waiting(struct client *cl)
{
	if (cl->waiter != NULL)
		return true;
	cl->waiter =
	    waiter_new(cl->c->d, cl->uid, cl->is_operator, tell_client, cl);
	if (cl->waiter == NULL) {
		client_close(cl);
		return false;
	}
	/* An operator is counted among the others only now. */
	if (client_find_room(cl))
		return true;
	client_refuse(cl, "too%20many%20clients");
	return false;
}

/* Do what LINE of a client that waits, or is to, says. */
static void
obey(struct client *cl, struct span line)
{
	struct spoold *d = cl->c->d;

	if (!begin_waiting(cl))
		return;
	/* It is silent from now on. */
	(void)uv_timer_stop(&cl->timer);
	if (++cl->wait_commands > WAIT_COMMANDS_MAX ||
	    !waiter_obey(cl->waiter, line))
		client_close(cl);
	dispatch(d);
	spoold_check_done(d);
}

/* ---- reading --------------------------------------------------------- */

static void
on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct client *cl = handle->data;
	size_t max = cl->is_operator ? REQUEST_MAX : OTHERS_REQUEST_MAX;

	(void)suggested;
	if (cl->len == cl->alloc && cl->alloc < max) {
		size_t alloc = cl->alloc == 0 ? REQUEST_BEGIN : 2 * cl->alloc;
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
take_lines(struct client *cl)
{
	struct span rest = { cl->buf, cl->len }, line;

	while (!uv_is_closing((uv_handle_t *)&cl->pipe) &&
	    wire_line(&rest, &line)) {
		if (waiter_knows(line)) {
			obey(cl, line);
		} else if (cl->waiter == NULL) {
			(void)uv_read_stop((uv_stream_t *)&cl->pipe);
			if (has_gone(cl))
				client_close(cl);
			else if (span_is(line, "status"))
				client_tell_status(cl);
			else
				answer(cl, line);
			return;
		} else {
			client_close(cl);
		}
	}
	memmove(cl->buf, rest.ptr, rest.len);
	cl->len = rest.len;
}

static void
on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct client *cl = stream->data;

	(void)buf;
	if (n < 0) {
		client_close(cl);
		return;
	}
	cl->len += (size_t)n;
	if (n > 0)
		take_lines(cl);
}

/* ---- the door -------------------------------------------------------- */

/* The kernel knows who CL is; false if it does not tell. */
static bool
identify(struct client *cl)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	uv_os_fd_t fd;

	if (uv_fileno((uv_handle_t *)&cl->pipe, &fd) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return false;
	cl->uid = cred.uid;
	cl->is_operator = cred.uid == 0 || cred.uid == geteuid();
	return true;
}

static void
admit(struct client *cl)
{
	if (!identify(cl)) {
		client_close(cl);
		return;
	}
	if (!client_find_room(cl)) {
		client_refuse(cl, "too%20many%20clients");
		return;
	}
	if (uv_read_start((uv_stream_t *)&cl->pipe, on_alloc, on_read) < 0) {
		client_close(cl);
		return;
	}
	(void)uv_timer_start(&cl->timer, on_client_timer, CLIENT_MS, 0);
}

static void on_rested(uv_timer_t *timer);

/* Whoever stands at the door comes in. */
static void
let_in(struct control *c)
{
	struct client *cl = calloc(1, sizeof(*cl));

	if (cl == NULL) {
		/* The next time. */
		c->is_resting = true;
		(void)uv_timer_start(&c->rest_timer, on_rested, COMERS_MS, 0);
		return;
	}
	cl->c = c;
	(void)uv_pipe_init(&c->d->loop, &cl->pipe, 0);
	(void)uv_timer_init(&c->d->loop, &cl->timer);
	cl->pipe.data = cl;
	cl->timer.data = cl;
	cl->open_handles = 2;
	LIST_INSERT_HEAD(&c->clients, cl, link);
	if (uv_accept((uv_stream_t *)&c->listener, (uv_stream_t *)&cl->pipe) <
	    0)
		client_close(cl);
	else
		admit(cl);
}

static void
on_rested(uv_timer_t *timer)
{
	struct control *c = timer->data;
	bool is_waiting = c->is_resting;

	c->came = 0;
	c->is_resting = false;
	/* Not let in, it keeps the others out. */
	if (is_waiting && !uv_is_closing((uv_handle_t *)&c->listener))
		let_in(c);
}

static void
on_connection(uv_stream_t *listener, int status)
{
	struct control *c = listener->data;

	if (status < 0)
		return;
	if (c->came++ == 0)
		(void)uv_timer_start(&c->rest_timer, on_rested, COMERS_MS, 0);
	if (c->came > COMERS_MAX)
		c->is_resting = true;
	else
		let_in(c);
}

/* Whether the directory FD is one that others bring mail to. */
static bool
is_for_group(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (st.st_mode & S_IWGRP) != 0;
}

/*
 * Whom the spool's mode lets in: everybody, if it is one for the whole machine,
 * or its group, who are those that a set-group-id sendmail lets through.  A
 * spool that only its owner can submit to is nobody else's, whatever the mode
 * of its top.
 */
static mode_t
socket_umask(const struct spoold *d)
{
	struct stat st;

	if (fstat(d->sp.dir_fd, &st) < 0)
		return 0177;
	if (!is_for_group(d->sp.tmp_fd) ||
	    !is_for_group(d->sp.state_fd[SPOOL_QUEUE]))
		return 0177;
	if ((st.st_mode & S_IXOTH) != 0)
		return 0111;
	return (st.st_mode & S_IXGRP) != 0 ? 0117 : 0177;
}

static int
listen_(struct control *c)
{
	uv_stream_t *listener = (uv_stream_t *)&c->listener;
	mode_t mask;
	int err;

	(void)uv_pipe_init(&c->d->loop, &c->listener, 0);
	c->listener.data = c;
	/* We hold the lock, so a socket that is there is nobody's.  The
	 * working directory is the spool: paths in sockets are short. */
	(void)unlink(SOCKET_TMP);
	mask = umask(socket_umask(c->d));
	err = uv_pipe_bind(&c->listener, SOCKET_TMP);
	(void)umask(mask);
	if (err == 0)
		err = uv_listen(listener, BACKLOG, on_connection);
	if (err == 0 && rename(SOCKET_TMP, SOCKET_NAME) < 0)
		err = -errno;
	return err;
}

int
control_init(struct spoold *d)
{
	struct control *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return -ENOMEM;
	c->d = d;
	d->control = c;
	(void)uv_timer_init(&d->loop, &c->rest_timer);
	c->rest_timer.data = c;
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
