/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Finds where fields begin and end.  Callers send LF, CRLF, a mix of both
 * and even CR CR LF, so a line end is here an LF with all the CRs before it;
 * any other CR is data, and never leaves as one.
 */

#include "config.h"

#include "lib/header.h"

static const char line_end[] = "\r\n";

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool
is_space(char c)
{
	return is_blank(c) || c == '\r' || c == '\n';
}

/* Drop the first N bytes of S. */
static struct span
skip(struct span s, size_t n)
{
	return (struct span){ s.ptr + n, s.len - n };
}

/* Length of the first line of TEXT with its line end. */
static size_t
line_len(struct span text)
{
	const char *lf;

	if (text.len == 0)
		return 0;
	lf = memchr(text.ptr, '\n', text.len);
	return lf == NULL ? text.len : (size_t)(lf - text.ptr) + 1;
}

/* LINE without its line end. */
static struct span
chomp(struct span line)
{
	if (line.len > 0 && line.ptr[line.len - 1] == '\n')
		line.len--;
	while (line.len > 0 && line.ptr[line.len - 1] == '\r')
		line.len--;
	return line;
}

/*
 * Length of the name that LINE begins with, 0 if no field begins here;
 * *RET_COLON is where its colon is.
 */
static size_t
name_len(struct span line, size_t *ret_colon)
{
	size_t len = 0, colon;

	while (len < line.len && line.ptr[len] > ' ' && line.ptr[len] < 0x7f &&
	    line.ptr[len] != ':')
		len++;
	for (colon = len; colon < line.len && is_blank(line.ptr[colon]);)
		colon++;
	if (colon == line.len || line.ptr[colon] != ':')
		return 0;
	*ret_colon = colon;
	return len;
}

bool
header_is_field(struct span line)
{
	size_t colon;

	return name_len(line, &colon) > 0;
}

bool
header_is_fold(struct span line)
{
	return line.len > 0 && is_blank(line.ptr[0]);
}

int
header_next(struct span *rest, struct header_field *ret_field)
{
	struct span raw = { rest->ptr, 0 }, after = *rest;
	size_t colon, len = name_len(*rest, &colon);

	if (len == 0)
		return 0;
	do {
		size_t n = line_len(after);

		raw.len += n;
		after = skip(after, n);
	} while (header_is_fold(after));

	ret_field->raw = raw;
	ret_field->name = (struct span){ raw.ptr, len };
	ret_field->body = chomp(skip(raw, colon + 1));
	*rest = after;
	return 1;
}

bool
header_is(const struct header_field *field, const char *name)
{
	return span_is_word(field->name, name);
}

bool
header_find(struct span text, const char *name, struct header_field *ret_field)
{
	struct header_field field;

	while (header_next(&text, &field) == 1) {
		if (header_is(&field, name)) {
			*ret_field = field;
			return true;
		}
	}
	return false;
}

/* Write LINE, which has no line end, with every CR turned into a space. */
static void
put_line(FILE *out, struct span line)
{
	const char *cr;

	while (
	    line.len > 0 && (cr = memchr(line.ptr, '\r', line.len)) != NULL) {
		size_t n = (size_t)(cr - line.ptr);

		(void)fwrite(line.ptr, 1, n, out);
		(void)fputc(' ', out);
		line = skip(line, n + 1);
	}
	if (line.len > 0)
		(void)fwrite(line.ptr, 1, line.len, out);
}

void
header_put_unfolded(FILE *out, struct span body)
{
	while (body.len > 0 && is_space(body.ptr[0]))
		body = skip(body, 1);
	while (body.len > 0 && is_space(body.ptr[body.len - 1]))
		body.len--;
	while (body.len > 0) {
		size_t n = line_len(body);

		put_line(out, chomp((struct span){ body.ptr, n }));
		body = skip(body, n);
	}
}

void
header_put(FILE *out, const struct header_field *field)
{
	struct span rest = field->raw;

	while (rest.len > 0) {
		size_t n = line_len(rest);

		put_line(out, chomp((struct span){ rest.ptr, n }));
		(void)fwrite(line_end, 1, sizeof(line_end) - 1, out);
		rest = skip(rest, n);
	}
}
