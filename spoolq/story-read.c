/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See story-read.h. */

#include "config.h"

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "lib/history.h"
#include "spoolq/spoolq.h"
#include "spoolq/story-read.h"

/* Relays whose troubles are told of. */
#define RELAYS_MAX 16

struct teller {
	FILE *out;
	const struct style *style;
	const char *id;
	bool is_there; /* between its admission and its end */
	bool any;
	/*
	 * A relay in trouble is tried with a message now and then, which comes
	 * back: told once, then counted.  HELD is what an attempt began whose
	 * end is not known yet.
	 */
	FILE *held;
	char *held_text;
	size_t held_len;
	bool was_back;     /* what was told last is such an attempt */
	unsigned nfolded;  /* and so many more were like it, … */
	int64_t folded_us; /* … the last one ended then */
	unsigned nrelays;
	struct {
		char *name;
		bool is_down;
	} relays[RELAYS_MAX];
};

/* The place of the relay NAME, which it has from now on if ADD; -1: none. */
static int
relay_at(struct teller *t, const char *name, bool add)
{
	if (name == NULL)
		name = "default";
	for (unsigned i = 0; i < t->nrelays; i++)
		if (strcmp(t->relays[i].name, name) == 0)
			return (int)i;
	if (!add || t->nrelays == RELAYS_MAX)
		return -1;
	t->relays[t->nrelays].name = strdup(name);
	if (t->relays[t->nrelays].name == NULL)
		return -1;
	t->relays[t->nrelays].is_down = false;
	return (int)t->nrelays++;
}

/* A relay's events are of interest when it changes, not at each probe. */
static bool
is_news(struct teller *t, const struct event *ev)
{
	bool is_down = ev->kind == EVENT_RELAY_DOWN, was_down;
	int i = relay_at(t, ev->relay, false);

	if (i < 0)
		return false;
	was_down = t->relays[i].is_down;
	t->relays[i].is_down = is_down;
	return was_down != is_down;
}

/* Whether EV is to be told. */
static bool
is_wanted(struct teller *t, const struct event *ev)
{
	if (strcmp(ev->id, t->id) == 0)
		return true;
	if (!t->is_there)
		return false;
	switch (ev->kind) {
	case EVENT_RELAY_DOWN:
	case EVENT_RELAY_UP:
		return is_news(t, ev);
	case EVENT_PAUSED:
	case EVENT_RESUMED:
		return ev->relay == NULL || relay_at(t, ev->relay, false) >= 0;
	case EVENT_FLUSHED:
	case EVENT_START:
	case EVENT_STOP:
		return ev->id[0] == '\0';
	default:
		return false;
	}
}

/* ---- attempts that are alike ----------------------------------------- */

/* Tell how many came back since the last line. */
static void
put_folded(struct teller *t)
{
	char time[OUTPUT_WORD];

	if (t->nfolded == 0)
		return;
	output_time(t->folded_us, time);
	(void)fprintf(t->out, "%s  tried %u more time%s, came back untried\n",
	    time, t->nfolded, t->nfolded == 1 ? "" : "s");
	t->nfolded = 0;
}

/* End what is held; false: nothing was, or it is lost. */
static bool
end_held(struct teller *t)
{
	bool is_good = t->held != NULL && fclose(t->held) == 0;

	t->held = NULL;
	return is_good;
}

/* What is held is like nothing before: tell it. */
static void
put_held(struct teller *t)
{
	if (end_held(t)) {
		put_folded(t);
		t->was_back = false;
		(void)fwrite(t->held_text, 1, t->held_len, t->out);
	}
	free(t->held_text);
	t->held_text = NULL;
}

/* EV ends the attempt that is held: it came back. */
static int
fold(struct teller *t, const struct event *ev)
{
	int err;

	if (t->was_back) {
		(void)end_held(t);
		free(t->held_text);
		t->held_text = NULL;
		t->nfolded++;
		t->folded_us = ev->time_us;
		return 0;
	}
	put_held(t);
	err = story_line(t->out, t->style, NULL, ev);
	t->was_back = true;
	return err;
}

static int
tell(struct teller *t, const struct event *ev)
{
	if (ev->kind == EVENT_ATTEMPT) {
		put_held(t);
		t->held = open_memstream(&t->held_text, &t->held_len);
		return t->held == NULL
		    ? -ENOMEM
		    : story_line(t->held, t->style, NULL, ev);
	}
	if (t->held != NULL && ev->kind == EVENT_BACK)
		return fold(t, ev);
	if (t->held != NULL && ev->kind == EVENT_RELAY_DOWN)
		return story_line(t->held, t->style, NULL, ev);
	put_held(t);
	put_folded(t);
	t->was_back = false;
	return story_line(t->out, t->style, NULL, ev);
}

static int
see(struct teller *t, const struct event *ev)
{
	if (!is_wanted(t, ev))
		return 0;
	if (ev->id[0] != '\0') {
		t->any = true;
		t->is_there = ev->kind != EVENT_REMOVED &&
		    ev->kind != EVENT_DROPPED && ev->kind != EVENT_GONE;
		if (ev->relay != NULL)
			(void)relay_at(t, ev->relay, true);
	}
	return tell(t, ev);
}

/*
 * Whether LINE may be of interest: looking for words is many times faster than
 * parsing, and the history may be long.
 */
static bool
is_worth_parsing(const struct teller *t, struct span line)
{
	static const char *const words[] = { "\"event\":\"relay-",
		"\"event\":\"paused\"", "\"event\":\"resumed\"",
		"\"event\":\"flushed\"", "\"event\":\"start\"",
		"\"event\":\"stop\"" };

	if (memmem(line.ptr, line.len, t->id, strlen(t->id)) != NULL)
		return true;
	if (!t->is_there)
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (memmem(line.ptr, line.len, words[i], strlen(words[i])) !=
		    NULL)
			return true;
	return false;
}

static int
read_all(struct teller *t, struct history *h)
{
	const struct event *ev;
	struct span line;
	int err;

	while ((err = history_next_line(h, &line)) > 0) {
		if (!is_worth_parsing(t, line))
			continue;
		err = history_parse(h, &ev);
		if (err == 0)
			err = see(t, ev);
		/* What is no event is the history's damage, not ours. */
		if (err < 0 && err != -EINVAL)
			break;
	}
	return err;
}

int
story_tell(FILE *out, const struct style *style, const struct spool *sp,
    const char *id, const struct message *m, bool *ret_any)
{
	struct teller t = { .out = out, .style = style, .id = id };
	struct history h;
	int err;

	for (unsigned i = 0; m != NULL && i < m->nrcpts; i++)
		if (m->rcpts[i].part->relay != NULL)
			(void)relay_at(&t, m->rcpts[i].part->relay->name, true);
	history_open(&h, sp->dir_fd, m == NULL ? 0 : m->arrival_us);
	err = read_all(&t, &h);
	put_held(&t);
	put_folded(&t);
	history_close(&h);
	while (t.nrelays > 0)
		free(t.relays[--t.nrelays].name);
	*ret_any = t.any;
	if (err == 0)
		return EX_OK;
	warnx("cannot read the history: %s", strerror(-err));
	return exit_code(err);
}
