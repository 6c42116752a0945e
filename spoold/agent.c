/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Delivery agents as processes: started, spoken to in lines, reaped, started
 * again.
 */

#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"
#include "spoold/agent-protocol.h"
#include "spoold/spoold.h"

/* An agent that lives shorter is started again later and later. */
#define SHORT_LIFE_US ((int64_t)10 * 1000000)
#define RESPAWN_MAX_MS 30000u

/* ---- to the agent ---------------------------------------------------- */

struct request {
	uv_write_t write;
	char *text;
};

static void
on_written(uv_write_t *write, int status)
{
	struct request *req = write->data;

	/* A broken pipe means that it died: on_exit() comes. */
	(void)status;
	free(req->text);
	free(req);
}

/* Never after it was reaped: the number may be another process's. */
static void
kill_process(struct agent *a, int signo)
{
	if (!a->died)
		(void)uv_process_kill(&a->process, signo);
}

void
agent_write(struct agent *a, char *text, size_t len)
{
	struct request *req = calloc(1, sizeof(*req));
	uv_buf_t buf;

	if (text != NULL && req != NULL) {
		req->text = text;
		req->write.data = req;
		buf = uv_buf_init(text, (unsigned)len);
		if (uv_write(&req->write, (uv_stream_t *)&a->in, &buf, 1,
			on_written) == 0)
			return;
	}
	free(req);
	free(text);
	kill_process(a, SIGKILL);
}

static void
send_word(struct agent *a, const char *word)
{
	char *text = NULL;
	int len = asprintf(&text, "%s\n", word);

	agent_write(a, len < 0 ? NULL : text, len < 0 ? 0 : (size_t)len);
}

/* ---- from the agent -------------------------------------------------- */

static void
on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct agent *a = handle->data;

	(void)suggested;
	if (a->alloc - a->len < 4096 && a->alloc < AGENT_LINE_MAX) {
		size_t alloc = a->alloc == 0 ? 16384 : 2 * a->alloc;
		char *grown = realloc(a->buf, alloc);

		if (grown != NULL) {
			a->buf = grown;
			a->alloc = alloc;
		}
	}
	*buf = uv_buf_init(a->buf == NULL ? NULL : a->buf + a->len,
	    (unsigned)(a->alloc - a->len));
}

static void after_close(struct agent *a);

static void
on_closed(uv_handle_t *handle)
{
	struct agent *a = handle->data;

	a->open_handles--;
	after_close(a);
}

static void
on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct agent *a = stream->data;

	(void)buf;
	if (n == 0)
		return;
	if (n > 0) {
		a->len += (size_t)n;
		agent_take_lines(a);
		return;
	}
	if (n == UV_ENOBUFS)
		log_msg(LOG_ERR, "agent %u said an endless line", a->number);
	/* What it said before it died counts: only now is it over. */
	if (!uv_is_closing((uv_handle_t *)&a->out))
		uv_close((uv_handle_t *)&a->out, on_closed);
	/* Told to end, it just has; else it cannot be spoken to any more. */
	if (a->state != AGENT_ENDING)
		kill_process(a, SIGTERM);
}

/* ---- life and death -------------------------------------------------- */

static void spawn(struct agent *a);

static void
on_respawn(uv_timer_t *timer)
{
	spawn(timer->data);
}

static void
on_timer_closed(uv_handle_t *handle)
{
	struct agent *a = handle->data;

	free(a->buf);
	free(a->unsent);
	free(a);
}

/* A has ended for good: the last that is closed is its timer. */
static void
leave(struct agent *a)
{
	struct spoold *d = a->d;

	/* The loop is ending, for A was the last: it is freed with its relay. */
	if (uv_is_closing((uv_handle_t *)&a->respawn_timer))
		return;
	TAILQ_REMOVE(&a->relay->agents, a, link);
	uv_close((uv_handle_t *)&a->respawn_timer, on_timer_closed);
	spoold_check_done(d);
}

/* Everything of the dead agent has been closed: the next one may come. */
static void
after_close(struct agent *a)
{
	uint64_t wait_ms = 0;

	if (a->open_handles > 0 || !a->died)
		return;
	a->died = false;
	a->state = AGENT_ABSENT;
	a->len = 0;
	a->unsent_len = 0;
	a->slow = 0;
	dispatch_died(a, a->how);
	if (a->is_leaving) {
		leave(a);
		return;
	}
	if (a->d->stopping) {
		spoold_check_done(a->d);
		return;
	}
	if (spoold_now(a->d) - a->start_us < SHORT_LIFE_US)
		wait_ms = UINT64_C(500) << (a->deaths < 6 ? a->deaths++ : 6);
	else
		a->deaths = 0;
	if (wait_ms > RESPAWN_MAX_MS)
		wait_ms = RESPAWN_MAX_MS;
	(void)uv_timer_start(&a->respawn_timer, on_respawn, wait_ms, 0);
}

static void
on_exit_(uv_process_t *process, int64_t status, int signo)
{
	struct agent *a = process->data;

	if (signo != 0)
		(void)snprintf(a->how, sizeof(a->how), "signal %d", signo);
	else
		(void)snprintf(
		    a->how, sizeof(a->how), "exit status %" PRId64, status);
	if (a->state != AGENT_ENDING || signo != 0)
		log_msg(LOG_ERR, "agent %u of relay %s died: %s", a->number,
		    a->relay->state->name, a->how);
	a->state = AGENT_ENDING;
	a->died = true;
	uv_close((uv_handle_t *)&a->process, on_closed);
	if (!uv_is_closing((uv_handle_t *)&a->in))
		uv_close((uv_handle_t *)&a->in, on_closed);
	/* OUT is closed when it has been read to its end. */
}

static int
start_process(struct agent *a, char *program)
{
	char *args[] = { program, NULL };
	uv_stdio_container_t stdio[3] = {
		{ .flags = UV_CREATE_PIPE | UV_READABLE_PIPE,
		    .data.stream = (uv_stream_t *)&a->in },
		{ .flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE,
		    .data.stream = (uv_stream_t *)&a->out },
		{ .flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO },
	};
	uv_process_options_t options = {
		.file = program,
		.args = args,
		.exit_cb = on_exit_,
		.stdio = stdio,
		.stdio_count = 3,
	};

	a->process.data = a;
	(void)uv_pipe_init(&a->d->loop, &a->in, 0);
	(void)uv_pipe_init(&a->d->loop, &a->out, 0);
	a->in.data = a;
	a->out.data = a;
	a->open_handles = 3;
	return uv_spawn(&a->d->loop, &a->process, &options);
}

/* Nothing came of it: what there is of it is closed, then it may try again. */
static void
not_started(struct agent *a)
{
	if (a->open_handles == 0) {
		a->state = AGENT_ABSENT;
		(void)uv_timer_start(
		    &a->respawn_timer, on_respawn, RESPAWN_MAX_MS, 0);
		return;
	}
	a->died = true;
	a->state = AGENT_ENDING;
	uv_close((uv_handle_t *)&a->process, on_closed);
	uv_close((uv_handle_t *)&a->in, on_closed);
	uv_close((uv_handle_t *)&a->out, on_closed);
}

static void
spawn(struct agent *a)
{
	const struct relay_config *cfg = a->relay->cfg;
	char *program, *settings;
	int err;

	if (a->d->stopping || cfg == NULL)
		return;
	program = agent_program(
	    cfg->maildir != NULL ? "spoold-maildir" : "spoold-smtp");
	a->start_us = spoold_now(a->d);
	a->state = AGENT_STARTING;
	err = program == NULL ? -ENOMEM : start_process(a, program);
	if (err < 0)
		log_msg(LOG_ERR, "cannot start '%s': %s",
		    program == NULL ? "an agent" : program, strerror(-err));
	free(program);
	if (err < 0) {
		not_started(a);
		return;
	}
	(void)uv_read_start((uv_stream_t *)&a->out, on_alloc, on_read);
	settings = agent_settings(cfg, a->connections, a->connections_max);
	agent_write(a, settings, settings == NULL ? 0 : strlen(settings));
}

/* The I-th of N equal shares of COUNT, all of them together COUNT. */
static unsigned
share(unsigned count, unsigned n, unsigned i)
{
	return count / n + (i < count % n);
}

bool
agents_start(struct relay *r)
{
	const struct relay_config *cfg = r->cfg;
	bool is_maildir = cfg->maildir != NULL;
	unsigned connections = is_maildir ? 2 : cfg->connections;
	unsigned max = is_maildir ? 2 : cfg->connections_max;
	unsigned n = r->d->cfg->agents;

	/* Fewer connections than agents would leave some idle. */
	if (n > connections)
		n = connections;
	for (unsigned i = 0; i < n; i++) {
		struct agent *a = calloc(1, sizeof(*a));

		if (a == NULL)
			return false;
		a->d = r->d;
		a->relay = r;
		a->number = ++r->d->agents_made;
		a->connections = share(connections, n, i);
		a->connections_max = share(max, n, i);
		(void)uv_timer_init(&r->d->loop, &a->respawn_timer);
		a->respawn_timer.data = a;
		TAILQ_INSERT_TAIL(&r->agents, a, link);
		spawn(a);
	}
	return true;
}

unsigned
agents_running(const struct spoold *d)
{
	const struct relay *r;
	const struct agent *a;
	unsigned n = 0;

	TAILQ_FOREACH (r, &d->relays, link)
		TAILQ_FOREACH (a, &r->agents, link)
			n += a->state != AGENT_ABSENT;
	return n;
}

bool
agents_fail(const struct relay *r)
{
	const struct agent *a;

	TAILQ_FOREACH (a, &r->agents, link)
		if (!a->is_leaving && a->deaths < 3)
			return false;
	return true;
}

static void
end_one(struct agent *a, enum agents_end how)
{
	(void)uv_timer_stop(&a->respawn_timer);
	if (a->state == AGENT_ABSENT || a->died)
		return;
	a->state = AGENT_ENDING;
	record_flush(a->d);
	agent_push(a);
	if (how == AGENTS_KILL)
		kill_process(a, SIGKILL);
	else
		send_word(a, how == AGENTS_QUIT ? "quit" : "abort");
}

void
agents_end(struct spoold *d, enum agents_end how)
{
	struct relay *r;
	struct agent *a;

	TAILQ_FOREACH (r, &d->relays, link)
		TAILQ_FOREACH (a, &r->agents, link)
			end_one(a, how);
}

void
agents_retire(struct relay *r)
{
	struct agent *a, *next;

	for (a = TAILQ_FIRST(&r->agents); a != NULL; a = next) {
		next = TAILQ_NEXT(a, link);
		if (a->is_leaving)
			continue;
		a->is_leaving = true;
		end_one(a, AGENTS_QUIT);
		if (a->state == AGENT_ABSENT)
			leave(a);
	}
}

void
agents_free(struct relay *r)
{
	struct agent *a;

	while ((a = TAILQ_FIRST(&r->agents)) != NULL) {
		TAILQ_REMOVE(&r->agents, a, link);
		free(a->buf);
		free(a->unsent);
		free(a);
	}
}
