/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See svg.h. */

#include "config.h"

#include <stdbool.h>
#include <stdlib.h>

#include "lib/text.h"
#include "spoolq/svg.h"

/* The drawing, in units that are about a pixel on a desk, less on a phone. */
#define WIDTH 480
#define HEIGHT 260
#define LEFT 58
#define RIGHT 8
#define TOP 30
#define BOTTOM 46
#define INNER_WIDTH (WIDTH - LEFT - RIGHT)
#define INNER_HEIGHT (HEIGHT - TOP - BOTTOM)
#define TEXT_MAX 200

void
svg_put_text(FILE *out, const char *text, size_t max)
{
	char *clean = text_clean(span_of(text), max);

	for (const char *c = clean; c != NULL && *c != '\0'; c++)
		switch (*c) {
		case '&':
			(void)fputs("&amp;", out);
			break;
		case '<':
			(void)fputs("&lt;", out);
			break;
		case '>':
			(void)fputs("&gt;", out);
			break;
		case '"':
			(void)fputs("&quot;", out);
			break;
		case '\'':
			(void)fputs("&#39;", out);
			break;
		default:
			(void)fputc(*c, out);
		}
	free(clean);
}

/* ---- the scale ---------------------------------------------------------- */

/* The y axis: from 0 to MAX in steps. */
struct scale {
	double max, step;
};

/* What stands at place I: a stack of bars, or the highest of the lines. */
static double
height_of(const struct svg_plot *plot, size_t i)
{
	double sum = 0;

	for (size_t s = 0; s < plot->nseries; s++) {
		double value = plot->series[s].values[i];

		if (!plot->is_line)
			sum += value;
		else if (value > sum)
			sum = value;
	}
	return sum;
}

/* The least of 1, 2, 5, 10, 20 … (or 0.1 and so on) that four of reach MAX. */
static struct scale
scale_of(const struct svg_plot *plot)
{
	static const double factors[] = { 2, 2.5, 2 };
	struct scale s = { .step = plot->is_whole ? 1 : 0.001 };
	double max = 0;

	for (size_t i = 0; i < plot->n; i++)
		if (height_of(plot, i) > max)
			max = height_of(plot, i);
	for (size_t i = 0; s.step * 4 < max; i++)
		s.step *= factors[i % 3];
	while (s.max < max || s.max == 0)
		s.max += s.step;
	return s;
}

static double
y_of(const struct scale *s, double value)
{
	return TOP + INNER_HEIGHT * (1 - value / s->max);
}

/* The left edge of place I, or with HALF its middle. */
static double
x_of(const struct svg_plot *plot, size_t i, double half)
{
	return LEFT + INNER_WIDTH * ((double)i + half) / (double)plot->n;
}

/* ---- axes --------------------------------------------------------------- */

static void
put_label(FILE *out, const char *anchor, double x, double y, const char *text)
{
	(void)fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x,
	    y, anchor);
	svg_put_text(out, text, TEXT_MAX);
	(void)fputs("</text>\n", out);
}

static void
put_y_axis(FILE *out, const struct svg_plot *plot, const struct scale *s)
{
	for (double v = 0; v <= s->max * 1.001; v += s->step) {
		char text[32];

		if (plot->is_whole && v >= 10000)
			(void)snprintf(text, sizeof(text), "%gk", v / 1000);
		else
			(void)snprintf(text, sizeof(text), "%g", v);
		(void)fprintf(out,
		    "<line class=\"%s\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" "
		    "y2=\"%.1f\"/>\n",
		    v > 0 ? "grid" : "axis", LEFT, WIDTH - RIGHT, y_of(s, v),
		    y_of(s, v));
		put_label(out, "end", LEFT - 6, y_of(s, v) + 4, text);
	}
	(void)fprintf(out,
	    "<text transform=\"translate(14 %d) rotate(-90)\" "
	    "text-anchor=\"middle\">",
	    TOP + INNER_HEIGHT / 2);
	svg_put_text(out, plot->y_label, TEXT_MAX);
	(void)fputs("</text>\n", out);
}

static void
put_x_axis(FILE *out, const struct svg_plot *plot)
{
	for (size_t i = 0; i < plot->n; i++)
		if (plot->ticks[i] != NULL && plot->ticks[i][0] != '\0')
			put_label(out, "middle", x_of(plot, i, 0.5),
			    HEIGHT - BOTTOM + 16, plot->ticks[i]);
	put_label(
	    out, "middle", LEFT + INNER_WIDTH / 2.0, HEIGHT - 8, plot->x_label);
}

static void
put_legend(FILE *out, const struct svg_plot *plot)
{
	double x = LEFT;

	for (size_t s = 0; s < plot->nseries; s++) {
		if (plot->series[s].name == NULL)
			continue;
		(void)fprintf(out,
		    "<rect class=\"s%zu\" x=\"%.1f\" y=\"8\" width=\"11\" "
		    "height=\"11\"/>\n",
		    s + plot->colour, x);
		put_label(out, "start", x + 16, 18, plot->series[s].name);
		x += 110;
	}
}

/* ---- values ------------------------------------------------------------- */

static void
put_bar(
    FILE *out, const struct svg_plot *plot, const struct scale *scale, size_t i)
{
	double width = (double)INNER_WIDTH / (double)plot->n, base = 0;
	double gap = width > 4 ? width * 0.15 : 0.5;

	for (size_t s = 0; s < plot->nseries; s++) {
		double value = plot->series[s].values[i];
		double top = y_of(scale, base + value);

		if (value > 0)
			(void)fprintf(out,
			    "<rect class=\"s%zu\" x=\"%.1f\" y=\"%.1f\" "
			    "width=\"%.1f\" height=\"%.1f\"/>\n",
			    s + plot->colour, x_of(plot, i, 0) + gap / 2, top,
			    width - gap, y_of(scale, base) - top);
		base += value;
	}
}

/* Points, with lines between neighbours: 0 is no value. */
static void
put_line(
    FILE *out, const struct svg_plot *plot, const struct scale *scale, size_t s)
{
	const double *values = plot->series[s].values;

	for (size_t i = 0; i < plot->n; i++) {
		double x = x_of(plot, i, 0.5), y = y_of(scale, values[i]);

		if (values[i] <= 0)
			continue;
		(void)fprintf(out,
		    "<circle class=\"s%zu\" cx=\"%.1f\" cy=\"%.1f\" "
		    "r=\"3\"/>\n",
		    s + plot->colour, x, y);
		if (i + 1 < plot->n && values[i + 1] > 0)
			(void)fprintf(out,
			    "<line class=\"l%zu\" x1=\"%.1f\" y1=\"%.1f\" "
			    "x2=\"%.1f\" y2=\"%.1f\"/>\n",
			    s + plot->colour, x, y, x_of(plot, i + 1, 0.5),
			    y_of(scale, values[i + 1]));
	}
}

static bool
is_empty(const struct svg_plot *plot)
{
	for (size_t i = 0; i < plot->n; i++)
		if (height_of(plot, i) > 0)
			return false;
	return true;
}

void
svg_put(FILE *out, const struct svg_plot *plot)
{
	struct scale scale = scale_of(plot);

	(void)fprintf(out,
	    "<svg viewBox=\"0 0 %d %d\" role=\"img\" "
	    "aria-labelledby=\"%s-t %s-d\">\n<title id=\"%s-t\">",
	    WIDTH, HEIGHT, plot->id, plot->id, plot->id);
	svg_put_text(out, plot->title, TEXT_MAX);
	(void)fprintf(out, "</title>\n<desc id=\"%s-d\">", plot->id);
	svg_put_text(out, plot->desc, TEXT_MAX);
	(void)fputs("</desc>\n", out);
	put_y_axis(out, plot, &scale);
	put_x_axis(out, plot);
	put_legend(out, plot);
	if (is_empty(plot))
		put_label(out, "middle", LEFT + INNER_WIDTH / 2.0,
		    TOP + INNER_HEIGHT / 2.0, "nothing");
	for (size_t s = 0; plot->is_line && s < plot->nseries; s++)
		put_line(out, plot, &scale, s);
	for (size_t i = 0; !plot->is_line && i < plot->n; i++)
		put_bar(out, plot, &scale, i);
	(void)fputs("</svg>\n", out);
}
