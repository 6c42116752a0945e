/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See sendmail/caller.h. */

#include "config.h"

#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/fsutil.h"
#include "sendmail/caller.h"

/* Longest $NAME and $TZ that we take. */
#define VALUE_BYTES_MAX 256
/* Room for "uid" and a number. */
#define LOGIN_SIZE 16

/* A caller's timers and signal settings survive execve(2). */
static void
reset_signals(void)
{
	static const int timers[] = { ITIMER_REAL, ITIMER_VIRTUAL,
		ITIMER_PROF };
	static const int defaults[] = { SIGALRM, SIGVTALRM, SIGPROF };
	const struct itimerval never = { 0 };
	sigset_t none;
	size_t i;

	for (i = 0; i < sizeof(timers) / sizeof(timers[0]); i++) {
		(void)setitimer((__itimer_which_t)timers[i], &never, NULL);
		(void)signal(defaults[i], SIG_DFL);
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

int
caller_init(struct caller *ret)
{
	struct caller caller = { 0 };
	const char *name;
	int err;

	caller.has_stdin = fcntl(STDIN_FILENO, F_GETFD) >= 0;
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

/* Whatever the system is configured to ask, without the spool's group. */
static int
find_elsewhere(uid_t uid, struct user *ret)
{
	gid_t egid = getegid();
	struct passwd *pw;
	int err;

	if (setegid(getgid()) < 0)
		return -errno;
	pw = getpwuid(uid);
	err = pw == NULL ? -ENOENT : take_user(pw, ret);
	if (setegid(egid) < 0 && err == 0) {
		user_release(ret);
		return -EPERM;
	}
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
