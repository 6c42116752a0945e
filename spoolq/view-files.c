/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The spool's directories, which are the truth while no spoold keeps the
 * status: nine bytes for each name.
 */

#include "config.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "spoolq/view-work.h"

/* So many entries of failed/ are looked at for damaged ones. */
#define COUNTED_MAX 20000

/* ---- listing --------------------------------------------------------- */

static int
add_name(const char *name, void *arg)
{
	return spool_is_id(name) ? idset_add(arg, name) : 0;
}

int
view_list_files(struct view *v)
{
	struct view_source *src = v->source;
	int err = 0;

	for (int s = 0; err == 0 && s < SPOOL_STATES; s++) {
		err = spool_list(&src->ctx->sp, (enum spool_state)s, add_name,
		    &src->files[s]);
		if (err == 0)
			err = idset_sort(&src->files[s]);
		while (err == 0 && src->file[s] < src->files[s].n &&
		    src->files[s].ids[src->file[s]] <= src->last)
			src->file[s]++;
	}
	src->has_files = true;
	return err;
}

struct count {
	size_t damaged, seen;
};

static int
count_damaged(const char *name, void *arg)
{
	static const char end[] = ".damaged";
	const size_t end_len = sizeof(end) - 1;
	struct count *count = arg;
	size_t len = strlen(name);

	count->damaged +=
	    len >= end_len && strcmp(name + len - end_len, end) == 0;
	return ++count->seen >= COUNTED_MAX;
}

int
view_count_damaged(struct view *v)
{
	struct count count = { .damaged = 0 };
	int err = spool_list(
	    &v->source->ctx->sp, SPOOL_FAILED, count_damaged, &count);

	v->damaged = count.damaged;
	return err < 0 ? err : 0;
}

/* ---- comparing ------------------------------------------------------- */

uint64_t
view_first_file(struct view *v, enum spool_state *ret_state)
{
	struct view_source *src = v->source;
	uint64_t least = 0;

	for (int s = 0; s < SPOOL_STATES; s++) {
		const struct idset *set = &src->files[s];
		size_t *at = &src->file[s];

		while (*at < set->n && set->marks[*at] != 0)
			(*at)++;
		if (*at < set->n && (least == 0 || set->ids[*at] < least)) {
			least = set->ids[*at];
			*ret_state = (enum spool_state)s;
		}
	}
	return least;
}

bool
view_meet_file(struct view *v, struct message *m)
{
	enum spool_state state = m->state;
	bool is_there = false;

	for (int s = 0; s < SPOOL_STATES; s++) {
		uint8_t *mark = idset_mark(&v->source->files[s], m->id);

		if (mark == NULL)
			continue;
		if (!is_there)
			state = (enum spool_state)s;
		is_there = true;
		*mark = 1;
	}
	/* It may have moved from a directory not yet listed to one that
	 * already was. */
	if (!is_there && !spool_find(&v->source->ctx->sp, m->id, &state))
		return false;
	status_stream_move(&v->queue, m, state);
	return true;
}

/* ---- reading --------------------------------------------------------- */

/* Add the message that QF holds, as spoold will when it admits it. */
static int
add_file(struct view *v, const char *id, const struct qfile *qf)
{
	struct queue_totals totals = v->queue.totals;
	int64_t last_us = v->queue.last_us;
	struct event ev;
	int err = event_of_qfile(&ev, id, qf);

	if (err < 0)
		return err;
	ev.seq = v->queue.seq;
	/* No spoold has seen it. */
	ev.time_us = v->source->ctx->now_us;
	err = queue_apply(&v->queue, &ev);
	event_release(&ev);
	v->queue.totals = totals;
	v->queue.last_us = last_us;
	return err;
}

struct message *
view_read_file(struct view *v, const char *id, enum spool_state state)
{
	const char *why = NULL;
	struct message *m;
	struct qfile qf;
	int err;

	err = qfile_open(&qf, &v->source->ctx->sp, state, id, &why);
	if (err == -ENOENT)
		return NULL; /* gone meanwhile */
	if (err == 0) {
		err = add_file(v, id, &qf);
		qfile_close(&qf);
	}
	m = err == 0 ? queue_find(&v->queue, id) : NULL;
	if (m == NULL) {
		warnx("%s/%s: %s", spool_state_name(state), id,
		    why != NULL ? why : strerror(err < 0 ? -err : EBADMSG));
		return NULL;
	}
	status_stream_move(&v->queue, m, state);
	v->source->passing = m;
	return m;
}
