/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* Every row of the table of outcomes, and that doc/OUTCOMES.md has it. */

#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spoold/smtp/outcome.h"
#include "tests/unit/unit.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* ---- answers --------------------------------------------------------- */

static struct answer
answer_for(const char *line)
{
	struct reply r = { .code = (unsigned)strtoul(line, NULL, 10) };

	if (strcmp(line, "broken") == 0)
		return (struct answer){ .kind = ANSWER_BROKEN };
	if (strcmp(line, "too big") == 0)
		return (struct answer){ .kind = ANSWER_TOO_BIG };
	if (strlen(line) > 4) {
		r.len = strlen(line + 4);
		memcpy(r.text, line + 4, r.len);
	}
	return answer_of(&r);
}

static const struct {
	const char *line;
	bool is_enhanced;
	unsigned subject, detail;
	bool asks_for_login;
} replies[] = {
	{ "550 5.1.1 no", true, 1, 1, false },
	{ "550 5.1.1", true, 1, 1, false },
	{ "550 5.1.", false, 0, 0, false },
	{ "550 5.1", false, 0, 0, false },
	{ "550 5.", false, 0, 0, false },
	{ "550 5", false, 0, 0, false },
	{ "550", false, 0, 0, false },
	{ "550 5.7.57\nmore", true, 7, 57, false },
	{ "550 5.999.999 x", true, 999, 999, false },
	{ "550 5.1.1000 x", false, 0, 0, false },
	{ "550 5.1000.1 x", false, 0, 0, false },
	{ "550 5.1.1x", false, 0, 0, false },
	{ "550 4.1.1 another class", false, 0, 0, false },
	{ "550 x5.1.1", false, 0, 0, false },
	{ "550 5..1 x", false, 0, 0, false },
	{ "450 4.7.1 greylisted", true, 7, 1, false },
	{ "250 2.1.5 ok", false, 0, 0, false },
	{ "550 5.7.1 Authentication Required.", true, 7, 1, true },
	{ "550 you MUST authenticate", false, 0, 0, true },
	{ "550 5.7.26 unauthenticated mail", true, 7, 26, false },
	{ "550 authentication require", false, 0, 0, false },
};

START_TEST(reads_replies)
{
	struct answer got = answer_for(replies[_i].line);

	ck_assert_int_eq(got.is_enhanced, replies[_i].is_enhanced);
	ck_assert_int_eq(got.asks_for_login, replies[_i].asks_for_login);
	if (!got.is_enhanced)
		return;
	ck_assert_uint_eq(got.subject, replies[_i].subject);
	ck_assert_uint_eq(got.detail, replies[_i].detail);
}
END_TEST

/* ---- rows ------------------------------------------------------------ */

static const struct {
	enum at at;
	const char *line;
	enum verdict want;
} cases[] = {
	{ AT_CONNECT, "broken", VERDICT_RELAY },
	{ AT_GREETING, "421 4.3.2 bye", VERDICT_RELAY },
	{ AT_GREETING, "554 no", VERDICT_RELAY },
	{ AT_GREETING, "broken", VERDICT_RELAY },
	{ AT_EHLO, "550 no", VERDICT_RELAY },
	{ AT_EHLO, "broken", VERDICT_RELAY },
	{ AT_STARTTLS, "454 4.7.0 not now", VERDICT_RELAY },
	{ AT_TLS, "broken", VERDICT_RELAY },
	{ AT_AUTH, "535 5.7.8 wrong", VERDICT_RELAY },
	{ AT_AUTH, "454 4.7.0 not now", VERDICT_RELAY },

	{ AT_MAIL, "250 ok", VERDICT_ACCEPTED },
	{ AT_MAIL, "broken", VERDICT_MAYBE_MESSAGE },
	{ AT_MAIL, "421 bye", VERDICT_MAYBE_MESSAGE },
	{ AT_MAIL, "530 5.7.0 login", VERDICT_MAYBE_MESSAGE },
	{ AT_MAIL, "535 no", VERDICT_MAYBE_MESSAGE },
	{ AT_MAIL, "454 4.7.0 login", VERDICT_MAYBE_MESSAGE },
	{ AT_MAIL, "454 4.7.1 relaying denied", VERDICT_MESSAGE_LATER },
	{ AT_MAIL, "550 5.7.57 not authenticated", VERDICT_MAYBE_MESSAGE },
	{ AT_MAIL, "550 5.7.60 send as", VERDICT_MESSAGE_FAILED },
	{ AT_MAIL, "554 5.3.2 none here", VERDICT_MAYBE_MESSAGE },
	{ AT_MAIL, "452 4.3.1 disk", VERDICT_MAYBE_MESSAGE },
	{ AT_MAIL, "552 5.3.1 disk", VERDICT_MESSAGE_FAILED },
	{ AT_MAIL, "450 4.7.1 greylisted", VERDICT_MESSAGE_LATER },
	{ AT_MAIL, "452 wait", VERDICT_MESSAGE_LATER },
	{ AT_MAIL, "552 5.3.4 size", VERDICT_MESSAGE_FAILED },
	{ AT_MAIL, "550 5.7.1 not you", VERDICT_MESSAGE_FAILED },
	{ AT_MAIL, "too big", VERDICT_MESSAGE_FAILED },

	{ AT_RCPT, "250 ok", VERDICT_ACCEPTED },
	{ AT_RCPT, "broken", VERDICT_LOST },
	{ AT_RCPT, "421 bye", VERDICT_LOST },
	{ AT_RCPT, "530 login", VERDICT_MAYBE_MESSAGE },
	{ AT_RCPT, "538 login", VERDICT_MAYBE_MESSAGE },
	{ AT_RCPT, "550 5.7.1 authentication required", VERDICT_MAYBE_MESSAGE },
	{ AT_RCPT, "550 authentication required", VERDICT_MAYBE_MESSAGE },
	{ AT_RCPT, "550 5.1.1 authentication required",
	    VERDICT_RECIPIENT_FAILED },
	{ AT_RCPT, "554 5.7.1 relay access denied", VERDICT_RECIPIENT_FAILED },
	{ AT_RCPT, "454 4.7.1 relay access denied", VERDICT_RECIPIENT_LATER },
	{ AT_RCPT, "450 4.3.2 not now", VERDICT_MAYBE_MESSAGE },
	{ AT_RCPT, "452 4.3.1 disk", VERDICT_MAYBE_MESSAGE },
	{ AT_RCPT, "452 too many", VERDICT_TOO_MANY },
	{ AT_RCPT, "552 too many", VERDICT_TOO_MANY },
	{ AT_RCPT, "452 4.5.3 too many", VERDICT_TOO_MANY },
	{ AT_RCPT, "451 4.5.3 too many", VERDICT_TOO_MANY },
	{ AT_RCPT, "550 5.5.3 too many", VERDICT_TOO_MANY },
	{ AT_RCPT, "452 4.2.2 full", VERDICT_RECIPIENT_LATER },
	{ AT_RCPT, "552 5.2.2 full", VERDICT_RECIPIENT_LATER },
	{ AT_RCPT, "552 5.2.3 too large", VERDICT_RECIPIENT_FAILED },
	{ AT_RCPT, "552 5.3.4 too large", VERDICT_RECIPIENT_FAILED },
	{ AT_RCPT, "451 4.2.0 busy", VERDICT_RECIPIENT_LATER },
	{ AT_RCPT, "550 5.1.1 no", VERDICT_RECIPIENT_FAILED },

	{ AT_DATA, "354 go", VERDICT_ACCEPTED },
	{ AT_DATA, "broken", VERDICT_LOST },
	{ AT_DATA, "421 bye", VERDICT_LOST },
	{ AT_DATA, "530 login", VERDICT_LOST },
	{ AT_DATA, "451 4.3.2 not now", VERDICT_LOST },
	{ AT_DATA, "451 4.3.0 wait", VERDICT_MESSAGE_LATER },
	{ AT_DATA, "554 no", VERDICT_MESSAGE_FAILED },
	{ AT_CONTENT, "broken", VERDICT_LOST },
	{ AT_CONTENT, "421 bye", VERDICT_LOST },
	{ AT_CONTENT, "552 5.3.4 too much", VERDICT_MESSAGE_FAILED },
	{ AT_CONTENT, "452 4.3.1 disk", VERDICT_MESSAGE_LATER },

	{ AT_FINAL, "250 ok", VERDICT_DELIVERED },
	{ AT_FINAL, "broken", VERDICT_UNCERTAIN },
	{ AT_FINAL, "421 bye", VERDICT_LOST },
	{ AT_FINAL, "535 login", VERDICT_LOST },
	{ AT_FINAL, "550 5.7.8 login", VERDICT_LOST },
	{ AT_FINAL, "554 5.3.2 none", VERDICT_LOST },
	{ AT_FINAL, "451 4.3.0 wait", VERDICT_MESSAGE_LATER },
	{ AT_FINAL, "550 5.7.1 authentication required",
	    VERDICT_MESSAGE_FAILED },
	{ AT_FINAL, "554 5.6.0 spam", VERDICT_MESSAGE_FAILED },
};

START_TEST(judges)
{
	struct answer answer = answer_for(cases[_i].line);

	ck_assert_str_eq(verdict_name(outcome_verdict(cases[_i].at, &answer)),
	    verdict_name(cases[_i].want));
}
END_TEST

/* A row that no case reaches is hidden by another, or not tested. */
START_TEST(every_row_has_a_case)
{
	bool has_case[100] = { false };

	ck_assert_uint_lt(outcome_row_count, 100);
	for (int i = 0; i < COUNT(cases); i++) {
		struct answer answer = answer_for(cases[i].line);

		has_case[outcome_find(cases[i].at, &answer)] = true;
	}
	for (size_t i = 0; i < outcome_row_count; i++)
		ck_assert_msg(has_case[i], "row %zu", i);
}
END_TEST

/* ---- how far it got --------------------------------------------------- */

#define MAIL(code) .is_mail_sent = true, .mail = (code)

static const struct {
	struct progress progress;
	enum at at;
	unsigned code;
} ends[] = {
	{ { .mail = 0 }, AT_AUTH, 0 },
	{ { .is_mail_sent = true }, AT_MAIL, 0 },
	{ { .is_mail_sent = true, .last_words = 550 }, AT_MAIL, 0 },
	{ { MAIL(421) }, AT_MAIL, 421 },
	{ { MAIL(530) }, AT_MAIL, 530 },
	{ { MAIL(550) }, AT_MAIL, 550 },
	{ { MAIL(550), .final = 250 }, AT_MAIL, 550 },
	{ { MAIL(250) }, AT_RCPT, 0 },
	{ { MAIL(250), .final = 451, .is_data_refused = true }, AT_DATA, 451 },
	{ { MAIL(250), .final = 554, .is_data_ok = true, .is_dot_sent = true },
	    AT_FINAL, 554 },
	/* A 250 to DATA is no success. */
	{ { MAIL(250), .final = 250 }, AT_RCPT, 0 },
	{ { MAIL(250), .final = 250, .is_data_ok = true }, AT_CONTENT, 0 },
	{ { MAIL(250), .is_data_ok = true }, AT_CONTENT, 0 },
	{ { MAIL(250), .is_data_ok = true, .is_dot_sent = true }, AT_FINAL, 0 },
	{ { MAIL(250), .is_data_ok = true, .is_dot_sent = true, .final = 250 },
	    AT_FINAL, 250 },
	/* Refused in the middle of the message. */
	{ { MAIL(250), .is_data_ok = true, .last_words = 552 }, AT_CONTENT,
	    552 },
	{ { MAIL(250), .is_data_ok = true, .last_words = 421 }, AT_CONTENT,
	    421 },
	{ { MAIL(250), .is_data_ok = true, .last_words = 250 }, AT_CONTENT, 0 },
	{ { MAIL(250), .last_words = 552 }, AT_RCPT, 0 },
	{ { MAIL(250), .is_data_ok = true, .is_dot_sent = true,
	      .last_words = 552 },
	    AT_FINAL, 0 },
};

START_TEST(knows_where_it_ended)
{
	unsigned code = 1;

	ck_assert_int_eq(
	    outcome_reached(&ends[_i].progress, &code), ends[_i].at);
	ck_assert_uint_eq(code, ends[_i].code);
}
END_TEST

/* ---- the document ---------------------------------------------------- */

/* TEXT without its asterisks' backslashes and outer spaces, in place. */
static char *
plain(char *text)
{
	char *to;

	text += strspn(text, " ");
	to = text;
	for (const char *c = text; *c != '\0'; c++)
		if (*c != '\\')
			*to++ = *c;
	while (to > text && to[-1] == ' ')
		to--;
	*to = '\0';
	return text;
}

static void
write_row(const struct outcome_row *row, char *buf, size_t size)
{
	FILE *out = fmemopen(buf, size, "w");
	const char *comma = "";

	ck_assert_ptr_nonnull(out);
	if (row->ats == (1u << ATS) - 1)
		(void)fputs("all", out);
	for (unsigned at = 0; at < ATS && row->ats != (1u << ATS) - 1; at++)
		if (row->ats & 1u << at) {
			(void)fprintf(
			    out, "%s%s", comma, outcome_at_name((enum at)at));
			comma = ", ";
		}
	(void)fprintf(out, "|%s%s|%s|%s", row->codes,
	    row->wants_login ? " that asks for a login" : "", row->enhanced,
	    verdict_name(row->verdict));
	ck_assert_int_eq(fclose(out), 0);
}

/* The first four cells of LINE, joined by "|". */
static void
read_row(char *line, char *buf, size_t size)
{
	size_t len = 0;

	line++;
	for (int i = 0; i < 4; i++) {
		char *end = strchr(line, '|');
		char cell[500];

		ck_assert_ptr_nonnull(end);
		(void)snprintf(
		    cell, sizeof(cell), "%.*s", (int)(end - line), line);
		len += (size_t)snprintf(buf + len, size - len, "%s%s",
		    i > 0 ? "|" : "", plain(cell));
		line = end + 1;
	}
}

static FILE *
open_document(void)
{
	const char *dir = getenv("srcdir");
	char path[4096], line[2000];
	FILE *in;

	(void)snprintf(
	    path, sizeof(path), "%s/doc/OUTCOMES.md", dir != NULL ? dir : ".");
	in = fopen(path, "re");
	ck_assert_msg(in != NULL, "no %s", path);
	do
		ck_assert_ptr_nonnull(fgets(line, sizeof(line), in));
	while (strncmp(line, "| phase |", 9) != 0);
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), in));
	return in;
}

START_TEST(the_document_has_the_rows)
{
	char line[2000], got[1000], want[1000];
	FILE *in = open_document();

	for (size_t i = 0; i < outcome_row_count; i++) {
		ck_assert_ptr_nonnull(fgets(line, sizeof(line), in));
		read_row(line, got, sizeof(got));
		write_row(&outcome_rows[i], want, sizeof(want));
		ck_assert_str_eq(got, want);
	}
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), in));
	ck_assert_str_eq(line, "\n");
	(void)fclose(in);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("outcome");
	TCase *tc = tcase_create("outcome");

	tcase_add_loop_test(tc, reads_replies, 0, COUNT(replies));
	tcase_add_loop_test(tc, judges, 0, COUNT(cases));
	tcase_add_test(tc, every_row_has_a_case);
	tcase_add_loop_test(tc, knows_where_it_ended, 0, COUNT(ends));
	tcase_add_test(tc, the_document_has_the_rows);
	suite_add_tcase(s, tc);
	return unit_main(s);
}
