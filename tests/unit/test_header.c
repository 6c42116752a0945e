/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* header: where fields begin and end, and what of them may leave. */

#include "config.h"

#include "lib/header.h"
#include "unit.h"

/* A string literal as a span, NULs included. */
#define TEXT(literal) \
	{ \
		literal, sizeof(literal) - 1 \
	}
#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* "[name|body]" of each field, then what is left. */
static const struct {
	struct span text;
	const char *want;
	const char *rest;
} splits[] = {
	{ TEXT(""), "", "" },
	{ TEXT("\n"), "", "\n" },
	{ TEXT("\r\n"), "", "\r\n" },
	{ TEXT("A: b\n\nbody\n"), "[A| b]", "\nbody\n" },
	{ TEXT("A: b\r\n\r\nbody\r\n"), "[A| b]", "\r\nbody\r\n" },
	{ TEXT("A: b\r\r\nC: d\r\r\n\r\r\n"), "[A| b][C| d]", "\r\r\n" },
	{ TEXT("A: b\nC: d\r\nE: f\n"), "[A| b][C| d][E| f]", "" },
	{ TEXT("A: b"), "[A| b]", "" },
	{ TEXT("A: b\r"), "[A| b]", "" },
	{ TEXT("A:"), "[A|]", "" },
	{ TEXT("A:\n"), "[A|]", "" },
	{ TEXT("A:b\n"), "[A|b]", "" },
	{ TEXT("A :b\n"), "[A|b]", "" },
	{ TEXT("Bcc \t : x\n"), "[Bcc| x]", "" },
	{ TEXT("A: b:c: d\n"), "[A| b:c: d]", "" },
	/* folds */
	{ TEXT("A: b\n c\n\td\nE: f\n"), "[A| b\n c\n\td][E| f]", "" },
	{ TEXT("A: b\r\n c\r\nE: f\r\n"), "[A| b\r\n c][E| f]", "" },
	{ TEXT("A:\n b\n"), "[A|\n b]", "" },
	{ TEXT("A: b\n \nC: d\n"), "[A| b\n ][C| d]", "" },
	{ TEXT("A: b\n c"), "[A| b\n c]", "" },
	/* what begins the body */
	{ TEXT(" A: b\n"), "", " A: b\n" },
	{ TEXT("body\n"), "", "body\n" },
	{ TEXT("A: b\nbody: \n"), "[A| b][body| ]", "" },
	{ TEXT("A: b\nno field\n"), "[A| b]", "no field\n" },
	{ TEXT("A: b\ntwo words: x\n"), "[A| b]", "two words: x\n" },
	{ TEXT("From a@x Sat Nov 21 20:32:23 2026\nA: b\n"), "",
	    "From a@x Sat Nov 21 20:32:23 2026\nA: b\n" },
	{ TEXT(": b\n"), "", ": b\n" },
	{ TEXT("A\n: b\n"), "", "A\n: b\n" },
	{ TEXT("A \n: b\n"), "", "A \n: b\n" },
	{ TEXT("A\r: b\n"), "", "A\r: b\n" },
	{ TEXT("A\x01: b\n"), "", "A\x01: b\n" },
	{ TEXT("A\x7f: b\n"), "", "A\x7f: b\n" },
	{ TEXT("J\xc3\xb6: b\n"), "", "J\xc3\xb6: b\n" },
	{ TEXT("\xff: b\n"), "", "\xff: b\n" },
	{ TEXT("A"), "", "A" },
	{ TEXT("A "), "", "A " },
	/* a bare CR ends no line */
	{ TEXT("A: b\rBcc: c\nD: e\n"), "[A| b\rBcc: c][D| e]", "" },
	{ TEXT("A: b\r\n\r\nC: d\r\n"), "[A| b]", "\r\nC: d\r\n" },
	{ TEXT("!#$%&'*+-/=?^_`{|}~.\"\\()<>@,;[]: x\n"),
	    "[!#$%&'*+-/=?^_`{|}~.\"\\()<>@,;[]| x]", "" },
};

START_TEST(splits_into_fields)
{
	const char *start = splits[_i].text.ptr;
	struct span rest = splits[_i].text;
	struct header_field field;
	char *got;
	size_t len;
	FILE *out = open_memstream(&got, &len);

	ck_assert_ptr_nonnull(out);
	while (header_next(&rest, &field) == 1) {
		/* Nothing lies between two fields. */
		ck_assert_ptr_eq(field.raw.ptr, start);
		ck_assert_ptr_eq(field.name.ptr, start);
		start = field.raw.ptr + field.raw.len;
		ck_assert_ptr_eq(rest.ptr, start);
		(void)fprintf(out, "[%.*s|%.*s]", (int)field.name.len,
		    field.name.ptr, (int)field.body.len, field.body.ptr);
	}
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_str_eq(got, splits[_i].want);
	ck_assert_uint_eq(rest.len, strlen(splits[_i].rest));
	ck_assert_mem_eq(rest.ptr, splits[_i].rest, rest.len);
	free(got);
}
END_TEST

START_TEST(refusal_changes_nothing)
{
	char mark;
	struct span rest = span_of("no field\n"), before = rest;
	struct header_field field = { .raw = { &mark, 7 } };

	ck_assert_int_eq(header_next(&rest, &field), 0);
	ck_assert_ptr_eq(rest.ptr, before.ptr);
	ck_assert_uint_eq(rest.len, before.len);
	ck_assert_ptr_eq(field.raw.ptr, &mark);
	ck_assert(!header_find(before, "A", &field));
	ck_assert_ptr_eq(field.raw.ptr, &mark);
}
END_TEST

static const struct {
	struct span line;
	bool is_field, is_fold;
} lines[] = {
	{ TEXT(""), false, false },
	{ TEXT("\n"), false, false },
	{ TEXT("A:"), true, false },
	{ TEXT("A: b"), true, false },
	{ TEXT("A: b\r\n"), true, false },
	{ TEXT("A \t:"), true, false },
	{ TEXT("A b:"), false, false },
	{ TEXT("A"), false, false },
	{ TEXT(":"), false, false },
	{ TEXT(" A:"), false, true },
	{ TEXT("\tx"), false, true },
	{ TEXT(" "), false, true },
	{ TEXT("\r\n"), false, false },
	{ TEXT("\v x"), false, false },
	{ TEXT("\0: b"), false, false },
	{ TEXT("A\0: b"), false, false },
	{ TEXT("A: \0"), true, false },
	{ { NULL, 0 }, false, false },
};

START_TEST(knows_lines)
{
	ck_assert_int_eq(header_is_field(lines[_i].line), lines[_i].is_field);
	ck_assert_int_eq(header_is_fold(lines[_i].line), lines[_i].is_fold);
}
END_TEST

static const char searched[] = "To: a\nBCC : b\n c\nbcc: d\nX-Bcc: e\n"
			       "broken line\nCc: f\n";

static const struct {
	const char *name;
	const char *body; /* NULL: there is none */
} searches[] = {
	{ "To", " a" },
	{ "to", " a" },
	{ "Bcc", " b\n c" },
	{ "bCC", " b\n c" },
	{ "X-BCC", " e" },
	{ "Cc", NULL },
	{ "Bc", NULL },
	{ "Bccc", NULL },
	{ "", NULL },
	{ "T[", NULL },
};

START_TEST(finds_fields)
{
	struct header_field field;
	bool found = header_find(span_of(searched), searches[_i].name, &field);

	ck_assert_int_eq(found, searches[_i].body != NULL);
	if (found) {
		ck_assert(span_is(field.body, searches[_i].body));
		ck_assert(header_is(&field, searches[_i].name));
	}
}
END_TEST

static const struct {
	struct span body;
	const char *want;
} unfolds[] = {
	{ TEXT(""), "" },
	{ TEXT(" "), "" },
	{ TEXT(" \r\n\t\r\n "), "" },
	{ TEXT(" a"), "a" },
	{ TEXT("a b"), "a b" },
	{ TEXT(" a\n b"), "a b" },
	{ TEXT(" a\r\n\tb \r\n c \t"), "a\tb  c" },
	{ TEXT("\n a"), "a" },
	{ TEXT(" a\r\r\n b"), "a b" },
	{ TEXT(" a\n \n b"), "a  b" },
	{ TEXT(" a\rBcc: b"), "a Bcc: b" },
	{ TEXT(" \r a \r "), "a" },
	{ TEXT(" \xc3\xb6\n \xff"), "\xc3\xb6 \xff" },
	{ { NULL, 0 }, "" },
};

START_TEST(unfolds_bodies)
{
	char *got;
	size_t len;
	FILE *out = open_memstream(&got, &len);

	ck_assert_ptr_nonnull(out);
	header_put_unfolded(out, unfolds[_i].body);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_str_eq(got, unfolds[_i].want);
	free(got);
}
END_TEST

static const struct {
	struct span text;
	struct span want;
} puts_rows[] = {
	{ TEXT("A: b\n"), TEXT("A: b\r\n") },
	{ TEXT("A: b\r\n"), TEXT("A: b\r\n") },
	{ TEXT("A: b\r\r\r\n"), TEXT("A: b\r\n") },
	{ TEXT("A: b"), TEXT("A: b\r\n") },
	{ TEXT("A: b\r"), TEXT("A: b\r\n") },
	{ TEXT("A : b\n\tc\r\n d\n"), TEXT("A : b\r\n\tc\r\n d\r\n") },
	{ TEXT("A: b\rBcc: c\n"), TEXT("A: b Bcc: c\r\n") },
	{ TEXT("A: b\r\r\rc\n\r"), TEXT("A: b   c\r\n") },
	{ TEXT("A: b\r .\r\n"), TEXT("A: b  .\r\n") },
	{ TEXT("A:\n"), TEXT("A:\r\n") },
	{ TEXT("A: \0b\n"), TEXT("A: \0b\r\n") },
	{ TEXT("A: \xff\n"), TEXT("A: \xff\r\n") },
};

START_TEST(puts_crlf)
{
	struct span rest = puts_rows[_i].text;
	struct header_field field;
	char *got;
	size_t len;
	FILE *out = open_memstream(&got, &len);

	ck_assert_ptr_nonnull(out);
	ck_assert_int_eq(header_next(&rest, &field), 1);
	header_put(out, &field);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_uint_eq(len, puts_rows[_i].want.len);
	ck_assert_mem_eq(got, puts_rows[_i].want.ptr, len);
	free(got);
}
END_TEST

/* A megabyte of folds, of CRs and of fields: no more than linear. */
START_TEST(large_headers)
{
	static const char *const pieces[] = { "\n x", "\r", "A: b\n", "\r\n ",
		"x" };
	size_t piece_len = strlen(pieces[_i]), n = (1 << 20) / piece_len;
	char *text = malloc(3 + n * piece_len), *got;
	struct span rest = { text, 3 + n * piece_len };
	struct header_field field;
	size_t len, n_fields = 0;
	FILE *out = open_memstream(&got, &len);

	ck_assert_ptr_nonnull(text);
	ck_assert_ptr_nonnull(out);
	memcpy(text, "A:\n", 3);
	if (_i != 2)
		text[2] = ' ';
	for (size_t i = 0; i < n; i++)
		memcpy(text + 3 + i * piece_len, pieces[_i], piece_len);
	while (header_next(&rest, &field) == 1) {
		header_put(out, &field);
		header_put_unfolded(out, field.body);
		n_fields++;
	}
	ck_assert_uint_eq(rest.len, 0);
	ck_assert_uint_eq(n_fields, _i == 2 ? n + 1 : 1);
	ck_assert_int_eq(fclose(out), 0);
	free(got);
	free(text);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("header");
	TCase *tc = tcase_create("header");

	tcase_add_loop_test(tc, splits_into_fields, 0, COUNT(splits));
	tcase_add_test(tc, refusal_changes_nothing);
	tcase_add_loop_test(tc, knows_lines, 0, COUNT(lines));
	tcase_add_loop_test(tc, finds_fields, 0, COUNT(searches));
	tcase_add_loop_test(tc, unfolds_bodies, 0, COUNT(unfolds));
	tcase_add_loop_test(tc, puts_crlf, 0, COUNT(puts_rows));
	tcase_add_loop_test(tc, large_headers, 0, 5);
	suite_add_tcase(s, tc);
	return unit_main(s);
}
