/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See output.h. */

#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/text.h"
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
		if (m->rcpts[i].tries > 0)
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

void
output_next(const struct message *m, int64_t next_us, int64_t now_us,
    char ret[OUTPUT_WORD])
{
	char span[OUTPUT_WORD];

	if (m->state == SPOOL_HOLD)
		(void)strcpy(ret, "on release");
	else if (m->state == SPOOL_FAILED)
		(void)strcpy(ret, "never");
	else if (m->in_flight)
		ret[0] = '\0';
	else if (next_us <= now_us)
		(void)strcpy(ret, "now");
	else {
		output_span(next_us - now_us, span);
		(void)snprintf(
		    ret, OUTPUT_WORD, "in %.*s", OUTPUT_WORD - 4, span);
	}
}

/* Whether R says more of what keeps a message than LAST does. */
static bool
precedes(const struct qrcpt *r, const struct qrcpt *last)
{
	bool waits = r->state == RCPT_PENDING;

	if (waits != (last->state == RCPT_PENDING))
		return waits;
	return r->last_us > last->last_us;
}

const struct qrcpt *
output_reason(const struct message *m)
{
	const struct qrcpt *last = NULL;

	for (unsigned i = 0; i < m->nrcpts; i++) {
		const struct qrcpt *r = &m->rcpts[i];

		if (r->state == RCPT_DELIVERED || r->reply == NULL)
			continue;
		/* Why it is still there says who is still to get it. */
		if (last == NULL || precedes(r, last))
			last = r;
	}
	return last;
}

const char *
output_delay(
    const struct message *m, const struct qrcpt *r, const char *relay_fault)
{
	if (r->state != RCPT_PENDING || r->reply != NULL)
		return r->reply;
	return m->state == SPOOL_QUEUE && !m->in_flight ? relay_fault : NULL;
}

unsigned
output_attempts(const struct message *m)
{
	unsigned most = 0;

	for (unsigned i = 0; i < m->nrcpts; i++)
		if (m->rcpts[i].attempts > most)
			most = m->rcpts[i].attempts;
	return most;
}

const char *
output_rcpt_state(enum rcpt_state state)
{
	static const char *const names[] = {
		[RCPT_PENDING] = "pending",
		[RCPT_DELIVERED] = "delivered",
		[RCPT_FAILED] = "failed",
		[RCPT_REPORTED] = "reported",
	};

	return names[state];
}

/* ---- text ------------------------------------------------------------ */

/* Bytes of TEXT that make at most COLUMNS characters. */
static size_t
bytes_of(const char *text, size_t columns)
{
	size_t i;

	for (i = 0; text[i] != '\0'; i++) {
		bool starts = ((unsigned char)text[i] & 0xc0) != 0x80;

		if (starts && columns-- == 0)
			break;
	}
	return i;
}

static size_t
columns_of(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

void
output_fit(FILE *out, const char *text, size_t columns)
{
	if (columns == 0 || text[bytes_of(text, columns)] == '\0') {
		(void)fputs(text, out);
		return;
	}
	(void)fwrite(text, 1, bytes_of(text, columns - 1), out);
	(void)fputs("…", out);
}

void
output_clean(FILE *out, const char *text)
{
	text_put_clean(out, span_of(text), OUTPUT_TEXT_MAX);
}

/* ---- the table ------------------------------------------------------- */

#define TABLE_LEFT "%-11s %4s %5s %-8s %3s %-10s "
#define TABLE_INDENT 12

void
output_table_head(FILE *out, size_t columns)
{
	char line[128];

	(void)snprintf(line, sizeof line, TABLE_LEFT "%s", "ID", "AGE", "SIZE",
	    "STATE", "TRY", "NEXT", "SENDER -> RECIPIENTS");
	output_fit(out, line, columns);
	(void)fputc('\n', out);
}

/* The recipient that stands for all: the first one not served yet. */
static const struct qrcpt *
first_shown(const struct message *m)
{
	for (unsigned i = 0; i < m->nrcpts; i++)
		if (m->rcpts[i].state == RCPT_PENDING)
			return &m->rcpts[i];
	return m->nrcpts > 0 ? &m->rcpts[0] : NULL;
}

/*
 * "sender -> recipient +4" in COLUMNS characters: when it is too long the
 * addresses are cut, not the count.
 */
static int
put_people(FILE *out, const struct message *m, size_t columns)
{
	const struct qrcpt *first = first_shown(m);
	char others[OUTPUT_WORD] = "";
	char *text = NULL;
	size_t len, used;
	FILE *mem = open_memstream(&text, &len);

	if (mem == NULL)
		return -errno;
	output_clean(mem, m->sender[0] != '\0' ? m->sender : "<>");
	(void)fputs(" -> ", mem);
	if (first != NULL)
		output_clean(mem, first->addr);
	if (fclose(mem) != 0) {
		free(text);
		return -ENOMEM;
	}
	if (m->nrcpts > 1)
		(void)snprintf(others, sizeof others, " +%u", m->nrcpts - 1);
	used = columns_of(others);
	output_fit(out, text, columns > used ? columns - used : columns);
	(void)fputs(others, out);
	free(text);
	return 0;
}

/* The last answer, on a line of its own below the message. */
static int
put_reason(FILE *out, const struct message *m, size_t columns)
{
	const struct qrcpt *r = output_reason(m);
	char *text;

	if (r == NULL)
		return 0;
	text = text_clean(span_of(r->reply), OUTPUT_TEXT_MAX);
	if (text == NULL)
		return -ENOMEM;
	(void)fprintf(out, "%*s", TABLE_INDENT, "");
	output_fit(out, text,
	    columns > TABLE_INDENT ? columns - TABLE_INDENT : columns);
	(void)fputc('\n', out);
	free(text);
	return 0;
}

int
output_table_row(
    FILE *out, const struct message *m, int64_t now_us, size_t columns)
{
	char age[OUTPUT_WORD], size[OUTPUT_WORD], tries[OUTPUT_WORD];
	char next[OUTPUT_WORD], left[8 * OUTPUT_WORD];
	size_t used;
	int err;

	output_span(now_us - m->arrival_us, age);
	output_size(m->size_bytes, size);
	output_next(m, m->due_us, now_us, next);
	(void)snprintf(tries, sizeof tries, "%u", output_attempts(m));
	(void)snprintf(left, sizeof left, TABLE_LEFT, m->id, age, size,
	    output_state(m), tries, next);
	(void)fputs(left, out);
	used = strlen(left);
	/* Narrower than its numbers, a table is better wrapped than cut. */
	err = put_people(out, m, columns > used ? columns - used : columns);
	(void)fputc('\n', out);
	return err < 0 ? err : put_reason(out, m, columns);
}

/* ---- Postfix's mailq ------------------------------------------------- */

/* The columns that the world's scripts cut at: the sender begins at the
 * 42nd, a reason ends at the 78th. */
#define MAILQ_ROW "%-11s %7" PRIu64 " %20.20s "
#define MAILQ_RCPT "%-11s %7s %-20s "
#define MAILQ_REASON_END 76

void
output_mailq_head(FILE *out)
{
	(void)fputs("-Queue ID-  --Size-- ----Arrival Time---- "
		    "-Sender/Recipient-------\n",
	    out);
}

static void
put_mailq_reason(FILE *out, const char *reason)
{
	char *text = text_clean(span_of(reason), OUTPUT_TEXT_MAX);
	size_t used = text != NULL ? columns_of(text) : 0;
	int padding =
	    used < MAILQ_REASON_END ? (int)(MAILQ_REASON_END - used) : 0;

	(void)fprintf(out, "%*s(%s)\n", padding, "",
	    text != NULL ? text : "out of memory");
	free(text);
}

/* The recipients to go, each reason before those that it is about. */
static void
put_mailq_rcpts(FILE *out, const struct message *m, const char *relay_fault)
{
	const char *reason = "";

	for (unsigned i = 0; i < m->nrcpts; i++) {
		const struct qrcpt *r = &m->rcpts[i];
		const char *now = output_delay(m, r, relay_fault);

		if (r->state != RCPT_PENDING)
			continue;
		if (now == NULL)
			now = "";
		if (strcmp(now, reason) != 0 && now[0] != '\0')
			put_mailq_reason(out, now);
		reason = now;
		(void)fprintf(out, MAILQ_RCPT, "", "", "");
		output_clean(out, r->addr);
		(void)fputc('\n', out);
	}
}

void
output_mailq_entry(
    FILE *out, const struct message *m, const char *relay_fault, bool first)
{
	time_t arrival = (time_t)(m->arrival_us / SECOND_US);
	char id[SPOOL_ID_SIZE + 1], date[OUTPUT_WORD] = "?";
	struct tm tm;

	/* "Sat Nov 21 20:32:23 2026", in English whatever the locale: no
	 * setlocale(3) is called. */
	if (localtime_r(&arrival, &tm) != NULL)
		(void)strftime(date, sizeof date, "%a %b %e %H:%M:%S %Y", &tm);
	(void)snprintf(id, sizeof id, "%s%s", m->id,
	    m->state == SPOOL_HOLD ? "!"
		: m->in_flight     ? "*"
				   : "");
	if (!first)
		(void)fputc('\n', out);
	(void)fprintf(out, MAILQ_ROW, id, m->size_bytes, date);
	output_clean(out, m->sender[0] != '\0' ? m->sender : "MAILER-DAEMON");
	(void)fputc('\n', out);
	put_mailq_rcpts(out, m, relay_fault);
}

void
output_mailq_foot(FILE *out, uint64_t bytes, size_t messages)
{
	if (messages == 0) {
		(void)fputs("Mail queue is empty\n", out);
		return;
	}
	(void)fprintf(out, "\n-- %" PRIu64 " Kbytes in %zu Request%s.\n",
	    bytes / 1024, messages, messages == 1 ? "" : "s");
}
