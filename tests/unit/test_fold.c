/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Folding.  Cases are written short: in inputs and wants "{N}" repeats what
 * is after it, up to the next '|' which is dropped, N times.  Each case is
 * fed in blocks of every size that matters, and must come out alike.
 */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/fold.h"
#include "lib/utf8.h"
#include "unit.h"

#define E2 "\xc3\xa9"
#define E3 "\xe2\x82\xac"
#define E4 "\xf0\x9f\x93\xac"

static const struct {
	const char *name;
	bool is_header;
	const char *in;
	const char *want; /* NULL: as IN */
} cases[] = {
	{ "nothing", false, "", NULL },
	{ "empty line", false, "\r\n", NULL },
	{ "short lines", false, "a\r\n\r\n.\r\n b\r\n", NULL },
	{ "unfinished", false, "a\r\nb", NULL },
	{ "997", false, "{997}x|\r\n", NULL },
	{ "998", false, "{998}x|\r\ny\r\n", NULL },
	{ "998 unfinished", false, "{998}x|", NULL },
	{ "999", false, "{999}x|\r\ny\r\n", "{998}x|\r\n x\r\ny\r\n" },
	{ "999 unfinished", false, "{999}x|", "{998}x|\r\n x" },
	{ "the second part is full", false, "{1995}x|\r\n",
	    "{998}x|\r\n {997}x|\r\n" },
	{ "and one more", false, "{1996}x|\r\n",
	    "{998}x|\r\n {997}x|\r\n x\r\n" },
	{ "a dot after the cut", false, "{998}x|.\r\n", "{998}x|\r\n .\r\n" },
	{ "dots only", false, "{999}.|\r\n", "{998}.|\r\n .\r\n" },
	{ "spaces only", false, "{999} |\r\n", "{998} |\r\n  \r\n" },
	{ "several", false, "{999}x|\r\na\r\n{999}y|\r\n",
	    "{998}x|\r\n x\r\na\r\n{998}y|\r\n y\r\n" },
	{ "a CR at the limit", false, "{998}x|\r\r\n", "{998}x|\r\n \r\r\n" },
	{ "a CR alone", false, "{997}x|\ry\r\n", "{997}x|\r\r\n y\r\n" },
	{ "a LF alone", false, "x\ny\r\n", NULL },
	/* characters stay whole */
	{ "2 bytes, fits", false, "{996}x|" E2 "\r\n", NULL },
	{ "2 bytes, at the limit", false, "{997}x|" E2 "y\r\n",
	    "{997}x|\r\n " E2 "y\r\n" },
	{ "3 bytes, 1 before", false, "{997}x|" E3 "\r\n",
	    "{997}x|\r\n " E3 "\r\n" },
	{ "3 bytes, 2 before", false, "{996}x|" E3 "\r\n",
	    "{996}x|\r\n " E3 "\r\n" },
	{ "4 bytes, 1 before", false, "{997}x|" E4 "\r\n",
	    "{997}x|\r\n " E4 "\r\n" },
	{ "4 bytes, 2 before", false, "{996}x|" E4 "\r\n",
	    "{996}x|\r\n " E4 "\r\n" },
	{ "4 bytes, 3 before", false, "{995}x|" E4 "\r\n",
	    "{995}x|\r\n " E4 "\r\n" },
	{ "4 bytes, all before", false, "{994}x|" E4 "y\r\n",
	    "{994}x|" E4 "\r\n y\r\n" },
	{ "no characters", false, "{999}\x80|\r\n", "{998}\x80|\r\n \x80\r\n" },
	{ "a lead that promises too much", false,
	    "{994}x|" E2 "\x80\x80\x80\r\n",
	    "{994}x|" E2 "\x80\x80\r\n \x80\r\n" },
	/* header: at white space */
	{ "header 998", true, "S: {995}x|\r\n\r\n{998}x|\r\n", NULL },
	{ "at the last space", true, "S: {900}a|  b {500}c|\r\n",
	    "S: {900}a|  b\r\n {500}c|\r\n" },
	{ "before all of it", true, "S: {900}a| \t {500}c|\r\n",
	    "S: {900}a|\r\n \t {500}c|\r\n" },
	{ "at a tab", true, "S: {900}a|\t{500}c|\r\n",
	    "S: {900}a|\r\n\t{500}c|\r\n" },
	{ "the space is the 999th", true, "S: {995}a| b\r\n",
	    "S: {995}a|\r\n b\r\n" },
	{ "the space is the 998th", true, "S: {994}a| b\r\n",
	    "S: {994}a|\r\n b\r\n" },
	{ "many times", true, "R:{300} <abcdefg>|\r\n\r\n",
	    "R:{99} <abcdefg>|\r\n{99} <abcdefg>|\r\n{99} <abcdefg>|\r\n"
	    "{3} <abcdefg>|\r\n\r\n" },
	{ "behind the colon", true, "S: {997}x|\r\n", "S:\r\n {997}x|\r\n" },
	{ "a fold goes on", true, "S: a\r\n {500}b| {500}c|\r\n",
	    "S: a\r\n {500}b|\r\n {500}c|\r\n" },
	{ "not in the name", true, "S {900} |: {500}x|\r\n",
	    "S {900} |:\r\n {500}x|\r\n" },
	/* header: in a word */
	{ "no space", true, "S:{997}x|\r\n", "S:{996}x|\r\n x\r\n" },
	{ "no space in a fold", true, "S: a\r\n\t{998}x|\r\n",
	    "S: a\r\n\t{997}x|\r\n x\r\n" },
	{ "a word as long as two lines", true, "S: {1995}x|\r\n",
	    "S:\r\n {997}x|\r\n {997}x|\r\n x\r\n" },
	{ "a word of characters", true, "S:{500}" E2 "|\r\n",
	    "S:{498}" E2 "|\r\n {2}" E2 "|\r\n" },
	{ "a name without end", true, "{999}x|\r\n", "{998}x|\r\n x\r\n" },
	/* header: no line of white space only */
	{ "white space at the end", true, "S: x{2000} |\r\nT: y\r\n",
	    "S: x\r\nT: y\r\n" },
	{ "the 999th is the last", true, "S: {995}x| \r\n", "S: {995}x|\r\n" },
	{ "white space before the value", true, "S:{2000} |x\r\n",
	    "S:\r\n{6} |x\r\n" },
	{ "in the middle", true, "S: x{3000}\t|y\r\n", "S: x\r\n{9}\t|y\r\n" },
	{ "a fold that begins with it", true, "S: x\r\n{1000} |y\r\n",
	    "S: x\r\n   y\r\n" },
	{ "unfinished, in white space", true, "S: x{2000} |", "S: x" },
	/* from header to body */
	{ "the body is no header", true, "S: x\r\n\r\n{500}a| {500}b|\r\n",
	    "S: x\r\n\r\n{500}a| {497}b|\r\n bbb\r\n" },
	{ "all is body", true, "\r\n{500}a| {500}b|\r\n",
	    "\r\n{500}a| {497}b|\r\n bbb\r\n" },
};

#define CASES ((int)(sizeof(cases) / sizeof(cases[0])))

/* What "{N}…|" stands for; to be freed. */
static char *
expand(const char *text)
{
	char *out = NULL;
	size_t len;
	FILE *f = open_memstream(&out, &len);

	while (*text != '\0') {
		const char *end;
		long n;

		if (*text != '{') {
			putc(*text++, f);
			continue;
		}
		n = strtol(text + 1, NULL, 10);
		text = strchr(text, '}') + 1;
		end = strchr(text, '|');
		while (n-- > 0)
			fwrite(text, 1, (size_t)(end - text), f);
		text = end + 1;
	}
	ck_assert_int_eq(fclose(f), 0);
	return out;
}

static int
put(const char *bytes, size_t len, void *arg)
{
	return fwrite(bytes, 1, len, arg) == len ? 0 : -EIO;
}

/* Fold IN in blocks of STEP after a first one of FIRST; to be freed. */
static char *
fold(const char *in, size_t in_len, bool is_header, size_t first, size_t step,
    size_t *ret_len)
{
	char *out = NULL;
	FILE *f = open_memstream(&out, ret_len);
	struct fold fold;

	fold_init(&fold, is_header, put, f);
	for (size_t n = first; in_len > 0; n = step) {
		if (n > in_len)
			n = in_len;
		ck_assert_int_eq(fold_block(&fold, in, n), 0);
		in += n;
		in_len -= n;
	}
	ck_assert_int_eq(fold_end(&fold), 0);
	ck_assert_int_eq(fclose(f), 0);
	return out;
}

START_TEST(every_cut_gives_the_same)
{
	static const size_t steps[] = { 1, 7, 998, 65536 };
	char *in = expand(cases[_i].in);
	char *want =
	    expand(cases[_i].want != NULL ? cases[_i].want : cases[_i].in);
	size_t len = strlen(in);

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		for (size_t first = 1; first <= len;
		     first += first % 990 < 12 ? 1 : 70) {
			size_t got_len;
			char *got = fold(in, len, cases[_i].is_header, first,
			    steps[i], &got_len);

			if (strcmp(got, want) != 0)
				ck_abort_msg("%s, %zu then %zu:\n%s",
				    cases[_i].name, first, steps[i], got);
			free(got);
		}
	free(in);
	free(want);
}
END_TEST

/* The same in pieces without line ends, as admission has them. */
START_TEST(pieces_give_the_same)
{
	char *in = expand(cases[_i].in), *got = NULL, *at;
	char *want =
	    expand(cases[_i].want != NULL ? cases[_i].want : cases[_i].in);
	size_t len, step;

	for (step = 1; step < 1002; step += 99) {
		FILE *f = open_memstream(&got, &len);
		struct fold fold;

		fold_init(&fold, cases[_i].is_header, put, f);
		for (at = in; *at != '\0';) {
			char *end = strstr(at, "\r\n");
			size_t left =
			    end != NULL ? (size_t)(end - at) : strlen(at);
			size_t n = left < step ? left : step;
			bool ends = n == left && end != NULL;

			ck_assert_int_eq(fold_piece(&fold, at, n, ends), 0);
			at += n + (ends ? 2 : 0);
		}
		ck_assert_int_eq(fold_end(&fold), 0);
		ck_assert_int_eq(fclose(f), 0);
		ck_assert_str_eq(got, want);
		free(got);
	}
	free(in);
	free(want);
}
END_TEST

START_TEST(a_long_line_is_seen)
{
	static const struct {
		const char *text;
		bool is_due;
	} rows[] = {
		{ "", false },
		{ "{998}x|\r\n", false },
		{ "{999}x|\r\n", true },
		{ "{998}x|\r\n{998}x|\r\n", false },
		{ "a\r\n{999}x|\r\nb\r\n", true },
		{ "{5000}x|", true },
		{ "{500}\r\n|{500}ab\r\n|", false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text = expand(rows[i].text);
		size_t len = strlen(text);

		for (size_t step = 1; step <= len + 1; step++) {
			bool is_due = false;
			size_t line = 0, off;

			for (off = 0; off < len && !is_due; off += step)
				is_due = fold_is_due(text + off,
				    len - off < step ? len - off : step, &line);
			ck_assert_int_eq(is_due, rows[i].is_due);
		}
		free(text);
	}
}
END_TEST

/* ---- what must hold for any text ---------------------------------------- */

static uint32_t seed = 1;

static uint32_t
draw(uint32_t limit)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % limit;
}

/* Text of long runs: white space, words, characters, line ends, any bytes. */
static size_t
random_text(char *text, size_t size, bool is_binary)
{
	static const char *const parts[] = { "x", ".", " ", "\t", E2, E3, E4,
		":", "\r\n", "\r\n", "ab " };
	size_t len = 0;

	while (len + 3000 < size) {
		const char *part = parts[draw(11)];
		uint32_t times = draw(4) == 0 ? draw(600) : draw(4);

		for (; times > 0; times--) {
			memcpy(text + len, part, strlen(part));
			len += strlen(part);
		}
		if (is_binary && draw(2) == 0)
			text[len++] = (char)draw(256);
	}
	memcpy(text + len, "\r\n", 2);
	return len + 2;
}

/* TEXT without what is white space to a header. */
static size_t
squeeze(char *text, size_t len)
{
	size_t kept = 0;

	for (size_t i = 0; i < len; i++)
		if (strchr(" \t\r\n", text[i]) == NULL || text[i] == '\0')
			text[kept++] = text[i];
	return kept;
}

/* Each line of OUT is short; of a header, not blank unless it was in IN. */
static void
check_lines(const char *out, size_t len, bool is_text)
{
	while (len > 0) {
		const char *end = memmem(out, len, "\r\n", 2);
		size_t n = end != NULL ? (size_t)(end - out) : len;

		ck_assert_uint_le(n, FOLD_LINE_MAX);
		if (is_text)
			ck_assert(utf8_is_valid((struct span){ out, n }));
		n += end != NULL ? 2 : 0;
		out += n;
		len -= n;
	}
}

START_TEST(any_body_can_be_unfolded)
{
	static char in[20000];
	bool is_binary = _i % 2 == 1;

	seed = (uint32_t)_i;
	for (int round = 0; round < 30; round++) {
		size_t len = random_text(in, sizeof(in), is_binary), out_len;
		char *out = fold(
		    in, len, false, 1 + draw(2000), 1 + draw(70000), &out_len);
		size_t from = 0, kept = 0;

		check_lines(out, out_len, !is_binary);
		/* Take out what is not in the input. */
		for (; from < out_len; from++) {
			if (kept < len && out[from] == in[kept] &&
			    (out_len - from < 3 ||
				memcmp(out + from, "\r\n ", 3) != 0 ||
				(len - kept >= 3 &&
				    memcmp(in + kept, "\r\n ", 3) == 0)))
				kept++;
			else
				from += 2;
		}
		ck_assert_uint_eq(kept, len);
		free(out);
	}
}
END_TEST

START_TEST(any_header_keeps_its_words)
{
	static char in[20000];

	seed = (uint32_t)_i + 1000;
	for (int round = 0; round < 30; round++) {
		size_t len = random_text(in, sizeof(in), _i % 2 == 1), out_len;
		char *out = fold(
		    in, len, true, 1 + draw(2000), 1 + draw(70000), &out_len);

		check_lines(out, out_len, _i % 2 == 0);
		len = squeeze(in, len);
		out_len = squeeze(out, out_len);
		ck_assert_uint_eq(len, out_len);
		ck_assert_int_eq(memcmp(in, out, len), 0);
		free(out);
	}
}
END_TEST

static int
count_down(const char *bytes, size_t len, void *arg)
{
	int *left = arg;

	(void)bytes;
	(void)len;
	return --*left > 0 ? 0 : -EPIPE;
}

START_TEST(a_failure_is_passed_on)
{
	static const char in[] = "S: x\r\n\r\nab\r\n";
	char *text = expand("{3000}x|\r\n");

	for (int calls = 1; calls < 8; calls++) {
		struct fold fold;
		int left = calls, err;

		fold_init(&fold, true, count_down, &left);
		err = fold_block(&fold, in, sizeof(in) - 1);
		if (err == 0)
			err = fold_block(&fold, text, strlen(text));
		ck_assert_int_eq(err, -EPIPE);
		ck_assert_int_eq(left, 0);
	}
	free(text);
}
END_TEST

/* One line of 50 MB: memory is what struct fold has. */
START_TEST(a_line_may_be_endless)
{
	static char block[65536];
	struct fold fold;
	size_t total = 0;

	memset(block, 'x', sizeof(block));
	fold_init(&fold, false, count_down, &(int){ 1 << 30 });
	for (; total < 50u << 20; total += sizeof(block))
		ck_assert_int_eq(fold_block(&fold, block, sizeof(block)), 0);
	ck_assert_int_eq(fold_end(&fold), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("fold");
	TCase *tc = tcase_create("fold");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, every_cut_gives_the_same, 0, CASES);
	tcase_add_loop_test(tc, pieces_give_the_same, 0, CASES);
	tcase_add_test(tc, a_long_line_is_seen);
	tcase_add_loop_test(tc, any_body_can_be_unfolded, 0, 6);
	tcase_add_loop_test(tc, any_header_keeps_its_words, 0, 6);
	tcase_add_test(tc, a_failure_is_passed_on);
	tcase_add_test(tc, a_line_may_be_endless);
	suite_add_tcase(s, tc);
	return unit_main(s);
}
