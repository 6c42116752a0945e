/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Plots as inline SVG for HTML pages.  Pure.  Colours are those of the page's
 * classes "s0" to "s3", "grid" and "axis"; texts are given in plain and written
 * with what HTML needs escaped.
 */

#ifndef SPOOLQ_SVG_H
#define SPOOLQ_SVG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define SVG_SERIES_MAX 4

struct svg_series {
	const char *name;     /* for the legend; NULL: there is none */
	const double *values; /* not negative; N of them */
};

struct svg_plot {
	const char *id;    /* unique in the page */
	const char *title; /* for who cannot see it, with DESC */
	const char *desc;
	const char *x_label;
	const char *y_label;
	size_t n;                 /* places on the x axis */
	const char *const *ticks; /* N of them; NULL or "": not labelled */
	struct svg_series series[SVG_SERIES_MAX];
	size_t nseries;
	size_t colour; /* of the first series: 0 is class s0 */
	bool is_line;  /* a line; else bars, one series on the other */
	bool is_whole; /* there is nothing between whole numbers */
};

/* Write PLOT as an <svg> element. */
void svg_put(FILE *out, const struct svg_plot *plot);

/* Write TEXT, from elsewhere too: harmless, and escaped for HTML. */
void svg_put_text(FILE *out, const char *text, size_t max);

#endif
