/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* lib/conf.c: every key from file and command line, and what errors say. */

#include "config.h"

#include <errno.h>
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
	config_release(&cfg);
	scratch_leave(scratch);
}

static int
read_text(const char *text)
{
	scratch_put("f", text, strlen(text));
	return config_read(&cfg, "f", &error);
}

static const char *
or_none(const char *s)
{
	return s == NULL ? "-" : s;
}

/* What the default relay is, or would be if there were one. */
static const struct relay_config *
first(void)
{
	return cfg.nrelays > 0 ? &cfg.relays[0] : &cfg.stock[0];
}

/* The host that it has alone, as it was understood. */
static const char *
only_host(void)
{
	ck_assert_uint_le(first()->nhosts, 1);
	return first()->nhosts > 0 ? first()->hosts[0] : NULL;
}

/* All of cfg in a line, to compare. */
static char *
summary(void)
{
	const struct relay_config *relay = first();
	char *text;

	ck_assert_int_gt(
	    asprintf(&text,
		"%s %s %s %s %s %s %s %llu %u %u %u %u %u | %d %s %s %u %s %s "
		"%s %s %s %s "
		"%u "
		"%u %u",
		cfg.spool, or_none(cfg.origin), or_none(cfg.json),
		or_none(cfg.aliases), or_none(cfg.generic),
		or_none(cfg.masquerade), or_none(cfg.local_recipients),
		(unsigned long long)cfg.message_size_max, cfg.recipients_max,
		cfg.freq_s, cfg.attempts, cfg.lifetime_s, cfg.agents,
		cfg.nrelays > 0, relay->name, or_none(only_host()), relay->port,
		or_none(relay->maildir), tls_mode_name(relay->tls),
		or_none(relay->user), or_none(relay->password_file),
		or_none(relay->ca_file), or_none(relay->helo),
		relay->connections, relay->connect_timeout_s,
		relay->reply_timeout_s),
	    0);
	return text;
}

static const char defaults[] =
    CONFIG_DEFAULT_SPOOL " - - /etc/aliases - - - 52428800 20000 10 100 432000 "
			 "2 | 0 default - 0 - opportunistic "
			 "- - - - 10 30 300";

static const struct {
	const char *text, *want;
} files[] = {
	{ "", NULL },
	{ "# a comment\n\n  // another\n/* and\nanother */\n", NULL },
	{ "spool = /s\norigin = example.org\njson = \"/j s\"\n"
	  "message_size_max = 10M\nrecipients_max = 5\nfreq = 1m\n"
	  "attempts = 7\nlifetime = 2d\nagents = 4\nrelay = mx.test:587\n"
	  "tls = starttls\nuser = \"ann@x\"\npassword_file = /p\nca_file = /c\n"
	  "helo = h.test\nconnections = 3\nconnect_timeout = 5\n"
	  "reply_timeout = 1h",
	    "/s example.org /j s /etc/aliases - - - 10485760 5 60 7 172800 4 | "
	    "1 default mx.test:587 "
	    "0 - starttls ann@x /p /c h.test 3 5 3600" },
	/* "${" in comments, and a byte order mark */
	{ "\xEF\xBB\xBF# ${HOME}\n/* ${A}\n${B} */ // ${C\n", NULL },
	{ "\xEF\xBB\xBF", NULL },
	{ "\xEF\xBB\xBFspool=/s agents='2' # ${A\nattempts=5",
	    "/s - - /etc/aliases - - - 52428800 20000 10 5 432000 2 | 0 "
	    "default - 0 - "
	    "opportunistic - - - - 10 30 300" },
	/* what only quotes may have */
	{ "spool = \"/*#+\" json = '/*/\\\\/#\\0' origin = \"\\x41\\060\"",
	    "/*#+ A0 /*/\\/#\\0 /etc/aliases - - - 52428800 20000 10 100 "
	    "432000 2 | 0 default - 0 - opportunistic - - - - 10 30 300" },
	{ "spool=/s agents='2'\tattempts=\"5\"",
	    "/s - - /etc/aliases - - - 52428800 20000 10 5 432000 2 | 0 "
	    "default - 0 - "
	    "opportunistic - - - - 10 30 300" },
};

START_TEST(files_are_understood)
{
	char *got;

	ck_assert_msg(read_text(files[_i].text) == 0, "%s", error.text);
	got = summary();
	ck_assert_str_eq(
	    got, files[_i].want == NULL ? defaults : files[_i].want);
	ck_assert_str_eq(cfg.path, "f");
	free(got);
}
END_TEST

static const struct {
	const char *text, *want;
} bad_files[] = {
	{ "\n\nrelai = x", "f:3: unknown key 'relai', did you mean 'relay'?" },
	{ "colour = red", "f:1: unknown key 'colour', known are spool, " },
	{ "freq\n= 0",
	    "f:2: freq '0' must be a time from 1s to 1d, such "
	    "as 10s, 5m, 1h or 2d" },
	{ "tls = ssl",
	    "f:1: tls 'ssl' must be none, opportunistic, starttls "
	    "or implicit" },
	{ "# a\n#b\nagents = 1 # c", "f:3: agents '1' must be" },
	{ "// a\n/* b\n c */\nuser = '#//' agents = 1", "f:4: agents '1'" },
	{ "agents = 1", "f:1: agents '1' must be a number from 2 to 64" },
	{ "attempts = 5\nattempts = 6", "f:2: attempts is set twice" },
	{ "attempts = \"6", "f:1: a string has no end" },
	{ "\nrelay = \n\n\n", "f:2: relay has no value" },
	{ "freq = 1 # '\n/* \" */ user = '\"' relay = \"a\\\"\n\nb\n",
	    "f:2: a string has no end" },
	/* These would hide what follows. */
	{ "helo = x\n\n/* tls = none\ntls = starttls\n",
	    "f:3: a comment has no end" },
	{ "/* a\n*/ helo = 'x\ny' /*/ tls = starttls",
	    "f:3: a comment has no end" },
	{ "/*", "f:1: a comment has no end" },
	{ "relay a {\n/* }\n", "f:2: a comment has no end" },
	{ "helo = x\n/* # */ helo = y /* \"*/ /* ${A} /", "f:2: a comment " },
	{ "helo = x\"\ntls = starttls\n", "f:1: a string has no end" },
	{ "helo = x\n'\ntls = starttls\n", "f:2: a string has no end" },
	{ "relay a {\nhost = \"a.test\n}\n",
	    "f:2: relay a: a string has no end" },
	{ "spool = \"/a\\\"", "f:1: a string has no end" },
	/* These would be left out. */
	{ "\norigin = *.test", "f:2: *.test has a '*', which needs quotes" },
	{ "route { recipient =\n{\"a\",\n*@a.test} }",
	    "f:3: route: *@a.test has a '*', which needs quotes" },
	{ "origin = a.test*", "f:1: a.test* has a '*', which needs quotes" },
	{ "origin = a.test *", "f:1: * has a '*', which needs quotes" },
	{ "*origin = a.test", "f:1: *origin has a '*', which needs quotes" },
	{ "user = me/*x*/", "f:1: me/*x*/ has a '*', which needs quotes" },
	{ "user = me#1", "f:1: me#1 has a '#', which needs quotes" },
	{ "user = +me", "f:1: + needs quotes" },
	{ "user = me+", "f:1: + needs quotes" },
	{ "user + = me", "f:1: + needs quotes" },
	{ "user = \"me\\x00y\"", "f:1: me\\x00y has a NUL" },
	{ "user = \"me\\x0\"", "f:1: me\\x0 has a NUL" },
	{ "user = \"\\0\"", "f:1: \\0 has a NUL" },
	{ "user = \"me\\\\\\000y\"", "f:1: me\\\\\\000y has a NUL" },
	{ "masquerade = {\"a\", \"b\\00\"}", "f:1: " },
	{ "# ${HOME}\n  // ${HOME}\nspool = \"${TYPO}/x\"",
	    "f:3: variables are not expanded: ${TYPO}" },
	{ "spool = ${HOME}", "f:1: variables are not expanded: ${HOME}" },
	{ "/* ${A} */ helo = '${A", "f:1: variables are not expanded: ${A" },
	{ "helo = x#${A}", "f:1: variables are not expanded: ${A}" },
	{ "attempts = '6", "f:1: a string has no end" },
	{ "attempts", "f:1: premature end of file" },
	{ "attempts 6", "f:1: missing equal sign after option 'attempts'" },
	{ "attempts += 6", "f:1: attempt to append to non-list option " },
	{ "attempts = {6}", "f:1: attempts takes one value, not a list" },
	{ "}", "f:1: unexpected closing brace" },
	{ "relay { }", "f:1: relay has no name, as in: relay \"NAME\" {" },
	{ "include(\"/etc/passwd\")", "f:1: unknown key 'include', known " },
	{ "\"(context)\" = x", "f:1: missing parenthesis for function" },
	{ "'(context)' (\"x\")", "f:1: not an option" },
	{ "a|b = 3", "f:1: " },
	{ "\nspool = /a\\b\\c", "f:2: /a\\b\\c has a backslash, which needs " },
	{ "spool = /a\n\\", "f:2: \\ has a backslash, which needs quotes" },
	{ "relay = maildir:mail",
	    "f:1: relay 'maildir:mail' must be an "
	    "absolute path" },
	{ "spool = spool", "f:1: spool 'spool' must be an absolute path" },
	{ "user = \"a\\nb\"", "f:1: user 'a\\x0Ab' must be 1 to 255 " },
	{ "origin = \"\"", "f:1: origin '' must be a host or domain name" },
};

START_TEST(errors_say_where_and_what)
{
	char *got;

	ck_assert_int_eq(read_text(bad_files[_i].text), -EINVAL);
	ck_assert_msg(strncmp(error.text, bad_files[_i].want,
			  strlen(bad_files[_i].want)) == 0,
	    "it says: %s", error.text);
	got = summary();
	ck_assert_str_eq(got, defaults);
	ck_assert_ptr_null(cfg.path);
	free(got);
	/* The scanner's state is global: the next file is read all the same. */
	ck_assert_msg(read_text("attempts = 6\n") == 0, "%s", error.text);
	ck_assert_uint_eq(cfg.attempts, 6);
}
END_TEST

START_TEST(a_wrong_file_changes_nothing)
{
	char *got;

	ck_assert_int_eq(
	    read_text("spool = /s\nrelay = a.test\nfreq = x\n"), -EINVAL);
	got = summary();
	ck_assert_str_eq(got, defaults);
	free(got);
}
END_TEST

START_TEST(a_later_file_goes_over_an_earlier_one)
{
	ck_assert_int_eq(read_text("relay = a.test:26\nattempts = 3"), 0);
	ck_assert_int_eq(read_text("relay = maildir:/m\nfreq = 5"), 0);
	ck_assert_ptr_null(only_host());
	ck_assert_str_eq(first()->maildir, "/m");
	ck_assert_uint_eq(cfg.attempts, 3);
	ck_assert_int_eq(read_text("relay = b.test"), 0);
	ck_assert_ptr_null(first()->maildir);
	ck_assert_str_eq(only_host(), "b.test");
}
END_TEST

START_TEST(files_must_be_trustworthy_text)
{
	char *much = malloc((1 << 20) + 2);

	ck_assert_int_eq(config_read(&cfg, "none", &error), -ENOENT);
	ck_assert_str_eq(error.text, "none: No such file or directory");
	ck_assert_int_eq(config_read(&cfg, ".", &error), -EINVAL);
	ck_assert_str_eq(error.text, ". is not a regular file");
	ck_assert_int_eq(config_read(&cfg, "/dev/zero", &error), -EINVAL);
	ck_assert_int_eq(config_read(&cfg, "/dev/null", &error), 0);
	scratch_put("w", "attempts = 5", 12);
	ck_assert_int_eq(chmod("w", 0602), 0);
	ck_assert_int_eq(config_read(&cfg, "w", &error), -EINVAL);
	ck_assert_str_eq(error.text, "w is writable by everybody");
	scratch_put("n", "attempts = 5\0", 13);
	ck_assert_int_eq(config_read(&cfg, "n", &error), -EINVAL);
	ck_assert_str_eq(error.text, "n is not a text file");
	ck_assert_ptr_nonnull(much);
	memset(much, '\n', (1 << 20) + 1);
	scratch_put("l", much, (1 << 20) + 1);
	ck_assert_int_eq(config_read(&cfg, "l", &error), -EFBIG);
	ck_assert_str_eq(
	    error.text, "l is longer than 1048576 bytes, the limit");
	scratch_put("l", much, 1 << 20);
	ck_assert_int_eq(config_read(&cfg, "l", &error), 0);
	free(much);
	ck_assert_uint_eq(cfg.attempts, 100);
}
END_TEST

static const struct {
	uid_t uid;
	gid_t gid;
	mode_t mode;
	const char *want; /* NULL: it is read */
} owners[] = {
	{ 0, 0, 0644, NULL },
	{ 0, 0, 0664, NULL },
	{ 0, 8, 0640, NULL },
	{ 0, 8, 0660, "w is writable by its group" },
	{ 0, 8, 0664, "w is writable by its group" },
	{ 0, 8, 0666, "w is writable by everybody" },
	/* a user with a group of his own, and umask 002 */
	{ 1000, 1000, 0664, NULL },
	{ 1000, 1000, 0666, "w is writable by everybody" },
	{ 1000, 0, 0664, NULL },
	{ 1000, 100, 0664, "w is writable by its group" },
	{ 1000, 100, 0644, NULL },
};

START_TEST(files_have_trustworthy_owners)
{
	int result;

	/* Nobody else can give files away. */
	if (geteuid() != 0)
		return;
	scratch_put("w", "attempts = 5", 12);
	ck_assert_int_eq(chown("w", owners[_i].uid, owners[_i].gid), 0);
	ck_assert_int_eq(chmod("w", owners[_i].mode), 0);
	result = config_read(&cfg, "w", &error);
	if (owners[_i].want == NULL) {
		ck_assert_msg(result == 0, "%s", error.text);
		ck_assert_uint_eq(cfg.attempts, 5);
		return;
	}
	ck_assert_int_eq(result, -EINVAL);
	ck_assert_str_eq(error.text, owners[_i].want);
}
END_TEST

START_TEST(a_pipe_is_read)
{
	char path[32];
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(write(fds[1], "attempts = 5\n", 13), 13);
	close(fds[1]);
	snprintf(path, sizeof(path), "/dev/fd/%d", fds[0]);
	ck_assert_msg(config_read(&cfg, path, &error) == 0, "%s", error.text);
	ck_assert_uint_eq(cfg.attempts, 5);
	close(fds[0]);
}
END_TEST

static const struct {
	const char *key, *value;
	unsigned long long want;
} numbers[] = {
	{ "message_size_max", "1", 1 },
	{ "message_size_max", "52428800", 52428800 },
	{ "message_size_max", "500k", 512000 },
	{ "message_size_max", "50M", 52428800 },
	{ "message_size_max", "931G", 931ull << 30 },
	{ "freq", "10", 10 },
	{ "freq", "10s", 10 },
	{ "freq", "5m", 300 },
	{ "freq", "1H", 3600 },
	{ "freq", "1d", 86400 },
	{ "lifetime", "3650d", 315360000 },
	{ "agents", "64", 64 },
	{ "connections", "1000", 1000 },
	{ "recipients_max", "1000000", 1000000 },
};

START_TEST(quantities_have_units)
{
	const char *key = numbers[_i].key;
	unsigned long long got;

	ck_assert_msg(config_set(&cfg, key, numbers[_i].value, &error) == 0,
	    "%s", error.text);
	got = strcmp(key, "message_size_max") == 0 ? cfg.message_size_max
	    : strcmp(key, "freq") == 0             ? cfg.freq_s
	    : strcmp(key, "lifetime") == 0         ? cfg.lifetime_s
	    : strcmp(key, "agents") == 0           ? cfg.agents
	    : strcmp(key, "connections") == 0      ? first()->connections
						   : cfg.recipients_max;
	ck_assert_uint_eq(got, numbers[_i].want);
}
END_TEST

static const struct {
	const char *value, *host;
} relays[] = {
	{ "mx.test", "mx.test" },
	{ "mx.test:587", "mx.test:587" },
	{ "mx.test:1", "mx.test:1" },
	{ "mx.test:65535", "mx.test:65535" },
	{ "192.0.2.1:25", "192.0.2.1:25" },
	{ "::1", "::1" },
	{ "2001:db8::25", "2001:db8::25" },
	{ "[2001:db8::1]", "2001:db8::1" },
	{ "[2001:db8::1]:465", "[2001:db8::1]:465" },
	{ "fe80::1%eth0", "fe80::1%eth0" },
	{ "[mx.test]:587", "mx.test:587" },
	{ "a_b.test", "a_b.test" },
};

START_TEST(relays_are_understood)
{
	ck_assert_msg(config_set(&cfg, "relay", relays[_i].value, &error) == 0,
	    "%s", error.text);
	ck_assert_uint_eq(cfg.nrelays, 1);
	ck_assert_str_eq(only_host(), relays[_i].host);
	ck_assert_ptr_null(first()->maildir);
}
END_TEST

static const struct {
	const char *key, *value;
} bad_values[] = {
	{ "relay", "" },
	{ "relay", ":25" },
	{ "relay", "mx.test:" },
	{ "relay", "mx.test:0" },
	{ "relay", "mx.test:65536" },
	{ "relay", "mx.test:25x" },
	{ "relay", "mx.test:-1" },
	{ "relay", "[::1" },
	{ "relay", "[::1]25" },
	{ "relay", "[]" },
	{ "relay", "[]:25" },
	{ "relay", "[::1]:" },
	{ "relay", "a:b:c" },
	{ "relay", "-mx.test" },
	{ "relay", "mx test" },
	{ "relay", "mx/test" },
	{ "relay", "maildir:" },
	{ "relay", "::1%" },
	{ "relay", "::1%a b" },
	{ "relay", "a]b" },
	{ "relay", "[a[b]:25" },
	{ "relay", "mx.test\n" },
	{ "freq", "0" },
	{ "freq", "" },
	{ "freq", "s" },
	{ "freq", "1w" },
	{ "freq", "1 m" },
	{ "freq", "-1" },
	{ "freq", "1.5h" },
	{ "freq", "86401" },
	{ "freq", "25h" },
	{ "freq", "10ss" },
	{ "lifetime", "18446744073709551615d" },
	{ "message_size_max", "0" },
	{ "message_size_max", "M" },
	{ "message_size_max", "1T" },
	{ "message_size_max", "932G" },
	{ "message_size_max", "10MB" },
	{ "attempts", "0" },
	{ "attempts", "1000001" },
	{ "agents", "65" },
	{ "connections", "0" },
	{ "recipients_max", "x" },
	{ "tls", "" },
	{ "tls", "None" },
	{ "spool", "" },
	{ "json", "a\nb" },
	{ "origin", "a b" },
	{ "origin", ".x" },
	{ "helo", "a\r\nMAIL" },
	{ "user", "" },
	{ "user", "a\nb" },
	{ "nokey", "x" },
	{ "", "x" },
	{ "name", "x" },
	{ "port", "25" },
	{ "aliases", "a\nb" },
	{ "generic", "\001" },
	{ "masquerade", "a b/c" },
	{ "masquerade", ".example.com" },
	{ "masquerade", "!a.test" },
	{ "masquerade", "-a.test" },
	{ "local_recipients", "," },
	{ "local_recipients", "<>" },
	{ "local_recipients", "a@@x" },
	{ "local_recipients", "a, \"b" },
};

START_TEST(bad_values_are_refused)
{
	char *got;

	ck_assert_int_eq(
	    config_set(&cfg, bad_values[_i].key, bad_values[_i].value, &error),
	    -EINVAL);
	ck_assert_str_ne(error.text, "");
	ck_assert_ptr_null(strchr(error.text, '\n'));
	got = summary();
	ck_assert_str_eq(got, defaults);
	free(got);
}
END_TEST

static const struct {
	const char *key, *value;
	const char *want; /* NULL: none */
} settings[] = {
	{ "aliases", "/etc/aliases", "/etc/aliases" },
	{ "aliases", "/a b", "/a b" },
	{ "aliases", "none", NULL },
	{ "aliases", "", NULL },
	{ "generic", "/etc/email-addresses", "/etc/email-addresses" },
	{ "generic", "none", NULL },
	{ "masquerade", "example.com", "example.com" },
	{ "masquerade", "a.test,b.test , c.test\td.test",
	    "a.test b.test c.test d.test" },
	{ "masquerade", " , a.test, ", " a.test " },
	{ "masquerade", "", NULL },
	{ "masquerade", "none", NULL },
	{ "local_recipients", "ann@x.test", "ann@x.test" },
	{ "local_recipients", "Ann <a@x.test>, root b",
	    "Ann <a@x.test>, root b" },
	{ "local_recipients", "", NULL },
	{ "local_recipients", "none", NULL },
};

/* What CFG has for KEY. */
static const char *
name_of(const char *key)
{
	return strcmp(key, "aliases") == 0         ? cfg.aliases
	    : strcmp(key, "generic") == 0          ? cfg.generic
	    : strcmp(key, "masquerade") == 0       ? cfg.masquerade
	    : strcmp(key, "local_recipients") == 0 ? cfg.local_recipients
						   : "?";
}

START_TEST(who_is_who_is_set)
{
	ck_assert_str_eq(cfg.aliases, "/etc/aliases");
	/* Over an earlier value, too. */
	ck_assert_int_eq(config_set(&cfg, "aliases", "/x", &error), 0);
	ck_assert_int_eq(config_set(&cfg, "generic", "/x", &error), 0);
	ck_assert_int_eq(config_set(&cfg, "masquerade", "x", &error), 0);
	ck_assert_int_eq(config_set(&cfg, "local_recipients", "x", &error), 0);
	ck_assert_msg(
	    config_set(&cfg, settings[_i].key, settings[_i].value, &error) == 0,
	    "%s", error.text);
	if (settings[_i].want == NULL)
		ck_assert_ptr_null(name_of(settings[_i].key));
	else
		ck_assert_str_eq(name_of(settings[_i].key), settings[_i].want);
}
END_TEST

START_TEST(who_is_who_is_in_files)
{
	ck_assert_msg(
	    read_text(
		"aliases = none\ngeneric = /g\n"
		"masquerade = \"a.test, b.test\"\n"
		"local_recipients = \"ann@x.test, 'b c' <b@x.test>\"\n") == 0,
	    "%s", error.text);
	ck_assert_ptr_null(cfg.aliases);
	ck_assert_str_eq(cfg.generic, "/g");
	ck_assert_str_eq(cfg.masquerade, "a.test b.test");
	ck_assert_str_eq(cfg.local_recipients, "ann@x.test, 'b c' <b@x.test>");
	ck_assert_int_eq(read_text("aliases = etc/aliases"), -EINVAL);
	ck_assert_str_eq(
	    error.text, "f:1: aliases 'etc/aliases' must be an absolute path");
}
END_TEST

START_TEST(long_values_are_refused)
{
	static const char *const names[] = { "spool", "origin", "relay", "user",
		"helo", "tls", "freq", "none" };
	char *value = malloc(100001);

	ck_assert_ptr_nonnull(value);
	memset(value, 'a', 100000);
	value[100000] = '\0';
	for (int i = 0; i < COUNT(names); i++)
		ck_assert_int_eq(
		    config_set(&cfg, names[i], value, &error), -EINVAL);
	value[300] = '\0';
	ck_assert_int_eq(config_set(&cfg, "relay", value, &error), -EINVAL);
	ck_assert_int_eq(config_set(&cfg, "user", value, &error), -EINVAL);
	ck_assert_int_eq(config_set(&cfg, value, "x", &error), -EINVAL);
	free(value);
}
END_TEST

START_TEST(the_command_line_may_be_relative)
{
	char *want;

	ck_assert_int_eq(config_set(&cfg, "relay", "maildir:mail", &error), 0);
	ck_assert_int_gt(asprintf(&want, "%s/mail", scratch), 0);
	ck_assert_str_eq(first()->maildir, want);
	ck_assert_ptr_null(only_host());
	ck_assert_uint_eq(cfg.nrelays, 1);
	free(want);
	ck_assert_int_eq(config_set(&cfg, "relay", "maildir:/m x", &error), 0);
	ck_assert_str_eq(first()->maildir, "/m x");
	ck_assert_int_eq(config_set(&cfg, "spool", "sp", &error), 0);
	ck_assert_int_gt(asprintf(&want, "%s/sp", scratch), 0);
	ck_assert_str_eq(cfg.spool, want);
	free(want);
}
END_TEST

static const struct {
	const char *text, *want;
} wholes[] = {
	{ "", NULL },
	{ "relay = mx.test", NULL },
	{ "relay = mx.test user = a", "user is set, but password_file is not" },
	{ "password_file = /p", "password_file is set, but user is not" },
	{ "relay = mx.test user = a password_file = /p",
	    "set tls = starttls or tls = implicit" },
	{ "relay = mx.test user = a password_file = /p tls = none",
	    "set tls = starttls or tls = implicit" },
	{ "relay = mx.test user = a password_file = /p tls = starttls", NULL },
	{ "relay = mx.test user = a password_file = /p tls = implicit", NULL },
	{ "relay = localhost user = a password_file = /p tls = none", NULL },
	{ "relay = 127.0.0.2 user = a password_file = /p", NULL },
	{ "relay = '[::1]:25' user = a password_file = /p", NULL },
	{ "relay = 128.0.0.1 user = a password_file = /p", "tls = starttls" },
	{ "relay = localhost.evil.test user = a password_file = /p",
	    "tls = starttls" },
};

START_TEST(wholes_are_checked)
{
	ck_assert_msg(read_text(wholes[_i].text) == 0, "%s", error.text);
	if (wholes[_i].want == NULL) {
		ck_assert_int_eq(config_check(&cfg, &error), 0);
		return;
	}
	ck_assert_int_eq(config_check(&cfg, &error), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error.text, wholes[_i].want));
	ck_assert_ptr_eq(strstr(error.text, "f:1: "), error.text);
}
END_TEST

static const struct {
	const char *text, *want;
} named_files[] = {
	{ "", NULL },
	{ "json = /none", NULL },
	{ "ca_file = /etc/passwd",
	    "f:1: ca_file '/etc/passwd': has no certificate (-----BEGIN "
	    "CERTIFICATE-----)" },
	{ "password_file = /dev/null",
	    "f:1: password_file '/dev/null': not a regular file" },
	{ "\npassword_file = /none/p",
	    "f:2: password_file '/none/p': No such file or directory" },
	{ "password_file = /tmp", "f:1: password_file '/tmp': Is a directory" },
	{ "freq = 1\n\nca_file = /none",
	    "f:3: ca_file '/none': No such file or directory" },
	{ "json = /none/j",
	    "f:1: json '/none/j': its directory: No such file or directory" },
	{ "\njson =\n/dev/null/j",
	    "f:3: json '/dev/null/j': its directory: Not a directory" },
	{ "\ngeneric = /none",
	    "f:2: generic '/none': No such file or directory" },
	{ "generic = none aliases = /dev/null",
	    "f:1: aliases '/dev/null': is not a regular file" },
	{ "aliases = none generic = /tmp",
	    "f:1: generic '/tmp': Is a directory" },
};

START_TEST(named_files_are_there)
{
	int result;

	/* Not this machine's. */
	ck_assert_int_eq(config_set(&cfg, "aliases", "none", &error), 0);
	ck_assert_msg(read_text(named_files[_i].text) == 0, "%s", error.text);
	result = config_check_files(&cfg, &error);
	if (named_files[_i].want == NULL) {
		ck_assert_msg(result == 0, "%s", error.text);
		return;
	}
	ck_assert_int_lt(result, 0);
	ck_assert_str_eq(error.text, named_files[_i].want);
}
END_TEST

static const struct {
	const char *aliases, *generic, *want;
} maps[] = {
	{ "root: a@x.test\n", "root a@x.test\n", NULL },
	{ "", "", NULL },
	{ "root: a@x.test\n\nno colon\n", "none\n",
	    "/aliases:3: skipped: no \"name: value\"" },
	{ "root: a@x.test\n", "root a@x.test\nann\n",
	    "/generic:2: skipped: no \"pattern address\"" },
	{ "", "ann a@x.test\nann b@x.test\nbad\n",
	    "/generic:2: skipped: the pattern was there before, and the first "
	    "counts; 1 more, see newaliases(8)" },
};

/* Each line of them, for sendmail only skips what it does not understand. */
START_TEST(maps_are_read)
{
	int result;

	ck_assert_int_eq(config_set(&cfg, "aliases", "aliases", &error), 0);
	ck_assert_int_eq(config_set(&cfg, "generic", "generic", &error), 0);
	ck_assert_int_eq(config_check_files(&cfg, &error), -EINVAL);
	ck_assert_ptr_eq(
	    strstr(error.text, "command line: aliases '"), error.text);
	scratch_put("aliases", maps[_i].aliases, strlen(maps[_i].aliases));
	scratch_put("generic", maps[_i].generic, strlen(maps[_i].generic));
	result = config_check_files(&cfg, &error);
	if (maps[_i].want == NULL) {
		ck_assert_msg(result == 0, "%s", error.text);
		return;
	}
	ck_assert_int_eq(result, -EINVAL);
	ck_assert_ptr_eq(strstr(error.text, scratch), error.text);
	ck_assert_str_eq(error.text + strlen(scratch), maps[_i].want);
}
END_TEST

START_TEST(load_is_all_at_once)
{
	char *want;

	config_release(&cfg);
	scratch_put("g", "freq = 7\nspool = /s", 19);
	ck_assert_int_eq(config_load(&cfg, "g", NULL, &error), 0);
	ck_assert_uint_eq(cfg.freq_s, 7);
	ck_assert_str_eq(cfg.spool, "/s");
	config_release(&cfg);
	ck_assert_int_eq(config_load(&cfg, "g", "mine", &error), 0);
	ck_assert_int_gt(asprintf(&want, "%s/mine", scratch), 0);
	ck_assert_str_eq(cfg.spool, want);
	ck_assert_uint_eq(cfg.freq_s, 7);
	free(want);
	config_release(&cfg);
	ck_assert_int_eq(config_load(&cfg, "none", NULL, &error), -ENOENT);
	ck_assert_str_eq(error.text, "none: No such file or directory");
	config_release(&cfg);
	ck_assert_int_eq(config_load(&cfg, "g", "", &error), -EINVAL);
	ck_assert_str_eq(error.text, "spool '' must be a path");
}
END_TEST

START_TEST(origin_is_never_empty)
{
	char *origin = config_origin(&cfg);

	ck_assert_ptr_nonnull(origin);
	ck_assert_str_ne(origin, "");
	ck_assert_ptr_null(strpbrk(origin, " \t\r\n"));
	free(origin);
	ck_assert_int_eq(config_set(&cfg, "origin", "example.org", &error), 0);
	origin = config_origin(&cfg);
	ck_assert_str_eq(origin, "example.org");
	free(origin);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("conf");
	TCase *tc = tcase_create("conf");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, files_are_understood, 0, COUNT(files));
	tcase_add_loop_test(tc, errors_say_where_and_what, 0, COUNT(bad_files));
	tcase_add_test(tc, a_wrong_file_changes_nothing);
	tcase_add_test(tc, a_later_file_goes_over_an_earlier_one);
	tcase_add_test(tc, files_must_be_trustworthy_text);
	tcase_add_loop_test(
	    tc, files_have_trustworthy_owners, 0, COUNT(owners));
	tcase_add_test(tc, a_pipe_is_read);
	tcase_add_loop_test(tc, quantities_have_units, 0, COUNT(numbers));
	tcase_add_loop_test(tc, relays_are_understood, 0, COUNT(relays));
	tcase_add_loop_test(tc, bad_values_are_refused, 0, COUNT(bad_values));
	tcase_add_loop_test(tc, who_is_who_is_set, 0, COUNT(settings));
	tcase_add_test(tc, who_is_who_is_in_files);
	tcase_add_test(tc, long_values_are_refused);
	tcase_add_test(tc, the_command_line_may_be_relative);
	tcase_add_loop_test(tc, named_files_are_there, 0, COUNT(named_files));
	tcase_add_loop_test(tc, maps_are_read, 0, COUNT(maps));
	tcase_add_test(tc, load_is_all_at_once);
	tcase_add_loop_test(tc, wholes_are_checked, 0, COUNT(wholes));
	tcase_add_test(tc, origin_is_never_empty);
	suite_add_tcase(s, tc);
	return unit_main(s);
}
