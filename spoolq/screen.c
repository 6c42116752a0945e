/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See screen.h. */

#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "spoolq/screen.h"
#include "spoolq/summary.h"

#define SECOND_US 1000000
/* Where the text begins that a word at the left margin is about. */
#define MARGIN 10

void
screen_latency(int64_t latency_us, char ret[OUTPUT_WORD])
{
	if (latency_us <= 0)
		(void)strcpy(ret, "-");
	else if (latency_us < (int64_t)10 * SECOND_US)
		(void)snprintf(
		    ret, OUTPUT_WORD, "%.2fs", (double)latency_us / SECOND_US);
	else
		output_span(latency_us, ret);
}

/* How long ago T_US is, "-" for never. */
static void
ago(const struct picture *p, int64_t t_us, char ret[OUTPUT_WORD])
{
	if (t_us > 0)
		output_span(p->now_us - t_us, ret);
	else
		(void)strcpy(ret, "-");
}

/* ---- the verdict -------------------------------------------------------- */

/* Whether anything got through lately. */
static bool
is_leaving(const struct picture *p)
{
	return picture_minutes(p, STATS_MINUTES).count[STATS_DELIVERED] > 0;
}

/* A relay that is needed, and in trouble for too short a time to warn of. */
static void
put_short_trouble(FILE *out, const struct picture *p)
{
	const struct relay_state *relay;
	char span[OUTPUT_WORD];

	STAILQ_FOREACH (relay, &p->view.queue.relays, link) {
		if (!relay->down ||
		    top_named(&p->tally.relays, relay->name) == NULL)
			continue;
		ago(p, relay->since_us, span);
		(void)fputs("; relay ", out);
		draw_text(out, relay->name, 60);
		(void)fprintf(out, " down for %s", span);
		return;
	}
}

void
screen_put_summary(FILE *out, const struct picture *p, const struct health *h)
{
	const struct tally *t = &p->tally;
	char age[OUTPUT_WORD];

	if (h->nfindings > 0) {
		(void)fputs(h->finding[0].text, out);
		return;
	}
	if (tally_waiting(t) == 0) {
		(void)fputs(
		    p->is_foreign ? "none of your mail waits" : "no mail waits",
		    out);
		return;
	}
	(void)fprintf(out, "%s%" PRIu64 " %smessage%s wait%s",
	    is_leaving(p) ? "mail is leaving, " : "", tally_waiting(t),
	    p->is_foreign ? "of your " : "",
	    tally_waiting(t) == 1 && !p->is_foreign ? "" : "s",
	    tally_waiting(t) == 1 ? "s" : "");
	if (t->oldest_us > 0) {
		ago(p, t->oldest_us, age);
		(void)fprintf(out, ", the oldest for %s", age);
	}
	put_short_trouble(out, p);
}

void
screen_put_verdict(FILE *out, const struct style *style,
    const struct picture *p, const struct health *h, size_t max)
{
	static const enum colour colours[] = {
		[HEALTH_OK] = COLOUR_GOOD,
		[HEALTH_WARNING] = COLOUR_POOR,
		[HEALTH_CRITICAL] = COLOUR_BAD,
		[HEALTH_UNKNOWN] = COLOUR_POOR,
	};

	draw_colour(out, style, colours[h->level]);
	(void)fprintf(out, "%s:", health_name(h->level));
	draw_plain(out, style);
	(void)fputc(' ', out);
	screen_put_summary(out, p, h);
	(void)fputc('\n', out);
	for (size_t i = 1; i < h->nfindings && i <= max; i++)
		(void)fprintf(out, "%s: %s\n", health_name(h->finding[i].level),
		    h->finding[i].text);
	if (h->untold > 0 || h->nfindings > max + 1)
		(void)fprintf(out, "%s and %zu more\n",
		    style->utf8 ? "…" : "...",
		    h->untold +
			(h->nfindings > max + 1 ? h->nfindings - max - 1 : 0));
}

/* ---- spoold and the queue ----------------------------------------------- */

static void
put_spoold(FILE *out, const struct picture *p)
{
	const struct status_daemon *d = &p->view.daemon;
	char span[OUTPUT_WORD], event[OUTPUT_WORD], status[OUTPUT_WORD];

	(void)fprintf(out, "%-*s", MARGIN, "spoold");
	ago(p, d->start_us, span);
	ago(p, p->view.queue.last_us, event);
	ago(p, p->view.time_us, status);
	if (p->view.spoold == CONTROL_NONE)
		(void)fputs("is not running", out);
	else
		(void)fprintf(out, "%s",
		    p->view.spoold == CONTROL_SILENT ? "does not answer"
						     : "runs");
	if (p->view.spoold != CONTROL_NONE && d->start_us > 0)
		(void)fprintf(
		    out, " for %s, %s, pid %ld", span, d->version, d->pid);
	if (p->view.queue.last_us > 0 && !p->is_foreign)
		(void)fprintf(
		    out, "; last event %s ago, snapshot %s ago", event, status);
	(void)fputc('\n', out);
	if (p->view.queue.paused_us > 0) {
		ago(p, p->view.queue.paused_us, span);
		(void)fprintf(out, "%*spaused for %s\n", MARGIN, "", span);
	}
}

/* "8 backoff, 3 circuit": what messages wait for. */
static void
put_waits(FILE *out, const struct tally *t)
{
	const char *comma = "";

	(void)fprintf(out, "%-*s", MARGIN, "wait for");
	for (int i = WHY_NOTHING + 1; i < WHY_KINDS; i++) {
		if (t->why[i] == 0)
			continue;
		(void)fprintf(out, "%s%s %" PRIu64, comma,
		    why_name((enum why)i), t->why[i]);
		comma = ", ";
	}
	(void)fputs(comma[0] == '\0' ? "nothing\n" : "\n", out);
}

void
screen_put_state(FILE *out, const struct picture *p)
{
	const struct tally *t = &p->tally;
	char size[OUTPUT_WORD], age[OUTPUT_WORD];

	put_spoold(out, p);
	output_size(t->bytes, size);
	(void)fprintf(
	    out, "%-*s", MARGIN, p->is_foreign ? "your mail" : "queue");
	if (t->messages == 0)
		(void)fputs("empty", out);
	else {
		summary_put_states(out, t);
		(void)fprintf(out, "; %s bytes", size);
	}
	if (t->oldest_us > 0) {
		ago(p, t->oldest_us, age);
		(void)fprintf(out, "; oldest %s (%s)", age, t->oldest_id);
	}
	(void)fputc('\n', out);
	put_waits(out, t);
}

/* ---- figures ------------------------------------------------------------ */

#define FIGURE "%*s"
#define FIGURE_WIDE 9

static void
put_count(FILE *out, uint64_t n)
{
	char count[OUTPUT_WORD];

	draw_count(n, count);
	(void)fprintf(out, FIGURE, FIGURE_WIDE, count);
}

static void
put_slot(FILE *out, const char *name, const struct stats_slot *slot)
{
	char size[OUTPUT_WORD], latency[OUTPUT_WORD];

	(void)fprintf(out, "%-*s", MARGIN, name);
	for (int i = 0; i < STATS_KINDS; i++)
		put_count(out, slot->count[i]);
	output_size(slot->bytes, size);
	screen_latency(picture_latency_us(slot), latency);
	(void)fprintf(
	    out, FIGURE FIGURE "\n", FIGURE_WIDE, size, FIGURE_WIDE, latency);
}

void
screen_put_figures(
    FILE *out, const struct style *style, const struct picture *p)
{
	const struct queue_totals *t = &p->view.queue.totals;
	struct stats_slot hour = picture_minutes(p, STATS_MINUTES);
	struct stats_slot day = picture_hours(p, STATS_HOURS);
	struct stats_slot all = { .bytes = t->bytes };
	char size[OUTPUT_WORD];

	draw_colour(out, style, COLOUR_BOLD);
	(void)fprintf(out, "%*s%9s%9s%9s%9s%9s%9s%9s", MARGIN, "", "DELIVERED",
	    "DEFERRED", "FAILED", "BOUNCED", "DROPPED", "BYTES", "LATENCY");
	draw_plain(out, style);
	(void)fputc('\n', out);
	put_slot(out, "last hour", &hour);
	put_slot(out, "last day", &day);
	(void)fprintf(out, "%-*s", MARGIN, "this run");
	put_count(out, t->delivered);
	put_count(out, t->deferred);
	put_count(out, t->failed);
	put_count(out, t->bounced);
	put_count(out, t->dropped);
	output_size(all.bytes, size);
	(void)fprintf(out, FIGURE "\n", FIGURE_WIDE, size);
}

static void
put_curve(FILE *out, const struct style *style, const char *name,
    const uint64_t *values, size_t n, const char *unit)
{
	uint64_t max = 0, now = values[n - 1];
	char most[OUTPUT_WORD], last[OUTPUT_WORD];

	for (size_t i = 0; i < n; i++)
		if (values[i] > max)
			max = values[i];
	draw_count(max, most);
	draw_count(now, last);
	(void)fprintf(out, "%-*s", MARGIN, name);
	draw_curve(out, style, values, n);
	(void)fprintf(out, "  max %s, now %s%s\n", most, last, unit);
}

/* The last one is the slot that is being filled: now. */
void
screen_put_curves(FILE *out, const struct style *style, const struct picture *p)
{
	const struct stats *st = &p->view.queue.stats;
	/* What is to fit beside a curve of a character a minute. */
	size_t step = style->columns < 90 ? 2 : 1;
	uint64_t minutes[STATS_MINUTES] = { 0 }, hours[STATS_HOURS];
	size_t n = STATS_MINUTES / step;

	for (unsigned i = 0; i < STATS_MINUTES; i++) {
		struct stats_slot slot = stats_minute(st, i, p->now_us);

		minutes[n - 1 - i / step] += slot.count[STATS_DELIVERED];
	}
	for (unsigned i = 0; i < STATS_HOURS; i++) {
		struct stats_slot slot = stats_hour(st, i, p->now_us);

		hours[STATS_HOURS - 1 - i] = slot.count[STATS_DELIVERED];
	}
	put_curve(out, style, "by minute", minutes, n,
	    step == 1 ? " a minute" : " in 2 minutes");
	put_curve(out, style, "by hour", hours, STATS_HOURS, " an hour");
}

/* ---- single messages ---------------------------------------------------- */

void
screen_put_notes(FILE *out, const struct style *style, const struct picture *p,
    const char *title, const struct tally_notes *notes, size_t max)
{
	size_t used = 1;

	if (notes->n == 0 || max < 2)
		return;
	draw_colour(out, style, COLOUR_BOLD);
	(void)fputs(title, out);
	draw_plain(out, style);
	(void)fputc('\n', out);
	for (size_t i = 0; i < notes->n && used < max; i++) {
		const struct tally_note *note = &notes->note[i];
		char age[OUTPUT_WORD];

		ago(p, note->time_us, age);
		(void)fprintf(out, "%-11s %4s  ", note->id, age);
		draw_text(
		    out, note->sender[0] != '\0' ? note->sender : "<>", 30);
		(void)fputs(" -> ", out);
		draw_text(out, note->rcpt, 60);
		(void)fputc('\n', out);
		used++;
		if (note->reply == NULL || used >= max)
			continue;
		(void)fprintf(out, "%*s", 18, "");
		draw_text(out, note->reply, 200);
		(void)fputc('\n', out);
		used++;
	}
}
