/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * What --explain keeps from the caller of a set-group-id sendmail who may not
 * read the configuration.  That takes a group that he is not in: root plays
 * both, elsewhere nothing can be tried.
 */

#include "config.h"

#include <grp.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "sendmail/explain.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

enum { CALLER = 65534, GROUP = 65533 };

static char *scratch;

static void
setup(void)
{
	umask(022);
	scratch = scratch_enter();
	ck_assert_int_eq(chmod(scratch, 0755), 0);
}

static void
teardown(void)
{
	scratch_leave(scratch);
}

static void
put(const char *name, mode_t mode, const char *text)
{
	scratch_put(name, text, strlen(text));
	ck_assert_int_eq(chmod(name, mode), 0);
}

/* Explain to OUT, as the caller with the rights of the group. */
static int
explain(const char *const *rcpts, FILE *out)
{
	char *args[3] = { strdup(rcpts[0]) };
	char path[] = "conf", spool[] = "secret-spool", sender[] = "me@x.test";
	struct options opts = { .config = path,
		.spool = spool,
		.sender = sender,
		.dot_is_text = true,
		.explain = true,
		.rcpts = args };
	struct caller caller = { .is_privileged = true, .has_stdin = true };
	struct job job = { .opts = &opts, .caller = &caller };
	int status;

	if (rcpts[1] != NULL)
		args[1] = strdup(rcpts[1]);
	if (freopen("mail", "r", stdin) == NULL ||
	    freopen("err", "w", stderr) == NULL || setgroups(0, NULL) < 0 ||
	    setresgid(CALLER, GROUP, GROUP) < 0 ||
	    setresuid(CALLER, CALLER, CALLER) < 0)
		return -1;
	status = explain_run(&job, out);
	job_release(&job);
	return fclose(out) == 0 && fclose(stderr) == 0 ? status : -1;
}

/* The status of explain(); what it prints is in the files "out" and "err". */
static int
run(mode_t mode, const char *config, const char *const *rcpts)
{
	FILE *out = fopen("out", "w");
	int status;
	pid_t pid;

	ck_assert_ptr_nonnull(out);
	put("conf", mode, config);
	ck_assert_int_eq(chown("conf", 0, GROUP), 0);
	put("mail", 0644, "From: me@x.test\nSubject: x\n\nbody\n");
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		_exit(explain(rcpts, out) & 0xff);
	fclose(out);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* Whether what was printed has TEXT. */
static bool
has(const char *name, const char *text)
{
	char *all = scratch_get(name, NULL);
	bool ret = strstr(all, text) != NULL;

	free(all);
	return ret;
}

#define TEN "abcdefghij"
#define FIFTY TEN TEN TEN TEN TEN
#define LONG_NAME FIFTY FIFTY FIFTY FIFTY FIFTY TEN

static const struct {
	const char *config; /* besides the aliases */
	const char *rcpts[3];
	bool shows; /* the recipients */
} rows[] = {
	{ "origin = o.test\n", { "root" }, false },
	{ "origin = o.test\n", { "a@x.test", "b@y.test" }, true },
	/* who has no orcpt is hidden, too */
	{ "origin = localhost\n", { "root" }, false },
	{ "origin = o.test\n", { "j\303\266rg" }, false },
	{ "origin = o.test\n", { LONG_NAME }, false },
	/* one that is a guess of another */
	{ "origin = o.test\n", { "target@secret.test", "root" }, false },
	{ "origin = o.test\n", { "root", "target@secret.test" }, false },
	/* what is told besides */
	{ "origin = o.test\n", { "command", "a@x.test" }, false },
	{ "origin = o.test\nlocal_recipients = l@secret.test\n", { "bob" },
	    false },
};

static const char aliases[] =
    "root: target@secret.test\n"
    "j\303\266rg: target@secret.test, \303\274@secret.test\n"
    "command: |/secret/command\n" LONG_NAME ": target@secret.test\n";

static void
put_config(char *config, size_t size, const char *more)
{
	put("secret-aliases", 0644, aliases);
	snprintf(
	    config, size, "aliases = \"%s/secret-aliases\"\n%s", scratch, more);
}

START_TEST(recipients_are_hidden)
{
	char config[1000];
	const char *const *rcpts = rows[_i].rcpts;

	if (getuid() != 0)
		return;
	put_config(config, sizeof(config), rows[_i].config);
	/* There is no spool: the rest is explained all the same. */
	ck_assert_int_eq(run(0640, config, rcpts), EX_TEMPFAIL);
	ck_assert(!has("out", "secret") || rows[_i].shows);
	ck_assert(!has("err", "secret"));
	ck_assert(has("out", "\nspool      cannot be used\n"));
	ck_assert(has("err", "sendmail: cannot use the spool\n"));
	ck_assert(!has("out", "smtputf8"));
	ck_assert(has("out", "Subject: x\n"));
	if (rows[_i].shows) {
		ck_assert(has("out", "\nrecipient  a@x.test\n"));
		ck_assert(has("out", "\nrecipient  b@y.test\n"));
	} else {
		ck_assert(has("out",
		    "\nrecipient  not shown, for a local one is among them"));
		ck_assert(!has("out", "@y.test"));
	}

	/* Who may read it is told. */
	ck_assert_int_eq(run(0644, config, rcpts), EX_TEMPFAIL);
	ck_assert(!has("out", "not shown"));
	ck_assert(has("err", "secret-spool"));
}
END_TEST

static const struct {
	const char *config;
	const char *rcpt;
	int status;
	const char *readable; /* part of what is said to those who may read */
} faults[] = {
	{ "generic = /secret/map/\n", "a@x.test", EX_TEMPFAIL, "secret/map" },
	{ "origin = localhost\n", "bob", EX_CONFIG, "secret-aliases" },
};

START_TEST(faults_are_hidden)
{
	char config[1000];
	const char *rcpts[2] = { faults[_i].rcpt, NULL };

	if (getuid() != 0)
		return;
	put("secret", 0644, "");
	put_config(config, sizeof(config), faults[_i].config);
	if (_i == 0)
		snprintf(config, sizeof(config),
		    "generic = \"%s/secret/map\"\n", scratch);
	ck_assert_int_eq(run(0640, config, rcpts), faults[_i].status);
	ck_assert(!has("out", "secret"));
	ck_assert(!has("err", "secret"));
	ck_assert(has("err", "you may not read in '"));
	ck_assert_int_eq(run(0644, config, rcpts), faults[_i].status);
	ck_assert(has("err", faults[_i].readable));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("explain");
	TCase *tc = tcase_create("explain");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, recipients_are_hidden, 0, COUNT(rows));
	tcase_add_loop_test(tc, faults_are_hidden, 0, COUNT(faults));
	suite_add_tcase(s, tc);
	return unit_main(s);
}
