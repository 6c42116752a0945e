/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* lib/wire.c: what is written is read back, and nothing else is read. */

#include "config.h"

#include <errno.h>
#include <limits.h>

#include "lib/wire.h"
#include "tests/unit/unit.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static char *
encode(struct span value)
{
	char *text, *room;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	ck_assert_ptr_nonnull(out);
	wire_put(out, value);
	ck_assert_int_eq(fclose(out), 0);
	/* The other way to write has to come to the same. */
	room = malloc(WIRE_ROOM(value.len));
	ck_assert_ptr_nonnull(room);
	ck_assert_uint_eq((size_t)(wire_encode(room, value) - room), len);
	ck_assert_mem_eq(room, text, len);
	free(room);
	return text;
}

START_TEST(every_byte_comes_back)
{
	char value[4] = { 'a', (char)_i, 'z', '\0' };
	char *field = encode(span_of(value));
	char *got = wire_get(span_of(field));

	ck_assert_ptr_nonnull(got);
	ck_assert_str_eq(got, value);
	for (const char *at = field; *at != '\0'; at++)
		ck_assert(*at > ' ' && *at < 0x7f);
	free(got);
	free(field);
}
END_TEST

static const struct {
	const char *value, *field;
} pairs[] = {
	{ "", "<>" },
	{ "<>", "%3C>" },
	{ "<", "%3C" },
	{ "%", "%25" },
	{ "a b", "a%20b" },
	{ "ann@example.org", "ann@example.org" },
	{ "a\r\nb", "a%0D%0Ab" },
	{ "\x7f\xff", "%7F%FF" },
	{ "j\xc3\xb6rg", "j%C3%B6rg" },
};

START_TEST(encoding_is_as_documented)
{
	char *field = encode(span_of(pairs[_i].value));
	char *got = wire_get(span_of(pairs[_i].field));

	ck_assert_str_eq(field, pairs[_i].field);
	ck_assert_ptr_nonnull(got);
	ck_assert_str_eq(got, pairs[_i].value);
	free(got);
	free(field);
}
END_TEST

static const char *const bad_fields[] = {
	"",
	"%",
	"%4",
	"a%",
	"a%0",
	"%00",
	"a%00b",
	"%41",
	"%7e",
	"%c3",
	"%0a",
	"%GG",
	"% 1",
	"a b",
	"a\nb",
	"a\tb",
	"\x7f",
	"\xff",
	"<",
	">a<b",
	"<>x",
	"x<>",
	"<><>",
	" ",
	"a ",
	"%25%",
	"%2",
};

START_TEST(other_encodings_are_refused)
{
	errno = 0;
	ck_assert_ptr_null(wire_get(span_of(bad_fields[_i])));
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

START_TEST(an_encoded_nul_is_refused)
{
	char *field = encode((struct span){ "a\0b", 3 });

	ck_assert_str_eq(field, "a%00b");
	ck_assert_ptr_null(wire_get(span_of(field)));
	free(field);
}
END_TEST

static const struct {
	const char *line, *fields;
} lines[] = {
	{ "", "" },
	{ "a", "[a]" },
	{ "a b", "[a][b]" },
	{ "rcpt x@y NOTIFY=NEVER", "[rcpt][x@y][NOTIFY=NEVER]" },
	{ " a", "[][a]" },
	{ "a  b", "[a][][b]" },
	{ "a ", "[a ]" },
	{ " ", "[ ]" },
	{ "a b ", "[a][b ]" },
};

START_TEST(fields_are_split_at_single_spaces)
{
	struct span rest = span_of(lines[_i].line), field;
	char *got;
	size_t len;
	FILE *out = open_memstream(&got, &len);

	ck_assert_ptr_nonnull(out);
	while (wire_next(&rest, &field))
		fprintf(out, "[%.*s]", (int)field.len, field.ptr);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_str_eq(got, lines[_i].fields);
	ck_assert_uint_eq(rest.len, 0);
	free(got);
}
END_TEST

START_TEST(lines_end_with_lf)
{
	struct span rest = span_of("one\n\ntwo\r\nthr"), line;

	ck_assert(wire_line(&rest, &line) && span_is(line, "one"));
	ck_assert(wire_line(&rest, &line) && span_is(line, ""));
	ck_assert(wire_line(&rest, &line) && span_is(line, "two\r"));
	ck_assert(!wire_line(&rest, &line));
	ck_assert(span_is(rest, "thr"));
	rest.len = 0;
	ck_assert(!wire_line(&rest, &line));
}
END_TEST

static const struct {
	const char *field;
	unsigned long long max, want;
	bool is_good;
} numbers[] = {
	{ "0", 0, 0, true },
	{ "1", 0, 0, false },
	{ "00000123", 999, 123, true },
	{ "999", 999, 999, true },
	{ "1000", 999, 0, false },
	{ "18446744073709551615", ULLONG_MAX, ULLONG_MAX, true },
	{ "18446744073709551616", ULLONG_MAX, 0, false },
	{ "99999999999999999999999", ULLONG_MAX, 0, false },
	{ "9223372036854775808", LLONG_MAX, 0, false },
	{ "", 9, 0, false },
	{ "-1", 9, 0, false },
	{ "+1", 9, 0, false },
	{ " 1", 9, 0, false },
	{ "1 ", 9, 0, false },
	{ "0x1", 99, 0, false },
	{ "1a", 99, 0, false },
	{ "/", 99, 0, false },
	{ ":", 99, 0, false },
};

START_TEST(numbers_are_plain_digits)
{
	unsigned long long n = 77;

	ck_assert(wire_number(span_of(numbers[_i].field), numbers[_i].max,
		      &n) == numbers[_i].is_good);
	ck_assert_uint_eq(n, numbers[_i].is_good ? numbers[_i].want : 77);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("wire");
	TCase *tc = tcase_create("wire");

	tcase_add_loop_test(tc, every_byte_comes_back, 1, 256);
	tcase_add_loop_test(tc, encoding_is_as_documented, 0, COUNT(pairs));
	tcase_add_loop_test(
	    tc, other_encodings_are_refused, 0, COUNT(bad_fields));
	tcase_add_test(tc, an_encoded_nul_is_refused);
	tcase_add_loop_test(
	    tc, fields_are_split_at_single_spaces, 0, COUNT(lines));
	tcase_add_test(tc, lines_end_with_lf);
	tcase_add_loop_test(tc, numbers_are_plain_digits, 0, COUNT(numbers));
	suite_add_tcase(s, tc);
	return unit_main(s);
}
