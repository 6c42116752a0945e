/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/utf8.h"
#include "spoold/report-work.h"
#include "spoold/report.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

#define NOW ((int64_t)1763770000123456)
#define HOUR ((int64_t)3600 * 1000000)
#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

static const char plain[] = "From: Ann <ann@example.org>\r\n"
			    "Subject: Invoice 4711\r\n"
			    "Message-ID: <1234@example.org>\r\n"
			    "\r\n"
			    "Dear Bob,\r\n"
			    ".\r\n"
			    "here it is.\r\n";

static char *dir;
static struct spool sp;
static struct envelope env;
static struct qfile original;
static struct report_rcpt one;
static struct report rp;
static char *report; /* as written */
static size_t report_len;
static char spooled[SPOOL_ID_SIZE];

static void
setup(void)
{
	char *why;

	setenv("TZ", "UTC", 1);
	tzset();
	dir = scratch_enter();
	ck_assert_int_eq(spool_create("spool", &why), 0);
	ck_assert_int_eq(spool_open(&sp, "spool", SPOOL_OWN, &why), 0);
	env =
	    (struct envelope){ .arrival_us = NOW - 5 * HOUR, .uid = geteuid() };
	ck_assert_int_eq(envelope_set_sender(&env, "ann@example.org"), 0);
	ck_assert_int_eq(envelope_add(&env, "bob@example.net"), 0);
	one = (struct report_rcpt){
		.reply = "550 5.1.1 no such user",
		.server = "mail.example[192.0.2.1]:25",
		.last_us = NOW - HOUR,
	};
	rp = (struct report){
		.kind = REPORT_FAILED,
		.original = &original,
		.rcpts = &one,
		.nrcpts = 1,
		.host = "host.example.org",
		.origin = "example.org",
		.to = "ann@example.org",
		.now_us = NOW,
		.original_max = 50000,
	};
}

static void
teardown(void)
{
	free(report);
	report = NULL;
	qfile_close(&original);
	envelope_release(&env);
	spool_close(&sp);
	scratch_leave(dir);
}

/* Spool TEXT with ENV, as what is reported about. */
static void
make_original(const char *text, size_t len)
{
	struct draft draft;
	const char *why;

	ck_assert_int_eq(draft_open(&draft, &sp, &env), 0);
	ck_assert_int_eq(draft_write(&draft, text, len), 0);
	ck_assert_int_eq(draft_publish(&draft, NOW, spooled), 0);
	ck_assert_int_eq(
	    qfile_open(&original, &sp, SPOOL_QUEUE, spooled, &why), 0);
	rp.id = spooled;
}

static void
write_report(void)
{
	FILE *out = open_memstream(&report, &report_len);

	ck_assert_int_eq(report_write(&rp, out), 0);
	ck_assert_int_eq(fclose(out), 0);
}

static void
report_on(const char *text)
{
	make_original(text, strlen(text));
	write_report();
}

/* The same text with its lines joined, so that wrapping does not matter. */
static char *
unwrapped(void)
{
	char *copy = malloc(report_len + 1), *out = copy;

	for (size_t i = 0; i < report_len; i++)
		if (report[i] == '\n' || report[i] == ' ') {
			if (out > copy && out[-1] != ' ')
				*out++ = ' ';
		} else if (report[i] != '\r')
			*out++ = report[i];
	*out = '\0';
	return copy;
}

static void
check_has(const char *want)
{
	char *text = unwrapped();

	ck_assert_msg(
	    strstr(report, want) != NULL || strstr(text, want) != NULL,
	    "'%s' is not in:\n%s", want, report);
	free(text);
}

static void
check_lacks(const char *want)
{
	ck_assert_msg(
	    strstr(report, want) == NULL, "'%s' is in:\n%s", want, report);
}

/* Where the report is no CRLF text of lines of 998 bytes at most without
 * control characters; -1: nowhere.  (An assertion each would take minutes.) */
static int
find_bad_byte(void)
{
	size_t column = 0;

	for (size_t i = 0; i < report_len; i++) {
		unsigned char c = (unsigned char)report[i];

		column++;
		if (c == '\n') {
			if (column > 1000 || column == 1 ||
			    report[i - 1] != '\r')
				return (int)i;
			column = 0;
		} else if (c == '\r' ? report[i + 1] != '\n'
				     : c < ' ' && c != '\t')
			return (int)i;
	}
	return column == 0 ? -1 : (int)report_len;
}

static void
check_lines(void)
{
	ck_assert_int_eq(find_bad_byte(), -1);
}

/* ---- codes ----------------------------------------------------------- */

static const struct {
	const char *reply;
	enum report_kind kind;
	const char *want;
} codes[] = {
	{ "550 5.1.1 no such user", REPORT_FAILED, "5.1.1" },
	{ "550-5.1.1 no such user", REPORT_FAILED, "5.1.1" },
	{ "550 5.7.26", REPORT_FAILED, "5.7.26" },
	{ "550 5.123.456 x", REPORT_FAILED, "5.123.456" },
	{ "550 5.1234.1 x", REPORT_FAILED, "5.0.0" },
	{ "550 no such user", REPORT_FAILED, "5.0.0" },
	{ "550 5.1 no", REPORT_FAILED, "5.0.0" },
	{ "550 5.1.1x no", REPORT_FAILED, "5.0.0" },
	{ "550 4.2.2 odd", REPORT_FAILED, "5.0.0" },
	{ "550", REPORT_FAILED, "5.0.0" },
	{ "5.1.1 no such user", REPORT_FAILED, "5.1.1" },
	{ "451 4.3.0 later", REPORT_FAILED, "4.3.0" },
	{ "451 later", REPORT_FAILED, "4.0.0" },
	{ "451 4.3.0 later", REPORT_DELAYED, "4.3.0" },
	{ "535 5.7.8 who are you", REPORT_DELAYED, "4.7.8" },
	{ "550 no", REPORT_DELAYED, "4.0.0" },
	{ "250 2.1.5 ok", REPORT_RELAYED, "2.1.5" },
	{ "250 ok", REPORT_RELAYED, "2.0.0" },
	{ "450 4.1.1 odd", REPORT_RELAYED, "2.0.0" },
	{ "250 2.1.5 ok", REPORT_FAILED, "5.0.0" },
	{ "[local] no relay", REPORT_FAILED, "5.0.0" },
	{ "[local] no relay", REPORT_DELAYED, "4.0.0" },
	{ "", REPORT_FAILED, "5.0.0" },
	{ NULL, REPORT_FAILED, "5.0.0" },
	{ NULL, REPORT_DELAYED, "4.0.0" },
	{ NULL, REPORT_RELAYED, "2.0.0" },
};

START_TEST(status_codes_come_from_replies)
{
	char buf[16];

	ck_assert_str_eq(report_status(codes[_i].reply, codes[_i].kind, buf),
	    codes[_i].want);
}
END_TEST

/* ---- subjects -------------------------------------------------------- */

static const struct {
	const char *text, *want;
} subjects[] = {
	{ "Invoice 4711", "Invoice 4711" },
	{ "=?UTF-8?Q?Gr=C3=BC=C3=9Fe_an_Bob?=", "Grüße an Bob" },
	{ "=?utf-8?b?R3LDvMOfZQ==?= x", "Grüße x" },
	{ "Re: =?iso-8859-1?Q?Gr=FC=DFe?=", "Re: Grüße" },
	{ "=?us-ascii?Q?a?= =?us-ascii?Q?b?=\tc", "ab\\x09c" },
	/* A character in two words. */
	{ "=?UTF-8?Q?=C3?=  =?UTF-8?Q?=BC?=", "ü" },
	{ "=?koi8-r?Q?abc?=", "=?koi8-r?Q?abc?=" },
	{ "=?UTF-8?X?abc?=", "=?UTF-8?X?abc?=" },
	{ "=?UTF-8?Q?abc", "=?UTF-8?Q?abc" },
	{ "=?UTF-8?Q?a=?=", "a=" },
	{ "=?UTF-8?Q?a=4?=", "a=4" },
	{ "=?UTF-8?Q?=ZZ?=", "=ZZ" },
	{ "=?UTF-8?Q?\?=", "" },
	{ "=?", "=?" },
	{ "=?\?\?\?\?\?\?\?", "=?\?\?\?\?\?\?\?" },
	/* What is hidden is seen. */
	{ "=?UTF-8?Q?a=0D=0ABcc:_x?=", "a\\x0D\\x0ABcc: x" },
	{ "=?UTF-8?B?AA==?=", "\\x00" },
	{ "=?UTF-8?Q?=E2=80=AE?=", "\\u{202E}" },
	{ "a\033[31mb", "a\\x1B[31mb" },
	{ "\xff", "\\xFF" },
};

START_TEST(subjects_are_decoded)
{
	char *got = words_decode(subjects[_i].text, 200);

	ck_assert_str_eq(got, subjects[_i].want);
	free(got);
}
END_TEST

START_TEST(words_come_back)
{
	static const char *const texts[] = { "x", "Grüße = ? _ an Bob",
		"üüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüü a b c",
		"𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞" };
	char *text, *again;
	size_t len, column = 0;
	FILE *out = open_memstream(&text, &len);

	words_put(out, texts[_i]);
	ck_assert_int_eq(fclose(out), 0);
	for (char *c = text; *c != '\0'; c++) {
		ck_assert_uint_le(column, 76);
		column = *c == '\n' ? 0 : column + 1;
		/* As unfolding does. */
		if (*c == '\r' || *c == '\n')
			*c = ' ';
	}
	again = words_decode(text, 1000);
	ck_assert_str_eq(again, texts[_i]);
	free(again);
	free(text);
}
END_TEST

START_TEST(quoted_printable_is_right)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "a\nb\n", "a\r\nb\r\n" },
		{ "ü=\n", "=C3=BC=3D\r\n" },
		{ "-- \nx ", "--=20\r\nx=20" },
		{ "0123456789012345678901234567890123456789"
		  "0123456789012345678901234567890123456789",
		    "0123456789012345678901234567890123456789"
		    "01234567890123456789012345678901234=\r\n56789" },
	};
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	quoted_put(out, rows[_i].text, strlen(rows[_i].text));
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_str_eq(text, rows[_i].want);
	free(text);
}
END_TEST

/* ---- kinds ----------------------------------------------------------- */

START_TEST(a_failure_says_all_there_is_to_know)
{
	env.envid = strdup("QQ 314159");
	env.rcpts[0].orcpt = strdup("rfc822;info@example.net");
	report_on(plain);
	check_lines();
	check_has("From: Mail Delivery System <MAILER-DAEMON@example.org>\r\n");
	check_has("\r\nTo: <ann@example.org>\r\n");
	check_has("\r\nSubject: Undelivered: Invoice 4711\r\n");
	check_has("\r\nDate: Sat, 22 Nov 2025 00:06:40 +0000\r\n");
	check_has("\r\nIn-Reply-To: <1234@example.org>\r\n");
	check_has("\r\nReferences: <1234@example.org>\r\n");
	check_has("\r\nAuto-Submitted: auto-replied\r\n");
	check_has("\r\nMIME-Version: 1.0\r\n");
	check_has("\r\nContent-Transfer-Encoding: 7bit\r\n");

	check_has("Your message could not be delivered");
	check_has("    <bob@example.net>\r\n");
	check_has("The mail server mail.example answered: "
		  "550 5.1.1 no such user");
	check_has("Check its spelling");
	check_has("Sent: Fri, 21 Nov 2025 19:06:40 +0000");

	check_has("\r\nOriginal-Envelope-Id: QQ 314159\r\n");
	check_has("\r\nReporting-MTA: dns; host.example.org\r\n");
	check_has("\r\nArrival-Date: Fri, 21 Nov 2025 19:06:40 +0000\r\n");
	check_has("\r\n\r\nOriginal-Recipient: rfc822; info@example.net\r\n"
		  "Final-Recipient: rfc822; bob@example.net\r\n"
		  "Action: failed\r\n"
		  "Status: 5.1.1\r\n"
		  "Remote-MTA: dns; mail.example\r\n"
		  "Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n"
		  "Last-Attempt-Date: Fri, 21 Nov 2025 23:06:40 +0000\r\n");
	check_lacks("Will-Retry-Until");
	check_has("Content-Type: message/rfc822\r\n");
	check_has(plain);
}
END_TEST

START_TEST(a_delay_says_that_nothing_is_to_do)
{
	one.reply = "451 4.3.0 come back";
	rp.kind = REPORT_DELAYED;
	rp.until_us = NOW + 100 * HOUR;
	report_on(plain);
	check_lines();
	check_has("\r\nSubject: Delayed: Invoice 4711\r\n");
	check_has("Your message has not reached the recipient below yet. "
		  "This is a warning only");
	check_has("until Wed, 26 Nov 2025 04:06:40 +0000. If");
	check_has("final notice");
	check_lacks("What to do");
	check_has("Action: delayed\r\nStatus: 4.3.0\r\n");
	check_has("\r\nWill-Retry-Until: Wed, 26 Nov 2025 04:06:40 +0000\r\n");
	/* Its header only, by RFC 3461. */
	check_has("Content-Type: text/rfc822-headers\r\n");
	check_lacks("Dear Bob");
}
END_TEST

START_TEST(handing_on_says_that_no_more_follows)
{
	one.reply = "250 2.1.5 ok";
	rp.kind = REPORT_RELAYED;
	report_on(plain);
	check_lines();
	check_has("\r\nSubject: Handed on: Invoice 4711\r\n");
	check_has("You asked for a confirmation");
	check_has("Action: relayed\r\nStatus: 2.1.5\r\n");
	check_lacks("What to do");
	check_lacks("Dear Bob");
}
END_TEST

START_TEST(a_double_one_is_for_the_postmaster)
{
	rp.to = "postmaster@example.org";
	rp.is_double = true;
	report_on(plain);
	check_lines();
	check_has("\r\nSubject: Undelivered report: Invoice 4711\r\n");
	check_has("you are the postmaster");
	check_has("Action: failed\r\n");
}
END_TEST

/* ---- what goes back -------------------------------------------------- */

static const struct {
	enum dsn_ret ret;
	uint64_t original_max;
	bool whole;
} returns[] = {
	{ RET_UNSPECIFIED, sizeof(plain) - 1, true },
	{ RET_UNSPECIFIED, sizeof(plain) - 2, false },
	{ RET_FULL, 0, true },
	{ RET_HDRS, 50000, false },
};

START_TEST(as_much_goes_back_as_was_asked)
{
	env.ret = returns[_i].ret;
	rp.original_max = returns[_i].original_max;
	report_on(plain);
	check_lines();
	check_has("Subject: Invoice 4711\r\n");
	if (returns[_i].whole) {
		check_has("message/rfc822");
		check_has("here it is.\r\n");
	} else {
		check_has("text/rfc822-headers");
		check_lacks("here it is.");
		check_has("the header of the message");
	}
}
END_TEST

static const struct {
	const char *text;
	enum dsn_ret ret;
	bool is_8bit;
	const char *type;
} encodings[] = {
	{ "Subject: a\r\n\r\nGr\xc3\xbc\xc3\x9f\r\n", RET_FULL, true,
	    "message/rfc822" },
	{ "Subject: a\r\n\r\nGr\xfc\xdf\r\n", RET_FULL, true,
	    "message/rfc822" },
	{ "Subject: a\r\n\r\nGr\xfc\xdf\r\n", RET_HDRS, false,
	    "text/rfc822-headers" },
	{ "Subject: \xc3\xbc\r\n\r\nx\r\n", RET_FULL, true, "message/global" },
	{ "Subject: \xc3\xbc\r\n\r\nx\r\n", RET_HDRS, true,
	    "message/global-headers" },
	{ "Subject: \xfc\r\n\r\nx\r\n", RET_HDRS, true, "text/rfc822-headers" },
	{ "\r\nno header\r\n", RET_FULL, false, "message/rfc822" },
	{ "Subject: no body\r\n", RET_FULL, false, "message/rfc822" },
	{ "", RET_FULL, false, "message/rfc822" },
};

START_TEST(encodings_are_declared)
{
	char *want, id[SPOOL_ID_SIZE];
	struct qfile qf;
	const char *why;

	env.ret = encodings[_i].ret;
	report_on(encodings[_i].text);
	check_lines();
	ck_assert_int_gt(
	    asprintf(&want,
		"Content-Type: %s\r\n"
		"Content-Transfer-Encoding: %s\r\n",
		encodings[_i].type, encodings[_i].is_8bit ? "8bit" : "7bit"),
	    0);
	check_has(want);
	free(want);
	ck_assert_int_eq(utf8_has_8bit(span_of(report)), encodings[_i].is_8bit);
	ck_assert_int_eq(report_submit(&sp, &rp, id), 0);
	ck_assert_int_eq(qfile_open(&qf, &sp, SPOOL_QUEUE, id, &why), 0);
	ck_assert_int_eq(qf.env.body == BODY_8BITMIME, encodings[_i].is_8bit);
	ck_assert(!qf.env.is_utf8);
	qfile_close(&qf);
}
END_TEST

/* A header that never ends. */
START_TEST(a_huge_header_is_cut_at_a_line)
{
	static char text[300000];
	size_t len = 0;

	while (len < sizeof(text) - 100)
		len += (size_t)sprintf(text + len, "X-%zu: abcdef\r\n", len);
	env.ret = RET_HDRS;
	make_original(text, len);
	write_report();
	check_lines();
	ck_assert_uint_le(report_len, 70000);
	ck_assert_uint_ge(report_len, 60000);
}
END_TEST

START_TEST(a_large_original_passes_through)
{
	size_t len = (size_t)3 << 20;
	char *text = malloc(len + 1);

	strcpy(text, "Subject: a\r\n\r\n");
	for (size_t i = strlen(text); i < len; i++)
		text[i] = i % 80 == 78 ? '\r' : i % 80 == 79 ? '\n' : 'x';
	text[len - 2] = '\r';
	text[len - 1] = '\n';
	text[len] = '\0';
	env.ret = RET_FULL;
	make_original(text, len);
	write_report();
	ck_assert_ptr_nonnull(strstr(report, text));
	free(text);
}
END_TEST

/* ---- odd bytes ------------------------------------------------------- */

static const struct {
	const char *reply;
	const char *server;
	const char *text; /* for people: must be there */
	const char *status;
} odd[] = {
	{ NULL, NULL, "No mail server has answered.", "Status: 5.0.0" },
	{ "[local] no space left", NULL, "The reason: no space left",
	    "Diagnostic-Code: x-spoold; [local] no space left\r\n" },
	{ "550 a\r\nSubject: b", "unix:/run/x y",
	    "The mail server unix:/run/x y answered: 550 a\\x0D\\x0ASubject: b",
	    "Remote-MTA: x-server; unix:/run/x y\r\n" },
	{ "550 \033[2J\001", "\n.\r\n", "550 \\x1B[2J\\x01", "Status: 5.0.0" },
	{ "550 Größe", "[2001:db8::1]:25", "550 Gr=C3=B6=C3=9Fe",
	    "Diagnostic-Code: smtp; 550 Gr\\xC3\\xB6\\xC3\\x9Fe\r\n" },
	{ "550 \xff\xfe", "", "550 \\xFF\\xFE", "550 \\xFF\\xFE\r\n" },
	{ "552 5.3.4 too big", "a", "too large for the", "Status: 5.3.4" },
	{ "552 5.2.2 full", "a", "mailbox is full", "Status: 5.2.2" },
	{ "554 5.7.1 spam", "a", "did not want this message", "Status: 5.7.1" },
	{ "554 5.7.8 login", "a", "only an administrator", "Status: 5.7.8" },
	{ "554 5.9.9 ?", "a", "come from the mail system", "Status: 5.9.9" },
	{ "450 4.2.0 later", "a", "said to be temporary", "Status: 4.2.0" },
	{ "553 5.1.3 syntax", "a", "There is no such address",
	    "Status: 5.1.3" },
};

START_TEST(odd_replies_are_harmless)
{
	one.reply = odd[_i].reply;
	one.server = odd[_i].server;
	report_on(plain);
	check_lines();
	check_has(odd[_i].text);
	check_has(odd[_i].status);
}
END_TEST

START_TEST(notes_are_told)
{
	one.reply = _i < 2 ? "451 4.3.0 later" : NULL;
	one.note = _i == 0 ? "gave up" : "its lifetime ended";
	report_on(plain);
	check_has(_i == 0 ? "It was tried many times, in vain."
			  : "It is not tried any more: its lifetime ended.");
	check_has(_i < 2 ? "Status: 4.3.0\r\n" : "Status: 4.4.7\r\n");
	check_has("send it again");
}
END_TEST

static const char *const ids[] = {
	"Message-ID: <a b>\r\n\r\n",
	"Message-ID: a@b\r\n\r\n",
	"Message-ID: <>\r\n\r\n",
	"Message-ID: <a\r\n b>\r\n\r\n",
	"Message-ID: <a><b>\r\n\r\n",
	"Message-ID: <\xc3\xbc@b>\r\n\r\n",
	"Subject:\r\n\r\n",
};

START_TEST(a_bad_message_id_is_left_out)
{
	report_on(ids[_i]);
	check_lines();
	check_lacks("In-Reply-To");
	check_has("Subject: Undelivered: your message\r\n");
}
END_TEST

START_TEST(a_subject_cannot_end_the_header)
{
	report_on(
	    "Subject: =?UTF-8?Q?a=0D=0A=0D=0Ab=E2=80=AE=C3=BC?=\r\n\r\nx");
	check_has("Subject: Undelivered: "
		  "=?UTF-8?Q?a=5Cx0D=5Cx0A=5Cx0D=5Cx0Ab=5Cu=7B202E=7D=C3=BC?=");
}
END_TEST

START_TEST(long_texts_are_bounded)
{
	static char reply[9000], subject[9000];

	memset(reply, 'x', sizeof(reply) - 1);
	memcpy(reply, "550 ", 4);
	strcpy(subject, "Subject: ");
	memset(subject + 9, 's', 900);
	strcpy(subject + 909, "\r\n\r\n");
	one.reply = reply;
	one.server = reply;
	one.note = reply;
	report_on(subject);
	check_lines();
	ck_assert_uint_le(report_len, 9000);
}
END_TEST

START_TEST(addresses_beyond_ascii_are_written_in_it)
{
	env.is_utf8 = true;
	ck_assert_int_eq(envelope_add(&env, "\"jörg+= x\"@exämple.net"), 0);
	one.index = 1;
	report_on(plain);
	check_lines();
	check_has("    <\"j=C3=B6rg+=3D x\"@ex=C3=A4mple.net>");
	check_has("Final-Recipient: utf-8; "
		  "\"j\\x{F6}rg\\x{2B}\\x{3D}\\x{20}x\"@ex\\x{E4}mple.net\r\n");
	check_has("(It had 2 recipients in all.");
}
END_TEST

START_TEST(an_index_beyond_the_envelope_is_skipped)
{
	one.index = 7;
	report_on(plain);
	check_lines();
	check_lacks("Final-Recipient");
}
END_TEST

/* ---- many ------------------------------------------------------------ */

#define MANY 10000
static struct report_rcpt rcpts[MANY];

static void
add_many(void)
{
	for (unsigned i = 1; i < MANY; i++) {
		char addr[40];

		sprintf(addr, "user%u@example.net", i);
		ck_assert_int_eq(envelope_add(&env, addr), 0);
	}
	for (unsigned i = 0; i < MANY; i++) {
		rcpts[i] = one;
		rcpts[i].index = i;
	}
	rp.rcpts = rcpts;
	rp.nrcpts = MANY;
}

/* How many of the report's lines begin with TEXT.  strstr(3) looks at all the
 * rest each time under the address sanitizer. */
static size_t
count_lines(const char *text)
{
	size_t n = 0, len = strlen(text);

	for (size_t i = 0; i + len < report_len; i++)
		if ((i == 0 || report[i - 1] == '\n') &&
		    memcmp(report + i, text, len) == 0)
			n++;
	return n;
}

START_TEST(ten_thousand_are_all_named)
{
	add_many();
	report_on(plain);
	check_lines();
	check_has("could not be delivered to 10000 recipients.");
	check_has("These are the first 100 of 10000.");
	ck_assert_uint_eq(count_lines("Final-Recipient: "), MANY);
	/* What is the same for all is said once. */
	ck_assert_uint_eq(count_lines("    <user"), 99);
	ck_assert_uint_eq(count_lines("      What to do"), 1);
}
END_TEST

/* ---- by another's eyes ------------------------------------------------ */

/* Prints what Python's email package makes of a report. */
static const char reader[] =
    "import email, email.policy, sys\n"
    "m = email.message_from_binary_file(open('r.eml', 'rb'),\n"
    "    policy=email.policy.default)\n"
    "for p in m.walk():\n"
    "    assert not p.defects, p.defects\n"
    "t, s, o = m.iter_parts()\n"
    "f = s.get_payload()\n"
    "print(m.get_content_type(), m.get_param('report-type'))\n"
    "print(m['subject'])\n"
    "print(t.get_content().split('\\n')[0])\n"
    "print(s.get_content_type(), o.get_content_type(), len(f))\n"
    "print(f[0]['Reporting-MTA'])\n"
    "print(f[-1]['Final-Recipient'], f[-1]['Action'], f[-1]['Status'])\n"
    "print(f[-1]['Diagnostic-Code'])\n";

static const struct {
	enum report_kind kind;
	const char *text;
	const char *want;
} readings[] = {
	{ REPORT_FAILED, "Subject: =?UTF-8?B?w7xiZXI=?=\r\n\r\n--a\r\n",
	    "multipart/report delivery-status\n"
	    "Undelivered: über\n"
	    "Your message could not be delivered to 2 recipients.\n"
	    "message/delivery-status message/rfc822 3\n"
	    "dns; host.example.org\n"
	    "rfc822; eve@example.net failed 5.1.1\n"
	    "smtp; 550 5.1.1 no such user\n" },
	{ REPORT_DELAYED, "Subject: \xc3\xbc\r\n\r\nx\r\n",
	    "multipart/report delivery-status\n"
	    "Delayed: ü\n"
	    "Your message has not reached the recipients below yet.\n"
	    "message/delivery-status message/global-headers 3\n"
	    "dns; host.example.org\n"
	    "rfc822; eve@example.net delayed 4.1.1\n"
	    "smtp; 550 5.1.1 no such user\n" },
	{ REPORT_RELAYED, "Subject: a\r\n\r\n\xfc\r\n",
	    "multipart/report delivery-status\n"
	    "Handed on: a\n"
	    "Your message was handed on to the mail server of the recipients "
	    "below,\n"
	    "message/delivery-status text/rfc822-headers 3\n"
	    "dns; host.example.org\n"
	    "rfc822; eve@example.net relayed 2.0.0\n"
	    "smtp; 550 5.1.1 no such user\n" },
};

START_TEST(a_mail_program_reads_it)
{
	struct report_rcpt two[2];
	char got[2000];
	size_t n;
	FILE *in;

	if (system("python3 -c '' 2>/dev/null") != 0)
		return;
	ck_assert_int_eq(envelope_add(&env, "eve@example.net"), 0);
	two[0] = two[1] = one;
	two[1].index = 1;
	rp.rcpts = two;
	rp.nrcpts = 2;
	rp.kind = readings[_i].kind;
	report_on(readings[_i].text);
	scratch_put("r.eml", report, report_len);
	setenv("READER", reader, 1);
	setenv("PYTHONIOENCODING", "utf-8", 1);
	in = popen("python3 -c \"$READER\" 2>&1", "r");
	ck_assert_ptr_nonnull(in);
	n = fread(got, 1, sizeof(got) - 1, in);
	got[n] = '\0';
	ck_assert_msg(pclose(in) == 0 &&
		strncmp(got, readings[_i].want, strlen(readings[_i].want)) == 0,
	    "%s", got);
}
END_TEST

/* ---- into the spool -------------------------------------------------- */

static const struct {
	enum report_kind kind;
	const char *indexes; /* of ten */
	const char *word, *want;
} places[] = {
	{ REPORT_FAILED, "0", "failed", "0" },
	{ REPORT_FAILED, "0125", "failed", "0-2,5" },
	{ REPORT_DELAYED, "0123456789", "delayed", "0-9" },
	{ REPORT_RELAYED, "13579", "relayed", "1,3,5,7,9" },
	{ REPORT_FAILED, "0189", "failed", "0-1,8-9" },
	{ REPORT_FAILED, "321", "failed", "3,2,1" },
};

START_TEST(it_is_admitted_with_what_it_is_about)
{
	char id[SPOOL_ID_SIZE], want[100];
	const char *why, *at = places[_i].indexes;
	struct qfile qf;

	add_many();
	rp.kind = places[_i].kind;
	rp.nrcpts = strlen(at);
	for (size_t i = 0; at[i] != '\0'; i++)
		rcpts[i].index = (unsigned)(at[i] - '0');
	make_original(plain, strlen(plain));
	ck_assert_int_eq(report_submit(&sp, &rp, id), 0);
	ck_assert_str_ne(id, spooled);
	ck_assert_int_eq(qfile_open(&qf, &sp, SPOOL_QUEUE, id, &why), 0);
	ck_assert_int_eq(qfile_verify(&qf), 0);
	snprintf(want, sizeof(want), "%s %s %s", places[_i].word, spooled,
	    places[_i].want);
	ck_assert_str_eq(qf.env.report_of, want);
	ck_assert_str_eq(qf.env.sender, "");
	ck_assert_uint_eq(qf.env.nrcpts, 1);
	ck_assert_str_eq(qf.env.rcpts[0].addr, "ann@example.org");
	ck_assert_uint_eq(qf.env.rcpts[0].notify, 0);
	ck_assert_int_eq(qf.env.arrival_us, NOW);
	ck_assert_uint_eq(qf.env.uid, geteuid());
	qfile_close(&qf);
}
END_TEST

START_TEST(an_address_beyond_ascii_needs_smtputf8)
{
	char id[SPOOL_ID_SIZE];
	const char *why;
	struct qfile qf;

	rp.to = "änn@example.org";
	make_original(plain, strlen(plain));
	ck_assert_int_eq(report_submit(&sp, &rp, id), 0);
	ck_assert_int_eq(qfile_open(&qf, &sp, SPOOL_QUEUE, id, &why), 0);
	ck_assert(qf.env.is_utf8);
	qfile_close(&qf);
}
END_TEST

static int
count_one(const char *name, void *arg)
{
	(void)name;
	++*(int *)arg;
	return 0;
}

START_TEST(a_failure_leaves_nothing)
{
	char id[SPOOL_ID_SIZE];
	int n = 0;

	sp.no_tmpfile = true;
	make_original(plain, strlen(plain));
	if (_i == 0) {
		rp.to = "a\nb@example.org";
		ck_assert_int_eq(report_submit(&sp, &rp, id), -EINVAL);
	} else {
		/* It has become shorter behind our back. */
		original.msg_bytes += 5;
		ck_assert_int_eq(report_submit(&sp, &rp, id), -EIO);
	}
	ck_assert_int_eq(spool_list(&sp, SPOOL_QUEUE, count_one, &n), 0);
	ck_assert_int_eq(n, 1);
	ck_assert_int_eq(rmdir("spool/tmp"), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("report");
	TCase *tc = tcase_create("words");

	tcase_add_loop_test(tc, status_codes_come_from_replies, 0, ROWS(codes));
	tcase_add_loop_test(tc, subjects_are_decoded, 0, ROWS(subjects));
	tcase_add_loop_test(tc, words_come_back, 0, 4);
	tcase_add_loop_test(tc, quoted_printable_is_right, 0, 4);
	suite_add_tcase(s, tc);

	tc = tcase_create("report");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_failure_says_all_there_is_to_know);
	tcase_add_test(tc, a_delay_says_that_nothing_is_to_do);
	tcase_add_test(tc, handing_on_says_that_no_more_follows);
	tcase_add_test(tc, a_double_one_is_for_the_postmaster);
	tcase_add_loop_test(
	    tc, as_much_goes_back_as_was_asked, 0, ROWS(returns));
	tcase_add_loop_test(tc, encodings_are_declared, 0, ROWS(encodings));
	tcase_add_test(tc, a_huge_header_is_cut_at_a_line);
	tcase_add_test(tc, a_large_original_passes_through);
	tcase_add_loop_test(tc, odd_replies_are_harmless, 0, ROWS(odd));
	tcase_add_loop_test(tc, notes_are_told, 0, 3);
	tcase_add_loop_test(tc, a_bad_message_id_is_left_out, 0, ROWS(ids));
	tcase_add_test(tc, a_subject_cannot_end_the_header);
	tcase_add_test(tc, long_texts_are_bounded);
	tcase_add_test(tc, addresses_beyond_ascii_are_written_in_it);
	tcase_add_test(tc, an_index_beyond_the_envelope_is_skipped);
	tcase_add_test(tc, ten_thousand_are_all_named);
	tcase_add_loop_test(tc, a_mail_program_reads_it, 0, ROWS(readings));
	tcase_add_loop_test(
	    tc, it_is_admitted_with_what_it_is_about, 0, ROWS(places));
	tcase_add_test(tc, an_address_beyond_ascii_needs_smtputf8);
	tcase_add_loop_test(tc, a_failure_leaves_nothing, 0, 2);
	suite_add_tcase(s, tc);
	return unit_main(s);
}
