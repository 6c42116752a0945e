/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* How spoolq writes: words, columns, JSON. */

#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spoolq/draw.h"
#include "spoolq/output.h"
#include "tests/unit/unit.h"

#define NOW_US 1763770000000000 /* Sat Nov 22 00:06:40 2025, UTC */
#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))

/* ---- words ----------------------------------------------------------- */

static const struct {
	int64_t length_us;
	const char *want;
} spans[] = {
	{ -5 * SECOND, "0s" },
	{ INT64_MIN, "0s" },
	{ 0, "0s" },
	{ SECOND - 1, "0s" },
	{ 59 * SECOND, "59s" },
	{ MINUTE, "1m" },
	{ HOUR - 1, "59m" },
	{ HOUR, "1h" },
	{ 2 * DAY - 1, "47h" },
	{ 2 * DAY, "2d" },
	{ 999 * DAY, "999d" },
	{ 1000 * DAY - 1, "999d" },
	{ 1000 * DAY, "2y" },
	{ 2882 * DAY, "7y" },
	{ INT64_MAX, "292471y" },
};

START_TEST(span_is_one_unit)
{
	char got[OUTPUT_WORD];

	output_span(spans[_i].length_us, got);
	ck_assert_str_eq(got, spans[_i].want);
}
END_TEST

static const struct {
	uint64_t bytes;
	const char *want;
} sizes[] = {
	{ 0, "0" },
	{ 999, "999" },
	{ 1000, "1.0K" },
	{ 1024, "1.0K" },
	{ 2048, "2.0K" },
	{ 10188, "9.9K" },
	{ 10189, "10K" },
	{ 1022975, "999K" },
	{ 1023488, "1.0M" },
	{ 52428800, "50M" },
	{ UINT64_C(999999999999), "931G" },
	{ UINT64_MAX, "16E" },
};

START_TEST(size_is_at_most_four_characters)
{
	char got[OUTPUT_WORD];

	output_size(sizes[_i].bytes, got);
	ck_assert_str_eq(got, sizes[_i].want);
	ck_assert_uint_le(strlen(got), 4);
}
END_TEST

static const struct {
	const char *text;
	size_t columns;
	const char *want;
} fits[] = {
	{ "abc", 0, "abc" },
	{ "abc", 3, "abc" },
	{ "abc", 4, "abc" },
	{ "abcd", 3, "ab…" },
	{ "abcd", 1, "…" },
	{ "", 3, "" },
	{ "", 0, "" },
	{ "äöü", 3, "äöü" },
	{ "äöüß", 3, "äö…" },
	/* Two columns each; none: it stays with what is before it. */
	{ "漢字", 4, "漢字" },
	{ "漢字", 3, "漢…" },
	{ "漢字x", 4, "漢…" },
	{ "漢", 1, "…" },
	{ "e\xcc\x81t", 2, "e\xcc\x81t" },
	{ "e\xcc\x81te", 2, "e\xcc\x81…" },
	/* No UTF-8. */
	{ "\xff\xfe", 2, "\xff\xfe" },
};

START_TEST(fit_counts_columns)
{
	char *got;
	size_t len, used;
	FILE *out = open_memstream(&got, &len);

	used = output_fit(out, fits[_i].text, fits[_i].columns);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_str_eq(got, fits[_i].want);
	ck_assert_uint_eq(used, output_columns(got));
	free(got);
}
END_TEST

/* ---- messages -------------------------------------------------------- */

/* String literals as the members of struct qrcpt, which own theirs. */
static char bob[] = "bob@example.net";
static char cy[] = "cy@example.net";
static char dan[] = "dan@example.net";
static char busy[] = "450 4.2.0 busy";
static char full[] = "452 4.2.2 full";
static char accepted[] = "250 2.0.0 ok";
static char refused[] = "550 5.1.1 \033[2J no";
static char ann[] = "ann@example.org";
static char nobody[] = "";
static char endless[] =
    "connect to relay.example.org[192.0.2.1]:25: no route "
    "to the host, and much more text than fits into a line of mailq";

/* Where they all go: nothing else is looked at. */
static struct part nowhere;

static struct message
message_of(struct qrcpt *rcpts, unsigned n)
{
	struct message m = {
		.id = "3286A1B2C3",
		.arrival_us = NOW_US - 3 * HOUR,
		.size_bytes = 2048,
		.sender = ann,
		.rcpts = rcpts,
		.nrcpts = n,
	};

	for (unsigned i = 0; i < n; i++) {
		m.npending += rcpts[i].state == RCPT_PENDING;
		rcpts[i].part = &nowhere;
	}
	return m;
}

/* A queue in which one relay, to which all goes, is down if REASON says so. */
static void
make_queue(struct queue *q, const char *reason)
{
	struct relay_state *relay;

	queue_init(q);
	q->read_us = NOW_US - HOUR;
	relay = queue_relay(q, "default");
	ck_assert_ptr_nonnull(relay);
	relay->down = reason != NULL;
	if (reason != NULL)
		relay->reason = strdup(reason);
	nowhere.relay = relay;
}

static void
drop_queue(struct queue *q)
{
	queue_release(q);
	nowhere.relay = NULL;
}

static const struct {
	enum spool_state state;
	bool in_flight;
	unsigned tries;
	const char *want;
} fates[] = {
	{ SPOOL_QUEUE, false, 0, "new" },
	{ SPOOL_QUEUE, false, 1, "deferred" },
	{ SPOOL_QUEUE, true, 1, "sending" },
	{ SPOOL_HOLD, false, 1, "held" },
	{ SPOOL_FAILED, false, 1, "failed" },
};

START_TEST(state_is_a_word)
{
	struct qrcpt rcpt = { .addr = bob, .tries = (uint16_t)fates[_i].tries };
	struct message m = message_of(&rcpt, 1);

	m.state = fates[_i].state;
	m.in_flight = fates[_i].in_flight;
	ck_assert_str_eq(output_state(&m), fates[_i].want);
}
END_TEST

static const struct {
	enum why why;
	int64_t until_us;
	const char *want;
} nexts[] = {
	{ WHY_NOTHING, 0, "never" },
	{ WHY_SENDING, 0, "" },
	{ WHY_HOLD, 0, "on release" },
	{ WHY_FAILED, 0, "never" },
	{ WHY_PAUSED, 0, "paused" },
	{ WHY_NO_RELAY, 0, "no relay" },
	{ WHY_NOT_BEFORE, NOW_US + 2 * HOUR, "at 02:06" },
	{ WHY_NOT_BEFORE, NOW_US + 30 * HOUR, "on Nov 23" },
	{ WHY_NOT_BEFORE, NOW_US + 400 * DAY, "in 2026" },
	{ WHY_BACKOFF, NOW_US + 90 * SECOND, "in 1m" },
	{ WHY_BACKOFF, NOW_US + 999 * DAY, "in 999d" },
	{ WHY_CIRCUIT, NOW_US + HOUR, "relay down" },
	{ WHY_CIRCUIT, 0, "relay down" },
	{ WHY_RATE, NOW_US + 12 * MINUTE, "rate 12m" },
	{ WHY_RATE, 0, "rate" },
	{ WHY_TURN, 0, "now" },
};

START_TEST(next_says_why_in_ten_columns)
{
	const struct waiting w = { .why = nexts[_i].why,
		.until_us = nexts[_i].until_us };
	char got[OUTPUT_WORD];

	output_next(&w, NOW_US, got);
	ck_assert_str_eq(got, nexts[_i].want);
	ck_assert_uint_le(strlen(got), 10);
}
END_TEST

START_TEST(reason_is_the_last_answer_of_who_waits)
{
	struct qrcpt rcpts[] = {
		{ .addr = bob, .reply = busy, .last_us = 5 },
		{ .addr = cy, .reply = full, .last_us = 7 },
		{ .addr = dan,
		    .reply = accepted,
		    .last_us = 9,
		    .state = RCPT_DELIVERED },
	};
	struct message m = message_of(rcpts, 3);

	ck_assert_ptr_eq(output_reason(&m), &rcpts[1]);
	rcpts[0].reply = NULL;
	rcpts[1].reply = NULL;
	ck_assert_ptr_null(output_reason(&m));
}
END_TEST

START_TEST(what_failed_is_no_trouble_of_those_that_go_on)
{
	struct qrcpt rcpts[] = {
		{ .addr = bob,
		    .reply = refused,
		    .last_us = 9,
		    .state = RCPT_REPORTED },
		{ .addr = cy },
		{ .addr = dan, .state = RCPT_FAILED, .reply = full },
	};
	struct message m = message_of(rcpts, 3);

	ck_assert_ptr_null(output_reason(&m));
	ck_assert_ptr_eq(output_shown(&m), &rcpts[1]);
	ck_assert_uint_eq(output_others(&m), 0);
	rcpts[1].state = RCPT_DELIVERED;
	m.npending = 0;
	ck_assert_ptr_eq(output_reason(&m), &rcpts[2]);
	ck_assert_ptr_eq(output_shown(&m), &rcpts[2]);
	rcpts[2].state = RCPT_DROPPED;
	ck_assert_ptr_eq(output_reason(&m), &rcpts[0]);
}
END_TEST

static char *
row_of(const struct message *m, size_t columns, bool colour)
{
	const struct style style = { .colour = colour };
	struct queue q;
	char *got;
	size_t len;
	FILE *out = open_memstream(&got, &len);

	make_queue(&q, NULL);
	ck_assert_int_eq(
	    output_table_row(out, &style, columns, &q, m, NOW_US), 0);
	ck_assert_int_eq(fclose(out), 0);
	drop_queue(&q);
	return got;
}

#define ROW "3286A1B2C3    3h  2.0K deferred   2 in 12m     "

static const struct {
	size_t columns;
	const char *want;
} rows[] = {
	{ 0,
	    ROW "ann@example.org -> cy@example.net +1\n"
		"            450 4.2.0 busy\n" },
	{ 83,
	    ROW "ann@example.org -> cy@example.net +1\n"
		"            450 4.2.0 busy\n" },
	{ 82,
	    ROW "ann@example.org -> cy@example.n… +1\n"
		"            450 4.2.0 busy\n" },
	{ 60,
	    ROW "ann@examp… +1\n"
		"            450 4.2.0 busy\n" },
};

START_TEST(row_fits)
{
	struct qrcpt rcpts[] = {
		{ .addr = bob,
		    .reply = accepted,
		    .tries = 1,
		    .attempts = 1,
		    .last_us = NOW_US,
		    .state = RCPT_DELIVERED },
		{ .addr = cy,
		    .reply = busy,
		    .tries = 3,
		    .attempts = 2,
		    .next_us = NOW_US + 12 * MINUTE,
		    .last_us = NOW_US },
		{ .addr = dan, .next_us = NOW_US + HOUR },
	};
	struct message m = message_of(rcpts, 3);
	char *got = row_of(&m, rows[_i].columns, false);

	ck_assert_str_eq(got, rows[_i].want);
	free(got);
}
END_TEST

START_TEST(row_is_harmless)
{
	struct qrcpt rcpt = { .addr = bob,
		.reply = refused,
		.tries = 1,
		.attempts = 1,
		.state = RCPT_FAILED };
	struct message m = message_of(&rcpt, 1);
	char *got;

	m.state = SPOOL_FAILED;
	m.sender = nobody;
	got = row_of(&m, 80, false);
	ck_assert_str_eq(got,
	    "3286A1B2C3    3h  2.0K failed     1 never      "
	    "<> -> bob@example.net\n"
	    "            550 5.1.1 \\x1B[2J no\n");
	free(got);
}
END_TEST

START_TEST(row_has_colours_where_they_are_wanted)
{
	struct qrcpt rcpt = { .addr = bob, .state = RCPT_FAILED };
	struct message m = message_of(&rcpt, 1);
	char *got;

	m.state = SPOOL_FAILED;
	got = row_of(&m, 80, true);
	ck_assert_ptr_nonnull(strstr(got, "\033[1;31mfailed\033[0m  "));
	free(got);
}
END_TEST

START_TEST(head_stands_above_the_rows)
{
	const struct style style = { .colour = false };
	char *got;
	size_t len;
	FILE *out = open_memstream(&got, &len);

	output_table_head(out, &style, 0);
	output_table_head(out, &style, 60);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_str_eq(got,
	    "ID           AGE  SIZE STATE    TRY NEXT       "
	    "SENDER -> RECIPIENTS\n"
	    "ID           AGE  SIZE STATE    TRY NEXT       SENDER -> RE…\n");
	free(got);
}
END_TEST

/* ---- mailq ----------------------------------------------------------- */

START_TEST(mailq_is_postfix_s_to_the_column)
{
	struct qrcpt rcpts[] = {
		{ .addr = bob, .reply = busy },
		{ .addr = cy, .reply = busy },
		{ .addr = dan, .reply = endless },
		{ .addr = bob },
		{ .addr = cy, .reply = accepted, .state = RCPT_DELIVERED },
	};
	struct message m = message_of(rcpts, 5);
	struct queue q;
	char *got;
	size_t len;
	FILE *out = open_memstream(&got, &len);

	make_queue(&q, NULL);
	output_mailq_head(out);
	output_mailq_entry(out, &q, &m, true);
	m.sender = nobody;
	m.in_flight = true;
	m.nrcpts = 1;
	output_mailq_entry(out, &q, &m, false);
	m.state = SPOOL_HOLD;
	m.size_bytes = 123456789;
	output_mailq_entry(out, &q, &m, false);
	output_mailq_foot(out, 3000, 3);
	drop_queue(&q);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_str_eq(got,
	    "-Queue ID-  --Size-- ----Arrival Time---- "
	    "-Sender/Recipient-------\n"
	    "3286A1B2C3     2048 Fri Nov 21 21:06:40  ann@example.org\n"
	    "                                                              "
	    "(450 4.2.0 busy)\n"
	    "                                         bob@example.net\n"
	    "                                         cy@example.net\n"
	    "(connect to relay.example.org[192.0.2.1]:25: no route "
	    "to the host, and much more text than fits into a line of mailq)\n"
	    "                                         dan@example.net\n"
	    "                                         bob@example.net\n"
	    "\n"
	    "3286A1B2C3*    2048 Fri Nov 21 21:06:40  MAILER-DAEMON\n"
	    "                                                              "
	    "(450 4.2.0 busy)\n"
	    "                                         bob@example.net\n"
	    "\n"
	    "3286A1B2C3! 123456789 Fri Nov 21 21:06:40  MAILER-DAEMON\n"
	    "                                                              "
	    "(450 4.2.0 busy)\n"
	    "                                         bob@example.net\n"
	    "\n"
	    "-- 2 Kbytes in 3 Requests.\n");
	free(got);
}
END_TEST

/* What keeps all mail from going is the reason where there is no other. */
static const struct {
	enum spool_state state;
	enum rcpt_state rcpt_state;
	bool in_flight;
	const char *reply;
	const char *want;
} delays[] = {
	{ .want = "down" },
	{ .reply = "450 busy", .want = "450 busy" },
	{ .in_flight = true },
	{ .in_flight = true, .reply = "450 busy", .want = "450 busy" },
	{ .state = SPOOL_HOLD },
	{ .state = SPOOL_FAILED },
	{ .rcpt_state = RCPT_FAILED },
	{ .rcpt_state = RCPT_DELIVERED, .reply = "250 ok", .want = "250 ok" },
};

START_TEST(delay_may_be_the_relay_s)
{
	char reply[16] = "";
	struct qrcpt rcpt = { .addr = bob, .state = delays[_i].rcpt_state };
	struct message m = message_of(&rcpt, 1);
	struct queue q;

	if (delays[_i].reply != NULL)
		rcpt.reply = strcpy(reply, delays[_i].reply);
	m.state = delays[_i].state;
	m.in_flight = delays[_i].in_flight;
	make_queue(&q, "down");
	ck_assert_pstr_eq(output_delay(&q, &m, &rcpt), delays[_i].want);
	drop_queue(&q);
	make_queue(&q, NULL);
	ck_assert_pstr_eq(output_delay(&q, &m, &rcpt), rcpt.reply);
	q.paused_us = NOW_US;
	if (rcpt.reply == NULL && delays[_i].want != NULL)
		ck_assert_pstr_eq(
		    output_delay(&q, &m, &rcpt), "paused by an operator");
	drop_queue(&q);
}
END_TEST

START_TEST(mailq_gives_the_relay_s_reason)
{
	struct qrcpt rcpts[] = { { .addr = bob }, { .addr = cy },
		{ .addr = dan, .reply = busy } };
	struct message m = message_of(rcpts, 3);
	struct queue q;
	char *got;
	size_t len;
	FILE *out = open_memstream(&got, &len);

	make_queue(&q, "connect to r.test:25: refused");
	output_mailq_entry(out, &q, &m, true);
	drop_queue(&q);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_str_eq(got,
	    "3286A1B2C3     2048 Fri Nov 21 21:06:40  ann@example.org\n"
	    "                                               "
	    "(connect to r.test:25: refused)\n"
	    "                                         bob@example.net\n"
	    "                                         cy@example.net\n"
	    "                                                              "
	    "(450 4.2.0 busy)\n"
	    "                                         dan@example.net\n");
	free(got);
}
END_TEST

static const struct {
	uint64_t bytes;
	size_t messages;
	const char *want;
} feet[] = {
	{ 0, 0, "Mail queue is empty\n" },
	{ 1023, 1, "\n-- 0 Kbytes in 1 Request.\n" },
	{ 10240, 2, "\n-- 10 Kbytes in 2 Requests.\n" },
};

START_TEST(mailq_ends_as_monitoring_expects)
{
	char *got;
	size_t len;
	FILE *out = open_memstream(&got, &len);

	output_mailq_foot(out, feet[_i].bytes, feet[_i].messages);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_str_eq(got, feet[_i].want);
	free(got);
}
END_TEST

/* ---- JSON ------------------------------------------------------------ */

/* M as a line, for free(). */
static char *
json_of(const struct message *m)
{
	struct json_out o = { .text = NULL };
	struct queue q;
	char *got;

	make_queue(&q, NULL);
	output_json(&o, &q, m, NOW_US);
	drop_queue(&q);
	ck_assert(!o.failed);
	got = strndup(o.text, o.len);
	json_out_free(&o);
	return got;
}

START_TEST(json_is_a_superset_of_postqueue_s)
{
	struct qrcpt rcpts[] = {
		{ .addr = bob,
		    .reply = refused,
		    .tries = 3,
		    .attempts = 2,
		    .last_us = NOW_US + 5,
		    .next_us = NOW_US + MINUTE },
		{ .addr = cy,
		    .reply = accepted,
		    .tries = 1,
		    .attempts = 1,
		    .last_us = NOW_US,
		    .state = RCPT_DELIVERED },
	};
	struct message m = message_of(rcpts, 2);
	char *got = json_of(&m);

	ck_assert_str_eq(got,
	    "{\"queue_name\": \"deferred\", \"queue_id\": \"3286A1B2C3\", "
	    "\"arrival_time\": 1763759200, \"message_size\": 2048, "
	    "\"forced_expire\": false, \"sender\": \"ann@example.org\", "
	    "\"null_sender\": false, \"state\": \"deferred\", "
	    "\"waits\": \"backoff\", \"until\": 1763770060.000000, "
	    "\"uid\": 0, \"relay\": \"default\", "
	    "\"recipients\": [{\"address\": \"bob@example.net\", "
	    "\"delay_reason\": \"550 5.1.1 \\\\x1B[2J no\", "
	    "\"reply\": \"550 5.1.1 \\\\x1B[2J no\", "
	    "\"state\": \"pending\", "
	    "\"attempts\": 2, \"tries\": 3, \"uncertain\": false, "
	    "\"last\": 1763770000.000005, \"next\": 1763770060.000000, "
	    "\"waits\": \"backoff\", \"until\": 1763770060.000000, "
	    "\"relay\": \"default\"}, "
	    "{\"address\": \"cy@example.net\", \"reply\": \"250 2.0.0 ok\", "
	    "\"state\": \"delivered\", \"attempts\": 1, \"tries\": 1, "
	    "\"uncertain\": false, \"last\": 1763770000.000000, "
	    "\"relay\": \"default\"}]}\n");
	free(got);
}
END_TEST

static const struct {
	enum spool_state state;
	bool in_flight;
	uint16_t tries;
	const char *want;
} names[] = {
	{ SPOOL_QUEUE, false, 0, "\"incoming\"" },
	{ SPOOL_QUEUE, true, 0, "\"active\"" },
	{ SPOOL_QUEUE, false, 1, "\"deferred\"" },
	{ SPOOL_HOLD, false, 1, "\"hold\"" },
	{ SPOOL_FAILED, false, 1, "\"failed\"" },
};

START_TEST(json_names_postfix_s_queues)
{
	struct qrcpt rcpt = { .addr = bob, .tries = names[_i].tries };
	struct message m = message_of(&rcpt, 1);
	char *got;

	m.state = names[_i].state;
	m.in_flight = names[_i].in_flight;
	got = json_of(&m);
	ck_assert(strncmp(got, "{\"queue_name\": ", 15) == 0);
	ck_assert(
	    strncmp(got + 15, names[_i].want, strlen(names[_i].want)) == 0);
	free(got);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("spoolq_output");
	TCase *tc = tcase_create("output");

	(void)setenv("TZ", "UTC", 1);
	(void)setenv("LC_ALL", "C.UTF-8", 1);
	tcase_add_loop_test(tc, span_is_one_unit, 0, COUNT(spans));
	tcase_add_loop_test(
	    tc, size_is_at_most_four_characters, 0, COUNT(sizes));
	tcase_add_loop_test(tc, fit_counts_columns, 0, COUNT(fits));
	tcase_add_loop_test(tc, state_is_a_word, 0, COUNT(fates));
	tcase_add_loop_test(tc, next_says_why_in_ten_columns, 0, COUNT(nexts));
	tcase_add_test(tc, reason_is_the_last_answer_of_who_waits);
	tcase_add_test(tc, what_failed_is_no_trouble_of_those_that_go_on);
	tcase_add_loop_test(tc, row_fits, 0, COUNT(rows));
	tcase_add_test(tc, row_is_harmless);
	tcase_add_test(tc, row_has_colours_where_they_are_wanted);
	tcase_add_test(tc, head_stands_above_the_rows);
	tcase_add_test(tc, mailq_is_postfix_s_to_the_column);
	tcase_add_loop_test(tc, delay_may_be_the_relay_s, 0, COUNT(delays));
	tcase_add_test(tc, mailq_gives_the_relay_s_reason);
	tcase_add_loop_test(
	    tc, mailq_ends_as_monitoring_expects, 0, COUNT(feet));
	tcase_add_test(tc, json_is_a_superset_of_postqueue_s);
	tcase_add_loop_test(tc, json_names_postfix_s_queues, 0, COUNT(names));
	suite_add_tcase(s, tc);
	return unit_main(s);
}
