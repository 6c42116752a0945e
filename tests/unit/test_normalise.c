/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The reply normaliser: whatever a server sends, whole replies or none. */

#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spoold/smtp/normalise.h"
#include "tests/unit/unit.h"

/* Some bytes hold NUL: the length is said where it matters. */
#define BYTES(s) (s), sizeof(s) - 1

static const struct {
	const char *name;
	const char *bytes;
	size_t len;
	enum normalised state;
	unsigned code;
	const char *text; /* of a complete reply */
	size_t rest;      /* bytes behind it that are not taken */
} cases[] = {
	{ "one line", BYTES("250 2.1.0 Ok\r\n"), REPLY_COMPLETE, 250,
	    "2.1.0 Ok", 0 },
	{ "lone LF", BYTES("250 Ok\n"), REPLY_COMPLETE, 250, "Ok", 0 },
	{ "no text", BYTES("250\r\n"), REPLY_COMPLETE, 250, "", 0 },
	{ "no text, lone LF", BYTES("250\n"), REPLY_COMPLETE, 250, "", 0 },
	{ "empty text", BYTES("354 \r\n"), REPLY_COMPLETE, 354, "", 0 },
	{ "several lines", BYTES("250-a\r\n250-b c\r\n250 d\r\n"),
	    REPLY_COMPLETE, 250, "a\nb c\nd", 0 },
	{ "last line bare", BYTES("550-no\r\n550\r\n"), REPLY_COMPLETE, 550,
	    "no\n", 0 },
	{ "empty lines", BYTES("250-\r\n250-\r\n250 \r\n"), REPLY_COMPLETE, 250,
	    "\n\n", 0 },
	{ "two replies", BYTES("250 a\r\n550 b\r\n"), REPLY_COMPLETE, 250, "a",
	    7 },
	{ "dashes in the text", BYTES("250 -\r\n"), REPLY_COMPLETE, 250, "-",
	    0 },
	{ "CR in the text", BYTES("250 a\rb\r\r\n"), REPLY_COMPLETE, 250,
	    "a\rb\r", 0 },
	{ "escape sequence", BYTES("250 \033[2J\r\n"), REPLY_COMPLETE, 250,
	    "\033[2J", 0 },
	{ "8-bit text", BYTES("250 \xc3\xbc\xff\r\n"), REPLY_COMPLETE, 250,
	    "\xc3\xbc\xff", 0 },
	{ "nothing", BYTES(""), REPLY_MORE, 0, NULL, 0 },
	{ "half a code", BYTES("25"), REPLY_MORE, 0, NULL, 0 },
	{ "no line end", BYTES("250 Ok"), REPLY_MORE, 0, NULL, 0 },
	{ "no LF", BYTES("250 Ok\r"), REPLY_MORE, 0, NULL, 0 },
	{ "breaks off", BYTES("250-a\r\n"), REPLY_MORE, 0, NULL, 0 },
	{ "breaks off in a code", BYTES("250-a\r\n25"), REPLY_MORE, 0, NULL,
	    0 },
	{ "greeting of a person", BYTES("hello\r\n"), REPLY_BROKEN, 0, NULL,
	    6 },
	{ "HTTP", BYTES("HTTP/1.1 400 Bad\r\n"), REPLY_BROKEN, 0, NULL, 17 },
	{ "SSH", BYTES("SSH-2.0-x\r\n"), REPLY_BROKEN, 0, NULL, 10 },
	{ "empty line", BYTES("\r\n"), REPLY_BROKEN, 0, NULL, 1 },
	{ "leading space", BYTES(" 250 Ok\r\n"), REPLY_BROKEN, 0, NULL, 8 },
	{ "NUL", BYTES("\0\0\0\r\n"), REPLY_BROKEN, 0, NULL, 4 },
	{ "NUL behind the code", BYTES("250\0Ok\r\n"), REPLY_BROKEN, 0, NULL,
	    4 },
	{ "1yz", BYTES("150 wait\r\n"), REPLY_BROKEN, 0, NULL, 9 },
	{ "0yz", BYTES("099 x\r\n"), REPLY_BROKEN, 0, NULL, 6 },
	{ "6yz", BYTES("650 x\r\n"), REPLY_BROKEN, 0, NULL, 6 },
	{ "negative", BYTES("-25 x\r\n"), REPLY_BROKEN, 0, NULL, 6 },
	{ "two digits", BYTES("25 x\r\n"), REPLY_BROKEN, 0, NULL, 3 },
	{ "four digits", BYTES("2500 x\r\n"), REPLY_BROKEN, 0, NULL, 4 },
	{ "tab", BYTES("250\tx\r\n"), REPLY_BROKEN, 0, NULL, 3 },
	{ "changes its code", BYTES("250-a\r\n550 b\r\n"), REPLY_BROKEN, 0,
	    NULL, 3 },
	{ "changes it by one", BYTES("250-a\r\n251-b\r\n250 c\r\n"),
	    REPLY_BROKEN, 0, NULL, 10 },
	{ "line without code", BYTES("250-a\r\nb\r\n250 c\r\n"), REPLY_BROKEN,
	    0, NULL, 9 },
};

static void
check_reply(const struct normaliser *n, int i)
{
	ck_assert_uint_eq(n->reply.code, cases[i].code);
	ck_assert_uint_eq(n->reply.len, strlen(cases[i].text));
	ck_assert_mem_eq(n->reply.text, cases[i].text, n->reply.len);
}

START_TEST(takes_a_reply_at_once)
{
	struct normaliser n;
	size_t used;

	normaliser_reset(&n);
	ck_assert_int_eq(
	    normaliser_feed(&n, cases[_i].bytes, cases[_i].len, &used),
	    cases[_i].state);
	ck_assert_uint_eq(cases[_i].len - used, cases[_i].rest);
	if (cases[_i].state == REPLY_COMPLETE)
		check_reply(&n, _i);
	if (cases[_i].state == REPLY_BROKEN)
		ck_assert_ptr_nonnull(n.why);
}
END_TEST

START_TEST(takes_a_reply_byte_by_byte)
{
	enum normalised state = REPLY_MORE;
	struct normaliser n;
	size_t used, i;

	normaliser_reset(&n);
	for (i = 0; i < cases[_i].len && state == REPLY_MORE; i++) {
		state = normaliser_feed(&n, cases[_i].bytes + i, 1, &used);
		ck_assert_uint_eq(used, 1);
	}
	ck_assert_int_eq(state, cases[_i].state);
	ck_assert_uint_eq(cases[_i].len - i, cases[_i].rest);
	if (state == REPLY_COMPLETE)
		check_reply(&n, _i);
}
END_TEST

/* What a line of LEN bytes of text comes to. */
static enum normalised
feed_long_line(struct normaliser *n, size_t len)
{
	enum normalised state;
	size_t used;

	normaliser_reset(n);
	state = normaliser_feed(n, "250 ", 4, &used);
	for (size_t i = 0; i < len && state == REPLY_MORE; i++)
		state = normaliser_feed(n, i % 2 == 0 ? "x" : " ", 1, &used);
	if (state == REPLY_MORE)
		state = normaliser_feed(n, "\r\n", 2, &used);
	return state;
}

START_TEST(takes_long_lines_up_to_a_bound)
{
	struct normaliser n;

	ck_assert_int_eq(feed_long_line(&n, 1500), REPLY_COMPLETE);
	ck_assert_uint_eq(n.reply.len, 1500);
	ck_assert_int_eq(
	    feed_long_line(&n, REPLY_LINE_MAX - 5), REPLY_COMPLETE);
	ck_assert_int_eq(feed_long_line(&n, REPLY_LINE_MAX), REPLY_BROKEN);
	ck_assert_int_eq(feed_long_line(&n, 1 << 20), REPLY_BROKEN);
}
END_TEST

/* The reply to EHLO that never ends. */
START_TEST(gives_an_endless_reply_up)
{
	enum normalised state = REPLY_MORE;
	struct normaliser n;
	size_t used, bytes = 0;

	normaliser_reset(&n);
	while (state == REPLY_MORE && bytes < 10 * REPLY_BYTES_MAX) {
		state = normaliser_feed(&n, "250-STARTTLS\r\n", 14, &used);
		bytes += used;
	}
	ck_assert_int_eq(state, REPLY_BROKEN);
	ck_assert_uint_eq(bytes, REPLY_BYTES_MAX + 1);
	ck_assert_uint_le(n.reply.len, REPLY_TEXT_MAX);
}
END_TEST

/* More text than is kept: the rest is dropped, the reply is whole. */
START_TEST(cuts_the_text_of_a_long_reply)
{
	enum normalised state;
	struct normaliser n;
	size_t used;

	normaliser_reset(&n);
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(
		    normaliser_feed(&n, "250-0123456789\r\n", 16, &used),
		    REPLY_MORE);
	state = normaliser_feed(&n, "250 end\r\n550 next\r\n", 19, &used);
	ck_assert_int_eq(state, REPLY_COMPLETE);
	ck_assert_uint_eq(used, 9);
	ck_assert_uint_eq(n.reply.len, REPLY_TEXT_MAX);
}
END_TEST

START_TEST(starts_afresh_after_a_reset)
{
	struct normaliser n;
	size_t used;

	normaliser_reset(&n);
	(void)normaliser_feed(&n, "550-abc\r", 8, &used);
	normaliser_reset(&n);
	ck_assert_int_eq(
	    normaliser_feed(&n, "220 hi\r\n", 8, &used), REPLY_COMPLETE);
	ck_assert_uint_eq(n.reply.code, 220);
	ck_assert_uint_eq(n.reply.len, 2);
}
END_TEST

static const struct {
	unsigned code;
	const char *text;
	size_t len;
	const char *flat;
	const char *said;
} texts[] = {
	{ 250, BYTES("2.1.0 Ok"), "250 2.1.0 Ok\r\n", "250 2.1.0 Ok" },
	{ 250, BYTES(""), "250 no text\r\n", "250" },
	{ 550, BYTES("5.1.1 no\n5.1.1 such"), "550 5.1.1 no 5.1.1 such\r\n",
	    "550 5.1.1 no 5.1.1 such" },
	{ 250, BYTES("a\rb"), "250 a?b\r\n", NULL },
	{ 250, BYTES("a\0b"), "250 a?b\r\n", NULL },
	{ 250, BYTES("\033[2J\x7f"), "250 ?[2J?\r\n", NULL },
	{ 250, BYTES("\xc3\xbc"), "250 ??\r\n", "250 \xc3\xbc" },
	{ 334, BYTES("PDE4OTYuNjk3QHg+"), "334 PDE4OTYuNjk3QHg+\r\n",
	    "334 PDE4OTYuNjk3QHg+" },
};

static void
set_reply(struct reply *r, int i)
{
	r->code = texts[i].code;
	r->len = texts[i].len;
	memcpy(r->text, texts[i].text, texts[i].len);
}

START_TEST(flattens_for_libesmtp)
{
	struct reply r;
	char buf[1024];
	size_t len;

	set_reply(&r, _i);
	len = reply_flatten(&r, buf, sizeof(buf));
	ck_assert_str_eq(buf, texts[_i].flat);
	ck_assert_uint_eq(len, strlen(buf));
}
END_TEST

/* Whatever room there is, a whole line of printable ASCII comes out. */
START_TEST(flattens_into_any_room)
{
	char *buf = malloc((size_t)_i);
	struct reply r = { .code = 250, .len = REPLY_TEXT_MAX };
	size_t len;

	memset(r.text, '\n', sizeof(r.text));
	len = reply_flatten(&r, buf, (size_t)_i);
	ck_assert_uint_lt(len, (size_t)_i);
	ck_assert_uint_eq(len, strlen(buf));
	ck_assert_str_eq(buf + len - 2, "\r\n");
	for (size_t i = 0; i < len - 2; i++)
		ck_assert(buf[i] >= ' ' && buf[i] <= '~');
	r.len = 0;
	len = reply_flatten(&r, buf, (size_t)_i);
	ck_assert_uint_lt(len, (size_t)_i);
	ck_assert_str_eq(buf + len - 2, "\r\n");
	free(buf);
}
END_TEST

START_TEST(describes_for_people)
{
	struct reply r;
	char *said;

	set_reply(&r, _i);
	said = reply_describe(&r);
	ck_assert_ptr_nonnull(said);
	if (texts[_i].said != NULL)
		ck_assert_str_eq(said, texts[_i].said);
	for (const char *p = said; *p != '\0'; p++)
		ck_assert_msg((unsigned char)*p >= ' ' && *p != 0x7f,
		    "a control character in '%s'", said);
	free(said);
}
END_TEST

START_TEST(describes_within_bounds)
{
	struct reply r = { .code = 550, .len = REPLY_TEXT_MAX };
	char *said;

	memset(r.text, 1, sizeof(r.text));
	said = reply_describe(&r);
	ck_assert_ptr_nonnull(said);
	ck_assert_uint_le(strlen(said), 1000);
	free(said);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("normalise");
	TCase *tc = tcase_create("all");
	int count = (int)(sizeof(cases) / sizeof(cases[0]));
	int text_count = (int)(sizeof(texts) / sizeof(texts[0]));

	tcase_add_loop_test(tc, takes_a_reply_at_once, 0, count);
	tcase_add_loop_test(tc, takes_a_reply_byte_by_byte, 0, count);
	tcase_add_test(tc, takes_long_lines_up_to_a_bound);
	tcase_add_test(tc, gives_an_endless_reply_up);
	tcase_add_test(tc, cuts_the_text_of_a_long_reply);
	tcase_add_test(tc, starts_afresh_after_a_reset);
	tcase_add_loop_test(tc, flattens_for_libesmtp, 0, text_count);
	tcase_add_loop_test(tc, flattens_into_any_room, 16, 40);
	tcase_add_loop_test(tc, describes_for_people, 0, text_count);
	tcase_add_test(tc, describes_within_bounds);
	suite_add_tcase(s, tc);
	return unit_main(s);
}
