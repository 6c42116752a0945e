/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See draw.h. */

#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/text.h"
#include "spoolq/draw.h"

#define COLUMNS_MIN 20
#define COLUMNS_MAX 500
/* Steps of a character of a bar, and of a curve. */
#define EIGHTHS 8

static const char *const bars[] = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
static const char *const steps[] = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
static const char plain_steps[] = "_.-~=+*#";

void
draw_style(struct style *ret, int fd)
{
	const char *given = getenv("COLUMNS"), *no_colour = getenv("NO_COLOR");
	const char *term = getenv("TERM");
	unsigned long wide = given != NULL ? strtoul(given, NULL, 10) : 0;
	struct winsize size;

	*ret = (struct style){ .columns = 80, .utf8 = output_is_utf8() };
	if (ioctl(fd, TIOCGWINSZ, &size) == 0) {
		ret->rows = size.ws_row;
		if (wide == 0)
			wide = size.ws_col;
		ret->colour = (no_colour == NULL || no_colour[0] == '\0') &&
		    (term == NULL || strcmp(term, "dumb") != 0);
	}
	ret->cut = wide > 0;
	if (wide > COLUMNS_MAX)
		wide = COLUMNS_MAX;
	if (wide > 0)
		ret->columns = wide > COLUMNS_MIN ? wide : COLUMNS_MIN;
}

void
draw_count(uint64_t n, char ret[OUTPUT_WORD])
{
	static const char units[] = "kMGTPE";
	double value = (double)n;
	size_t unit = 0;

	if (n < 10000) {
		(void)snprintf(ret, OUTPUT_WORD, "%" PRIu64, n);
		return;
	}
	value /= 1000;
	while (value >= 999.5 && unit < sizeof units - 2) {
		value /= 1000;
		unit++;
	}
	(void)snprintf(ret, OUTPUT_WORD, value < 9.95 ? "%.1f%c" : "%.0f%c",
	    value, units[unit]);
}

/* How long a bar of WIDTH characters is, in eighths of one. */
static size_t
bar_length(
    const struct style *style, uint64_t value, uint64_t max, size_t width)
{
	double share = max > 0 ? (double)value / (double)max : 0;
	size_t step = style->utf8 ? 1 : EIGHTHS;
	size_t all = width * EIGHTHS / step;
	size_t n = (size_t)(share * (double)all + 0.5);

	if (n == 0 && value > 0)
		n = 1;
	return (n < all ? n : all) * step;
}

void
draw_bar(FILE *out, const struct style *style, uint64_t value, uint64_t max,
    size_t width, bool pad)
{
	size_t length = bar_length(style, value, max, width), used;

	for (used = 0; used < length / EIGHTHS; used++)
		(void)fputs(style->utf8 ? "█" : "#", out);
	if (length % EIGHTHS != 0) {
		(void)fputs(bars[length % EIGHTHS], out);
		used++;
	}
	for (; pad && used < width; used++)
		(void)fputc(' ', out);
}

void
draw_curve(
    FILE *out, const struct style *style, const uint64_t *values, size_t n)
{
	uint64_t max = 0;

	for (size_t i = 0; i < n; i++)
		if (values[i] > max)
			max = values[i];
	for (size_t i = 0; i < n; i++) {
		/* The lowest step is "a little", not nothing. */
		size_t step = max > 1 ? (size_t)((double)(values[i] - 1) *
					    (EIGHTHS - 1) / (double)(max - 1))
				      : 0;

		if (values[i] == 0)
			(void)fputs(style->utf8 ? "·" : " ", out);
		else if (style->utf8)
			(void)fputs(steps[step], out);
		else
			(void)fputc(plain_steps[step], out);
	}
}

void
draw_text(FILE *out, const char *text, size_t columns)
{
	char *clean = text_clean(span_of(text), OUTPUT_TEXT_MAX);

	if (columns > 0)
		output_fit(out, clean != NULL ? clean : "?", columns);
	free(clean);
}

void
draw_column(FILE *out, const char *text, size_t columns)
{
	char *clean = text_clean(span_of(text), OUTPUT_TEXT_MAX);
	size_t used = 0;

	if (columns > 0)
		used = output_fit(out, clean != NULL ? clean : "?", columns);
	for (; used < columns; used++)
		(void)fputc(' ', out);
	free(clean);
}

void
draw_colour(FILE *out, const struct style *style, enum colour colour)
{
	static const char *const codes[] = {
		[COLOUR_GOOD] = "\033[1;32m",
		[COLOUR_POOR] = "\033[1;33m",
		[COLOUR_BAD] = "\033[1;31m",
		[COLOUR_BOLD] = "\033[1m",
	};

	if (style->colour)
		(void)fputs(codes[colour], out);
}

void
draw_plain(FILE *out, const struct style *style)
{
	if (style->colour)
		(void)fputs("\033[0m", out);
}

/* The bytes of the escape sequence that P begins with, 0: none. */
static size_t
escape_len(const char *p)
{
	size_t len;

	if (p[0] != '\033' || p[1] != '[')
		return 0;
	len = 2 + strspn(p + 2, "0123456789;");
	return p[len] != '\0' ? len + 1 : len;
}

/* Write a line, which ends at END, in at most COLUMNS columns. */
static void
put_line(FILE *out, const char *p, const char *end, size_t columns)
{
	size_t used = 0;
	bool is_coloured = false;

	while (p < end) {
		size_t len = escape_len(p);

		if (len > 0)
			is_coloured = true;
		else {
			used += output_character(p, &len);
			if (columns > 0 && used > columns)
				break;
		}
		(void)fwrite(p, 1, len, out);
		p += len;
	}
	if (is_coloured && p < end)
		(void)fputs("\033[0m", out);
}

size_t
draw_lines(
    FILE *out, const char *text, size_t columns, size_t rows, const char *eol)
{
	size_t n = 0;

	while (*text != '\0' && (rows == 0 || n < rows)) {
		const char *end = strchrnul(text, '\n');

		put_line(out, text, end, columns);
		(void)fputs(eol, out);
		n++;
		text = *end != '\0' ? end + 1 : end;
	}
	return n;
}
