/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See summary.h: for people. */

#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "spoolq/summary.h"

/* The table of ages, as qshape's: a name, the sum, ten ages. */
#define AGES_COUNT 5
#define AGES_WIDE ((TOP_AGES + 1) * AGES_COUNT)
#define AGES_NAME_MIN 15
#define AGES_NAME_MAX 40
/* The others: a count, a bar, a name. */
#define BAR 12
#define ROW_LEFT (2 + AGES_COUNT + 1 + BAR + 2)

const char *
summary_row_name(const struct top_row *row, const char *what)
{
	if (row->text == NULL)
		return "(others)";
	return row->text[0] != '\0' ? row->text : what;
}

void
summary_put_states(FILE *out, const struct tally *t)
{
	const char *comma = "";

	for (int i = 0; i < TALLY_STATES; i++) {
		if (t->state[i] == 0)
			continue;
		(void)fprintf(out, "%s%" PRIu64 " %s", comma, t->state[i],
		    tally_state_name((enum tally_state)i));
		comma = ", ";
	}
}

static void
put_head(FILE *out, const struct picture *p)
{
	const struct tally *t = &p->tally;
	char size[OUTPUT_WORD], age[OUTPUT_WORD];

	output_size(t->bytes, size);
	(void)fprintf(out,
	    "%" PRIu64 " message%s, %" PRIu64 " recipient%s to go, %s bytes",
	    t->messages, t->messages == 1 ? "" : "s", t->to_go,
	    t->to_go == 1 ? "" : "s", size);
	if (t->oldest_us > 0) {
		output_span(p->now_us - t->oldest_us, age);
		(void)fprintf(out, ", one waits for %s: %s", age, t->oldest_id);
	}
	(void)fputs("\n", out);
	summary_put_states(out, t);
	(void)fputs("\n", out);
}

/* What is left of COLUMNS behind USED of them, at least MIN. */
static size_t
columns_left(size_t columns, size_t used, size_t min)
{
	return columns > used + min ? columns - used : min;
}

/* ---- ages --------------------------------------------------------------- */

/* How wide the names are. */
static size_t
name_wide(const struct style *style)
{
	size_t wide = columns_left(style->columns, AGES_WIDE, AGES_NAME_MIN);

	return wide < AGES_NAME_MAX ? wide : AGES_NAME_MAX;
}

static void
put_ages_head(FILE *out, const struct style *style)
{
	draw_colour(out, style, COLOUR_BOLD);
	draw_column(out, "DOMAIN, AGE (MIN)", name_wide(style));
	(void)fprintf(out, "%*s", AGES_COUNT, "ALL");
	for (unsigned i = 0; i < TOP_AGES - 1; i++)
		(void)fprintf(out, "%*u", AGES_COUNT, top_age_limit(i));
	(void)fprintf(out, "%*s", AGES_COUNT, "more");
	draw_plain(out, style);
	(void)fputc('\n', out);
}

static void
put_count(FILE *out, uint64_t n)
{
	char count[OUTPUT_WORD];

	draw_count(n, count);
	(void)fprintf(out, "%*s", AGES_COUNT, n > 0 ? count : ".");
}

static void
put_ages_row(FILE *out, const struct style *style, const struct top_row *row,
    const char *name)
{
	draw_column(out, name, name_wide(style));
	put_count(out, row->count);
	for (size_t i = 0; i < TOP_AGES; i++)
		put_count(out, row->ages[i]);
	(void)fputc('\n', out);
}

/* How many of each age, as bars below their columns. */
static void
put_ages_bars(FILE *out, const struct style *style, const struct top_row *all)
{
	uint64_t max = 0;

	for (size_t i = 0; i < TOP_AGES; i++)
		if (all->ages[i] > max)
			max = all->ages[i];
	draw_column(out, "", name_wide(style) + AGES_COUNT);
	for (size_t i = 0; i < TOP_AGES; i++) {
		bool is_last = i == TOP_AGES - 1;

		(void)fputc(' ', out);
		draw_bar(
		    out, style, all->ages[i], max, AGES_COUNT - 1, !is_last);
	}
	(void)fputc('\n', out);
}

static void
put_ages(
    FILE *out, const struct style *style, const struct top *domains, size_t top)
{
	struct top_row all = top_rest(domains, 0);
	struct top_row rest = top_rest(domains, top);

	put_ages_head(out, style);
	put_ages_row(out, style, &all, "(all)");
	put_ages_bars(out, style, &all);
	for (size_t i = 0; i < domains->nrows && i < top; i++)
		put_ages_row(out, style, &domains->rows[i],
		    summary_row_name(&domains->rows[i], "(no domain)"));
	if (rest.count > 0)
		put_ages_row(out, style, &rest, summary_row_name(&rest, ""));
}

/* ---- the other tables --------------------------------------------------- */

/* What is wrong with the relay NAME; "" for nothing. */
static const char *
relay_note(const struct queue *q, const char *name)
{
	const struct relay_state *relay;

	STAILQ_FOREACH (relay, &q->relays, link) {
		if (strcmp(relay->name, name) != 0)
			continue;
		if (relay->paused_us > 0)
			return " (paused)";
		return relay->down ? " (down)" : "";
	}
	return "";
}

static void
put_row(FILE *out, const struct style *style, const struct top_row *row,
    uint64_t max, const char *name, const char *note)
{
	size_t columns =
	    columns_left(style->columns, ROW_LEFT + strlen(note), 10);
	char count[OUTPUT_WORD];

	draw_count(row->count, count);
	(void)fprintf(out, "%*s ", 2 + AGES_COUNT, count);
	draw_bar(out, style, row->count, max, BAR, true);
	(void)fputs("  ", out);
	draw_text(out, name, columns);
	(void)fprintf(out, "%s\n", note);
}

/* The table T, whose empty text is called WHAT; Q: they are relays. */
static void
put_table(FILE *out, const struct style *style, const struct top *t,
    const char *title, const char *what, size_t top, const struct queue *q)
{
	struct top_row rest = top_rest(t, top);
	uint64_t max = t->nrows > 0 ? t->rows[0].count : 0;

	if (t->nrows == 0)
		return;
	if (rest.count > max)
		max = rest.count;
	(void)fputc('\n', out);
	draw_colour(out, style, COLOUR_BOLD);
	(void)fputs(title, out);
	draw_plain(out, style);
	(void)fputc('\n', out);
	for (size_t i = 0; i < t->nrows && i < top; i++) {
		const char *name = summary_row_name(&t->rows[i], what);

		put_row(out, style, &t->rows[i], max, name,
		    q != NULL ? relay_note(q, name) : "");
	}
	if (rest.count > 0)
		put_row(
		    out, style, &rest, max, summary_row_name(&rest, ""), "");
}

void
summary_put(
    FILE *out, const struct style *style, const struct picture *p, size_t top)
{
	const struct tally *t = &p->tally;

	if (t->messages == 0) {
		(void)fputs(p->is_filtered ? "no message matches\n"
					   : "the queue is empty\n",
		    out);
		return;
	}
	put_head(out, p);
	(void)fputc('\n', out);
	put_ages(out, style, &t->domains, top);
	put_table(out, style, &t->relays, "RELAYS (messages)", "(no relay)",
	    top, &p->view.queue);
	put_table(
	    out, style, &t->senders, "SENDERS (messages)", "<>", top, NULL);
	put_table(out, style, &t->errors, "ERRORS (recipients)", "(nothing)",
	    top, NULL);
}
