/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* lib/envelope.c: nothing an address holds can fake a line or get lost. */

#include "config.h"

#include <errno.h>

#include "lib/envelope.h"
#include "tests/unit/unit.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define LANE_40 "0123456789_0123456789-abcdefghijklmnOPQR"
#define NEEDED "arrival 1\nuid 2\nsender s@x\n"

static char *
to_text(const struct envelope *env)
{
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	ck_assert_ptr_nonnull(out);
	envelope_write(env, out);
	ck_assert_int_eq(fclose(out), 0);
	return text;
}

/* Read TEXT, which must be good, and give what is written of it. */
static char *
rewrite(const char *text)
{
	struct envelope env = { 0 };
	const char *why = NULL;
	char *again;

	ck_assert_msg(envelope_read(span_of(text), &env, &why) == 0,
	    "refused, it %s: %s", why, text);
	ck_assert_ptr_null(envelope_fault(&env));
	again = to_text(&env);
	envelope_release(&env);
	return again;
}

static const struct {
	const char *addr, *fault;
} addresses[] = {
	{ "ann@example.org", NULL },
	{ "root", NULL },
	{ "j\xc3\xb6rg@example.org", NULL },
	{ "a+b=c!d%e@[IPv6:::1]", NULL },
	{ "\"a b\"@example.org", NULL },
	{ "\"<>\"@example.org", NULL },
	{ "\"a\\\"b\"@example.org", NULL },
	{ "\"a\\\\\"@example.org", NULL },
	{ "x.\"y z\"@example.org", NULL },
	{ "a-@example.org", NULL },
	{ "", "is empty" },
	{ "-t@example.org", "begins with '-'" },
	{ "a b@example.org", "has a bare space" },
	{ "<ann@example.org>", "has a bare '<' or '>'" },
	{ "ann@example.org> SIZE=1", "has a bare '<' or '>'" },
	{ "a\\b@example.org", "has a bare backslash" },
	{ "\"a@example.org", "has an unclosed quote" },
	{ "\"a\\\"@example.org", "has an unclosed quote" },
	{ "\"a\\", "has an unclosed quote" },
	{ "a@\"b c\"", "has a quote in its domain" },
	{ "a@b\"> x\"", "has a quote in its domain" },
	{ "a@b\r", "has a control character" },
	{ "a@b\nrcpt c@d", "has a control character" },
	{ "\"a\nb\"@c", "has a control character" },
	{ "\"a\\\rb\"@c", "has a control character" },
	{ "a\t@b", "has a control character" },
	{ "a\x7f@b", "has a control character" },
};

START_TEST(address_faults_are_named)
{
	struct envelope env = { 0 };
	const char *fault = envelope_address_fault(addresses[_i].addr);
	int want = addresses[_i].fault == NULL ? 0 : -EINVAL;

	if (want == 0)
		ck_assert_ptr_null(fault);
	else
		ck_assert_pstr_eq(fault, addresses[_i].fault);
	ck_assert_int_eq(envelope_add(&env, addresses[_i].addr), want);
	ck_assert_uint_eq(env.nrcpts, want == 0);
	if (addresses[_i].addr[0] != '\0')
		ck_assert_int_eq(
		    envelope_set_sender(&env, addresses[_i].addr), want);
	envelope_release(&env);
}
END_TEST

START_TEST(the_longest_address_passes)
{
	char addr[ENVELOPE_ADDRESS_MAX + 2];

	memset(addr, 'a', sizeof(addr));
	addr[ENVELOPE_ADDRESS_MAX] = '\0';
	ck_assert_ptr_null(envelope_address_fault(addr));
	addr[ENVELOPE_ADDRESS_MAX] = 'a';
	addr[ENVELOPE_ADDRESS_MAX + 1] = '\0';
	ck_assert_pstr_eq(
	    envelope_address_fault(addr), "is longer than 900 bytes");
}
END_TEST

/* Byte _i where addresses may have it: plain, quoted, quoted and escaped. */
START_TEST(every_byte_round_trips)
{
	static const char *const shapes[] = {
		"a%c@example.org",
		"\"a%cb\"@example.org",
		"\"a\\%cb\"@example.org",
	};
	struct envelope env = { .arrival_us = 1 }, back = { 0 };
	const char *why = NULL;
	char addr[64], *text;
	size_t n = 0;

	ck_assert_int_eq(envelope_set_sender(&env, ""), 0);
	for (int i = 0; i < COUNT(shapes); i++) {
		snprintf(addr, sizeof(addr), "%.*s%c%s",
		    (int)(strchr(shapes[i], '%') - shapes[i]), shapes[i], _i,
		    strchr(shapes[i], '%') + 2);
		n += envelope_add(&env, addr) == 0;
	}
	/* At least escaped in quotes everything but controls is legal. */
	if (_i >= ' ' && _i != 0x7f)
		ck_assert_uint_ge(n, 1);
	else
		ck_assert_uint_eq(n, 0);
	if (n > 0) {
		text = to_text(&env);
		ck_assert_int_eq(envelope_read(span_of(text), &back, &why), 0);
		ck_assert_uint_eq(back.nrcpts, n);
		for (size_t i = 0; i < n; i++)
			ck_assert_str_eq(back.rcpts[i].addr, env.rcpts[i].addr);
		free(text);
	}
	envelope_release(&back);
	envelope_release(&env);
}
END_TEST

/* Texts that envelope_write() makes: they come back as they are. */
static const char *const texts[] = {
	"arrival 0\nuid 0\nsender <>\nrcpt a\n",
	"arrival 9223372036854775807\nuid 4294967295\nsender s@x\nrcpt a@b\n",
	NEEDED "envid QQ%20314\nret HDRS\nbody 8BITMIME\nsmtputf8 yes\n"
	       "rcpt bob@x NOTIFY=FAILURE,DELAY ORCPT=rfc822;bob@y\nrcpt "
	       "\"a%20b\"@z\n",
	NEEDED "ret FULL\nbody 7BIT\nrcpt a@b NOTIFY=NEVER\n"
	       "rcpt a@b NOTIFY=SUCCESS,FAILURE,DELAY\nrcpt c ORCPT=x-y;%20\n",
	NEEDED "lane otp\nexpires 1763770600123456\n"
	       "not-before 1763770300000000\n"
	       "report-of failed 3286A1B2C3 0-2,5\nrcpt a@b\n",
	NEEDED "smtputf8 yes\nlane " LANE_40 "\nrcpt a@b\n",
	NEEDED "expires 1\nnot-before 253402300799999999\nrcpt a@b\n",
	NEEDED "report-of delayed 3286A1B2 999999999\nrcpt a@b\n",
	NEEDED "report-of relayed 3286A1B2C3D 0,1,2,3-7,9\nrcpt a@b\n",
};

START_TEST(texts_come_back)
{
	char *again = rewrite(texts[_i]);

	ck_assert_str_eq(again, texts[_i]);
	free(again);
}
END_TEST

/* What may be there without being understood, and orders that are not ours. */
static const struct {
	const char *text, *want;
} lenient[] = {
	{ NEEDED "future value=%20 x\nrcpt a@b\n", NEEDED "rcpt a@b\n" },
	{ "x\n" NEEDED "rcpt a@b\ny\n", NEEDED "rcpt a@b\n" },
	{ NEEDED "rcpt a@b FUTURE=1 NOTIFY=NEVER\n",
	    NEEDED "rcpt a@b NOTIFY=NEVER\n" },
	{ "rcpt a@b\nsender s@x\nuid 2\narrival 1\n", NEEDED "rcpt a@b\n" },
	{ NEEDED "rcpt a@b NOTIFY=delay,Failure\n",
	    NEEDED "rcpt a@b NOTIFY=FAILURE,DELAY\n" },
	{ NEEDED "Rcpt c@d\nrcpt a@b\n", NEEDED "rcpt a@b\n" },
};

START_TEST(unknown_items_are_skipped)
{
	char *again = rewrite(lenient[_i].text);

	ck_assert_str_eq(again, lenient[_i].want);
	free(again);
}
END_TEST

static const struct {
	const char *text, *why;
} bad[] = {
	{ "", "lacks its arrival time" },
	{ NEEDED, "lacks a recipient" },
	{ "uid 2\nsender s@x\nrcpt a@b\n", "lacks its arrival time" },
	{ "arrival 1\nsender s@x\nrcpt a@b\n", "lacks its uid" },
	{ "arrival 1\nuid 2\nrcpt a@b\n", "lacks its sender" },
	{ NEEDED "rcpt a@b", "has an unfinished line" },
	{ NEEDED "rcpt a@b\nx", "has an unfinished line" },
	{ NEEDED "\nrcpt a@b\n", "has a line without a key" },
	{ NEEDED " rcpt a@b\n", "has a line without a key" },
	{ NEEDED "uid 3\nrcpt a@b\n", "has a line twice" },
	{ NEEDED "sender t@x\nrcpt a@b\n", "has a line twice" },
	{ NEEDED "ret FULL\nret FULL\nrcpt a@b\n", "has a line twice" },
	{ "arrival -1\n", "has a bad arrival time" },
	{ "arrival 1 \n", "has a bad arrival time" },
	{ "arrival 9223372036854775808\n", "has a bad arrival time" },
	{ "arrival\n", "has a bad arrival time" },
	{ "uid 4294967296\n", "has a bad uid" },
	{ "sender a b\n", "has a badly encoded field" },
	{ "sender\n", "has a badly encoded field" },
	{ "sender a%0Ab\n", "has a bad sender" },
	{ "sender -a\n", "has a bad sender" },
	{ NEEDED "rcpt\n", "has a bad recipient" },
	{ NEEDED "rcpt <>\n", "has a bad recipient" },
	{ NEEDED "rcpt a%0D%0Ab\n", "has a bad recipient" },
	{ NEEDED "rcpt a%20b\n", "has a bad recipient" },
	{ NEEDED "rcpt a%00b\n", "has a badly encoded field" },
	{ NEEDED "rcpt a@b\r\n", "has a badly encoded field" },
	{ NEEDED "rcpt a@b NOTIFY=\n", "has a bad NOTIFY" },
	{ NEEDED "rcpt a@b NOTIFY=NEVER,DELAY\n", "has a bad NOTIFY" },
	{ NEEDED "rcpt a@b NOTIFY=NEVER NOTIFY=NEVER\n", "has a bad NOTIFY" },
	{ NEEDED "rcpt a@b ORCPT=bob@y\n", "has a bad ORCPT" },
	{ NEEDED "rcpt a@b ORCPT=;bob@y\n", "has a bad ORCPT" },
	{ NEEDED "rcpt a@b ORCPT=rfc822;\n", "has a bad ORCPT" },
	{ NEEDED "rcpt a@b ORCPT=rfc822;%0A\n", "has a bad ORCPT" },
	{ NEEDED "rcpt a@b ORCPT=<>\n", "has a bad ORCPT" },
	{ NEEDED "rcpt a@b ORCPT=\n", "has a badly encoded field" },
	{ NEEDED "rcpt a@b ORCPT=a;b ORCPT=a;b\n", "has a bad ORCPT" },
	{ NEEDED "envid <>\n", "has a bad envid" },
	{ NEEDED "envid %0D\n", "has a bad envid" },
	{ NEEDED "ret full\n", "has a bad ret" },
	{ NEEDED "body BINARY\n", "has a bad body type" },
	{ NEEDED "smtputf8 maybe\n", "has a bad smtputf8" },
	{ NEEDED "smtputf8 yes\nsmtputf8 yes\n", "has a line twice" },
	{ NEEDED "lane\n", "has a badly encoded field" },
	{ NEEDED "lane <>\n", "has a bad lane" },
	{ NEEDED "lane a b\n", "has a badly encoded field" },
	{ NEEDED "lane a%20b\n", "has a bad lane" },
	{ NEEDED "lane a.b\n", "has a bad lane" },
	{ NEEDED "lane %C3%BC\n", "has a bad lane" },
	{ NEEDED "lane " LANE_40 "x\n", "has a bad lane" },
	{ NEEDED "lane a\nlane a\n", "has a line twice" },
	{ NEEDED "expires\n", "has a bad time to expire" },
	{ NEEDED "expires 0\n", "has a bad time to expire" },
	{ NEEDED "expires -1\n", "has a bad time to expire" },
	{ NEEDED "expires 1 2\n", "has a bad time to expire" },
	{ NEEDED "expires 253402300800000000\n", "has a bad time to expire" },
	{ NEEDED "expires 99999999999999999999\n", "has a bad time to expire" },
	{ NEEDED "expires 1\nexpires 1\n", "has a line twice" },
	{ NEEDED "not-before 0\n", "has a bad time to be sent" },
	{ NEEDED "not-before soon\n", "has a bad time to be sent" },
	{ NEEDED "not-before 253402300800000000\n",
	    "has a bad time to be sent" },
	{ NEEDED "not-before 1\nnot-before 1\n", "has a line twice" },
	{ NEEDED "report-of\n", "has a bad report-of" },
	{ NEEDED "report-of failed\n", "has a bad report-of" },
	{ NEEDED "report-of failed 3286A1B2C3\n", "has a bad report-of" },
	{ NEEDED "report-of failed 3286A1B2C3 \n", "has a bad report-of" },
	{ NEEDED "report-of failed  0\n", "has a bad report-of" },
	{ NEEDED "report-of failed 3286a1b2c3 0\n", "has a bad report-of" },
	{ NEEDED "report-of failed 3286A1B 0\n", "has a bad report-of" },
	{ NEEDED "report-of failed 3286A1B2C3D4 0\n", "has a bad report-of" },
	{ NEEDED "report-of failed ../../../x 0\n", "has a bad report-of" },
	{ NEEDED "report-of Failed 3286A1B2C3 0\n", "has a bad report-of" },
	{ NEEDED "report-of lost 3286A1B2C3 0\n", "has a bad report-of" },
	{ NEEDED "report-of failed 3286A1B2C3 0,\n", "has a bad report-of" },
	{ NEEDED "report-of failed 3286A1B2C3 -1\n", "has a bad report-of" },
	{ NEEDED "report-of failed 3286A1B2C3 1,,2\n", "has a bad report-of" },
	{ NEEDED "report-of failed 3286A1B2C3 1234567890\n",
	    "has a bad report-of" },
	{ NEEDED "report-of failed 3286A1B2C3 0 1\n", "has a bad report-of" },
	{ NEEDED "report-of failed 3286A1B2C3 0\r\n", "has a bad report-of" },
	{ NEEDED "report-of failed 3286A1B2C3 0\n"
		 "report-of failed 3286A1B2C3 0\n",
	    "has a line twice" },
};

START_TEST(bad_texts_are_refused)
{
	static const struct envelope zero;
	struct envelope env = { 0 };
	const char *why = NULL;

	ck_assert_int_eq(
	    envelope_read(span_of(bad[_i].text), &env, &why), -EINVAL);
	ck_assert_pstr_eq(why, bad[_i].why);
	ck_assert_mem_eq(&env, &zero, sizeof(env));
}
END_TEST

START_TEST(no_address_fakes_a_line)
{
	struct envelope env = { 0 };

	ck_assert_int_eq(envelope_add(&env, "a@b\nrcpt evil@x"), -EINVAL);
	ck_assert_int_eq(
	    envelope_set_sender(&env, "a\r\nrcpt evil@x"), -EINVAL);
	ck_assert_int_eq(envelope_set_sender(&env, "s@x"), 0);
	ck_assert_int_eq(envelope_add(&env, "a@b"), 0);
	ck_assert_ptr_null(envelope_fault(&env));
	/* Even what got in without a check stays in its field. */
	env.envid = strdup("x\nrcpt evil@x");
	ck_assert_pstr_eq(envelope_fault(&env), "has a control character");
	char *text = to_text(&env);
	ck_assert_ptr_null(strstr(text, "\nrcpt evil"));
	ck_assert_ptr_nonnull(strstr(text, "envid x%0Arcpt%20evil@x\n"));
	free(text);
	envelope_release(&env);
}
END_TEST

/* A NUL would hide what follows it. */
START_TEST(no_nul_ends_a_report_of)
{
	static const char text[] =
	    NEEDED "report-of failed 3286A1B2C3 0\0 1\nrcpt a@b\n";
	struct envelope env = { 0 };
	const char *why = NULL;

	ck_assert_int_eq(
	    envelope_read((struct span){ text, sizeof(text) - 1 }, &env, &why),
	    -EINVAL);
	ck_assert_pstr_eq(why, "has a bad report-of");
}
END_TEST

START_TEST(a_schedule_is_looked_at_before_it_is_written)
{
	struct envelope env = { .arrival_us = 1 };

	ck_assert_int_eq(envelope_set_sender(&env, "s@x"), 0);
	ck_assert_int_eq(envelope_add(&env, "a@b"), 0);
	ck_assert_ptr_null(envelope_fault(&env));
	env.expires_us = ENVELOPE_TIME_MAX_US + 1;
	ck_assert_ptr_nonnull(envelope_fault(&env));
	env.expires_us = -1;
	ck_assert_ptr_nonnull(envelope_fault(&env));
	env.expires_us = ENVELOPE_TIME_MAX_US;
	ck_assert_ptr_null(envelope_fault(&env));
	env.not_before_us = ENVELOPE_TIME_MAX_US + 1;
	ck_assert_ptr_nonnull(envelope_fault(&env));
	env.not_before_us = 0;
	env.lane = strdup("a\nrcpt evil@x");
	ck_assert_ptr_nonnull(envelope_fault(&env));
	free(env.lane);
	env.lane = strdup("otp");
	ck_assert_ptr_null(envelope_fault(&env));
	env.report_of = strdup("failed 3286A1B2C3 0\nrcpt evil@x");
	ck_assert_ptr_nonnull(envelope_fault(&env));
	/* Even so it makes no line. */
	char *text = to_text(&env);
	ck_assert_ptr_null(strstr(text, "evil"));
	free(text);
	envelope_release(&env);
}
END_TEST

START_TEST(a_report_of_is_bounded)
{
	size_t len = ENVELOPE_REPORT_OF_MAX;
	char *text = malloc(len + 2);

	memset(text, '1', len);
	memcpy(text, "failed 3286A1B2C3 ", 18);
	for (size_t i = 19; i < len; i += 2)
		text[i] = ',';
	text[len - 1] = '1';
	text[len] = '\0';
	if (text[len - 2] == ',')
		ck_assert_ptr_null(envelope_report_of_fault(text));
	text[len] = '1';
	text[len + 1] = '\0';
	ck_assert_pstr_eq(envelope_report_of_fault(text), "is too long");
	free(text);
}
END_TEST

START_TEST(xtext_is_bounded_as_encoded)
{
	char envid[252];

	memset(envid, 'a', sizeof(envid));
	envid[250] = '\0';
	ck_assert_ptr_null(envelope_envid_fault(envid));
	envid[0] = '+';
	ck_assert_pstr_eq(
	    envelope_envid_fault(envid), "is longer than 250 bytes");
	envid[248] = '\0';
	ck_assert_ptr_null(envelope_envid_fault(envid));
	ck_assert_pstr_eq(
	    envelope_orcpt_fault("rfc822"), "is not \"type;address\"");
}
END_TEST

/* Every prefix is refused or makes sense; never anything in between. */
START_TEST(prefixes_do_no_harm)
{
	const char *full = texts[_i];

	for (size_t len = 0; len < strlen(full); len++) {
		struct envelope env = { 0 };
		const char *why = NULL;
		int err = envelope_read((struct span){ full, len }, &env, &why);

		if (err == 0)
			ck_assert_int_eq(full[len - 1], '\n');
		else
			ck_assert_ptr_nonnull(why);
		envelope_release(&env);
	}
}
END_TEST

START_TEST(many_recipients_keep_their_order)
{
	struct envelope env = { 0 };
	char addr[32];

	for (int i = 0; i < 5000; i++) {
		snprintf(addr, sizeof(addr), "u%d@x", i);
		ck_assert_int_eq(envelope_add(&env, addr), 0);
	}
	ck_assert_uint_eq(env.nrcpts, 5000);
	for (int i = 0; i < 5000; i++) {
		snprintf(addr, sizeof(addr), "u%d@x", i);
		ck_assert_str_eq(env.rcpts[i].addr, addr);
		ck_assert_uint_eq(env.rcpts[i].notify, 0);
		ck_assert_ptr_null(env.rcpts[i].orcpt);
	}
	envelope_release(&env);
	envelope_release(&env);
}
END_TEST

static const struct {
	const char *text;
	int want;
} notifies[] = {
	{ "never", NOTIFY_NEVER },
	{ "SUCCESS", NOTIFY_SUCCESS },
	{ "Failure,delay", NOTIFY_FAILURE | NOTIFY_DELAY },
	{ "success,failure,delay",
	    NOTIFY_SUCCESS | NOTIFY_FAILURE | NOTIFY_DELAY },
	{ "", -1 },
	{ ",", -1 },
	{ "failure,", -1 },
	{ ",failure", -1 },
	{ "never,failure", -1 },
	{ "fail", -1 },
	{ "failures", -1 },
	{ "failure, delay", -1 },
};

START_TEST(notify_parses_sets)
{
	unsigned notify = 99, again = 99;
	bool is_good = notify_parse(span_of(notifies[_i].text), &notify);

	ck_assert_int_eq(is_good, notifies[_i].want >= 0);
	if (!is_good) {
		ck_assert_uint_eq(notify, 99);
		return;
	}
	ck_assert_uint_eq(notify, (unsigned)notifies[_i].want);
	ck_assert(notify_parse(span_of(notify_name(notify)), &again));
	ck_assert_uint_eq(again, notify);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("envelope");
	TCase *tc = tcase_create("envelope");

	tcase_add_loop_test(tc, address_faults_are_named, 0, COUNT(addresses));
	tcase_add_test(tc, the_longest_address_passes);
	tcase_add_loop_test(tc, every_byte_round_trips, 1, 256);
	tcase_add_loop_test(tc, texts_come_back, 0, COUNT(texts));
	tcase_add_loop_test(tc, unknown_items_are_skipped, 0, COUNT(lenient));
	tcase_add_loop_test(tc, bad_texts_are_refused, 0, COUNT(bad));
	tcase_add_test(tc, no_address_fakes_a_line);
	tcase_add_test(tc, no_nul_ends_a_report_of);
	tcase_add_test(tc, a_schedule_is_looked_at_before_it_is_written);
	tcase_add_test(tc, a_report_of_is_bounded);
	tcase_add_test(tc, xtext_is_bounded_as_encoded);
	tcase_add_loop_test(tc, prefixes_do_no_harm, 0, COUNT(texts));
	tcase_add_test(tc, many_recipients_keep_their_order);
	tcase_add_loop_test(tc, notify_parses_sets, 0, COUNT(notifies));
	suite_add_tcase(s, tc);
	return unit_main(s);
}
