/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See page.h: the tables. */

#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "spoolq/page.h"
#include "spoolq/screen.h"
#include "spoolq/summary.h"
#include "spoolq/svg.h"

#define TEXT_MAX 500

/* ---- cells -------------------------------------------------------------- */

static void
put_text(FILE *out, const char *text)
{
	(void)fputs("<td class=\"text\">", out);
	svg_put_text(out, text, TEXT_MAX);
	(void)fputs("</td>", out);
}

static void
put_number(FILE *out, uint64_t n)
{
	(void)fprintf(out, "<td>%" PRIu64 "</td>", n);
}

static void
put_word(FILE *out, const char *word)
{
	(void)fprintf(out, "<td>%s</td>", word);
}

static void
put_ago(FILE *out, const struct picture *p, int64_t t_us)
{
	char span[OUTPUT_WORD] = "–";

	if (t_us > 0)
		output_span(p->now_us - t_us, span);
	put_word(out, span);
}

/* A table below a heading, with columns "<A|B|…"; "<" are those of texts. */
static void
begin(FILE *out, const char *title, const char *columns)
{
	(void)fputs("<section>\n", out);
	if (title != NULL)
		(void)fprintf(out, "<h2>%s</h2>\n", title);
	(void)fputs("<div class=\"wide\"><table>\n<thead><tr>", out);
	while (*columns != '\0') {
		size_t len = strcspn(columns, "|");

		bool is_text = *columns == '<';

		(void)fprintf(out, "<th scope=\"col\"%s>%.*s</th>",
		    is_text ? " class=\"text\"" : "", (int)(len - is_text),
		    columns + is_text);
		columns += len + (columns[len] == '|');
	}
	(void)fputs("</tr></thead>\n<tbody>\n", out);
}

static void
end(FILE *out)
{
	(void)fputs("</tbody></table></div>\n</section>\n", out);
}

/* ---- figures ------------------------------------------------------------ */

/* A row of counts: the last hour, the last day, since the start. */
static void
put_counts(
    FILE *out, const char *name, uint64_t hour, uint64_t day, uint64_t total)
{
	(void)fprintf(out, "<tr><td>%s</td>", name);
	put_number(out, hour);
	put_number(out, day);
	put_number(out, total);
	(void)fputs("</tr>\n", out);
}

static void
put_sizes(FILE *out, uint64_t hour, uint64_t day, uint64_t total)
{
	const uint64_t sizes[] = { hour, day, total };

	(void)fputs("<tr><td>Bytes delivered</td>", out);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char size[OUTPUT_WORD];

		output_size(sizes[i], size);
		put_word(out, size);
	}
	(void)fputs("</tr>\n", out);
}

static void
put_latencies(
    FILE *out, const struct stats_slot *hour, const struct stats_slot *day)
{
	char latency[OUTPUT_WORD];

	(void)fputs("<tr><td>Mean time to acceptance</td>", out);
	screen_latency(picture_latency_us(hour), latency);
	put_word(out, latency);
	screen_latency(picture_latency_us(day), latency);
	put_word(out, latency);
	put_word(out, "–");
	(void)fputs("</tr>\n", out);
}

static void
put_history(FILE *out, const struct picture *p)
{
	const struct queue_totals *t = &p->view.queue.totals;
	const struct {
		const char *name;
		uint64_t total;
	} rows[STATS_KINDS] = {
		[STATS_DELIVERED] = { "Delivered", t->delivered },
		[STATS_DEFERRED] = { "Put off", t->deferred },
		[STATS_FAILED] = { "Refused", t->failed },
		[STATS_BOUNCED] = { "Reported to senders", t->bounced },
		[STATS_DROPPED] = { "Dropped", t->dropped },
	};
	struct stats_slot hour = picture_minutes(p, STATS_MINUTES);
	struct stats_slot day = picture_hours(p, STATS_HOURS);

	begin(out, NULL, "<Recipients|Last hour|Last day|Since start");
	for (int i = 0; i < STATS_KINDS; i++)
		put_counts(out, rows[i].name, hour.count[i], day.count[i],
		    rows[i].total);
	put_sizes(out, hour.bytes, day.bytes, t->bytes);
	put_latencies(out, &hour, &day);
	end(out);
}

static void
put_states(FILE *out, const struct tally *t)
{
	char size[OUTPUT_WORD];

	begin(out, NULL, "<State|Messages|Bytes");
	for (int i = 0; i < TALLY_STATES; i++) {
		output_size(t->state_bytes[i], size);
		(void)fputs("<tr>", out);
		put_text(out, tally_state_name((enum tally_state)i));
		put_number(out, t->state[i]);
		put_word(out, size);
		(void)fputs("</tr>\n", out);
	}
	end(out);
}

static void
put_waits(FILE *out, const struct tally *t)
{
	begin(out, NULL, "<Waits for|Messages");
	for (int i = WHY_NOTHING + 1; i < WHY_KINDS; i++) {
		if (t->why[i] == 0)
			continue;
		(void)fputs("<tr>", out);
		put_text(out, why_name((enum why)i));
		put_number(out, t->why[i]);
		(void)fputs("</tr>\n", out);
	}
	end(out);
}

void
page_put_figures(FILE *out, const struct picture *p)
{
	(void)fputs("<div>\n", out);
	put_states(out, &p->tally);
	if (p->tally.messages > 0)
		put_waits(out, &p->tally);
	if (!p->is_foreign)
		put_history(out, p);
	(void)fputs("</div>\n", out);
}

/* ---- relays ------------------------------------------------------------- */

static void
put_limits(FILE *out, const struct relay_work *work)
{
	(void)fputs("<td class=\"text\">", out);
	for (size_t i = 0; i < work->nlimits; i++) {
		(void)fprintf(out, "%s", i > 0 ? "<br>" : "");
		svg_put_text(out, work->limits[i].limit, TEXT_MAX);
		(void)fprintf(out, ": %" PRIu64 " used, %" PRIu64 " left",
		    work->limits[i].used, work->limits[i].left);
	}
	(void)fputs("</td>", out);
}

static void
put_relay(FILE *out, const struct picture *p, const struct relay_state *relay)
{
	const struct relay_work *work = &relay->work;
	const struct top_row *row = top_named(&p->tally.relays, relay->name);
	const char *state = relay->paused_us > 0 ? "paused"
	    : relay->down                        ? "down"
						 : "up";
	char latency[OUTPUT_WORD];

	(void)fputs("<tr>", out);
	put_text(out, relay->name);
	(void)fprintf(out, "<td class=\"%s\">%s</td>", state, state);
	put_ago(
	    out, p, relay->paused_us > 0 ? relay->paused_us : relay->since_us);
	put_number(out, row != NULL ? row->count : 0);
	put_number(out, work->connections);
	screen_latency(work->latency_us, latency);
	put_word(out, latency);
	put_ago(out, p, work->delivered_us);
	put_limits(out, work);
	if (relay->down && relay->reason != NULL)
		put_text(out, relay->reason);
	else
		put_text(out, work->error != NULL ? work->error : "");
	(void)fputs("</tr>\n", out);
}

void
page_put_relays(FILE *out, const struct picture *p)
{
	const struct relay_state *relay;

	if (STAILQ_EMPTY(&p->view.queue.relays))
		return;
	begin(out, "Relays",
	    "<Relay|State|Since|Waiting|Connections|Latency|Last delivery|"
	    "<Limits|<Last trouble");
	STAILQ_FOREACH (relay, &p->view.queue.relays, link)
		put_relay(out, p, relay);
	end(out);
}

/* ---- the tables of the summary ------------------------------------------ */

static void
put_ages_row(FILE *out, const struct top_row *row, const char *name)
{
	(void)fputs("<tr>", out);
	put_text(out, name);
	put_number(out, row->count);
	for (size_t i = 0; i < TOP_AGES; i++)
		if (row->ages[i] > 0)
			put_number(out, row->ages[i]);
		else
			put_word(out, "·");
	(void)fputs("</tr>\n", out);
}

void
page_put_ages(FILE *out, const struct picture *p)
{
	const struct top *t = &p->tally.domains;
	struct top_row all = top_rest(t, 0), rest = top_rest(t, PAGE_ROWS);

	if (t->nrows == 0)
		return;
	begin(out, "Recipients by domain and age in minutes",
	    "<Domain|All|5|10|20|40|80|160|320|640|1280|more");
	put_ages_row(out, &all, "(all)");
	for (size_t i = 0; i < t->nrows && i < PAGE_ROWS; i++)
		put_ages_row(out, &t->rows[i],
		    summary_row_name(&t->rows[i], "(no domain)"));
	if (rest.count > 0)
		put_ages_row(out, &rest, summary_row_name(&rest, ""));
	end(out);
}

static void
put_row(FILE *out, const struct top_row *row, uint64_t max, const char *name)
{
	(void)fputs("<tr>", out);
	put_text(out, name);
	put_number(out, row->count);
	(void)fprintf(out,
	    "<td class=\"bar\"><svg viewBox=\"0 0 100 8\" "
	    "preserveAspectRatio=\"none\" aria-hidden=\"true\">"
	    "<rect class=\"s0\" width=\"%.1f\" height=\"8\"/></svg></td>",
	    100.0 * (double)row->count / (double)max);
	(void)fputs("</tr>\n", out);
}

static void
put_top(FILE *out, const struct top *t, const char *title, const char *columns,
    const char *what)
{
	struct top_row rest = top_rest(t, PAGE_ROWS);
	uint64_t max = t->nrows > 0 ? t->rows[0].count : 0;

	if (t->nrows == 0)
		return;
	if (rest.count > max)
		max = rest.count;
	begin(out, title, columns);
	for (size_t i = 0; i < t->nrows && i < PAGE_ROWS; i++)
		put_row(
		    out, &t->rows[i], max, summary_row_name(&t->rows[i], what));
	if (rest.count > 0)
		put_row(out, &rest, max, summary_row_name(&rest, ""));
	end(out);
}

void
page_put_tops(FILE *out, const struct picture *p)
{
	const struct tally *t = &p->tally;

	put_top(
	    out, &t->errors, "Errors", "<Error|Recipients|&nbsp;", "(nothing)");
	(void)fputs("<div class=\"pair\">\n", out);
	put_top(out, &t->senders, "Senders", "<Sender|Messages|&nbsp;", "<>");
	put_top(out, &t->relays, "Messages by relay", "<Relay|Messages|&nbsp;",
	    "(no relay)");
	(void)fputs("</div>\n", out);
}
