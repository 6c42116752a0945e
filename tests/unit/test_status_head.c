/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* What the status says of spoold, its relays and what went on, and a message's
 * line; written and read again. */

#include "config.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "lib/status-stream.h"
#include "lib/status.h"
#include "lib/why.h"
#include "tests/unit/queue-fixture.h"

#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
/* Half past some hour, and half a minute. */
#define NOW (490000 * HOUR + 30 * MINUTE + 30 * SECOND)

static const struct status_daemon us = { .version = "1.2.3",
	.spool_id = "0123456789abcdef0123456789abcdef",
	.pid = 42,
	.start_us = NOW - HOUR,
	.config = (char *)(uintptr_t) "/etc/x",
	.relay = (char *)(uintptr_t) "relay.test:25" };

static struct queue got;
static struct status_daemon daemon_;

/* The head for READERS, with its end, as text. */
static char *
head(enum status_readers readers)
{
	struct json_out o = { .text = NULL };
	char *text;

	status_put_head(&o, &q, &us, readers, NOW);
	ck_assert(!o.failed);
	text = strndup(o.text, o.len);
	json_out_free(&o);
	return text;
}

/* Q's head into GOT. */
static void
read_back(void)
{
	char *text = head(STATUS_OPERATORS);

	queue_init(&got);
	ck_assert_int_eq(
	    status_read_head(text, strlen(text), &got, &daemon_), 0);
	free(text);
}

static void
forget(void)
{
	queue_release(&got);
	status_daemon_release(&daemon_);
}

static void
say(enum event_kind kind, const char *relay, const char *reply, int64_t at_us)
{
	struct event ev =
	    event(kind, kind == EVENT_RELAY_DOWN ? "" : ID, at_us);

	ev.index = kind == EVENT_RELAY_DOWN ? -1 : 0;
	ev.relay = relay;
	ev.reply = reply;
	ev.delay_us = 400000;
	ev.next_us = at_us + HOUR;
	apply(ev);
}

START_TEST(the_daemon_is_told_of)
{
	q.paused_us = NOW - MINUTE;
	q.paused_by = strdup("root");
	read_back();
	ck_assert_str_eq(daemon_.version, "1.2.3");
	ck_assert_int_eq(daemon_.pid, 42);
	ck_assert_int_eq(daemon_.start_us, NOW - HOUR);
	ck_assert_str_eq(daemon_.config, "/etc/x");
	ck_assert_str_eq(daemon_.relay, "relay.test:25");
	ck_assert_int_eq(got.paused_us, NOW - MINUTE);
	ck_assert_str_eq(got.paused_by, "root");
	ck_assert_int_eq(got.read_us, NOW);
	forget();
}
END_TEST

START_TEST(what_went_on_is_counted)
{
	struct event ev = admission(ID, 2);
	struct stats_slot slot;

	ev.arrival_us = NOW - 3 * SECOND;
	ev.size_bytes = 1000;
	apply(ev);
	say(EVENT_DEFERRED, "one", "450 later", NOW - 2 * HOUR);
	say(EVENT_DELIVERED, "one", "250 ok", NOW - SECOND);
	/* A report of somebody else's message's. */
	ev = admission("3000000009", 1);
	ev.report_of = "failed 3000000008 0";
	ev.time_us = NOW;
	apply(ev);
	happens(EVENT_DROPPED, ID, NOW);
	read_back();
	ck_assert_uint_eq(got.totals.admitted, 2);
	ck_assert_uint_eq(got.totals.delivered, 1);
	ck_assert_uint_eq(got.totals.deferred, 1);
	ck_assert_uint_eq(got.totals.bounced, 1);
	ck_assert_uint_eq(got.totals.dropped, 1);
	ck_assert_uint_eq(got.totals.bytes, 1000);
	slot = stats_minute(&got.stats, 0, NOW);
	ck_assert_uint_eq(slot.count[STATS_DELIVERED], 1);
	ck_assert_uint_eq(slot.count[STATS_BOUNCED], 1);
	ck_assert_uint_eq(slot.count[STATS_DROPPED], 1);
	ck_assert_uint_eq(slot.count[STATS_DEFERRED], 0);
	ck_assert_uint_eq(slot.bytes, 1000);
	ck_assert_uint_eq(slot.latency_us, 2 * SECOND);
	ck_assert_uint_eq(
	    stats_hour(&got.stats, 2, NOW).count[STATS_DEFERRED], 1);
	ck_assert_uint_eq(
	    stats_hour(&got.stats, 0, NOW).count[STATS_DELIVERED], 1);
	forget();
}
END_TEST

START_TEST(a_start_begins_the_totals_not_the_hour)
{
	(void)admit(ID, 1);
	say(EVENT_DELIVERED, "one", "250 ok", NOW - SECOND);
	apply(event(EVENT_START, "", NOW));
	read_back();
	ck_assert_uint_eq(got.totals.delivered, 0);
	ck_assert_uint_eq(
	    stats_minute(&got.stats, 0, NOW).count[STATS_DELIVERED], 1);
	forget();
}
END_TEST

START_TEST(a_clock_that_was_ahead_is_forgotten_at_the_start)
{
	(void)admit(ID, 2);
	say(EVENT_DEFERRED, "one", "450 later", NOW + 100 * HOUR);
	apply(event(EVENT_START, "", NOW));
	say(EVENT_DELIVERED, "one", "250 ok", NOW);
	ck_assert_uint_eq(
	    stats_minute(&q.stats, 0, NOW).count[STATS_DELIVERED], 1);
}
END_TEST

START_TEST(relays_tell_how_they_do)
{
	struct relay_state *r;

	(void)admit(ID, 2);
	say(EVENT_DEFERRED, "one", "450 \"later\"", NOW - 9);
	say(EVENT_DELIVERED, "one", "250 ok", NOW - 8);
	say(EVENT_RELAY_DOWN, "two", "refused", NOW - 7);
	r = queue_relay(&q, "one");
	r->paused_us = NOW - 5;
	r->paused_by = strdup("ann");
	r->work.connections = 3;
	r->work.rate_until_us = NOW + 5;
	r->work.nlimits = 1;
	r->work.limits[0] = (struct limit_use){ "5/min", 5, 0 };
	read_back();
	r = queue_relay(&got, "one");
	ck_assert(!r->down);
	ck_assert_int_eq(r->paused_us, NOW - 5);
	ck_assert_str_eq(r->paused_by, "ann");
	ck_assert_uint_eq(r->work.connections, 3);
	ck_assert_int_eq(r->work.rate_until_us, NOW + 5);
	ck_assert_uint_eq(r->work.nlimits, 1);
	ck_assert_str_eq(r->work.limits[0].limit, "5/min");
	ck_assert_uint_eq(r->work.limits[0].used, 5);
	ck_assert_uint_eq(r->work.limits[0].left, 0);
	ck_assert_int_eq(r->work.latency_us, 400000);
	ck_assert_int_eq(r->work.delivered_us, NOW - 8);
	ck_assert_str_eq(r->work.error, "450 \"later\"");
	ck_assert_int_eq(r->work.error_us, NOW - 9);
	r = queue_relay(&got, "two");
	ck_assert(r->down);
	ck_assert_str_eq(r->reason, "refused");
	ck_assert_str_eq(r->work.error, "refused");
	ck_assert_int_eq(r->next_us, NOW - 7 + HOUR);
	forget();
}
END_TEST

/* Given up here: that the relay said nothing is no news of it. */
START_TEST(what_spoold_says_is_no_error_of_the_relay)
{
	struct event ev = event(EVENT_FAILED, ID, NOW);

	(void)admit(ID, 1);
	ev.index = 0;
	ev.relay = "one";
	ev.reply = "450 later";
	ev.note = "gave up";
	apply(ev);
	ck_assert_ptr_null(queue_relay(&q, "one")->work.error);
}
END_TEST

START_TEST(latency_moves_slowly)
{
	struct relay_work *w = &queue_relay(&q, "one")->work;
	struct event ev = event(EVENT_DELIVERED, ID, NOW);

	(void)admit(ID, 5);
	ev.relay = "one";
	ev.delay_us = 1000;
	ev.index = 0;
	apply(ev);
	ck_assert_int_eq(w->latency_us, 1000);
	ev.delay_us = 9000;
	ev.index = 2;
	apply(ev);
	ck_assert_int_eq(w->latency_us, 2000);
	/* Nobody knows how long that took. */
	ev.delay_us = -1;
	ev.index = 4;
	apply(ev);
	ck_assert_int_eq(w->latency_us, 2000);
}
END_TEST

/* No word of anybody's mail. */
START_TEST(others_get_a_head_without_counts_and_reasons)
{
	static const char *const words[] = { "totals", "minutes", "hours",
		"secret", "450", "connections", "limits", "latency",
		"delivered", "relay.test", "root", "senders", "admitted" };
	char *text;

	(void)admit(ID, 2);
	q.paused_us = NOW;
	q.paused_by = strdup("root");
	say(EVENT_DEFERRED, "one", "450 secret", NOW - 9);
	say(EVENT_DELIVERED, "one", "250 secret", NOW - 8);
	say(EVENT_RELAY_DOWN, "two", "secret", NOW - 7);
	queue_relay(&q, "one")->work.connections = 3;
	text = head(STATUS_OTHERS);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(text, words[i]) != NULL)
			ck_abort_msg("'%s' in %s", words[i], text);
	queue_init(&got);
	ck_assert_int_eq(
	    status_read_head(text, strlen(text), &got, &daemon_), 0);
	ck_assert_uint_eq(got.seq, 0);
	ck_assert(queue_relay(&got, "two")->down);
	ck_assert_int_eq(got.paused_us, NOW);
	ck_assert_ptr_nonnull(daemon_.relay);
	forget();
	free(text);
}
END_TEST

/* ---- heads of others ------------------------------------------------- */

/* As the last version wrote it. */
START_TEST(the_head_of_before_is_read)
{
	char text[] =
	    "{\"version\":1,\"seq\":7,\"time\":1763770000.000000,"
	    "\"daemon\":{\"version\":\"0.1.0\",\"pid\":4711,"
	    "\"start\":1763760000.000000,\"relay\":\"x:25\"},"
	    "\"totals\":{\"admitted\":3,\"delivered\":2,\"deferred\":1,"
	    "\"failed\":0,\"dropped\":0,\"bytes\":5},"
	    "\"relays\":[{\"name\":\"default\",\"state\":\"down\","
	    "\"since\":1763769000.000000,\"next\":1763770001.000000,"
	    "\"reason\":\"refused\"}],\"messages\":[\n";

	queue_init(&got);
	ck_assert_int_eq(
	    status_read_head(text, strlen(text), &got, &daemon_), 0);
	ck_assert_uint_eq(got.seq, 7);
	ck_assert_uint_eq(got.totals.delivered, 2);
	ck_assert_uint_eq(got.totals.bounced, 0);
	ck_assert(queue_relay(&got, "default")->down);
	ck_assert_int_eq(got.paused_us, 0);
	forget();
}
END_TEST

static const char *const odd[] = {
	"\"relays\":[{\"name\":\"r\",\"limits\":[{},{},{},{},{},{},{},{},{},7,"
	"{\"limit\":\"1/s\"},{\"limit\":\"1/s\"},{\"limit\":\"1/s\"},"
	"{\"limit\":\"1/s\"},{\"limit\":\"1/s\"},{\"limit\":\"1/s\"},"
	"{\"limit\":\"1/s\"},{\"limit\":\"1/s\"},{\"limit\":\"1/s\"}]}],",
	"\"relays\":[7,null,{\"name\":7},{\"name\":\"r\",\"paused\":7,"
	"\"connections\":-1,\"latency\":\"x\",\"error\":[]}],",
	"\"relays\":[{\"name\":\"r\",\"limits\":[{\"limit\":"
	"\"1234567890123456789012345678901234567890/s\"}]}],",
	"\"minutes\":[7,null,{},{\"time\":-5,\"latency\":-7,\"delivered\":1},"
	"{\"time\":1e300},{\"time\":99999999999}],\"hours\":{\"a\":1},",
	"\"minutes\":[{\"time\":1763769999,\"delivered\":99999999999}],",
	"\"totals\":[1],\"daemon\":\"x\",\"senders\":7,",
};

START_TEST(odd_heads_harm_nobody)
{
	char text[2000];
	const struct relay_state *r;

	(void)snprintf(text, sizeof(text),
	    "{\"version\":1,\"seq\":7,\"time\":1763770000.000000,%s"
	    "\"messages\":[\n",
	    odd[_i]);
	queue_init(&got);
	ck_assert_int_eq(
	    status_read_head(text, strlen(text), &got, &daemon_), 0);
	/* A time that is to come must not hide what happens now. */
	ck_assert_int_le(got.stats.last_us, 1763770000 * SECOND);
	r = queue_relay(&got, "r");
	ck_assert_uint_le(r->work.nlimits, RATE_LIMITS_MAX);
	forget();
}
END_TEST

/* ---- messages -------------------------------------------------------- */

/* The line of message ID as an object. */
static struct json_object *
line(void)
{
	struct json_out o = { .text = NULL };
	struct json_object *obj;

	status_put_message(&o, &q, queue_find(&q, ID), NOW);
	json_out_raw(&o, "", 1);
	ck_assert(!o.failed);
	obj = json_tokener_parse(o.text);
	ck_assert_ptr_nonnull(obj);
	json_out_free(&o);
	return obj;
}

static void
check_member(struct json_object *obj, const char *key, const char *want)
{
	struct json_object *val = NULL;

	ck_assert_int_eq(
	    json_object_object_get_ex(obj, key, &val), want != NULL);
	if (want != NULL)
		ck_assert_str_eq(json_object_get_string(val), want);
}

START_TEST(a_message_tells_what_it_waits_for)
{
	struct json_object *obj;

	(void)admit(ID, 2);
	say(EVENT_DELIVERED, "one", "250 ok", NOW - 8);
	say(EVENT_RELAY_DOWN, "two", "refused", NOW - SECOND);
	obj = line();
	check_member(obj, "relay", "two");
	check_member(obj, "waits", "circuit");
	check_member(obj, "until", "1764005429.000000");
	check_member(obj, "subject", NULL);
	check_member(obj, "reroute", NULL);
	json_object_put(obj);
	happens(EVENT_HELD, ID, NOW);
	obj = line();
	check_member(obj, "state", "hold");
	check_member(obj, "waits", "hold");
	check_member(obj, "until", NULL);
	json_object_put(obj);
}
END_TEST

START_TEST(a_subject_is_kept_if_there_is_one)
{
	struct event ev = admission(ID, 1);
	struct json_object *obj;

	ev.subject = "bon\xc3\xa9 \"jour\"";
	apply(ev);
	obj = line();
	check_member(obj, "subject", ev.subject);
	check_member(obj, "waits", "no-relay");
	json_object_put(obj);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("status-head");
	TCase *t = tcase_create("status-head");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, the_daemon_is_told_of);
	tcase_add_test(t, what_went_on_is_counted);
	tcase_add_test(t, a_start_begins_the_totals_not_the_hour);
	tcase_add_test(t, a_clock_that_was_ahead_is_forgotten_at_the_start);
	tcase_add_test(t, relays_tell_how_they_do);
	tcase_add_test(t, what_spoold_says_is_no_error_of_the_relay);
	tcase_add_test(t, latency_moves_slowly);
	tcase_add_test(t, others_get_a_head_without_counts_and_reasons);
	tcase_add_test(t, the_head_of_before_is_read);
	tcase_add_loop_test(
	    t, odd_heads_harm_nobody, 0, sizeof(odd) / sizeof(odd[0]));
	tcase_add_test(t, a_message_tells_what_it_waits_for);
	tcase_add_test(t, a_subject_is_kept_if_there_is_one);
	suite_add_tcase(s, t);
	return unit_main(s);
}
