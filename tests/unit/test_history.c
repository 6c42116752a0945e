/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* Kept journals: how many there are, and how they are read. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/history.h"
#include "tests/unit/unit.h"

#define DAY ((int64_t)86400 * 1000000)
#define T0 ((int64_t)1763770000 * 1000000)

static char dir[] = "/tmp/spoold-test-XXXXXX";
static int dir_fd;
static struct journal j;
static struct history h;

static void
setup(void)
{
	(void)strcpy(dir + sizeof(dir) - 7, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY);
	ck_assert_int_ge(dir_fd, 0);
	ck_assert_int_eq(journal_open(&j, dir_fd, 0), 0);
	history_open(&h, dir_fd, 0);
}

static void
teardown(void)
{
	char cmd[64];

	history_close(&h);
	journal_close(&j);
	(void)close(dir_fd);
	(void)snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	ck_assert_int_eq(system(cmd), 0);
}

/* One more line; its note is its number. */
static void
append(void)
{
	char note[32];
	struct event ev = {
		.kind = EVENT_START, .index = -1, .delay_us = -1, .note = note
	};

	(void)snprintf(
	    note, sizeof(note), "%llu", (unsigned long long)j.seq + 1);
	ev.time_us = T0 + (int64_t)j.seq;
	ck_assert_int_eq(journal_append(&j, &ev), 0);
}

static void
rotate(void)
{
	ck_assert_int_eq(journal_rotate(&j), 0);
}

/* A file that has been there since three lines a day, N days ago. */
static void
age(int n, int64_t days)
{
	char name[JOURNAL_NAME_SIZE];
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
		{ .tv_sec = (time_t)((T0 - days * DAY) / 1000000) } };

	journal_name(name, n);
	ck_assert_int_eq(utimensat(dir_fd, name, times, 0), 0);
}

static bool
is_there(int n)
{
	char name[JOURNAL_NAME_SIZE];

	journal_name(name, n);
	return faccessat(dir_fd, name, F_OK, 0) == 0;
}

static void
expect(uint64_t seq)
{
	const struct event *ev;
	struct span line;

	ck_assert_int_eq(history_next(&h, &line, &ev), 1);
	ck_assert_uint_eq(ev->seq, seq);
	ck_assert_uint_eq((uint64_t)atoi(ev->note), seq);
	ck_assert_uint_eq(line.len, strlen(line.ptr));
	ck_assert_ptr_nonnull(strstr(line.ptr, "\"start\""));
}

static void
expect_end(void)
{
	const struct event *ev;

	ck_assert_int_eq(history_next(&h, NULL, &ev), 0);
}

/* ---- reading --------------------------------------------------------- */

START_TEST(all_files_are_read_as_one)
{
	for (int i = 0; i < 12; i++) {
		append();
		append();
		rotate();
	}
	append();
	for (uint64_t seq = 1; seq <= 25; seq++)
		expect(seq);
	expect_end();
}
END_TEST

START_TEST(it_goes_on_as_lines_come)
{
	expect_end();
	append();
	expect(1);
	expect_end();
	append();
	append();
	rotate();
	append();
	expect(2);
	expect(3);
	expect(4);
	expect_end();
	rotate();
	rotate();
	expect_end();
	append();
	expect(5);
}
END_TEST

START_TEST(files_move_while_they_are_read)
{
	for (int i = 0; i < 4; i++) {
		append();
		append();
		rotate();
	}
	expect(1);
	rotate();
	append();
	rotate();
	for (uint64_t seq = 2; seq <= 9; seq++) {
		expect(seq);
		rotate();
	}
	expect_end();
}
END_TEST

START_TEST(the_oldest_goes_while_it_is_read)
{
	for (int i = 0; i < 4; i++) {
		append();
		append();
		rotate();
	}
	expect(1);
	/* All but the youngest. */
	ck_assert_int_eq(journal_prune(dir_fd, 0, 1), 0);
	expect(2);
	expect(7);
	expect(8);
	expect_end();
}
END_TEST

START_TEST(a_hole_is_stepped_over)
{
	for (int i = 0; i < 3; i++) {
		append();
		rotate();
	}
	append();
	ck_assert_int_eq(unlinkat(dir_fd, JOURNAL_NAME ".2", 0), 0);
	expect(1);
	expect(3);
	expect(4);
	expect_end();
}
END_TEST

static void
put(const char *text)
{
	ck_assert_int_eq(
	    write(j.fd, text, strlen(text)), (ssize_t)strlen(text));
}

START_TEST(damaged_lines_are_left_out)
{
	struct span line;

	append();
	put("\n{\"seq\":\nnonsense\n{\"event\":\"of tomorrow\"}\n[]\n");
	append();
	put("{\"seq\":9,\"ti");
	expect(1);
	expect(2);
	expect_end();
	/* The rest of the torn line comes. */
	put("me\":1,\"event\":\"stop\"}\n");
	ck_assert_int_eq(history_next_line(&h, &line), 1);
	ck_assert_str_eq(line.ptr, "{\"seq\":9,\"time\":1,\"event\":\"stop\"}");
}
END_TEST

START_TEST(a_long_line_is_one)
{
	char *text = malloc(100001);
	struct event ev = { .kind = EVENT_START, .index = -1, .delay_us = -1 };
	const struct event *got;

	memset(text, 'x', 100000);
	text[100000] = '\0';
	ev.note = text;
	ck_assert_int_eq(journal_append(&j, &ev), 0);
	ck_assert_int_eq(history_next(&h, NULL, &got), 1);
	ck_assert_str_eq(got->note, text);
	free(text);
}
END_TEST

START_TEST(old_files_can_be_left_out)
{
	append();
	rotate();
	append();
	rotate();
	append();
	age(2, 5);
	age(1, 3);
	history_close(&h);
	history_open(&h, dir_fd, T0 - 4 * DAY);
	expect(2);
	expect(3);
	expect_end();
}
END_TEST

/* ---- keeping --------------------------------------------------------- */

START_TEST(rotation_keeps_as_many_as_there_are)
{
	for (int i = 0; i < 30; i++) {
		append();
		rotate();
	}
	ck_assert_int_eq(journal_oldest(dir_fd), 30);
	ck_assert(is_there(1) && is_there(17) && is_there(30));
	/* A gap is filled first. */
	ck_assert_int_eq(unlinkat(dir_fd, JOURNAL_NAME ".5", 0), 0);
	rotate();
	ck_assert(is_there(5));
	ck_assert_int_eq(journal_oldest(dir_fd), 30);
}
END_TEST

START_TEST(other_names_are_no_journals)
{
	static const char *const names[] = { JOURNAL_NAME ".x",
		JOURNAL_NAME ".07", JOURNAL_NAME ".10000", JOURNAL_NAME ".5~",
		JOURNAL_NAME ".-3", JOURNAL_NAME ".", "journal.jsonl.8" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		ck_assert_int_ge(
		    openat(dir_fd, names[i], O_CREAT | O_WRONLY, 0600), 0);
	ck_assert_int_eq(journal_oldest(dir_fd), 0);
	rotate();
	ck_assert_int_eq(journal_oldest(dir_fd), 1);
	ck_assert_int_eq(journal_prune(dir_fd, T0, 0), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		ck_assert_int_eq(unlinkat(dir_fd, names[i], 0), 0);
}
END_TEST

START_TEST(the_oldest_are_removed_by_age)
{
	for (int i = 0; i < 6; i++) {
		append();
		rotate();
	}
	for (int n = 1; n <= 6; n++)
		age(n, n);
	ck_assert_int_eq(journal_prune(dir_fd, T0 - 4 * DAY, UINT64_MAX), 0);
	ck_assert_int_eq(journal_oldest(dir_fd), 4);
	/* The youngest stays, whatever is wanted. */
	ck_assert_int_eq(journal_prune(dir_fd, T0, UINT64_MAX), 0);
	ck_assert_int_eq(journal_oldest(dir_fd), 1);
	ck_assert_int_eq(journal_prune(dir_fd, T0, UINT64_MAX), 0);
	ck_assert(is_there(1));
}
END_TEST

START_TEST(the_oldest_are_removed_by_size)
{
	struct stat st;
	uint64_t bytes = 0;

	for (int i = 0; i < 6; i++) {
		append();
		append();
		if (i >= 3) {
			ck_assert_int_eq(fstat(j.fd, &st), 0);
			bytes += (uint64_t)st.st_size;
		}
		rotate();
	}
	ck_assert_int_eq(journal_prune(dir_fd, 0, bytes), 0);
	ck_assert_int_eq(journal_oldest(dir_fd), 3);
	ck_assert_int_eq(journal_prune(dir_fd, 0, bytes - 1), 0);
	ck_assert_int_eq(journal_oldest(dir_fd), 2);
	ck_assert_int_eq(journal_prune(dir_fd, 0, 0), 0);
	ck_assert_int_eq(journal_oldest(dir_fd), 1);
}
END_TEST

START_TEST(a_journal_knows_when_it_began)
{
	ck_assert_int_eq(j.begin_us, 0);
	append();
	append();
	ck_assert_int_eq(j.begin_us, T0);
	journal_close(&j);
	ck_assert_int_eq(journal_open(&j, dir_fd, 2), 0);
	ck_assert_int_eq(j.begin_us, T0);
	rotate();
	ck_assert_int_eq(j.begin_us, 0);
	append();
	ck_assert_int_eq(j.begin_us, T0 + 2);
	/* Foreign text is no time. */
	journal_close(&j);
	ck_assert_int_eq(unlinkat(dir_fd, JOURNAL_NAME, 0), 0);
	ck_assert_int_eq(journal_open(&j, dir_fd, 0), 0);
	put("nonsense\n");
	journal_close(&j);
	ck_assert_int_eq(journal_open(&j, dir_fd, 0), 0);
	ck_assert_int_eq(j.begin_us, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("history");
	TCase *t = tcase_create("history");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, all_files_are_read_as_one);
	tcase_add_test(t, it_goes_on_as_lines_come);
	tcase_add_test(t, files_move_while_they_are_read);
	tcase_add_test(t, the_oldest_goes_while_it_is_read);
	tcase_add_test(t, a_hole_is_stepped_over);
	tcase_add_test(t, damaged_lines_are_left_out);
	tcase_add_test(t, a_long_line_is_one);
	tcase_add_test(t, old_files_can_be_left_out);
	tcase_add_test(t, rotation_keeps_as_many_as_there_are);
	tcase_add_test(t, other_names_are_no_journals);
	tcase_add_test(t, the_oldest_are_removed_by_age);
	tcase_add_test(t, the_oldest_are_removed_by_size);
	tcase_add_test(t, a_journal_knows_when_it_began);
	suite_add_tcase(s, t);
	return unit_main(s);
}
