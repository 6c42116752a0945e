/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* Relays in the configuration: the top level's, sections, what is shared. */

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
	unsetenv("CREDENTIALS_DIRECTORY");
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

/* ---- what is read ---------------------------------------------------- */

static void
put_rates(FILE *out, const struct rate_limit *rates, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fprintf(out, " %u/%" PRId64, rates[i].count,
		    rates[i].window_us / 1000000);
}

static void
put_string(FILE *out, const char *name, const char *value)
{
	if (value != NULL)
		fprintf(out, " %s=%s", name, value);
}

static void
put_relay(FILE *out, const struct relay_config *r)
{
	fprintf(out, "%s:%u", r->name, r->line);
	for (size_t i = 0; i < r->nhosts; i++)
		fprintf(out, " %s", r->hosts[i]);
	put_string(out, "maildir", r->maildir);
	fprintf(out, " %u %s %u", r->port, tls_mode_name(r->tls), r->tls_min);
	put_string(out, "ca", r->ca_file);
	put_string(out, "cert", r->cert_file);
	put_string(out, "key", r->key_file);
	put_string(out, "pin", r->fingerprint);
	put_string(out, "user", r->user);
	put_string(out, "file", r->password_file);
	put_string(out, "command", r->password_command);
	put_string(out, "helo", r->helo);
	put_string(out, "source", r->source);
	fprintf(out, " %d%d %u %u %us %u %u %ums", r->auth, r->login_in_clear,
	    r->connections, r->connections_max, r->slow_after_s,
	    r->session_messages, r->recipients_max, r->pause_ms);
	put_rates(out, r->rates, r->nrates);
	fprintf(out, " %u %u %u;", r->burst, r->connect_timeout_s,
	    r->reply_timeout_s);
}

/* All relays in a line. */
static char *
summary(void)
{
	size_t size;
	char *text;
	FILE *out = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(out);
	for (size_t i = 0; i < cfg.nrelays; i++)
		put_relay(out, &cfg.relays[i]);
	ck_assert_int_eq(fclose(out), 0);
	return text;
}

#define HEX16 "0123456789abcdef"
#define HEX64 HEX16 HEX16 HEX16 HEX16
#define COLONS "01:23:45:67:89:AB:CD:EF:"
#define REST " 00 10 50 3s 100 100 0ms 1 30 300;"

static const struct {
	const char *text, *want;
} files[] = {
	{ "", "" },
	{ "relay = a.test", "default:0 a.test 0 opportunistic 12" REST },
	{ "relay = {a.test, 'b.test:26'}",
	    "default:0 a.test b.test:26 0 opportunistic 12" REST },
	{ "relay = maildir:/m",
	    "default:0 maildir=/m 0 opportunistic 12" REST },
	{ "relay ses { host = a.test }",
	    "ses:1 a.test 0 opportunistic 12" REST },
	{ "relay\n\"a-b_1\"\n{\nhost = a.test }",
	    "a-b_1:1 a.test 0 opportunistic 12" REST },
	{ "relay=a.test relay ses{host=b.test}",
	    "default:0 a.test 0 opportunistic 12" REST
	    "ses:1 b.test 0 opportunistic 12" REST },
	/* the order of the file is that of sections */
	{ "relay b { host = b.test }\nrelay = a.test\n"
	  "relay c { host = c.test }",
	    "default:0 a.test 0 opportunistic 12" REST
	    "b:1 b.test 0 opportunistic 12" REST
	    "c:3 c.test 0 opportunistic 12" REST },
	/* all of it */
	{ "relay x { host = {'a.test', '192.0.2.1:26', '2001:db8::1',\n"
	  "'[2001:db8::1]:27', '[::2]', 'unix:/run/s', 'srv:b.test'}\n"
	  "port = 587 tls = starttls tls_min = 1.3 ca_file = /ca\n"
	  "cert_file = /cert key_file = /key\n"
	  "fingerprint = {'" COLONS COLONS COLONS
	  "01:23:45:67:89:AB:CD:EF', " HEX64 "}\n"
	  "auth = xoauth2 user = me password_command = \"get 'it'\"\n"
	  "login_in_clear = yes helo = h.test source = '::1'\n"
	  "connections = 20 connections_max = 30 slow_after = 5s\n"
	  "messages_per_connection = 7 recipients_per_message = 8\n"
	  "pause = 100ms rate = {'14/s', '500/min'} burst = 3\n"
	  "connect_timeout = 4 reply_timeout = 1m }",
	    "x:1 a.test 192.0.2.1:26 2001:db8::1 [2001:db8::1]:27 ::2 "
	    "unix:/run/s srv:b.test 587 starttls 13 ca=/ca cert=/cert key=/key "
	    "pin=" HEX64 " " HEX64 " user=me command=get 'it' helo=h.test "
	    "source=::1 41 20 30 5s 7 8 100ms 14/1 500/60 3 4 60;" },
	/* the same at the top level, and what of it is shared */
	{ "relay s { host = s.test }\n"
	  "relay = { a.test }\ntls = implicit tls_min = 1.3 ca_file = /ca\n"
	  "cert_file = /cert key_file = /key fingerprint = " HEX64 "\n"
	  "auth = plain user = me password_file = /p login_in_clear = yes\n"
	  "helo = h.test source = 192.0.2.1 connections = 20\n"
	  "connections_max = 30 slow_after = 5 messages_per_connection = 7\n"
	  "recipients_per_message = 8 pause = 2s rate = 14/s burst = 3\n"
	  "connect_timeout = 4 reply_timeout = 1m",
	    "default:0 a.test 0 implicit 13 ca=/ca cert=/cert key=/key "
	    "pin=" HEX64 " user=me file=/p helo=h.test source=192.0.2.1 "
	    "11 20 30 5s 7 8 2000ms 14/1 3 4 60;"
	    "s:1 s.test 0 implicit 13 ca=/ca helo=h.test source=192.0.2.1 "
	    "00 20 30 5s 7 8 2000ms 1 4 60;" },
	/* a section's own goes before, whatever it is */
	{ "tls = implicit helo = h.test connections = 20 pause = 1s\n"
	  "relay s { host = s.test tls = opportunistic helo = g.test\n"
	  "connections = 10 pause = 0 }",
	    "s:2 s.test 0 opportunistic 12 helo=g.test 00 10 50 3s 100 100 0ms "
	    "1 30 300;" },
	/* the upper limit follows the lower, up to its own */
	{ "relay a { host = a.test connections = 300 }\n"
	  "relay b { host = b.test connections = 1 }",
	    "a:1 a.test 0 opportunistic 12 00 300 1000 3s 100 100 0ms 1 30 300;"
	    "b:2 b.test 0 opportunistic 12 00 1 5 3s 100 100 0ms 1 30 300;" },
	{ "connections_max = 60 relay a { host = a.test connections = 20 }",
	    "a:1 a.test 0 opportunistic 12 00 20 60 3s 100 100 0ms 1 30 300;" },
	{ "relay a { host = a.test rate = none }",
	    "a:1 a.test 0 opportunistic 12" REST },
	/* words that look like others */
	{ "helo = relay relay = relay relay relay { host = relay }",
	    "default:0 relay 0 opportunistic 12 helo=relay" REST
	    "relay:1 relay 0 opportunistic 12 helo=relay" REST },
	{ "relay a { host = a.test user = \"} relay b { #\" }",
	    "a:1 a.test 0 opportunistic 12 user=} relay b { #" REST },
	{ "relay 'default' { host = a.test }",
	    "default:1 a.test 0 opportunistic 12" REST },
};

START_TEST(files_are_understood)
{
	char *got;

	ck_assert_msg(read_text(files[_i].text) == 0, "%s", error.text);
	got = summary();
	ck_assert_str_eq(got, files[_i].want);
	free(got);
}
END_TEST

START_TEST(a_command_line_goes_over_a_file)
{
	char *got;

	ck_assert_int_eq(read_text("connections = 3 relay s { host = s.test }\n"
				   "relay t { host = t.test tls = none }"),
	    0);
	ck_assert_int_eq(config_set(&cfg, "tls", "implicit", &error), 0);
	got = summary();
	ck_assert_str_eq(got,
	    "s:1 s.test 0 implicit 12 00 3 15 3s 100 100 0ms 1 30 300;"
	    "t:2 t.test 0 none 12 00 3 15 3s 100 100 0ms 1 30 300;");
	free(got);
	ck_assert_int_eq(config_set(&cfg, "relay", "a.test:26", &error), 0);
	ck_assert_uint_eq(cfg.nrelays, 3);
	ck_assert_str_eq(cfg.relays[0].name, "default");
	ck_assert_str_eq(cfg.relays[0].hosts[0], "a.test:26");
	ck_assert_uint_eq(cfg.relays[0].connections_max, 15);
	ck_assert_str_eq(cfg.relays[1].name, "s");
	ck_assert_ptr_eq(config_relay(&cfg, "t"), &cfg.relays[2]);
	ck_assert_ptr_null(config_relay(&cfg, "u"));
}
END_TEST

START_TEST(a_later_file_has_its_own_relays)
{
	char *got;

	ck_assert_int_eq(read_text("relay a { host = a.test helo = h.test }\n"
				   "relay b { host = b.test }"),
	    0);
	ck_assert_int_eq(read_text("pause = 1s relay c { host = c.test }"), 0);
	got = summary();
	ck_assert_str_eq(got,
	    "c:1 c.test 0 opportunistic 12 00 10 50 3s 100 100 1000ms 1 30 "
	    "300;");
	free(got);
	ck_assert_int_eq(read_text("helo = h.test"), 0);
	ck_assert_uint_eq(cfg.nrelays, 1);
	ck_assert_str_eq(cfg.relays[0].helo, "h.test");
}
END_TEST

/* ---- what is wrong --------------------------------------------------- */

#define HOST_FORMS \
	" must be HOST[:PORT], [IPV6]:PORT, unix:/PATH, srv:DOMAIN or " \
	"maildir:/PATH"

static const struct {
	const char *text, *want;
} bad_files[] = {
	{ "relay ses {\nhost = a.test\nport = 99999 }",
	    "f:3: relay ses: port '99999' must be a number from 1 to 65535" },
	{ "relay ses { port = 0 }",
	    "f:1: relay ses: port '0' must be a number from 1 to 65535" },
	{ "port = 25", "f:1: 'port' belongs in a section: relay NAME { … }" },
	{ "host = a.test",
	    "f:1: 'host' belongs in a section: relay NAME { … }" },
	{ "recipient = a@b",
	    "f:1: 'recipient' belongs in a section: route { … }" },
	{ "reserve = 2",
	    "f:1: 'reserve' belongs in a section: lane NAME { … }" },
	{ "relay a {\nspool = /s }",
	    "f:2: relay a: 'spool' belongs outside of sections" },
	{ "relay a {\nhosst = a }",
	    "f:2: relay a: unknown key 'hosst', did you mean 'host'?" },
	{ "relay a {\nrecipient = a@b }",
	    "f:2: relay a: 'recipient' belongs in a section: route { … }" },
	/* lists */
	{ "relay a {\nhost = {a.test,\n'b c',\nd.test} }",
	    "f:3: relay a: host 'b c'" HOST_FORMS },
	{ "relay a { host = {} }", "f:1: relay a: host has no value" },
	{ "relay a { host = '' }", "f:1: relay a: host ''" HOST_FORMS },
	{ "relay a { host = {a.test,\n\"b.test\\n\"} }",
	    "f:2: relay a: host 'b.test\\x0A' has control characters" },
	{ "relay a { host = {a.test,\nmaildir:/m} }",
	    "f:2: relay a: host 'maildir:/m' must be alone, as a Maildir" },
	{ "relay a { host = {maildir:/m,\na.test} }",
	    "f:2: relay a: host 'a.test' must be alone, as a Maildir" },
	{ "relay a { host = a:0 }",
	    "f:1: relay a: host 'a:0' has a bad port, which must be 1 to "
	    "65535" },
	{ "relay a { host = srv:a.test:25 }",
	    "f:1: relay a: host 'srv:a.test:25' must be srv: and a domain, "
	    "without a port" },
	{ "relay a { host = srv: }",
	    "f:1: relay a: host 'srv:' must be srv: and a domain, "
	    "without a port" },
	{ "relay a { host = unix:run/s }",
	    "f:1: relay a: host 'unix:run/s' must be an absolute path" },
	{ "relay a { host = unix:/" HEX64 HEX64 " }",
	    "f:1: relay a: host 'unix:/" HEX64 HEX64
	    "' must be a path of less than 108 bytes" },
	{ "relay = {a.test,\n'b c'}", "f:2: relay 'b c'" HOST_FORMS },
	/* values */
	{ "relay a {\n\ntls = ssl }",
	    "f:3: relay a: tls 'ssl' must be none, opportunistic, starttls or "
	    "implicit" },
	{ "relay a { tls_min = 1.1 }",
	    "f:1: relay a: tls_min '1.1' must be 1.2 or 1.3" },
	{ "relay a { auth = ntlm }",
	    "f:1: relay a: auth 'ntlm' must be auto, plain, login, cram-md5, "
	    "xoauth2 or oauthbearer" },
	{ "relay a { login_in_clear = 1 }",
	    "f:1: relay a: login_in_clear '1' must be yes or no" },
	{ "relay a { fingerprint = 12 }",
	    "f:1: relay a: fingerprint '12' must be a SHA-256 of 64 "
	    "hexadecimal digits" },
	{ "relay a { fingerprint = {" HEX64 ",\n" HEX64 "0} }",
	    "f:2: relay a: fingerprint '" HEX64 "0' must be a SHA-256 of 64 "
	    "hexadecimal digits" },
	{ "relay a { fingerprint = {" HEX64 "," HEX64 "," HEX64 "," HEX64
	  "," HEX64 "," HEX64 "," HEX64 "," HEX64 "," HEX64 "," HEX64 "," HEX64
	  "," HEX64 "," HEX64 "," HEX64 "," HEX64 "," HEX64 ",\n" HEX64 "} }",
	    "f:2: relay a: fingerprint '" HEX64 "' is one too many, the limit "
	    "is 16" },
	{ "relay a { source = a.test }",
	    "f:1: relay a: source 'a.test' must be an IP address of this "
	    "host" },
	{ "relay a { password_command = \"a\\nb\" }",
	    "f:1: relay a: password_command 'a\\x0Ab' must be a command for "
	    "sh, on one line" },
	{ "relay a { password_command = '' }",
	    "f:1: relay a: password_command '' must be a command for sh, on "
	    "one line" },
	{ "relay a { password_file = p/q }",
	    "f:1: relay a: password_file 'p/q' must be an absolute path" },
	{ "relay a { pause = 61s }",
	    "f:1: relay a: pause '61s' must be a time up to 60s, such as 100ms "
	    "or 2s" },
	{ "relay a { pause = 60001ms }",
	    "f:1: relay a: pause '60001ms' must be a time up to 60s, such as "
	    "100ms or 2s" },
	{ "relay a { pause = ms }",
	    "f:1: relay a: pause 'ms' must be a time up to 60s, such as 100ms "
	    "or 2s" },
	{ "relay a { connections = 1001 }",
	    "f:1: relay a: connections '1001' must be a number from 1 to "
	    "1000" },
	{ "relay a { slow_after = 0 }",
	    "f:1: relay a: slow_after '0' must be a time from 1s to 1h, "
	    "such as 10s, 5m, 1h or 2d" },
	{ "relay a { burst = 0 }",
	    "f:1: relay a: burst '0' must be a number from 1 to 1000000" },
	{ "relay a { rate = {'1/s',\n'14/fortnight'} }",
	    "f:2: relay a: rate '14/fortnight' must be up to 8 rates such as "
	    "\"14/s\", \"500/min\" or \"50000/day\", or none" },
	{ "relay a { rate = {'1/s','1/s','1/s','1/s','1/s','1/s','1/s','1/s',"
	  "\n'2/s'} }",
	    "f:2: relay a: rate '2/s' must be up to 8 rates such as "
	    "\"14/s\", \"500/min\" or \"50000/day\", or none" },
	/* twice */
	{ "relay a { host = a.test }\nrelay a { host = b.test }",
	    "f:2: there is another section of the name 'a'" },
	{ "relay a {\nhost = a.test\nhost = b.test }",
	    "f:3: relay a: host is set twice" },
	{ "relay a { rate = 1/s\nrate += 2/s }",
	    "f:2: relay a: rate is set twice" },
	{ "relay a { rate = {'1/s'}\n\nrate = {'2/s'} }",
	    "f:3: relay a: rate is set twice" },
	{ "relay = a.test\n\"relay\" = b.test", "f:2: relay is set twice" },
	{ "relay a { tls = none }\ntls = none\nrelay b { tls = none }\n"
	  "tls = none",
	    "f:4: tls is set twice" },
	/* what is wrong first is told */
	{ "relay a {\nport = x\ntls = none\ntls = none }",
	    "f:2: relay a: port 'x' must be a number from 1 to 65535" },
	/* not even a value, or an end */
	{ "spool = /s\nrelay =\nuser = me", "f:2: relay has no value" },
	{ "spool = /s\nrelay\n=\nuser = me", "f:2: relay has no value" },
	{ "relay =\nuser\n= me", "f:1: relay has no value" },
	{ "relay = a.test\n=\n", "f:2: '=' has no key before it" },
	{ "relay = a.test\n{ freq = 1 }", "f:2: '{' has no section before it" },
	{ "relay a {\nhost = a.test\n=\n}",
	    "f:3: relay a: '=' has no key before it" },
	{ "relay = user = me", "f:1: relay has no value" },
	{ "relay a {\ntls == none }", "f:2: relay a: tls has a second '='" },
	{ "freq = 1\n\xEF\xBB\xBFrelay = a.test",
	    "f:2: a byte order mark that is not at the beginning of the file; "
	    "delete it" },
	{ "relay a {\nhost =\n}", "f:2: relay a: host has no value" },
	{ "relay a {\nhost =\ntls = none }",
	    "f:2: relay a: host has no value" },
	{ "tls = none\nrelay a {\nhost = a.test\nrelay b { host = b.test }\n",
	    "f:2: relay a: the closing brace is missing" },
	{ "\nroute {\nrelay = a", "f:2: route: the closing brace is missing" },
	{ "relay a { host = {a.test }",
	    "f:1: relay a: the closing brace is missing" },
	{ "relay {\nhost = a.test }",
	    "f:1: relay has no name, as in: relay \"NAME\" { … }" },
	{ "lane { }", "f:1: lane has no name, as in: lane \"NAME\" { … }" },
	{ "relay 'a b' { }",
	    "f:1: relay a b: a name has 1 to 40 letters, digits, '-' and "
	    "'_'" },
	{ "\nrelay '' {\n}",
	    "f:2: relay : a name has 1 to 40 letters, digits, '-' and '_'" },
	{ "relay a b { }", "f:1: missing equal sign after option 'relay'" },
	{ "route a { }", "f:1: missing opening brace for section 'route'" },
	{ "\"relay\" a { }", "f:1: missing equal sign after option 'relay'" },
	{ "relay a { }}", "f:1: unexpected closing brace" },
	{ "relay a { '(context)' = x }",
	    "f:1: relay a: missing parenthesis for function '(context)'" },
};

START_TEST(errors_say_where_and_what)
{
	char *got;

	ck_assert_int_eq(read_text(bad_files[_i].text), -EINVAL);
	ck_assert_str_eq(error.text, bad_files[_i].want);
	got = summary();
	ck_assert_str_eq(got, "");
	free(got);
	ck_assert_uint_eq(cfg.nlanes, 1);
	ck_assert_msg(
	    read_text("relay a { host = a.test }\n") == 0, "%s", error.text);
	ck_assert_uint_eq(cfg.nrelays, 1);
}
END_TEST

#define EXPOSED \
	"a login needs a connection that cannot be listened to: set tls = " \
	"starttls or tls = implicit (or login_in_clear = yes)"

static const struct {
	const char *text, *want;
} wholes[] = {
	{ "relay a { host = a.test }", NULL },
	{ "\nrelay a { tls = none }", "f:2: relay a: host is not set" },
	{ "relay a { host = a.test }\nrelay b { }",
	    "f:2: relay b: host is not set" },
	{ "relay a { host = a.test\nuser = me }",
	    "f:2: relay a: user is set, but password_file is not, nor "
	    "password_command" },
	{ "relay a { host = a.test password_command = x }",
	    "f:1: relay a: password_command is set, but user is not" },
	{ "relay a { host = a.test auth = plain }",
	    "f:1: relay a: auth is set, but user is not" },
	{ "\n\nrelay a { host = a.test tls = starttls user = me\n"
	  "password_command = x password_file = /x }",
	    "f:4: relay a: password_file and password_command exclude each "
	    "other" },
	{ "relay a { host = a.test user = me password_command = x }",
	    "f:1: relay a: " EXPOSED },
	{ "relay a { host = {'localhost:25', '[::1]:25', 'unix:/s'}\n"
	  "user = me password_command = x tls = none }",
	    NULL },
	{ "relay a { host = {'localhost', 'a.test'}\n"
	  "user = me password_command = x\ntls = none }",
	    "f:3: relay a: " EXPOSED },
	{ "relay a { host = {'localhost', 'a.test'}\n"
	  "user = me password_command = x }",
	    "f:2: relay a: " EXPOSED },
	{ "relay a { host = 'srv:localhost' user = me password_command = x }",
	    "f:1: relay a: " EXPOSED },
	{ "relay a { host = a.test user = me password_command = x\n"
	  "login_in_clear = yes }",
	    NULL },
	{ "relay a { host = a.test user = me password_command = x\n"
	  "auth = cram-md5 }",
	    NULL },
	{ "tls = starttls\n"
	  "relay a { host = a.test user = me password_command = x }",
	    NULL },
	{ "relay a { host = a.test key_file = /k }",
	    "f:1: relay a: key_file is set, but cert_file is not" },
	{ "relay a { host = a.test cert_file = /k }", NULL },
	{ "relay a { host = a.test cert_file = /k tls = none }",
	    "f:1: relay a: cert_file is set, but tls is none" },
	{ "relay a { host = a.test fingerprint = " HEX64 " }",
	    "f:1: relay a: fingerprint needs tls = starttls or tls = "
	    "implicit" },
	{ "relay a { host = a.test connections = 9 connections_max = 8 }",
	    "f:1: relay a: connections_max must not be less than "
	    "connections" },
	{ "relay a {\nhost = a.test\nconnections = 11\n}\nconnections_max = 10",
	    "f:5: relay a: connections_max must not be less than "
	    "connections" },
	{ "relay = a.test\nrelay default { host = b.test }",
	    "f:2: relay default: the relay outside of sections has this "
	    "name" },
	{ "rate = 1/s relay a { host = a.test }",
	    "f:1: rate is set outside of sections, where there is no relay" },
	{ "user = me password_file = /p relay a { host = a.test }",
	    "f:1: user is set outside of sections, where there is no "
	    "relay" },
	{ "\nburst = 2", "f:2: burst is set, but relay is not" },
	{ "tls = starttls", NULL },
	{ "relay = a.test burst = 2", NULL },
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

START_TEST(a_command_line_has_no_file_to_name)
{
	ck_assert_int_eq(config_set(&cfg, "relay", "a.test", &error), 0);
	ck_assert_int_eq(config_set(&cfg, "key_file", "/k", &error), 0);
	ck_assert_int_eq(config_check(&cfg, &error), -EINVAL);
	ck_assert_str_eq(
	    error.text, "command line: key_file is set, but cert_file is not");
	ck_assert_int_eq(
	    read_text("relay = a.test\ncert_file = /k\ntls = none"), 0);
	ck_assert_int_eq(config_check(&cfg, &error), -EINVAL);
	ck_assert_str_eq(error.text, "f:2: cert_file is set, but tls is none");
	ck_assert_int_eq(config_set(&cfg, "cert_file", "/k", &error), 0);
	ck_assert_int_eq(config_check(&cfg, &error), -EINVAL);
	ck_assert_str_eq(
	    error.text, "command line: cert_file is set, but tls is none");
}
END_TEST

START_TEST(there_is_an_end_to_relays)
{
	char *text = malloc(10000), *end = text;

	ck_assert_ptr_nonnull(text);
	for (int i = 0; i <= 100; i++)
		end += sprintf(end, "relay r%d { host = a.test }\n", i);
	ck_assert_int_eq(read_text(text), -EINVAL);
	ck_assert_str_eq(
	    error.text, "f:101: relay r100: one too many, the limit is 100");
	*strstr(text, "relay r100 ") = '\0';
	ck_assert_int_eq(read_text(text), 0);
	ck_assert_uint_eq(cfg.nrelays, 100);
	free(text);
}
END_TEST

/* ---- files ----------------------------------------------------------- */

static const struct {
	const char *key;
	const char *also; /* what makes the key allowed; "=": a good file */
	mode_t mode;      /* 0: there is no such file */
	const char *want; /* behind the file's name, NULL: nothing */
} named_files[] = {
	{ "password_file", "user = me", 0600, NULL },
	{ "password_file", "user = me", 0400, NULL },
	{ "password_file", "user = me", 0640,
	    "mode 0640 lets others read it: chmod 600" },
	{ "password_file", "user = me", 0604,
	    "mode 0604 lets others read it: chmod 600" },
	{ "password_file", "user = me", 0620,
	    "mode 0620 lets others read it: chmod 600" },
	{ "password_file", "user = me", 0, "No such file or directory" },
	{ "ca_file", "", 0644, NULL },
	{ "ca_file", "", 0, "No such file or directory" },
	{ "cert_file", "key_file =", 0644, NULL },
	{ "cert_file", "", 0600, NULL },
	{ "cert_file", "", 0644, "mode 0644 lets others read it: chmod 600" },
	{ "key_file", "cert_file =", 0600, NULL },
	{ "key_file", "cert_file =", 0440,
	    "mode 0440 lets others read it: chmod 600" },
};

#define CERT "x\n-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"
#define KEY "-----BEGIN RSA PRIVATE KEY-----\n"

/* What is in the file of a key, and what is wrong with that. */
static const struct {
	const char *key, *also, *text, *want;
} contents[] = {
	{ "password_file", "user = me", "\n", "is empty" },
	{ "password_file", "user = me", "", "is empty" },
	{ "password_file", "user = me", "\r\nx\n", "is empty" },
	{ "password_file", "user = me", "x", NULL },
	{ "ca_file", "", CERT, NULL },
	{ "ca_file", "", "-----BEGIN CERTIFICATE REQUEST-----\n",
	    "has no certificate (-----BEGIN CERTIFICATE-----)" },
	{ "ca_file", "", KEY,
	    "has no certificate (-----BEGIN CERTIFICATE-----)" },
	{ "ca_file", "", "-----BEGIN CERTIFICATE",
	    "has no certificate (-----BEGIN CERTIFICATE-----)" },
	{ "cert_file", "", CERT,
	    "has no private key (-----BEGIN PRIVATE KEY-----)" },
	{ "cert_file", "", KEY CERT, NULL },
	{ "cert_file", "key_file =", CERT, NULL },
	{ "key_file", "cert_file =", CERT,
	    "has no private key (-----BEGIN PRIVATE KEY-----)" },
};

/* Check the files of a relay whose KEY is a file of that mode with TEXT. */
static int
check_named(const char *key, const char *also, mode_t mode, const char *content)
{
	bool needs_file = also[0] != '\0' && also[strlen(also) - 1] == '=';
	char *text;
	int result;

	if (mode != 0) {
		scratch_put("s", content, strlen(content));
		ck_assert_int_eq(chmod("s", mode), 0);
	}
	scratch_put("good", KEY CERT, strlen(KEY CERT));
	ck_assert_int_eq(config_set(&cfg, "aliases", "none", &error), 0);
	ck_assert_int_eq(chmod("good", 0600), 0);
	ck_assert_int_gt(asprintf(&text,
			     "relay a { host = a.test }\n"
			     "relay b { host = b.test %s%s%s %s = %s/s }",
			     also, needs_file ? scratch : "",
			     needs_file ? "/good" : "", key, scratch),
	    0);
	ck_assert_msg(read_text(text) == 0, "%s", error.text);
	result = config_check_files(&cfg, &error);
	free(text);
	return result;
}

/* That RESULT is what WANT, NULL for nothing, says of KEY. */
static void
assert_named(int result, const char *key, const char *want)
{
	char *text;

	if (want == NULL) {
		ck_assert_msg(result == 0, "%s", error.text);
		return;
	}
	ck_assert_int_lt(result, 0);
	ck_assert_int_gt(
	    asprintf(&text, "f:2: relay b: %s '%s/s': %s", key, scratch, want),
	    0);
	ck_assert_str_eq(error.text, text);
	free(text);
}

START_TEST(named_files_are_there)
{
	int result = check_named(named_files[_i].key, named_files[_i].also,
	    named_files[_i].mode, KEY CERT);

	assert_named(result, named_files[_i].key, named_files[_i].want);
}
END_TEST

START_TEST(named_files_are_what_they_should_be)
{
	int result = check_named(
	    contents[_i].key, contents[_i].also, 0600, contents[_i].text);

	assert_named(result, contents[_i].key, contents[_i].want);
}
END_TEST

START_TEST(systemd_has_credentials)
{
	char *want;

	ck_assert_int_eq(mkdir("creds", 0700), 0);
	scratch_put("creds/relay-password", "x\n", 2);
	ck_assert_int_eq(chmod("creds/relay-password", 0440), 0);
	ck_assert_int_gt(asprintf(&want, "%s/creds", scratch), 0);
	ck_assert_int_eq(setenv("CREDENTIALS_DIRECTORY", want, 1), 0);
	free(want);
	ck_assert_int_eq(config_set(&cfg, "aliases", "none", &error), 0);
	ck_assert_int_eq(
	    read_text("relay = a.test password_file = relay-password"), 0);
	ck_assert_int_gt(
	    asprintf(&want, "%s/creds/relay-password", scratch), 0);
	ck_assert_str_eq(cfg.relays[0].password_file, want);
	ck_assert_msg(config_check_files(&cfg, &error) == 0, "%s", error.text);
	free(want);
	ck_assert_int_eq(
	    config_set(&cfg, "password_file", "relay-password", &error), 0);
	ck_assert_ptr_nonnull(
	    strstr(cfg.relays[0].password_file, "/creds/relay-password"));
}
END_TEST

/* sendmail reads the file as well, and has no credentials. */
START_TEST(others_have_no_credentials)
{
	ck_assert_int_eq(
	    read_text("relay = a.test password_file = relay-password"), 0);
	ck_assert_str_eq(cfg.relays[0].password_file, "relay-password");
	ck_assert_int_eq(config_check_files(&cfg, &error), -EINVAL);
	ck_assert_str_eq(error.text,
	    "f:1: password_file 'relay-password': No such file or directory, "
	    "nor is it a credential");
	ck_assert_int_eq(
	    read_text("relay = a.test password_file = ../x"), -EINVAL);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("conf_relay");
	TCase *tc = tcase_create("conf_relay");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, files_are_understood, 0, COUNT(files));
	tcase_add_test(tc, a_command_line_goes_over_a_file);
	tcase_add_test(tc, a_later_file_has_its_own_relays);
	tcase_add_loop_test(tc, errors_say_where_and_what, 0, COUNT(bad_files));
	tcase_add_loop_test(tc, wholes_are_checked, 0, COUNT(wholes));
	tcase_add_test(tc, a_command_line_has_no_file_to_name);
	tcase_add_test(tc, there_is_an_end_to_relays);
	tcase_add_loop_test(tc, named_files_are_there, 0, COUNT(named_files));
	tcase_add_loop_test(
	    tc, named_files_are_what_they_should_be, 0, COUNT(contents));
	tcase_add_test(tc, systemd_has_credentials);
	tcase_add_test(tc, others_have_no_credentials);
	suite_add_tcase(s, tc);
	return unit_main(s);
}
