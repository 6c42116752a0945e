/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* Routes, lanes, retries and bounces in the configuration. */

#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/conf.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static char *scratch;
static struct config cfg;
static struct config_error error;

static void
setup(void)
{
	umask(022);
	scratch = scratch_enter();
	ck_assert_int_eq(config_init(&cfg), 0);
	error.text[0] = '\0';
}

static void
teardown(void)
{
	config_release(&cfg);
	scratch_leave(scratch);
}

static int
read_text(const char *text)
{
	scratch_put("f", text, strlen(text));
	return config_read(&cfg, "f", &error);
}

/* ---- patterns -------------------------------------------------------- */

static const struct {
	const char *pattern, *addr;
	bool fits;
} patterns[] = {
	{ NULL, "a@x.test", true },
	{ NULL, "", true },
	/* an address */
	{ "a@x.test", "a@x.test", true },
	{ "a@x.test", "A@X.Test", true },
	{ "A@X.TEST", "a@x.test", true },
	{ "a@x.test", "b@x.test", false },
	{ "a@x.test", "a@x.test.", false },
	{ "a@x.test", "aa@x.test", false },
	/* a domain */
	{ "@x.test", "a@x.test", true },
	{ "x.test", "a@x.test", true },
	{ "x.test", "a@X.TEST", true },
	{ "@x.test", "a@y.x.test", false },
	{ "x.test", "a@y.x.test", false },
	{ "x.test", "a@yx.test", false },
	{ "x.test", "x.test", false },
	{ "x.test", "\"b@x.test\"@y.test", false },
	{ "@y.test", "\"b@x.test\"@y.test", true },
	/* those below */
	{ "@.x.test", "a@y.x.test", true },
	{ "@.x.test", "a@z.y.x.test", true },
	{ "@.x.test", "a@x.test", false },
	{ "@.x.test", "a@.x.test", false },
	{ "@.x.test", "a@yx.test", false },
	{ "@.x.test", "a.x.test@y", false },
	{ "@.X.test", "a@y.x.TEST", true },
	/* any characters */
	{ "*", "a@x.test", true },
	{ "*", "", true },
	{ "*@x.test", "a@x.test", true },
	{ "*@x.test", "a@y.x.test", false },
	{ "*x.test", "a@y.x.test", true },
	{ "*.x.test", "a@y.x.test", true },
	{ "*.x.test", "a@x.test", false },
	{ "*.x.test", "a.x.test@y.test", false },
	{ "@*.test", "a@x.test", true },
	{ "www-*@*.lan", "www-1@a.lan", true },
	{ "www-*@*.lan", "ww-1@a.lan", false },
	{ "a*b*c@x", "aXbYbc@x", true },
	{ "a*b*c@x", "abX@x", false },
	/* nobody */
	{ "<>", "", true },
	{ "<>", "a@x.test", false },
	{ "a@x.test", "", false },
	{ "x.test", "", false },
	{ "@.x.test", "", false },
	/* several */
	{ "a@x.test b@x.test", "b@x.test", true },
	{ "a@x.test b@x.test", "c@x.test", false },
	{ "<> @x.test", "a@x.test", true },
	{ "<> @x.test", "", true },
};

START_TEST(patterns_fit)
{
	ck_assert_int_eq(
	    config_pattern_fits(patterns[_i].pattern, patterns[_i].addr),
	    patterns[_i].fits);
}
END_TEST

/* Each "*" tried for each place of all the others would take years. */
START_TEST(patterns_take_no_time)
{
	char addr[4000] = "";

	memset(addr, 'a', sizeof(addr) - 1);
	ck_assert(!config_pattern_fits(
	    "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*@x", addr));
}
END_TEST

/* ---- routes ---------------------------------------------------------- */

static const char routes[] =
    "relay = d.test\n"
    "relay shop { host = s.test }\n"
    "relay box { host = maildir:/m }\n"
    "route { sender = {\"*@shop.test\", \"@.shop.test\"} relay = shop }\n"
    "route { sender = <> recipient = \"here.test\" relay = box }\n"
    "route { recipient = \"@.lan  there.test\" relay = shop }\n"
    "route { recipient = @back.lan\n relay = default }\n";

static const struct {
	const char *sender, *recipient, *relay;
	unsigned line; /* of the route, 0: the default */
} routed[] = {
	{ "a@x.test", "b@y.test", "default", 0 },
	{ "a@shop.test", "b@y.test", "shop", 4 },
	{ "a@eu.shop.test", "b@y.test", "shop", 4 },
	{ "", "b@here.test", "box", 5 },
	{ "a@x.test", "b@here.test", "default", 0 },
	{ "a@x.test", "b@pc.lan", "shop", 6 },
	{ "", "b@there.test", "shop", 6 },
	{ "", "b@back.lan", "shop", 6 },
};

START_TEST(the_first_route_counts)
{
	const struct route_config *why;
	const struct relay_config *relay;

	ck_assert_msg(read_text(routes) == 0, "%s", error.text);
	ck_assert_msg(config_check(&cfg, &error) == 0, "%s", error.text);
	relay =
	    config_route(&cfg, routed[_i].sender, routed[_i].recipient, &why);
	ck_assert_ptr_nonnull(relay);
	ck_assert_str_eq(relay->name, routed[_i].relay);
	ck_assert_uint_eq(why != NULL ? why->line : 0, routed[_i].line);
	ck_assert_ptr_eq(
	    config_route(&cfg, routed[_i].sender, routed[_i].recipient, NULL),
	    relay);
}
END_TEST

START_TEST(without_relays_there_is_no_route)
{
	const struct route_config *why;

	ck_assert_ptr_null(config_route(&cfg, "", "a@x.test", &why));
	ck_assert_ptr_null(why);
	ck_assert_int_eq(read_text("relay a { host = a.test }"), 0);
	ck_assert_str_eq(config_route(&cfg, "", "a@x.test", &why)->name, "a");
	/* A wrong one leads nowhere, rather than elsewhere. */
	ck_assert_int_eq(read_text("route { relay = b }"), 0);
	ck_assert_ptr_null(config_route(&cfg, "", "a@x.test", &why));
	ck_assert_ptr_nonnull(why);
}
END_TEST

/* ---- lanes ----------------------------------------------------------- */

static const struct {
	const char *text; /* the configuration */
	const char *lane, *sender, *want;
} lanes[] = {
	{ "", NULL, "a@x.test", "normal" },
	{ "", "urgent", "a@x.test", "normal" },
	{ "lane otp { }", "otp", "", "otp" },
	{ "lane otp { }", NULL, "", "normal" },
	{ "lane otp { }", "OTP", "", "normal" },
	{ "lane otp { priority = urgent }", "urgent", "a@x.test", "otp" },
	{ "lane otp { priority = Urgent }", "URGENT", "a@x.test", "otp" },
	{ "lane otp { priority = urgent }", "non-urgent", "", "normal" },
	{ "lane otp { priority = urgent }", NULL, "", "normal" },
	{ "lane otp { sender = otp@x.test }", NULL, "otp@x.test", "otp" },
	{ "lane otp { sender = otp@x.test }", "x", "otp@x.test", "otp" },
	{ "lane otp { sender = otp@x.test }", "otp", "a@x.test", "otp" },
	{ "lane otp { sender = otp@x.test }", NULL, "a@x.test", "normal" },
	/* all that is said has to fit, but for the name */
	{ "lane otp { sender = otp@x.test priority = urgent }", "urgent",
	    "a@x.test", "normal" },
	{ "lane otp { sender = otp@x.test priority = urgent }", "urgent",
	    "otp@x.test", "otp" },
	{ "lane otp { sender = otp@x.test priority = urgent }", NULL,
	    "otp@x.test", "normal" },
	/* the first that fits; a name before all of them */
	{ "lane a { sender = @x.test } lane b { sender = a@x.test }", NULL,
	    "a@x.test", "a" },
	{ "lane a { sender = @x.test } lane b { }", "b", "a@x.test", "b" },
	{ "lane a { } lane normal { } lane bulk { sender = @x.test }", NULL,
	    "a@x.test", "bulk" },
	{ "lane a { } lane normal { } lane bulk { sender = @x.test }", NULL,
	    "a@y.test", "normal" },
	{ "lane a { } lane normal { } lane bulk { sender = @x.test }", "normal",
	    "a@x.test", "normal" },
};

START_TEST(lanes_are_found)
{
	unsigned lane;

	ck_assert_msg(read_text(lanes[_i].text) == 0, "%s", error.text);
	lane = config_lane(&cfg, lanes[_i].lane, lanes[_i].sender);
	ck_assert_uint_lt(lane, cfg.nlanes);
	ck_assert_str_eq(cfg.lanes[lane].name, lanes[_i].want);
}
END_TEST

START_TEST(there_is_always_a_normal_lane)
{
	ck_assert_uint_eq(cfg.nlanes, 1);
	ck_assert_str_eq(cfg.lanes[0].name, LANE_NORMAL);
	ck_assert_int_eq(read_text("lane a { reserve = 2 }\nlane b { }"), 0);
	ck_assert_uint_eq(cfg.nlanes, 3);
	ck_assert_str_eq(cfg.lanes[0].name, "a");
	ck_assert_uint_eq(cfg.lanes[0].reserve, 2);
	ck_assert_str_eq(cfg.lanes[2].name, LANE_NORMAL);
	ck_assert_int_eq(read_text("lane normal { }\nlane b { }"), 0);
	ck_assert_uint_eq(cfg.nlanes, 2);
	ck_assert_str_eq(cfg.lanes[0].name, LANE_NORMAL);
}
END_TEST

/* ---- the queue ------------------------------------------------------- */

static char *
summary(void)
{
	size_t size;
	char *text;
	FILE *out = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(out);
	fprintf(out, "%d", cfg.retry.kind);
	for (unsigned i = 0; i < cfg.retry.nsteps; i++)
		fprintf(out, " %u", cfg.retry.steps_s[i]);
	fprintf(out, " | %d %d |", cfg.on_uncertain, cfg.fair);
	for (size_t i = 0; i < cfg.nsender_rates; i++)
		fprintf(out, " %u/%" PRId64, cfg.sender_rates[i].count,
		    cfg.sender_rates[i].window_us);
	fprintf(out, " | %u %s %" PRIu64 " %u/%" PRId64 " %d",
	    cfg.delay_warning_s, cfg.postmaster != NULL ? cfg.postmaster : "-",
	    cfg.bounce_size_max, cfg.bounce_rate.count,
	    cfg.bounce_rate.window_us, cfg.keep_failed);
	ck_assert_int_eq(fclose(out), 0);
	return text;
}

#define BOUNCES " | 14400 - 51200 50/3600000000 0"

static const struct {
	const char *text, *want;
} queues[] = {
	{ "", "0 | 0 0 |" BOUNCES },
	{ "retry = linear", "0 | 0 0 |" BOUNCES },
	{ "retry = exponential", "1 60 14400 | 0 0 |" BOUNCES },
	{ "retry = {1m, 5m, 2h}", "2 60 300 7200 | 0 0 |" BOUNCES },
	{ "retry = 30", "2 30 | 0 0 |" BOUNCES },
	{ "on_uncertain = hold fair = user", "0 | 1 1 |" BOUNCES },
	{ "on_uncertain = retry fair = none", "0 | 0 2 |" BOUNCES },
	{ "sender_rate = {'100/h', '1/s'}",
	    "0 | 0 0 | 100/3600000000 1/1000000" BOUNCES },
	{ "delay_warning = 0 postmaster = p@x.test bounce_size_max = 0\n"
	  "bounce_rate = 2/min keep_failed = yes",
	    "0 | 0 0 | | 0 p@x.test 0 2/60000000 1" },
	{ "delay_warning = 1h postmaster = none bounce_size_max = 1M\n"
	  "bounce_rate = none keep_failed = no",
	    "0 | 0 0 | | 3600 - 1048576 0/0 0" },
};

START_TEST(the_queue_is_understood)
{
	char *got;

	ck_assert_msg(read_text(queues[_i].text) == 0, "%s", error.text);
	got = summary();
	ck_assert_str_eq(got, queues[_i].want);
	free(got);
}
END_TEST

/* ---- what is wrong --------------------------------------------------- */

#define WAITS \
	" must be linear, exponential, or up to 32 times such as {\"1m\", " \
	"\"5m\", \"1h\"}"
#define RATES \
	" must be up to 8 rates such as \"14/s\", \"500/min\" or " \
	"\"50000/day\", or none"
#define PATTERNS \
	" must be addresses, domains, @domains or <>, with * for any " \
	"characters"

static const struct {
	const char *text, *want;
} bad_files[] = {
	{ "retry = often", "f:1: retry 'often'" WAITS },
	{ "retry = {1m,\n0}", "f:2: retry '0'" WAITS },
	{ "retry = {1m, linear}",
	    "f:1: retry 'linear' is in a list with others: linear must be "
	    "alone" },
	{ "retry = {}", "f:1: retry has no value" },
	{ "\nretry = ''", "f:2: retry ''" WAITS },
	{ "retry = 31d", "f:1: retry '31d'" WAITS },
	{ "on_uncertain = drop",
	    "f:1: on_uncertain 'drop' must be retry or hold" },
	{ "\nfair = yes", "f:2: fair 'yes' must be sender, user or none" },
	{ "sender_rate = {'1/h',\n'x'}", "f:2: sender_rate 'x'" RATES },
	{ "bounce_rate = 50",
	    "f:1: bounce_rate '50' must be a rate such as 50/h, or none" },
	{ "bounce_rate = {1/s}",
	    "f:1: bounce_rate takes one value, not a list" },
	{ "rate = {none, 1/s}",
	    "f:1: rate '1/s' is in a list with others: none must be alone" },
	{ "rate = {1/s, none}",
	    "f:1: rate 'none' is in a list with others: none must be alone" },
	{ "retry = {linear, 5m}",
	    "f:1: retry '5m' is in a list with others: linear must be alone" },
	{ "message_size_max = 0",
	    "f:1: message_size_max '0' must be a size of 1 to 999999999999 "
	    "bytes, such as 50000000, 500K, 50M or 1G" },
	{ "lane a {\npriority = {urgent} }",
	    "f:2: lane a: priority takes one value, not a list" },
	{ "postmaster = 'a@x.test, b@x.test'",
	    "f:1: postmaster 'a@x.test, b@x.test' must be one address, such as "
	    "ann@example.org" },
	{ "postmaster = root",
	    "f:1: postmaster 'root' must be one address, such as "
	    "ann@example.org" },
	{ "keep_failed = 2", "f:1: keep_failed '2' must be yes or no" },
	{ "delay_warning = soon",
	    "f:1: delay_warning 'soon' must be a time from 0s to 3650d, "
	    "such as 10s, 5m, 1h or 2d" },
	{ "bounce_size_max = all",
	    "f:1: bounce_size_max 'all' must be a size of 0 to "
	    "999999999999 bytes, such as 50000000, 500K, 50M or 1G" },
	/* routes */
	{ "route {\nsender = a@b@c }", "f:2: route: sender 'a@b@c'" PATTERNS },
	{ "route { sender = '' }", "f:1: route: sender ''" PATTERNS },
	{ "route { sender = '  ' }", "f:1: route: sender '  '" PATTERNS },
	{ "route { sender = a@ }", "f:1: route: sender 'a@'" PATTERNS },
	{ "route { sender = '<a@b>' }", "f:1: route: sender '<a@b>'" PATTERNS },
	{ "route { sender = 'a@b, c@d' }",
	    "f:1: route: sender 'a@b, c@d'" PATTERNS },
	{ "route { sender = {a@b,\n'c@'} }",
	    "f:2: route: sender 'c@'" PATTERNS },
	{ "route {\n\nrelay = 'a b' }",
	    "f:3: route: relay 'a b' must be the name of a relay" },
	{ "route {\nrelay \"x\" }",
	    "f:2: route: missing equal sign after option 'relay'" },
	{ "route { to = a@b }",
	    "f:1: route: unknown key 'to', known are sender, recipient, "
	    "relay" },
	{ "route { recipent = a@b }",
	    "f:1: route: unknown key 'recipent', did you mean 'recipient'?" },
	/* lanes */
	{ "lane a {\npriority = high }",
	    "f:2: lane a: priority 'high' must be urgent, normal or "
	    "non-urgent" },
	{ "lane a { reserve = 1000 }",
	    "f:1: lane a: reserve '1000' must be a number from 0 to 999" },
	{ "lane a { }\nlane a { }",
	    "f:2: there is another section of the name 'a'" },
	{ "lane a.b { }",
	    "f:1: lane a.b: a name has 1 to 40 letters, digits, '-' and "
	    "'_'" },
};

START_TEST(errors_say_where_and_what)
{
	ck_assert_int_eq(read_text(bad_files[_i].text), -EINVAL);
	ck_assert_str_eq(error.text, bad_files[_i].want);
	ck_assert_uint_eq(cfg.nroutes, 0);
	ck_assert_uint_eq(cfg.nlanes, 1);
}
END_TEST

#define A "relay a { host = a.test connections = 4 }\n"

static const struct {
	const char *text, *want;
} wholes[] = {
	{ A "route { relay = a }", NULL },
	{ A "\nroute {\nrelay = b }", "f:4: route: there is no relay 'b'" },
	{ A "route { sender = x }", "f:2: route: relay is not set" },
	{ A "route { relay = default }",
	    "f:2: route: there is no relay 'default'" },
	{ A "relay = b.test route { relay = default }", NULL },
	{ A "lane x { reserve = 3 }", NULL },
	{ A "lane x {\nreserve = 4 }",
	    "f:3: lane x: reserve leaves none of the 4 connections of relay "
	    "a" },
	{ A "lane x { reserve = 2 }\nlane y { reserve = 2 }",
	    "f:3: lane y: reserve leaves none of the 4 connections of relay "
	    "a" },
	{ A "lane normal { }\nlane y { reserve = 9 }", NULL },
};

START_TEST(wholes_are_checked)
{
	ck_assert_msg(read_text(wholes[_i].text) == 0, "%s", error.text);
	if (wholes[_i].want == NULL) {
		ck_assert_msg(
		    config_check(&cfg, &error) == 0, "%s", error.text);
		return;
	}
	ck_assert_int_eq(config_check(&cfg, &error), -EINVAL);
	ck_assert_str_eq(error.text, wholes[_i].want);
}
END_TEST

START_TEST(there_is_an_end_to_lanes_and_routes)
{
	char *text = malloc(100000), *end = text;

	ck_assert_ptr_nonnull(text);
	/* Seven, and the normal one. */
	for (int i = 0; i < LANES_MAX; i++)
		end += sprintf(end, "lane l%d { }\n", i);
	ck_assert_int_eq(read_text(text), -EINVAL);
	ck_assert_str_eq(
	    error.text, "f:8: lane l7: one too many, the limit is 7");
	*strstr(text, "lane l7") = '\0';
	ck_assert_int_eq(read_text(text), 0);
	ck_assert_uint_eq(cfg.nlanes, LANES_MAX);
	strcat(text, "lane normal { }");
	ck_assert_int_eq(read_text(text), 0);
	ck_assert_uint_eq(cfg.nlanes, LANES_MAX);
	end = text;
	for (int i = 0; i <= 1000; i++)
		end += sprintf(end, "route { relay = a }\n");
	ck_assert_int_eq(read_text(text), -EINVAL);
	ck_assert_str_eq(
	    error.text, "f:1001: route: one too many, the limit is 1000");
	free(text);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("conf_route");
	TCase *tc = tcase_create("conf_route");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, patterns_fit, 0, COUNT(patterns));
	tcase_add_test(tc, patterns_take_no_time);
	tcase_add_loop_test(tc, the_first_route_counts, 0, COUNT(routed));
	tcase_add_test(tc, without_relays_there_is_no_route);
	tcase_add_loop_test(tc, lanes_are_found, 0, COUNT(lanes));
	tcase_add_test(tc, there_is_always_a_normal_lane);
	tcase_add_loop_test(tc, the_queue_is_understood, 0, COUNT(queues));
	tcase_add_loop_test(tc, errors_say_where_and_what, 0, COUNT(bad_files));
	tcase_add_loop_test(tc, wholes_are_checked, 0, COUNT(wholes));
	tcase_add_test(tc, there_is_an_end_to_lanes_and_routes);
	suite_add_tcase(s, tc);
	return unit_main(s);
}
