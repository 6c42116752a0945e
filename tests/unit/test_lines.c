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
	{ LINES_DOT_SMTP, "a\n.\n", "[a]0" },
	{ LINES_DOT_SMTP, "a\r\n.\r\r\n", "[a]0" },
	{ LINES_DOT_CRLF, "a\r\n..\r\n.b\r\n.\r\n", "[a][.][b]0" },
	{ LINES_DOT_CRLF, ".\r\n", "0" },
	{ LINES_DOT_CRLF, "", "pipe" },
	{ LINES_DOT_CRLF, "a\r\n.", "[a]pipe" },
	{ LINES_DOT_CRLF, "a\r\n.\r", "[a]pipe" },
	{ LINES_DOT_CRLF, "a\n.\n", "[a][.]pipe" },
	{ LINES_DOT_CRLF, "a\n.\r\nb\r\n.\r\n", "[a][.][b]0" },
	{ LINES_DOT_CRLF, "a\r\n.\nb\r\n.\r\n", "[a][][b]0" },
	{ LINES_DOT_CRLF, "a\r.\r\nb\r\n.\r\n", "[a .][b]0" },
	{ LINES_DOT_CRLF, "a\r\n.\rb\r\n.\r\n", "[a][ b]0" },
	{ LINES_DOT_CRLF, "a\r\n.\r\r\nb\r\n.\r\n", "[a][][b]0" },
	{ LINES_DOT_CRLF, "a\r\r\n.\r\nb\r\n", "[a]0" },
	{ LINES_DOT_CRLF, "a\r.\rb\r\n.\r\n", "[a . b]0" },
	{ LINES_DOT_CRLF, "a\n..b\n...\r\n...\r\n.\r\n", "[a][..b][...][..]0" },
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

/* ---- against RFC 5321, read byte by byte -------------------------------- */

/*
 * What the transparency procedure makes of TEXT when CR LF alone ends a line
 * of SMTP: the message until the dot, with each line's end as our lines give
 * it, in brackets.  Written to be obvious, not fast.  How much of TEXT it
 * took, or 0 if there was no dot.
 */
static size_t
take_by_the_book(const char *text, size_t len, char *got)
{
	size_t at = 0, n = 0;
	bool after_crlf = true;

	got[n++] = '[';
	while (at < len) {
		if (after_crlf && len - at >= 3 &&
		    memcmp(text + at, ".\r\n", 3) == 0) {
			got[n - 1] = '\0';
			return at + 3;
		}
		if (after_crlf && text[at] == '.') {
			after_crlf = false;
			at++;
			continue;
		}
		after_crlf = at > 0 && text[at - 1] == '\r' && text[at] == '\n';
		if (text[at] == '\n') {
			while (got[n - 1] == '\r')
				n--;
			got[n++] = ']';
			got[n++] = '[';
		} else {
			got[n++] = text[at];
		}
		at++;
	}
	return 0;
}

/* The book keeps bare CRs, of which lines make spaces. */
static void
space_crs(char *text)
{
	for (; *text != '\0'; text++)
		if (*text == '\r')
			*text = ' ';
}

/* TEXT in two packets, each of which is one read(2), the second at CUT. */
static int
input_in_two(const char *text, size_t len, size_t cut)
{
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	if (cut > 0)
		ck_assert_int_eq(write(ends[1], text, cut), (ssize_t)cut);
	if (cut < len)
		ck_assert_int_eq(write(ends[1], text + cut, len - cut),
		    (ssize_t)(len - cut));
	close(ends[1]);
	return ends[0];
}

/* What follows the dot is the next command, whole. */
static void
check_next(struct lines *in, const char *text, size_t len)
{
	const char *lf = memchr(text, '\n', len);
	char want[64] = "";
	struct line_piece piece;
	int more;

	in->dot = LINES_DOT_TEXT;
	more = lines_next(in, &piece);
	ck_assert_int_eq(more, lf != NULL);
	if (lf == NULL)
		return;
	while (lf > text && lf[-1] == '\r')
		lf--;
	memcpy(want, text, (size_t)(lf - text));
	space_crs(want);
	ck_assert(span_is(piece.text, want));
}

static void
check_by_the_book(const char *text, size_t len, size_t cut)
{
	char want[256], got[256] = "";
	size_t took = take_by_the_book(text, len, want);
	int more, fd = input_in_two(text, len, cut);
	struct lines in;
	struct line_piece piece;

	ck_assert_int_eq(lines_open(&in, fd), 0);
	in.dot = LINES_DOT_CRLF;
	while ((more = lines_next(&in, &piece)) > 0) {
		strcat(got, "[");
		strncat(got, piece.text.ptr, piece.text.len);
		strcat(got, "]");
	}
	ck_assert_int_eq(more, 0);
	ck_assert_uint_gt(took, 0);
	space_crs(want);
	ck_assert_str_eq(got, want);
	check_next(&in, text + took, len - took);
	lines_close(&in);
	close(fd);
}

/* Every text of the bytes that matter, up to seven long between a line and a
 * command; and cut in two at every place. */
START_TEST(only_crlf_dot_crlf_ends)
{
	static const char alphabet[] = "\r\n.x";
	char text[32];
	size_t n = (size_t)_i, len, cut;
	unsigned long all = 1, code;

	while (n-- > 0)
		all *= 4;
	for (code = 0; code < all; code++) {
		unsigned long digits = code;

		len = (size_t)sprintf(text, "a");
		for (n = 0; n < (size_t)_i; n++, digits /= 4)
			text[len++] = alphabet[digits % 4];
		len += (size_t)sprintf(text + len, "Q\r\n.\r\nZ\r\n");
		if (_i <= 5) {
			for (cut = 0; cut <= len; cut++)
				check_by_the_book(text, len, cut);
		} else {
			check_by_the_book(text, len, code % (len + 1));
		}
	}
}
END_TEST

/* A CR that a whole buffer of them ends with belongs to the LF after it. */
START_TEST(a_buffer_of_crs_ends_with_crlf)
{
	size_t n, len = LINES_BUFFER_BYTES;

	for (n = len - 2; n <= len + 2; n++) {
		char *text = malloc(n + 8);
		FILE *file = tmpfile();
		struct lines in;
		struct line_piece piece;
		int more;

		memset(text, '\r', n);
		memcpy(text + n, "\n.\r\nEND\n", 8);
		ck_assert_uint_eq(fwrite(text, 1, n + 8, file), n + 8);
		rewind(file);
		ck_assert_int_eq(lines_open(&in, fileno(file)), 0);
		in.dot = LINES_DOT_CRLF;
		while ((more = lines_next(&in, &piece)) == 1)
			ck_assert(!in.is_bare_lf);
		ck_assert_int_eq(more, 0);
		in.dot = LINES_DOT_TEXT;
		ck_assert_int_eq(lines_next(&in, &piece), 1);
		ck_assert(span_is(piece.text, "END"));
		ck_assert(in.is_bare_lf);
		lines_close(&in);
		fclose(file);
		free(text);
	}
}
END_TEST

/* ---- waiting ------------------------------------------------------------ */

static const struct {
	struct lines_patience patience; /* end_ms from now on */
} impatient[] = {
	{ { .idle_ms = 30 } },
	{ { .end_ms = 30 } },
	{ { .idle_ms = 60000, .end_ms = 30 } },
	{ { .idle_ms = 30, .end_ms = 60000 } },
};

START_TEST(patience_ends)
{
	struct lines in;
	struct line_piece piece;
	int64_t begin = lines_clock_ms();
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	ck_assert_int_eq(write(ends[1], "a\nb", 3), 3);
	ck_assert_int_eq(lines_open(&in, ends[0]), 0);
	in.patience = impatient[_i].patience;
	if (in.patience.end_ms > 0)
		in.patience.end_ms += begin;
	ck_assert(!lines_is_ready(&in));
	ck_assert_int_eq(lines_next(&in, &piece), 1);
	ck_assert(span_is(piece.text, "a"));
	ck_assert(!lines_is_ready(&in));
	ck_assert_int_eq(lines_next(&in, &piece), -ETIMEDOUT);
	ck_assert_int_ge(lines_clock_ms() - begin, 30);
	ck_assert_int_lt(lines_clock_ms() - begin, 30000);
	/* For good, whatever comes. */
	ck_assert_int_eq(write(ends[1], "c\n", 2), 2);
	ck_assert_int_eq(lines_next(&in, &piece), -ETIMEDOUT);
	lines_close(&in);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

START_TEST(a_line_that_is_there_is_ready)
{
	int fd = input_of("a\nb\nc");
	struct lines in;
	struct line_piece piece;

	ck_assert_int_eq(lines_open(&in, fd), 0);
	in.patience.idle_ms = 60000;
	ck_assert_int_eq(lines_next(&in, &piece), 1);
	ck_assert(lines_is_ready(&in));
	ck_assert_int_eq(lines_next(&in, &piece), 1);
	ck_assert(!lines_is_ready(&in));
	ck_assert_int_eq(lines_next(&in, &piece), 1);
	ck_assert(span_is(piece.text, "c"));
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
	tcase_add_loop_test(tc, only_crlf_dot_crlf_ends, 0, 8);
	tcase_add_test(tc, a_buffer_of_crs_ends_with_crlf);
	tcase_add_loop_test(tc, patience_ends, 0,
	    (int)(sizeof(impatient) / sizeof(impatient[0])));
	tcase_add_test(tc, a_line_that_is_there_is_ready);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(s, tc);
	return unit_main(s);
}
