/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* One message after the other: stream, queue and files, merged by id. */

#include "config.h"

#include <err.h>
#include <errno.h>
#include <string.h>
#include <sysexits.h>

#include "spoolq/view-work.h"

void
view_drop_passing(struct view *v)
{
	if (v->source->passing != NULL)
		status_stream_forget(&v->queue, v->source->passing);
	v->source->passing = NULL;
}

/* ---- the stream ------------------------------------------------------ */

/* It ended before its end, with ERR. */
static void
break_off(struct view *v, int err)
{
	struct view_source *src = v->source;

	src->has_ended = true;
	if (err == -EBADMSG && !src->ctx->is_foreign) {
		view_note_damage(v);
		return;
	}
	warnx("cannot read the status: %s",
	    err == -EBADMSG ? "it ends too early" : strerror(-err));
	src->code = src->ctx->is_foreign ? EX_UNAVAILABLE : exit_code(err);
}

/*
 * Whether the line that has come is to be left out: its order is wrong, and a
 * file tells, or has told, of its message.  While spoold runs there may be
 * none that does; then it is better to see a message twice than never.
 */
static bool
is_astray(struct view *v)
{
	struct view_source *src = v->source;
	uint64_t id = id_pack(src->stream.id);

	if (id > src->last_line) {
		src->last_line = id;
		return false;
	}
	view_note_damage(v);
	return id == src->last_line ||
	    (src->has_files && id > src->listed_from);
}

/* Have a line ready, of a message that the journal did not touch. */
static void
ready_line(struct view *v)
{
	struct view_source *src = v->source;

	while (src->in != NULL && !src->has_line && !src->has_ended) {
		int got = status_stream_next(&src->stream);

		if (got < 0)
			break_off(v, got);
		else if (got == 0)
			src->has_ended = true;
		else if (src->stream.id[0] == '\0')
			view_note_damage(v);
		else if (!is_astray(v))
			src->has_line =
			    idset_mark(&src->touched, src->stream.id) == NULL;
	}
}

/* All was flushed at TIME_US, and M was there. */
static void
flush(struct view *v, struct message *m, int64_t time_us)
{
	struct event ev = { .kind = EVENT_FLUSHED,
		.time_us = time_us,
		.seq = v->queue.seq,
		.index = -1 };
	int64_t last_us = v->queue.last_us;

	if (m->state != SPOOL_QUEUE || queue_not_before_us(m) > time_us)
		return;
	(void)strcpy(ev.id, m->id);
	(void)queue_apply(&v->queue, &ev);
	v->queue.last_us = last_us;
}

/* The message of the line; NULL if it is damaged, or out of memory. */
static struct message *
take_line(struct view *v)
{
	struct view_source *src = v->source;
	struct message *m = NULL;
	int err = status_stream_take(&src->stream, &v->queue, &m);

	src->has_line = false;
	if (err == -ENOMEM) {
		warnx("out of memory");
		src->code = EX_TEMPFAIL;
		src->has_ended = true;
	} else if (err < 0) {
		view_note_damage(v);
	}
	if (err < 0)
		return NULL;
	src->passing = m;
	if (src->flush_first_us > 0) {
		flush(v, m, src->flush_first_us);
		flush(v, m, src->flush_last_us);
	}
	return m;
}

/* ---- the merge ------------------------------------------------------- */

/* What a spoold that is no more was doing ended with it. */
static void
end_attempts(struct message *m)
{
	m->in_flight = false;
	for (unsigned i = 0; i < m->nrcpts; i++)
		m->rcpts[i].waiting = false;
}

/* M with what the files say of it; NULL: there is none. */
static struct message *
compare(struct view *v, struct message *m)
{
	if (v->source->is_unsure && !view_meet_file(v, m))
		return NULL;
	if (v->spoold == CONTROL_NONE)
		end_attempts(m);
	return m;
}

/* The least id that the status has still to tell of; 0: none. */
static uint64_t
next_known(struct view *v)
{
	const struct view_source *src = v->source;
	uint64_t line = 0, own = 0;

	ready_line(v);
	if (src->has_line)
		line = id_pack(src->stream.id);
	if (src->overlay != NULL)
		own = id_pack(src->overlay->id);
	return line == 0 || (own != 0 && own < line) ? own : line;
}

/* The message ID, which next_known() told; NULL: not to be shown. */
static struct message *
take_known(struct view *v, uint64_t id)
{
	struct view_source *src = v->source;
	struct message *m = src->overlay;
	enum spool_state state;
	char text[SPOOL_ID_SIZE];

	if (m != NULL && id_pack(m->id) == id) {
		src->overlay = queue_next(&v->queue, m);
		return compare(v, m);
	}
	m = take_line(v);
	if (m != NULL)
		return compare(v, m);
	id_unpack(id, text);
	if (src->ctx->is_foreign || !spool_find(&src->ctx->sp, text, &state))
		return NULL;
	/* Its line is damaged, its file need not be. */
	m = view_read_file(v, text, state);
	return m == NULL ? NULL : compare(v, m);
}

/* The message that the file of ID in STATE holds, and nobody knows. */
static struct message *
take_file(struct view *v, uint64_t id, enum spool_state state)
{
	char text[SPOOL_ID_SIZE];

	id_unpack(id, text);
	v->source->file[state]++;
	return view_read_file(v, text, state);
}

/* Look at the files, which the status alone does not tell of. */
static void
list_files(struct view *v)
{
	struct view_source *src = v->source;
	int err = view_list_files(v);

	src->listed_from = src->last;
	if (err == 0)
		return;
	warnx("cannot list '%s': %s", src->ctx->cfg.spool, strerror(-err));
	src->code = exit_code(err);
}

static void
note_last(struct view_source *src, uint64_t id)
{
	if (id > src->last)
		src->last = id;
}

/* The next one, if it is to be shown.  False at the end. */
static bool
step(struct view *v, struct message **ret)
{
	struct view_source *src = v->source;
	enum spool_state state = SPOOL_QUEUE;
	uint64_t known = next_known(v), file;

	/* Perhaps only that line showed how things are. */
	if (src->is_unsure && !src->has_files && !src->ctx->is_foreign)
		list_files(v);
	file = view_first_file(v, &state);
	if (known == 0 && file == 0)
		return false;
	if (known == 0 || (file != 0 && file < known)) {
		note_last(src, file);
		*ret = take_file(v, file, state);
	} else {
		note_last(src, known);
		*ret = take_known(v, known);
	}
	if (*ret == NULL)
		view_drop_passing(v);
	return true;
}

struct message *
view_next(struct view *v)
{
	struct view_source *src = v->source;
	struct message *m = NULL;

	view_drop_passing(v);
	if (!src->began)
		src->overlay = queue_first(&v->queue);
	src->began = true;
	while (m == NULL && src->code == EX_OK && step(v, &m))
		continue;
	return m;
}

int
view_error(const struct view *v)
{
	return v->source->code;
}

/* ---- one alone ------------------------------------------------------- */

/* Go back to the first message of the stream. */
static bool
rewind_stream(struct view *v)
{
	struct view_source *src = v->source;

	src->has_line = src->has_ended = false;
	src->last_line = 0;
	if (src->in == NULL)
		return false;
	if (!src->ctx->is_foreign)
		return fseeko(src->in, src->first_line, SEEK_SET) == 0;
	/* The first to be looked for: nothing was read so far. */
	if (!src->began)
		return true;
	(void)fclose(src->in);
	src->in = NULL;
	status_stream_end(&src->stream);
	queue_clear(&v->queue);
	status_daemon_release(&v->daemon);
	src->code = view_load_control(v);
	return src->code == EX_OK;
}

static struct message *
find_line(struct view *v, const char *id)
{
	struct view_source *src = v->source;

	if (!rewind_stream(v))
		return NULL;
	src->began = true;
	for (ready_line(v); src->has_line; ready_line(v)) {
		if (strcmp(src->stream.id, id) == 0)
			return take_line(v);
		src->has_line = false;
	}
	return NULL;
}

struct message *
view_find(struct view *v, const char *id)
{
	struct view_source *src = v->source;
	enum spool_state state;
	struct message *m;

	view_drop_passing(v);
	m = queue_find(&v->queue, id);
	if (m == NULL && idset_mark(&src->touched, id) == NULL)
		m = find_line(v, id);
	if (src->ctx->is_foreign)
		return m;
	if (!spool_find(&src->ctx->sp, id, &state))
		return NULL;
	if (m == NULL)
		m = view_read_file(v, id, state);
	if (m == NULL)
		return NULL;
	status_stream_move(&v->queue, m, state);
	if (v->spoold == CONTROL_NONE)
		end_attempts(m);
	return m;
}
