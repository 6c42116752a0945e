/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* A document read value by value. */

#include "config.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json-scan.h"
#include "tests/unit/unit.h"

/* What is read, "key=value key[ element element ]" and so on. */
static void
print_elements(struct json_scan *s, FILE *out, int *err)
{
	struct json_object *obj = NULL;

	(void)fputs("[ ", out);
	while ((*err = json_scan_element(s, &obj)) > 0) {
		(void)fprintf(out, "%s ",
		    json_object_to_json_string_ext(
			obj, JSON_C_TO_STRING_PLAIN));
		json_object_put(obj);
	}
	(void)fputs("] ", out);
}

static int
print(struct json_scan *s, FILE *in, FILE *out)
{
	struct json_object *obj = NULL;
	char key[16];
	int err = json_scan_begin(s, in, 64);

	while (err >= 0 && (err = json_scan_key(s, key, sizeof(key))) > 0) {
		(void)fprintf(out, "%s=", key);
		if (strcmp(key, "list") == 0 && json_scan_enter(s) > 0) {
			print_elements(s, out, &err);
			continue;
		}
		err = json_scan_value(s, &obj);
		if (err > 0)
			(void)fprintf(out, "%s ",
			    json_object_to_json_string_ext(
				obj, JSON_C_TO_STRING_PLAIN));
		if (err > 0)
			json_object_put(obj);
	}
	return err < 0 ? err : json_scan_end(s);
}

/* WANT is what is printed, or "!" and what is wrong. */
static const struct {
	const char *text, *want;
} documents[] = {
	{ "{}", "" },
	{ " {\n\t\"a\" : 1 }\n", "a=1 " },
	{ "{\"a\":\"}\\\"]\",\"b\":[1,{\"c\":[]}]}",
	    "a=\"}\\\"]\" b=[1,{\"c\":[]}] " },
	{ "{\"list\":[],\"b\":null}", "list=[ ] b=null " },
	{ "{\"list\":[\n1 ,\"x\\\\\", {\"y\":\"[\"}\n] , \"b\":true}",
	    "list=[ 1 \"x\\\\\" {\"y\":\"[\"} ] b=true " },
	{ "{\"list\":7}", "list=7 " },
	{ "", "!the file ends too early" },
	{ "[]", "!not a JSON object" },
	{ "{", "!the file ends too early" },
	{ "{\"a\":1", "!the file ends too early" },
	{ "{\"a\":1}x", "!something follows the end" },
	{ "{\"a\":1,}", "!a value is missing" },
	{ "{\"a\":1 \"b\":2}", "!',' is missing" },
	{ "{\"a\" 1}", "!':' is missing" },
	{ "{1:1}", "!a member's name is missing" },
	{ "{\"a\":}", "!a value is missing" },
	{ "{\"a\":nonsense}", "!not JSON" },
	{ "{\"a\":1 2}", "!',' is missing" },
	{ "{\"a\":{\"b\":1]}", "!not JSON" },
	{ "{\"list\":[1,]}", "!a value is missing" },
	{ "{\"list\":[1 2]}", "!',' is missing" },
	{ "{\"list\":[1", "!the file ends too early" },
	{ "{\"list\":[\"abc", "!the file ends too early" },
	{ "{\"a\":\"0123456789012345678901234567890123456789"
	  "01234567890123456789\"}",
	    "a=\"0123456789012345678901234567890123456789"
	    "01234567890123456789\" " },
	{ "{\"a\":\"0123456789012345678901234567890123456789"
	  "012345678901234567890123456789\"}",
	    "!a value is too long" },
	{ "{\"a\":[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]}", "!not JSON" },
};

START_TEST(documents_are_taken_apart)
{
	const char *text = documents[_i].text, *want = documents[_i].want;
	struct json_scan s;
	FILE *in = fmemopen(
	    (void *)(uintptr_t)text, strlen(text) > 0 ? strlen(text) : 1, "r");
	char *got;
	size_t len;
	FILE *out = open_memstream(&got, &len);
	int err;

	ck_assert_ptr_nonnull(in);
	if (text[0] == '\0')
		(void)fgetc(in);
	err = print(&s, in, out);
	ck_assert_int_eq(fclose(out), 0);
	(void)fclose(in);
	if (want[0] == '!') {
		ck_assert_int_eq(err, -EBADMSG);
		ck_assert_str_eq(s.why, want + 1);
	} else {
		ck_assert_int_eq(err, 0);
		ck_assert_str_eq(got, want);
	}
	free(got);
	json_scan_release(&s);
}
END_TEST

START_TEST(the_line_of_a_fault_is_known)
{
	char text[] = "{\"a\":1,\n\"b\":2,\n\"c\" 3}\n";
	struct json_scan s;
	FILE *in = fmemopen(text, strlen(text), "r");
	char *got;
	size_t len;
	FILE *out = open_memstream(&got, &len);

	ck_assert_int_eq(print(&s, in, out), -EBADMSG);
	ck_assert_uint_eq(s.line, 3);
	(void)fclose(out);
	(void)fclose(in);
	free(got);
	json_scan_release(&s);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

int
main(void)
{
	Suite *s = suite_create("json scan");
	TCase *tc = tcase_create("json scan");

	tcase_add_loop_test(tc, documents_are_taken_apart, 0, COUNT(documents));
	tcase_add_test(tc, the_line_of_a_fault_is_known);
	suite_add_tcase(s, tc);
	return unit_main(s);
}
