/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/lines.h"
#include "spoold/agent-settings.h"
#include "spoolq/doctor-agent.h"

/* More than any honest agent says. */
#define TEXT_MAX (1u << 20)
/* What an agent may need besides its time. */
#define GRACE_MS 2000
/* How many are waited for at once. */
#define POLL_MAX 64

/* The child: become the agent. */
static void __attribute__((noreturn))
become_agent(char *program, int in_fd, int out_fd, const char *limit)
{
	char option[] = "--probe";
	char *args[] = { program, option, strdup(limit), NULL };

	/* Its complaints are of use when it says nothing else. */
	if (dup2(in_fd, STDIN_FILENO) >= 0 &&
	    dup2(out_fd, STDOUT_FILENO) >= 0 &&
	    dup2(out_fd, STDERR_FILENO) >= 0)
		(void)execv(program, args);
	dprintf(
	    STDERR_FILENO, "cannot start '%s': %s\n", program, strerror(errno));
	_exit(127);
}

static int
spawn(struct agent_probe *probe, char *program, const char *limit)
{
	int in[2], out[2], err;

	/* A socket, for writing to one that is gone raises no signal. */
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) < 0)
		return -errno;
	if (pipe2(out, O_CLOEXEC) < 0) {
		err = -errno;
		(void)close(in[0]);
		(void)close(in[1]);
		return err;
	}
	probe->pid = fork();
	if (probe->pid == 0)
		become_agent(program, in[0], out[1], limit);
	err = probe->pid < 0 ? -errno : 0;
	(void)close(in[0]);
	(void)close(out[1]);
	probe->in_fd = in[1];
	probe->out_fd = out[0];
	return err;
}

int
agent_probe_start(struct agent_probe *probe, const struct relay_config *relay,
    unsigned limit_s)
{
	char *program = agent_program("spoold-smtp");
	char *settings = agent_settings(relay, 1, 1);
	char limit[16];
	int err = -ENOMEM;

	*probe = (struct agent_probe){ .in_fd = -1, .out_fd = -1 };
	(void)snprintf(limit, sizeof(limit), "%u", limit_s);
	if (program != NULL && settings != NULL)
		err = spawn(probe, program, limit);
	/* If it is gone already, that shows soon enough. */
	if (err == 0)
		(void)send(probe->in_fd, settings, strlen(settings),
		    MSG_NOSIGNAL | MSG_DONTWAIT);
	probe->end_ms = lines_clock_ms() + (int64_t)limit_s * 1000 + GRACE_MS;
	free(program);
	free(settings);
	if (err < 0)
		agent_probe_release(probe);
	return err;
}

/* It has said all, or will not. */
static void
finish(struct agent_probe *probe)
{
	(void)close(probe->in_fd);
	(void)close(probe->out_fd);
	probe->in_fd = -1;
	probe->out_fd = -1;
	if (probe->is_late)
		(void)kill(probe->pid, SIGKILL);
	while (waitpid(probe->pid, &probe->status, 0) < 0 && errno == EINTR)
		continue;
	probe->pid = 0;
}

static void
read_some(struct agent_probe *probe)
{
	char buf[4096], *grown;
	ssize_t n = read(probe->out_fd, buf, sizeof(buf));

	if (n < 0 && errno == EINTR)
		return;
	grown = n > 0 && probe->len + (size_t)n < TEXT_MAX
	    ? realloc(probe->text, probe->len + (size_t)n + 1)
	    : NULL;
	if (grown == NULL) {
		/* Its end, or something that is not to be waited for. */
		probe->is_late = n > 0;
		finish(probe);
		return;
	}
	memcpy(grown + probe->len, buf, (size_t)n);
	probe->text = grown;
	probe->len += (size_t)n;
	probe->text[probe->len] = '\0';
}

/* How long to wait for the N PROBES, of which *RET_COUNT have fds. */
static int
prepare_poll(struct agent_probe *probes, size_t n, struct pollfd *fds,
    struct agent_probe **whose, nfds_t *ret_count)
{
	int64_t first = INT64_MAX, now = lines_clock_ms();
	nfds_t count = 0;

	for (size_t i = 0; i < n && count < POLL_MAX; i++) {
		if (probes[i].out_fd < 0)
			continue;
		if (probes[i].end_ms < first)
			first = probes[i].end_ms;
		fds[count] = (struct pollfd){
			.fd = probes[i].out_fd,
			.events = POLLIN,
		};
		whose[count++] = &probes[i];
	}
	*ret_count = count;
	return first > now ? (int)(first - now) : 0;
}

void
agent_probe_wait(struct agent_probe *probes, size_t n)
{
	struct agent_probe *whose[POLL_MAX];
	struct pollfd fds[POLL_MAX];
	nfds_t count;
	bool has_ended = false;

	while (!has_ended) {
		int timeout = prepare_poll(probes, n, fds, whose, &count);

		if (count == 0)
			return;
		if (poll(fds, count, timeout) < 0)
			continue;
		for (nfds_t i = 0; i < count; i++) {
			if (fds[i].revents != 0) {
				read_some(whose[i]);
			} else if (whose[i]->end_ms <= lines_clock_ms()) {
				whose[i]->is_late = true;
				finish(whose[i]);
			}
			has_ended = has_ended || whose[i]->out_fd < 0;
		}
	}
}

void
agent_probe_release(struct agent_probe *probe)
{
	if (probe->pid > 0) {
		probe->is_late = true;
		finish(probe);
	}
	free(probe->text);
	*probe = (struct agent_probe){ .in_fd = -1, .out_fd = -1 };
}
