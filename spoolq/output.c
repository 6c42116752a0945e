/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See output.h. */

#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <wchar.h>

#include "lib/text.h"
#include "lib/utf8.h"
#include "spoolq/output.h"

#define SECOND_US 1000000

/* ---- words ----------------------------------------------------------- */

void
output_span(int64_t length_us, char ret[OUTPUT_WORD])
{
	int64_t s = length_us > 0 ? length_us / SECOND_US : 0;

	if (s < 60)
		(void)snprintf(ret, OUTPUT_WORD, "%" PRId64 "s", s);
	else if (s < 60 * 60)
		(void)snprintf(ret, OUTPUT_WORD, "%" PRId64 "m", s / 60);
	else if (s < 48 * 60 * 60)
		(void)snprintf(ret, OUTPUT_WORD, "%" PRId64 "h", s / (60 * 60));
	else if (s < (int64_t)1000 * 24 * 60 * 60)
		(void)snprintf(
		    ret, OUTPUT_WORD, "%" PRId64 "d", s / (24 * 60 * 60));
	else
		(void)snprintf(ret, OUTPUT_WORD, "%" PRId64 "y",
		    s / ((int64_t)365 * 24 * 60 * 60));
}

void
output_size(uint64_t bytes, char ret[OUTPUT_WORD])
{
	static const char units[] = "KMGTPE";
	double value = (double)bytes;
	size_t unit = 0;

	if (bytes < 1000) {
		(void)snprintf(ret, OUTPUT_WORD, "%" PRIu64, bytes);
		return;
	}
	value /= 1024;
	/* 999.5 and more would take a fourth digit. */
	while (value >= 999.5 && unit < sizeof units - 2) {
		value /= 1024;
		unit++;
	}
	(void)snprintf(ret, OUTPUT_WORD, value < 9.95 ? "%.1f%c" : "%.0f%c",
	    value, units[unit]);
}

void
output_time(int64_t t_us, char ret[OUTPUT_WORD])
{
	time_t t = (time_t)(t_us / SECOND_US);
	struct tm tm;

	if (localtime_r(&t, &tm) == NULL ||
	    strftime(ret, OUTPUT_WORD, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		(void)snprintf(ret, OUTPUT_WORD, "?");
}

static bool
was_tried(const struct message *m)
{
	for (unsigned i = 0; i < m->nrcpts; i++)
		if (m->rcpts[i].tries > 0 &&
		    (m->npending == 0 || m->rcpts[i].state == RCPT_PENDING))
			return true;
	return false;
}

const char *
output_state(const struct message *m)
{
	if (m->state == SPOOL_HOLD)
		return "held";
	if (m->state == SPOOL_FAILED)
		return "failed";
	if (m->in_flight)
		return "sending";
	return was_tried(m) ? "deferred" : "new";
}

/* When T_US is, which is after NOW_US: "at 18:00", "on Nov 24", "in 2027". */
static void
put_moment(int64_t t_us, int64_t now_us, char ret[OUTPUT_WORD])
{
	const int64_t hour_us = (int64_t)60 * 60 * SECOND_US;
	time_t t = (time_t)(t_us / SECOND_US);
	struct tm tm;

	(void)snprintf(ret, OUTPUT_WORD, "later");
	if (localtime_r(&t, &tm) == NULL)
		return;
	if (t_us - now_us < 20 * hour_us)
		(void)strftime(ret, OUTPUT_WORD, "at %H:%M", &tm);
	else if (t_us - now_us < 300 * 24 * hour_us)
		(void)strftime(ret, OUTPUT_WORD, "on %b %e", &tm);
	else
		(void)strftime(ret, OUTPUT_WORD, "in %Y", &tm);
}

void
output_next(const struct waiting *w, int64_t now_us, char ret[OUTPUT_WORD])
{
	static const char *const words[WHY_KINDS] = {
		[WHY_NOTHING] = "never",
		[WHY_SENDING] = "",
		[WHY_HOLD] = "on release",
		[WHY_FAILED] = "never",
		[WHY_PAUSED] = "paused",
		[WHY_NO_RELAY] = "no relay",
		[WHY_NOT_BEFORE] = "later",
		[WHY_BACKOFF] = "in",
		[WHY_CIRCUIT] = "relay down",
		[WHY_RATE] = "rate",
		[WHY_TURN] = "now",
	};
	char span[OUTPUT_WORD];

	(void)snprintf(ret, OUTPUT_WORD, "%s", words[w->why]);
	if (w->why == WHY_NOT_BEFORE && w->until_us > 0)
		put_moment(w->until_us, now_us, ret);
	else if ((w->why == WHY_BACKOFF || w->why == WHY_RATE) &&
	    w->until_us > now_us) {
		output_span(w->until_us - now_us, span);
		(void)snprintf(ret, OUTPUT_WORD, "%s %.*s", words[w->why],
		    OUTPUT_WORD - 6, span);
	}
}

/* How much what became of R tells of why its message is there. */
static int
rank(const struct qrcpt *r)
{
	switch (r->state) {
	case RCPT_PENDING:
		return 3;
	case RCPT_FAILED:
		return 2;
	case RCPT_REPORTED:
		return 1;
	default:
		return 0;
	}
}

const struct qrcpt *
output_reason(const struct message *m)
{
	/* What failed is no trouble of those that go on. */
	int wanted = rank(output_shown(m));
	const struct qrcpt *last = NULL;

	for (unsigned i = 0; wanted > 0 && i < m->nrcpts; i++) {
		const struct qrcpt *r = &m->rcpts[i];

		if (rank(r) == wanted && r->reply != NULL &&
		    (last == NULL || r->last_us > last->last_us))
			last = r;
	}
	return last;
}

/* What keeps all that goes to RELAY, NULL: not known, from going; or NULL. */
static const char *
fault_of(const struct queue *q, const struct relay_state *relay)
{
	if (q->paused_us > 0 || (relay != NULL && relay->paused_us > 0))
		return "paused by an operator";
	if (relay == NULL || !relay->down)
		return NULL;
	return relay->reason != NULL ? relay->reason : "no answer";
}

const char *
output_delay(
    const struct queue *q, const struct message *m, const struct qrcpt *r)
{
	if (r->state != RCPT_PENDING || r->reply != NULL)
		return r->reply;
	if (m->state != SPOOL_QUEUE || m->in_flight)
		return NULL;
	return fault_of(q, output_relay(q, m, r));
}

const struct relay_state *
output_relay(
    const struct queue *q, const struct message *m, const struct qrcpt *r)
{
	const struct relay_state *only = STAILQ_FIRST(&q->relays);

	if (queue_rerouted(m) != NULL && r->state == RCPT_PENDING)
		return queue_rerouted(m);
	if (r->part != NULL && r->part->relay != NULL)
		return r->part->relay;
	return only != NULL && STAILQ_NEXT(only, link) == NULL ? only : NULL;
}

unsigned
output_attempts(const struct message *m)
{
	unsigned most = 0;

	for (unsigned i = 0; i < m->nrcpts; i++) {
		const struct qrcpt *r = &m->rcpts[i];

		if (m->npending > 0 && r->state != RCPT_PENDING)
			continue;
		if (r->attempts > most)
			most = r->attempts;
	}
	return most;
}

const struct qrcpt *
output_shown(const struct message *m)
{
	const struct qrcpt *best = &m->rcpts[0];

	for (unsigned i = 1; i < m->nrcpts; i++)
		if (rank(&m->rcpts[i]) > rank(best))
			best = &m->rcpts[i];
	return best;
}

unsigned
output_others(const struct message *m)
{
	enum rcpt_state state = output_shown(m)->state;
	unsigned n = 0;

	for (unsigned i = 0; i < m->nrcpts; i++)
		n += m->rcpts[i].state == state;
	return n - 1;
}

const char *
output_rcpt_state(enum rcpt_state state)
{
	static const char *const names[] = {
		[RCPT_PENDING] = "pending",
		[RCPT_DELIVERED] = "delivered",
		[RCPT_FAILED] = "failed",
		[RCPT_REPORTED] = "reported",
		[RCPT_DROPPED] = "dropped",
	};

	return names[state];
}

/* ---- text ------------------------------------------------------------ */

/*
 * Whose table of widths is used: it is of what UTF-8 can say, whatever the
 * locale.  Only for wcwidth(3): for the rest the program stays in "C".
 */
static int
width_of(uint32_t code)
{
	static locale_t wide;
	locale_t usual;
	int width;

	if (wide == (locale_t)0)
		wide = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	if (wide == (locale_t)0)
		return 1;
	usual = uselocale(wide);
	width = wcwidth((wchar_t)code);
	(void)uselocale(usual);
	return width < 0 ? 1 : width;
}

size_t
output_character(const char *text, size_t *ret_len)
{
	struct span first = { text, 1 };
	uint32_t code;

	*ret_len = 1;
	if ((unsigned char)text[0] < 0x80)
		return 1;
	while (utf8_is_tail(text[first.len]))
		first.len++;
	*ret_len = first.len;
	return utf8_decode(first, &code) > 0 ? (size_t)width_of(code) : 1;
}

/* Bytes of TEXT that take at most COLUMNS columns, *RET_USED. */
static size_t
bytes_of(const char *text, size_t columns, size_t *ret_used)
{
	size_t i, len, used = 0;

	for (i = 0; text[i] != '\0'; i += len) {
		size_t wide = output_character(text + i, &len);

		if (used + wide > columns)
			break;
		used += wide;
	}
	*ret_used = used;
	return i;
}

size_t
output_columns(const char *text)
{
	size_t used;

	(void)bytes_of(text, SIZE_MAX, &used);
	return used;
}

bool
output_is_utf8(void)
{
	static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = getenv(names[i]);

		if (value == NULL || value[0] == '\0')
			continue;
		return strcasestr(value, "UTF-8") != NULL ||
		    strcasestr(value, "UTF8") != NULL;
	}
	return false;
}

const char *
output_ellipsis(void)
{
	return output_is_utf8() ? "…" : "...";
}

size_t
output_fit(FILE *out, const char *text, size_t columns)
{
	const char *dots;
	size_t len, used, wide;

	len = bytes_of(text, columns > 0 ? columns : SIZE_MAX, &used);
	if (text[len] == '\0') {
		(void)fwrite(text, 1, len, out);
		return used;
	}
	dots = output_ellipsis();
	wide = output_columns(dots);
	if (wide > columns)
		wide = columns;
	len = bytes_of(text, columns - wide, &used);
	(void)fwrite(text, 1, len, out);
	len = bytes_of(dots, wide, &wide);
	(void)fwrite(dots, 1, len, out);
	return used + wide;
}

bool
output_is_plain(const char *text)
{
	while (*text >= ' ' && *text < 0x7f)
		text++;
	return *text == '\0';
}

void
output_clean(FILE *out, const char *text)
{
	size_t len = strlen(text);

	/* Nearly always, and a million times. */
	if (len <= OUTPUT_TEXT_MAX && output_is_plain(text))
		(void)fwrite(text, 1, len, out);
	else
		text_put_clean(out, span_of(text), OUTPUT_TEXT_MAX);
}
