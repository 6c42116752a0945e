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
#include "lib/wire.h"
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

/* Send TEXT, which becomes ours; NULL (out of memory) kills the agent, for
 * it would wait for ever. */
static void
send_text(struct agent *a, char *text, size_t len)
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

	send_text(a, len < 0 ? NULL : text, len < 0 ? 0 : (size_t)len);
}

void
agent_send(struct agent *a, const char *id, const char *indexes)
{
	char *text = NULL;
	int len = asprintf(&text, "send %s %s\n", id, indexes);

	send_text(a, len < 0 ? NULL : text, len < 0 ? 0 : (size_t)len);
}

static void
put_setting(FILE *out, const char *key, const char *value)
{
	if (value == NULL)
		return;
	(void)fprintf(out, "set %s ", key);
	wire_puts(out, value);
	(void)fputc('\n', out);
}

static void
put_number(FILE *out, const char *key, unsigned value)
{
	(void)fprintf(out, "set %s %u\n", key, value);
}

static void
put_smtp_settings(FILE *out, const struct relay_config *r, unsigned connections)
{
	unsigned port = r->port;

	if (port == 0)
		port = r->tls == TLS_IMPLICIT ? 465 : 25;
	put_setting(out, "host", r->host);
	put_number(out, "port", port);
	put_setting(out, "tls", tls_mode_name(r->tls));
	put_setting(out, "user", r->user);
	put_setting(out, "password_file", r->password_file);
	put_setting(out, "ca_file", r->ca_file);
	put_setting(out, "helo", r->helo);
	put_number(out, "connections", connections);
	put_number(out, "connect_timeout", r->connect_timeout_s);
	put_number(out, "reply_timeout", r->reply_timeout_s);
}

static void
send_settings(struct agent *a)
{
	const struct relay_config *r = &a->d->cfg->relay;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL) {
		send_text(a, NULL, 0);
		return;
	}
	put_setting(out, "relay", r->name);
	if (r->maildir != NULL)
		put_setting(out, "maildir", r->maildir);
	else
		put_smtp_settings(out, r, a->connections);
	(void)fputs("go\n", out);
	if (fclose(out) != 0) {
		free(text);
		text = NULL;
	}
	send_text(a, text, len);
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
	dispatch_died(a, a->how);
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
		    a->d->cfg->relay.name, a->how);
	a->state = AGENT_ENDING;
	a->died = true;
	uv_close((uv_handle_t *)&a->process, on_closed);
	if (!uv_is_closing((uv_handle_t *)&a->in))
		uv_close((uv_handle_t *)&a->in, on_closed);
	/* OUT is closed when it has been read to its end. */
}

/* Where the agents are: SPOOLD_EXEC_PATH serves uninstalled programs. */
static char *
find_program(const char *name)
{
	const char *dirs = getenv("SPOOLD_EXEC_PATH");
	char *path = NULL;

	while (dirs != NULL && *dirs != '\0') {
		size_t len = strcspn(dirs, ":");

		if (asprintf(&path, "%.*s/%s", (int)len, dirs, name) < 0)
			return NULL;
		if (access(path, X_OK) == 0)
			return path;
		free(path);
		dirs += len + (dirs[len] == ':');
	}
	return asprintf(&path, LIBEXECDIR "/%s", name) < 0 ? NULL : path;
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

static void
spawn(struct agent *a)
{
	const struct relay_config *relay = &a->d->cfg->relay;
	char *program;
	int err;

	if (a->d->stopping)
		return;
	program = find_program(
	    relay->maildir != NULL ? "spoold-maildir" : "spoold-smtp");
	a->start_us = spoold_now(a->d);
	a->state = AGENT_STARTING;
	err = program == NULL ? -ENOMEM : start_process(a, program);
	if (err < 0) {
		log_msg(LOG_ERR, "cannot start '%s': %s",
		    program == NULL ? "an agent" : program, strerror(-err));
		free(program);
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
		return;
	}
	free(program);
	(void)uv_read_start((uv_stream_t *)&a->out, on_alloc, on_read);
	send_settings(a);
}

static bool
agents_make(struct spoold *d, unsigned n, unsigned connections)
{
	d->agents = calloc(n, sizeof(*d->agents));
	if (d->agents == NULL)
		return false;
	d->nagents = n;
	for (unsigned i = 0; i < n; i++) {
		struct agent *a = &d->agents[i];

		a->d = d;
		a->number = i + 1;
		a->connections = connections / n + (i < connections % n);
		(void)uv_timer_init(&d->loop, &a->respawn_timer);
		a->respawn_timer.data = a;
		spawn(a);
	}
	return true;
}

bool
agents_start(struct spoold *d)
{
	const struct relay_config *relay = &d->cfg->relay;
	unsigned connections = relay->maildir != NULL ? 2 : relay->connections;
	unsigned n = d->cfg->agents;

	if (!d->cfg->has_relay)
		return true;
	/* Fewer connections than agents would leave some idle. */
	return agents_make(d, n < connections ? n : connections, connections);
}

unsigned
agents_running(const struct spoold *d)
{
	unsigned n = 0;

	for (unsigned i = 0; i < d->nagents; i++)
		n += d->agents[i].state != AGENT_ABSENT;
	return n;
}

bool
agents_fail(const struct spoold *d)
{
	for (unsigned i = 0; i < d->nagents; i++)
		if (d->agents[i].deaths < 3)
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
	if (how == AGENTS_KILL)
		kill_process(a, SIGKILL);
	else
		send_word(a, how == AGENTS_QUIT ? "quit" : "abort");
}

void
agents_end(struct spoold *d, enum agents_end how)
{
	for (unsigned i = 0; i < d->nagents; i++)
		end_one(&d->agents[i], how);
}

void
agents_free(struct spoold *d)
{
	for (unsigned i = 0; i < d->nagents; i++)
		free(d->agents[i].buf);
	free(d->agents);
	d->agents = NULL;
	d->nagents = 0;
}
