/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * From a claimed file to a message, in a worker thread.  The order of the steps
 * is what makes it exactly one message, see doc/SPOOL.md:
 *
 *	1 the claim is durable		(the directory is synchronised)
 *	2 queue/ID is durable		(draft_publish_as())
 *	3 the file is removed
 *	4 … and durably so		(the directory is synchronised)
 *
 * 1 and 4 are done once for the files of a job.
 */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/fsutil.h"
#include "lib/log.h"
#include "lib/submit.h"
#include "spoold/spoold.h"

static void __attribute__((format(printf, 3, 4)))
end(struct raw_claim *c, enum raw_result result, const char *fmt, ...)
{
	va_list args;

	free(c->why);
	va_start(args, fmt);
	if (vasprintf(&c->why, fmt, args) < 0)
		c->why = NULL;
	va_end(args);
	c->result = result;
}

static void
end_trouble(struct raw_claim *c, const char *what, int err)
{
	end(c, RAW_TROUBLE, "%s: %s", what, strerror(-err));
}

/* ---- what there is --------------------------------------------------- */

/* QF of STATE, which says that it was made of C's file, may be the only one of
 * the two that stays: make it durable.  Whoever made it perhaps ended before
 * it was. */
static void
confirm(const struct spool *sp, struct raw_claim *c, enum spool_state state,
    const struct qfile *qf)
{
	int err = fs_sync(qf->fd);

	if (err == 0)
		err = spool_sync(sp, state);
	if (err < 0)
		end_trouble(c, "cannot synchronise its message", err);
	else
		c->result = RAW_ADMITTED;
}

/* What STATE has under the id of C: -ENOENT, or 0 with C's result. */
static int
look_up(const struct spool *sp, struct raw_claim *c, enum spool_state state)
{
	const char *why;
	struct qfile qf;
	int err = qfile_open(&qf, sp, state, c->id, &why);

	if (err == -ENOENT)
		return err;
	if (err == 0) {
		if (qf.env.raw != NULL)
			confirm(sp, c, state, &qf);
		else
			c->result = RAW_TAKEN;
		qfile_close(&qf);
	} else if (err == -EBADMSG) {
		/* Torn, or foreign: the scan sees to it. */
		c->result = RAW_TAKEN;
	} else {
		end_trouble(c, "cannot look for its message", err);
	}
	return 0;
}

/* Whether the id of C is in use; then C's result says by whom. */
static bool
is_known(const struct spool *sp, struct raw_claim *c)
{
	for (int i = 0; i < SPOOL_STATES; i++)
		if (look_up(sp, c, (enum spool_state)i) == 0)
			return true;
	return false;
}

/* Open the file, and nothing that is none: the descriptor, or -1 with C's
 * result. */
static int
open_file(const struct spool *sp, struct raw_claim *c, struct stat *st)
{
	int fd;

	if (fstatat(sp->dir_fd, c->path, st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno == ENOENT)
			c->result = RAW_LOST;
		else
			end_trouble(c, "cannot examine it", -errno);
		return -1;
	}
	if (!S_ISREG(st->st_mode)) {
		end(c, RAW_REFUSED, "it is not a regular file");
		return -1;
	}
	fd = openat(sp->dir_fd, c->path,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		end_trouble(c, "cannot open it", -errno);
	return fd;
}

/* ---- one ------------------------------------------------------------- */

static void
submit_file(struct raw_job *job, struct raw_claim *c, int fd, uid_t uid)
{
	struct envelope env = { .arrival_us = job->now_us, .uid = uid };
	struct submit_options opts = {
		.header_rcpts = true,
		.is_raw = true,
		.id = c->id,
		.identity = &job->identity,
		.size_max = job->size_max,
		.recipients_max = job->recipients_max,
		.now_us = job->now_us,
	};
	struct submit_error err;
	char id[SPOOL_ID_SIZE];

	env.raw = strdup(c->name);
	if (env.raw == NULL)
		end_trouble(c, "cannot read it", -ENOMEM);
	else if (submit(&job->d->sp, &env, fd, &opts, id, &err) == 0)
		c->result = RAW_ADMITTED;
	else if (err.is_taken)
		c->result = RAW_TAKEN;
	else if (err.exit_code == EX_TEMPFAIL || err.exit_code == EX_IOERR)
		end(c, RAW_TROUBLE, "%s", err.text);
	else
		end(c, RAW_REFUSED, "%s", err.text);
	envelope_release(&env);
}

static void
convert(struct raw_job *job, struct raw_claim *c)
{
	const struct spool *sp = &job->d->sp;
	struct stat st;
	int fd;

	if (is_known(sp, c))
		return;
	fd = open_file(sp, c, &st);
	if (fd < 0)
		return;
	/* Somebody may have opened it between the look and the claim; by its
	 * new name nobody does. */
	if (raw_writers(fd) == RAW_WRITER)
		c->result = RAW_OPEN;
	else
		submit_file(job, c, fd, st.st_uid);
	(void)close(fd);
}

/* What is published must be gone before it counts; what is none goes too. */
static void
put_away(const struct spool *sp, struct raw_claim *c)
{
	int err;

	if (c->result == RAW_ADMITTED && unlinkat(sp->dir_fd, c->path, 0) < 0 &&
	    errno != ENOENT)
		end_trouble(c, "cannot remove it", -errno);
	if (c->result != RAW_REFUSED)
		return;
	err = spool_set_aside_from(sp, sp->dir_fd, c->path, c->name,
	    c->why != NULL ? c->why : "out of memory");
	if (err < 0 && err != -ENOENT)
		end_trouble(c, "cannot move it to failed/", err);
}

/* ---- all ------------------------------------------------------------- */

static void
warn(const char *text)
{
	log_msg(LOG_WARNING, "%s", text);
}

static bool
is_ascii_only(void *arg)
{
	return spool_is_ascii_only(arg);
}

/* ERR keeps what has come of the claims, if that is RESULT, from counting. */
static void
fail_all(struct raw_job *job, enum raw_result result, int err)
{
	for (unsigned i = 0; i < job->n; i++)
		if (job->claims[i]->result == result)
			end_trouble(job->claims[i],
			    "cannot synchronise the spool", err);
}

void
raw_convert(uv_work_t *work)
{
	struct raw_job *job = work->data;
	struct spool *sp = &job->d->sp;
	int err = fs_sync(sp->dir_fd);

	for (unsigned i = 0; i < job->n; i++)
		job->claims[i]->result = RAW_TROUBLE;
	if (err < 0) {
		fail_all(job, RAW_TROUBLE, err);
		return;
	}
	job->identity.warn = warn;
	job->identity.is_ascii_only = is_ascii_only;
	job->identity.is_ascii_only_arg = sp;
	for (unsigned i = 0; i < job->n; i++) {
		convert(job, job->claims[i]);
		put_away(sp, job->claims[i]);
	}
	err = fs_sync(sp->dir_fd);
	if (err < 0)
		fail_all(job, RAW_ADMITTED, err);
}
