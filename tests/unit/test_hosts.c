/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* How a relay's hosts are written, and which one a connection takes. */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/log.h"
#include "spoold/smtp/hosts.h"
#include "spoold/smtp/srv.h"
#include "tests/unit/unit.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static const struct {
	const char *text;
	int want;
	enum host_kind kind;
	const char *name;
	unsigned port;
} texts[] = {
	{ "mail.example", 0, HOST_NAME, "mail.example", 0 },
	{ "mail.example:587", 0, HOST_NAME, "mail.example", 587 },
	{ "192.0.2.1:25", 0, HOST_NAME, "192.0.2.1", 25 },
	{ "2001:db8::1", 0, HOST_NAME, "2001:db8::1", 0 },
	{ "::1", 0, HOST_NAME, "::1", 0 },
	{ "[2001:db8::1]", 0, HOST_NAME, "2001:db8::1", 0 },
	{ "[2001:db8::1]:465", 0, HOST_NAME, "2001:db8::1", 465 },
	{ "unix:/run/mail", 0, HOST_UNIX, "/run/mail", 0 },
	{ "srv:example.org", 0, HOST_SRV, "example.org", 0 },
	{ "", -EINVAL, 0, NULL, 0 },
	{ ":25", -EINVAL, 0, NULL, 0 },
	{ "mail.example:", -EINVAL, 0, NULL, 0 },
	{ "mail.example:0", -EINVAL, 0, NULL, 0 },
	{ "mail.example:65536", -EINVAL, 0, NULL, 0 },
	{ "mail.example:smtp", -EINVAL, 0, NULL, 0 },
	{ "[]:25", -EINVAL, 0, NULL, 0 },
	{ "[::1", -EINVAL, 0, NULL, 0 },
	{ "[::1]25", -EINVAL, 0, NULL, 0 },
	{ "[::1]:", -EINVAL, 0, NULL, 0 },
	{ "a b", -EINVAL, 0, NULL, 0 },
	{ "unix:run", -EINVAL, 0, NULL, 0 },
	{ "unix:", -EINVAL, 0, NULL, 0 },
	{ "unix:/0123456789012345678901234567890123456789012345678901234567890"
	  "12345678901234567890123456789012345678901234567890",
	    -EINVAL, 0, NULL, 0 },
	{ "srv:", -EINVAL, 0, NULL, 0 },
};

START_TEST(reads_a_host)
{
	const char *why = NULL;
	struct host host;

	ck_assert_int_eq(
	    host_parse(texts[_i].text, &host, &why), texts[_i].want);
	if (texts[_i].want < 0) {
		ck_assert_ptr_nonnull(why);
		return;
	}
	ck_assert_int_eq(host.kind, texts[_i].kind);
	ck_assert_str_eq(host.name, texts[_i].name);
	ck_assert_uint_eq(host.port, texts[_i].port);
}
END_TEST

static struct hosts *
two_hosts(void)
{
	struct hosts *hosts = hosts_new();
	const char *why;

	ck_assert_int_eq(hosts_add(hosts, "a.test", &why), 0);
	ck_assert_int_eq(hosts_add(hosts, "b.test", &why), 0);
	ck_assert_int_eq(hosts_add(hosts, ":", &why), -EINVAL);
	ck_assert_uint_eq(hosts_count(hosts), 2);
	return hosts;
}

START_TEST(lets_a_host_rest)
{
	struct hosts *hosts = two_hosts();

	ck_assert(hosts_claim(hosts, "a:25", 0));
	ck_assert(hosts_claim(hosts, "a:25", 0));
	hosts_blame_at(hosts, "a:25", 0, "test", 1000);
	ck_assert(!hosts_claim(hosts, "a:25", 1000));
	ck_assert(hosts_claim(hosts, "b:25", 1000));
	ck_assert(!hosts_claim(hosts, "a:25", 60999));
	/* One finds out, the others wait for what it says. */
	ck_assert(hosts_claim(hosts, "a:25", 61000));
	ck_assert(!hosts_claim(hosts, "a:25", 61001));
	hosts_blame_at(hosts, "a:25", 0, "test", 70000);
	ck_assert(!hosts_claim(hosts, "a:25", 129999));
	ck_assert(hosts_claim(hosts, "a:25", 130000));
	hosts_well(hosts, "a:25");
	ck_assert(hosts_claim(hosts, "a:25", 130001));
	ck_assert(hosts_claim(hosts, "a:25", 130001));
	/* A session that has none to blame. */
	hosts_blame(hosts, "", 0, "test");
	hosts_free(hosts);
}
END_TEST

START_TEST(calls_back_to_a_better_host)
{
	struct hosts *hosts = two_hosts();

	ck_assert(!hosts_has_better(hosts, 1, 0, 10));
	hosts_blame_at(hosts, "a:25", 0, "test", 1000);
	ck_assert(!hosts_has_better(hosts, 1, 1000, 60999));
	/* Not for its equals. */
	ck_assert(!hosts_has_better(hosts, 0, 1000, 61000));
	/* One is to see; and if that leads to nothing, another one later. */
	ck_assert(hosts_has_better(hosts, 1, 1000, 61000));
	ck_assert(!hosts_has_better(hosts, 1, 1000, 61001));
	ck_assert(hosts_has_better(hosts, 1, 1000, 121000));
	/* A new connection has come first. */
	ck_assert(hosts_claim(hosts, "a:25", 200000));
	ck_assert(!hosts_has_better(hosts, 1, 1000, 200001));
	hosts_well_at(hosts, "a:25", 200010);
	/* All follow, but for those that are newer: they had the choice. */
	ck_assert(hosts_has_better(hosts, 1, 1000, 200011));
	ck_assert(hosts_has_better(hosts, 2, 1000, 900000));
	ck_assert(!hosts_has_better(hosts, 1, 200011, 900000));
	ck_assert(!hosts_has_better(hosts, 0, 1000, 900000));
	ck_assert(hosts_claim(hosts, "a:25", 900000));
	ck_assert(hosts_claim(hosts, "a:25", 900000));
	/* It fails again. */
	hosts_blame_at(hosts, "a:25", 0, "test", 900000);
	ck_assert(!hosts_has_better(hosts, 1, 1000, 900001));
	ck_assert(!hosts_claim(hosts, "a:25", 900001));
	hosts_free(hosts);
}
END_TEST

START_TEST(forgets_who_rested_longest)
{
	struct hosts *hosts = two_hosts();
	char key[16];

	for (int i = 0; i < 65; i++) {
		(void)snprintf(key, sizeof(key), "h%d:25", i);
		hosts_blame_at(hosts, key, 0, "test", i);
	}
	ck_assert(hosts_claim(hosts, "h0:25", 100));
	ck_assert(!hosts_claim(hosts, "h1:25", 100));
	ck_assert(!hosts_claim(hosts, "h64:25", 100));
	/* Before any that rests, one that is back. */
	hosts_well_at(hosts, "h60:25", 100);
	hosts_blame_at(hosts, "h65:25", 0, "test", 100);
	ck_assert(hosts_claim(hosts, "h60:25", 101));
	ck_assert(!hosts_claim(hosts, "h1:25", 101));
	ck_assert(!hosts_claim(hosts, "h65:25", 101));
	hosts_free(hosts);
}
END_TEST

START_TEST(remembers_what_dns_said)
{
	struct hosts *hosts = two_hosts();
	struct srv_set set = { .count = 1 }, got;

	(void)strcpy(set.records[0].target, "x.test");
	ck_assert(!hosts_recall(hosts, "a.test", 0, &got));
	hosts_remember(hosts, "a.test", &set, 100);
	ck_assert(!hosts_recall(hosts, "b.test", 0, &got));
	ck_assert(hosts_recall(hosts, "a.test", 99, &got));
	ck_assert_str_eq(got.records[0].target, "x.test");
	ck_assert(!hosts_recall(hosts, "a.test", 100, &got));
	for (int i = 0; i < 100; i++) {
		char name[24];

		(void)snprintf(name, sizeof(name), "d%d.test", i);
		hosts_remember(hosts, name, &set, 100);
		ck_assert(hosts_recall(hosts, name, 0, &got));
	}
	hosts_free(hosts);
}
END_TEST

/* Better than no server, when DNS does not answer. */
START_TEST(has_what_dns_said_once)
{
	struct hosts *hosts = two_hosts();
	struct srv_set set = { .count = 1 }, got;

	ck_assert(!hosts_recall(hosts, "a.test", INT64_MIN, &got));
	hosts_remember(hosts, "a.test", &set, 100);
	ck_assert(!hosts_recall(hosts, "a.test", 1000, &got));
	ck_assert(hosts_recall(hosts, "a.test", INT64_MIN, &got));
	hosts_free(hosts);
}
END_TEST

START_TEST(shuns_an_address_for_a_minute)
{
	static const char key[] = "a.test[192.0.2.1]:25";
	struct hosts *hosts = two_hosts();

	ck_assert(!hosts_shuns_address(hosts, key, 1000));
	hosts_blame_address(hosts, key, 1000);
	ck_assert(hosts_shuns_address(hosts, key, 60999));
	ck_assert(!hosts_shuns_address(hosts, "a.test[192.0.2.2]:25", 1000));
	/* One goes to see, the others wait for what it finds. */
	ck_assert(!hosts_shuns_address(hosts, key, 61000));
	ck_assert(hosts_shuns_address(hosts, key, 61000));
	hosts_address_well(hosts, key);
	ck_assert(!hosts_shuns_address(hosts, key, 61000));
	/* The oldest is forgotten first. */
	for (int i = 0; i < 40; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "a.test[192.0.2.%d]:25", i);
		hosts_blame_address(hosts, name, 1000 + i);
		ck_assert(hosts_shuns_address(hosts, name, 1000 + i));
	}
	ck_assert(!hosts_shuns_address(hosts, "a.test[192.0.2.0]:25", 1100));
	ck_assert(hosts_shuns_address(hosts, "a.test[192.0.2.39]:25", 1100));
	hosts_free(hosts);
}
END_TEST

START_TEST(asks_for_our_name_again)
{
	struct hosts *hosts = two_hosts();
	char name[256];

	ck_assert(!hosts_own_name(hosts, 1000, name, sizeof(name)));
	hosts_set_own_name(hosts, 1000, "");
	ck_assert(hosts_own_name(hosts, 60999, name, sizeof(name)));
	ck_assert_str_eq(name, "");
	ck_assert(!hosts_own_name(hosts, 61000, name, sizeof(name)));
	hosts_set_own_name(hosts, 61000, "me.test");
	ck_assert(hosts_own_name(hosts, INT64_MAX - 1, name, sizeof(name)));
	ck_assert_str_eq(name, "me.test");
	hosts_free(hosts);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("hosts");
	TCase *tc = tcase_create("all");

	tcase_add_loop_test(tc, reads_a_host, 0, COUNT(texts));
	tcase_add_test(tc, lets_a_host_rest);
	tcase_add_test(tc, calls_back_to_a_better_host);
	tcase_add_test(tc, forgets_who_rested_longest);
	tcase_add_test(tc, remembers_what_dns_said);
	tcase_add_test(tc, has_what_dns_said_once);
	tcase_add_test(tc, shuns_an_address_for_a_minute);
	tcase_add_test(tc, asks_for_our_name_again);
	suite_add_tcase(s, tc);
	log_set_level(LOG_ERR);
	return unit_main(s);
}
