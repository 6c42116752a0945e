/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* What spoolq counts: causes, what there is most of, the queue in figures. */

#include "config.h"

#include <stdio.h>
#include <string.h>

#include "spoolq/cause.h"
#include "spoolq/tally.h"
#include "tests/unit/queue-fixture.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))
#define MINUTE (60 * SECOND)
/* Late enough for ages. */
#define NOW_US (INT64_C(1763770000) * SECOND)

/* ---- causes ------------------------------------------------------------- */

static const struct {
	const char *reply, *want;
} causes[] = {
	{ "", "" },
	{ "450", "450" },
	{ "450 4.2.0 mailbox busy", "450 4.2.0 mailbox busy" },
	{ "550 5.1.1 <bob@example.net>: no such user",
	    "550 5.1.1 <*>: no such user" },
	{ "450 4.7.1 greylisted for 300 s.", "450 4.7.1 greylisted for * s." },
	{ "451 try later (id 4F2A9C01, 192.0.2.1:25)",
	    "451 try later (id *, *)" },
	{ "connect to mx1.example.net[192.0.2.1]:25: timed out",
	    "connect to *[*]:*: timed out" },
	{ "[local] no answer", "[local] no answer" },
	{ "421 450 4.2.0", "421 * 4.2.0" },
	{ "the 450", "the *" },
	{ "4.2 6.1.1 5.1.1234 4.0.0:", "* * * 4.0.0:" },
	{ "  550  x  ", "  *  x" },
	{ "450 \033[2J\xff", "450 *[*" },
};

START_TEST(cause_has_no_particulars)
{
	char got[CAUSE_SIZE];

	cause_of(causes[_i].reply, got);
	ck_assert_str_eq(got, causes[_i].want);
}
END_TEST

START_TEST(cause_is_bounded)
{
	char reply[3000], got[CAUSE_SIZE];

	for (size_t i = 0; i < sizeof(reply) - 1; i++)
		reply[i] = i % 9 == 8 ? ' ' : 'x';
	reply[sizeof(reply) - 1] = '\0';
	cause_of(reply, got);
	ck_assert_uint_gt(strlen(got), CAUSE_SIZE / 2);
	ck_assert_uint_lt(strlen(got), CAUSE_SIZE);
}
END_TEST

/* ---- what there is most of ---------------------------------------------- */

static const struct {
	int64_t age_us;
	unsigned want, limit;
} ages[] = {
	{ -MINUTE, 0, 5 },
	{ 0, 0, 5 },
	{ 5 * MINUTE - 1, 0, 5 },
	{ 5 * MINUTE, 1, 10 },
	{ 10 * MINUTE, 2, 20 },
	{ 1280 * MINUTE - 1, 8, 1280 },
	{ 1280 * MINUTE, 9, 0 },
	{ INT64_MAX, 9, 0 },
};

START_TEST(ages_are_those_of_qshape)
{
	ck_assert_uint_eq(top_age(ages[_i].age_us), ages[_i].want);
	ck_assert_uint_eq(top_age_limit(ages[_i].want), ages[_i].limit);
}
END_TEST

static void
add(struct top *t, const char *text, int64_t age_us)
{
	ck_assert_int_eq(top_add(t, text, NOW_US - age_us, NOW_US), 0);
}

START_TEST(top_orders_by_count)
{
	struct top t = { .nrows = 0 };
	struct top_row rest;

	add(&t, "b", MINUTE);
	add(&t, "", 0);
	add(&t, "a", 2 * MINUTE);
	add(&t, "c", 0);
	add(&t, "c", 6 * MINUTE);
	top_sort(&t);
	ck_assert_uint_eq(t.nrows, 4);
	ck_assert_str_eq(t.rows[0].text, "c");
	ck_assert_uint_eq(t.rows[0].count, 2);
	ck_assert_uint_eq(t.rows[0].ages[0], 1);
	ck_assert_uint_eq(t.rows[0].ages[1], 1);
	ck_assert_int_eq(t.rows[0].first_us, NOW_US - 6 * MINUTE);
	ck_assert_str_eq(t.rows[1].text, "");
	ck_assert_str_eq(t.rows[2].text, "a");
	ck_assert_ptr_eq(top_named(&t, "b"), &t.rows[3]);
	ck_assert_ptr_null(top_named(&t, "d"));
	rest = top_rest(&t, 2);
	ck_assert_uint_eq(rest.count, 2);
	ck_assert_int_eq(rest.first_us, NOW_US - 2 * MINUTE);
	ck_assert_ptr_null(rest.text);
	top_release(&t);
}
END_TEST

/* Many texts take bounded memory, and what there is most of is found. */
START_TEST(top_is_bounded)
{
	struct top t = { .nrows = 0 };
	uint64_t n = 0;
	char text[32];

	for (int i = 0; i < 20 * TOP_MAX; i++) {
		(void)snprintf(text, sizeof(text), "%d", i);
		add(&t, text, 0);
		if (i % 100 == 0) {
			add(&t, "often", 0);
			n++;
		}
		ck_assert_uint_le(t.nrows, TOP_MAX);
		n++;
	}
	top_sort(&t);
	ck_assert_str_eq(t.rows[0].text, "often");
	ck_assert_uint_eq(t.rows[0].count, 20 * TOP_MAX / 100 + 1);
	ck_assert_uint_eq(top_rest(&t, 0).count, n);
	ck_assert_uint_eq(top_rest(&t, 0).ages[0], n);
	top_release(&t);
}
END_TEST

START_TEST(top_cuts_long_texts)
{
	struct top t = { .nrows = 0 };
	char text[1000];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	add(&t, text, 0);
	text[500] = 'y';
	add(&t, text, 0);
	ck_assert_uint_eq(t.nrows, 1);
	ck_assert_uint_eq(strlen(t.rows[0].text), 255);
	top_release(&t);
}
END_TEST

/* ---- the queue ---------------------------------------------------------- */

static void
admit_at(const char *id, const char *sender, int64_t age_us, size_t nrcpts)
{
	struct event ev = admission(id, nrcpts);

	ev.sender = sender;
	ev.arrival_us = NOW_US - age_us;
	ev.time_us = ev.arrival_us;
	ev.size_bytes = 100;
	apply(ev);
	(void)route(id, NULL);
}

static void
answer(const char *id, const char *relay, int index, int64_t age_us,
    const char *reply)
{
	struct event ev = event(EVENT_DEFERRED, id, NOW_US - age_us);
	char indexes[16];

	(void)snprintf(indexes, sizeof(indexes), "%d", index);
	attempt(id, relay, indexes, NOW_US - age_us);
	ev.index = index;
	ev.reply = reply;
	ev.next_us = NOW_US + MINUTE;
	apply(ev);
}

static struct tally
tally_of_all(void)
{
	struct tally t = { .messages = 0 };
	struct message *m;

	for (m = queue_first(&q); m != NULL; m = queue_next(&q, m))
		ck_assert_int_eq(tally_add(&t, &q, m, NOW_US), 0);
	tally_finish(&t);
	return t;
}

START_TEST(tally_of_nothing_is_zero)
{
	struct tally t = tally_of_all();

	ck_assert_uint_eq(t.messages, 0);
	ck_assert_uint_eq(tally_waiting(&t), 0);
	ck_assert_int_eq(t.oldest_us, 0);
	ck_assert_uint_eq(top_rest(&t.domains, 0).count, 0);
	tally_release(&t);
}
END_TEST

START_TEST(tally_counts)
{
	struct tally t;

	admit_at("3000000001", "s@x", 7 * MINUTE, 2); /* a@one b@two */
	admit_at("3000000002", "s@x", MINUTE, 1);     /* a@one */
	admit_at("3000000003", "", 90 * MINUTE, 1);   /* held */
	answer("3000000001", "one", 0, 5 * MINUTE, "450 4.2.0 <a@one> 7");
	answer("3000000002", "one", 0, 2 * SECOND, "450 4.2.0 <b@one> 8");
	happens(EVENT_HELD, "3000000003", NOW_US);
	t = tally_of_all();
	ck_assert_uint_eq(t.messages, 3);
	ck_assert_uint_eq(t.bytes, 300);
	ck_assert_uint_eq(t.rcpts, 4);
	ck_assert_uint_eq(t.to_go, 4);
	ck_assert_uint_eq(t.state[TALLY_DEFERRED], 2);
	ck_assert_uint_eq(t.state[TALLY_HELD], 1);
	ck_assert_uint_eq(tally_waiting(&t), 2);
	/* The held one is older, but it waits for nobody. */
	ck_assert_int_eq(t.oldest_us, NOW_US - 7 * MINUTE);
	ck_assert_str_eq(t.oldest_id, "3000000001");
	ck_assert_uint_eq(t.why[WHY_HOLD], 1);
	ck_assert_str_eq(t.domains.rows[0].text, "one");
	ck_assert_uint_eq(t.domains.rows[0].count, 3);
	ck_assert_uint_eq(t.domains.rows[0].ages[5], 1);
	ck_assert_str_eq(t.senders.rows[0].text, "s@x");
	ck_assert_uint_eq(t.senders.rows[1].count, 1);
	ck_assert_uint_eq(t.errors.nrows, 1);
	ck_assert_str_eq(t.errors.rows[0].text, "450 4.2.0 <*> *");
	ck_assert_uint_eq(t.errors.rows[0].count, 2);
	ck_assert_uint_eq(t.oldest.n, 2);
	ck_assert_str_eq(t.oldest.note[0].id, "3000000001");
	ck_assert_uint_eq(t.troubles.n, 2);
	ck_assert_str_eq(t.troubles.note[0].id, "3000000002");
	ck_assert_str_eq(t.troubles.note[0].reply, "450 4.2.0 <b@one> 8");
	tally_release(&t);
}
END_TEST

/* What waits for a relay that is down is about that. */
START_TEST(tally_asks_the_relay)
{
	struct event ev = event(EVENT_RELAY_DOWN, "", NOW_US - MINUTE);
	struct tally t;

	admit_at("3000000001", "s@x", 7 * MINUTE, 1);
	ev.relay = "one";
	ev.reply = "connect to 192.0.2.1:25: refused";
	ev.next_us = NOW_US + MINUTE;
	apply(ev);
	t = tally_of_all();
	ck_assert_uint_eq(t.why[WHY_CIRCUIT], 1);
	ck_assert_str_eq(t.relays.rows[0].text, "one");
	ck_assert_str_eq(t.errors.rows[0].text, "connect to *: refused");
	ck_assert_uint_eq(t.troubles.n, 0);
	tally_release(&t);
}
END_TEST

/* Only so many messages are remembered: the oldest, the latest. */
START_TEST(notes_are_bounded)
{
	struct tally t;
	char id[SPOOL_ID_SIZE];

	for (int i = 0; i < 3 * TALLY_NOTES; i++) {
		int64_t age = (i * 7 % (3 * TALLY_NOTES) + 1) * MINUTE;

		(void)snprintf(id, sizeof(id), "30000000%02X", i);
		admit_at(id, "s@x", age, 1);
		answer(id, "one", 0, age, "450 no");
	}
	t = tally_of_all();
	ck_assert_uint_eq(t.oldest.n, TALLY_NOTES);
	ck_assert_uint_eq(t.troubles.n, TALLY_NOTES);
	for (int i = 0; i < TALLY_NOTES; i++) {
		ck_assert_int_eq(t.oldest.note[i].time_us,
		    NOW_US - (3 * TALLY_NOTES - i) * MINUTE);
		ck_assert_int_eq(
		    t.troubles.note[i].time_us, NOW_US - (i + 1) * MINUTE);
	}
	tally_release(&t);
}
END_TEST

static Suite *
tally_suite(void)
{
	Suite *s = suite_create("tally");
	TCase *tc = tcase_create("cause"), *top = tcase_create("top");
	TCase *queue = tcase_create("queue");

	tcase_add_loop_test(tc, cause_has_no_particulars, 0, COUNT(causes));
	tcase_add_test(tc, cause_is_bounded);
	suite_add_tcase(s, tc);
	tcase_add_loop_test(top, ages_are_those_of_qshape, 0, COUNT(ages));
	tcase_add_test(top, top_orders_by_count);
	tcase_add_test(top, top_is_bounded);
	tcase_add_test(top, top_cuts_long_texts);
	suite_add_tcase(s, top);
	tcase_add_checked_fixture(queue, setup, teardown);
	tcase_add_test(queue, tally_of_nothing_is_zero);
	tcase_add_test(queue, tally_counts);
	tcase_add_test(queue, tally_asks_the_relay);
	tcase_add_test(queue, notes_are_bounded);
	suite_add_tcase(s, queue);
	return s;
}

int
main(void)
{
	return unit_main(tally_suite());
}
