/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* Events, journal and snapshot on disk, and what a crash leaves of them. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/journal.h"
#include "lib/status.h"
#include "tests/unit/unit.h"

#define ID "3000000001"

static char dir[] = "/tmp/spoold-test-XXXXXX";
static int dir_fd;
static struct journal j;
static struct queue q;
static struct status_daemon daemon_;

static void
setup(void)
{
	(void)strcpy(dir + sizeof(dir) - 7, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY);
	ck_assert_int_ge(dir_fd, 0);
	ck_assert_int_eq(journal_open(&j, dir_fd, 0), 0);
	queue_init(&q);
}

static void
teardown(void)
{
	char cmd[64];

	journal_close(&j);
	queue_release(&q);
	status_daemon_release(&daemon_);
	(void)close(dir_fd);
	(void)snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	ck_assert_int_eq(system(cmd), 0);
}

/* Text that must come back byte for byte, whatever a server said. */
static const char nasty[] = "450 \"x\" \\ / \xc3\xa9 </script>";

static struct event
admitted(const char *id)
{
	static const char *const rcpts[] = { "a@x.test", "\"b c\"@x.test" };
	struct event ev = {
		.kind = EVENT_ADMITTED,
		.time_us = 1763770000123456,
		.index = -1,
		.delay_us = -1,
		.arrival_us = 1763770000000001,
		.size_bytes = 12345678901234,
		.uid = 4294967294u,
		.sender = "",
		.rcpts = rcpts,
		.nrcpts = 2,
	};

	(void)strcpy(ev.id, id);
	return ev;
}

static struct event
deferred(void)
{
	return (struct event){
		.kind = EVENT_DEFERRED,
		.id = ID,
		.time_us = 1763770001000000,
		.index = 1,
		.rcpt = "\"b c\"@x.test",
		.relay = "default",
		.server = "[2001:db8::1]:25",
		.reply = nasty,
		.delay_us = 182003,
		.next_us = 1763770061999999,
	};
}

static void
append(struct event ev)
{
	ck_assert_int_eq(journal_append(&j, &ev), 0);
}

START_TEST(an_event_survives_json)
{
	struct event in = _i == 0 ? admitted(ID) : deferred(), out;
	struct json_object *obj = event_to_json(&in);

	ck_assert_ptr_nonnull(obj);
	ck_assert_int_eq(event_from_json(obj, &out), 0);
	ck_assert_int_eq(out.kind, in.kind);
	ck_assert_str_eq(out.id, in.id);
	ck_assert_int_eq(out.time_us, in.time_us);
	ck_assert_int_eq(out.index, in.index);
	ck_assert_int_eq(out.delay_us, in.delay_us);
	ck_assert_int_eq(out.next_us, in.next_us);
	ck_assert_pstr_eq(out.reply, in.reply);
	ck_assert_pstr_eq(out.server, in.server);
	ck_assert_uint_eq(out.nrcpts, in.nrcpts);
	for (size_t i = 0; i < in.nrcpts; i++)
		ck_assert_str_eq(out.rcpts[i], in.rcpts[i]);
	if (_i == 0) {
		ck_assert_int_eq(out.arrival_us, in.arrival_us);
		ck_assert_uint_eq(out.size_bytes, in.size_bytes);
		ck_assert_uint_eq(out.uid, in.uid);
		ck_assert_str_eq(out.sender, in.sender);
	}
	event_release(&out);
	json_object_put(obj);
}
END_TEST

/* JSON is UTF-8, whatever an address is. */
START_TEST(other_bytes_become_text)
{
	struct event ev = deferred();
	struct json_object *obj;
	const char *text;

	ev.rcpt = "a\x80@x.test";
	obj = event_to_json(&ev);
	text = json_object_to_json_string(obj);
	ck_assert_ptr_nonnull(strstr(text, "a\\\\x80@x.test"));
	ck_assert_ptr_null(strchr(text, '\x80'));
	json_object_put(obj);
}
END_TEST

START_TEST(every_kind_has_a_name_of_its_own)
{
	for (int i = EVENT_NONE + 1; i < EVENT_KINDS; i++)
		ck_assert_int_eq(
		    event_kind_of(event_name((enum event_kind)i)), i);
	ck_assert_int_eq(event_kind_of("nonsense"), EVENT_NONE);
}
END_TEST

static const char *const no_events[] = {
	"7",
	"[]",
	"null",
	"{}",
	"{\"event\":7}",
	"{\"event\":\"nonsense\"}",
	"{\"event\":\"deferred\",\"id\":\"../../etc/x\"}",
	"{\"event\":\"admitted\",\"id\":\"" ID "\"}",
	"{\"event\":\"admitted\",\"id\":\"" ID "\",\"sender\":\"\"}",
	"{\"event\":\"admitted\",\"id\":\"" ID
	"\",\"sender\":\"\",\"rcpts\":[]}",
	"{\"event\":\"admitted\",\"id\":\"" ID
	"\",\"sender\":\"\",\"rcpts\":[null]}",
	"{\"event\":\"admitted\",\"id\":\"" ID
	"\",\"sender\":\"\",\"rcpts\":{\"a\":1}}",
};

START_TEST(what_is_no_event_is_refused)
{
	struct json_object *obj = json_tokener_parse(no_events[_i]);
	struct event ev;

	ck_assert_int_eq(event_from_json(obj, &ev), -EINVAL);
	event_release(&ev);
	json_object_put(obj);
}
END_TEST

START_TEST(times_out_of_range_are_no_times)
{
	struct json_object *obj = json_tokener_parse(
	    "{\"event\":\"start\",\"time\":1e300,\"next\":\"x\"}");
	struct event ev;

	ck_assert_int_eq(event_from_json(obj, &ev), 0);
	ck_assert_int_eq(ev.time_us, 0);
	ck_assert_int_eq(ev.next_us, 0);
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

static unsigned
replayed(uint64_t seq, int want_err)
{
	uint64_t last;
	unsigned n = 0;

	ck_assert_int_eq(
	    journal_replay(dir_fd, seq, count, &n, &last), want_err);
	return n;
}

START_TEST(replay_begins_after_the_snapshot)
{
	append(admitted(ID));
	append(deferred());
	append(deferred());
	ck_assert_uint_eq(j.seq, 3);
	ck_assert_uint_eq(replayed(0, 0), 3);
	ck_assert_uint_eq(replayed(1, 0), 2);
	ck_assert_uint_eq(replayed(3, 0), 0);
}
END_TEST

START_TEST(replay_spans_a_rotation_and_sees_a_gap)
{
	append(admitted(ID));
	append(deferred());
	ck_assert_int_eq(journal_rotate(&j), 0);
	ck_assert_uint_eq(j.seq, 2);
	append(deferred());
	ck_assert_uint_eq(replayed(0, 0), 3);
	ck_assert_uint_eq(replayed(1, 0), 2);
	ck_assert_int_eq(journal_rotate(&j), 0);
	append(deferred());
	/* Number 2 has moved out of reach: the snapshot is too old. */
	ck_assert_uint_eq(replayed(1, -EAGAIN), 2);
	ck_assert_uint_eq(replayed(2, 0), 2);
}
END_TEST

/* Cut the last line at every length: it is ignored, the next is whole. */
START_TEST(a_hole_in_the_middle_matters_to_who_needs_all)
{
	uint64_t last = 0;
	unsigned n = 0;

	append(admitted(ID));
	append(deferred());
	ck_assert_int_eq(
	    journal_replay_whole(dir_fd, 1, count, &n, &last), 0);
	ck_assert_uint_eq(last, 2);
	j.seq++;
	append(deferred());
	ck_assert_uint_eq(replayed(1, 0), 2);
	ck_assert_int_eq(
	    journal_replay_whole(dir_fd, 1, count, &n, &last), -EAGAIN);
	ck_assert_int_eq(
	    journal_replay_whole(dir_fd, 2, count, &n, &last), -EAGAIN);
	ck_assert_int_eq(
	    journal_replay_whole(dir_fd, 4, count, &n, &last), 0);
}
END_TEST

START_TEST(a_torn_last_line_costs_only_itself)
{
	struct stat st;
	off_t whole;

	append(admitted(ID));
	ck_assert_int_eq(fstat(j.fd, &st), 0);
	whole = st.st_size;
	append(deferred());
	ck_assert_int_eq(fstat(j.fd, &st), 0);
	for (off_t cut = st.st_size - 1; cut > whole; cut -= 7) {
		ck_assert_int_eq(ftruncate(j.fd, cut), 0);
		ck_assert_uint_eq(replayed(0, 0), 1);
	}
	journal_close(&j);
	ck_assert_int_eq(journal_open(&j, dir_fd, 1), 0);
	append(deferred());
	ck_assert_uint_eq(replayed(0, 0), 2);
}
END_TEST

/* The torn line's new end counts: cutting back must not reach into it. */
START_TEST(a_full_disk_after_a_torn_line_cuts_nothing_good)
{
	struct event ev = deferred();
	struct stat st;

	append(admitted(ID));
	ck_assert_int_eq(write(j.fd, "{\"seq\":2,\"ti", 12), 12);
	journal_close(&j);
	ck_assert_int_eq(journal_open(&j, dir_fd, 1), 0);
	ck_assert_int_eq(fstat(j.fd, &st), 0);
	ck_assert_uint_eq((uint64_t)st.st_size, j.bytes);
	append(ev);
	ck_assert_uint_eq(replayed(0, 0), 2);
}
END_TEST

START_TEST(a_fifo_is_no_journal)
{
	journal_close(&j);
	ck_assert_int_eq(unlinkat(dir_fd, JOURNAL_NAME, 0), 0);
	ck_assert_int_eq(mkfifoat(dir_fd, JOURNAL_NAME, 0600), 0);
	ck_assert_int_eq(journal_open(&j, dir_fd, 0), -EINVAL);
	ck_assert_uint_eq(replayed(0, 0), 0);
	j.fd = -1;
}
END_TEST

START_TEST(a_full_disk_takes_no_half_line)
{
	struct stat st;
	struct event ev = deferred();
	int fd = j.fd;

	append(admitted(ID));
	j.fd = open("/dev/full", O_WRONLY);
	ck_assert_int_ge(j.fd, 0);
	ck_assert_int_eq(journal_append(&j, &ev), -ENOSPC);
	ck_assert_uint_eq(j.seq, 1);
	(void)close(j.fd);
	j.fd = fd;
	append(deferred());
	ck_assert_uint_eq(j.seq, 2);
	ck_assert_uint_eq(replayed(0, 0), 2);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_uint_eq((uint64_t)st.st_size, j.bytes);
}
END_TEST

static void
let_happen(struct event ev)
{
	ck_assert_int_eq(journal_append(&j, &ev), 0);
	ck_assert_int_eq(queue_apply(&q, &ev), 0);
}

static void
some_history(void)
{
	let_happen(admitted(ID));
	let_happen(admitted("3000000002"));
	let_happen((struct event){ .kind = EVENT_ATTEMPT,
	    .id = ID,
	    .time_us = 1763770000500000,
	    .index = -1,
	    .delay_us = -1 });
	let_happen(deferred());
	let_happen((struct event){ .kind = EVENT_RELAY_DOWN,
	    .index = -1,
	    .time_us = 1763770002000000,
	    .reply = nasty,
	    .delay_us = -1,
	    .next_us = 1763770003000000 });
}

static void
write_snapshot(void)
{
	struct status_daemon d = { .version = "1.2.3",
		.pid = 42,
		.start_us = 1763760000000000,
		.config = (char *)"/etc/x",
		.relay = (char *)"relay.test:25" };

	ck_assert_int_eq(
	    status_write(dir_fd, STATUS_NAME, &q, &d, 1763770004000000), 0);
}

static void
check_history(struct queue *got)
{
	struct message *m = queue_find(got, ID);

	ck_assert_ptr_nonnull(m);
	ck_assert_ptr_nonnull(queue_find(got, "3000000002"));
	ck_assert_uint_eq(got->count[SPOOL_QUEUE], 2);
	ck_assert_uint_eq(m->nrcpts, 2);
	ck_assert(m->in_flight);
	ck_assert(m->rcpts[0].waiting);
	ck_assert(!m->rcpts[1].waiting);
	ck_assert_str_eq(m->rcpts[1].reply, nasty);
	ck_assert_uint_eq(m->rcpts[1].attempts, 1);
	ck_assert_int_eq(m->rcpts[1].next_us, 1763770061999999);
	ck_assert_int_eq(m->arrival_us, 1763770000000001);
	ck_assert_uint_eq(m->size_bytes, 12345678901234);
	ck_assert(queue_relay(got, "default")->down);
	ck_assert_str_eq(queue_relay(got, "default")->reason, nasty);
	ck_assert_uint_eq(got->seq, 5);
}

/* From the journal alone, the snapshot alone, and both. */
START_TEST(the_status_is_snapshot_plus_journal)
{
	struct queue got;

	queue_init(&got);
	some_history();
	if (_i != 0)
		write_snapshot();
	if (_i == 1)
		ck_assert_int_eq(unlinkat(dir_fd, JOURNAL_NAME, 0), 0);
	ck_assert_int_eq(status_load(dir_fd, STATUS_NAME, &got, &daemon_), 0);
	check_history(&got);
	if (_i != 0) {
		ck_assert_str_eq(daemon_.version, "1.2.3");
		ck_assert_int_eq(daemon_.pid, 42);
		ck_assert_str_eq(daemon_.relay, "relay.test:25");
	}
	queue_release(&got);
}
END_TEST

struct watched {
	struct queue *q;
	unsigned events;
};

/* A status_watch_fn. */
static void
watch(const struct event *ev, void *arg)
{
	struct watched *w = arg;

	ck_assert_uint_eq(ev->seq, ++w->events);
	ck_assert_uint_eq(w->q->seq, ev->seq - 1);
}

START_TEST(each_event_is_seen_before_it_counts)
{
	struct queue got;
	struct watched w = { .q = &got };

	queue_init(&got);
	some_history();
	ck_assert_int_eq(
	    status_load_watched(dir_fd, STATUS_NAME, &got, &daemon_, watch, &w),
	    0);
	ck_assert_uint_eq(w.events, 5);
	check_history(&got);
	queue_release(&got);
}
END_TEST

/* A snapshot cut anywhere is noticed and crashes nobody. */
START_TEST(a_torn_snapshot_is_noticed)
{
	struct stat st;
	int fd;

	some_history();
	write_snapshot();
	fd = openat(dir_fd, STATUS_NAME, O_RDWR);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fstat(fd, &st), 0);
	for (off_t cut = st.st_size - 1; cut >= 0; cut--) {
		struct queue got;

		queue_init(&got);
		ck_assert_int_eq(ftruncate(fd, cut), 0);
		ck_assert_int_eq(
		    status_read(dir_fd, STATUS_NAME, &got, &daemon_), -EBADMSG);
		status_daemon_release(&daemon_);
		queue_release(&got);
	}
	(void)close(fd);
}
END_TEST

START_TEST(one_bad_line_of_the_snapshot_costs_one_message)
{
	char path[64], cmd[200];
	struct queue got;

	queue_init(&got);
	some_history();
	write_snapshot();
	(void)snprintf(path, sizeof(path), "%s/%s", dir, STATUS_NAME);
	(void)snprintf(cmd, sizeof(cmd), "sed -i 2s/sender/tender/ %s", path);
	ck_assert_int_eq(system(cmd), 0);
	ck_assert_int_eq(
	    status_read(dir_fd, STATUS_NAME, &got, &daemon_), -EBADMSG);
	ck_assert_ptr_null(queue_find(&got, ID));
	ck_assert_ptr_nonnull(queue_find(&got, "3000000002"));
	queue_release(&got);
}
END_TEST

START_TEST(the_snapshot_is_one_json_document)
{
	struct json_object *doc, *list;
	char path[64];

	some_history();
	write_snapshot();
	(void)snprintf(path, sizeof(path), "%s/%s", dir, STATUS_NAME);
	doc = json_object_from_file(path);
	ck_assert_ptr_nonnull(doc);
	ck_assert(json_object_object_get_ex(doc, "messages", &list));
	ck_assert_uint_eq(json_object_array_length(list), 2);
	json_object_put(doc);
}
END_TEST

START_TEST(an_empty_queue_has_a_snapshot_too)
{
	struct queue got;

	queue_init(&got);
	write_snapshot();
	ck_assert_int_eq(status_read(dir_fd, STATUS_NAME, &got, &daemon_), 0);
	ck_assert_ptr_null(queue_first(&got));
	queue_release(&got);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("status");
	TCase *t = tcase_create("status");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, an_event_survives_json, 0, 2);
	tcase_add_test(t, other_bytes_become_text);
	tcase_add_test(t, every_kind_has_a_name_of_its_own);
	tcase_add_loop_test(t, what_is_no_event_is_refused, 0,
	    sizeof(no_events) / sizeof(no_events[0]));
	tcase_add_test(t, times_out_of_range_are_no_times);
	tcase_add_test(t, replay_begins_after_the_snapshot);
	tcase_add_test(t, replay_spans_a_rotation_and_sees_a_gap);
	tcase_add_test(t, a_hole_in_the_middle_matters_to_who_needs_all);
	tcase_add_test(t, a_torn_last_line_costs_only_itself);
	tcase_add_test(t, a_full_disk_after_a_torn_line_cuts_nothing_good);
	tcase_add_test(t, a_fifo_is_no_journal);
	tcase_add_test(t, one_bad_line_of_the_snapshot_costs_one_message);
	tcase_add_test(t, a_full_disk_takes_no_half_line);
	tcase_add_loop_test(t, the_status_is_snapshot_plus_journal, 0, 3);
	tcase_add_test(t, each_event_is_seen_before_it_counts);
	tcase_add_test(t, a_torn_snapshot_is_noticed);
	tcase_add_test(t, the_snapshot_is_one_json_document);
	tcase_add_test(t, an_empty_queue_has_a_snapshot_too);
	suite_add_tcase(s, t);
	return unit_main(s);
}
