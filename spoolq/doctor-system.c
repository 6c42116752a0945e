/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The doctor's look at configuration, clock, sendmail and spoold. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#include "lib/fsutil.h"
#include "lib/journal.h"
#include "spoolq/doctor.h"
#include "spoolq/view.h"

#define SENDMAIL_PATH "/usr/sbin/sendmail"
/* What no other program has in it. */
#define SENDMAIL_MARK SPOOL_LINE_FORMAT
/* A file from so far in the future says that the clock went back. */
#define FUTURE_S 60
/* Clocks that lost their battery begin earlier, broken ones go further. */
#define YEAR_MIN 2025
#define YEAR_MAX 2100

/* ---- configuration --------------------------------------------------- */

/* What senders get behind their "@", if it is of no use. */
static void
check_origin(struct doctor *d)
{
	char *origin = config_origin(&d->ctx->cfg);

	if (origin != NULL && strchr(origin, '.') == NULL)
		doctor_say(d, GRADE_WARN, "origin",
		    "set origin, or write the domain to /etc/mailname",
		    "local senders are at '%s', which nobody can answer",
		    origin);
	free(origin);
}

void
doctor_check_config(struct doctor *d)
{
	const struct config *cfg = &d->ctx->cfg;
	const char *name = cfg->path != NULL ? cfg->path : CONFIG_DEFAULT_PATH;
	struct config_error error;

	if (d->ctx->config_fault != NULL) {
		doctor_say(d, GRADE_FAIL, "config",
		    "nothing runs before that is put right: spoold.conf(5)",
		    "%s", d->ctx->config_fault);
		return;
	}
	if (config_check(cfg, &error) < 0 ||
	    (d->is_owner && config_check_files(cfg, &error) < 0))
		doctor_say(d, GRADE_FAIL, "config",
		    "put that right, then: systemctl reload spoold", "%s",
		    error.text);
	else if (cfg->nrelays == 0)
		doctor_say(d, GRADE_FAIL, "config",
		    "set relay = \"mail.example.org\": spoold.conf(5)",
		    "'%s' has no relay: mail has nowhere to go", name);
	else
		doctor_say(d, GRADE_OK, "config", NULL, "%s%s, %zu relay%s",
		    name, cfg->path != NULL ? "" : " is not there",
		    cfg->nrelays, cfg->nrelays == 1 ? "" : "s");
	check_origin(d);
}

/* ---- the clock ------------------------------------------------------- */

/* Whether the journal was written to later than now. */
static bool
is_back(const struct doctor *d, time_t now)
{
	char path[4096];
	struct stat st;

	(void)snprintf(
	    path, sizeof(path), "%s/%s", d->ctx->cfg.spool, JOURNAL_NAME);
	return stat(path, &st) == 0 && st.st_mtime > now + FUTURE_S;
}

/* The clock shows TEXT: does anybody see to it that this is right? */
static void
say_clock(struct doctor *d, const char *text, const char *advice)
{
	struct timex tx = { .modes = 0 };
	int state = adjtimex(&tx);

	/* Containers may not ask. */
	if (state < 0)
		doctor_say(d, GRADE_OK, "clock", NULL,
		    "%s, cannot tell whether it is synchronised: %s", text,
		    strerror(errno));
	else if (state == TIME_ERROR || (tx.status & STA_UNSYNC) != 0)
		doctor_say(d, GRADE_WARN, "clock", advice,
		    "%s, not synchronised", text);
	else
		doctor_say(
		    d, GRADE_OK, "clock", NULL, "%s, synchronised", text);
}

static void
check_clock(struct doctor *d)
{
	static const char advice[] = "set the clock: run an NTP client "
				     "(systemd-timesyncd, chrony)";
	time_t now = time(NULL);
	char text[40] = "?";
	struct tm tm;

	if (localtime_r(&now, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm) == 0 ||
	    tm.tm_year + 1900 < YEAR_MIN || tm.tm_year + 1900 > YEAR_MAX)
		doctor_say(
		    d, GRADE_FAIL, "clock", advice, "it is not %s", text);
	else if (is_back(d, now))
		doctor_say(d, GRADE_WARN, "clock", advice,
		    "%s: it went back, the spool has newer files", text);
	else
		say_clock(d, text, advice);
}

/* ---- sendmail -------------------------------------------------------- */

/* Whether FD, of SIZE, is our program. */
static bool
has_mark(int fd, off_t size)
{
	static const char mark[] = SENDMAIL_MARK;
	void *text;
	bool has;

	if (size <= 0)
		return false;
	text = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (text == MAP_FAILED)
		return false;
	has = memmem(text, (size_t)size, mark, strlen(mark)) != NULL;
	(void)munmap(text, (size_t)size);
	return has;
}

/* The program of FD is ours: is it set-gid, as a shared spool wants it? */
static void
check_set_gid(struct doctor *d, const struct stat *top, const struct stat *st)
{
	if ((top->st_mode & 0011) == 0)
		doctor_say(
		    d, GRADE_OK, "sendmail", NULL, "%s is ours", SENDMAIL_PATH);
	else if ((st->st_mode & S_ISGID) == 0 || st->st_gid != top->st_gid)
		doctor_say(d, GRADE_FAIL, "sendmail",
		    "chgrp it to the spool's group, then chmod 2755",
		    "%s is not set-gid to the spool's group: users cannot "
		    "send",
		    SENDMAIL_PATH);
	else
		doctor_say(d, GRADE_OK, "sendmail", NULL,
		    "%s is ours, and set-gid", SENDMAIL_PATH);
}

static void
check_sendmail(struct doctor *d)
{
	static const char advice[] =
	    "make install-mta, or call spoold's sendmail by its path";
	struct stat st, top;
	int fd;

	if (stat(d->ctx->cfg.spool, &top) < 0)
		return;
	/* A spool of one's own says nothing about the machine's mail. */
	if ((top.st_mode & 0011) == 0 &&
	    strcmp(d->ctx->cfg.spool, CONFIG_DEFAULT_SPOOL) != 0)
		return;
	fd = fs_open_regular(AT_FDCWD, SENDMAIL_PATH, &st);
	if (fd < 0)
		doctor_say(d, GRADE_WARN, "sendmail", advice, "%s: %s",
		    SENDMAIL_PATH, strerror(-fd));
	else if (!has_mark(fd, st.st_size))
		doctor_say(d, GRADE_WARN, "sendmail", advice,
		    "%s is another program: its mail does not come here",
		    SENDMAIL_PATH);
	else
		check_set_gid(d, &top, &st);
	if (fd >= 0)
		(void)close(fd);
}

/* ---- spoold ---------------------------------------------------------- */

/*
 * Whether THEIRS, which spoold was given, is another file than OURS.  A
 * relative one began in a directory that it has left since: nobody knows.
 */
static bool
is_other_config(const char *theirs, const char *ours)
{
	char *a, *b;
	bool is_other;

	if (theirs == NULL || ours == NULL || theirs[0] != '/')
		return false;
	a = realpath(theirs, NULL);
	b = realpath(ours, NULL);
	is_other = strcmp(a != NULL ? a : theirs, b != NULL ? b : ours) != 0;
	free(a);
	free(b);
	return is_other;
}

/* A spoold serves the spool: which one? */
static void
say_spoold(struct doctor *d, const struct view *v)
{
	const struct status_daemon *daemon = &v->daemon;

	if (v->queue.paused_us != 0)
		doctor_say(d, GRADE_WARN, "spoold", "spoolq resume",
		    "is paused: nothing is delivered");
	else if (daemon->version[0] != '\0' &&
	    strcmp(daemon->version, PACKAGE_VERSION) != 0)
		doctor_say(d, GRADE_WARN, "spoold", "systemctl restart spoold",
		    "version %s runs, %s is installed", daemon->version,
		    PACKAGE_VERSION);
	else if (is_other_config(daemon->config, d->ctx->cfg.path))
		doctor_say(d, GRADE_WARN, "spoold",
		    "use one configuration: spoolq -C",
		    "runs with another configuration, '%s'", daemon->config);
	else
		doctor_say(d, GRADE_OK, "spoold", NULL,
		    "runs, process %ld, serves this spool", daemon->pid);
}

/* Others may ask, too, where the spool is shared. */
static void
check_control(struct doctor *d, enum control_state state)
{
	struct stat st, top;
	const struct spool *sp = &d->ctx->sp;

	if (state != CONTROL_SERVED || fstat(sp->dir_fd, &top) < 0 ||
	    fstatat(sp->dir_fd, CONTROL_NAME, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	if ((top.st_mode & 0001) != 0 && (st.st_mode & 0006) != 0006)
		doctor_say(d, GRADE_WARN, "control",
		    "systemctl restart spoold: it makes it anew",
		    "users cannot ask for their own mail: .control has mode "
		    "%04o",
		    (unsigned)st.st_mode & 07777u);
	else
		doctor_say(d, GRADE_OK, "control", NULL, "%s/%s answers",
		    sp->path, CONTROL_NAME);
}

static void
check_spoold(struct doctor *d)
{
	struct view v;

	if (!d->has_spool)
		return;
	if (view_open(&v, d->ctx) != 0) {
		doctor_say(
		    d, GRADE_FAIL, "spoold", NULL, "its status cannot be read");
		return;
	}
	v.spoold = control_ping(&d->ctx->sp, v.spoold);
	if (v.spoold == CONTROL_NONE)
		doctor_say(d, GRADE_FAIL, "spoold", "systemctl start spoold",
		    "is not running: nothing is delivered");
	else if (v.spoold == CONTROL_SILENT)
		doctor_say(d, GRADE_FAIL, "spoold",
		    "systemctl restart spoold, and look into its log",
		    "has the spool, but does not answer");
	else
		say_spoold(d, &v);
	check_control(d, v.spoold);
	view_close(&v);
}

void
doctor_check_system(struct doctor *d)
{
	check_clock(d);
	check_sendmail(d);
	check_spoold(d);
}
