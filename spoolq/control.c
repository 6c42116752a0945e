/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See control.h. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/lines.h"
#include "lib/wire.h"
#include "spoolq/control.h"

/* Longest line that spoold may answer. */
#define ANSWER_MAX 65536

/*
 * The socket's address.  There is room for 107 bytes only; a longer path is
 * reached through the descriptor of its directory.
 */
static void
set_path(struct sockaddr_un *un, const struct spool *sp)
{
	int len = snprintf(
	    un->sun_path, sizeof un->sun_path, "%s/%s", sp->path, CONTROL_NAME);

	if (len < 0 || (size_t)len >= sizeof un->sun_path)
		(void)snprintf(un->sun_path, sizeof un->sun_path,
		    "/proc/self/fd/%d/%s", sp->dir_fd, CONTROL_NAME);
}

int
control_connect(const struct spool *sp, int *ret_fd)
{
	/* Bounds connect(2) too, which waits for room in a backlog. */
	struct timeval limit = { .tv_sec = CONTROL_TIMEOUT_S };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd, err;

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	set_path(&un, sp);
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) ==
		0 &&
	    connect(fd, (const struct sockaddr *)&un, sizeof un) == 0) {
		*ret_fd = fd;
		return 0;
	}
	err = errno == EAGAIN ? -ETIMEDOUT : -errno;
	(void)close(fd);
	return err;
}

static bool
is_alive(long pid)
{
	return pid > 0 && pid <= INT_MAX &&
	    (kill((pid_t)pid, 0) == 0 || errno == EPERM);
}

/*
 * Whether somebody owns the spool.  The shared lock is given back at once;
 * who wants the exclusive one in that moment tries again.
 */
static bool
is_locked(const struct spool *sp, long pid)
{
	int fd = openat(sp->dir_fd, SPOOL_LOCK_NAME,
	    O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	bool locked;

	if (fd < 0)
		return errno != ENOENT && is_alive(pid);
	locked = flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
	(void)close(fd);
	return locked;
}

enum control_state
control_look(const struct spool *sp, long pid)
{
	int fd, err = control_connect(sp, &fd);

	switch (err) {
	case 0:
		(void)close(fd);
		return CONTROL_SERVED;
	case -ENOENT:
	case -ECONNREFUSED:
		return is_locked(sp, pid) ? CONTROL_SILENT : CONTROL_NONE;
	case -EACCES:
	case -EPERM:
		/* Who may read the spool may not ask: the kernel tells. */
		return is_alive(pid) ? CONTROL_SERVED : CONTROL_NONE;
	default:
		return CONTROL_SILENT;
	}
}

int
control_send(int fd, const char *verb, char *const ids[], size_t n)
{
	char *text = NULL;
	size_t len, off;
	FILE *out = open_memstream(&text, &len);
	int result = 0;

	if (out == NULL)
		return -errno;
	wire_puts(out, verb);
	for (size_t i = 0; i < n; i++) {
		(void)fputc(' ', out);
		wire_puts(out, ids[i]);
	}
	(void)fputc('\n', out);
	if (fclose(out) != 0) {
		free(text);
		return -ENOMEM;
	}
	for (off = 0; off < len && result == 0;) {
		ssize_t sent = send(fd, text + off, len - off, MSG_NOSIGNAL);

		if (sent >= 0)
			off += (size_t)sent;
		else if (errno == EAGAIN)
			result = -ETIMEDOUT;
		else if (errno != EINTR)
			result = -errno;
	}
	free(text);
	return result;
}

/* "ok" or "error", then two fields and no more. */
static bool
split_answer(struct span line, bool *is_ok, struct span *id, struct span *text)
{
	struct span word;

	if (!wire_next(&line, &word) || !wire_next(&line, id) ||
	    !wire_next(&line, text) || line.len != 0)
		return false;
	*is_ok = span_is(word, "ok");
	return *is_ok || span_is(word, "error");
}

/* 1: "end" came.  0: an answer was passed on.  -EPROTO or -ENOMEM. */
static int
take_line(struct span line, control_fn *fn, void *arg)
{
	struct span id_field, text_field;
	char *id, *text;
	bool is_ok;
	int result = 0;

	if (span_is(line, "end"))
		return 1;
	if (!split_answer(line, &is_ok, &id_field, &text_field))
		return -EPROTO;
	id = wire_get(id_field);
	text = wire_get(text_field);
	if (id != NULL && text != NULL)
		fn(is_ok, id, text, arg);
	else
		result = errno == ENOMEM ? -ENOMEM : -EPROTO;
	free(id);
	free(text);
	return result;
}

/* Wait until FD has something to read, until END_MS at most. */
static int
wait_readable(int fd, int64_t end_ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	int64_t left_ms = end_ms - lines_clock_ms();
	int n = poll(&pfd, 1, left_ms > 0 ? (int)left_ms : 0);

	if (n == 0)
		return -ETIMEDOUT;
	return n < 0 && errno != EINTR ? -errno : 0;
}

/* Read once into BUF; -EPROTO when spoold hung up before its "end". */
static int
read_some(int fd, char *buf, size_t *used)
{
	ssize_t got;

	if (*used == ANSWER_MAX)
		return -EPROTO;
	got = recv(fd, buf + *used, ANSWER_MAX - *used, MSG_DONTWAIT);
	if (got < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : -errno;
	*used += (size_t)got;
	return got == 0 ? -EPROTO : 0;
}

static int
take_answers(int fd, char *buf, control_fn *fn, void *arg)
{
	int64_t end_ms = lines_clock_ms() + CONTROL_TIMEOUT_S * 1000;
	size_t used = 0;
	int result;

	do {
		struct span rest, line;

		result = wait_readable(fd, end_ms);
		if (result == 0)
			result = read_some(fd, buf, &used);
		rest = (struct span){ buf, used };
		while (result == 0 && wire_line(&rest, &line))
			result = take_line(line, fn, arg);
		memmove(buf, rest.ptr, rest.len);
		used = rest.len;
	} while (result == 0);
	return result == 1 ? 0 : result;
}

int
control_ask(int fd, const char *verb, char *const ids[], size_t n,
    control_fn *fn, void *arg)
{
	int result = control_send(fd, verb, ids, n);
	char *buf;

	if (result < 0)
		return result;
	buf = malloc(ANSWER_MAX);
	if (buf == NULL)
		return -ENOMEM;
	result = take_answers(fd, buf, fn, arg);
	free(buf);
	return result;
}

/* A control_fn: any answer will do. */
static void
ignore(bool is_ok, const char *id, const char *text, void *arg)
{
	(void)is_ok;
	(void)id;
	(void)text;
	(void)arg;
}

enum control_state
control_ping(const struct spool *sp, enum control_state state)
{
	int fd;

	if (state != CONTROL_SERVED || control_connect(sp, &fd) < 0)
		return state;
	if (control_ask(fd, "ping", NULL, 0, ignore, NULL) == -ETIMEDOUT)
		state = CONTROL_SILENT;
	(void)close(fd);
	return state;
}
