/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See json-scan.h.  Only where values begin and end is found here; what is in
 * them is json-c's. */

#include "config.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json-scan.h"

/* Deeper than anything of ours is. */
#define DEPTH_MAX 16

static int
bad(struct json_scan *s, const char *why)
{
	s->why = why;
	return -EBADMSG;
}

/* The next byte, EOF at the end. */
static int
get(struct json_scan *s)
{
	int byte = getc_unlocked(s->in);

	if (byte == '\n')
		s->line++;
	return byte;
}

static void
unget(struct json_scan *s, int byte)
{
	if (byte == '\n')
		s->line--;
	(void)ungetc(byte, s->in);
}

static int
get_after_space(struct json_scan *s)
{
	int byte;

	do
		byte = get(s);
	while (byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r');
	return byte;
}

/* BYTE is not what has to come here. */
static int
bad_byte(struct json_scan *s, int byte, const char *why)
{
	if (byte != EOF)
		return bad(s, why);
	return ferror(s->in) ? -EIO : bad(s, "the file ends too early");
}

static int
keep(struct json_scan *s, int byte)
{
	size_t alloc = s->alloc == 0 ? 4096 : 2 * s->alloc;
	char *grown;

	if (byte == '\0')
		return bad(s, "a NUL byte");
	if (s->len + 1 >= s->max)
		return bad(s, "a value is too long");
	if (s->len + 1 >= s->alloc) {
		grown = realloc(s->text, alloc);
		if (grown == NULL)
			return -ENOMEM;
		s->text = grown;
		s->alloc = alloc;
	}
	s->text[s->len++] = (char)byte;
	s->text[s->len] = '\0';
	return 0;
}

/* The rest of a string, whose first quote is kept already. */
static int
take_string(struct json_scan *s)
{
	bool escaped = false;
	int byte, err;

	for (;;) {
		byte = get(s);
		if (byte == EOF)
			return bad_byte(s, byte, "");
		err = keep(s, byte);
		if (err < 0)
			return err;
		if (byte == '"' && !escaped)
			return 0;
		escaped = byte == '\\' && !escaped;
	}
}

/* The rest of an object or array, whose bracket is kept already. */
static int
take_nested(struct json_scan *s)
{
	unsigned depth = 1;
	int byte, err = 0;

	while (depth > 0 && err == 0) {
		byte = get(s);
		if (byte == EOF)
			return bad_byte(s, byte, "");
		err = keep(s, byte);
		if (err == 0 && byte == '"')
			err = take_string(s);
		else if (byte == '{' || byte == '[')
			depth++;
		else if (byte == '}' || byte == ']')
			depth--;
	}
	return err;
}

/* The rest of a number or of a word. */
static int
take_word(struct json_scan *s)
{
	int byte, err = 0;

	while (err == 0) {
		byte = get(s);
		if (byte == EOF || strchr(",:]} \t\r\n", byte) != NULL)
			break;
		err = keep(s, byte);
	}
	if (err == 0 && byte != EOF)
		unget(s, byte);
	return err;
}

/* One value as text. */
static int
take(struct json_scan *s)
{
	int byte = get_after_space(s), err;

	s->len = 0;
	if (byte == EOF || strchr(",]}:", byte) != NULL)
		return bad_byte(s, byte, "a value is missing");
	err = keep(s, byte);
	if (err < 0)
		return err;
	if (byte == '"')
		return take_string(s);
	return byte == '{' || byte == '[' ? take_nested(s) : take_word(s);
}

static int
parse(struct json_scan *s, struct json_object **ret)
{
	struct json_tokener *tok = json_tokener_new_ex(DEPTH_MAX);
	struct json_object *obj;
	enum json_tokener_error error;
	size_t used;

	if (tok == NULL)
		return -ENOMEM;
	/* With its NUL, which ends a number. */
	obj = json_tokener_parse_ex(tok, s->text, (int)s->len + 1);
	error = json_tokener_get_error(tok);
	used = json_tokener_get_parse_end(tok);
	json_tokener_free(tok);
	if (error == json_tokener_success && used >= s->len) {
		*ret = obj;
		return 1;
	}
	json_object_put(obj);
	return bad(s, "not JSON");
}

/* Before the next value of what ends by CLOSE: 1, or 0 at its end. */
static int
step(struct json_scan *s, char close)
{
	int byte = get_after_space(s);

	if (byte == close)
		return 0;
	if (s->count++ == 0) {
		if (byte == EOF)
			return bad_byte(s, byte, "");
		unget(s, byte);
		return 1;
	}
	return byte == ',' ? 1 : bad_byte(s, byte, "',' is missing");
}

int
json_scan_begin(struct json_scan *s, FILE *in, size_t max)
{
	int byte;

	*s = (struct json_scan){ .in = in, .max = max, .line = 1 };
	byte = get_after_space(s);
	return byte == '{' ? 1 : bad_byte(s, byte, "not a JSON object");
}

int
json_scan_key(struct json_scan *s, char *key, size_t size)
{
	struct json_object *obj = NULL;
	int byte, err = step(s, '}');

	if (err <= 0)
		return err;
	err = take(s);
	if (err == 0)
		err = parse(s, &obj);
	if (err < 0)
		return err;
	if (!json_object_is_type(obj, json_type_string)) {
		json_object_put(obj);
		return bad(s, "a member's name is missing");
	}
	(void)snprintf(key, size, "%s", json_object_get_string(obj));
	json_object_put(obj);
	byte = get_after_space(s);
	return byte == ':' ? 1 : bad_byte(s, byte, "':' is missing");
}

int
json_scan_value(struct json_scan *s, struct json_object **ret)
{
	int err = take(s);

	return err < 0 ? err : parse(s, ret);
}

int
json_scan_enter(struct json_scan *s)
{
	int byte = get_after_space(s);

	if (byte != '[') {
		unget(s, byte);
		return 0;
	}
	s->count = 0;
	return 1;
}

int
json_scan_element(struct json_scan *s, struct json_object **ret)
{
	int err = step(s, ']');

	if (err == 0)
		s->count = 1; /* of the object's members, at least */
	return err <= 0 ? err : json_scan_value(s, ret);
}

int
json_scan_end(struct json_scan *s)
{
	int byte = get_after_space(s);

	if (byte != EOF)
		return bad(s, "something follows the end");
	return ferror(s->in) ? -EIO : 0;
}

void
json_scan_release(struct json_scan *s)
{
	free(s->text);
	s->text = NULL;
}
