/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* How spoolq draws: bars, curves, lines, frames, plots; and what it judges. */

#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spoolq/frame.h"
#include "spoolq/openmetrics.h"
#include "spoolq/page.h"
#include "spoolq/summary.h"
#include "spoolq/svg.h"
#include "tests/unit/unit.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))
#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define NOW_US (INT64_C(1763770000) * SECOND)

static const struct style plain = { .columns = 80 };
static const struct style utf8 = { .columns = 80, .utf8 = true };

/* What is written to OUT in between. */
static FILE *out;
static char *text;
static size_t len;

static void
begin(void)
{
	out = open_memstream(&text, &len);
	ck_assert_ptr_nonnull(out);
}

static void
end(void)
{
	ck_assert_int_eq(fclose(out), 0);
}

static void
ends_with(const char *want)
{
	end();
	ck_assert_str_eq(text, want);
	free(text);
}

/* ---- bars and the like -------------------------------------------------- */

static const struct {
	uint64_t n;
	const char *want;
} counts[] = {
	{ 0, "0" },
	{ 9999, "9999" },
	{ 10000, "10k" },
	{ 999499, "999k" },
	{ 999500, "1.0M" },
	{ 1250000, "1.2M" },
	{ UINT64_MAX, "18E" },
};

START_TEST(count_is_at_most_four_characters)
{
	char got[OUTPUT_WORD];

	draw_count(counts[_i].n, got);
	ck_assert_str_eq(got, counts[_i].want);
}
END_TEST

static const struct {
	uint64_t value, max;
	bool pad, utf8;
	const char *want;
} bars[] = {
	{ 0, 0, false, false, "" },
	{ 0, 10, true, false, "    " },
	{ 10, 10, false, false, "####" },
	{ 5, 10, true, false, "##  " },
	{ 1, 1000, false, false, "#" },
	{ 1, 1000, true, true, "▏   " },
	{ 5, 10, false, true, "██" },
	{ 3, 32, false, true, "▍" },
	{ 11, 10, false, true, "████" },
	{ UINT64_MAX, UINT64_MAX, false, false, "####" },
};

START_TEST(bar_is_as_long_as_its_share)
{
	begin();
	draw_bar(out, bars[_i].utf8 ? &utf8 : &plain, bars[_i].value,
	    bars[_i].max, 4, bars[_i].pad);
	ends_with(bars[_i].want);
}
END_TEST

START_TEST(curve_shows_little_and_much)
{
	const uint64_t values[] = { 0, 1, 50, 100 }, one[] = { 1, 0 };

	begin();
	draw_curve(out, &utf8, values, 4);
	draw_curve(out, &plain, values, 4);
	draw_curve(out, &utf8, one, 2);
	ends_with("·▁▄█ _~#▁·");
}
END_TEST

static const struct {
	const char *text;
	size_t columns, rows;
	const char *want;
} lines[] = {
	{ "", 5, 5, "" },
	{ "a\nb", 0, 0, "a|b|" },
	{ "a\n\nb\n", 9, 2, "a||" },
	{ "abcdef\nx\n", 3, 0, "abc|x|" },
	{ "äöü\n", 2, 0, "äö|" },
	{ "\033[1mabc\033[0m\n", 3, 0, "\033[1mabc\033[0m|" },
	{ "\033[1mabcd\033[0m\n", 3, 0, "\033[1mabc\033[0m|" },
	{ "a\033", 3, 0, "a\033|" },
	{ "a\033[1", 3, 0, "a\033[1|" },
};

START_TEST(lines_are_cut)
{
	begin();
	(void)draw_lines(
	    out, lines[_i].text, lines[_i].columns, lines[_i].rows, "|");
	ends_with(lines[_i].want);
}
END_TEST

START_TEST(column_is_filled_up)
{
	begin();
	draw_column(out, "ab", 4);
	draw_column(out, "abcdef", 4);
	draw_text(out, "\033", 9);
	draw_text(out, "abc", 0);
	ends_with("ab  abc…\\x1B");
}
END_TEST

/* ---- what it judges ----------------------------------------------------- */

/* A spool with a relay, whose spoold runs. */
static struct picture p;
static struct relay_state *relay;

static void
setup(void)
{
	p = (struct picture){
		.now_us = NOW_US,
		.spool = "/spool",
		.has_relay = true,
		.view = { .spoold = CONTROL_SERVED },
	};
	queue_init(&p.view.queue);
	relay = queue_relay(&p.view.queue, "main");
	ck_assert_ptr_nonnull(relay);
	relay->since_us = NOW_US - HOUR;
	p.view.queue.last_us = NOW_US - SECOND;
}

static void
teardown(void)
{
	tally_release(&p.tally);
	queue_release(&p.view.queue);
}

/* N messages wait for the relay, the oldest one for AGE_US. */
static void
wait(uint64_t n, int64_t age_us)
{
	p.tally.state[TALLY_DEFERRED] = p.tally.messages = n;
	p.tally.oldest_us = NOW_US - age_us;
	(void)strcpy(p.tally.oldest_id, "3000000001");
	for (uint64_t i = 0; i < n; i++)
		ck_assert_int_eq(
		    top_add(&p.tally.relays, "main", NOW_US - age_us, NOW_US),
		    0);
}

static void
count(enum stats_kind kind, unsigned n)
{
	stats_add(&p.view.queue.stats, kind, n, 0, 0, NOW_US);
}

static void
well(void)
{
	wait(3, HOUR);
	count(STATS_DELIVERED, 100);
}

static void
old(void)
{
	wait(1, 4 * HOUR);
}

static void
very_old(void)
{
	wait(1, 24 * HOUR);
}

static void
many(void)
{
	wait(1000, MINUTE);
}

static void
failed(void)
{
	p.tally.state[TALLY_FAILED] = 1;
}

static void
no_spoold(void)
{
	p.view.spoold = CONTROL_NONE;
}

static void
silent(void)
{
	p.view.spoold = CONTROL_SILENT;
}

static void
no_relay(void)
{
	p.has_relay = false;
}

static void
full(void)
{
	p.full = "no space is";
}

static void
new_mail(void)
{
	wait(2, MINUTE);
}

static void
of_another(void)
{
	p.is_foreign = true;
	wait(1, MINUTE);
}

static void
no_relay_and_mail(void)
{
	no_relay();
	wait(1, MINUTE);
}

static void
down(void)
{
	relay->down = true;
	relay->reason = strdup("a | b\033");
}

static void
down_and_mail(void)
{
	down();
	wait(1, MINUTE);
}

/* Others are not told the reason. */
static void
down_unseen(void)
{
	relay->down = true;
	wait(1, MINUTE);
}

static void
down_lately(void)
{
	down_and_mail();
	relay->since_us = NOW_US - MINUTE;
}

static void
down_a_while(void)
{
	down_and_mail();
	relay->since_us = NOW_US - 5 * MINUTE;
}

static void
paused(void)
{
	p.view.queue.paused_us = NOW_US - MINUTE;
}

static void
relay_paused(void)
{
	relay->paused_us = NOW_US;
	wait(2, MINUTE);
}

static void
stalled(void)
{
	p.tally.due_us = NOW_US - HOUR;
	p.view.queue.last_us = NOW_US - 6 * MINUTE;
}

static void
hung(void)
{
	p.tally.due_us = NOW_US - 20 * MINUTE;
	p.view.queue.last_us = NOW_US - HOUR;
}

static void
busy(void)
{
	hung();
	p.tally.state[TALLY_SENDING] = 1;
}

static void
refused(void)
{
	count(STATS_FAILED, 5);
	count(STATS_DELIVERED, 5);
}

static void
refused_some(void)
{
	count(STATS_FAILED, 10);
	count(STATS_DELIVERED, 90);
}

static void
refused_few(void)
{
	count(STATS_FAILED, 4);
}

static void
put_off(void)
{
	count(STATS_DEFERRED, 5);
}

static void
unroutable(void)
{
	p.tally.why[WHY_NO_RELAY] = 2;
	p.view.daemon.start_us = NOW_US - HOUR;
	p.view.time_us = NOW_US;
}

static const struct {
	void (*prepare)(void);
	enum health_level want;
	const char *text; /* that is part of the first finding */
} states[] = {
	{ well, HEALTH_OK, "mail is leaving, 3 messages wait, the oldest for" },
	{ full, HEALTH_CRITICAL, "no space is left on the disk" },
	{ new_mail, HEALTH_OK, "2 messages wait, the oldest for 1m" },
	{ of_another, HEALTH_OK, "1 of your messages waits, the oldest" },
	{ down_unseen, HEALTH_CRITICAL, "1 message waits for it" },
	{ old, HEALTH_WARNING, "3000000001 waits for 4h" },
	{ very_old, HEALTH_CRITICAL, "waits for 24h" },
	{ many, HEALTH_WARNING, "1000 messages wait" },
	{ failed, HEALTH_WARNING, "1 message in failed/" },
	{ no_spoold, HEALTH_CRITICAL, "is not running" },
	{ silent, HEALTH_CRITICAL, "does not answer" },
	{ no_relay, HEALTH_WARNING, "no relay is configured" },
	{ no_relay_and_mail, HEALTH_CRITICAL, "no relay is configured" },
	{ unroutable, HEALTH_WARNING, "no route" },
	{ down, HEALTH_OK, "no mail waits" },
	{ down_and_mail, HEALTH_CRITICAL,
	    "main down for 1h, 1 message waits for it: a / b\\x1B" },
	{ down_lately, HEALTH_OK, "waits, the oldest for 1m; relay main down" },
	{ down_a_while, HEALTH_WARNING, "down for 5m" },
	{ paused, HEALTH_WARNING, "paused for 1m" },
	{ relay_paused, HEALTH_WARNING, "main is paused, 2 messages" },
	{ stalled, HEALTH_WARNING, "did nothing for 6m" },
	{ hung, HEALTH_CRITICAL, "did nothing for 20m" },
	{ busy, HEALTH_OK, "1 message waits" },
	{ refused, HEALTH_CRITICAL, "50 % of the recipients" },
	{ refused_some, HEALTH_WARNING, "10 %" },
	{ refused_few, HEALTH_OK, "no mail waits" },
	{ put_off, HEALTH_WARNING, "none of 5 attempts of the last hour" },
};

START_TEST(health_knows_what_is_wrong)
{
	struct health h;

	states[_i].prepare();
	health_judge(&h, &p, &health_defaults);
	begin();
	screen_put_summary(out, &p, &h);
	end();
	ck_assert_msg(
	    h.level == states[_i].want, "%s: %s", health_name(h.level), text);
	ck_assert_msg(strstr(text, states[_i].text) != NULL, "%s", text);
	free(text);
}
END_TEST

START_TEST(the_worst_comes_first)
{
	struct health h;

	failed();
	no_spoold();
	paused();
	health_judge(&h, &p, &health_defaults);
	ck_assert_uint_eq(h.nfindings, 3);
	ck_assert_int_eq(h.finding[0].level, HEALTH_CRITICAL);
	ck_assert_int_eq(h.finding[2].level, HEALTH_WARNING);
	begin();
	screen_put_verdict(out, &plain, &p, &h, 1);
	ends_with("CRITICAL: spoold is not running\n"
		  "WARNING: paused for 1m\n... and 1 more\n");
}
END_TEST

/* What nobody waits for is not tried, however long ago that would be due. */
START_TEST(relay_without_mail_is_not_tried)
{
	down();
	relay->next_us = NOW_US - MINUTE;
	begin();
	screen_put_relays(out, &plain, &p, SIZE_MAX);
	end();
	ck_assert_msg(
	    strstr(text, "not tried: no mail for it\n") != NULL, "%s", text);
	free(text);
	wait(1, MINUTE);
	begin();
	screen_put_relays(out, &plain, &p, SIZE_MAX);
	end();
	ck_assert_msg(strstr(text, "next probe in 0s\n") != NULL, "%s", text);
	free(text);
}
END_TEST

/* More than there is room for: what is left out is the least. */
START_TEST(findings_are_bounded)
{
	struct health h;

	for (int i = 0; i < 2 * HEALTH_FINDINGS; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "r%d", i);
		ck_assert_int_eq(
		    top_add(&p.tally.relays, name, NOW_US, NOW_US), 0);
		queue_relay(&p.view.queue, name)->paused_us = NOW_US;
	}
	failed();
	very_old();
	health_judge(&h, &p, &health_defaults);
	ck_assert_uint_eq(h.nfindings, HEALTH_FINDINGS);
	ck_assert_uint_eq(h.untold, HEALTH_FINDINGS + 2);
	ck_assert_int_eq(h.finding[0].level, HEALTH_CRITICAL);
}
END_TEST

START_TEST(perfdata_has_thresholds)
{
	wait(2, 90 * SECOND);
	begin();
	health_put_perfdata(out, &p, &health_defaults);
	ends_with("messages=2;1000;10000;0 oldest=90s;14400;86400;0 "
		  "held=0;;;0 failed=0;1;;0 refused=0%;10;50;0 "
		  "delivered=0c;;;0 deferred=0c;;;0 bytes=0c;;;0");
}
END_TEST

/* ---- frames ------------------------------------------------------------- */

static size_t
lines_of(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		n += *s == '\n';
	return n;
}

/* Fill P with more than fits. */
static void
crowd(void)
{
	wait(50, HOUR);
	for (int i = 0; i < 20; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "relay%d", i);
		ck_assert_ptr_nonnull(queue_relay(&p.view.queue, name));
	}
	for (size_t i = 0; i < TALLY_NOTES; i++) {
		struct tally_note note = {
			.id = "3000000001",
			.sender = strdup("<script>@x"),
			.rcpt = strdup("b\033[2J@y"),
			.reply = strdup("450 no\nno"),
		};

		p.tally.oldest.note[p.tally.oldest.n++] = note;
		note.sender = strdup("");
		note.rcpt = strdup("c@y");
		note.reply = NULL;
		p.tally.troubles.note[p.tally.troubles.n++] = note;
	}
}

START_TEST(frame_fits_the_screen)
{
	struct style style = { .columns = 40, .rows = (size_t)_i };
	struct frame_before before = { .time_us = NOW_US - SECOND };

	crowd();
	begin();
	frame_put(out, &style, &p, &before, 2 * SECOND);
	end();
	ck_assert_uint_eq(lines_of(text), style.rows);
	ck_assert_ptr_null(strchr(text, '\033'));
	ck_assert_ptr_nonnull(strstr(text, "q quit"));
	for (char *line = strtok(text, "\n"); line != NULL;
	     line = strtok(NULL, "\n")) {
		size_t columns = 0;

		for (; *line != '\0'; line++)
			columns += ((unsigned char)*line & 0xc0) != 0x80;
		ck_assert_uint_le(columns, style.columns);
	}
	free(text);
}
END_TEST

START_TEST(frame_has_rates)
{
	struct style style = { .columns = 80, .rows = 24 };
	struct frame_before before = frame_of(&p);

	p.now_us += 2 * SECOND;
	p.view.queue.totals.delivered += 7;
	begin();
	frame_put(out, &style, &p, &before, SECOND);
	end();
	ck_assert_ptr_nonnull(
	    strstr(text, "3.5/s delivered, 0.0/s deferred, in"));
	free(text);
}
END_TEST

/* ---- for programs and browsers ------------------------------------------ */

START_TEST(metrics_escape_labels)
{
	free(relay->name);
	relay->name = strdup("a\"b\\c\nd");
	begin();
	openmetrics_put(out, &p);
	end();
	ck_assert_ptr_nonnull(
	    strstr(text, "spoold_relay_up{relay=\"a\\\"b\\\\c\\\\x0Ad\"} 1\n"));
	ck_assert_str_eq(text + len - 6, "# EOF\n");
	free(text);
}
END_TEST

START_TEST(html_is_escaped)
{
	begin();
	svg_put_text(out, "<a href=\"x\">'&\n\xff", 100);
	ends_with("&lt;a href=&quot;x&quot;&gt;&#39;&amp;\\x0A\\xFF");
}
END_TEST

static const struct {
	double value;
	bool is_whole;
	const char *top; /* label of the y axis */
} scales[] = {
	{ 0, true, ">1<" },
	{ 1, true, ">1<" },
	{ 4, true, ">4<" },
	{ 5, true, ">6<" },
	{ 9, true, ">10<" },
	{ 100, true, ">100<" },
	{ 70000, true, ">80k<" },
	{ 0.3, false, ">0.3<" },
	{ 42, false, ">60<" },
};

START_TEST(plot_has_round_numbers)
{
	const char *const ticks[] = { "<" };
	const struct svg_plot plot = {
		.id = "x",
		.title = "a & b",
		.desc = "",
		.x_label = "",
		.y_label = "",
		.n = 1,
		.ticks = ticks,
		.series = { { .values = &scales[_i].value } },
		.nseries = 1,
		.is_whole = scales[_i].is_whole,
	};

	begin();
	svg_put(out, &plot);
	end();
	ck_assert_msg(strstr(text, scales[_i].top) != NULL, "%s", text);
	ck_assert_ptr_nonnull(strstr(text, "a &amp; b</title>"));
	ck_assert_int_eq(
	    strstr(text, ">nothing<") != NULL, scales[_i].value == 0);
	free(text);
}
END_TEST

START_TEST(page_escapes_all)
{
	struct health h;

	free(relay->name);
	relay->name = strdup("<script>alert(1)</script>");
	down();
	relay->reason[0] = '<';
	crowd();
	ck_assert_int_eq(
	    top_add(&p.tally.errors, "<script>", NOW_US, NOW_US), 0);
	ck_assert_int_eq(
	    top_add(&p.tally.domains, "<script>", NOW_US, NOW_US), 0);
	ck_assert_int_eq(
	    top_add(&p.tally.senders, "<script>", NOW_US, NOW_US), 0);
	health_judge(&h, &p, &health_defaults);
	begin();
	page_put(out, &p, &h, "<script>", NULL);
	end();
	ck_assert_ptr_null(strstr(text, "<script"));
	ck_assert_ptr_null(strchr(text, '\033'));
	ck_assert_ptr_null(strstr(text, "http:"));
	ck_assert_ptr_null(strstr(text, "https:"));
	ck_assert_ptr_nonnull(strstr(text, "&lt;script&gt;alert(1)"));
	free(text);
}
END_TEST

START_TEST(summary_fits_its_columns)
{
	struct style style = { .columns = 80 };
	char long_text[300];

	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	wait(3, HOUR);
	for (int i = 0; i < 30; i++) {
		long_text[0] = (char)('a' + i % 26);
		ck_assert_int_eq(top_add(&p.tally.domains, long_text,
				     NOW_US - i * HOUR, NOW_US),
		    0);
		ck_assert_int_eq(
		    top_add(&p.tally.errors, long_text, NOW_US, NOW_US), 0);
	}
	begin();
	summary_put(out, &style, &p, 5);
	end();
	ck_assert_ptr_nonnull(strstr(text, "(others)"));
	for (char *line = strtok(text, "\n"); line != NULL;
	     line = strtok(NULL, "\n")) {
		size_t columns = 0;

		for (const char *c = line; *c != '\0'; c++)
			columns += ((unsigned char)*c & 0xc0) != 0x80;
		ck_assert_msg(columns <= 80, "%zu: %s", columns, line);
	}
	free(text);
}
END_TEST

static void
add_pictures(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, health_knows_what_is_wrong, 0, COUNT(states));
	tcase_add_test(tc, relay_without_mail_is_not_tried);
	tcase_add_test(tc, the_worst_comes_first);
	tcase_add_test(tc, findings_are_bounded);
	tcase_add_test(tc, perfdata_has_thresholds);
	tcase_add_loop_test(tc, frame_fits_the_screen, 3, 60);
	tcase_add_test(tc, frame_has_rates);
	tcase_add_test(tc, metrics_escape_labels);
	tcase_add_test(tc, page_escapes_all);
	tcase_add_test(tc, summary_fits_its_columns);
}

static Suite *
screen_suite(void)
{
	Suite *s = suite_create("screen");
	TCase *tc = tcase_create("draw"), *pictures = tcase_create("pictures");

	tcase_add_loop_test(
	    tc, count_is_at_most_four_characters, 0, COUNT(counts));
	tcase_add_loop_test(tc, bar_is_as_long_as_its_share, 0, COUNT(bars));
	tcase_add_test(tc, curve_shows_little_and_much);
	tcase_add_loop_test(tc, lines_are_cut, 0, COUNT(lines));
	tcase_add_test(tc, column_is_filled_up);
	tcase_add_test(tc, html_is_escaped);
	tcase_add_loop_test(tc, plot_has_round_numbers, 0, COUNT(scales));
	suite_add_tcase(s, tc);
	add_pictures(pictures);
	suite_add_tcase(s, pictures);
	return s;
}

int
main(void)
{
	(void)setenv("LC_ALL", "C.UTF-8", 1);
	return unit_main(screen_suite());
}
