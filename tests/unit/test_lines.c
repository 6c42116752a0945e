/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* Lines with every kind of end and dot; test_submit.c has the long ones. */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/lines.h"
#include "tests/unit/unit.h"

/* WANT: each line in brackets, then what lines_next() ended with. */
static const struct {
	enum lines_dot dot;
	const char *in;
	const char *want;
} rows[] = {
	{ LINES_DOT_TEXT, "", "0" },
	{ LINES_DOT_TEXT, "a", "[a]0" },
	{ LINES_DOT_TEXT, "a\n\nb\r\n", "[a][][b]0" },
	{ LINES_DOT_TEXT, "a\r\r\n\r", "[a]0" },
	{ LINES_DOT_TEXT, "\ra\rb\r\r\n", "[ a b]0" },
	{ LINES_DOT_TEXT, ".\n..\n", "[.][..]0" },
	{ LINES_DOT_ENDS, "a\n.\nb\n", "[a]0" },
	{ LINES_DOT_ENDS, "..\n.a\n.\r\r\nb", "[..][.a]0" },
	{ LINES_DOT_ENDS, "a\n.", "[a]0" },
	{ LINES_DOT_ENDS, "a\n", "[a]0" },
	{ LINES_DOT_SMTP, "a\r\n..\r\n.b\n.\r\n", "[a][.][b]0" },
	{ LINES_DOT_SMTP, ".\n", "0" },
	{ LINES_DOT_SMTP, "a\r\n", "[a]pipe" },
	{ LINES_DOT_SMTP, "a\r\n.", "[a]pipe" },
	{ LINES_DOT_SMTP, "", "pipe" },
};

static int
input_of(const char *text)
{
	int ends[2];

	ck_assert_int_eq(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	ck_assert_int_eq(
	    write(ends[1], text, strlen(text)), (ssize_t)strlen(text));
	close(ends[1]);
	return ends[0];
}

START_TEST(lines_are_what_mail_needs)
{
	struct lines in;
	struct line_piece piece;
	char got[64] = "";
	int more, fd = input_of(rows[_i].in);

	ck_assert_int_eq(lines_open(&in, fd), 0);
	in.dot = rows[_i].dot;
	while ((more = lines_next(&in, &piece)) > 0) {
		ck_assert(piece.starts && piece.ends && !in.at_end);
		strcat(got, "[");
		strncat(got, piece.text.ptr, piece.text.len);
		strcat(got, "]");
	}
	strcat(got, more == 0 ? "0" : more == -EPIPE ? "pipe" : "?");
	ck_assert_str_eq(got, rows[_i].want);
	ck_assert_int_eq(in.at_end, more == 0);
	lines_close(&in);
	close(fd);
}
END_TEST

START_TEST(reading_goes_on_after_an_smtp_dot)
{
	int fd = input_of("a\r\n.\r\nQUIT\r\n");
	struct lines in;
	struct line_piece piece;

	ck_assert_int_eq(lines_open(&in, fd), 0);
	in.dot = LINES_DOT_SMTP;
	ck_assert_int_eq(lines_next(&in, &piece), 1);
	ck_assert_int_eq(lines_next(&in, &piece), 0);
	in.dot = LINES_DOT_TEXT;
	ck_assert_int_eq(lines_next(&in, &piece), 1);
	ck_assert(span_is(piece.text, "QUIT"));
	ck_assert_int_eq(lines_next(&in, &piece), 0);
	lines_close(&in);
	close(fd);
}
END_TEST

/* A caller's pipe may be non-blocking: then we wait, and lose nothing. */
START_TEST(a_non_blocking_input_is_waited_for)
{
	struct lines in;
	struct line_piece piece;
	int ends[2];
	pid_t pid;

	ck_assert_int_eq(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		usleep(50000);
		_exit(write(ends[1], "late\n", 5) == 5 ? 0 : 1);
	}
	close(ends[1]);
	ck_assert_int_eq(lines_open(&in, ends[0]), 0);
	ck_assert_int_eq(lines_next(&in, &piece), 1);
	ck_assert(span_is(piece.text, "late"));
	ck_assert_int_eq(lines_next(&in, &piece), 0);
	lines_close(&in);
	close(ends[0]);
}
END_TEST

START_TEST(a_longer_line_comes_in_pieces)
{
	size_t len = 3 * LINES_BUFFER_BYTES + 5, total = 0;
	char *text = malloc(len + 2);
	FILE *file = tmpfile();
	struct lines in;
	struct line_piece piece;
	int pieces = 0;

	memset(text, 'x', len);
	strcpy(text + len, "\n");
	ck_assert_int_ge(fputs(text, file), 0);
	rewind(file);
	ck_assert_int_eq(lines_open(&in, fileno(file)), 0);
	while (lines_next(&in, &piece) == 1) {
		ck_assert_int_eq(piece.starts, pieces == 0);
		total += piece.text.len;
		ck_assert_int_eq(piece.ends, total == len);
		pieces++;
	}
	ck_assert_uint_eq(total, len);
	ck_assert_int_eq(pieces, 4);
	lines_close(&in);
	fclose(file);
	free(text);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("lines");
	TCase *tc = tcase_create("lines");

	tcase_add_loop_test(tc, lines_are_what_mail_needs, 0,
	    (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(tc, reading_goes_on_after_an_smtp_dot);
	tcase_add_test(tc, a_non_blocking_input_is_waited_for);
	tcase_add_test(tc, a_longer_line_comes_in_pieces);
	suite_add_tcase(s, tc);
	return unit_main(s);
}
