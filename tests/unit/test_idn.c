/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* Addresses in ASCII for relays that know nothing else. */

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "spoold/smtp/idn.h"
#include "tests/unit/unit.h"

static const struct {
	const char *addr;
	const char *want; /* NULL: it has none */
	int err;
} rows[] = {
	{ "ann@x.test", "ann@x.test", 0 },
	{ "ann", "ann", 0 },
	{ "ann@X.Test", "ann@X.Test", 0 },
	{ "\"a@b\"@x.test", "\"a@b\"@x.test", 0 },
	{ "ann@b\xc3\xbc"
	  "cher.test",
	    "ann@xn--bcher-kva.test", 0 },
	{ "ann@B\xc3\x9c"
	  "CHER.Test",
	    "ann@xn--bcher-kva.test", 0 },
	{ "\"a@b\"@\xc3\xbc.test", "\"a@b\"@xn--tda.test", 0 },
	{ "a+b@u\xcc\x88.test", "a+b@xn--tda.test", 0 },
	/* a sharp s is one, by today's rules */
	{ "a@stra\xc3\x9f"
	  "e.test",
	    "a@xn--strae-oqa.test", 0 },
	/* a snowman is allowed by yesterday's only */
	{ "a@\xe2\x98\x83.test", "a@xn--n3h.test", 0 },
	{ "j\xc3\xb6rg@x.test", NULL, -EINVAL },
	{ "j\xc3\xb6rg@\xc3\xbc.test", NULL, -EINVAL },
	{ "j\xc3\xb6rg", NULL, -EINVAL },
	{ "a@\xfc.test", NULL, -EINVAL },
	{ "a@-\xc3\xbc.test", NULL, -EDOM },
	{ "a@xn--\xc3\xbc.test", NULL, -EDOM },
	{ "a@[\xc3\xbc]", NULL, -EDOM },
	/* a wide '>', '@' and space are mapped to the narrow ones */
	{ "a@\xc3\xbc.x\xef\xbc\x9ey.test", NULL, -EDOM },
	{ "a@b\xef\xbc\x9e"
	  "c.test",
	    NULL, -EDOM },
	{ "a@\xc3\xbc.x\xef\xbc\xa0y.test", NULL, -EDOM },
	{ "a@\xc3\xbc.x\xe3\x80\x80y.test", NULL, -EDOM },
};

START_TEST(domains_become_ascii)
{
	const char *why = NULL;
	char *got = NULL;
	int err = idn_ascii(rows[_i].addr, &got, &why);

	ck_assert_int_eq(err, rows[_i].err);
	if (err == 0) {
		ck_assert_str_eq(got, rows[_i].want);
		free(got);
	} else {
		ck_assert_ptr_null(got);
		ck_assert_uint_gt(strlen(why), 5);
	}
}
END_TEST

/* Whatever is made of a domain does no harm in a command. */
START_TEST(no_character_becomes_a_command)
{
	for (unsigned code = 0x80; code < 0x30000; code++) {
		char addr[40], *got = NULL;
		const char *why = NULL;
		int n;

		if (code >= 0xd800 && code < 0xe000)
			continue;
		n = snprintf(addr, sizeof(addr), "a@b");
		if (code < 0x800)
			n += sprintf(addr + n, "%c%c", (int)(0xc0 | code >> 6),
			    (int)(0x80 | (code & 0x3f)));
		else if (code < 0x10000)
			n += sprintf(addr + n, "%c%c%c",
			    (int)(0xe0 | code >> 12),
			    (int)(0x80 | (code >> 6 & 0x3f)),
			    (int)(0x80 | (code & 0x3f)));
		else
			n += sprintf(addr + n, "%c%c%c%c",
			    (int)(0xf0 | code >> 18),
			    (int)(0x80 | (code >> 12 & 0x3f)),
			    (int)(0x80 | (code >> 6 & 0x3f)),
			    (int)(0x80 | (code & 0x3f)));
		(void)sprintf(addr + n, "c.test");
		if (idn_ascii(addr, &got, &why) < 0)
			continue;
		ck_assert_ptr_null(envelope_address_fault(got));
		ck_assert_uint_eq(strspn(got + 2,
				      "abcdefghijklmnopqrstuvwxyz"
				      "0123456789-_."),
		    strlen(got + 2));
		free(got);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("idn");
	TCase *tc = tcase_create("idn");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(
	    tc, domains_become_ascii, 0, (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(tc, no_character_becomes_a_command);
	suite_add_tcase(s, tc);
	return unit_main(s);
}
