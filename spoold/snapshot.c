/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The snapshot: written into a temporary file, by a child process if it is
 * long, synced and renamed by a worker thread, and then, if the journal has
 * become long or old, a new journal.
 *
 * Snapshot and journal fit together by the events' numbers alone, so nothing
 * has to happen at the same moment.
 */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fsutil.h"
#include "lib/log.h"
#include "spoold/edits.h"
#include "spoold/pause.h"
#include "spoold/spoold.h"

#define SNAPSHOT_TMP ".status.json.new"
#define SECOND_US ((int64_t)1000000)
/* Between two snapshots: this many times what the last one cost … */
#define COST_FACTOR 50
/* … and, unless the journal grew by so many bytes, this long. */
#define QUIET_US (60 * SECOND_US)
#define GROWTH_BYTES (256u << 10)
/* A journal of this length, or so old, makes room for a new one. */
#define ROTATE_BYTES (4u << 20)
#define ROTATE_US (86400 * SECOND_US)
/* From so many messages on, or such a length of the last one, a child writes:
 * it would take some milliseconds here. */
#define CHILD_MESSAGES 2000
#define CHILD_BYTES (1u << 20)

void
snapshot_fit_copy(struct spoold *d)
{
	const char *path = d->cfg->json;

	if (path != NULL && d->snapshot_copy != NULL &&
	    strcmp(path, d->snapshot_copy) == 0)
		return;
	/* What lies elsewhere was not written by us so far. */
	d->written[1] = (struct written){ .is_known = false };
	/* The configuration may be another one before the worker is done. */
	free(d->snapshot_copy);
	d->snapshot_copy = path == NULL ? NULL : strdup(path);
}

/* What is written from now on is the picture of now. */
static void
prepare(struct spoold *d)
{
	record_flush(d);
	d->snapshot_us = spoold_now(d);
	relays_measure(d, d->snapshot_us);
	snapshot_fit_copy(d);
	d->snapshot_next_seq = d->queue.seq;
	d->snapshot_is_base = d->suspended != SUSPEND_NOT && !d->stopping;
}

static int
write_tmp(struct spoold *d)
{
	return status_write(
	    d->sp.dir_fd, SNAPSHOT_TMP, &d->queue, &d->daemon, d->snapshot_us);
}

/* Let TMP take the place of NAME, and put aside what an operator made of
 * that; WHICH of d->written it is. */
static int
replace(struct spoold *d, const char *tmp, const char *name, int which)
{
	char *kept = edits_kept_name(name);
	int err;

	if (kept == NULL)
		return -ENOMEM;
	err = written_replace(d->sp.dir_fd, tmp, name, kept, &d->written[which],
	    &d->edit_kept[which]);
	free(kept);
	return err;
}

/* The copy that the configuration asks for: for readers, not for us. */
static int
copy_to(struct spoold *d, const char *path)
{
	char tmp[4096];
	int from, to, err;

	if (snprintf(tmp, sizeof(tmp), "%s.new", path) >= (int)sizeof(tmp))
		return -ENAMETOOLONG;
	from = openat(d->sp.dir_fd, STATUS_NAME, O_RDONLY | O_CLOEXEC);
	if (from < 0)
		return -errno;
	to = open(
	    tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	err = to < 0 ? -errno : 0;
	for (ssize_t n = 1; err == 0 && n > 0;) {
		n = sendfile(to, from, NULL, 1u << 20);
		if (n < 0)
			err = -errno;
	}
	if (to >= 0)
		(void)close(to);
	(void)close(from);
	return err < 0 ? err : replace(d, tmp, path, 1);
}

/* Where a name has gone, nothing may say so that is more durable. */
static int
sync_names(const struct spoold *d)
{
	static const bool all[SPOOL_STATES] = { true, true, true };

	return spool_sync_states(&d->sp, all);
}

/* In a worker thread: touches only paths and descriptors. */
static int
publish(struct spoold *d)
{
	struct stat st;
	int fd, err;

	fd = openat(d->sp.dir_fd, SNAPSHOT_TMP, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0)
		d->snapshot_size = (uint64_t)st.st_size;
	err = fs_sync(fd);
	(void)close(fd);
	if (err == 0)
		err = sync_names(d);
	if (err < 0)
		return err;
	err = replace(d, SNAPSHOT_TMP, STATUS_NAME, 0);
	if (err < 0)
		return err;
	err = fs_sync(d->sp.dir_fd);
	if (!d->snapshot_is_base)
		edits_forget_base(d->sp.dir_fd);
	else if (err == 0)
		err = edits_keep_base(d->sp.dir_fd);
	d->snapshot_copy_err =
	    d->snapshot_copy == NULL ? 0 : copy_to(d, d->snapshot_copy);
	return err;
}

/* The status could not be written, NAME in particular. */
static void
report(const char *name, int err)
{
	if (err == -ECANCELED)
		log_msg(LOG_ERR,
		    "cannot write the status: the process that did was killed");
	else
		log_msg(LOG_ERR, "cannot write the status, '%s': %s", name,
		    strerror(-err));
}

/* The picture is on disk: what the journal missed no longer matters. */
static void
mend(struct spoold *d)
{
	struct message *m, *next;

	if (!d->broken || d->snapshot_seq < d->unwritten_seq)
		return;
	if (journal_rotate(&d->journal) < 0)
		return;
	d->broken = false;
	/* What came meanwhile is in neither. */
	if (d->snapshot_seq != d->queue.seq)
		snapshot_want(d);
	log_msg(LOG_NOTICE, "the status is written again, delivery goes on");
	for (m = queue_first(&d->queue); m != NULL; m = next) {
		next = queue_next(&d->queue, m);
		dispatch_finish(d, m);
	}
	dispatch(d);
}

/* A long journal makes room for a new one, which is all that is synced from
 * now on: what the old one has got since the last time comes first. */
static void
rotate(struct spoold *d)
{
	int err;

	record_flush(d);
	err = sync_names(d);
	if (err == 0)
		err = journal_sync(d->journal.fd);
	if (err < 0) {
		record_broken(d, "sync", err);
		return;
	}
	err = journal_rotate(&d->journal);
	if (err < 0) {
		log_msg(
		    LOG_ERR, "cannot begin a new journal: %s", strerror(-err));
		return;
	}
	err = journal_prune(d->sp.dir_fd,
	    spoold_now(d) - d->cfg->history_s * SECOND_US,
	    d->cfg->history_bytes);
	if (err < 0)
		log_msg(LOG_WARNING, "cannot remove old journals: %s",
		    strerror(-err));
}

static bool
is_old(const struct spoold *d)
{
	const struct journal *j = &d->journal;

	return j->bytes > 0 && spoold_now(d) - j->begin_us >= ROTATE_US;
}

/* Of edits that nobody asked us to read. */
static void
say_kept(struct spoold *d)
{
	for (int i = 0; i < 2; i++) {
		if (d->edit_kept[i])
			log_msg(LOG_WARNING,
			    "'%s' was edited: the edit is kept as '%s.edited' "
			    "and is taken over by SIGHUP",
			    i == 0 ? STATUS_NAME : d->snapshot_copy,
			    i == 0 ? STATUS_NAME : d->snapshot_copy);
		d->edit_kept[i] = false;
	}
}

static void
complete(struct spoold *d, int err)
{
	say_kept(d);
	if (err < 0) {
		report(STATUS_NAME, err);
		return;
	}
	d->snapshot_seq = d->snapshot_next_seq;
	if (d->snapshot_copy_err < 0)
		log_msg(LOG_ERR, "cannot write the status to '%s': %s",
		    d->snapshot_copy, strerror(-d->snapshot_copy_err));
	if (d->broken)
		mend(d);
	else if (d->journal.bytes > ROTATE_BYTES || is_old(d))
		rotate(d);
	d->snapshot_bytes = d->journal.bytes;
	pause_written(d);
}

static void
work_run(uv_work_t *work)
{
	struct spoold *d = work->data;

	d->snapshot_err = publish(d);
}

static void
work_done(uv_work_t *work, int status)
{
	struct spoold *d = work->data;

	(void)status;
	d->snapshot_running = false;
	complete(d, d->snapshot_err);
	edits_go_on(d);
	spoold_check_done(d);
}

/* The temporary file was written, or not. */
static void
written(struct spoold *d, int err)
{
	d->snapshot_cost_us = spoold_now(d) - d->snapshot_us;
	d->snapshot_running = false;
	d->snapshot_work.data = d;
	if (err < 0) {
		report(SNAPSHOT_TMP, err);
	} else if (uv_queue_work(
		       &d->loop, &d->snapshot_work, work_run, work_done) == 0) {
		d->snapshot_running = true;
		return;
	} else {
		complete(d, publish(d));
	}
	/* Who waited for its end waits for no other one. */
	edits_go_on(d);
}

/* The child has ended. */
static void
child_done(struct spoold *d, int err)
{
	if (d->stopping)
		/* The last one of all is to come. */
		d->snapshot_running = false;
	else
		written(d, err);
	spoold_check_done(d);
}

static bool
is_long(const struct spoold *d)
{
	size_t n = 0;

	for (int i = 0; i < SPOOL_STATES; i++)
		n += d->queue.count[i];
	return n > CHILD_MESSAGES || d->snapshot_size > CHILD_BYTES;
}

static void
begin(struct spoold *d)
{
	d->snapshot_wanted = false;
	prepare(d);
	if (is_long(d) &&
	    snapshot_child_begin(d, SNAPSHOT_TMP, child_done) == 0)
		d->snapshot_running = true;
	else
		written(d, write_tmp(d));
}

void
snapshot_want(struct spoold *d)
{
	d->snapshot_wanted = true;
}

static bool
is_due(const struct spoold *d)
{
	int64_t age_us = spoold_now(d) - d->snapshot_us;

	if (d->broken)
		return true;
	if (edits_busy(d))
		return false;
	if (d->snapshot_wanted || d->suspended == SUSPEND_WRITING)
		return true;
	/* An operator may be about to edit the last one. */
	if (d->suspended != SUSPEND_NOT)
		return false;
	if (d->queue.seq == d->snapshot_seq ||
	    age_us < COST_FACTOR * d->snapshot_cost_us)
		return false;
	return age_us >= QUIET_US ||
	    d->journal.bytes > d->snapshot_bytes + GROWTH_BYTES;
}

/* Whether somebody removed the journal that is being written. */
static bool
is_unlinked(const struct spoold *d)
{
	struct stat st;

	return fstat(d->journal.fd, &st) == 0 && st.st_nlink == 0;
}

void
snapshot_tick(struct spoold *d)
{
	if (!d->broken && is_unlinked(d))
		record_broken(d, "find", -ENOENT);
	if (d->snapshot_running)
		return;
	if (is_due(d))
		begin(d);
	else if (d->queue.seq == d->snapshot_seq && is_old(d))
		/* All of it is in the snapshot. */
		rotate(d);
}

void
snapshot_cancel(struct spoold *d)
{
	snapshot_child_kill(d);
}

void
snapshot_final(struct spoold *d)
{
	const char *name = SNAPSHOT_TMP;
	int err;

	prepare(d);
	err = write_tmp(d);
	if (err == 0) {
		name = STATUS_NAME;
		err = publish(d);
	}
	if (err < 0) {
		report(name, err);
		return;
	}
	say_kept(d);
	d->snapshot_seq = d->snapshot_next_seq;
	if (d->broken)
		mend(d);
}
