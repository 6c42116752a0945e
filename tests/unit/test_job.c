/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Whether the spool can be used, as sendmail --explain asks: with memory for
 * the answer's text, and without.
 */

#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "sendmail/explain.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

/* The linker gives the programs these (--wrap); the second is what compilers
 * that harden make of the first. */
int __wrap_asprintf(char **ret, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
int __wrap___asprintf_chk(char **ret, int flag, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* There is no memory for texts that begin so, unless NULL. */
static const char *too_much;
static char *scratch;

static int __attribute__((format(printf, 2, 0)))
format(char **ret, const char *fmt, va_list args)
{
	if (too_much == NULL || strncmp(fmt, too_much, strlen(too_much)) != 0)
		return vasprintf(ret, fmt, args);
	/* What fails leaves anything there. */
	memset(ret, 0x55, sizeof(*ret));
	return -1;
}

int
__wrap_asprintf(char **ret, const char *fmt, ...)
{
	va_list args;
	int len;

	va_start(args, fmt);
	len = format(ret, fmt, args);
	va_end(args);
	return len;
}

int
__wrap___asprintf_chk(char **ret, int flag, const char *fmt, ...)
{
	va_list args;
	int len;

	(void)flag;
	va_start(args, fmt);
	len = format(ret, fmt, args);
	va_end(args);
	return len;
}

static void
setup(void)
{
	scratch = scratch_enter();
}

static void
teardown(void)
{
	too_much = NULL;
	scratch_leave(scratch);
}

static void
make_spool(void)
{
	ck_assert_int_eq(mkdir("spool", 0700), 0);
	ck_assert_int_eq(mkdir("spool/tmp", 0700), 0);
	ck_assert_int_eq(mkdir("spool/queue", 0700), 0);
}

static int
fault_of(char **reterr_fault)
{
	char path[] = "spool";
	struct caller caller = { .has_stdin = true };
	struct job job = { .caller = &caller, .cfg.spool = path };
	int err = job_spool_fault(&job, reterr_fault);

	ck_assert(!job.has_spool);
	return err;
}

START_TEST(test_usable)
{
	char *fault = NULL;

	make_spool();
	ck_assert_int_eq(fault_of(&fault), 0);
	ck_assert_ptr_null(fault);
}
END_TEST

START_TEST(test_missing)
{
	char *fault = NULL;

	ck_assert_int_eq(fault_of(&fault), -ENOENT);
	ck_assert_str_eq(fault, "cannot use the spool: 'spool' is missing");
	free(fault);
}
END_TEST

START_TEST(test_no_memory)
{
	char *fault = NULL;

	too_much = "";
	ck_assert_int_lt(fault_of(&fault), 0);
	ck_assert_ptr_null(fault);
}
END_TEST

/* Whatever is said of it, such a spool is no success. */
START_TEST(test_explain)
{
	char sender[] = "me@x.test", rcpt[] = "you@x.test";
	char conf[] = "conf", spool[] = "spool", name[] = "Me";
	char *rcpts[] = { rcpt, NULL };
	struct options opts = { .config = conf,
		.spool = spool,
		.sender = sender,
		.full_name = name,
		.explain = true,
		.rcpts = rcpts };
	struct caller caller = { .has_stdin = true };
	struct job job = { .opts = &opts, .caller = &caller };
	FILE *out = fopen("out", "w");

	scratch_put("conf", "origin = \"o.test\"\n", 18);
	ck_assert_ptr_nonnull(out);
	ck_assert_ptr_nonnull(freopen("/dev/null", "r", stdin));
	too_much = _i == 1 ? "cannot use the spool" : NULL;
	ck_assert_int_eq(explain_run(&job, out), EX_TEMPFAIL);
	job_release(&job);
	fclose(out);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("job");
	TCase *tc = tcase_create("spool");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_usable);
	tcase_add_test(tc, test_missing);
	tcase_add_test(tc, test_no_memory);
	tcase_add_loop_test(tc, test_explain, 0, 2);
	suite_add_tcase(s, tc);
	return unit_main(s);
}
