/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* Command lines of sendmail: those of real callers, and hostile ones. */

#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "sendmail/options.h"
#include "tests/unit/unit.h"

#define ARGS_MAX 20
#define FIFTY "12345678901234567890123456789012345678901234567890"

struct row {
	const char *argv[ARGS_MAX];
	int status;
	const char *says; /* part of the diagnosis; NULL: silence */
	struct options want;
	const char *rcpts; /* each followed by '|' */
};

static const struct row rows[] = {
	/* PHP, cron, systemd-cron, busybox, mutt, Ruby, s-nail, cronie */
	{ { "sendmail", "-t", "-i", "-fb@x" },
	    .want = { .header_rcpts = true,
		.dot_is_text = true,
		.sender = "b@x" } },
	{ { "sendmail", "-FCronDaemon", "-i", "-B8BITMIME", "-oem", "a,b" },
	    .want = { .full_name = "CronDaemon",
		.dot_is_text = true,
		.body = BODY_8BITMIME },
	    .rcpts = "a,b|" },
	{ { "sendmail", "-i", "-B", "8bitmime", "a" },
	    .want = { .dot_is_text = true, .body = BODY_8BITMIME },
	    .rcpts = "a|" },
	{ { "sendmail", "-ti" },
	    .want = { .header_rcpts = true, .dot_is_text = true } },
	{ { "sendmail", "-oem", "-oi", "-f", "a@x", "-N", "failure,delay", "-R",
	      "hdrs", "--", "b@x" },
	    .want = { .dot_is_text = true,
		.sender = "a@x",
		.notify = NOTIFY_FAILURE | NOTIFY_DELAY,
		.ret = RET_HDRS },
	    .rcpts = "b@x|" },
	{ { "sendmail", "-i", "-f", "a@x", "--", "-fevil@x", "b@x" },
	    .want = { .dot_is_text = true, .sender = "a@x" },
	    .rcpts = "-fevil@x|b@x|" },
	{ { "sendmail", "-i", "-m", "-v", "-F", "A B", "--", "b@x" },
	    .want = { .dot_is_text = true, .full_name = "A B" },
	    .rcpts = "b@x|" },
	{ { "sendmail", "-FCronDaemon", "-i", "-odi", "-oem", "-oi", "-t", "-f",
	      "root" },
	    .want = { .full_name = "CronDaemon",
		.dot_is_text = true,
		.header_rcpts = true,
		.sender = "root" } },
	{ { "sendmail", "-G", "-oee", "-odq", "-oi", "-pUUCP:h", "-fa@x",
	      "b@x" },
	    .want = { .keep_header = true,
		.dot_is_text = true,
		.sender = "a@x" },
	    .rcpts = "b@x|" },
	{ { "/usr/lib/sendmail", "-bs", "-odb", "-oem" },
	    .want = { .mode = MODE_SMTP } },
	/* getopt's rules */
	{ { "sendmail", "-it", "a" },
	    .want = { .header_rcpts = true, .dot_is_text = true },
	    .rcpts = "a|" },
	{ { "sendmail", "-tif", "a@x", "b" },
	    .want = { .header_rcpts = true,
		.dot_is_text = true,
		.sender = "a@x" },
	    .rcpts = "b|" },
	{ { "sendmail", "-oif", "a@x" }, .want = { .dot_is_text = true },
	    .rcpts = "a@x|" },
	{ { "sendmail", "-o", "i", "a" }, .want = { .dot_is_text = true },
	    .rcpts = "a|" },
	{ { "sendmail", "-oe", "a" }, .rcpts = "a|" },
	{ { "sendmail", "-f", "a", "-r", "b", "-fc", "d" },
	    .want = { .sender = "c" }, .rcpts = "d|" },
	{ { "sendmail", "-f", "", "a" }, .want = { .sender = "" },
	    .rcpts = "a|" },
	{ { "sendmail", "-f", "-t", "a" }, .want = { .sender = "-t" },
	    .rcpts = "a|" },
	{ { "sendmail", "a", "-t", "-f", "b" }, .rcpts = "a|-t|-f|b|" },
	{ { "sendmail", "-", "-t" }, .rcpts = "-|-t|" },
	{ { "sendmail", "--", "--" }, .rcpts = "--|" },
	/* ignored, with and without an argument */
	{ { "sendmail", "-A", "c", "-Am", "-h", "25", "-L", "tag", "-O",
	      "Timeout=3", "-X", "/tmp/log", "-p", "SMTP", "-e", "m", "a" },
	    .rcpts = "a|" },
	{ { "sendmail", "-cmnUvx", "a" }, .rcpts = "a|" },
	{ { "sendmail", "-odb", "-om", "-oQ/tmp", "-oem", "a" },
	    .rcpts = "a|" },
	/* modes */
	{ { "sendmail", "-bm", "a" }, .rcpts = "a|" },
	{ { "sendmail", "-bp" }, .want = { .mode = MODE_LIST } },
	{ { "/usr/bin/mailq" }, .want = { .mode = MODE_LIST } },
	{ { "mailq", "-v" }, .want = { .mode = MODE_LIST } },
	{ { "/usr/sbin/newaliases" }, .want = { .mode = MODE_ALIASES } },
	{ { "newaliases", "-v" }, .want = { .mode = MODE_ALIASES } },
	{ { "/usr/sbin/runq" }, .want = { .mode = MODE_FLUSH } },
	{ { "runq", "-v" }, .want = { .mode = MODE_FLUSH } },
	{ { "mailq", "-qRx" },
	    .want = { .mode = MODE_FLUSH, .flush_to = "x" } },
	{ { "send-mail", "a" }, .rcpts = "a|" },
	{ { "/usr/sbin/rmail", "a" }, .rcpts = "a|" },
	{ { "rsmtp", "a" }, .rcpts = "a|" },
	{ { "hoststat", "a" }, .rcpts = "a|" },
	{ { "smtpd", "a" }, .rcpts = "a|" },
	{ { "mailq.postfix", "a" }, .rcpts = "a|" },
	{ { "", "a" }, .rcpts = "a|" },
	{ { "/", "a" }, .rcpts = "a|" },
	{ { "sendmail", "-bi" }, .want = { .mode = MODE_ALIASES } },
	{ { "sendmail", "-bi", "-oA/etc/aliases" },
	    .want = { .mode = MODE_ALIASES } },
	{ { "sendmail", "-I" }, .want = { .mode = MODE_ALIASES } },
	{ { "sendmail", "-bh" }, .want = { .mode = MODE_NOTHING } },
	{ { "sendmail", "-bH" }, .want = { .mode = MODE_NOTHING } },
	{ { "sendmail", "-bp", "-bm", "a" }, .rcpts = "a|" },
	{ { "sendmail", "-q" }, .want = { .mode = MODE_FLUSH } },
	{ { "sendmail", "-q", "-v" }, .want = { .mode = MODE_FLUSH } },
	{ { "sendmail", "-qf" }, .want = { .mode = MODE_FLUSH } },
	{ { "sendmail", "-qRx.example" },
	    .want = { .mode = MODE_FLUSH, .flush_to = "x.example" } },
	{ { "sendmail", "-qSann@x", "-v" },
	    .want = { .mode = MODE_FLUSH, .flush_from = "ann@x" } },
	{ { "sendmail", "-qR", "-qS" },
	    .want = { .mode = MODE_FLUSH, .flush_from = "", .flush_to = "" } },
	{ { "sendmail", "-qI32A219315A" },
	    .want = { .mode = MODE_FLUSH, .flush_id = "32A219315A" } },
	{ { "sendmail", "-q30m" }, .want = { .mode = MODE_NOTHING } },
	{ { "sendmail", "-q1h30m" }, .want = { .mode = MODE_NOTHING } },
	{ { "sendmail", "-q0" }, .want = { .mode = MODE_NOTHING } },
	/* each option that does nothing, by itself, as its row says */
	{ { "sendmail", "-oee", "a" }, .rcpts = "a|" },
	{ { "sendmail", "-oep", "a" }, .rcpts = "a|" },
	{ { "sendmail", "-om", "a" }, .rcpts = "a|" },
	{ { "sendmail", "-odb", "a" }, .rcpts = "a|" },
	{ { "sendmail", "-odi", "a" }, .rcpts = "a|" },
	{ { "sendmail", "-odq", "a" }, .rcpts = "a|" },
	{ { "sendmail", "-odd", "a" }, .rcpts = "a|" },
	{ { "sendmail", "-o7", "a" }, .rcpts = "a|" },
	{ { "sendmail", "-h", "25", "a" }, .rcpts = "a|" },
	{ { "sendmail", "-h25", "a" }, .rcpts = "a|" },
	{ { "sendmail", "-n", "a" }, .rcpts = "a|" },
	{ { "sendmail", "-pSMTP:h", "a" }, .rcpts = "a|" },
	{ { "sendmail", "-p", "SMTP:h", "a" }, .rcpts = "a|" },
	{ { "sendmail", "-L", "tag", "a" }, .rcpts = "a|" },
	{ { "sendmail", "-U", "a" }, .rcpts = "a|" },
	{ { "sendmail", "-Ac", "a" }, .rcpts = "a|" },
	{ { "sendmail", "-A", "m", "a" }, .rcpts = "a|" },
	{ { "sendmail", "-X", "/x", "a" }, .rcpts = "a|" },
	{ { "sendmail", "-XV", "a" }, .rcpts = "a|" },
	{ { "sendmail", "-O", "o=v", "a" }, .rcpts = "a|" },
	{ { "sendmail", "-Orequiretls", "a" }, .rcpts = "a|" },
	{ { "sendmail", "-m", "a" }, .rcpts = "a|" },
	{ { "sendmail", "-em", "a" }, .rcpts = "a|" },
	{ { "sendmail", "-e", "p", "a" }, .rcpts = "a|" },
	{ { "sendmail", "-x", "a" }, .rcpts = "a|" },
	{ { "sendmail", "-c", "a" }, .rcpts = "a|" },
	{ { "sendmail", "-v", "a" }, .rcpts = "a|" },
	{ { "sendmail", "-B7BIT", "a" }, .want = { .body = BODY_7BIT },
	    .rcpts = "a|" },
	/* ours */
	{ { "sendmail", "--spool", "/s", "-C", "/c", "a" },
	    .want = { .spool = "/s", .config = "/c" }, .rcpts = "a|" },
	{ { "sendmail", "--spool=/s", "--config=/c", "a" },
	    .want = { .spool = "/s", .config = "/c" }, .rcpts = "a|" },
	{ { "sendmail", "--explain", "-t", "a" },
	    .want = { .explain = true, .header_rcpts = true }, .rcpts = "a|" },
	{ { "sendmail", "--wait", "a" }, .want = { .wait = true },
	    .rcpts = "a|" },
	{ { "sendmail", "--wait", "30s" }, .status = EX_USAGE,
	    .says = "--wait=30s" },
	{ { "sendmail", "--wait=1m", "30s" },
	    .want = { .wait = true, .wait_us = 60000000 }, .rcpts = "30s|" },
	{ { "sendmail", "--wait=30s", "a" },
	    .want = { .wait = true, .wait_us = 30000000 }, .rcpts = "a|" },
	{ { "sendmail", "--wait=5", "a" },
	    .want = { .wait = true, .wait_us = 5000000 }, .rcpts = "a|" },
	{ { "sendmail", "--wait=5M", "a" },
	    .want = { .wait = true, .wait_us = 300000000 }, .rcpts = "a|" },
	{ { "sendmail", "--wait=365d", "a" },
	    .want = { .wait = true, .wait_us = 31536000000000 },
	    .rcpts = "a|" },
	{ { "sendmail", "--wait=9s", "--wait", "a" }, .want = { .wait = true },
	    .rcpts = "a|" },
	{ { "sendmail", "--ttl=10m", "--lane=otp", "a" },
	    .want = { .ttl_s = 600, .lane = "otp" }, .rcpts = "a|" },
	{ { "sendmail", "--ttl", "1", "--lane", "a-Z_9", "a" },
	    .want = { .ttl_s = 1, .lane = "a-Z_9" }, .rcpts = "a|" },
	{ { "sendmail", "--ttl=365d", "--ttl=1h", "a" },
	    .want = { .ttl_s = 3600 }, .rcpts = "a|" },
	{ { "sendmail", "--not-before=18:00", "a" },
	    .want = { .not_before = "18:00" }, .rcpts = "a|" },
	{ { "sendmail", "--not-before", "2026-11-22T18:00:00+01:00", "a" },
	    .want = { .not_before = "2026-11-22T18:00:00+01:00" },
	    .rcpts = "a|" },
	{ { "sendmail", "-O", "ttl=10m", "-OLANE=otp", "-O", "At=+2h", "a" },
	    .want = { .ttl_s = 600, .lane = "otp", .not_before = "+2h" },
	    .rcpts = "a|" },
	{ { "sendmail", "-O", "Not-Before=@1795370400", "-OTTL=1d", "a" },
	    .want = { .ttl_s = 86400, .not_before = "@1795370400" },
	    .rcpts = "a|" },
	/* names that only begin like ours, and all others */
	{ { "sendmail", "-O", "ttls=x", "-O", "tt=x", "-O", "atx", "-O", "=x",
	      "-O", "", "-O", "lanes=", "-O", "Timeout.queuereturn=ttl=x",
	      "a" },
	    .rcpts = "a|" },
	{ { "sendmail", "--explain", "--wait=1h", "a" },
	    .want = { .explain = true, .wait = true, .wait_us = 3600000000 },
	    .rcpts = "a|" },
	{ { "sendmail", "--help", "--explain" },
	    .want = { .mode = MODE_HELP, .explain = true } },
	{ { "sendmail", "--help" }, .want = { .mode = MODE_HELP } },
	{ { "sendmail", "--version" }, .want = { .mode = MODE_VERSION } },
	/* warned of */
	{ { "sendmail", "-N", "often", "a" }, .says = "-N", .rcpts = "a|" },
	{ { "sendmail", "-R", "half", "a" }, .says = "-R", .rcpts = "a|" },
	{ { "sendmail", "-V", "a\nb", "a" }, .says = "-V", .rcpts = "a|" },
	{ { "sendmail", "-V", "", "a" }, .says = "-V", .rcpts = "a|" },
	{ { "sendmail", "-V", "\303\274", "a" }, .says = "-V", .rcpts = "a|" },
	{ { "sendmail", "-V", FIFTY FIFTY FIFTY FIFTY FIFTY, "a" },
	    .want = { .envid = FIFTY FIFTY FIFTY FIFTY FIFTY }, .rcpts = "a|" },
	{ { "sendmail", "-V", FIFTY FIFTY FIFTY FIFTY FIFTY "+", "a" },
	    .says = "-V", .rcpts = "a|" },
	{ { "sendmail", "-VENV1234", "a" }, .want = { .envid = "ENV1234" },
	    .rcpts = "a|" },
	/* refused */
	{ { "sendmail", "-y" }, .status = EX_USAGE,
	    .says = "unknown option -y" },
	{ { "sendmail", "-tiy" }, .status = EX_USAGE,
	    .says = "unknown option -y" },
	{ { "sendmail", "-\033" }, .status = EX_USAGE,
	    .says = "unknown option -\\x1B" },
	{ { "sendmail", "--\033[m" }, .status = EX_USAGE, .says = "\\x1B[m" },
	{ { "sendmail", "-D" }, .status = EX_USAGE,
	    .says = "-D is not supported" },
	{ { "sendmail", "-d0.1" }, .status = EX_USAGE,
	    .says = "-d is not supported" },
	{ { "sendmail", "-Z" }, .status = EX_USAGE,
	    .says = "-Z is not supported" },
	{ { "sendmail", "-E" }, .status = EX_USAGE, .says = "-E is not" },
	{ { "sendmail", "-J" }, .status = EX_USAGE, .says = "-J is not" },
	{ { "sendmail", "-k" }, .status = EX_USAGE, .says = "-k is not" },
	{ { "sendmail", "-Mx" }, .status = EX_USAGE, .says = "-M is not" },
	{ { "sendmail", "-s" }, .status = EX_USAGE, .says = "-s is not" },
	{ { "sendmail", "-T1h" }, .status = EX_USAGE, .says = "-T is not" },
	{ { "sendmail", "-Y" }, .status = EX_USAGE, .says = "-Y is not" },
	{ { "sendmail", "-z" }, .status = EX_USAGE, .says = "-z is not" },
	{ { "sendmail", "-f" }, .status = EX_USAGE,
	    .says = "needs an argument" },
	{ { "sendmail", "-tif" }, .status = EX_USAGE,
	    .says = "needs an argument" },
	{ { "sendmail", "-b" }, .status = EX_USAGE,
	    .says = "needs an argument" },
	{ { "sendmail", "-bv", "a" }, .status = EX_USAGE,
	    .says = "-bv is not supported" },
	{ { "sendmail", "-bd", "-q30m" }, .status = EX_USAGE,
	    .says = "the daemon is spoold" },
	{ { "sendmail", "-bt" }, .status = EX_USAGE, .says = "-bt is not" },
	{ { "sendmail", "-bz" }, .status = EX_USAGE, .says = "-bz is not" },
	{ { "sendmail", "-ba" }, .status = EX_USAGE, .says = "-ba is not" },
	{ { "sendmail", "-bP" }, .status = EX_USAGE, .says = "-bP is not" },
	{ { "sendmail", "-bl" }, .status = EX_USAGE,
	    .says = "the daemon is spoold" },
	{ { "sendmail", "-b", "" }, .status = EX_USAGE,
	    .says = "not supported" },
	{ { "sendmail", "-qG" }, .status = EX_USAGE, .says = "-qG" },
	{ { "sendmail", "-qp" }, .status = EX_USAGE, .says = "-qp" },
	{ { "sendmail", "--wait=", "a" }, .status = EX_USAGE,
	    .says = "behind its '='" },
	{ { "sendmail", "--wait=soon", "a" }, .status = EX_USAGE,
	    .says = "not 'soon'" },
	{ { "sendmail", "--wait=\033", "a" }, .status = EX_USAGE,
	    .says = "not '\\x1B'" },
	{ { "sendmail", "--wait=0", "a" }, .status = EX_USAGE,
	    .says = "not '0'" },
	{ { "sendmail", "--wait=-1s", "a" }, .status = EX_USAGE,
	    .says = "not '-1s'" },
	{ { "sendmail", "--wait=366d", "a" }, .status = EX_USAGE,
	    .says = "not '366d'" },
	{ { "sendmail", "--wait=99999999999999999999", "a" },
	    .status = EX_USAGE, .says = "a time such as" },
	{ { "sendmail", "--ttl=soon", "a" }, .status = EX_USAGE,
	    .says = "--ttl takes a time up to 365d, such as 90s, 10m or 2h, "
		    "not 'soon'" },
	{ { "sendmail", "--ttl=0", "a" }, .status = EX_USAGE,
	    .says = "not '0'" },
	{ { "sendmail", "--ttl=366d", "a" }, .status = EX_USAGE,
	    .says = "up to 365d" },
	{ { "sendmail", "--ttl=500ms", "a" }, .status = EX_USAGE,
	    .says = "not '500ms'" },
	{ { "sendmail", "--ttl=", "a" }, .status = EX_USAGE, .says = "not ''" },
	{ { "sendmail", "--not-before=noon", "a" }, .status = EX_USAGE,
	    .says = "+2h or @1763834400, not 'noon'" },
	{ { "sendmail", "--not-before=2026-02-30T18:00", "a" },
	    .status = EX_USAGE, .says = "not '2026-02-30T18:00'" },
	{ { "sendmail", "--not-before=\033", "a" }, .status = EX_USAGE,
	    .says = "not '\\x1B'" },
	{ { "sendmail", "--lane=", "a" }, .status = EX_USAGE,
	    .says = "not ''" },
	{ { "sendmail", "--lane=a b", "a" }, .status = EX_USAGE,
	    .says = "--lane takes 1 to 40 letters, digits, '-' and '_', not" },
	{ { "sendmail", "--lane=12345678901234567890123456789012345678901",
	      "a" },
	    .status = EX_USAGE, .says = "--lane takes" },
	{ { "sendmail", "-O", "ttl=soon", "a" }, .status = EX_USAGE,
	    .says = "not 'soon'" },
	{ { "sendmail", "-Oat=noon", "a" }, .status = EX_USAGE,
	    .says = "not 'noon'" },
	{ { "sendmail", "-O", "lane", "a" }, .status = EX_USAGE,
	    .says = "not ''" },
	{ { "sendmail", "-bs", "--ttl=1m" }, .status = EX_USAGE,
	    .says = "--ttl is for a message" },
	{ { "mailq", "--not-before=18:00" }, .status = EX_USAGE,
	    .says = "--not-before is for a message" },
	{ { "sendmail", "-q", "-O", "lane=x" }, .status = EX_USAGE,
	    .says = "--lane is for a message" },
	{ { "sendmail", "--explain=x", "a" }, .status = EX_USAGE,
	    .says = "takes no argument" },
	{ { "sendmail", "-bs", "--explain" }, .status = EX_USAGE,
	    .says = "--explain is for a message" },
	{ { "sendmail", "--wait", "-bs" }, .status = EX_USAGE,
	    .says = "--wait is for a message" },
	{ { "mailq", "--explain" }, .status = EX_USAGE,
	    .says = "--explain is for a message" },
	{ { "sendmail", "-q", "--explain" }, .status = EX_USAGE,
	    .says = "--explain is for a message" },
	{ { "sendmail", "-q", "--wait=1s" }, .status = EX_USAGE,
	    .says = "--wait is for a message" },
	{ { "newaliases", "--wait" }, .status = EX_USAGE,
	    .says = "--wait is for a message" },
	{ { "newaliases", "a" }, .status = EX_USAGE, .says = "of no use" },
	{ { "sendmail", "-BBINARYMIME", "a" }, .status = EX_USAGE,
	    .says = "BINARYMIME" },
	{ { "sendmail", "--frob" }, .status = EX_USAGE,
	    .says = "unknown option --frob" },
	{ { "sendmail", "--spool" }, .status = EX_USAGE,
	    .says = "needs an argument" },
	{ { "sendmail", "--spoo", "x" }, .status = EX_USAGE,
	    .says = "unknown option" },
	{ { "sendmail", "--help=x" }, .status = EX_USAGE,
	    .says = "takes no argument" },
	{ { "mailq", "a" }, .status = EX_USAGE, .says = "of no use" },
	{ { "sendmail", "-bs", "a" }, .status = EX_USAGE, .says = "of no use" },
	{ { "sendmail", "-q30m", "a" }, .status = EX_USAGE,
	    .says = "of no use" },
	/* no argv[0] at all */
	{ .argv = { NULL } },
};

#define ROWS ((int)(sizeof(rows) / sizeof(rows[0])))

static void
assert_text(const char *got, const char *want)
{
	if (want == NULL)
		ck_assert_ptr_null(got);
	else
		ck_assert_str_eq(got, want);
}

static void
assert_options(const struct options *got, const struct row *row)
{
	const struct options *want = &row->want;
	char joined[256] = "";
	char **rcpt;

	for (rcpt = got->rcpts; *rcpt != NULL; rcpt++) {
		strcat(joined, *rcpt);
		strcat(joined, "|");
	}
	ck_assert_str_eq(joined, row->rcpts != NULL ? row->rcpts : "");
	ck_assert_int_eq(got->mode, want->mode);
	ck_assert_int_eq(got->header_rcpts, want->header_rcpts);
	ck_assert_int_eq(got->dot_is_text, want->dot_is_text);
	ck_assert_int_eq(got->keep_header, want->keep_header);
	ck_assert_uint_eq(got->notify, want->notify);
	ck_assert_int_eq(got->ret, want->ret);
	ck_assert_int_eq(got->body, want->body);
	assert_text(got->sender, want->sender);
	assert_text(got->full_name, want->full_name);
	assert_text(got->config, want->config);
	assert_text(got->spool, want->spool);
	assert_text(got->flush_id, want->flush_id);
	assert_text(got->flush_from, want->flush_from);
	assert_text(got->flush_to, want->flush_to);
	ck_assert_int_eq(got->explain, want->explain);
	ck_assert_int_eq(got->wait, want->wait);
	ck_assert_int_eq(got->wait_us, want->wait_us);
	assert_text(got->envid, want->envid);
	ck_assert_uint_eq(got->ttl_s, want->ttl_s);
	assert_text(got->not_before, want->not_before);
	assert_text(got->lane, want->lane);
}

START_TEST(a_command_line_means_what_it_means_everywhere)
{
	const struct row *row = &rows[_i];
	char *argv[ARGS_MAX] = { NULL };
	struct options got;
	char *said;
	size_t len, i;
	FILE *diag = open_memstream(&said, &len);

	for (i = 0; row->argv[i] != NULL; i++)
		ck_assert_ptr_nonnull(argv[i] = strdup(row->argv[i]));
	ck_assert_int_eq(options_parse(argv, &got, diag), row->status);
	ck_assert_int_eq(fclose(diag), 0);
	if (row->status == 0)
		assert_options(&got, row);
	if (row->says == NULL)
		ck_assert_str_eq(said, "");
	else
		ck_assert_ptr_nonnull(strstr(said, row->says));
	free(said);
	for (i = 0; argv[i] != NULL; i++)
		free(argv[i]);
}
END_TEST

/* The longest xtext that libESMTP takes, counted as it is encoded. */
START_TEST(an_envelope_id_is_measured_encoded)
{
	char id[ENVELOPE_XTEXT_MAX + 2];
	char name[] = "sendmail", flag[] = "-V";
	char *argv[] = { name, flag, id, NULL };
	struct options got;
	char *said;
	size_t len;
	FILE *diag = open_memstream(&said, &len);

	memset(id, 'x', sizeof(id));
	id[ENVELOPE_XTEXT_MAX] = '\0';
	ck_assert_int_eq(options_parse(argv, &got, diag), 0);
	ck_assert_ptr_eq(got.envid, id);
	id[0] = '+';
	ck_assert_int_eq(options_parse(argv, &got, diag), 0);
	ck_assert_ptr_null(got.envid);
	ck_assert_int_eq(fclose(diag), 0);
	ck_assert_ptr_nonnull(strstr(said, "warning"));
	free(said);
}
END_TEST

START_TEST(help_names_every_flag)
{
	static const char letters[] = "tifrFGBNRVbqICoAcehLmnOpUvXx";
	char *text, line[8];
	size_t len, i;
	FILE *out = open_memstream(&text, &len);

	options_put_help(out);
	ck_assert_int_eq(fclose(out), 0);
	for (i = 0; letters[i] != '\0'; i++) {
		snprintf(line, sizeof(line), "\n  -%c", letters[i]);
		ck_assert_msg(strstr(text, line) != NULL, "no -%c", letters[i]);
	}
	ck_assert_ptr_nonnull(strstr(text, "\n  --spool DIR"));
	ck_assert_ptr_nonnull(strstr(text, "\n  --wait[=TIME]"));
	ck_assert_ptr_nonnull(strstr(text, "\n  --explain "));
	free(text);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("options");
	TCase *tc = tcase_create("options");

	tcase_add_loop_test(
	    tc, a_command_line_means_what_it_means_everywhere, 0, ROWS);
	tcase_add_test(tc, an_envelope_id_is_measured_encoded);
	tcase_add_test(tc, help_names_every_flag);
	suite_add_tcase(s, tc);
	return unit_main(s);
}
