/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See tty.h.  All that handlers call is safe there: signal-safety(7). */

#include "config.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "spoolq/tty.h"

/* Another screen, no cursor, no wrapping of what is wider than it seemed. */
#define ENTER "\033[?1049h\033[?25l\033[?7l\033[H\033[2J"
#define LEAVE "\033[0m\033[?7h\033[?25h\033[?1049l"

/* Handlers have no other way to know. */
static struct termios cooked, raw;
static sigset_t before;
static volatile sig_atomic_t is_ours, is_stale;

static const int signals[] = {
	SIGINT,
	SIGTERM,
	SIGHUP,
	SIGQUIT,
	SIGPIPE,
	SIGTSTP,
	SIGCONT,
	SIGWINCH,
};
#define NSIGNALS (sizeof(signals) / sizeof(signals[0]))

static void
put(const char *text, size_t len)
{
	/* A terminal that is gone needs nothing any more. */
	ssize_t done = write(STDOUT_FILENO, text, len);

	(void)done;
}

static void
take(void)
{
	/*
	 * In the background it is not ours to take, and to draw on it would
	 * spoil what is there: stop as tcsetattr(3) does where its signal is
	 * not blocked, until there is a "fg".
	 */
	while (
	    tcgetpgrp(STDIN_FILENO) > 0 && tcgetpgrp(STDIN_FILENO) != getpgrp())
		(void)raise(SIGSTOP);
	(void)tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	put(ENTER, sizeof(ENTER) - 1);
}

static void
give_back(void)
{
	put(LEAVE, sizeof(LEAVE) - 1);
	(void)tcsetattr(STDIN_FILENO, TCSANOW, &cooked);
}

static void
on_signal(int sig)
{
	int saved = errno;
	struct sigaction usual = { .sa_handler = SIG_DFL }, ours;
	sigset_t only;

	is_stale = 1;
	if (sig == SIGWINCH)
		return;
	if (sig == SIGCONT) {
		if (is_ours)
			take();
		errno = saved;
		return;
	}
	if (is_ours)
		give_back();
	if (sig == SIGINT)
		_exit(EXIT_SUCCESS);
	/* What it does as ever, at once. */
	(void)sigaction(sig, &usual, &ours);
	(void)sigemptyset(&only);
	(void)sigaddset(&only, sig);
	(void)raise(sig);
	(void)sigprocmask(SIG_UNBLOCK, &only, NULL);
	/* Only after a stop: SIGCONT has taken the terminal again. */
	(void)sigaction(sig, &ours, NULL);
	errno = saved;
}

int
tty_enter(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	const char *term = getenv("TERM");

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) ||
	    (term != NULL && strcmp(term, "dumb") == 0))
		return -ENOTTY;
	if (tcgetattr(STDIN_FILENO, &cooked) < 0)
		return -errno;
	raw = cooked;
	raw.c_lflag &= (tcflag_t) ~(ICANON | ECHO);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	(void)sigprocmask(SIG_SETMASK, NULL, &before);
	(void)sigfillset(&action.sa_mask);
	action.sa_flags = SA_RESTART;
	for (size_t i = 0; i < NSIGNALS; i++)
		if (sigaction(signals[i], &action, NULL) < 0)
			return -errno;
	is_ours = 1;
	take();
	return 0;
}

void
tty_leave(void)
{
	if (!is_ours)
		return;
	is_ours = 0;
	give_back();
	for (size_t i = 0; i < NSIGNALS; i++)
		(void)signal(signals[i], SIG_DFL);
}

/* What is pending is no more than a terminal holds. */
static int
take_keys(const char *wanted)
{
	char keys[4096];
	ssize_t n = read(STDIN_FILENO, keys, sizeof(keys));

	if (n <= 0)
		return -EIO;
	for (ssize_t i = 0; i < n; i++)
		if (keys[i] != '\0' && strchr(wanted, keys[i]) != NULL)
			return keys[i];
	return (unsigned char)keys[n - 1];
}

int
tty_key(int64_t timeout_ms, const char *wanted)
{
	struct pollfd pfd = { .fd = STDIN_FILENO, .events = POLLIN };
	struct timespec timeout = {
		.tv_sec = (time_t)(timeout_ms / 1000),
		.tv_nsec = (long)(timeout_ms % 1000 * 1000000),
	};
	sigset_t all;
	int n = 0;

	/* A signal that comes before the waiting must end it too. */
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, NULL);
	if (!is_stale)
		n = ppoll(&pfd, 1, &timeout, &before);
	is_stale = 0;
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	if (n <= 0)
		return n == 0 || errno == EINTR ? 0 : -EIO;
	return (pfd.revents & POLLIN) != 0 ? take_keys(wanted) : -EIO;
}
