/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Bars, curves and columns on a terminal.  Characters beyond ASCII only where
 * the locale's are UTF-8, colours on a terminal only.
 */

#ifndef SPOOLQ_DRAW_H
#define SPOOLQ_DRAW_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "spoolq/output.h"

struct style {
	size_t columns; /* at least 20 */
	size_t rows;    /* of the terminal; 0: no limit */
	bool utf8, colour;
	bool cut; /* lines may not be longer: it is a terminal */
};

enum colour { COLOUR_GOOD, COLOUR_POOR, COLOUR_BAD, COLOUR_BOLD };

/*
 * What suits FD: $COLUMNS or the terminal's width, else 80; the locale by
 * LC_ALL, LC_CTYPE or LANG; no colours if NO_COLOR is set.
 */
void draw_style(struct style *ret, int fd);

/* A count in at most four characters: "9999", "10k", "1.2M". */
void draw_count(uint64_t n, char ret[OUTPUT_WORD]);

/* VALUE of MAX as a bar of at most WIDTH characters and, with PAD, spaces up to
 * there.  What is not nothing is shown. */
void draw_bar(FILE *out, const struct style *style, uint64_t value,
    uint64_t max, size_t width, bool pad);

/* N values as a curve, a character each, "." or the like for 0. */
void draw_curve(
    FILE *out, const struct style *style, const uint64_t *values, size_t n);

/* Text from elsewhere, harmless, in at most COLUMNS columns. */
void draw_text(FILE *out, const char *text, size_t columns);

/* … and filled up with spaces to so many. */
void draw_column(FILE *out, const char *text, size_t columns);

/*
 * Write the first ROWS lines of TEXT (0: all), each cut to COLUMNS columns (0:
 * not) and ended by EOL.  Colours take no room, and end with the line.
 * How many they were.
 */
size_t draw_lines(
    FILE *out, const char *text, size_t columns, size_t rows, const char *eol);

/* What is written between the two is coloured. */
void draw_colour(FILE *out, const struct style *style, enum colour colour);
void draw_plain(FILE *out, const struct style *style);

#endif
