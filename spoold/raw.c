/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* Raw messages: see spoold/raw.h. */

#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>

#include "lib/log.h"
#include "spoold/spoold.h"

/* How often a file that is being written is looked at; and if nobody has
 * written to it for a while, but has it open. */
#define LOOK_MS 100
#define LOOK_LATE_MS 1000
#define LATE_US ((int64_t)10 * 1000000)

static int
compare_name(const struct raw_file *a, const struct raw_file *b)
{
	return strcmp(a->name, b->name);
}

RB_GENERATE_INTERNAL(
    raw_files, raw_file, by_name, compare_name, __attribute__((unused)) static)
/* ---- files that are not claimed -------------------------------------- */

static struct raw_file *
find_file(struct raw *r, const char *name)
{
	/* Only compared. */
	struct raw_file key = { .name = (char *)(uintptr_t)name };

	return RB_FIND(raw_files, &r->files, &key);
}

/* NULL: out of memory, or too many; the next scan comes to it again. */
static struct raw_file *
add_file(struct raw *r, const char *name)
{
	struct raw_file *f;

	if (r->nfiles >= RAW_FILES_MAX)
		return NULL;
	f = calloc(1, sizeof(*f));
	if (f == NULL)
		return NULL;
	f->name = strdup(name);
	if (f->name == NULL) {
		free(f);
		return NULL;
	}
	(void)RB_INSERT(raw_files, &r->files, f);
	r->nfiles++;
	return f;
}

static void
drop_file(struct raw *r, struct raw_file *f)
{
	(void)RB_REMOVE(raw_files, &r->files, f);
	r->nfiles--;
	free(f->name);
	free(f);
}

/* ---- looking --------------------------------------------------------- */

/* When to look again at what waits; 0: nothing does. */
static unsigned
next_look_ms(struct spoold *d, bool claims_wait)
{
	unsigned ms = claims_wait ? LOOK_LATE_MS : 0;
	struct raw_file *f;

	RB_FOREACH (f, raw_files, &d->raw->files) {
		if (!f->is_waiting)
			continue;
		if (!f->is_open || spoold_now(d) - f->since_us < LATE_US)
			return LOOK_MS;
		ms = LOOK_LATE_MS;
	}
	return ms;
}

static void
on_timer(uv_timer_t *timer)
{
	struct spoold *d = timer->data;
	struct raw *r = d->raw;
	struct raw_file *f, *next;
	unsigned ms;

	if (d->stopping)
		return;
	RB_FOREACH_SAFE(f, raw_files, &r->files, next)
	if (f->is_waiting)
		raw_look(d, f->name, RAW_NO_NEWS);
	ms = next_look_ms(d, raw_retry(d, false));
	if (ms == 0)
		(void)uv_timer_stop(&r->timer);
	else
		(void)uv_timer_start(&r->timer, on_timer, ms, ms);
	spoold_check_done(d);
}

void
raw_look_soon(struct spoold *d)
{
	struct raw *r = d->raw;

	/* One that is running is not put off. */
	if (uv_timer_get_repeat(&r->timer) != LOOK_MS ||
	    !uv_is_active((uv_handle_t *)&r->timer))
		(void)uv_timer_start(&r->timer, on_timer, LOOK_MS, LOOK_MS);
}

/* F stays where it is because of ERR; say so once. */
static void
leave(struct raw_file *f, int err)
{
	f->is_waiting = false;
	if (f->told != err)
		log_msg(LOG_ERR, "cannot take '%s' in the spool: %s", f->name,
		    strerror(err));
	f->told = err;
}

static void
leave_foreign(struct raw_file *f, const char *what)
{
	if (!f->is_foreign)
		log_msg(LOG_WARNING,
		    "'%s' in the spool is %s, and is left alone", f->name,
		    what);
	f->is_foreign = true;
	f->is_waiting = false;
}

static void
take(struct spoold *d, struct raw_file *f)
{
	int err = raw_claim(d, f->name);

	if (err == -EAGAIN)
		d->raw->more = true;
	if (err == 0 || err == -EAGAIN || err == -ENOENT)
		drop_file(d->raw, f);
	else
		leave(f, -err);
}

/* What it was before is of no interest any more. */
static void
heed(struct raw_file *f, enum raw_news news)
{
	if (news == RAW_NO_NEWS)
		return;
	f->since_us = 0;
	f->is_closed = news == RAW_CLOSED;
	f->is_begun = f->is_begun || news == RAW_MADE;
	f->is_whole = news == RAW_MOVED || (news == RAW_CLOSED && f->is_whole);
}

void
raw_look(struct spoold *d, const char *name, enum raw_news news)
{
	struct raw_file *f = find_file(d->raw, name);
	const char *what = NULL;
	int err = 0;

	if (f == NULL)
		f = add_file(d->raw, name);
	if (f == NULL)
		return;
	heed(f, news);
	f->found = true;
	switch (raw_see(&d->sp, f, spoold_now(d), &what, &err)) {
	case RAW_GONE:
	case RAW_IGNORED:
		drop_file(d->raw, f);
		break;
	case RAW_FOREIGN:
		leave_foreign(f, what);
		break;
	case RAW_UNREADABLE:
		leave(f, err);
		break;
	case RAW_INCOMPLETE:
		f->is_waiting = true;
		raw_look_soon(d);
		break;
	case RAW_COMPLETE:
		take(d, f);
		break;
	}
}

/* A spool_list_fn; it ends when there is enough to do. */
static int
look_at_entry(const char *name, void *arg)
{
	struct spoold *d = arg;

	if (!raw_is_name_of_ours(d, name))
		raw_look(d, name, RAW_NO_NEWS);
	return d->raw->more ? 1 : 0;
}

void
raw_scan(struct spoold *d)
{
	struct raw *r = d->raw;
	struct raw_file *f, *next;
	int result;

	r->more = false;
	raw_learn_names(d);
	RB_FOREACH (f, raw_files, &r->files)
		f->found = false;
	result = spool_list_top(&d->sp, look_at_entry, d);
	if (result < 0)
		log_msg(LOG_ERR, "cannot list the spool's directory: %s",
		    strerror(-result));
	RB_FOREACH_SAFE(f, raw_files, &r->files, next)
	if (result == 0 && !f->found)
		drop_file(r, f);
	/* What could not be done the last time is tried again. */
	(void)raw_retry(d, true);
}

/* ---- as a whole ------------------------------------------------------ */

/* A watch_take_fn. */
static void
on_name(void *arg, const char *name, uint32_t events)
{
	struct spoold *d = arg;
	enum raw_news news = RAW_MADE;

	if (d->stopping)
		return;
	if (name == NULL) {
		raw_scan(d);
		return;
	}
	if (events & IN_ISDIR || raw_is_name_of_ours(d, name))
		return;
	if (events & IN_CLOSE_WRITE)
		news = RAW_CLOSED;
	else if (events & IN_MOVED_TO)
		news = RAW_MOVED;
	raw_look(d, name, news);
}

static void
on_names_end(void *arg)
{
	struct spoold *d = arg;

	if (!d->stopping)
		raw_push(d);
}

int
raw_init(struct spoold *d)
{
	struct raw *r = calloc(1, sizeof(*r));
	int err;

	if (r == NULL)
		return -ENOMEM;
	d->raw = r;
	RB_INIT(&r->files);
	RB_INIT(&r->claims);
	STAILQ_INIT(&r->ready);
	for (int i = 0; i < RAW_WORKERS; i++) {
		r->jobs[i].d = d;
		r->jobs[i].work.data = &r->jobs[i];
	}
	(void)uv_timer_init(&d->loop, &r->timer);
	r->timer.data = d;
	/* Sent to whoever has a lease that somebody else is waiting for. */
	(void)signal(SIGIO, SIG_IGN);
	err = watch_init(&r->watch, &d->loop, ".",
	    IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_EXCL_UNLINK, on_name,
	    on_names_end, d);
	if (err < 0)
		log_msg(LOG_WARNING,
		    "cannot watch the spool's directory (%s): files in it are "
		    "noticed every %u seconds",
		    strerror(-err), d->cfg->freq_s);
	return raw_find_claimed(d);
}

bool
raw_is_idle(const struct spoold *d, bool awaited)
{
	struct raw *r = d->raw;
	struct raw_file *f;

	if (!raw_claims_are_idle(d, awaited))
		return false;
	RB_FOREACH (f, raw_files, &r->files)
		if (f->is_waiting && (awaited || !f->is_open))
			return false;
	return true;
}

bool
raw_is_left(const struct spoold *d)
{
	struct raw_file *f;

	RB_FOREACH (f, raw_files, &d->raw->files)
		if (!f->is_foreign)
			return true;
	return !RB_EMPTY(&d->raw->claims);
}

void
raw_free(struct spoold *d)
{
	struct raw *r = d->raw;
	struct raw_file *f, *next;

	if (r == NULL)
		return;
	raw_forget_claims(r);
	RB_FOREACH_SAFE(f, raw_files, &r->files, next)
	drop_file(r, f);
	watch_release(&r->watch);
	free(r->json);
	free(r->json_name);
	free(r);
	d->raw = NULL;
}
