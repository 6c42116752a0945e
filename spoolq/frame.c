/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See frame.h.  Parts are made one by one, each with the lines that are left.
 */

#include "config.h"

#include <inttypes.h>
#include <stdlib.h>

#include "spoolq/frame.h"

#define SECOND_US 1e6
#define FINDINGS_SHOWN 2
/* Fewer rows than that have no room for figures. */
#define ROWS_ROOMY 16

struct frame {
	FILE *out;
	const struct style *style;
	const struct picture *p;
	const struct frame_before *before;
	size_t left; /* rows */
};

struct frame_before
frame_of(const struct picture *p)
{
	return (struct frame_before){
		.time_us = p->now_us,
		.delivered = p->view.queue.totals.delivered,
		.deferred = p->view.queue.totals.deferred,
	};
}

/* A part: something that writes lines, at most MAX. */
typedef void part_fn(FILE *out, const struct frame *f, size_t max);

/* Put the part in, at most MAX lines of it; BLANK: an empty line before. */
static void
add(struct frame *f, part_fn *fn, size_t max, bool blank)
{
	char *text = NULL;
	size_t len;
	FILE *mem;

	if (max > f->left)
		max = f->left;
	if (max < 1u + blank || (mem = open_memstream(&text, &len)) == NULL)
		return;
	fn(mem, f, max - blank);
	if (fclose(mem) == 0 && len > 0) {
		if (blank)
			(void)fputc('\n', f->out);
		f->left -= blank +
		    draw_lines(
			f->out, text, f->style->columns, max - blank, "\n");
	}
	free(text);
}

/* ---- parts -------------------------------------------------------------- */

static void
put_verdict(FILE *out, const struct frame *f, size_t max)
{
	struct health health;

	health_judge(&health, f->p, &health_defaults);
	screen_put_verdict(out, f->style, f->p, &health,
	    max > FINDINGS_SHOWN ? FINDINGS_SHOWN : 0);
}

static void
put_state(FILE *out, const struct frame *f, size_t max)
{
	(void)max;
	screen_put_state(out, f->p);
}

/* How many a second there were more since the frame before. */
static double
per_second(const struct frame *f, uint64_t now, uint64_t then)
{
	double seconds =
	    (double)(f->p->now_us - f->before->time_us) / SECOND_US;

	return seconds > 0 && now > then ? (double)(now - then) / seconds : 0;
}

static void
put_rate(FILE *out, const struct frame *f, size_t max)
{
	const struct queue_totals *t = &f->p->view.queue.totals;
	struct stats_slot minute = picture_minutes(f->p, 2);

	(void)max;
	if (f->p->is_foreign)
		return;
	(void)fputs("rate      ", out);
	if (f->before->time_us > 0)
		(void)fprintf(out, "%.1f/s delivered, %.1f/s deferred, ",
		    per_second(f, t->delivered, f->before->delivered),
		    per_second(f, t->deferred, f->before->deferred));
	(void)fprintf(out, "in two minutes %" PRIu32 " and %" PRIu32 "\n",
	    minute.count[STATS_DELIVERED], minute.count[STATS_DEFERRED]);
	screen_put_curves(out, f->style, f->p);
}

static void
put_relays(FILE *out, const struct frame *f, size_t max)
{
	screen_put_relays(out, f->style, f->p, max);
}

static void
put_oldest(FILE *out, const struct frame *f, size_t max)
{
	screen_put_notes(
	    out, f->style, f->p, "WAITING LONGEST", &f->p->tally.oldest, max);
}

static void
put_troubles(FILE *out, const struct frame *f, size_t max)
{
	screen_put_notes(
	    out, f->style, f->p, "LATEST TROUBLE", &f->p->tally.troubles, max);
}

/* ---- the whole ---------------------------------------------------------- */

static void
put_foot(FILE *out, const struct frame *f, int64_t interval_us)
{
	char span[OUTPUT_WORD], time[OUTPUT_WORD], line[256];

	output_span(interval_us, span);
	output_time(f->p->now_us, time);
	(void)snprintf(line, sizeof(line),
	    "q quit, space refresh   %s, every %s", time, span);
	draw_lines(out, line, f->style->columns, 1, "\n");
}

void
frame_put(FILE *out, const struct style *style, const struct picture *p,
    const struct frame_before *before, int64_t interval_us)
{
	struct frame f = {
		.out = out,
		.style = style,
		.p = p,
		.before = before,
		.left = style->rows > 1 ? style->rows - 1 : 1,
	};
	bool is_roomy = style->rows >= ROWS_ROOMY;

	add(&f, put_verdict, FINDINGS_SHOWN + 2, false);
	add(&f, put_state, SIZE_MAX, is_roomy);
	if (is_roomy)
		add(&f, put_rate, SIZE_MAX, false);
	if (!p->is_foreign)
		add(&f, put_relays, f.left / 2, is_roomy);
	add(&f, put_troubles, f.left / 2 + 1, is_roomy);
	add(&f, put_oldest, SIZE_MAX, is_roomy);
	for (; f.left > 0; f.left--)
		(void)fputc('\n', out);
	put_foot(out, &f, interval_us);
}
