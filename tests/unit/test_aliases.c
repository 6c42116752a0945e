/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * lib/mapfile.c and lib/aliases.c: what the file says, entry by entry and
 * item by item.
 */

#include "config.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/aliases.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static char *scratch;

static void
setup(void)
{
	umask(022);
	scratch = scratch_enter();
}

static void
teardown(void)
{
	scratch_leave(scratch);
}

/* A mapfile_fault_fn: appends "LINE " to the stream ARG. */
static void
note_fault(void *arg, unsigned line, const char *why)
{
	ck_assert_str_ne(why, "");
	fprintf(arg, "%u ", line);
}

/* An alias_fn: appends a letter for the kind and the item to the stream. */
static int
print_item(const struct alias_item *item, void *arg)
{
	FILE *out = arg;

	fputc("a\\|/:!"[item->kind], out);
	if (item->kind == ALIAS_ADDRESS || item->kind == ALIAS_FINAL)
		address_put(out, &item->box, NULL);
	else
		fwrite(item->text.ptr, 1, item->text.len, out);
	fputc(' ', out);
	return 0;
}

struct row {
	const char *text;
	size_t len;         /* 0: a string */
	const char *want;   /* "name=items;" in the order of names */
	const char *faults; /* lines */
};

#define BYTES(s) (s), sizeof(s) - 1

static const struct row rows[] = {
	{ "", 0, "", "" },
	{ "\n\n \t\n# root: x@y\n  # a: b\n", 0, "", "" },
	{ "root: ann@x.test", 0, "root=aann@x.test ;", "" },
	{ "root:ann@x.test\n", 0, "root=aann@x.test ;", "" },
	{ "Root : ann\nZoe: b\nAL: c\n", 0, "al=ac ;root=aann ;zoe=ab ;", "" },
	{ "root: a@x, b@x,c@x , ,d\n", 0, "root=aa@x ab@x ac@x ad ;", "" },
	{ "root: a@x\r\n  b@x\r\n", 0, "root=aa@x ab@x ;", "" },
	/* folds, with what may stand between them */
	{ "root: a@x,\n\tb@x\n# no\n\n   \n  # no\n c@x\nzoe: d\n", 0,
	    "root=aa@x ab@x ac@x ;zoe=ad ;", "" },
	{ "root:\n  a@x\n", 0, "root=aa@x ;", "" },
	{ "root\n  : a@x\n", 0, "root=aa@x ;", "" },
	{ "  root: a@x\n", 0, "root=aa@x ;", "" },
	/* comments behind values */
	{ "root: a@x # boss, z@x\nb: c#d, e # \"\nf: g\n", 0,
	    "b=ac#d ae ;f=ag ;root=aa@x ;", "" },
	{ "root: \"a # b\"@x\n", 0, "root=a\"a # b\"@x ;", "" },
	/* names and comments of addresses */
	{ "root: \"Doe, J\" <a@x>, b@x (B, (c) \"), d@x\n", 0,
	    "root=aa@x ab@x ad@x ;", "" },
	{ "root: a@x b@x\n", 0, "root=aa@x ab@x ;", "" },
	/* quoted names */
	{ "\"strange: name\": a@x\n", 0, "strange: name=aa@x ;", "" },
	{ "\"a\\\"b\": a@x\n", 0, "a\"b=aa@x ;", "" },
	{ "\"a#b\": a@x\n\"c d\"  :e\n", 0, "a#b=aa@x ;c d=ae ;", "" },
	{ "user+ext: a\nuser: b\n", 0, "user=ab ;user+ext=aa ;", "" },
	{ "j\303\266rg: a\n", 0, "j\303\266rg=aa ;", "" },
	/* what is refused later */
	{ "c: |/bin/x, \"|/bin/y a, b\", |\"/bin/z a, b\"\n", 0,
	    "c=||/bin/x |\"|/bin/y a, b\" ||\"/bin/z a, b\" ;", "" },
	{ "f: /var/x, \"/var/y z\", a@x\n", 0, "f=//var/x /\"/var/y z\" aa@x ;",
	    "" },
	{ "i: :include:/x, \":include:/y z\", :INCLUDE: /w\n", 0,
	    "i=::include:/x :\":include:/y z\" ::INCLUDE: /w ;", "" },
	{ "s: \\s, a@x, \\t@y\n", 0, "s=\\s aa@x \\t@y ;", "" },
	/* bad items fail nobody else */
	{ "b: a@@x, c@x, <<d>>, e@x z@, \"f\n", 0,
	    "b=!a@@x ac@x !<<d>> !e@x z@ !\"f ;", "" },
	{ "b: \\, , a@x\n", 0, "b=!\\, aa@x ;", "" },
	{ "b: a\001@x, c\n", 0, "b=!a\001@x ac ;", "" },
	{ BYTES("b: a\0@x, c\nd: e\n"), "b=!a?@x ac ;d=ae ;", "" },
	{ "empty:\n", 0, "empty=;", "" },
	{ "empty: , ,,\n", 0, "empty=;", "" },
	/* lines that are skipped */
	{ "no colon\nroot: a\n", 0, "root=aa ;", "1 " },
	{ ": a\n\"\": b\nroot: a\n", 0, "root=aa ;", "1 2 " },
	{ "root: a\nroot@x: b\na b: c\n<d>: e\n\"f: g\n", 0, "root=aa ;",
	    "2 3 4 5 " },
	{ "\"a\001\": b\nc\001: d\n", 0, "", "1 2 " },
	{ "\\", 0, "", "1 " },
	{ "\"", 0, "", "1 " },
	{ "root: \\", 0, "root=!\\ ;", "" },
	/* the first counts */
	{ "b: 1\na: 1\nA: 2\n\nb: 2\nB:\n 3\na: 3\n", 0, "a=a1 ;b=a1 ;",
	    "3 8 5 6 " },
};

static struct aliases *
read_aliases(const void *text, size_t len, FILE *faults)
{
	struct aliases *aliases;
	const char *why = "";

	scratch_put("aliases", text, len);
	ck_assert_msg(
	    aliases_read(&aliases, "aliases",
		faults != NULL ? note_fault : NULL, faults, &why) == 0,
	    "%s", why);
	return aliases;
}

START_TEST(files_are_understood)
{
	const struct row *row = &rows[_i];
	char *got, *faults;
	size_t got_len, faults_len;
	FILE *out = open_memstream(&got, &got_len);
	FILE *bad = open_memstream(&faults, &faults_len);
	struct aliases *aliases = read_aliases(
	    row->text, row->len > 0 ? row->len : strlen(row->text), bad);

	for (size_t i = 0; i < aliases_count(aliases); i++) {
		struct span name = aliases_name(aliases, i);

		fprintf(out, "%.*s=", (int)name.len, name.ptr);
		ck_assert_int_eq(
		    aliases_walk(aliases_value(aliases, i), print_item, out),
		    0);
		fputc(';', out);
		ck_assert_uint_eq(aliases_find(aliases, name), i);
	}
	fclose(out);
	fclose(bad);
	for (size_t i = 0; i < got_len; i++)
		if (got[i] == '\0')
			got[i] = '?';
	ck_assert_str_eq(got, row->want);
	ck_assert_str_eq(faults, row->faults);
	free(got);
	free(faults);
	aliases_free(aliases);
}
END_TEST

static const struct {
	const char *name, *want; /* NULL: unknown */
} lookups[] = {
	{ "root", "root" },
	{ "ROOT", "root" },
	{ "rOOt+spam", "root" },
	{ "root+", "root" },
	{ "list+a", "list+a" },
	{ "LIST+A", "list+a" },
	{ "list+a+b", "list" },
	{ "+root", NULL },
	{ "", NULL },
	{ "roo", NULL },
	{ "roots", NULL },
	{ "a", NULL },
	{ "zz", NULL },
	{ "J\303\226RG", NULL }, /* case is ASCII's */
	{ "J\303\266RG", "j\303\266rg" },
};

START_TEST(names_are_found)
{
	static const char text[] =
	    "Root: a\nlist: b\nList+A: c\nj\303\266rg: d\n"
	    "m: e\n";
	struct aliases *aliases = read_aliases(text, sizeof(text) - 1, NULL);
	size_t i = aliases_find(aliases, span_of(lookups[_i].name));

	if (lookups[_i].want == NULL)
		ck_assert_uint_eq(i, ALIASES_NONE);
	else
		ck_assert(span_is(aliases_name(aliases, i), lookups[_i].want));
	aliases_free(aliases);
}
END_TEST

START_TEST(lines_are_numbered)
{
	static const char text[] = "\n# x\na: b,\n c\n\nd: e\n";
	struct aliases *aliases = read_aliases(text, sizeof(text) - 1, NULL);

	ck_assert_uint_eq(aliases_count(aliases), 2);
	ck_assert_uint_eq(aliases_line(aliases, 0), 3);
	ck_assert_uint_eq(aliases_line(aliases, 1), 6);
	aliases_free(aliases);
}
END_TEST

static int
stop_at_once(const struct alias_item *item, void *arg)
{
	(void)item;
	++*(int *)arg;
	return 7;
}

START_TEST(a_walk_ends_when_told)
{
	int visits = 0;

	ck_assert_int_eq(
	    aliases_walk(span_of("a b, c"), stop_at_once, &visits), 7);
	ck_assert_int_eq(visits, 1);
	ck_assert_int_eq(
	    aliases_walk(span_of("|a, c"), stop_at_once, &visits), 7);
	ck_assert_int_eq(visits, 2);
}
END_TEST

START_TEST(only_trustworthy_files_are_read)
{
	struct aliases *aliases = NULL;
	const char *why = NULL;

	ck_assert_int_eq(
	    aliases_read(&aliases, "none", NULL, NULL, &why), -ENOENT);
	ck_assert_int_eq(mkfifo("fifo", 0600), 0);
	ck_assert_int_eq(
	    aliases_read(&aliases, "fifo", NULL, NULL, &why), -EINVAL);
	ck_assert_str_eq(why, "is not a regular file");
	ck_assert_int_eq(mkdir("dir", 0700), 0);
	ck_assert_int_eq(
	    aliases_read(&aliases, "dir", NULL, NULL, &why), -EISDIR);
	scratch_put("open", "a: b\n", 5);
	ck_assert_int_eq(chmod("open", 0666), 0);
	ck_assert_int_eq(
	    aliases_read(&aliases, "open", NULL, NULL, &why), -EPERM);
	ck_assert_str_eq(why, "is writable by everybody");
	scratch_put("big", "", 0);
	ck_assert_int_eq(truncate("big", MAPFILE_MAX + 1), 0);
	ck_assert_int_eq(
	    aliases_read(&aliases, "big", NULL, NULL, &why), -EFBIG);
	ck_assert_str_eq(why, "is longer than 16 MB");
	ck_assert_ptr_null(aliases);
	aliases_free(NULL);
}
END_TEST

/* Let NAME be now the one, now the other file, until somebody kills us. */
static void
swap_files(void)
{
	while (symlink("good", "new") == 0 && rename("new", "name") == 0 &&
	    symlink("bad", "new") == 0 && rename("new", "name") == 0)
		continue;
	_exit(1);
}

/* What is looked at is what is read, whoever changes names meanwhile. */
START_TEST(a_file_is_not_swapped)
{
	int status;
	pid_t pid;

	scratch_put("good", "good: a\n", 8);
	scratch_put("bad", "bad: evil\n", 10);
	ck_assert_int_eq(chmod("bad", 0666), 0);
	ck_assert_int_eq(symlink("good", "name"), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		swap_files();
	for (int i = 0; i < 10000; i++) {
		struct aliases *aliases = NULL;
		const char *why;
		size_t bad;

		if (aliases_read(&aliases, "name", NULL, NULL, &why) < 0)
			continue;
		bad = aliases_find(aliases, span_of("bad"));
		aliases_free(aliases);
		if (bad == ALIASES_NONE)
			continue;
		(void)kill(pid, SIGKILL);
		ck_abort_msg("it was read at attempt %d", i);
	}
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("aliases");
	TCase *tc = tcase_create("aliases");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, files_are_understood, 0, COUNT(rows));
	tcase_add_loop_test(tc, names_are_found, 0, COUNT(lookups));
	tcase_add_test(tc, lines_are_numbered);
	tcase_add_test(tc, a_walk_ends_when_told);
	tcase_add_test(tc, only_trustworthy_files_are_read);
	tcase_add_test(tc, a_file_is_not_swapped);
	suite_add_tcase(s, tc);
	return unit_main(s);
}
