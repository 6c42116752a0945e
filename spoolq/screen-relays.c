/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See screen.h: a line or two for each relay. */

#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "spoolq/screen.h"

#define NAME 12
#define LEFT (NAME + 1)

static void
put_ago(FILE *out, const struct picture *p, int64_t t_us)
{
	char span[OUTPUT_WORD] = "-";

	if (t_us > 0)
		output_span(p->now_us - t_us, span);
	(void)fprintf(out, "%5s", span);
}

/* What nobody waits for is not tried. */
static void
put_probe(FILE *out, const struct picture *p, const struct relay_state *relay)
{
	char span[OUTPUT_WORD];

	if (relay->next_us <= p->now_us &&
	    top_named(&p->tally.relays, relay->name) == NULL) {
		(void)fputs("not tried: no mail for it", out);
		return;
	}
	output_span(relay->next_us - p->now_us, span);
	(void)fprintf(out, "next probe in %s", span);
}

/* What happens next: a probe, or what the limits still let through. */
static void
put_next(FILE *out, const struct picture *p, const struct relay_state *relay)
{
	const struct relay_work *work = &relay->work;
	const char *comma = "";
	char span[OUTPUT_WORD];

	(void)fputs("  ", out);
	if (relay->paused_us > 0)
		return;
	if (relay->down && picture_is_served(p)) {
		put_probe(out, p, relay);
		return;
	}
	for (size_t i = 0; i < work->nlimits; i++) {
		(void)fprintf(out, "%s%s: %" PRIu64, comma,
		    work->limits[i].limit, work->limits[i].left);
		comma = ", ";
	}
	(void)fputs(comma[0] != '\0' ? " left" : "", out);
	if (work->rate_until_us > p->now_us) {
		output_span(work->rate_until_us - p->now_us, span);
		(void)fprintf(
		    out, "%s%s", comma[0] != '\0' ? "; in " : "in ", span);
	}
}

static void
put_relay(FILE *out, const struct style *style, const struct picture *p,
    const struct relay_state *relay)
{
	const struct relay_work *work = &relay->work;
	const struct top_row *row = top_named(&p->tally.relays, relay->name);
	bool is_paused = relay->paused_us > 0;
	char wait[OUTPUT_WORD], latency[OUTPUT_WORD];

	draw_column(out, relay->name, NAME);
	draw_count(row != NULL ? row->count : 0, wait);
	screen_latency(work->latency_us, latency);
	(void)fputc(' ', out);
	draw_colour(out, style,
	    is_paused         ? COLOUR_POOR
		: relay->down ? COLOUR_BAD
			      : COLOUR_GOOD);
	(void)fprintf(out, "%-6s",
	    is_paused         ? "paused"
		: relay->down ? "down"
			      : "up");
	draw_plain(out, style);
	put_ago(out, p, is_paused ? relay->paused_us : relay->since_us);
	(void)fprintf(out, "%6s%5u%8s", wait, work->connections, latency);
	put_ago(out, p, work->delivered_us);
	put_next(out, p, relay);
	(void)fputc('\n', out);
}

/* What is wrong with RELAY, or was last; false if that is nothing. */
static bool
put_trouble(FILE *out, const struct picture *p, const struct relay_state *relay)
{
	const struct relay_work *work = &relay->work;
	char span[OUTPUT_WORD];

	if (relay->down && relay->reason != NULL) {
		(void)fprintf(out, "%*s", LEFT, "");
		draw_text(out, relay->reason, 200);
	} else if (work->error != NULL) {
		output_span(p->now_us - work->error_us, span);
		(void)fprintf(out, "%*s%s ago: ", LEFT, "", span);
		draw_text(out, work->error, 200);
	} else
		return false;
	(void)fputc('\n', out);
	return true;
}

void
screen_put_relays(
    FILE *out, const struct style *style, const struct picture *p, size_t max)
{
	const struct relay_state *relay;
	size_t used = 1;

	if (STAILQ_EMPTY(&p->view.queue.relays) || max < 2)
		return;
	draw_colour(out, style, COLOUR_BOLD);
	(void)fprintf(out, "%-*s%-6s%5s%6s%5s%8s%5s  %s", LEFT, "RELAY",
	    "STATE", "SINCE", "WAIT", "CONN", "LATENCY", "LAST", "NEXT");
	draw_plain(out, style);
	(void)fputc('\n', out);
	STAILQ_FOREACH (relay, &p->view.queue.relays, link) {
		if (used + 2 > max) {
			(void)fputs(style->utf8 ? "…\n" : "...\n", out);
			return;
		}
		put_relay(out, style, p, relay);
		used += 1 + put_trouble(out, p, relay);
	}
}
