/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Who is who: where recipients lead (lib/routes.c, lib/expansion.c), how
 * senders are shown (lib/identity.c), and what newaliases says about it.
 */

#include "config.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>

#include "lib/identity.h"
#include "lib/submit.h"
#include "sendmail/newaliases.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static char *scratch;
static struct config cfg;
static struct identity id;
static struct envelope env;
static struct submit_error err;

/* What ID->warn was told, a line each. */
static char warnings[10000];

static void
warn(const char *text)
{
	ck_assert_ptr_null(strchr(text, '\n'));
	ck_assert_uint_lt(
	    strlen(warnings) + strlen(text) + 2, sizeof(warnings));
	strcat(strcat(warnings, text), "\n");
}

static void
setup(void)
{
	umask(022);
	scratch = scratch_enter();
	ck_assert_int_eq(config_init(&cfg), 0);
	free(cfg.aliases);
	cfg.aliases = NULL;
	warnings[0] = '\0';
}

static void
teardown(void)
{
	envelope_release(&env);
	identity_release(&id);
	identity_release(&id);
	config_release(&cfg);
	scratch_leave(scratch);
}

static void
put(const char *name, const char *text)
{
	scratch_put(name, text, strlen(text));
}

static void
set(const char *key, const char *value)
{
	struct config_error why;

	ck_assert_msg(config_set(&cfg, key, value, &why) == 0, "%s", why.text);
}

/* Make ID of CFG, on the host "host.test". */
static void
begin(void)
{
	ck_assert_int_eq(identity_init(&id, &cfg), 0);
	free(id.hostname);
	id.hostname = strdup("host.test");
	id.warn = warn;
}

/* The recipients as "addr ", with "addr(orcpt) " where there is one. */
static char *
recipients(void)
{
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	for (size_t i = 0; i < env.nrcpts; i++) {
		const struct recipient *rcpt = &env.rcpts[i];

		fputs(rcpt->addr, out);
		if (rcpt->orcpt != NULL) {
			ck_assert(strncmp(rcpt->orcpt, "rfc822;", 7) == 0);
			fprintf(out, "(%s)", rcpt->orcpt + 7);
		}
		fputc(' ', out);
	}
	fclose(out);
	return text;
}

/* ---- recipients -------------------------------------------------------- */

struct row {
	const char *aliases; /* NULL: no file */
	const char *rcpts;
	const char *want; /* NULL: refused */
	const char *warns;
	const char *origin; /* NULL: o.test */
	const char *local_recipients;
	bool keeps_local;
	bool is_ascii_only;
	int exit_code;
	const char *says;
};

#define MANY(n) "aliases:1: alias 'a': '|" #n "' is a command, and is not run\n"
#define POSTMASTER "postmaster: pm@x.test\n"

static const struct row rows[] = {
	/* which names are local */
	{ .aliases = "root: a@x.test\n",
	    "root, root@localhost, root@localhost.localdomain, "
	    "Root@HOST.test, root@localhost., \"root\", root (x) @ (y) "
	    "localhost, Root <root@host.test>",
	    "a@x.test(root@o.test) " },
	{ .aliases = "root: a@x.test\n",
	    "root@o.test, root@x.test, root@localhost.test",
	    "root@o.test root@x.test root@localhost.test " },
	{ .aliases = NULL,
	    "root, bob@localhost, c@host.test, \"d e\"@localhost",
	    "root@o.test bob@o.test c@o.test \"d e\"@o.test " },
	{ .aliases = NULL,
	    "a@host.test, b",
	    "a@host.test b@host.test ",
	    .origin = "host.test" },
	{ .aliases = "a: c@x.test\n",
	    "a@host.test, b@host.test",
	    "c@x.test(a@host.test) b@host.test ",
	    .origin = "host.test" },
	/* expansion */
	{ .aliases = "root: ann, b@x.test\nann: c@x.test, d\n",
	    "root",
	    "b@x.test(root@o.test) c@x.test(root@o.test) "
	    "d@o.test(root@o.test) " },
	{ .aliases = "root: r@x.test\n",
	    "root+spam",
	    "r@x.test(root+spam@o.test) " },
	{ .aliases = "a: b\nb: c\nc: d\nd: e@x.test\n",
	    "a b c d",
	    "e@x.test(a@o.test) " },
	{ .aliases = "a: x@x.test, X@X.TEST\nb: x@x.test, y@x.test\n",
	    "x@x.test, a, b",
	    "x@x.test y@x.test(b@o.test) " },
	{ .aliases = "a: \\a, \\b, c@x.test\nb: d@x.test\n",
	    "a",
	    "a@o.test b@o.test(a@o.test) c@x.test(a@o.test) " },
	{ .aliases = "a: b@o.test\nb: c@x.test\n", "a", "b@o.test(a@o.test) " },
	{ .aliases = "a: \"-f\"@x.test, Ann <b@x.test>\n",
	    "a",
	    "\"-f\"@x.test(a@o.test) b@x.test(a@o.test) " },
	{ .aliases = "a: b, x@x.test\nb: c\nc: a, z@x.test\n",
	    "b",
	    "z@x.test(b@o.test) x@x.test(b@o.test) " },
	/* a name of its own list is final */
	{ .aliases = "root: root, a@x.test\n",
	    "root",
	    "root@o.test a@x.test(root@o.test) " },
	{ .aliases = "ann: a@x.test, ANN@localhost\nall: ann\n",
	    "all",
	    "a@x.test(all@o.test) ANN@o.test(all@o.test) " },
	{ .aliases = "ann: a@x.test, ann+copy\n",
	    "ann",
	    "a@x.test(ann@o.test) ann+copy@o.test(ann@o.test) " },
	{ .aliases = "ann: ann, a@x.test\n",
	    "ann",
	    "a@x.test(ann@o.test) l@x.test(ann@o.test) ",
	    .local_recipients = "l@x.test" },
	{ .aliases = "ann: ann, a@x.test\n",
	    "ann",
	    "a@x.test(ann@o.test) ",
	    .local_recipients = "ann" },
	{ .aliases = "ann: ann, a@x.test\n",
	    "ann",
	    NULL,
	    .origin = "localhost",
	    .exit_code = EX_CONFIG,
	    .says = "recipient 'ann' leads nowhere: " },
	{ .aliases = POSTMASTER "ann: ann, a@x.test\n",
	    "ann",
	    "a@x.test pm@x.test ",
	    "aliases:2: alias 'ann': 'ann' leads nowhere, for the origin is "
	    "localhost\n",
	    .origin = "localhost" },
	/* circles */
	{ .aliases = "a: b\nb: a, c@x.test\n", "b a", "c@x.test(b@o.test) " },
	{ .aliases = POSTMASTER "a: b\nb: a\n",
	    "a",
	    "pm@x.test(a@o.test) ",
	    "aliases:2: alias 'a' leads nowhere: its mail goes to the "
	    "postmaster\naliases:3: alias 'b' leads nowhere: its mail goes "
	    "to the postmaster\n" },
	{ .aliases = "root: root\n", "root", "root@o.test " },
	/* where one recipient's circle was another's way */
	{ .aliases = POSTMASTER "team: loop, a@x.test\nloop: pool\n"
				"pool: loop\n",
	    "team loop",
	    "a@x.test(team@o.test) pm@x.test(team@o.test) ",
	    "aliases:3: alias 'loop' leads nowhere: its mail goes to the "
	    "postmaster\naliases:4: alias 'pool' leads nowhere: its mail "
	    "goes to the postmaster\n" },
	/* what is refused goes to postmaster, root, local_recipients, root */
	{ .aliases = POSTMASTER "root: r@x.test\nc: |/bin/c a\n",
	    "c",
	    "pm@x.test(c@o.test) ",
	    "aliases:3: alias 'c': '|/bin/c a' is a command, and is not "
	    "run\n" },
	{ .aliases = "root: r@x.test\nc: /var/c\n",
	    "c",
	    "r@x.test(c@o.test) ",
	    "aliases:2: alias 'c': '/var/c' is a file, and is not written "
	    "to\n" },
	{ .aliases =
		"postmaster: root\nroot: r@x.test\nc: :include:/c, d@x.test\n",
	    "c",
	    "d@x.test(c@o.test) r@x.test(c@o.test) ",
	    "aliases:3: alias 'c': ':include:/c' names a file, which is not "
	    "read\n" },
	{ .aliases = "c: |c\n",
	    "c",
	    "root@o.test(c@o.test) ",
	    "aliases:1: alias 'c': '|c' is a command, and is not run\n" },
	{ .aliases = "c: |c\n",
	    "c",
	    "l@x.test(c@o.test) ",
	    "aliases:1: alias 'c': '|c' is a command, and is not run\n",
	    .local_recipients = "l@x.test" },
	{ .aliases = "postmaster: |p\nroot: postmaster\n",
	    "postmaster",
	    "root@o.test"
	    "(postmaster"
	    "@o.test) ",
	    "aliases:1: alias 'postmaster': '|p' is a command, and is not "
	    "run\n" },
	{ .aliases = POSTMASTER "a: |a\nb: |b\n",
	    "a, b, postmaster",
	    "pm@x.test(a@o.test) ",
	    "aliases:2: alias 'a': '|a' is a command, and is not run\n"
	    "aliases:3: alias 'b': '|b' is a command, and is not run\n" },
	{ .aliases = POSTMASTER "e:\n",
	    "e",
	    "pm@x.test(e@o.test) ",
	    "aliases:2: alias 'e' leads nowhere: its mail goes to the "
	    "postmaster\n" },
	/* bad values fail nobody else */
	{ .aliases = POSTMASTER "b: a@@x.test, c@x.test, \374@x.test\n",
	    "b, d@x.test",
	    "c@x.test(b@o.test) pm@x.test(b@o.test) d@x.test ",
	    "aliases:2: alias 'b': 'a@@x.test' is no address\n"
	    "aliases:2: alias 'b': '\\xFC@x.test' has 8-bit characters that "
	    "are not UTF-8\n" },
	{ .aliases = POSTMASTER "b: a\033[1m@x.test\n",
	    "b, d@x.test",
	    "pm@x.test(b@o.test) d@x.test ",
	    "aliases:2: alias 'b': 'a\\x1B[1m@x.test' is no address\n" },
	{ .aliases = "b: -f, -g@x.test\n",
	    "b",
	    "\"-g\"@x.test(b@o.test) root@o.test(b@o.test) ",
	    "aliases:1: alias 'b': '-f' begins with '-'\n" },
	/* entries that are skipped: the first few are told */
	{ .aliases = "x\nroot: a@x.test\nroot: b@x.test\ny\nz\n",
	    "root",
	    "a@x.test(root@o.test) ",
	    "aliases:1: skipped: no \"name: value\"\n"
	    "aliases:4: skipped: no \"name: value\"\n"
	    "aliases:5: skipped: no \"name: value\"\n"
	    "aliases: there is more, see newaliases(8)\n" },
	{ .aliases = "a: |1, |2, |3, |4, |5, |6, |7, |8, |9, |0, |a, |b, a@x\n",
	    "a",
	    "a@x(a@o.test) root@o.test(a@o.test) ",
	    MANY(1) MANY(2) MANY(3) MANY(4) MANY(5) MANY(6) MANY(7) MANY(8)
		MANY(9) MANY(0) "there is more, see newaliases(8)\n" },
	/* names that no alias knows */
	{ .aliases = "root: a@x.test\n",
	    "bob, joe, root, c@y.test",
	    "l@x.test(bob@o.test) m@o.test(bob@o.test) "
	    "a@x.test(root@o.test) c@y.test ",
	    .local_recipients = "l@x.test, m" },
	{ .aliases = "root: a@x.test\n",
	    "bob",
	    "a@x.test(bob@o.test) ",
	    .local_recipients = "Root" },
	{ .aliases = "l: bob, a@x.test\n",
	    "l",
	    "a@x.test(l@o.test) l@x.test(l@o.test) ",
	    .local_recipients = "l@x.test" },
	{ .aliases = POSTMASTER "root: joe\n",
	    "bob",
	    "pm@x.test(bob@o.test) ",
	    "local_recipients leads nowhere: its mail goes to the "
	    "postmaster\naliases:2: alias 'root' leads nowhere: its mail "
	    "goes to the postmaster\n",
	    .local_recipients = "root" },
	/* an origin that no relay can deliver to */
	{ .aliases = NULL,
	    "root",
	    NULL,
	    .origin = "localhost",
	    .exit_code = EX_CONFIG,
	    .says = "recipient 'root' leads nowhere: give it an address in "
		    "aliases, or set local_recipients or origin in the "
		    "configuration" },
	{ .aliases = NULL,
	    "a@x.test, Bob <bob@localhost>",
	    NULL,
	    .origin = "LOCALHOST.localdomain",
	    .exit_code = EX_CONFIG,
	    .says = "recipient 'Bob <bob@localhost>' leads nowhere: " },
	{ .aliases = "root: a@x.test\n",
	    "root@localhost, root",
	    "a@x.test ",
	    .origin = "localhost" },
	/* root has what there is, and that is where it falls back to */
	{ .aliases = "root: bob, a@x.test\n",
	    "root",
	    "a@x.test ",
	    "aliases:1: alias 'root': 'bob' leads nowhere, for the origin is "
	    "localhost\n",
	    .origin = "localhost" },
	{ .aliases = "b: a@@x.test, a@x.test\n",
	    "b",
	    NULL,
	    .origin = "localhost",
	    .exit_code = EX_CONFIG,
	    .says = "recipient 'b' leads nowhere: " },
	{ .aliases = "root: bob\n",
	    "root",
	    NULL,
	    .origin = "localhost",
	    .exit_code = EX_CONFIG,
	    .says = "recipient 'root' leads nowhere" },
	{ .aliases = "c: |c, a@x.test\n",
	    "c",
	    NULL,
	    .origin = "localhost",
	    .exit_code = EX_CONFIG,
	    .says = "recipient 'c' leads nowhere: " },
	{ .aliases = NULL,
	    "root@localhost, bob",
	    "l@x.test ",
	    .origin = "localhost",
	    .local_recipients = "l@x.test" },
	{ .aliases = NULL,
	    "root@localhost, bob",
	    "root@localhost bob@localhost ",
	    .origin = "localhost",
	    .keeps_local = true },
	/* 8 bits */
	{ .aliases = NULL,
	    "\303\274@x.test, a@\303\274.test",
	    "\303\274@x.test a@\303\274.test " },
	{ .aliases = NULL,
	    "a@\303\274.test",
	    "a@\303\274.test ",
	    .is_ascii_only = true },
	{ .aliases = NULL,
	    "a@x.test, \303\274@x.test",
	    NULL,
	    .is_ascii_only = true,
	    .exit_code = EX_DATAERR,
	    .says = "bad recipient '\303\274@x.test': has 8-bit characters, "
		    "and the relay does not take such (SMTPUTF8)" },
	{ .aliases = "j\303\266rg: \303\274@x.test, a@x.test\n",
	    "j\303\266rg",
	    "\303\274@x.test a@x.test " },
	{ .aliases = "j: \303\274@x.test, a@x.test\n",
	    "j",
	    "a@x.test(j@o.test) root@o.test(j@o.test) ",
	    "aliases:1: alias 'j': '\303\274@x.test' has 8-bit characters, "
	    "and the relay does not take such (SMTPUTF8)\n",
	    .is_ascii_only = true },
	{ .aliases = POSTMASTER "j: \303\274@x.test\n",
	    "j",
	    "pm@x.test(j@o.test) ",
	    "aliases:2: alias 'j': '\303\274@x.test' has 8-bit characters, "
	    "and the relay does not take such (SMTPUTF8)\n",
	    .is_ascii_only = true },
	/* bad ones behind another alias, and once for all */
	{ .aliases = POSTMASTER "a: b, x@x.test\nb: c, y@x.test\nc: c@@\n",
	    "a, b, c",
	    "x@x.test(a@o.test) y@x.test(a@o.test) pm@x.test(a@o.test) ",
	    "aliases:4: alias 'c': 'c@@' is no address\n" },
	{ .aliases = "postmaster: p@@, pm@x.test\n",
	    "postmaster",
	    "pm@x.test(postmaster@o.test) ",
	    "aliases:1: alias 'postmaster': 'p@@' is no address\n" },
};

static bool
say_yes(void *arg)
{
	ck_assert_ptr_null(arg);
	return true;
}

static void
begin_row(const struct row *row)
{
	if (row->aliases != NULL) {
		put("aliases", row->aliases);
		set("aliases", "aliases");
	}
	set("origin", row->origin != NULL ? row->origin : "o.test");
	if (row->local_recipients != NULL)
		set("local_recipients", row->local_recipients);
	if (row->keeps_local)
		set("relay", "maildir:/m");
	begin();
	if (row->aliases != NULL) {
		free(id.aliases_path);
		id.aliases_path = strdup("aliases");
	}
	if (row->is_ascii_only)
		id.is_ascii_only = say_yes;
}

START_TEST(recipients_lead_somewhere)
{
	const struct row *row = &rows[_i];
	int result;
	char *got;

	begin_row(row);
	result = submit_add_rcpts(&env, span_of(row->rcpts), &id, &err);
	if (row->want == NULL) {
		ck_assert_int_eq(result, -1);
		ck_assert_int_eq(err.exit_code, row->exit_code);
		ck_assert_msg(strstr(err.text, row->says) == err.text,
		    "it says: %s", err.text);
		return;
	}
	ck_assert_msg(result == 0, "%s", err.text);
	got = recipients();
	ck_assert_str_eq(got, row->want);
	free(got);
	ck_assert_str_eq(warnings, row->warns != NULL ? row->warns : "");
}
END_TEST

/* One by one, each call adds to the count, and nobody is forgotten. */
START_TEST(arguments_come_one_by_one)
{
	static const char *const args[] = { "team", "x@x.test", "TEAM",
		"ann@localhost", "X@x.test" };
	char *got;

	put("aliases", "team: x@x.test, y@x.test\nann: z@x.test\n");
	set("aliases", "aliases");
	set("origin", "o.test");
	begin();
	for (int i = 0; i < COUNT(args); i++) {
		size_t before = env.nrcpts;

		ck_assert_int_eq(
		    submit_add_rcpts(&env, span_of(args[i]), &id, &err), 0);
		ck_assert_uint_gt(env.nrcpts, before);
	}
	got = recipients();
	ck_assert_str_eq(got,
	    "x@x.test(team@o.test) y@x.test(team@o.test) x@x.test x@x.test "
	    "z@x.test(ann@o.test) x@x.test ");
	free(got);
	/* A new envelope in the same place knows nothing of the old one. */
	envelope_release(&env);
	ck_assert_int_eq(submit_add_rcpts(&env, span_of("team"), &id, &err), 0);
	ck_assert_uint_eq(env.nrcpts, 2);
	/* Nor does one that somebody has cut. */
	free(env.rcpts[1].addr);
	free(env.rcpts[1].orcpt);
	env.nrcpts--;
	ck_assert_int_eq(submit_add_rcpts(&env, span_of("team"), &id, &err), 0);
	ck_assert_uint_eq(env.nrcpts, 2);
	ck_assert_str_eq(env.rcpts[1].addr, "y@x.test");
}
END_TEST

static const struct {
	const char *text;
	size_t want; /* 0: refused */
} ones[] = {
	{ "a@x.test", 1 },
	{ "<a@x.test>", 1 },
	{ "team", 2 },
	{ "team@localhost", 2 },
	{ "a@x.test, b@x.test", 0 },
	{ "team root", 0 },
	{ "", 0 },
	{ "<>", 0 },
	{ "a@@x", 0 },
};

START_TEST(one_is_one_that_may_be_several)
{
	size_t want = ones[_i].want;

	put("aliases", "team: x@x.test, y@x.test\n");
	set("aliases", "aliases");
	set("origin", "o.test");
	begin();
	ck_assert_int_eq(
	    submit_add_one(&env, span_of(ones[_i].text), &id, &err),
	    want == 0 ? -1 : 0);
	ck_assert_uint_eq(env.nrcpts, want);
	if (want == 0)
		ck_assert_int_eq(err.exit_code, EX_DATAERR);
}
END_TEST

START_TEST(what_cannot_be_read_is_no_guess)
{
	ck_assert_int_eq(mkdir("aliases", 0700), 0);
	set("aliases", "aliases");
	set("generic", "aliases");
	set("origin", "o.test");
	begin();
	ck_assert_int_eq(
	    submit_add_rcpts(&env, span_of("a@x.test"), &id, &err), 0);
	ck_assert_int_eq(
	    submit_add_rcpts(&env, span_of("root"), &id, &err), -1);
	ck_assert_int_eq(err.exit_code, EX_TEMPFAIL);
	ck_assert_ptr_nonnull(strstr(err.text, "cannot use the aliases '/"));
	ck_assert_ptr_nonnull(strstr(err.text, "/aliases': Is a directory"));
	ck_assert_int_eq(
	    submit_set_sender(&env, span_of("a@x.test"), &id, &err), -1);
	ck_assert_int_eq(err.exit_code, EX_TEMPFAIL);
	ck_assert_ptr_nonnull(
	    strstr(err.text, "cannot use the generic map '/"));
	/* When it is mended, all is well. */
	ck_assert_int_eq(rmdir("aliases"), 0);
	put("aliases", "root: a@y.test\n");
	ck_assert_int_eq(submit_add_rcpts(&env, span_of("root"), &id, &err), 0);
	ck_assert_str_eq(env.rcpts[1].addr, "a@y.test");
	ck_assert_str_eq(warnings, "");
}
END_TEST

START_TEST(a_missing_map_is_told)
{
	set("generic", "/none/map");
	set("origin", "o.test");
	begin();
	ck_assert_int_eq(submit_set_sender(&env, span_of("ann"), &id, &err), 0);
	ck_assert_int_eq(submit_set_sender(&env, span_of("ann"), &id, &err), 0);
	ck_assert_str_eq(env.sender, "ann@o.test");
	ck_assert_str_eq(
	    warnings, "generic '/none/map': No such file or directory\n");
}
END_TEST

/* ---- senders ----------------------------------------------------------- */

static const char map[] = "ann ann.ex@example.com\n"
			  "joe@web.lan joe@example.net\n"
			  "\"a b\"@web.lan @example.net\n"
			  "*@*.lan @hosts.test\n"
			  "bad line here\n"
			  "joe@localhost joe.l@example.com\n"
			  "eve@o.test e@example.com\n";

static const struct {
	const char *sender, *masquerade, *want;
} senders[] = {
	{ "ann", NULL, "ann.ex@example.com" },
	{ "ann@o.test", NULL, "ann.ex@example.com" },
	{ "Ann@host.test", NULL, "ann.ex@example.com" },
	{ "ann@localhost", NULL, "ann.ex@example.com" },
	{ "ann@x.test", NULL, "ann@x.test" },
	{ "joe@web.lan", NULL, "joe@example.net" },
	{ "Joe <joe@WEB.lan>", "lan", "joe@example.net" },
	{ "eve@web.lan", "lan", "eve@hosts.test" },
	{ "\"a b\"@web.lan", NULL, "\"a b\"@example.net" },
	{ "a@h1.example.com", "example.com", "a@example.com" },
	{ "a@h1.Example.COM", "other.test,example.com", "a@example.com" },
	{ "a@b.c.example.com", "c.example.com example.com", "a@c.example.com" },
	{ "a@b.c.example.com", " example.com, ,c.example.com ",
	    "a@example.com" },
	{ "a@c.example.com", "c.example.com example.com", "a@c.example.com" },
	{ "a@notexample.com", "example.com", "a@notexample.com" },
	{ "a@com", "example.com", "a@com" },
	{ "a@example.com", "example.com", "a@example.com" },
	{ "bob", "test", "bob@test" },
	{ "", "test", "" },
	{ "<>", "test", "" },
	{ "-x@web.lan", NULL, "\"-x\"@hosts.test" },
	/* localhost is no domain to show */
	{ "bob@localhost", NULL, "bob@o.test" },
	{ "bob@LocalHost.localdomain", "test", "bob@test" },
	{ "Bob <bob (x) @ (y) localhost.>", NULL, "bob@o.test" },
	{ "\"b b\"@localhost", NULL, "\"b b\"@o.test" },
	{ "localhost!bob", NULL, "bob@o.test" },
	{ "joe@localhost", NULL, "joe.l@example.com" },
	{ "eve@localhost", NULL, "e@example.com" },
	{ "bob@localhost.test", NULL, "bob@localhost.test" },
	/* as UUCP has them */
	{ "x.test!bob", NULL, "bob@x.test" },
	{ "web.lan!eve", NULL, "eve@hosts.test" },
	{ "h1.example.com!a", "example.com", "a@example.com" },
};

START_TEST(senders_are_shown)
{
	scratch_put("map", map, sizeof(map) - 1);
	set("generic", "map");
	set("origin", "o.test");
	if (senders[_i].masquerade != NULL)
		set("masquerade", senders[_i].masquerade);
	begin();
	ck_assert_msg(submit_set_sender(
			  &env, span_of(senders[_i].sender), &id, &err) == 0,
	    "%s", err.text);
	ck_assert_str_eq(env.sender, senders[_i].want);
	ck_assert_ptr_nonnull(strstr(warnings, "/map:5: skipped: "));
}
END_TEST

static const struct {
	const char *origin, *sender, *want;
} origins[] = {
	{ "web.lan", "bob@localhost", "bob@hosts.test" },
	{ "web.lan", "joe@localhost.localdomain", "joe@example.net" },
	{ "localhost", "bob@localhost.localdomain",
	    "bob@localhost.localdomain" },
	{ "localhost.localdomain", "bob@localhost", "bob@localhost" },
	{ "localhost", "joe@localhost", "joe.l@example.com" },
};

START_TEST(localhost_becomes_the_origin)
{
	put("map", map);
	set("generic", "map");
	set("origin", origins[_i].origin);
	begin();
	ck_assert_msg(submit_set_sender(
			  &env, span_of(origins[_i].sender), &id, &err) == 0,
	    "%s", err.text);
	ck_assert_str_eq(env.sender, origins[_i].want);
}
END_TEST

static const struct {
	const char *in, *want;
} headers[] = {
	{ "From: Ann \"ann\" <ann> (ann)\n",
	    "From: Ann \"ann\" <ann.ex@example.com> (ann)\n" },
	{ "From: ann (c) @ (d) o.test,\n\t<@r:ann@o.test>\n",
	    "From: ann.ex (c) @ (d) "
	    "example.com,\n\t<@r:ann.ex@example.com>\n" },
	{ "FROM : eve @ web.lan\nSender: eve@web.lan\nReply-To: eve@web.lan\n"
	  "Errors-To: eve@web.lan\nReturn-Receipt-To: eve@web.lan\n"
	  "Disposition-Notification-To: eve@web.lan\n",
	    "FROM : eve @ hosts.test\nSender: eve@hosts.test\n"
	    "Reply-To: eve@hosts.test\nErrors-To: eve@hosts.test\n"
	    "Return-Receipt-To: eve@hosts.test\n"
	    "Disposition-Notification-To: eve@hosts.test\n" },
	{ "Resent-From: ann\nResent-Sender: ann\nResent-Reply-To: ann\n"
	  "Resent-To: ann\nFrom: b@c\n",
	    "Resent-From: ann.ex@example.com\n"
	    "Resent-Sender: ann.ex@example.com\n"
	    "Resent-Reply-To: ann.ex@example.com\nResent-To: ann@o.test\n"
	    "From: b@c\n" },
	/* recipients are only completed and masked */
	{ "To: ann, root@localhost, eve@web.lan, a@h.example.com\n"
	  "Cc: Team: ann (x), B <b@h.example.com>;\n",
	    "To: ann@o.test, root@localhost, eve@web.lan, a@example.com\n"
	    "Cc: Team: ann@o.test (x), B <b@example.com>;\n" },
	{ "From: \"john . doe\" <john (c) . doe@h.example.com>\n",
	    "From: \"john . doe\" <john (c) . doe@example.com>\n" },
	{ "From: <<ann>>\nSubject: ann@web.lan\nX-From: ann\n",
	    "From: <<ann>>\nSubject: ann@web.lan\nX-From: ann\n" },
	{ "From:\n", "From:\n" },
	/* localhost */
	{ "From: Bob <bob@localhost> (x)\n"
	  "Reply-To: joe@localhost,\n eve (c) @ (d) Localhost.localdomain\n"
	  "Cc: bob@localhost, d@localhost.localdomain\n",
	    "From: Bob <bob@o.test> (x)\n"
	    "Reply-To: joe.l@example.com,\n e (c) @ (d) example.com\n"
	    "Cc: bob@localhost, d@localhost.localdomain\n" },
	/* host!user */
	{ "From: Eve <web.lan!eve> (x),h.example.com!x!y\n"
	  "To: (c) h.example.com!a (d), a!b!c,a!b@c, \"a!b\"@c\n",
	    "From: Eve <eve@hosts.test> (x),x!y@example.com\n"
	    "To: (c) a@example.com (d), b!c@a,a!b@c, \"a!b\"@c\n" },
	{ "From: localhost!bob\n", "From: bob@o.test\n" },
};

START_TEST(headers_are_shown)
{
	struct submit_options opts = { .identity = &id, .now_us = 1000000 };
	struct submit_report report;
	FILE *in = tmpfile();
	char *plain, *at;
	const char *want = headers[_i].want;

	scratch_put("map", map, sizeof(map) - 1);
	set("generic", "map");
	set("origin", "o.test");
	set("masquerade", "example.com");
	begin();
	fputs(headers[_i].in, in);
	fputs("\nbody\n", in);
	rewind(in);
	ck_assert_int_eq(submit_set_sender(&env, span_of("<>"), &id, &err), 0);
	ck_assert_int_eq(
	    submit_add_rcpts(&env, span_of("a@x.test"), &id, &err), 0);
	ck_assert_msg(
	    submit_explain(&env, fileno(in), &opts, &report, &err) == 0, "%s",
	    err.text);
	fclose(in);
	plain = at = strndup(report.header, report.header_bytes);
	for (const char *from = plain; *from != '\0'; from++)
		if (*from != '\r')
			*at++ = *from;
	*at = '\0';
	/* Behind what is added before a block of Resent- fields. */
	at = strncmp(want, "Resent-", 7) == 0 ? strstr(plain, "Resent-From: a")
					      : plain;
	ck_assert_ptr_nonnull(at);
	ck_assert_msg(strncmp(at, want, strlen(want)) == 0, "%s", plain);
	free(plain);
	free(report.header);
}
END_TEST

/* ---- newaliases -------------------------------------------------------- */

static const struct {
	const char *aliases, *map, *out, *diag;
} checks[] = {
	{ NULL, NULL, "none: there are none\n", "" },
	{ "root: a@x.test\nann: root\n", NULL, "aliases: 2 aliases\n", "" },
	{ "root: a@x.test\nbad\nz: |z, y@x.test\na: b\nb: a\nc: a\n"
	  "s: s, x@x.test\nroot: c\ne:\nf: a@@\ng: /x\nh: i\ni: h, j@x.test\n",
	    NULL, "aliases: 4 aliases\n",
	    "aliases:2: skipped: no \"name: value\"\n"
	    "aliases:8: skipped: the name was there before, and the first "
	    "counts\n"
	    "aliases:3: alias 'z': '|z' is a command, and is not run\n"
	    "aliases:4: alias 'a' leads nowhere\n"
	    "aliases:5: alias 'b' leads nowhere\n"
	    "aliases:6: alias 'c' leads nowhere\n"
	    "aliases:9: alias 'e' leads nowhere\n"
	    "aliases:10: alias 'f': 'a@@' is no address\n"
	    "aliases:11: alias 'g': '/x' is a file, and is not written "
	    "to\n" },
	{ "root: a@x.test\n", "a b@c\nx\n",
	    "aliases: 1 aliases\nmap: 1 addresses\n",
	    "map:2: skipped: no \"pattern address\"\n" },
	{ "x\033y: \001\nroot: a\342\200\256@x.test\n", NULL,
	    "aliases: 1 aliases\n",
	    "aliases:1: skipped: this can be no local name (put it in "
	    "quotes?)\n" },
};

START_TEST(newaliases_says_what_is_wrong)
{
	char *out_text, *diag_text;
	size_t len;
	FILE *out = open_memstream(&out_text, &len);
	FILE *diag = open_memstream(&diag_text, &len);

	free(cfg.aliases);
	cfg.aliases = strdup(checks[_i].aliases != NULL ? "aliases" : "none");
	if (checks[_i].aliases != NULL)
		scratch_put(
		    "aliases", checks[_i].aliases, strlen(checks[_i].aliases));
	if (checks[_i].map != NULL) {
		put("map", checks[_i].map);
		cfg.generic = strdup("map");
	}
	set("origin", "o.test");
	ck_assert_int_eq(newaliases_run(&cfg, out, diag), EX_OK);
	fclose(out);
	fclose(diag);
	ck_assert_str_eq(diag_text, checks[_i].diag);
	ck_assert_str_eq(out_text, checks[_i].out);
	free(out_text);
	free(diag_text);
}
END_TEST

START_TEST(newaliases_knows_what_to_set)
{
	char *text;
	size_t len;
	FILE *diag = open_memstream(&text, &len);

	set("origin", "localhost");
	ck_assert_int_eq(newaliases_run(&cfg, diag, diag), EX_OK);
	fclose(diag);
	ck_assert_ptr_nonnull(strstr(text, "mail for root leads nowhere: "));
	free(text);
	diag = open_memstream(&text, &len);
	set("local_recipients", "l@x.test, |x, bob");
	ck_assert_int_eq(newaliases_run(&cfg, diag, diag), EX_OK);
	fclose(diag);
	ck_assert_ptr_null(strstr(text, "mail for root"));
	ck_assert_ptr_nonnull(
	    strstr(text, "local_recipients: 'bob' leads nowhere"));
	ck_assert_ptr_nonnull(
	    strstr(text, "local_recipients: '|x' is a command"));
	free(text);
}
END_TEST

/* ---- size -------------------------------------------------------------- */

/* A chain of 100,000 names, each twice, deeper than any stack. */
START_TEST(a_long_chain_is_followed)
{
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	for (int i = 0; i < 100000; i++)
		fprintf(out, "n%d: n%d, n%d\n", i, i + 1, i + 1);
	fputs("n100000: end@x.test, n0\n", out);
	fclose(out);
	scratch_put("aliases", text, len);
	free(text);
	set("aliases", "aliases");
	set("origin", "o.test");
	begin();
	ck_assert_int_eq(
	    submit_add_rcpts(&env, span_of("n0, n5, n99999"), &id, &err), 0);
	ck_assert_uint_eq(env.nrcpts, 1);
	ck_assert_str_eq(env.rcpts[0].addr, "end@x.test");
	out = open_memstream(&text, &len);
	ck_assert_int_eq(newaliases_run(&cfg, out, out), EX_OK);
	fclose(out);
	ck_assert_ptr_nonnull(strstr(text, "/aliases: 100001 aliases\n"));
	ck_assert_ptr_null(strstr(text, "leads"));
	free(text);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("identity");
	TCase *tc = tcase_create("identity");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, recipients_lead_somewhere, 0, COUNT(rows));
	tcase_add_test(tc, arguments_come_one_by_one);
	tcase_add_loop_test(tc, one_is_one_that_may_be_several, 0, COUNT(ones));
	tcase_add_test(tc, what_cannot_be_read_is_no_guess);
	tcase_add_test(tc, a_missing_map_is_told);
	tcase_add_loop_test(tc, senders_are_shown, 0, COUNT(senders));
	tcase_add_loop_test(
	    tc, localhost_becomes_the_origin, 0, COUNT(origins));
	tcase_add_loop_test(tc, headers_are_shown, 0, COUNT(headers));
	tcase_add_loop_test(
	    tc, newaliases_says_what_is_wrong, 0, COUNT(checks));
	tcase_add_test(tc, newaliases_knows_what_to_set);
	tcase_add_test(tc, a_long_chain_is_followed);
	suite_add_tcase(s, tc);
	return unit_main(s);
}
