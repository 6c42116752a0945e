/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Snapshot and journal: what the journal touched is held in memory, the rest
 * stays in the file.
 */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/journal.h"
#include "spoold/edit-read.h"
#include "spoolq/view-work.h"

#define TRIES 4

/* ---- the journal, first pass: whom it touches ------------------------ */

/* A report tells what became of another message. */
static int
touch_subject(struct view_source *src, const char *report_of)
{
	char kind[16], id[SPOOL_ID_SIZE];

	if (sscanf(report_of, "%15s %11s", kind, id) != 2 || !spool_is_id(id))
		return 0;
	return idset_add(&src->touched, id);
}

static int
note_event(const struct event *ev, void *arg)
{
	struct view_source *src = arg;
	int err = 0;

	if (src->first_seq == 0)
		src->first_seq = ev->seq;
	src->last_seq = ev->seq;
	if (ev->id[0] != '\0' && spool_is_id(ev->id))
		err = idset_add(&src->touched, ev->id);
	else if (ev->kind == EVENT_FLUSHED) {
		if (src->flush_first_us == 0)
			src->flush_first_us = ev->time_us;
		src->flush_last_us = ev->time_us;
	}
	if (err == 0 && ev->report_of != NULL)
		err = touch_subject(src, ev->report_of);
	return err;
}

/* ---- the snapshot: those that are touched ---------------------------- */

/* Take the line's message, if it is one of them. */
static int
take_touched(struct view *v)
{
	struct view_source *src = v->source;
	struct message *m;
	int err;

	if (src->stream.id[0] == '\0' ||
	    idset_mark(&src->touched, src->stream.id) == NULL)
		return 0;
	err = status_stream_take(&src->stream, &v->queue, &m);
	if (err == -EBADMSG)
		view_note_damage(v);
	return err == -EBADMSG || err == -EEXIST ? 0 : err;
}

static int
load_touched(struct view *v)
{
	struct view_source *src = v->source;
	int err = 1, taken = 0;

	if (src->in == NULL || src->touched.n == 0)
		return 0;
	while (taken == 0 && err > 0) {
		err = status_stream_next(&src->stream);
		if (err > 0)
			taken = take_touched(v);
	}
	if (taken < 0)
		return taken;
	if (err < 0 && err != -EBADMSG)
		return err;
	/* An end too early is said when the rest is read. */
	return fseeko(src->in, src->first_line, SEEK_SET) < 0 ? -errno : 0;
}

/* ---- the journal, second pass: what it does to them ------------------ */

static int
apply_event(const struct event *ev, void *arg)
{
	struct view *v = arg;
	struct view_source *src = v->source;

	/* What came since the first pass touches others. */
	if (ev->seq > src->last_seq)
		return 1;
	if (v->queue.seq == src->seq && ev->seq != src->first_seq)
		return -EAGAIN; /* rotated away meanwhile */
	return queue_apply(&v->queue, ev);
}

static int
load_journal(struct view *v, bool is_last_try)
{
	struct view_source *src = v->source;
	int dir_fd = src->ctx->sp.dir_fd;
	uint64_t seq;
	int err;

	err = journal_replay(dir_fd, src->seq, note_event, src, &seq);
	if (err == -EAGAIN && is_last_try) {
		/* Gone for good, an operator removed it. */
		view_note_damage(v);
		err = 0;
	}
	if (err == 0)
		err = idset_sort(&src->touched);
	if (err == 0)
		err = load_touched(v);
	if (err == 0 && src->last_seq > 0)
		err = journal_replay(dir_fd, src->seq, apply_event, v, &seq);
	if (err == -EAGAIN && is_last_try)
		err = 0;
	return err > 0 ? 0 : err;
}

/* ---- both ------------------------------------------------------------ */

static int
open_snapshot(struct view *v)
{
	struct view_source *src = v->source;
	int fd, err;

	fd = openat(src->ctx->sp.dir_fd, STATUS_NAME,
	    O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	src->in = fdopen(fd, "r");
	if (src->in == NULL) {
		err = -errno;
		(void)close(fd);
		return err;
	}
	err = status_stream_begin(&src->stream, src->in, &v->queue, &v->daemon);
	src->first_line = ftello(src->in);
	return err;
}

static void
forget(struct view *v)
{
	struct view_source *src = v->source;

	if (src->in != NULL)
		(void)fclose(src->in);
	src->in = NULL;
	status_stream_end(&src->stream);
	idset_release(&src->touched);
	src->first_seq = src->last_seq = 0;
	src->flush_first_us = src->flush_last_us = 0;
	queue_clear(&v->queue);
	status_daemon_release(&v->daemon);
}

/* Whether the status is an edit that spoold would take over, as far as that can
 * be known without it. */
static bool
is_edit(int dir_fd)
{
	struct edit_file file = { .in = NULL };
	int fd = openat(dir_fd, STATUS_NAME,
	    O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	bool is_it;

	if (fd < 0)
		return false;
	file.in = fdopen(fd, "r");
	if (file.in == NULL) {
		(void)close(fd);
		return false;
	}
	is_it = edit_file_check(&file) == 0;
	(void)fclose(file.in);
	edit_file_release(&file);
	return is_it;
}

/* Not laid out as spoold does it: edited, or damaged.  As a whole then; or what
 * it was before somebody edited it. */
static int
load_whole(struct view *v)
{
	int base, err, dir_fd = v->source->ctx->sp.dir_fd;

	forget(v);
	err = status_load(dir_fd, STATUS_NAME, &v->queue, &v->daemon);
	if (err != -EBADMSG)
		return err;
	base =
	    faccessat(dir_fd, STATUS_NAME ".base", F_OK, AT_SYMLINK_NOFOLLOW);
	if (base == 0 && is_edit(dir_fd))
		view_note_edit(v);
	else
		view_note_damage(v);
	if (base < 0)
		return 0;
	forget(v);
	err = status_load(dir_fd, STATUS_NAME ".base", &v->queue, &v->daemon);
	return err == -EBADMSG || err == -ENOENT ? 0 : err;
}

static int
load_once(struct view *v, bool is_last_try)
{
	int err = open_snapshot(v);

	if (err == -EBADMSG)
		return load_whole(v);
	if (err < 0 && err != -ENOENT)
		return err;
	v->source->seq = v->queue.seq;
	v->time_us = v->queue.last_us;
	return load_journal(v, is_last_try);
}

int
view_load_snapshot(struct view *v)
{
	int err;

	for (int tries = 1;; tries++) {
		err = load_once(v, tries == TRIES);
		if (err != -EAGAIN || tries == TRIES)
			return err;
		forget(v);
	}
}
