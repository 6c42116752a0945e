/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* address: what people and programs write, and what attackers do. */

#include "config.h"

#include <errno.h>
#include <stdint.h>

#include "lib/address.h"
#include "unit.h"

#define TEXT(literal) \
	{ \
		literal, sizeof(literal) - 1 \
	}
#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* Each mailbox found, as address_put() writes it, and a "|". */
static const struct {
	const char *body;
	const char *want;
} lists[] = {
	/* nothing */
	{ "", "" },
	{ " \t\r\n ", "" },
	{ ",", "" },
	{ " , ;, ;; ", "" },
	{ "<>", "" },
	{ "<>, <>", "" },
	{ "Nobody <>", "" },
	{ "< >", "" },
	{ "<(nobody)>", "" },
	{ "(only a comment)", "" },
	{ "undisclosed-recipients:;", "" },
	{ "Undisclosed recipients: ;", "" },
	{ "a:;, b:;", "" },
	/* plain */
	{ "a@x.test", "a@x.test|" },
	{ "root", "root|" },
	{ "a@x.test,b@y.test", "a@x.test|b@y.test|" },
	{ "root,a@dest.example", "root|a@dest.example|" },
	{ "a, b,, c;d;", "a|b|c|d|" },
	{ ",a@x,", "a@x|" },
	{ "a b", "a|b|" },
	{ "a@x b@y\tc@z", "a@x|b@y|c@z|" },
	{ "a\nb\r\nc\rd", "a|b|c|d|" },
	{ "a@x,\n\tb@y,\r\n c@z", "a@x|b@y|c@z|" },
	{ "a @ x . test", "a@x.test|" },
	{ "john . doe@x", "john.doe@x|" },
	{ "john. doe @x", "john.doe@x|" },
	{ "a@x.", "a@x|" },
	{ "a@x.test. , b", "a@x.test|b|" },
	{ "<a@x.test.>", "a@x.test|" },
	{ "A.B+c=d_e/f@X.Test", "A.B+c=d_e/f@X.Test|" },
	{ "!#$%&'*+-/=?^_`{|}~@x", "!#$%&'*+-/=?^_`{|}~@x|" },
	{ "j\xc3\xb6rg@b\xc3\xbc"
	  "cher.example",
	    "j\xc3\xb6rg@b\xc3\xbc"
	    "cher.example|" },
	{ "a@x_y", "a@x_y|" },
	{ "|prog /file -f", "|prog|/file|-f|" },
	/* other ways to route */
	{ "host!user", "user@host|" },
	{ "a!b!c", "b!c@a|" },
	{ "Joe (x) <host.test!joe> (y), b", "joe@host.test|b|" },
	{ "host.!user a!b", "host.!user|b@a|" },
	{ "host!.user", "host!.user|" },
	{ "host!user@relay", "host!user@relay|" },
	{ "host!user @ (x) relay", "host!user@relay|" },
	{ "\"host!user\"", "\"host!user\"|" },
	{ "a.(!\"x\")b@c", "a.b@c|" },
	{ "\"host!a user\"", "\"host!a user\"|" },
	{ "host\\!user", "\"host\\!user\"|" },
	{ "host!us\\er", "\"host!us\\er\"|" },
	{ "host!a.\"b\"", "\"host!a.b\"|" },
	{ "!user", "!user|" },
	{ "host!", "host!|" },
	{ "!", "!|" },
	{ ".host!user", "\".host!user\"|" },
	{ "a..b!user", "\"a..b!user\"|" },
	{ "..!user", "\"..!user\"|" },
	{ "user%host@relay", "user%host@relay|" },
	{ "<@a,@b:c@d>", "c@d|" },
	{ "<@a:c@d>", "c@d|" },
	{ "<@a.test, @[1.2.3.4] (x) : c@d>", "c@d|" },
	{ "<@a:root>", "root|" },
	{ "Joe <@a,@b:c@d>, e", "c@d|e|" },
	/* literals */
	{ "a@[1.2.3.4]", "a@[1.2.3.4]|" },
	{ "a@[IPv6:2001:db8::1]", "a@[IPv6:2001:db8::1]|" },
	{ "a@ [ 1.2.3.4 ] ,b", "a@[1.2.3.4]|b|" },
	{ "a@[1.2.3.4] b", "a@[1.2.3.4]|b|" },
	{ "a@[1.2.3.4] .b", "a@[1.2.3.4]|\".b\"|" },
	/* names */
	{ "<a@x>", "a@x|" },
	{ "< a @ x >", "a@x|" },
	{ "<root>", "root|" },
	{ "Ann <a@x>", "a@x|" },
	{ "Ann<a@x>", "a@x|" },
	{ "John Q. Public <i@x>", "i@x|" },
	{ "\"Doe, John\" <a@x>", "a@x|" },
	{ "\"z@x\" <h@x>", "h@x|" },
	{ "x@y <a@b>", "a@b|" },
	{ "x@y z@w <a@b>", "a@b|" },
	{ "@home <a@b>", "a@b|" },
	{ "@ @@ <a@b>", "a@b|" },
	{ "[list] Joe <a@b>", "a@b|" },
	{ "list] <a@b>", "a@b|" },
	{ "\"a\"b\"c\" <a@b>", "a@b|" },
	{ "DOMAIN\\joe <a@b>", "a@b|" },
	{ "O\\\"Brien <a@b>", "a@b|" },
	{ "bell \x07 <a@b>", "a@b|" },
	{ "J\xf6rg <a@b>", "a@b|" },
	{ "\"\" <a@b>", "a@b|" },
	{ "\"Long\n Name, X\" <g@x>", "g@x|" },
	{ "\"a \\\" b, \\\\\" <c@x>", "c@x|" },
	{ "=?utf-8?Q?J=C3=B6rg=2C_X?= <f@x>", "f@x|" },
	{ "=?utf-8?Q?a=40b?=@x", "=?utf-8?Q?a=40b?=@x|" },
	{ "=?utf-8?B?YUBiLGNAZA==?= <f@x>", "f@x|" },
	{ "Ann <a@x>, Bob <b@y>", "a@x|b@y|" },
	{ "<a@x> <b@y>", "a@x|b@y|" },
	{ "<a@x><b@y>", "a@x|b@y|" },
	{ "Ann <a@x> b@y", "a@x|b@y|" },
	{ "Ann <a@x> Bob <b@y> c", "a@x|b@y|c|" },
	/* comments */
	{ "a@x (Ann)", "a@x|" },
	{ "(Ann) a@x", "a@x|" },
	{ "root (Cron Daemon)", "root|" },
	{ "b@x (Doe, J (nested, x) y), c", "b@x|c|" },
	{ "(pre) c(mid)@hdr.example", "c@hdr.example|" },
	{ "c@(mid)hdr(x).(y)example(z)", "c@hdr.example|" },
	{ "a(x).(y)b(z)@c", "a.b@c|" },
	{ "(((a)(b))) a@x ((c) d)", "a@x|" },
	{ "(\\)) a@x (\\() b", "a@x|b|" },
	{ "(\\\\) a", "a|" },
	{ "(\"a) b", "b|" },
	{ "a(x)b", "a|b|" },
	{ "Ann (x) <(y) a (z) @ (p) x (q)> (r)", "a@x|" },
	/* quoted local parts */
	{ "\"a@b\"@c", "\"a@b\"@c|" },
	{ "\"a b\"@c", "\"a b\"@c|" },
	{ "\"a\"", "a|" },
	{ "\"a\"@c", "a@c|" },
	{ "\"a.b+c\" (x) @c", "a.b+c@c|" },
	{ "\"a\\b\"@c", "ab@c|" },
	{ "\"J\xc3\xb6rg\"@c", "J\xc3\xb6rg@c|" },
	{ "\"a..b\"@c", "\"a..b\"@c|" },
	{ "\".a\"@c", "\".a\"@c|" },
	{ "\"a.\"@c", "\"a.\"@c|" },
	{ "\"a]\"@c", "\"a]\"@c|" },
	{ "\"a,b\"@c", "\"a,b\"@c|" },
	{ "\"-a\"@c", "\"-a\"@c|" },
	{ "\"\\-a\"@c", "\"\\-a\"@c|" },
	{ "\\-a@c", "\"\\-a\"@c|" },
	{ "a\\b@c", "ab@c|" },
	{ "<\"a b\"@c>", "\"a b\"@c|" },
	{ "\"a\\\"b\\\\\"@c", "\"a\\\"b\\\\\"@c|" },
	{ "\"\"@c", "\"\"@c|" },
	{ "\"(no comment)\"@c", "\"(no comment)\"@c|" },
	{ "\"a\r\n b\"@c", "\"a b\"@c|" },
	{ "\"a\nb\"@c", "\"a b\"@c|" },
	{ "\"a\n\"@c", "\"a \"@c|" },
	{ "\"a\tb\"@c", "\"a b\"@c|" },
	/* local parts that only a quoted string can hold */
	{ "a..b@c", "\"a..b\"@c|" },
	{ ".a@c", "\".a\"@c|" },
	{ "a.@c", "\"a.\"@c|" },
	{ ".", "\".\"|" },
	{ "a\\@b@c", "\"a\\@b\"@c|" },
	{ "a\\,b@c", "\"a\\,b\"@c|" },
	{ "a\\ b@c", "\"a\\ b\"@c|" },
	{ "\"a b\".c@d", "\"a b.c\"@d|" },
	{ "a.\"b\" . c@d", "a.b.c@d|" },
	/* groups */
	{ "Team: d@x, \"E, F\" <e@x>;, f", "d@x|e@x|f|" },
	{ "A few words: a b;", "a|b|" },
	{ "\"quoted, name\": a@x;", "a@x|" },
	{ "Team(x):(y)a@x(z);", "a@x|" },
	{ "Team: a@x, b@y", "a@x|b@y|" },
	{ "a@x;b@y;", "a@x|b@y|" },
	{ "x: y: z;", "z|" },
	{ "mailto:a@b", "a@b|" },
	/* the fields of one message */
	{ "\"Doe, John\" <a@hdr.example>, b@hdr.example (Doe, J (nested, x) "
	  "y),\n (pre) c(mid)@hdr.example",
	    "a@hdr.example|b@hdr.example|c@hdr.example|" },
	{ "Team: d@hdr.example, \"E, F\" <e@hdr.example>;, "
	  "=?utf-8?Q?J=C3=B6rg=2C_X?= <f@hdr.example>,\n \"Long\n Name, X\" "
	  "<g@hdr.example>, \"z@hdr.example\" <h@hdr.example>,\n John Q. "
	  "Public <i@hdr.example>",
	    "d@hdr.example|e@hdr.example|f@hdr.example|g@hdr.example|"
	    "h@hdr.example|i@hdr.example|" },
};

/* An address_map_fn. */
static int
qualify_box(const struct mailbox *box, void *arg, char **ret)
{
	(void)arg;
	if (box->domain.len > 0)
		return 0;
	*ret = strdup("@d.example");
	return *ret != NULL ? 0 : -ENOMEM;
}

static int
put_qualified(struct span body, FILE *out)
{
	return address_rewrite(body, qualify_box, NULL, out);
}

static int
put_box(const struct mailbox *box, void *arg)
{
	FILE *out = arg;

	address_put(out, box, NULL);
	(void)fputc('|', out);
	return 0;
}

START_TEST(visits_every_mailbox)
{
	size_t len, pos = 12345;
	char *got;
	FILE *out = open_memstream(&got, &len);

	ck_assert_ptr_nonnull(out);
	ck_assert_int_eq(
	    address_walk(span_of(lists[_i].body), put_box, out, &pos), 0);
	ck_assert_uint_eq(pos, 12345);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_str_eq(got, lists[_i].want);
	free(got);
}
END_TEST

static int
put_again(const struct mailbox *box, void *arg)
{
	size_t len, again_len, pos;
	char *once, *again;
	FILE *out = open_memstream(&once, &len);

	(void)arg;
	ck_assert_ptr_nonnull(out);
	address_put(out, box, NULL);
	ck_assert_int_eq(fclose(out), 0);
	out = open_memstream(&again, &again_len);
	ck_assert_ptr_nonnull(out);
	ck_assert_int_eq(address_walk(span_of(once), put_box, out, &pos), 0);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_uint_eq(again_len, len + 1);
	ck_assert_mem_eq(again, once, len);
	free(again);
	free(once);
	return 0;
}

/* What address_put() writes is one address and means itself. */
START_TEST(written_address_is_read_back)
{
	size_t pos;

	ck_assert_int_eq(
	    address_walk(span_of(lists[_i].body), put_again, NULL, &pos), 0);
}
END_TEST

static const struct {
	struct span body;
	size_t pos;
} refused[] = {
	/* unclosed */
	{ TEXT("\""), 0 },
	{ TEXT("a, \"b"), 3 },
	{ TEXT("\"a\\\""), 0 },
	{ TEXT("\"a\\"), 0 },
	{ TEXT("("), 0 },
	{ TEXT("a (b (c)"), 2 },
	{ TEXT("(a\\)"), 0 },
	{ TEXT("a@[1.2.3.4"), 2 },
	{ TEXT("Foo [bar <a@b>"), 4 },
	{ TEXT("<"), 0 },
	{ TEXT("<a@x"), 0 },
	{ TEXT("b, Ann <a@x"), 7 },
	{ TEXT("<a"), 0 },
	{ TEXT("<a@x, b@y"), 4 },
	{ TEXT("<@a"), 0 },
	{ TEXT("<@a:"), 0 },
	{ TEXT("<a@x (c>"), 5 },
	/* closed too often */
	{ TEXT("a)"), 1 },
	{ TEXT("a@x>"), 3 },
	{ TEXT("<a@x>>"), 5 },
	{ TEXT(">"), 0 },
	{ TEXT("a@[1]]"), 5 },
	{ TEXT("a]@b"), 1 },
	{ TEXT("a@b]"), 3 },
	/* brackets in brackets */
	{ TEXT("<<a>>"), 1 },
	{ TEXT("<<a@x>>"), 1 },
	{ TEXT("<a <b>>"), 3 },
	{ TEXT("<a b@c>"), 3 },
	{ TEXT("<a,b>"), 2 },
	{ TEXT("<a;>"), 2 },
	{ TEXT("<:a@b>"), 1 },
	{ TEXT("<a:b>"), 2 },
	{ TEXT("<@>"), 2 },
	{ TEXT("<@a>"), 3 },
	{ TEXT("<@a:>"), 4 },
	{ TEXT("<@a\"b\"@c>"), 3 },
	{ TEXT("<@a<b>"), 3 },
	/* halves of addresses */
	{ TEXT("@"), 0 },
	{ TEXT("@b"), 0 },
	{ TEXT("a, @b"), 3 },
	{ TEXT("@a,@b:c@d"), 0 },
	{ TEXT("a@"), 1 },
	{ TEXT("a@, b"), 1 },
	{ TEXT("<a@>"), 2 },
	{ TEXT("a@@b"), 1 },
	{ TEXT("a@b@c"), 3 },
	{ TEXT("a@\"b\""), 1 },
	{ TEXT("[1.2.3.4]"), 0 },
	{ TEXT("a@b [1]"), 4 },
	{ TEXT("a@[1]b"), 5 },
	{ TEXT("a@b[1]"), 3 },
	{ TEXT("\"a\"b@c"), 3 },
	{ TEXT("a\"b\"@c"), 1 },
	{ TEXT("\"a\"\"b\"@c"), 3 },
	{ TEXT("a@b\"c\"@d"), 3 },
	/* domains with empty labels */
	{ TEXT("a@."), 2 },
	{ TEXT("a@.b"), 2 },
	{ TEXT("a@b..c"), 4 },
	{ TEXT("a@b.."), 4 },
	{ TEXT("a@b. .c"), 5 },
	{ TEXT("a@b\\c"), 3 },
	{ TEXT("a@[1\\]]"), 4 },
	/* group names */
	{ TEXT(":"), 0 },
	{ TEXT(": a@x;"), 0 },
	{ TEXT("a::b"), 2 },
	{ TEXT("a@b:25"), 3 },
	{ TEXT("(c): a"), 3 },
	/* NUL and other controls */
	{ TEXT("\0"), 0 },
	{ TEXT("a\0b@c"), 1 },
	{ TEXT("a@b\0"), 3 },
	{ TEXT("\"a\0b\" <c@d>"), 2 },
	{ TEXT("\"a\\\0b\"@d"), 3 },
	{ TEXT("(a\0) b"), 2 },
	{ TEXT("(a\\\0) b"), 3 },
	{ TEXT("Ann\0 <a@b>"), 3 },
	{ TEXT("a@[1\0]"), 4 },
	{ TEXT("a\x01"
	       "b@c"),
	    1 },
	{ TEXT("a\x7f@c"), 1 },
	{ TEXT("a@b\x1b"
	       "m"),
	    3 },
	{ TEXT("a@b\vc"), 3 },
	{ TEXT("a@b\x1b[m"), 4 },
	{ TEXT("\"a\x01\"@c"), 2 },
	{ TEXT("\"a\\\x01\"@c"), 2 },
	{ TEXT("\"a\\\n\"@c"), 2 },
	{ TEXT("a@[1\x01]"), 4 },
	{ TEXT("a\\"), 1 },
	{ TEXT("a\\\r\n @b"), 1 },
};

START_TEST(refuses)
{
	size_t len, pos = 12345;
	char *got;
	FILE *out = open_memstream(&got, &len);

	ck_assert_ptr_nonnull(out);
	ck_assert_int_eq(
	    address_walk(refused[_i].body, put_box, out, &pos), -EINVAL);
	ck_assert_uint_eq(pos, refused[_i].pos);
	ck_assert_int_eq(fclose(out), 0);
	free(got);

	/* As it was, whatever stood before the error. */
	out = open_memstream(&got, &len);
	ck_assert_ptr_nonnull(out);
	ck_assert_int_eq(put_qualified(refused[_i].body, out), -EINVAL);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_uint_eq(len, refused[_i].body.len);
	ck_assert_mem_eq(got, refused[_i].body.ptr, len);
	free(got);
}
END_TEST

/* "whole{local,domain}" of each. */
static const struct {
	const char *body;
	const char *want;
} spans[] = {
	{ "a@x", "a@x{a,x}" },
	{ " a@x , b ", "a@x{a,x}b{b,}" },
	{ "(p) a@x (q) (r) ,b", "(p) a@x (q) (r){a,x}b{b,}" },
	{ "Ann Lee <a@x> (q) b", "Ann Lee <a@x> (q){a,x}b{b,}" },
	{ "a (x) b (y)", "a (x){a,}b (y){b,}" },
	{ "Team: a@x; b", "a@x{a,x}b{b,}" },
	{ "c(mid)@x . y.", "c(mid)@x . y.{c,x . y.}" },
	{ "a(x).b (z)", "a(x).b (z){a(x).b,}" },
	{ "<@r:a@[1.2.3.4]>", "<@r:a@[1.2.3.4]>{a,[1.2.3.4]}" },
	{ "\"a b\" @ x", "\"a b\" @ x{\"a b\",x}" },
	{ "<> (c) a", "(c) a{a,}" },
	{ "(p) x.y!b!c (q)", "(p) x.y!b!c (q){b!c,x.y}" },
};

static int
put_spans(const struct mailbox *box, void *arg)
{
	(void)fprintf(arg, "%.*s{%.*s,%.*s}", (int)box->whole.len,
	    box->whole.ptr, (int)box->local.len, box->local.ptr,
	    (int)box->domain.len, box->domain.ptr);
	return 0;
}

START_TEST(spans_are_exact)
{
	size_t len, pos;
	char *got;
	FILE *out = open_memstream(&got, &len);

	ck_assert_ptr_nonnull(out);
	ck_assert_int_eq(
	    address_walk(span_of(spans[_i].body), put_spans, out, &pos), 0);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_str_eq(got, spans[_i].want);
	free(got);
}
END_TEST

static int
stop_at_third(const struct mailbox *box, void *arg)
{
	int *n = arg;

	(void)box;
	return ++*n == 3 ? 42 : 0;
}

START_TEST(result_ends_the_walk)
{
	static const char *const bodies[] = { "a,b,c,d", "a b c d",
		"<a><b><c><d>", "g:a,b,c,d;", "a,b,c,\"unclosed" };
	size_t pos = 12345;
	int n = 0;

	ck_assert_int_eq(
	    address_walk(span_of(bodies[_i]), stop_at_third, &n, &pos), 42);
	ck_assert_int_eq(n, 3);
	ck_assert_uint_eq(pos, 12345);
}
END_TEST

/* With the origin "d.example". */
static const struct {
	const char *body;
	const char *want;
} qualified[] = {
	{ "", "" },
	{ " ", " " },
	{ "root (Cron Daemon)", "root@d.example (Cron Daemon)" },
	{ "root,a@dest.example", "root@d.example,a@dest.example" },
	{ " root\r\n\t,  a@x ", " root@d.example\r\n\t,  a@x " },
	{ "Ann <root> (x)", "Ann <root@d.example> (x)" },
	{ "root <a@x>", "root <a@x>" },
	{ "<@r:root>", "<@r:root@d.example>" },
	{ "a b;c", "a@d.example b@d.example;c@d.example" },
	{ "g: a, b@x;, c", "g: a@d.example, b@x;, c@d.example" },
	{ "undisclosed-recipients:;", "undisclosed-recipients:;" },
	{ "\"a b\"", "\"a b\"@d.example" },
	{ "a(x).b(y)", "a(x).b@d.example(y)" },
	{ "<>", "<>" },
	{ "host!user", "user@host" },
	{ " (x) Joe <a!b!c> (y),z", " (x) Joe <b!c@a> (y),z@d.example" },
	{ "host.!user c,a!b@c", "host.!user@d.example c@d.example,a!b@c" },
	{ "a b!.c", "a@d.example b!.c@d.example" },
	{ "!user", "!user@d.example" },
	{ "\"a!b\"", "\"a!b\"@d.example" },
	{ "a@localhost", "a@localhost" },
	{ "a@x., b", "a@x., b@d.example" },
	{ "a . b c", "a . b@d.example c@d.example" },
	{ "=?utf-8?Q?=2C?= <a>,\n b",
	    "=?utf-8?Q?=2C?= <a@d.example>,\n "
	    "b@d.example" },
};

static char *
qualify(const char *body)
{
	char *ret;
	size_t len;
	FILE *out = open_memstream(&ret, &len);

	ck_assert_ptr_nonnull(out);
	ck_assert_int_eq(put_qualified(span_of(body), out), 0);
	ck_assert_int_eq(fclose(out), 0);
	return ret;
}

START_TEST(qualifies)
{
	char *once = qualify(qualified[_i].body), *twice = qualify(once);

	ck_assert_str_eq(once, qualified[_i].want);
	ck_assert_str_eq(twice, once);
	free(twice);
	free(once);
}
END_TEST

static int
put_with_origin(const struct mailbox *box, void *arg)
{
	address_put(arg, box, "d.example");
	return 0;
}

START_TEST(puts_origin)
{
	size_t len, pos;
	char *got;
	FILE *out = open_memstream(&got, &len);

	ck_assert_ptr_nonnull(out);
	ck_assert_int_eq(
	    address_walk(span_of("root (x)"), put_with_origin, out, &pos), 0);
	(void)fputc(' ', out);
	ck_assert_int_eq(
	    address_walk(span_of("a..b"), put_with_origin, out, &pos), 0);
	(void)fputc(' ', out);
	ck_assert_int_eq(
	    address_walk(span_of("a@x."), put_with_origin, out, &pos), 0);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_str_eq(got, "root@d.example \"a..b\"@d.example a@x");
	free(got);
}
END_TEST

static const struct {
	struct span name;
	const char *want;
} phrases[] = {
	{ TEXT("Ann"), "Ann" },
	{ TEXT("Cron Daemon"), "Cron Daemon" },
	{ TEXT("J\xc3\xb6rg M\xc3\xbcller"), "J\xc3\xb6rg M\xc3\xbcller" },
	{ TEXT("=?utf-8?Q?J=C3=B6rg?="), "=?utf-8?Q?J=C3=B6rg?=" },
	{ TEXT("a+b'c"), "a+b'c" },
	{ TEXT("O\"Brien, X (y) <z>"), "\"O\\\"Brien, X (y) <z>\"" },
	{ TEXT("John Q. Public"), "\"John Q. Public\"" },
	{ TEXT("a\\b"), "\"a\\\\b\"" },
	{ TEXT("a@b"), "\"a@b\"" },
	{ TEXT("a:b"), "\"a:b\"" },
	{ TEXT("a;b"), "\"a;b\"" },
	{ TEXT("[a"), "\"[a\"" },
	{ TEXT("a]"), "\"a]\"" },
	{ TEXT("a)"), "\"a)\"" },
	{ TEXT(""), "\"\"" },
	{ TEXT(" "), "\" \"" },
	{ TEXT(" a"), "\" a\"" },
	{ TEXT("a "), "\"a \"" },
	{ TEXT("a  b"), "\"a  b\"" },
	{ TEXT("A\nBcc: x@y"), "\"A Bcc: x@y\"" },
	{ TEXT("A\r\nB"), "\"A  B\"" },
	{ TEXT("A\nB"), "A B" },
	{ TEXT("A\0B\tC\x7f"
	       "D\x1b"
	       "E"),
	    "A B C D E" },
	{ TEXT("\\\""), "\"\\\\\\\"\"" },
	{ { NULL, 0 }, "\"\"" },
};

START_TEST(puts_phrases)
{
	size_t len, pos;
	char *got;
	FILE *out = open_memstream(&got, &len);

	ck_assert_ptr_nonnull(out);
	address_put_phrase(out, phrases[_i].name);
	ck_assert_int_eq(fflush(out), 0);
	ck_assert_str_eq(got, phrases[_i].want);

	/* As a name it is nothing but a name. */
	(void)fputs(" <a@x>", out);
	ck_assert_int_eq(fflush(out), 0);
	{
		char *found;
		size_t found_len;
		FILE *boxes = open_memstream(&found, &found_len);

		ck_assert_ptr_nonnull(boxes);
		ck_assert_int_eq(
		    address_walk(span_of(got), put_box, boxes, &pos), 0);
		ck_assert_int_eq(fclose(boxes), 0);
		ck_assert_str_eq(found, "a@x|");
		free(found);
	}
	ck_assert_int_eq(fclose(out), 0);
	free(got);
}
END_TEST

static const struct {
	const char *a, *b;
	int want;
} comparisons[] = {
	{ "", "", 0 },
	{ "a@x", "a@x", 0 },
	{ "A@X.Test", "a@x.tEST", 0 },
	{ "a@x", "b@x", -1 },
	{ "a@x", "a@xx", -1 },
	{ "", "a", -1 },
	{ "a_@x", "aA@x", -1 },
	{ "[@x", "{@x", -1 },
	{ "@", "`", -1 },
	{ "a", "\xc3\xa4", -1 },
	{ "\xc3\x84", "\xc3\xa4", -1 },
};

START_TEST(compares)
{
	int there = address_compare(comparisons[_i].a, comparisons[_i].b);
	int back = address_compare(comparisons[_i].b, comparisons[_i].a);

	ck_assert_int_eq((there > 0) - (there < 0), comparisons[_i].want);
	ck_assert_int_eq((back > 0) - (back < 0), -comparisons[_i].want);
}
END_TEST

static int
count_box(const struct mailbox *box, void *arg)
{
	int *n = arg;

	(void)box;
	(*n)++;
	return 0;
}

/*
 * A PIECE a hundred thousand times: minutes, or the end of the stack, if
 * anything were quadratic or recursed.
 */
#define FLOOD 100000

static const struct {
	const char *piece;
	int n_boxes; /* in all; -1: refused */
} floods[] = {
	{ "someone@dest.example,\n ", FLOOD },
	{ "a@x ", FLOOD },
	{ "a ", FLOOD },
	{ "Ann <a@x>,", FLOOD },
	{ "Ann <a@x> ", FLOOD },
	{ "\"a, b\" (c) <a@x>;", FLOOD },
	{ "g:a@x;", FLOOD },
	{ "g:", 0 },
	{ ",", 0 },
	{ "<>", 0 },
	{ "(c)", 0 },
	{ "a (c)(c)(c)(c) ", FLOOD },
	{ "<@a,@b:c@d>", FLOOD },
	{ "(", -1 },
	{ ")", -1 },
	{ "<", -1 },
	{ "[", -1 },
	{ "@", -1 },
	{ "\"", -1 },
	{ "\\", 1 },
	{ "a@", -1 },
	{ "a\"", -1 },
	{ "((a)", -1 },
	{ "<a,", -1 },
	{ "<@a,", -1 },
	{ "g:\"", 1 },
};

START_TEST(floods_are_linear)
{
	const char *piece = floods[_i].piece;
	size_t piece_len = strlen(piece), pos, len;
	char *body = malloc(FLOOD * piece_len), *got;
	struct span all = { body, FLOOD * piece_len };
	FILE *out = open_memstream(&got, &len);
	int n = 0, err;

	ck_assert_ptr_nonnull(body);
	ck_assert_ptr_nonnull(out);
	for (size_t i = 0; i < FLOOD; i++)
		memcpy(body + i * piece_len, piece, piece_len);
	err = address_walk(all, count_box, &n, &pos);
	if (floods[_i].n_boxes < 0) {
		ck_assert_int_eq(err, -EINVAL);
	} else {
		ck_assert_int_eq(err, 0);
		ck_assert_int_eq(n, floods[_i].n_boxes);
	}
	ck_assert_int_eq(put_qualified(all, out), err);
	ck_assert_int_eq(fclose(out), 0);
	free(got);
	free(body);
}
END_TEST

/* Deep comments between a local part and its "@". */
START_TEST(deep_comment)
{
	enum { DEPTH = 100000 };
	size_t len = 2 * DEPTH + 4, got_len, pos;
	char *body = malloc(len), *got;
	FILE *out = open_memstream(&got, &got_len);

	ck_assert_ptr_nonnull(body);
	ck_assert_ptr_nonnull(out);
	body[0] = 'a';
	memset(body + 1, '(', DEPTH);
	memset(body + 1 + DEPTH, ')', DEPTH);
	memcpy(body + 1 + 2 * DEPTH, "@x.", 3);
	ck_assert_int_eq(
	    address_walk((struct span){ body, len }, put_box, out, &pos), 0);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_str_eq(got, "a@x|");
	free(got);
	free(body);
}
END_TEST

/* ---- other addresses in their places ----------------------------------- */

/* An address_map_fn: what follows "->" in ARG, or fails for "!". */
static int
map_box(const struct mailbox *box, void *arg, char **ret)
{
	const char *new = arg;

	ck_assert_uint_gt(box->local.len, 0);
	if (new[0] == '!')
		return -ENOMEM;
	*ret = new[0] == '\0' ? NULL : strdup(new);
	return 0;
}

static const struct {
	const char *body, *new, *want;
} rewrites[] = {
	{ "a@x", "b@y", "b@y" },
	{ "a", "b@y", "b@y" },
	{ "a", "@y", "a@y" },
	{ "a@x", "@y", "a@y" },
	{ "a@x", "", "a@x" },
	{ "", "b@y", "" },
	{ "<>", "b@y", "<>" },
	{ " Ann \"(x\" <a@x> (c),\n\tT: <@r:b@x>, c;", "d@y",
	    " Ann \"(x\" <d@y> (c),\n\tT: <@r:d@y>, d@y;" },
	{ "a (1) @ (2) x (3)", "b@y", "b (1) @ (2) y (3)" },
	{ "a . (1) b (2) @ (3) x . y", "@z", "a . (1) b (2) @ (3) z" },
	{ "a . (1) b (2)", "c@z", "c@z (2)" },
	{ "a@x, b@x", "\"c@d\"@y", "\"c@d\"@y, \"c@d\"@y" },
	{ "a@[1.2.3.4] b", "@y", "a@y b@y" },
	{ "a@x.", "@y", "a@y" },
};

START_TEST(addresses_are_replaced)
{
	char *got;
	size_t len;
	FILE *out = open_memstream(&got, &len);

	ck_assert_int_eq(address_rewrite(span_of(rewrites[_i].body), map_box,
			     (void *)(uintptr_t)rewrites[_i].new, out),
	    0);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_str_eq(got, rewrites[_i].want);
	free(got);
}
END_TEST

START_TEST(a_failure_leaves_the_rest)
{
	static char fail[] = "!";
	char *got;
	size_t len;
	FILE *out = open_memstream(&got, &len);

	ck_assert_int_eq(
	    address_rewrite(span_of("a@x, b"), map_box, fail, out), -ENOMEM);
	ck_assert_int_eq(
	    address_rewrite(span_of(" a@@x"), map_box, fail, out), -EINVAL);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_str_eq(got, "a@x, b a@@x");
	free(got);
}
END_TEST

static const struct {
	const char *addr;
	size_t want;
} locals[] = {
	{ "a@b", 1 },
	{ "abc", 3 },
	{ "", 0 },
	{ "\"a@b\"@c", 5 },
	{ "\"a\\\"@b\"@c", 7 },
	{ "a@[x@y]", 1 },
	{ "\\", 1 },
	{ "\"a", 2 },
};

START_TEST(local_parts_end_at_the_at)
{
	ck_assert_uint_eq(
	    address_local_len(span_of(locals[_i].addr)), locals[_i].want);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("address");
	TCase *tc = tcase_create("address");

	tcase_add_loop_test(tc, visits_every_mailbox, 0, COUNT(lists));
	tcase_add_loop_test(tc, written_address_is_read_back, 0, COUNT(lists));
	tcase_add_loop_test(tc, refuses, 0, COUNT(refused));
	tcase_add_loop_test(tc, spans_are_exact, 0, COUNT(spans));
	tcase_add_loop_test(tc, result_ends_the_walk, 0, 5);
	tcase_add_loop_test(tc, qualifies, 0, COUNT(qualified));
	tcase_add_test(tc, puts_origin);
	tcase_add_loop_test(tc, puts_phrases, 0, COUNT(phrases));
	tcase_add_loop_test(tc, compares, 0, COUNT(comparisons));
	tcase_add_loop_test(tc, floods_are_linear, 0, COUNT(floods));
	tcase_add_test(tc, deep_comment);
	tcase_add_loop_test(tc, addresses_are_replaced, 0, COUNT(rewrites));
	tcase_add_test(tc, a_failure_leaves_the_rest);
	tcase_add_loop_test(tc, local_parts_end_at_the_at, 0, COUNT(locals));
	suite_add_tcase(s, tc);
	return unit_main(s);
}
