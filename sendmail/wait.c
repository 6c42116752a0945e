/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See sendmail/wait.h. */

#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "lib/text.h"
#include "lib/wire.h"
#include "sendmail/wait.h"

#define SOCKET_NAME ".control"
#define SECOND_US ((int64_t)1000000)
/* How long spoold may take for an answer that it has at hand. */
#define ANSWER_US (2 * SECOND_US)
/* Pauses while no spoold is there, the first and the longest. */
#define PAUSE_MIN_US ((int64_t)50000)
#define PAUSE_MAX_US SECOND_US

/* How much of a reply is shown. */
#define SHOWN_BYTES_MAX 400

/* A line from spoold, decoded; to be released. */
struct answer {
	char *word, *id, *text;
};

static int64_t
now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * SECOND_US + now.tv_nsec / 1000;
}

static int64_t
earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* ---- the connection -------------------------------------------------- */

static void
hang_up(struct wait *w)
{
	if (w->fd >= 0)
		(void)close(w->fd);
	w->fd = -1;
	w->used = 0;
}

/* 0 with w->fd, or -errno. */
static int
dial(struct wait *w)
{
	/* Bounds connect(2) too, which waits for room in a backlog. */
	const struct timeval limit = { .tv_sec = ANSWER_US / SECOND_US };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int len, err = 0;

	w->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (w->fd < 0)
		return -errno;
	len = snprintf(
	    un.sun_path, sizeof(un.sun_path), "%s/" SOCKET_NAME, w->sp->path);
	/* A longer path is reached through the descriptor. */
	if (len < 0 || (size_t)len >= sizeof(un.sun_path))
		snprintf(un.sun_path, sizeof(un.sun_path),
		    "/proc/self/fd/%d/" SOCKET_NAME, w->sp->dir_fd);
	if (setsockopt(w->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) <
		0 ||
	    connect(w->fd, (const struct sockaddr *)&un, sizeof(un)) < 0)
		err = -errno;
	if (err < 0)
		hang_up(w);
	return err;
}

/* The same with the spool's group, which is set aside otherwise. */
static int
redial(struct wait *w)
{
	gid_t gid = getegid();
	int err;

	if (gid == w->group)
		return dial(w);
	if (setegid(w->group) < 0)
		return -errno;
	err = dial(w);
	if (setegid(gid) < 0) {
		hang_up(w);
		return -EPERM;
	}
	return err;
}

/*
 * Send "VERB ARG".  That the connection is no more is noticed by who reads the
 * answer: there may be one that says why.
 */
static void
say(struct wait *w, const char *verb, const char *arg)
{
	char line[64];
	int len = snprintf(line, sizeof(line), "%s %s\n", verb, arg);

	(void)send(w->fd, line, (size_t)len, MSG_NOSIGNAL);
}

/* ---- answers --------------------------------------------------------- */

static void
answer_release(struct answer *a)
{
	free(a->word);
	free(a->id);
	free(a->text);
	*a = (struct answer){ .word = NULL };
}

/* Decode LINE, "WORD ID TEXT"; false for anything else. */
static bool
parse_answer(struct span line, struct answer *ret)
{
	struct span word, id, text;

	if (!wire_next(&line, &word) || !wire_next(&line, &id) ||
	    !wire_next(&line, &text) || line.len > 0)
		return false;
	ret->word = wire_get(word);
	ret->id = wire_get(id);
	ret->text = wire_get(text);
	if (ret->word != NULL && ret->id != NULL && ret->text != NULL)
		return true;
	answer_release(ret);
	return false;
}

/* Take an answer out of the buffer; false if there is none yet. */
static bool
take_answer(struct wait *w, struct answer *ret)
{
	struct span rest = { w->buf, w->used }, line;
	bool is_answer = false;

	while (!is_answer && wire_line(&rest, &line))
		is_answer = parse_answer(line, ret);
	memmove(w->buf, rest.ptr, rest.len);
	w->used = rest.len;
	return is_answer;
}

static int
wait_readable(int fd, int64_t end_us)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	int64_t left_ms = (end_us - now_us() + 999) / 1000;

	if (left_ms <= 0)
		return 0;
	return poll(&pfd, 1, (int)earlier(left_ms, INT_MAX));
}

/* Read what is there; the end of the connection closes it here too. */
static void
receive(struct wait *w)
{
	size_t room = sizeof(w->buf) - w->used;
	ssize_t got;

	if (room == 0) {
		hang_up(w);
		return;
	}
	got = recv(w->fd, w->buf + w->used, room, MSG_DONTWAIT);
	if (got > 0)
		w->used += (size_t)got;
	else if (got == 0 || (errno != EAGAIN && errno != EINTR))
		hang_up(w);
}

/*
 * The next answer until END_US: 1 with *RET, 0 when the time is over, -1 when
 * the connection is no more; it is closed then.
 */
static int
next_answer(struct wait *w, int64_t end_us, struct answer *ret)
{
	while (w->fd >= 0) {
		int ready;

		if (take_answer(w, ret))
			return 1;
		ready = wait_readable(w->fd, end_us);
		if (ready == 0 && now_us() >= end_us)
			return 0;
		if (ready > 0)
			receive(w);
	}
	return -1;
}

/* ---- before ---------------------------------------------------------- */

static void
note_why(struct wait *w, const char *text)
{
	char *clean = text_clean(span_of(text), sizeof(w->text) - 1);

	snprintf(w->text, sizeof(w->text), "%s",
	    clean != NULL ? clean : "out of memory");
	free(clean);
	w->why = w->text;
}

static void
note_no_connection(struct wait *w, int err)
{
	if (err == -ENOENT || err == -ECONNREFUSED)
		w->why = "spoold is not running";
	else if (err != -EAGAIN)
		note_why(w, strerror(-err));
}

void
wait_begin(struct wait *w, const struct spool *sp, int64_t arrival_us)
{
	struct answer a;
	char arrival[24];
	int err;

	w->sp = sp;
	w->group = getegid();
	w->why = NULL;
	w->used = 0;
	err = dial(w);
	if (err < 0) {
		note_no_connection(w, err);
		return;
	}
	snprintf(arrival, sizeof(arrival), "%" PRId64, arrival_us);
	say(w, "expect", arrival);
	if (next_answer(w, now_us() + ANSWER_US, &a) <= 0) {
		/* It is just ending, perhaps: we shall ask again. */
		hang_up(w);
		return;
	}
	if (strcmp(a.word, "ok") != 0) {
		note_why(w, a.text);
		hang_up(w);
	}
	answer_release(&a);
}

void
wait_abandon(struct wait *w)
{
	hang_up(w);
}

/* ---- after ----------------------------------------------------------- */

static int
report(FILE *diag, int status, const char *id, const char *before,
    const char *text, const char *after)
{
	fprintf(diag, "sendmail: queued as %s; %s", id, before);
	text_put_clean(diag, span_of(text), SHOWN_BYTES_MAX);
	fprintf(diag, "%s\n", after);
	return status;
}

static const char stays[] = "; it stays in the queue";
static const char unknown[] = "nobody can say when it is delivered: ";

/* An end of the message: the exit status, said to DIAG if it is not EX_OK;
 * -1: A is none. */
static int
judge(const struct answer *a, const char *id, FILE *diag)
{
	static const struct {
		const char *word;
		int status;
		const char *before, *after;
	} ends[] = {
		{ "refused", EX_UNAVAILABLE, "refused: ", "" },
		{ "held", EX_TEMPFAIL, "held ",
		    "; it stays there until it is released" },
		{ "dropped", EX_UNAVAILABLE, "dropped ", "" },
		{ "vanished", EX_UNAVAILABLE, "lost: ", "" },
		{ "damaged", EX_UNAVAILABLE, "damaged: ", "" },
		{ "error", EX_TEMPFAIL, "what became of it ", "" },
	};
	size_t i;

	if (strcmp(a->word, "error") == 0 && strcmp(a->id, "*") == 0)
		return report(diag, EX_TEMPFAIL, id, unknown, a->text, stays);
	if (strcmp(a->id, id) != 0)
		return -1;
	if (strcmp(a->word, "accepted") == 0)
		return EX_OK;
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		if (strcmp(a->word, ends[i].word) == 0)
			return report(diag, ends[i].status, id, ends[i].before,
			    a->text, ends[i].after);
	}
	return -1;
}

static void
pause_until(int64_t end_us)
{
	int64_t left_ms = (end_us - now_us() + 999) / 1000;

	if (left_ms > 0)
		(void)poll(NULL, 0, (int)left_ms);
}

/* Connect again and ask for ID; false when the time is over. */
static bool
ask_again(struct wait *w, const char *id)
{
	int64_t pause_us = PAUSE_MIN_US;

	while (now_us() < w->end_us) {
		if (redial(w) == 0) {
			say(w, "wait", id);
			return true;
		}
		pause_until(earlier(now_us() + pause_us, w->end_us));
		pause_us = earlier(2 * pause_us, PAUSE_MAX_US);
	}
	return false;
}

/* The time is over.  Ask what it is that takes so long. */
static int
give_up(struct wait *w, const char *id, FILE *diag)
{
	const char *reason =
	    w->fd >= 0 ? "spoold does not answer" : "spoold is not running";
	int64_t end_us = now_us() + ANSWER_US;
	struct answer a = { .word = NULL };
	char before[64];
	int status = -1;

	snprintf(before, sizeof(before),
	    "not delivered within %" PRId64 "s: ", w->limit_us / SECOND_US);
	if (w->fd >= 0)
		say(w, "why", id);
	while (status < 0 && next_answer(w, end_us, &a) > 0) {
		/* Its end may come before the answer. */
		if (strcmp(a.word, "because") == 0)
			status = report(
			    diag, EX_TEMPFAIL, id, before, a.text, stays);
		else
			status = judge(&a, id, diag);
		answer_release(&a);
	}
	return status >= 0
	    ? status
	    : report(diag, EX_TEMPFAIL, id, before, reason, stays);
}

static int
watch(struct wait *w, const char *id, FILE *diag)
{
	struct answer a = { .word = NULL };
	int status = -1, got;

	while (status < 0) {
		if (w->fd < 0 && !ask_again(w, id))
			return give_up(w, id, diag);
		got = next_answer(w, w->end_us, &a);
		if (got == 0)
			return give_up(w, id, diag);
		if (got < 0) {
			pause_until(
			    earlier(now_us() + PAUSE_MIN_US, w->end_us));
			continue;
		}
		status = judge(&a, id, diag);
		answer_release(&a);
	}
	return status;
}

int
wait_finish(struct wait *w, const char *id, int64_t limit_us, FILE *diag)
{
	int status;

	/* What comes now needs no right but to connect, if ever, again. */
	if (getegid() != getgid() && setegid(getgid()) < 0)
		w->why = "cannot give up the group";
	w->limit_us = limit_us;
	w->end_us = limit_us > 0 ? now_us() + limit_us : INT64_MAX;
	if (w->why != NULL)
		status = report(diag, EX_TEMPFAIL, id, unknown, w->why, stays);
	else
		status = watch(w, id, diag);
	hang_up(w);
	return status;
}
