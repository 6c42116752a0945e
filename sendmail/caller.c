/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See sendmail/caller.h. */

#include "config.h"

#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/fsutil.h"
#include "lib/lines.h"
#include "sendmail/caller.h"

/* Longest $NAME and $TZ that we take. */
#define VALUE_BYTES_MAX 256
/* Room for "uid" and a number. */
#define LOGIN_SIZE 16
/* Of the C library's own package. */
#define GETENT_PATH "/usr/bin/getent"
/* Longest line of it that we take, and how long we wait. */
#define ANSWER_BYTES_MAX 4096
#define ANSWER_MS 5000

/* A caller's timers and signal settings survive execve(2). */
static void
reset_signals(void)
{
	static const int timers[] = { ITIMER_REAL, ITIMER_VIRTUAL,
		ITIMER_PROF };
	static const int alarms[] = { SIGALRM, SIGVTALRM, SIGPROF };
	const struct itimerval never = { 0 };
	sigset_t none;
	size_t i;

	for (i = 0; i < sizeof(timers) / sizeof(timers[0]); i++) {
		(void)setitimer((__itimer_which_t)timers[i], &never, NULL);
		/* Ignoring it forgets one that waits to be unblocked. */
		(void)signal(alarms[i], SIG_IGN);
		(void)signal(alarms[i], SIG_DFL);
	}
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Whether TZ names a zone and no file of the caller's. */
static bool
is_safe_zone(const char *zone)
{
	size_t len = strnlen(zone, VALUE_BYTES_MAX);
	size_t i;

	if (len == 0 || len == VALUE_BYTES_MAX || zone[0] == '/' ||
	    strstr(zone, "..") != NULL)
		return false;
	for (i = 0; i < len; i++) {
		if (!isalnum((unsigned char)zone[i]) &&
		    strchr("+-_/,.<>", zone[i]) == NULL)
			return false;
	}
	return true;
}

static int
clean_environment(void)
{
	const char *value = getenv("TZ");
	char *zone = NULL;
	int err = 0;

	if (value != NULL && is_safe_zone(value)) {
		zone = strdup(value);
		if (zone == NULL)
			return -ENOMEM;
	}
	if (clearenv() != 0 || (zone != NULL && setenv("TZ", zone, 1) < 0))
		err = -ENOMEM;
	free(zone);
	return err;
}

/*
 * In place of a closed one the C library gives a set-group-id program
 * something that cannot be read.
 */
static bool
has_stdin(void)
{
	int flags = fcntl(STDIN_FILENO, F_GETFL);

	return flags >= 0 && (flags & O_ACCMODE) != O_WRONLY;
}

int
caller_init(struct caller *ret)
{
	struct caller caller = { 0 };
	const char *name;
	int err;

	caller.has_stdin = has_stdin();
	err = fs_open_std_fds();
	if (err < 0)
		return err;
	/* Older kernels lack the call; what stays open is the caller's. */
	(void)close_range(STDERR_FILENO + 1, ~0U, 0);
	(void)umask(077);
	reset_signals();
	caller.is_privileged = getauxval(AT_SECURE) != 0 ||
	    getegid() != getgid() || geteuid() != getuid();
	name = getenv("NAME");
	if (name != NULL && *name != '\0') {
		caller.name = strndup(name, VALUE_BYTES_MAX);
		if (caller.name == NULL)
			return -ENOMEM;
	}
	if (caller.is_privileged && (err = clean_environment()) < 0) {
		free(caller.name);
		return err;
	}
	*ret = caller;
	return 0;
}

void
caller_release(struct caller *caller)
{
	free(caller->name);
	caller->name = NULL;
}

int
caller_drop_privilege(void)
{
	gid_t gid = getgid();
	uid_t uid = getuid();

	if (setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
		return -errno;
	return 0;
}

const char *
caller_hint(const struct caller *caller)
{
	if (caller->is_privileged || getuid() == 0 ||
	    prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return "";
	return " (the caller runs without new privileges, as NoNewPrivileges= "
	       "of a unit makes it: the set-group-id bit has no effect)";
}

/* ---- the user ---------------------------------------------------------- */

/* "GECOS, with more", where "&" is the login with a capital. */
static char *
full_name_of(const struct passwd *pw)
{
	const char *at = pw->pw_gecos != NULL ? pw->pw_gecos : "";
	size_t start, size;
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	for (; *at != '\0' && *at != ','; at++) {
		if (*at != '&') {
			putc(*at, out);
			continue;
		}
		start = (size_t)ftell(out);
		fputs(pw->pw_name, out);
		fflush(out);
		text[start] = (char)toupper((unsigned char)text[start]);
	}
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static int
take_user(const struct passwd *pw, struct user *ret)
{
	struct user user = {
		.login = strdup(pw->pw_name),
		.full_name = full_name_of(pw),
	};

	if (user.login == NULL || user.full_name == NULL) {
		user_release(&user);
		return -ENOMEM;
	}
	*ret = user;
	return 0;
}

/* /etc/passwd alone: no plug-in is loaded, no service asked. */
static int
find_local(uid_t uid, struct user *ret)
{
	FILE *in = fopen("/etc/passwd", "re");
	struct passwd *pw;
	int err = -ENOENT;

	if (in == NULL)
		return -errno;
	while ((pw = fgetpwent(in)) != NULL) {
		if (pw->pw_uid == uid) {
			err = take_user(pw, ret);
			break;
		}
	}
	fclose(in);
	return err;
}

/* In the child: what it is started with is the caller's, but for this. */
static _Noreturn void
become_getent(uid_t uid, int out_fd)
{
	char key[LOGIN_SIZE];
	char *const argv[] = { (char[]){ "getent" }, (char[]){ "passwd" }, key,
		NULL };
	char *const no_environment[] = { NULL };
	int null_fd = open("/dev/null", O_RDWR);

	snprintf(key, sizeof(key), "%u", (unsigned)uid);
	if (caller_drop_privilege() == 0 && null_fd >= 0 &&
	    dup2(null_fd, STDIN_FILENO) >= 0 &&
	    dup2(out_fd, STDOUT_FILENO) >= 0 &&
	    dup2(null_fd, STDERR_FILENO) >= 0)
		execve(GETENT_PATH, argv, no_environment);
	_exit(127);
}

/* Whether FD has something, or its end, before the clock says END_MS. */
static bool
await_answer(int fd, int64_t end_ms)
{
	struct pollfd in = { .fd = fd, .events = POLLIN };
	int64_t left_ms;
	int n;

	do {
		left_ms = end_ms - lines_clock_ms();
		if (left_ms <= 0)
			return false;
		n = poll(&in, 1, (int)left_ms);
	} while (n < 0 && errno == EINTR);
	return n > 0;
}

/*
 * Read FD to its end into TEXT, of which *LEN are used then.  False if it is
 * longer, or has not ended in time.
 */
static bool
read_answer(int fd, char *text, size_t size, size_t *len)
{
	int64_t end_ms = lines_clock_ms() + ANSWER_MS;
	ssize_t n = 1;

	*len = 0;
	while (n != 0) {
		if (*len == size || !await_answer(fd, end_ms))
			return false;
		n = read(fd, text + *len, size - *len);
		if (n < 0)
			return false;
		*len += (size_t)n;
	}
	return true;
}

static int
take_answer(char *text, size_t len, uid_t uid, struct user *ret)
{
	/* fgetpwent(3) does not read from pipes. */
	FILE *in = len > 0 ? fmemopen(text, len, "r") : NULL;
	struct passwd *pw;
	int err = -ENOENT;

	if (in == NULL)
		return err;
	pw = fgetpwent(in);
	if (pw != NULL && pw->pw_uid == uid)
		err = take_user(pw, ret);
	fclose(in);
	return err;
}

/*
 * Whatever the system is configured to ask (nsswitch.conf(5)), which means
 * plug-ins: in a process of its own, with none of our rights, and with a limit
 * of time, for it may ask a server that is away.
 */
static int
find_elsewhere(uid_t uid, struct user *ret)
{
	char text[ANSWER_BYTES_MAX];
	int pipe_fds[2], err = -EAGAIN;
	size_t len;
	pid_t child;

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return -errno;
	child = fork();
	if (child == 0)
		become_getent(uid, pipe_fds[1]);
	close(pipe_fds[1]);
	if (child > 0 && read_answer(pipe_fds[0], text, sizeof(text), &len))
		err = take_answer(text, len, uid, ret);
	else if (child > 0)
		(void)kill(child, SIGKILL);
	close(pipe_fds[0]);
	/* ECHILD: the caller ignores SIGCHLD, and so do we. */
	while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
		continue;
	return err;
}

int
user_find(uid_t uid, struct user *ret)
{
	struct user user;
	char login[LOGIN_SIZE];
	int err = find_local(uid, ret);

	if (err == 0 || err == -ENOMEM)
		return err;
	err = find_elsewhere(uid, ret);
	if (err == 0 || err == -ENOMEM)
		return err;
	snprintf(login, sizeof(login), "uid%u", (unsigned)uid);
	user.login = strdup(login);
	user.full_name = strdup("");
	if (user.login == NULL || user.full_name == NULL) {
		user_release(&user);
		return -ENOMEM;
	}
	*ret = user;
	return 0;
}

void
user_release(struct user *user)
{
	free(user->login);
	free(user->full_name);
	*user = (struct user){ 0 };
}
