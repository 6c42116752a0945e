/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See edits.h. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/log.h"
#include "spoold/edits-work.h"
#include "spoold/pause.h"

/* Messages a step. */
#define STEP 100
#define DROP_STEP 1000

/* ---- which files ----------------------------------------------------- */

char *
edits_kept_name(const char *name)
{
	char *kept;

	return asprintf(&kept, "%s.edited", name) < 0 ? NULL : kept;
}

/*
 * The status and its copy, the newest edit of each first: what that changes the
 * older one finds changed.
 */
static bool
name_source(struct edits *e)
{
	const char *name = e->source < 2 ? STATUS_NAME : e->d->cfg->json;
	bool is_kept = e->source % 2 != 0;

	free(e->name);
	e->name = NULL;
	e->written = is_kept ? NULL : &e->d->written[e->source / 2];
	e->source++;
	/* One that was put aside waits for who asks for edits. */
	if (name != NULL && (!is_kept || e->takes_kept))
		e->name = is_kept ? edits_kept_name(name) : strdup(name);
	return e->name != NULL;
}

#define SOURCES 4

static void
refuse(struct edits *e, const char *why)
{
	char *aside = NULL;

	log_msg(LOG_ERR, "the edited '%s' is not taken over: %s", e->name, why);
	e->is_refused = true;
	/* One that was put aside before is refused once. */
	if (e->written != NULL || e->d->stopping ||
	    asprintf(&aside, "%s.refused", e->name) < 0)
		return;
	e->is_lost = true;
	(void)renameat(e->d->sp.dir_fd, e->name, e->d->sp.dir_fd, aside);
	free(aside);
}

/* Why a file like ST is nobody's edit; NULL: it may be one. */
static const char *
distrust(const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return "it is no regular file";
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return "it belongs to another user";
	if ((st->st_mode & S_IWOTH) != 0)
		return "everybody may write to it";
	return NULL;
}

/* Whether there is a file at hand that was edited; ST is what it is. */
static bool
is_edited(const struct edits *e, struct stat *st)
{
	if (fstatat(e->d->sp.dir_fd, e->name, st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	/* Before we wrote anything nobody knows. */
	return e->written == NULL ||
	    (e->written->is_known && written_differs(e->written, st));
}

/* Open the file at hand if it was edited; false: it was not, or cannot be
 * used, which is said. */
static bool
open_source(struct edits *e)
{
	int dir_fd = e->d->sp.dir_fd, fd;
	struct stat st;
	const char *why;

	if (!is_edited(e, &st))
		return false;
	/* What it was to keep back must not go out, whoever it is by. */
	why = distrust(&st);
	if (why != NULL) {
		refuse(e, why);
		return false;
	}
	fd = openat(
	    dir_fd, e->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd >= 0 && fstat(fd, &st) == 0)
		why = distrust(&st);
	if (fd < 0 || why != NULL || (e->file.in = fdopen(fd, "r")) == NULL) {
		refuse(e, why != NULL ? why : strerror(errno));
		if (fd >= 0)
			(void)close(fd);
		return false;
	}
	e->seen = written_of(&st);
	e->uid = st.st_uid;
	return true;
}

/* ---- reading, in a worker thread ------------------------------------- */

/* What an event says of edits that are older. */
static int
touch(const struct event *ev, struct id_set *set, bool *no_next)
{
	if (ev->kind == EVENT_FLUSHED && ev->id[0] == '\0')
		*no_next = true;
	if (ev->id[0] == '\0')
		return 0;
	return id_set_add(set, ev->id) ? 0 : -ENOMEM;
}

/* A journal_fn. */
static int
see_old(const struct event *ev, void *arg)
{
	struct edits *e = arg;

	return touch(ev, &e->touched, &e->no_next);
}

/* F is of this spool: else all of its mail would be dropped for what another
 * one has.  0 or -EBADMSG. */
static int
check_spool(const struct edits *e, struct edit_file *f)
{
	if (strcmp(f->spool_id, e->d->daemon.spool_id) == 0)
		return 0;
	(void)snprintf(f->why, sizeof(f->why),
	    "it is not this spool's: its \"spool_id\" is %s",
	    f->spool_id[0] == '\0' ? "missing" : "another one");
	return -EBADMSG;
}

static void
work_run(uv_work_t *work)
{
	struct edits *e = work->data;
	struct edit_file *f = &e->file;
	uint64_t last_seq = 0;

	e->err = edit_file_check(f);
	if (e->err == 0)
		e->err = check_spool(e, f);
	if (e->err < 0)
		return;
	e->err = journal_replay_whole(
	    e->d->sp.dir_fd, f->seq, see_old, e, &last_seq);
	if (e->err == 0 && last_seq < e->begin_seq)
		e->err = -EAGAIN;
	if (e->err < 0)
		(void)snprintf(f->why, sizeof(f->why),
		    "the journal of what happened since cannot be read: %s",
		    e->err == -EAGAIN ? "it is not complete any more"
				      : strerror(-e->err));
	id_set_sort(&e->touched);
}

/* ---- one file -------------------------------------------------------- */

static void next_source(struct edits *e);

static void
close_source(struct edits *e)
{
	if (e->file.in != NULL)
		(void)fclose(e->file.in);
	edit_file_release(&e->file);
	e->file = (struct edit_file){ .in = NULL };
	id_set_release(&e->touched);
	id_set_release(&e->since);
	e->no_next = false;
	e->no_next_since = false;
	e->is_blind = false;
}

static void
say_taken(const struct edits *e)
{
	const struct edits_count *c = &e->count;

	log_msg(LOG_NOTICE,
	    "the edited '%s' is taken over: %u message%s changed, %u dropped, "
	    "%u recipient%s dropped; %u left as they are now, for something "
	    "happened to them since",
	    e->name, c->changed, c->changed == 1 ? "" : "s", c->dropped,
	    c->rcpts_dropped, c->rcpts_dropped == 1 ? "" : "s", c->left);
}

/* The file at hand is done with. */
static void
end_source(struct edits *e, const char *trouble)
{
	(void)uv_idle_stop(&e->idle);
	if (trouble != NULL) {
		refuse(e, trouble);
	} else {
		say_taken(e);
		/* If it was changed while it was read, it is another one. */
		if (e->written != NULL)
			*e->written = e->seen;
		else
			(void)unlinkat(e->d->sp.dir_fd, e->name, 0);
	}
	close_source(e);
	next_source(e);
}

/* The messages of the file, STEP of them. */
static void
take_some(struct edits *e)
{
	struct json_object *obj = NULL;
	int more = 1;

	for (int i = 0; i < STEP && more > 0; i++) {
		more = edit_file_next(&e->file, &obj);
		if (more <= 0)
			break;
		edits_apply(e, obj);
		json_object_put(obj);
	}
	if (more < 0)
		end_source(e, "it was changed while it was being read");
	else if (more == 0)
		e->stage = EDITS_DROPPING;
}

/* The messages that we have: most are only looked at. */
static void
drop_some(struct edits *e)
{
	struct queue *q = &e->d->queue;
	struct message *m = queue_after(q, e->cursor), *next;

	for (int i = 0; i < DROP_STEP && m != NULL; i++, m = next) {
		next = queue_next(q, m);
		(void)strcpy(e->cursor, m->id);
		edits_drop(e, m);
	}
	if (m == NULL)
		end_source(e, NULL);
}

/* Why nothing can be taken over at this moment, or NULL. */
static const char *
hindrance(const struct edits *e)
{
	if (e->d->stopping)
		return "spoold stops";
	if (e->d->broken)
		return "the journal cannot be written";
	return e->is_blind ? "out of memory" : NULL;
}

static void
on_idle(uv_idle_t *idle)
{
	struct edits *e = idle->data;
	const char *why = hindrance(e);

	if (why != NULL) {
		end_source(e, why);
		return;
	}
	record_gather(e->d);
	id_set_sort(&e->since);
	e->is_applying = true;
	if (e->stage == EDITS_TAKING)
		take_some(e);
	else
		drop_some(e);
	e->is_applying = false;
}

static void
work_done(uv_work_t *work, int status)
{
	struct edits *e = work->data;
	const char *why = NULL;

	if (status < 0)
		why = strerror(-status);
	else if (e->err < 0)
		why = e->file.why;
	else if (hindrance(e) != NULL)
		why = hindrance(e);
	else if (e->file.seq > e->d->queue.seq)
		why = "it is not this spool's: its \"seq\" is ahead";
	else if (edit_file_rewind(&e->file) < 0)
		why = "it was changed while it was being read";
	if (why != NULL) {
		end_source(e, why);
		return;
	}
	e->stage = EDITS_TAKING;
	e->cursor[0] = '\0';
	e->count = (struct edits_count){ .changed = 0 };
	(void)uv_idle_start(&e->idle, on_idle);
}

/* ---- all of them ----------------------------------------------------- */

static void begin(struct edits *e);

static void
done(struct edits *e)
{
	struct spoold *d = e->d;
	bool is_kept_back = e->is_refused && d->suspended != SUSPEND_NOT;

	e->stage = EDITS_IDLE;
	if (d->stopping) {
		spoold_check_done(d);
		return;
	}
	/* What it asked to take over comes before the end of a pause. */
	if (e->is_again) {
		begin(e);
		return;
	}
	if (is_kept_back)
		log_msg(LOG_WARNING,
		    "delivery stays paused: correct the edit and send SIGHUP, "
		    "or go on without it by SIGURG");
	else if (e->is_resume)
		pause_end(d, e->who);
	/* Not over what is still to be corrected. */
	d->snapshot_wanted = !e->is_refused;
	snapshot_tick(d);
	dispatch(d);
	spoold_check_done(d);
}

/* The first file, if no snapshot is being written: that may be putting an edit
 * aside just now. */
static void
begin(struct edits *e)
{
	e->takes_kept = e->is_resume;
	e->is_again = false;
	e->is_refused = e->is_lost;
	e->source = 0;
	e->stage = EDITS_WANTED;
	if (!e->d->snapshot_running)
		edits_go_on(e->d);
}

static void
next_source(struct edits *e)
{
	struct spoold *d = e->d;

	while (e->source < SOURCES && !d->stopping) {
		if (!name_source(e) || !open_source(e))
			continue;
		record_flush(d);
		if (d->broken) {
			refuse(e, "the journal cannot be written");
			close_source(e);
			continue;
		}
		e->begin_seq = d->queue.seq;
		e->stage = EDITS_READING;
		e->work.data = e;
		if (uv_queue_work(&d->loop, &e->work, work_run, work_done) == 0)
			return;
		refuse(e, strerror(ENOMEM));
		close_source(e);
	}
	done(e);
}

void
edits_take(struct spoold *d, const char *who, bool is_resume)
{
	struct edits *e = d->edits;

	e->is_resume = is_resume || (e->stage != EDITS_IDLE && e->is_resume);
	if (e->stage > EDITS_WANTED) {
		e->is_again = true;
		return;
	}
	e->who = who;
	e->is_lost = false;
	begin(e);
}

void
edits_stay_paused(struct spoold *d)
{
	if (d->edits != NULL)
		d->edits->is_resume = false;
}

void
edits_go_on(struct spoold *d)
{
	if (d->edits == NULL || d->edits->stage != EDITS_WANTED)
		return;
	snapshot_fit_copy(d);
	next_source(d->edits);
}

bool
edits_busy(const struct spoold *d)
{
	return d->edits != NULL && d->edits->stage != EDITS_IDLE;
}

void
edits_see(struct spoold *d, const struct event *ev)
{
	struct edits *e = d->edits;

	if (e == NULL || e->stage < EDITS_READING || e->is_applying)
		return;
	if (touch(ev, &e->since, &e->no_next_since) < 0)
		e->is_blind = true;
}

void
edits_hint(const struct spoold *d)
{
	struct stat st;

	if (fstatat(d->sp.dir_fd, STATUS_NAME ".edited", &st,
		AT_SYMLINK_NOFOLLOW) == 0)
		log_msg(LOG_NOTICE,
		    "an edit of the status was not taken over and is kept in "
		    "'%s': SIGHUP takes it over, or remove it",
		    STATUS_NAME ".edited");
}

int
edits_init(struct spoold *d)
{
	struct edits *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return -ENOMEM;
	e->d = d;
	(void)uv_idle_init(&d->loop, &e->idle);
	e->idle.data = e;
	d->edits = e;
	return 0;
}

void
edits_free(struct spoold *d)
{
	if (d->edits == NULL)
		return;
	close_source(d->edits);
	free(d->edits->name);
	free(d->edits);
	d->edits = NULL;
}
