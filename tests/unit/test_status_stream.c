/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The status read a line at a time is what it is as a whole. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/json-in.h"
#include "lib/status-stream.h"
#include "tests/unit/unit.h"

#define NOW_US INT64_C(1763770000123456)
#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))

/* ---- values ---------------------------------------------------------- */

/* IN as what reads TEXT, which is copied to where it can be altered. */
static void
begin(struct json_in *in, const char *text)
{
	static char buf[4096];

	ck_assert_uint_lt(strlen(text), sizeof buf);
	json_in_begin(in, strcpy(buf, text), strlen(text));
}

static const struct {
	const char *text, *want; /* NULL: it is none */
} strings[] = {
	{ "\"\"", "" },
	{ " \"a\" ", "a" },
	{ "\"a\\\"b\\\\c\\/d\\b\\f\\n\\r\\t\"", "a\"b\\c/d\b\f\n\r\t" },
	{ "\"\\u0041\\u00e4\\u20AC\\ud83d\\uDE00\"",
	    "A\u00e4\u20ac\U0001f600" },
	{ "\"\u00e4\"", "\u00e4" },
	{ "\"a", NULL },
	{ "\"a\\\"", NULL },
	{ "\"\\", NULL },
	{ "\"\\x41\"", NULL },
	{ "\"\\u12\"", NULL },
	{ "\"\\u123", NULL },
	{ "\"\\u00g1\"", NULL },
	{ "\"\\u0000\"", NULL },
	{ "\"\\ud800\"", NULL },
	{ "\"\\ud800\\n\"", NULL },
	{ "\"\\ud800\\u0041\"", NULL },
	{ "\"\\udc00\"", NULL },
	{ "\"a\nb\"", NULL },
	{ "a", NULL },
	{ "7", NULL },
	{ "", NULL },
};

START_TEST(string_is_what_it_means)
{
	struct json_in in;
	const char *got;

	begin(&in, strings[_i].text);
	got = json_in_string(&in);
	ck_assert_pstr_eq(got, strings[_i].want);
	ck_assert(in.bad == (got == NULL));
	ck_assert(json_in_ends(&in) == (got != NULL));
}
END_TEST

static const struct {
	const char *text;
	int64_t want_us;
	bool bad;
} times[] = {
	{ "1763770000.123456", NOW_US, false },
	{ " 1763770000.123456 ", NOW_US, false },
	{ "0.000001", 1, false },
	{ "-0.000001", -1, false },
	{ "12", 12000000, false },
	{ "1.5", 1500000, false },
	{ "1.5e2", 150000000, false },
	{ "1e400", 0, true },
	{ "5000000000.000000", 0, false },
	{ "1.", 0, true },
	{ "01", 0, true },
	{ "+1", 0, true },
	{ ".5", 0, true },
	{ "1e", 0, true },
	{ "0x10", 0, true },
	{ "nan", 0, true },
	{ "\"1\"", 0, true },
	{ "", 0, true },
};

START_TEST(time_is_exact)
{
	struct json_in in;

	begin(&in, times[_i].text);
	ck_assert_int_eq(json_in_time(&in), times[_i].want_us);
	ck_assert(json_in_ends(&in) != times[_i].bad);
}
END_TEST

static const struct {
	const char *text;
	uint64_t want;
	bool bad;
} uints[] = {
	{ "0", 0, false },
	{ "999999999999", 999999999999, false },
	{ "7.0", 7, false },
	{ "1e3", 1000, false },
	{ "-5", 0, false },
	{ "true", 1, false },
	{ "false", 0, false },
	{ "99999999999999999999999", 0, false },
	{ "tru", 0, true },
	{ "null", 0, true },
	{ "7x", 0, true },
};

START_TEST(uint_is_what_is_written)
{
	struct json_in in;

	begin(&in, uints[_i].text);
	ck_assert_uint_eq(json_in_uint(&in), uints[_i].want);
	ck_assert(json_in_ends(&in) != uints[_i].bad);
}
END_TEST

static const struct {
	const char *text;
	bool bad;
} skipped[] = {
	{ "{\"a\":[1,-2.5e+3,\"x\",{}],\"b\":{\"c\":null}}", false },
	{ "[]", false },
	{ "[ true , false ]", false },
	{ "[1,]", true },
	{ "[,1]", true },
	{ "[1 2]", true },
	{ "{\"a\"}", true },
	{ "{\"a\":}", true },
	{ "{1:2}", true },
	{ "[1", true },
	{ "]", true },
	{ "[1}", true },
	{ "nul", true },
	{ "", true },
};

START_TEST(skip_takes_whole_values)
{
	struct json_in in;

	begin(&in, skipped[_i].text);
	json_in_skip(&in);
	ck_assert(json_in_ends(&in) != skipped[_i].bad);
}
END_TEST

START_TEST(skip_is_not_endless)
{
	char deep[2001];
	struct json_in in;

	memset(deep, '[', 2000);
	deep[2000] = '\0';
	begin(&in, deep);
	json_in_skip(&in);
	ck_assert(in.bad);
}
END_TEST

/* ---- the whole ------------------------------------------------------- */

static struct queue q;

/* Two messages with all that there can be, one with little; two relays. */
static void
fill(void)
{
	const char *rcpts[] = { "bob@example.net", "cy@ex\u00e4mple.net" };
	struct event ev = { .seq = 1,
		.time_us = NOW_US,
		.kind = EVENT_ADMITTED,
		.index = -1,
		.attempts = -1,
		.delay_us = -1,
		.id = "3286A1B2C3",
		.arrival_us = NOW_US - 5,
		.size_bytes = 2048,
		.uid = 1000,
		.sender = "\"a \\\"b\"@example.org",
		.lane = "bulk",
		.expires_us = NOW_US + 10000000,
		.not_before_us = NOW_US + 7,
		.rcpts = rcpts,
		.nrcpts = 2 };
	struct event result = { .seq = 3,
		.time_us = NOW_US + 1,
		.kind = EVENT_FAILED,
		.index = 1,
		.attempts = -1,
		.delay_us = -1,
		.id = "3286A1B2C3",
		.relay = "smart",
		.server = "192.0.2.1:25",
		.note = "given up",
		.reply = "550 5.1.1 \t\"no\"" };

	queue_init(&q);
	ck_assert_int_eq(queue_apply(&q, &ev), 0);
	(void)strcpy(ev.id, "3286A1B2C4");
	ev.lane = NULL;
	ev.expires_us = ev.not_before_us = 0;
	ev.sender = "";
	ev.nrcpts = 1;
	ck_assert_int_eq(queue_apply(&q, &ev), 0);
	ck_assert_int_eq(queue_apply(&q, &result), 0);
	result.kind = EVENT_RELAY_DOWN;
	ck_assert_int_eq(queue_apply(&q, &result), 0);
	result.relay = "another";
	ck_assert_int_eq(queue_apply(&q, &result), 0);
}

static char dir[] = "/tmp/test_status_stream.XXXXXX";
static int dir_fd;

static void
setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(dir_fd, 0);
	fill();
}

static void
teardown(void)
{
	(void)unlinkat(dir_fd, "a", 0);
	(void)unlinkat(dir_fd, "b", 0);
	(void)close(dir_fd);
	(void)rmdir(dir);
	(void)strcpy(dir + strlen(dir) - 6, "XXXXXX");
	queue_release(&q);
}

static FILE *
open_file(const char *name)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return fdopen(fd, "r");
}

static char *
content(const char *name)
{
	FILE *in = open_file(name);
	char *text = calloc(1, 65536);

	ck_assert_uint_lt(fread(text, 1, 65535, in), 65535);
	(void)fclose(in);
	return text;
}

START_TEST(what_was_written_is_read)
{
	struct status_daemon daemon = { .pid = 7 }, got_daemon;
	struct status_stream s;
	struct message *m;
	struct queue got;
	char *first, *second;
	FILE *in;

	(void)strcpy(daemon.version, "1");
	ck_assert_int_eq(status_write(dir_fd, "a", &q, &daemon, NOW_US), 0);
	in = open_file("a");
	queue_init(&got);
	ck_assert_int_eq(status_stream_begin(&s, in, &got, &got_daemon), 0);
	ck_assert_int_eq(status_stream_next(&s), 1);
	ck_assert_str_eq(s.id, "3286A1B2C3");
	ck_assert_int_eq(status_stream_take(&s, &got, &m), 0);
	ck_assert_str_eq(m->id, "3286A1B2C3");
	ck_assert_int_eq(status_stream_next(&s), 1);
	ck_assert_int_eq(status_stream_take(&s, &got, &m), 0);
	ck_assert_int_eq(status_stream_next(&s), 0);
	status_stream_end(&s);
	(void)fclose(in);
	/* Written again, it is the same to the byte. */
	ck_assert_int_eq(
	    status_write(dir_fd, "b", &got, &got_daemon, NOW_US), 0);
	first = content("a");
	second = content("b");
	ck_assert_str_eq(second, first);
	free(first);
	free(second);
	status_daemon_release(&got_daemon);
	queue_release(&got);
}
END_TEST

START_TEST(messages_come_and_go)
{
	char text[] = "{\"version\":1,\"seq\":1,\"messages\":[\n"
		      "{\"id\":\"AAAAAAAA\",\"state\":\"hold\",\"arrival\":1.5,"
		      "\"size\":1,\"uid\":2,\"sender\":\"\",\"rcpts\":["
		      "{\"rcpt\":\"b\",\"state\":\"failed\",\"attempts\":99999}"
		      "]},\n";
	FILE *in = fmemopen(text, sizeof text - 1, "r");
	struct status_daemon daemon;
	struct status_stream s;
	struct message *m;

	ck_assert_int_eq(status_stream_begin(&s, in, &q, &daemon), 0);
	ck_assert_int_eq(status_stream_next(&s), 1);
	ck_assert_int_eq(status_stream_take(&s, &q, &m), 0);
	ck_assert_int_eq((int)m->state, (int)SPOOL_HOLD);
	ck_assert_uint_eq(m->rcpts[0].attempts, UINT16_MAX);
	ck_assert_uint_eq(q.count[SPOOL_HOLD], 1);
	status_stream_move(&q, m, SPOOL_FAILED);
	ck_assert_uint_eq(q.count[SPOOL_FAILED], 1);
	status_stream_forget(&q, m);
	ck_assert_uint_eq(q.count[SPOOL_FAILED], 0);
	ck_assert_ptr_null(queue_find(&q, "AAAAAAAA"));
	ck_assert_int_eq(status_stream_next(&s), -EBADMSG);
	status_stream_end(&s);
	status_daemon_release(&daemon);
	(void)fclose(in);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("status_stream");
	TCase *tc = tcase_create("values");

	tcase_add_loop_test(tc, string_is_what_it_means, 0, COUNT(strings));
	tcase_add_loop_test(tc, time_is_exact, 0, COUNT(times));
	tcase_add_loop_test(tc, uint_is_what_is_written, 0, COUNT(uints));
	tcase_add_loop_test(tc, skip_takes_whole_values, 0, COUNT(skipped));
	tcase_add_test(tc, skip_is_not_endless);
	suite_add_tcase(s, tc);
	tc = tcase_create("stream");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, what_was_written_is_read);
	tcase_add_test(tc, messages_come_and_go);
	suite_add_tcase(s, tc);
	return unit_main(s);
}
