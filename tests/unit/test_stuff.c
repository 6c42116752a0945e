/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* Dot-stuffing: the same bytes however the message is cut into blocks. */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spoold/smtp/stuff.h"
#include "tests/unit/unit.h"

static const struct {
	const char *message;
	const char *wire; /* NULL: refused */
} cases[] = {
	{ "", "" },
	{ "\r\n", "\r\n" },
	{ "a: b\r\n\r\nhello\r\n", "a: b\r\n\r\nhello\r\n" },
	{ ".\r\n", "..\r\n" },
	{ "..\r\n", "...\r\n" },
	{ ".a\r\nb.\r\n.\r\n", "..a\r\nb.\r\n..\r\n" },
	{ "a\r\n.\r\n.\r\n\r\n.", "a\r\n..\r\n..\r\n\r\n..\r\n" },
	{ "no end", "no end\r\n" },
	{ "a.b.\r\n", "a.b.\r\n" },
	{ "a\n.\r\nMAIL FROM:<x>\r\n", NULL },
	{ "a\r.\r\n", NULL },
	{ "a\r\r\n", NULL },
	{ "a\n\r\n", NULL },
	{ "\n", NULL },
	{ "\r", NULL },
	{ "a\r\n\r", NULL },
	{ "a\r\n\rb\r\n", NULL },
	{ ".\n", NULL },
};

#define CASES ((int)(sizeof(cases) / sizeof(cases[0])))

static int
put(const char *bytes, size_t len, void *arg)
{
	return fwrite(bytes, 1, len, arg) == len ? 0 : -EIO;
}

/* Stuff MESSAGE in blocks of FIRST, then of NEXT bytes; to be freed. */
static char *
stuff(const char *message, size_t first, size_t next, int *ret_err)
{
	struct stuffer s;
	char *wire = NULL;
	size_t size, len = strlen(message), off = 0, n = first;
	FILE *out = open_memstream(&wire, &size);
	int err = 0;

	stuffer_init(&s);
	while (off < len && err == 0) {
		if (n > len - off)
			n = len - off;
		err = stuffer_feed(&s, message + off, n, put, out);
		off += n;
		n = next;
	}
	if (err == 0)
		err = stuffer_end(&s, put, out);
	ck_assert_int_eq(fclose(out), 0);
	*ret_err = err;
	return wire;
}

START_TEST(stuffs_every_cut_alike)
{
	size_t len = strlen(cases[_i].message) + 1;
	char *wire;
	int err;

	for (size_t first = 1; first <= len; first++) {
		for (size_t next = 1; next <= len; next++) {
			wire = stuff(cases[_i].message, first, next, &err);
			if (cases[_i].wire == NULL) {
				ck_assert_int_eq(err, -EBADMSG);
			} else {
				ck_assert_int_eq(err, 0);
				ck_assert_str_eq(wire, cases[_i].wire);
			}
			free(wire);
		}
	}
}
END_TEST

static int
refuse(const char *bytes, size_t len, void *arg)
{
	(void)bytes;
	(void)len;
	(void)arg;
	return -EPIPE;
}

START_TEST(passes_a_failure_on)
{
	struct stuffer s;

	stuffer_init(&s);
	ck_assert_int_eq(stuffer_feed(&s, "a\r\n", 3, refuse, NULL), -EPIPE);
	stuffer_init(&s);
	ck_assert_int_eq(stuffer_feed(&s, ".\r\n", 3, refuse, NULL), -EPIPE);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("stuff");
	TCase *tc = tcase_create("all");

	tcase_add_loop_test(tc, stuffs_every_cut_alike, 0, CASES);
	tcase_add_test(tc, passes_a_failure_on);
	suite_add_tcase(s, tc);
	return unit_main(s);
}
