/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The table that "spoolq list" prints: readable in 80 columns. */

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/text.h"
#include "spoolq/draw.h"
#include "spoolq/output.h"

#define TABLE_LEFT "%-11s %4s %5s "
#define TABLE_RIGHT " %3s %-10s "
#define TABLE_STATE 8
#define TABLE_INDENT 12
/* Columns left of the people. */
#define TABLE_USED 47

void
output_table_head(FILE *out, const struct style *style, size_t columns)
{
	char line[128];

	(void)snprintf(line, sizeof line, TABLE_LEFT "%-*s" TABLE_RIGHT "%s",
	    "ID", "AGE", "SIZE", TABLE_STATE, "STATE", "TRY", "NEXT",
	    "SENDER -> RECIPIENTS");
	draw_colour(out, style, COLOUR_BOLD);
	output_fit(out, line, columns);
	draw_plain(out, style);
	(void)fputc('\n', out);
}

static void
put_state(FILE *out, const struct style *style, const struct message *m)
{
	const char *state = output_state(m);

	if (m->state == SPOOL_FAILED)
		draw_colour(out, style, COLOUR_BAD);
	else if (m->in_flight)
		draw_colour(out, style, COLOUR_GOOD);
	else if (state[0] == 'd' || m->state == SPOOL_HOLD)
		draw_colour(out, style, COLOUR_POOR);
	(void)fputs(state, out);
	draw_plain(out, style);
	(void)fprintf(out, "%*s", TABLE_STATE - (int)strlen(state), "");
}

int
output_people(FILE *out, const struct message *m, size_t columns)
{
	unsigned n = output_others(m);
	char others[OUTPUT_WORD] = "";
	char *text = NULL;
	size_t len, used;
	FILE *mem = open_memstream(&text, &len);

	if (mem == NULL)
		return -errno;
	output_clean(mem, m->sender[0] != '\0' ? m->sender : "<>");
	(void)fputs(" -> ", mem);
	output_clean(mem, output_shown(m)->addr);
	if (fclose(mem) != 0) {
		free(text);
		return -ENOMEM;
	}
	if (n > 0)
		(void)snprintf(others, sizeof others, " +%u", n);
	used = output_columns(others);
	(void)output_fit(out, text, columns > used ? columns - used : columns);
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
output_table_row(FILE *out, const struct style *style, size_t columns,
    const struct queue *q, const struct message *m, int64_t now_us)
{
	const struct waiting w = why_message(q, m, now_us);
	char age[OUTPUT_WORD], size[OUTPUT_WORD];
	char tries[OUTPUT_WORD], next[OUTPUT_WORD];
	int err;

	output_span(now_us - m->arrival_us, age);
	output_size(m->size_bytes, size);
	output_next(&w, now_us, next);
	(void)snprintf(tries, sizeof tries, "%u", output_attempts(m));
	(void)fprintf(out, TABLE_LEFT, m->id, age, size);
	put_state(out, style, m);
	(void)fprintf(out, TABLE_RIGHT, tries, next);
	err = output_people(
	    out, m, columns > TABLE_USED ? columns - TABLE_USED : columns);
	(void)fputc('\n', out);
	return err < 0 ? err : put_reason(out, m, columns);
}
