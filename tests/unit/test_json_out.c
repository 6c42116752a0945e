/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* JSON as we write it, beside what json-c writes and reads. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <string.h>
#include <unistd.h>

#include "lib/event.h"
#include "lib/journal.h"
#include "lib/json-out.h"
#include "tests/unit/unit.h"

static struct json_out out;

static void
setup(void)
{
	out = (struct json_out){ .text = NULL };
}

static void
teardown(void)
{
	json_out_free(&out);
	ck_assert_ptr_null(out.text);
}

static const char *
text(void)
{
	json_out_raw(&out, "", 1);
	ck_assert(!out.failed);
	return out.text;
}

START_TEST(strings_are_those_of_json_c)
{
	char s[] = { 'a', (char)(_i + 1), 'b', (char)(_i + 1), '\0' };
	struct json_object *obj = event_new_string(s);

	json_out_string(&out, s);
	ck_assert_str_eq(text(),
	    json_object_to_json_string_ext(
		obj, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(obj);
}
END_TEST

static const struct {
	const char *in, *want;
} strings[] = {
	{ "", "\"\"" },
	{ "plain/slash", "\"plain/slash\"" },
	{ "\"\\", "\"\\\"\\\\\"" },
	{ "a\x1b[31m\n", "\"a\\\\x1B[31m\\\\x0A\"" },
	{ "\x01\x1f\x7f", "\"\\\\x01\\\\x1F\\\\x7F\"" },
	{ " ~", "\" ~\"" },
	{ "\xc2\x9b", "\"\\\\u{9B}\"" },
	{ "\xc3\xa9", "\"\xc3\xa9\"" },
	{ "a\x80z", "\"a\\\\x80z\"" },
	{ "\xc3\xa9\n", "\"\xc3\xa9\\\\x0A\"" },
};

START_TEST(strings_are_utf8)
{
	json_out_string(&out, strings[_i].in);
	ck_assert_str_eq(text(), strings[_i].want);
}
END_TEST

static const struct {
	int64_t us;
	const char *want;
} times[] = {
	{ 0, "{\"t\":0.000000" },
	{ 1, "{\"t\":0.000001" },
	{ -1, "{\"t\":-0.000001" },
	{ 1763770000123456, "{\"t\":1763770000.123456" },
	{ 60000000, "{\"t\":60.000000" },
	{ INT64_MAX, "{\"t\":9223372036854.775807" },
	{ INT64_MIN, "{\"t\":-9223372036854.775808" },
};

START_TEST(times_have_six_decimals)
{
	json_out_raw(&out, "{", 1);
	json_out_time(&out, "t", times[_i].us);
	ck_assert_str_eq(text(), times[_i].want);
}
END_TEST

START_TEST(members_have_their_commas)
{
	json_out_raw(&out, "{", 1);
	json_out_uint(&out, "a", 0);
	json_out_uint(&out, "b", UINT64_MAX);
	json_out_member(&out, "none", NULL);
	json_out_member(&out, "c", "{");
	json_out_member(&out, "d", "");
	json_out_raw(&out, "}", 1);
	ck_assert_str_eq(text(),
	    "{\"a\":0,\"b\":18446744073709551615,\"c\":\"{\",\"d\":\"\"}");
}
END_TEST

START_TEST(it_grows_and_can_be_cut)
{
	static char big[10001];

	memset(big, 'x', sizeof(big) - 1);
	json_out_raw(&out, "{}", 2);
	json_out_string(&out, big);
	ck_assert_uint_eq(out.len, 10004);
	json_out_cut(&out, 2);
	ck_assert_str_eq(text(), "{}");
}
END_TEST

static const char *const rcpts[] = { "a@x.test", "\"b c\"@x.test" };

static const struct {
	struct event ev;
	const char *want;
} events[] = {
	{ { .kind = EVENT_ADMITTED,
	      .seq = 7,
	      .id = "3286A1B2C3",
	      .time_us = 1763770000123456,
	      .index = -1,
	      .delay_us = -1,
	      .arrival_us = 1763770000000001,
	      .size_bytes = 12345678901234,
	      .uid = 4294967294u,
	      .sender = "",
	      .rcpts = rcpts,
	      .nrcpts = 2 },
	    "{\"seq\":7,\"time\":1763770000.123456,\"event\":\"admitted\","
	    "\"id\":\"3286A1B2C3\",\"arrival\":1763770000.000001,"
	    "\"size\":12345678901234,\"uid\":4294967294,\"sender\":\"\","
	    "\"rcpts\":[\"a@x.test\",\"\\\"b c\\\"@x.test\"]}" },
	{ { .kind = EVENT_ADMITTED,
	      .seq = 8,
	      .id = "3286A1B2C3",
	      .time_us = 1,
	      .index = -1,
	      .delay_us = -1,
	      .sender = "s@x.test",
	      .lane = "otp",
	      .expires_us = 2000000,
	      .not_before_us = 1000000,
	      .report_of = "3286A1B2C2",
	      .rcpts = rcpts,
	      .nrcpts = 1 },
	    "{\"seq\":8,\"time\":0.000001,\"event\":\"admitted\","
	    "\"id\":\"3286A1B2C3\",\"arrival\":0.000000,\"size\":0,\"uid\":0,"
	    "\"sender\":\"s@x.test\",\"lane\":\"otp\",\"expires\":2.000000,"
	    "\"not_before\":1.000000,\"report_of\":\"3286A1B2C2\","
	    "\"rcpts\":[\"a@x.test\"]}" },
	{ { .kind = EVENT_DEFERRED,
	      .seq = 9,
	      .id = "3286A1B2C3",
	      .time_us = 1763770001000000,
	      .index = 0,
	      .rcpt = "bob@example.net",
	      .relay = "default",
	      .server = "192.0.2.1:25",
	      .reply = "450 \"4.2.0\" busy",
	      .note = "a note",
	      .indexes = "0-9",
	      .delay_us = 182000,
	      .next_us = 1763770060000000 },
	    "{\"seq\":9,\"time\":1763770001.000000,\"event\":\"deferred\","
	    "\"id\":\"3286A1B2C3\",\"index\":0,\"rcpt\":\"bob@example.net\","
	    "\"relay\":\"default\",\"server\":\"192.0.2.1:25\","
	    "\"reply\":\"450 \\\"4.2.0\\\" busy\",\"note\":\"a note\","
	    "\"indexes\":\"0-9\",\"delay\":0.182000,"
	    "\"next\":1763770060.000000}" },
	{ { .kind = EVENT_UNCERTAIN,
	      .seq = 11,
	      .id = "3286A1B2C3",
	      .index = 0,
	      .delay_us = -1,
	      .rcpt = "bob@example.net",
	      .reply = "[local] died",
	      .attempts = 3 },
	    "{\"seq\":11,\"time\":0.000000,\"event\":\"uncertain\","
	    "\"id\":\"3286A1B2C3\",\"index\":0,\"rcpt\":\"bob@example.net\","
	    "\"reply\":\"[local] died\",\"attempts\":3}" },
	{ { .kind = EVENT_RELAY_UP, .seq = 10, .index = -1, .delay_us = -1 },
	    "{\"seq\":10,\"time\":0.000000,\"event\":\"relay-up\"}" },
};

START_TEST(events_are_written_as_documented)
{
	struct json_object *obj = event_to_json(&events[_i].ev);
	struct event back;

	event_put(&out, &events[_i].ev);
	ck_assert_str_eq(text(), events[_i].want);
	ck_assert_str_eq(
	    json_object_to_json_string_ext(
		obj, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE),
	    events[_i].want);
	ck_assert_int_eq(event_from_json(obj, &back), 0);
	ck_assert_int_eq(back.kind, events[_i].ev.kind);
	ck_assert_pstr_eq(back.lane, events[_i].ev.lane);
	ck_assert_pstr_eq(back.indexes, events[_i].ev.indexes);
	ck_assert_int_eq(back.expires_us, events[_i].ev.expires_us);
	ck_assert_int_eq(event_sets_attempts(&back),
	    event_sets_attempts(&events[_i].ev));
	event_release(&back);
	json_object_put(obj);
}
END_TEST

static int
count(const struct event *ev, void *arg)
{
	(void)ev;
	++*(unsigned *)arg;
	return 0;
}

START_TEST(lines_gather_and_go_together)
{
	char dir[] = "/tmp/spoold-test-XXXXXX", cmd[64];
	struct event ev = { .kind = EVENT_RELAY_UP, .index = -1 };
	struct journal j;
	uint64_t last;
	unsigned n = 0;
	int dir_fd, fd;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY);
	ck_assert_int_eq(journal_open(&j, dir_fd, 0), 0);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(journal_put(&j, &ev), 0);
	ck_assert_uint_eq(ev.seq, 3);
	ck_assert_int_eq(journal_replay(dir_fd, 0, count, &n, &last), 0);
	ck_assert_uint_eq(n, 0);
	ck_assert_int_eq(journal_flush(&j), 0);
	ck_assert_int_eq(journal_flush(&j), 0);
	ck_assert_int_eq(journal_replay(dir_fd, 0, count, &n, &last), 0);
	ck_assert_uint_eq(n, 3);
	/* What cannot be written is forgotten, its number is not. */
	fd = j.fd;
	j.fd = open("/dev/full", O_WRONLY);
	ck_assert_int_eq(journal_put(&j, &ev), 0);
	ck_assert_int_eq(journal_flush(&j), -ENOSPC);
	(void)close(j.fd);
	j.fd = fd;
	ck_assert_int_eq(journal_flush(&j), 0);
	/* A new journal begins after what was gathered for the old one. */
	ck_assert_int_eq(journal_put(&j, &ev), 0);
	ck_assert_uint_eq(ev.seq, 5);
	ck_assert_int_eq(journal_rotate(&j), 0);
	ck_assert_uint_eq(j.bytes, 0);
	n = 0;
	ck_assert_int_eq(journal_replay(dir_fd, 0, count, &n, &last), 0);
	ck_assert_uint_eq(n, 4);
	ck_assert_uint_eq(last, 5);
	journal_close(&j);
	(void)close(dir_fd);
	(void)snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	ck_assert_int_eq(system(cmd), 0);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

int
main(void)
{
	Suite *s = suite_create("json out");
	TCase *tc = tcase_create("json out");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, strings_are_those_of_json_c, 0, 255);
	tcase_add_loop_test(tc, strings_are_utf8, 0, COUNT(strings));
	tcase_add_loop_test(tc, times_have_six_decimals, 0, COUNT(times));
	tcase_add_test(tc, members_have_their_commas);
	tcase_add_test(tc, it_grows_and_can_be_cut);
	tcase_add_loop_test(
	    tc, events_are_written_as_documented, 0, COUNT(events));
	tcase_add_test(tc, lines_gather_and_go_together);
	suite_add_tcase(s, tc);
	return unit_main(s);
}
