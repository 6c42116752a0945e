/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See waiters.h. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include "lib/wire.h"
#include "spoold/waiters.h"

/* How many ends are remembered for who comes late. */
#define ENDS_MAX 4096

/* What became of a message. */
struct end {
	char id[SPOOL_ID_SIZE]; /* "" in an entry not used yet */
	uid_t uid;
	const char *word; /* a constant: "accepted" … */
	char *text;       /* NULL: out of memory */
};

struct waiter {
	LIST_ENTRY(waiter) link;
	struct spoold *d;
	uid_t uid;
	bool is_trusted;
	int64_t arrival_us;     /* expected; 0: none is */
	char id[SPOOL_ID_SIZE]; /* waited for; "": none is */
	waiter_fn *fn;
	void *arg;
};

struct waiters {
	LIST_HEAD(, waiter) all;
	struct end *ends; /* ENDS_MAX, a ring */
	size_t next;      /* where the next one goes */
};

int
waiters_init(struct spoold *d)
{
	struct waiters *ws = calloc(1, sizeof(*ws));

	if (ws == NULL)
		return -ENOMEM;
	ws->ends = calloc(ENDS_MAX, sizeof(*ws->ends));
	if (ws->ends == NULL) {
		free(ws);
		return -ENOMEM;
	}
	d->waiters = ws;
	return 0;
}

void
waiters_free(struct spoold *d)
{
	if (d->waiters == NULL)
		return;
	for (size_t i = 0; i < ENDS_MAX; i++)
		free(d->waiters->ends[i].text);
	free(d->waiters->ends);
	free(d->waiters);
	d->waiters = NULL;
}

/* ---- answers --------------------------------------------------------- */

static void
tell(struct waiter *w, const char *word, const char *id, const char *text)
{
	char *line;
	size_t len;
	FILE *out = open_memstream(&line, &len);

	if (out == NULL)
		return;
	(void)fprintf(out, "%s ", word);
	wire_puts(out, id);
	(void)fputc(' ', out);
	wire_puts(out, text != NULL ? text : "");
	(void)fputc('\n', out);
	if (fclose(out) == 0)
		w->fn((struct span){ line, len }, w->arg);
	free(line);
}

/* ---- the end of a message -------------------------------------------- */

static bool
was_refused(const struct qrcpt *r)
{
	return r->state == RCPT_FAILED || r->state == RCPT_REPORTED;
}

/*
 * "<bob@x.test>: 550 no such user (and 2 others)", of the recipients of M that
 * were refused (IS_REFUSED) or wait, and have had an answer: a new string.
 * NULL: there are none, or out of memory.
 */
static char *
answers_text(const struct message *m, bool is_refused)
{
	const struct qrcpt *first = NULL;
	unsigned others = 0;
	char more[40] = "", *text;

	for (unsigned i = 0; i < m->nrcpts; i++) {
		const struct qrcpt *r = &m->rcpts[i];

		if (!(is_refused ? was_refused(r) : r->state == RCPT_PENDING) ||
		    r->reply == NULL)
			continue;
		if (first != NULL)
			others++;
		else
			first = r;
	}
	if (first == NULL)
		return NULL;
	if (others > 0)
		(void)snprintf(more, sizeof(more), " (and %u other%s)", others,
		    others == 1 ? "" : "s");
	if (asprintf(&text, "<%s>: %s%s", first->addr, first->reply, more) < 0)
		return NULL;
	return text;
}

/* Why M is in failed/: a new string, or NULL. */
static char *
refusal_text(const struct message *m)
{
	char *text = answers_text(m, true);

	return text != NULL ? text : strdup("it was moved to failed/");
}

/* Whether some of M were refused. */
static bool
has_refused(const struct message *m)
{
	for (unsigned i = 0; i < m->nrcpts; i++)
		if (was_refused(&m->rcpts[i]))
			return true;
	return false;
}

/* Whether M went to nobody, for an operator dropped its recipients. */
static bool
was_dropped(const struct message *m)
{
	for (unsigned i = 0; i < m->nrcpts; i++)
		if (m->rcpts[i].state != RCPT_DROPPED)
			return false;
	return true;
}

/* The word for the end of M by an event of KIND. */
static const char *
word_of(enum event_kind kind, const struct message *m)
{
	switch (kind) {
	case EVENT_REMOVED:
		return has_refused(m) ? "refused"
		    : was_dropped(m)  ? "dropped"
				      : "accepted";
	case EVENT_KEPT:
		return "refused";
	case EVENT_HELD:
		return "held";
	case EVENT_DROPPED:
		return "dropped";
	case EVENT_GONE:
		return "vanished";
	case EVENT_DAMAGED:
		return "damaged";
	default:
		return NULL;
	}
}

/* Whether an event of KIND ends what somebody may wait for. */
static bool
is_end(enum event_kind kind)
{
	switch (kind) {
	case EVENT_REMOVED:
	case EVENT_KEPT:
	case EVENT_HELD:
	case EVENT_DROPPED:
	case EVENT_GONE:
	case EVENT_DAMAGED:
		return true;
	default:
		return false;
	}
}

static char *
text_of(const struct event *ev, const struct message *m)
{
	switch (ev->kind) {
	case EVENT_KEPT:
		return refusal_text(m);
	case EVENT_REMOVED:
		if (has_refused(m))
			return refusal_text(m);
		return strdup(
		    was_dropped(m) ? "by an operator" : "by the relay");
	case EVENT_GONE:
		return strdup("its file has gone");
	case EVENT_DAMAGED:
		return strdup(ev->note != NULL ? ev->note : "no message");
	case EVENT_HELD:
		return strdup(ev->note == NULL ? "by an operator" : ev->note);
	default:
		return strdup("by an operator");
	}
}

static void
remember(
    struct waiters *ws, const struct message *m, const char *word, char *text)
{
	struct end *end = &ws->ends[ws->next];

	ws->next = (ws->next + 1) % ENDS_MAX;
	free(end->text);
	(void)strcpy(end->id, m->id);
	end->uid = m->uid;
	end->word = word;
	end->text = text;
}

static bool
concerns(const struct waiter *w, const struct message *m)
{
	if (!w->is_trusted && w->uid != m->uid)
		return false;
	return strcmp(w->id, m->id) == 0 ||
	    (w->arrival_us != 0 && w->arrival_us == m->arrival_us);
}

bool
waiters_any(const struct spoold *d)
{
	return d->waiters != NULL && !LIST_EMPTY(&d->waiters->all);
}

void
waiters_see(struct spoold *d, const struct event *ev)
{
	struct waiter *w, *next;
	struct message *m;
	const char *word;
	char *text;

	if (d->waiters == NULL || !is_end(ev->kind))
		return;
	m = queue_find(&d->queue, ev->id);
	if (m == NULL)
		return;
	word = word_of(ev->kind, m);
	text = text_of(ev, m);
	for (w = LIST_FIRST(&d->waiters->all); w != NULL; w = next) {
		next = LIST_NEXT(w, link);
		if (concerns(w, m))
			tell(w, word, m->id, text);
	}
	/* What is still in the spool can be looked at when it is asked for. */
	if (ev->kind == EVENT_HELD || ev->kind == EVENT_KEPT)
		free(text);
	else
		remember(d->waiters, m, word, text);
}

/* ---- commands -------------------------------------------------------- */

/* These are false when the client is to be sent away without an answer. */

static bool
do_expect(struct waiter *w, const char *arrival)
{
	unsigned long long arrival_us;

	if (!wire_number(span_of(arrival), INT64_MAX, &arrival_us) ||
	    arrival_us == 0) {
		tell(w, "error", "*", "is no time");
		return true;
	}
	w->arrival_us = (int64_t)arrival_us;
	tell(w, "ok", "*", "expected");
	return true;
}

/*
 * Nothing is known of ID.  Who is about to end has not looked: the next spoold
 * will, so W is to ask that one.
 */
static bool
tell_unknown(struct waiter *w, const char *id)
{
	if (w->d->stopping)
		return false;
	tell(w, "error", id, "is not known");
	return true;
}

/* The message ID if W may know of it. */
static struct message *
find(struct waiter *w, const char *id)
{
	struct message *m = queue_find(&w->d->queue, id);
	struct stat st;

	if (m == NULL) {
		/* In queue/ perhaps, but we have not looked yet. */
		scan_look(w->d, id);
		m = queue_find(&w->d->queue, id);
	}
	if (m == NULL || w->is_trusted || m->uid == w->uid)
		return m;
	/* As long as it would take if it were not there. */
	for (int i = 0; i < SPOOL_STATES; i++)
		(void)fstatat(w->d->sp.state_fd[i], id, &st,
		    AT_SYMLINK_NOFOLLOW);
	return NULL;
}

static bool
tell_remembered(struct waiter *w, const char *id)
{
	const struct waiters *ws = w->d->waiters;

	for (size_t i = 1; i <= ENDS_MAX; i++) {
		/* The last one first: ids may come again. */
		const struct end *end =
		    &ws->ends[(ws->next + ENDS_MAX - i) % ENDS_MAX];

		if (strcmp(end->id, id) != 0 ||
		    (!w->is_trusted && end->uid != w->uid))
			continue;
		tell(w, end->word, id, end->text);
		return true;
	}
	return tell_unknown(w, id);
}

static bool
do_wait(struct waiter *w, const char *id)
{
	struct message *m = find(w, id);
	char *text;

	if (m == NULL)
		return tell_remembered(w, id);
	if (m->state == SPOOL_FAILED) {
		text = refusal_text(m);
		tell(w, "refused", id, text);
		free(text);
	} else if (m->state == SPOOL_HOLD) {
		tell(w, "held", id, "by an operator");
	} else {
		(void)strcpy(w->id, id);
		tell(w, "ok", id, "waiting");
	}
	return true;
}

/* What keeps M here if no answer does. */
static const char *
trouble_of(const struct spoold *d, const struct message *m)
{
	const struct relay_state *relay = m->first.relay;

	if (d->cfg->nrelays == 0)
		return "no relay is configured";
	if (m->in_flight)
		return "it is being sent at this moment";
	if (relay != NULL && relay->down)
		return relay->reason != NULL ? relay->reason
					     : "the relay does not answer";
	return "it was not tried yet";
}

static bool
do_why(struct waiter *w, const char *id)
{
	struct message *m = find(w, id);
	char *waits, *refused, *both = NULL;
	const char *text;

	if (m == NULL)
		return tell_unknown(w, id);
	waits = answers_text(m, false);
	refused = answers_text(m, true);
	text = waits != NULL ? waits : trouble_of(w->d, m);
	if (refused != NULL &&
	    asprintf(&both, "%s; refused: %s", text, refused) >= 0)
		tell(w, "because", id, both);
	else
		tell(w, "because", id, text);
	free(both);
	free(refused);
	free(waits);
	return true;
}

static const struct {
	const char *name;
	bool (*fn)(struct waiter *w, const char *arg);
	bool takes_id;
} commands[] = {
	{ "expect", do_expect, false },
	{ "wait", do_wait, true },
	{ "why", do_why, true },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

/* The place of the command that LINE begins with, or COMMANDS. */
static size_t
command_of(struct span *line)
{
	struct span word;
	size_t i;

	if (!wire_next(line, &word))
		return COMMANDS;
	for (i = 0; i < COMMANDS && !span_is(word, commands[i].name); i++)
		continue;
	return i;
}

bool
waiter_knows(struct span line)
{
	return command_of(&line) < COMMANDS;
}

bool
waiter_obey(struct waiter *w, struct span line)
{
	size_t i = command_of(&line);
	struct span field;
	bool stays = true;
	char *arg;

	if (i == COMMANDS || !wire_next(&line, &field) || line.len > 0)
		return false;
	arg = wire_get(field);
	if (arg == NULL)
		return false;
	if (commands[i].takes_id && !spool_is_id(arg))
		tell(w, "error", "*", "is no id");
	else
		stays = commands[i].fn(w, arg);
	free(arg);
	return stays;
}

/* ---- clients --------------------------------------------------------- */

struct waiter *
waiter_new(
    struct spoold *d, uid_t uid, bool is_trusted, waiter_fn *fn, void *arg)
{
	struct waiter *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->d = d;
	w->uid = uid;
	w->is_trusted = is_trusted;
	w->fn = fn;
	w->arg = arg;
	LIST_INSERT_HEAD(&d->waiters->all, w, link);
	return w;
}

void
waiter_free(struct waiter *w)
{
	if (w == NULL)
		return;
	LIST_REMOVE(w, link);
	free(w);
}
