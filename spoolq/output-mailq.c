/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The queue as Postfix's mailq prints it, to the column. */

#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/text.h"
#include "spoolq/output.h"

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
put_reason(FILE *out, const char *reason)
{
	char *text = text_clean(span_of(reason), OUTPUT_TEXT_MAX);
	size_t used = text != NULL ? output_columns(text) : 0;
	int padding =
	    used < MAILQ_REASON_END ? (int)(MAILQ_REASON_END - used) : 0;

	(void)fprintf(out, "%*s(%s)\n", padding, "",
	    text != NULL ? text : "out of memory");
	free(text);
}

/* The recipients to go, each reason before those that it is about. */
static void
put_rcpts(FILE *out, const struct queue *q, const struct message *m)
{
	const char *reason = "";

	for (unsigned i = 0; i < m->nrcpts; i++) {
		const struct qrcpt *r = &m->rcpts[i];
		const char *now = output_delay(q, m, r);

		if (r->state != RCPT_PENDING)
			continue;
		if (now == NULL)
			now = "";
		if (strcmp(now, reason) != 0 && now[0] != '\0')
			put_reason(out, now);
		reason = now;
		(void)fprintf(out, MAILQ_RCPT, "", "", "");
		output_clean(out, r->addr);
		(void)fputc('\n', out);
	}
}

void
output_mailq_entry(
    FILE *out, const struct queue *q, const struct message *m, bool first)
{
	time_t arrival = (time_t)(m->arrival_us / 1000000);
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
	put_rcpts(out, q, m);
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
