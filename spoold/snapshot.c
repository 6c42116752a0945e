/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The snapshot: written into a temporary file here, synced and renamed by a
 * worker thread, and then, if the journal has become long, a new journal.
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
#include "spoold/spoold.h"

#define SNAPSHOT_TMP ".status.json.new"
#define SECOND_US ((int64_t)1000000)
/* Between two snapshots: this many times what the last one cost … */
#define COST_FACTOR 50
/* … and, unless the journal grew by so many bytes, this long. */
#define QUIET_US (60 * SECOND_US)
#define GROWTH_BYTES (256u << 10)
/* A journal of this length makes room for a new one. */
#define ROTATE_BYTES (4u << 20)

static int
write_tmp(struct spoold *d)
{
	int64_t begin_us = spoold_now(d);
	int err;

	record_flush(d);
	err = status_write(
	    d->sp.dir_fd, SNAPSHOT_TMP, &d->queue, &d->daemon, begin_us);
	/* The configuration may be another one before the worker is done. */
	free(d->snapshot_copy);
	d->snapshot_copy = d->cfg->json == NULL ? NULL : strdup(d->cfg->json);
	d->snapshot_seq = d->queue.seq;
	d->snapshot_cost_us = spoold_now(d) - begin_us;
	d->snapshot_us = begin_us;
	return err;
}

/* The copy that the configuration asks for: for readers, not for us. */
static int
copy_to(const struct spoold *d, const char *path)
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
	if (err == 0 && rename(tmp, path) < 0)
		err = -errno;
	if (to >= 0)
		(void)close(to);
	(void)close(from);
	return err;
}

/* In a worker thread: touches only paths and descriptors. */
static int
publish(struct spoold *d)
{
	int fd, err;

	fd = openat(d->sp.dir_fd, SNAPSHOT_TMP, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = fs_sync(fd);
	(void)close(fd);
	if (err < 0)
		return err;
	if (renameat(d->sp.dir_fd, SNAPSHOT_TMP, d->sp.dir_fd, STATUS_NAME) < 0)
		return -errno;
	err = fs_sync(d->sp.dir_fd);
	d->snapshot_copy_err =
	    d->snapshot_copy == NULL ? 0 : copy_to(d, d->snapshot_copy);
	return err;
}

static void
report(int err)
{
	log_msg(LOG_ERR, "cannot write the status: %s", strerror(-err));
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
	err = journal_sync(d->journal.fd);
	if (err < 0) {
		record_broken(d, "sync", err);
		return;
	}
	err = journal_rotate(&d->journal);
	if (err < 0)
		log_msg(
		    LOG_ERR, "cannot begin a new journal: %s", strerror(-err));
}

static void
complete(struct spoold *d, int err)
{
	if (err < 0) {
		report(err);
		return;
	}
	if (d->snapshot_copy_err < 0)
		log_msg(LOG_ERR, "cannot write the status to '%s': %s",
		    d->snapshot_copy, strerror(-d->snapshot_copy_err));
	if (d->broken)
		mend(d);
	else if (d->journal.bytes > ROTATE_BYTES)
		rotate(d);
	d->snapshot_bytes = d->journal.bytes;
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
	spoold_check_done(d);
}

static void
begin(struct spoold *d)
{
	int err;

	d->snapshot_wanted = false;
	err = write_tmp(d);
	if (err < 0) {
		report(err);
		return;
	}
	d->snapshot_work.data = d;
	if (uv_queue_work(&d->loop, &d->snapshot_work, work_run, work_done) < 0)
		complete(d, publish(d));
	else
		d->snapshot_running = true;
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

	if (d->snapshot_wanted || d->broken)
		return true;
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
	if (!d->snapshot_running && is_due(d))
		begin(d);
}

void
snapshot_final(struct spoold *d)
{
	int err = write_tmp(d);

	if (err == 0)
		err = publish(d);
	if (err < 0)
		report(err);
	else if (d->broken)
		mend(d);
}
