/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * careless [OPTION]... -- PROGRAM [ARGUMENT]...
 *
 * Become PROGRAM the way that careless or hostile parents do: with
 * descriptors missing or left open, odd limits, signals and arguments.  The
 * options act in their order:
 *
 *	-c FD		close it
 *	-n COUNT	leave COUNT more open, and one at the highest number
 *	-k		standard input does not block
 *	-p FILE		standard input is a socket, with FILE in it
 *	-P FILE		the same, and the other end stays open for a second
 *	-u MASK		this umask, octal
 *	-l NAME=VALUE	a hard limit: as, core, data, fsize, nofile, stack
 *	-i SIGNAL	ignored; ALL: all that can be
 *	-D SIGNAL	neither; ALL: all that can be
 *	-b SIGNAL	blocked; ALL: all that can be
 *	-d SIGNAL	pending, and blocked
 *	-a MS		alarms are due so soon: real, virtual and profiling
 *	-g		in a directory that is gone
 *	-E NAME=VALUE	in the environment
 *	-e KB		an environment as long as that
 *	-x KB		one more argument, as long as that, behind the others
 *	-m COUNT	so many more arguments, "u1@y.test" and so on
 *	-0		no arguments at all, not even a name
 *	-t		nothing of ptrace(2), /proc and core dumps
 *	-N		no new privileges
 *	-r FILE		write the status, CPU time in microseconds and highest
 *			memory in KB of PROGRAM into FILE; exit as it does
 */

#include "config.h"

#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define USAGE 64

static unsigned long
number(const char *text, int base)
{
	char *end;
	unsigned long value = strtoul(text, &end, base);

	if (*text == '\0' || *end != '\0')
		errx(USAGE, "'%s' is no number", text);
	return value;
}

/* ---- descriptors ------------------------------------------------------- */

static void
leave_open(unsigned long count)
{
	struct rlimit limit;
	int fd;

	while (count-- > 0) {
		if (open("/dev/zero", O_RDWR) < 0)
			err(1, "/dev/zero");
	}
	fd = open("/dev/zero", O_RDWR);
	if (fd < 0 || getrlimit(RLIMIT_NOFILE, &limit) < 0 ||
	    dup2(fd, (int)limit.rlim_cur - 1) < 0)
		err(1, "the highest descriptor");
}

static void
unblock_input(void)
{
	int flags = fcntl(STDIN_FILENO, F_GETFL);

	if (flags < 0 || fcntl(STDIN_FILENO, F_SETFL, flags | O_NONBLOCK) < 0)
		err(1, "standard input");
}

/* A child writes the file; it says when it has ended by closing its end. */
static void
feed(int to, int from, bool lingers)
{
	char buf[4096];
	ssize_t n;

	while ((n = read(from, buf, sizeof(buf))) > 0) {
		if (write(to, buf, (size_t)n) != n)
			_exit(1);
	}
	if (lingers) {
		(void)shutdown(to, SHUT_WR);
		sleep(1);
	}
	_exit(0);
}

static void
take_socket(const char *path, bool lingers)
{
	int from = open(path, O_RDONLY | O_CLOEXEC);
	int pair[2];

	if (from < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		err(1, "%s", path);
	switch (fork()) {
	case -1:
		err(1, "fork");
	case 0:
		close(pair[0]);
		feed(pair[1], from, lingers);
	}
	close(pair[1]);
	close(from);
	if (dup2(pair[0], STDIN_FILENO) < 0)
		err(1, "dup2");
	close(pair[0]);
}

/* ---- limits and signals ------------------------------------------------ */

static void
set_limit(const char *text)
{
	static const struct {
		const char *name;
		int which;
	} limits[] = {
		{ "as", RLIMIT_AS },
		{ "core", RLIMIT_CORE },
		{ "data", RLIMIT_DATA },
		{ "fsize", RLIMIT_FSIZE },
		{ "nofile", RLIMIT_NOFILE },
		{ "stack", RLIMIT_STACK },
	};
	size_t len = strcspn(text, "=");
	struct rlimit limit;

	if (text[len] == '\0')
		errx(USAGE, "-l takes NAME=VALUE");
	limit.rlim_cur = number(text + len + 1, 10);
	limit.rlim_max = limit.rlim_cur;
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		if (strncmp(limits[i].name, text, len) != 0 ||
		    limits[i].name[len] != '\0')
			continue;
		if (setrlimit((__rlimit_resource_t)limits[i].which, &limit) < 0)
			err(1, "%s", text);
		return;
	}
	errx(USAGE, "no limit is called '%s'", text);
}

static void
for_signals(const char *text, void (*act)(int))
{
	if (strcmp(text, "ALL") != 0) {
		act((int)number(text, 10));
		return;
	}
	for (int i = 1; i <= SIGRTMAX; i++)
		act(i);
}

static void
ignore(int signo)
{
	(void)signal(signo, SIG_IGN);
}

static void
heed(int signo)
{
	(void)signal(signo, SIG_DFL);
}

static void
block(int signo)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, signo);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
}

static void
leave_pending(int signo)
{
	block(signo);
	(void)raise(signo);
}

static void
set_alarms(unsigned long ms)
{
	const struct itimerval soon = {
		.it_value = { .tv_sec = (time_t)(ms / 1000),
		    .tv_usec = (suseconds_t)(ms % 1000 * 1000) },
	};

	if (setitimer(ITIMER_REAL, &soon, NULL) < 0 ||
	    setitimer(ITIMER_VIRTUAL, &soon, NULL) < 0 ||
	    setitimer(ITIMER_PROF, &soon, NULL) < 0)
		err(1, "setitimer");
}

/* ---- the rest ---------------------------------------------------------- */

static void
leave_directory(void)
{
	char name[] = "/tmp/careless.XXXXXX";

	if (mkdtemp(name) == NULL || chdir(name) < 0 || rmdir(name) < 0)
		err(1, "a directory to leave");
}

/* LEN letters behind BEFORE; lives as long as the process. */
static char *
long_string(const char *before, size_t len)
{
	size_t start = strlen(before);
	char *text = malloc(start + len + 1);

	if (text == NULL)
		err(1, "out of memory");
	memcpy(text, before, start);
	memset(text + start, 'x', len);
	text[start + len] = '\0';
	return text;
}

/* The kernel takes no single string of more than 128 KB. */
static void
grow_environment(unsigned long kb)
{
	char name[32];

	for (unsigned long i = 0; i < kb; i++) {
		snprintf(name, sizeof(name), "CARELESS_%lu=", i);
		if (putenv(long_string(name, 1000)) != 0)
			err(1, "putenv");
	}
}

static void
refuse_privileges(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		err(1, "no_new_privs");
}

static void
refuse_tracing(void)
{
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		err(1, "dumpable");
}

/* What is done when all options are known. */
struct plan {
	bool nameless;
	unsigned long more;
	unsigned long more_kb;
	const char *report;
};

static char **
arguments_of(const struct plan *plan, char **given)
{
	size_t n = 0, made = 0;
	char **args;

	while (given[n] != NULL)
		n++;
	args = calloc(n + plan->more + 2, sizeof(*args));
	if (args == NULL)
		err(1, "out of memory");
	if (plan->nameless)
		return args;
	memcpy(args, given, n * sizeof(*args));
	while (made < plan->more) {
		made++;
		if (asprintf(&args[n++], "u%zu@y.test", made) < 0)
			err(1, "out of memory");
	}
	if (plan->more_kb > 0)
		args[n] = long_string("", plan->more_kb << 10);
	return args;
}

static long
micros(const struct timeval *tv)
{
	return (long)tv->tv_sec * 1000000 + (long)tv->tv_usec;
}

/* The parent's part of -r; the child goes on. */
static void
report_child(const char *path)
{
	struct rusage used;
	pid_t child = fork();
	FILE *out;
	int status;

	if (child < 0)
		err(1, "fork");
	if (child == 0)
		return;
	if (wait4(child, &status, 0, &used) < 0)
		err(1, "wait4");
	status =
	    WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	out = fopen(path, "w");
	if (out == NULL)
		err(1, "%s", path);
	fprintf(out, "%d %ld %ld\n", status,
	    micros(&used.ru_utime) + micros(&used.ru_stime), used.ru_maxrss);
	if (fclose(out) != 0)
		err(1, "%s", path);
	exit(status);
}

static bool
plan_option(struct plan *plan, int letter, const char *value)
{
	switch (letter) {
	case '0':
		plan->nameless = true;
		return true;
	case 'm':
		plan->more = number(value, 10);
		return true;
	case 'x':
		plan->more_kb = number(value, 10);
		return true;
	case 'r':
		plan->report = value;
		return true;
	default:
		return false;
	}
}

static bool
act_on_signals(int letter, const char *value)
{
	switch (letter) {
	case 'i':
		for_signals(value, ignore);
		return true;
	case 'D':
		for_signals(value, heed);
		return true;
	case 'b':
		for_signals(value, block);
		return true;
	case 'd':
		for_signals(value, leave_pending);
		return true;
	case 'a':
		set_alarms(number(value, 10));
		return true;
	default:
		return false;
	}
}

static bool
act_on_descriptors(int letter, const char *value)
{
	switch (letter) {
	case 'c':
		(void)close((int)number(value, 10));
		return true;
	case 'n':
		leave_open(number(value, 10));
		return true;
	case 'k':
		unblock_input();
		return true;
	case 'p':
	case 'P':
		take_socket(value, letter == 'P');
		return true;
	default:
		return false;
	}
}

static bool
act_on_the_rest(int letter, char *value)
{
	switch (letter) {
	case 'u':
		(void)umask((mode_t)number(value, 8));
		return true;
	case 'l':
		set_limit(value);
		return true;
	case 'g':
		leave_directory();
		return true;
	case 'E':
		return putenv(value) == 0;
	case 'e':
		grow_environment(number(value, 10));
		return true;
	case 't':
		refuse_tracing();
		return true;
	case 'N':
		refuse_privileges();
		return true;
	default:
		return false;
	}
}

int
main(int argc, char *argv[])
{
	struct plan plan = { 0 };
	const char *program;
	int letter;

	while ((letter = getopt(argc, argv,
		    "+0D:E:NP:a:b:c:d:e:gi:kl:m:n:p:r:tu:x:")) >= 0) {
		if (!plan_option(&plan, letter, optarg) &&
		    !act_on_signals(letter, optarg) &&
		    !act_on_descriptors(letter, optarg) &&
		    !act_on_the_rest(letter, optarg))
			return USAGE;
	}
	if (argv[optind] == NULL)
		errx(USAGE, "which program?");
	program = argv[optind];
	argv = arguments_of(&plan, argv + optind);
	if (plan.report != NULL)
		report_child(plan.report);
	execv(program, argv);
	/* Standard error may be closed, or the limits too narrow for it. */
	return 127;
}
