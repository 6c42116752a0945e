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
	{ { "newaliases" }, .want = { .mode = MODE_NOTHING } },
	{ { "runq" }, .want = { .mode = MODE_FLUSH } },
	{ { "send-mail", "a" }, .rcpts = "a|" },
	{ { "sendmail", "-bi" }, .want = { .mode = MODE_NOTHING } },
	{ { "sendmail", "-I" }, .want = { .mode = MODE_NOTHING } },
	{ { "sendmail", "-bh" }, .want = { .mode = MODE_NOTHING } },
	{ { "sendmail", "-q" }, .want = { .mode = MODE_FLUSH } },
	{ { "sendmail", "-q", "-v" }, .want = { .mode = MODE_FLUSH } },
	{ { "sendmail", "-qf" }, .want = { .mode = MODE_FLUSH } },
	{ { "sendmail", "-qRx.example" }, .want = { .mode = MODE_FLUSH } },
	{ { "sendmail", "-qI32A219315A" },
	    .want = { .mode = MODE_FLUSH, .flush_id = "32A219315A" } },
	{ { "sendmail", "-q30m" }, .want = { .mode = MODE_NOTHING } },
	/* ours */
	{ { "sendmail", "--spool", "/s", "-C", "/c", "a" },
	    .want = { .spool = "/s", .config = "/c" }, .rcpts = "a|" },
	{ { "sendmail", "--spool=/s", "--config=/c", "a" },
	    .want = { .spool = "/s", .config = "/c" }, .rcpts = "a|" },
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
	{ { "sendmail", "-bt" }, .status = EX_USAGE, .says = "-bt" },
	{ { "sendmail", "-b", "" }, .status = EX_USAGE,
	    .says = "not supported" },
	{ { "sendmail", "-qG" }, .status = EX_USAGE, .says = "-qG" },
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
	assert_text(got->envid, want->envid);
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
