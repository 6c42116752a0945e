/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Any bytes as a message.  Aborts when fields overlap, leave gaps or point
 * outside the text, when what is written has a CR or LF that it should not
 * have, when writing changes the fields, or when cleaned text is not clean.
 */

#include "config.h"

#include "lib/header.h"

#include "fuzz.h"

static bool
is_line_end(char c)
{
	return c == '\r' || c == '\n';
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || is_line_end(c);
}

/* FIELD begins at START and is well inside. */
static void
check_spans(const struct header_field *field, const char *start)
{
	const char *name_end = field->name.ptr + field->name.len;
	const char *raw_end = field->raw.ptr + field->raw.len;

	fuzz_check(field->raw.ptr == start && field->name.ptr == start);
	fuzz_check(field->name.len > 0);
	for (const char *c = start; c < name_end; c++)
		fuzz_check(*c > ' ' && *c < 0x7f && *c != ':');
	fuzz_check(field->body.ptr > name_end);
	fuzz_check(field->body.ptr[-1] == ':');
	fuzz_check(field->body.ptr + field->body.len <= raw_end);
	for (const char *c = field->body.ptr + field->body.len; c < raw_end;
	     c++)
		fuzz_check(is_line_end(*c));
}

static void
check_unfolded(struct span body)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	fuzz_check(out != NULL);
	header_put_unfolded(out, body);
	fuzz_check(fclose(out) == 0);
	fuzz_check(len <= body.len);
	fuzz_check(
	    len == 0 || (!is_space(text[0]) && !is_space(text[len - 1])));
	for (size_t i = 0; i < len; i++)
		fuzz_check(!is_line_end(text[i]));
	fuzz_check_clean((struct span){ text, len }, 80);
	free(text);
}

/* Written with CRLF, and with no other CR or LF. */
static void
check_line_ends(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\r')
			fuzz_check(i + 1 < len && text[i + 1] == '\n');
		if (text[i] == '\n')
			fuzz_check(i > 0 && text[i - 1] == '\r');
	}
	fuzz_check(len >= 2 && text[len - 1] == '\n');
}

/* What is written is the same one field, and writing it again changes
 * nothing. */
static void
check_put(const struct header_field *field)
{
	char *once = NULL, *twice = NULL;
	size_t once_len = 0, twice_len = 0;
	struct header_field again;
	struct span rest;
	FILE *out = open_memstream(&once, &once_len);

	fuzz_check(out != NULL);
	header_put(out, field);
	fuzz_check(fclose(out) == 0);
	check_line_ends(once, once_len);

	rest = (struct span){ once, once_len };
	fuzz_check(header_next(&rest, &again) == 1 && rest.len == 0);
	fuzz_check(again.name.len == field->name.len);
	fuzz_check(
	    memcmp(again.name.ptr, field->name.ptr, field->name.len) == 0);

	out = open_memstream(&twice, &twice_len);
	fuzz_check(out != NULL);
	header_put(out, &again);
	fuzz_check(fclose(out) == 0);
	fuzz_check(twice_len == once_len);
	fuzz_check(memcmp(once, twice, once_len) == 0);
	free(twice);
	free(once);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span all = { (const char *)data, size }, rest = all;
	struct header_field field, found;
	const char *start = all.ptr;

	while (header_next(&rest, &field) == 1) {
		fuzz_check(header_is_field(field.raw));
		fuzz_check(!header_is_fold(field.raw));
		check_spans(&field, start);
		start = field.raw.ptr + field.raw.len;
		fuzz_check(rest.ptr == start);
		check_unfolded(field.body);
		check_put(&field);
	}
	fuzz_check(
	    rest.ptr == start && rest.len + (size_t)(start - all.ptr) == size);
	fuzz_check(!header_is_field(rest));
	if (header_find(all, "bcc", &found))
		fuzz_check(header_is(&found, "Bcc"));
	fuzz_check_clean(all, size / 2);
	return 0;
}
