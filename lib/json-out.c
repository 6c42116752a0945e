/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* JSON text in a growing buffer. */

#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/json-out.h"
#include "lib/text.h"

#define FIRST_BYTES ((size_t)4096)
#define MICROSECONDS 1000000u

/* Room for LEN more bytes, or false. */
static bool
has_room(struct json_out *o, size_t len)
{
	size_t alloc = o->alloc == 0 ? FIRST_BYTES : o->alloc;
	char *grown;

	if (o->failed)
		return false;
	if (len <= o->alloc - o->len)
		return true;
	while (alloc - o->len < len && alloc <= SIZE_MAX / 2)
		alloc *= 2;
	grown = alloc - o->len < len ? NULL : realloc(o->text, alloc);
	if (grown == NULL) {
		o->failed = true;
		return false;
	}
	o->text = grown;
	o->alloc = alloc;
	return true;
}

void
json_out_raw(struct json_out *o, const char *text, size_t len)
{
	if (!has_room(o, len))
		return;
	memcpy(o->text + o->len, text, len);
	o->len += len;
}

static void
put_char(struct json_out *o, char c)
{
	json_out_raw(o, &c, 1);
}

/* How many bytes S begins with that are themselves in JSON: printable ASCII
 * without quote and backslash. */
static size_t
plain_len(const char *s)
{
	const char *at = s;

	while ((unsigned char)(*at - ' ') < 0x7f - ' ' && *at != '"' &&
	    *at != '\\')
		at++;
	return (size_t)(at - s);
}

/* S, which has no control characters. */
static void
put_text(struct json_out *o, const char *s)
{
	const char *from = s;

	for (; *s != '\0'; s++) {
		if (*s != '"' && *s != '\\')
			continue;
		json_out_raw(o, from, (size_t)(s - from));
		put_char(o, '\\');
		from = s;
	}
	json_out_raw(o, from, (size_t)(s - from));
}

/* S, of which any byte may need care. */
static void
put_hard_string(struct json_out *o, const char *s)
{
	char *clean = text_clean(span_of(s), 4 * strlen(s) + 1);

	if (clean == NULL)
		o->failed = true;
	put_char(o, '"');
	if (clean != NULL)
		put_text(o, clean);
	put_char(o, '"');
	free(clean);
}

/* LEN bytes of TEXT between quotes, and AFTER. */
static void
put_quoted(struct json_out *o, const char *text, size_t len, const char *after)
{
	char *at;

	if (!has_room(o, len + 3))
		return;
	at = o->text + o->len;
	*at++ = '"';
	memcpy(at, text, len);
	at += len;
	*at++ = '"';
	if (*after != '\0')
		*at++ = *after;
	o->len = (size_t)(at - o->text);
}

void
json_out_string(struct json_out *o, const char *s)
{
	size_t len = plain_len(s);

	/* Most are. */
	if (s[len] == '\0')
		put_quoted(o, s, len, "");
	else
		put_hard_string(o, s);
}

void
json_out_key(struct json_out *o, const char *key)
{
	if (o->len > 0 && o->text[o->len - 1] != '{')
		put_char(o, ',');
	put_quoted(o, key, strlen(key), ":");
}

void
json_out_member(struct json_out *o, const char *key, const char *val)
{
	if (val == NULL)
		return;
	json_out_key(o, key);
	json_out_string(o, val);
}

/* At least WIDTH digits. */
static void
put_number(struct json_out *o, uint64_t val, size_t width)
{
	char digits[20];
	size_t n = 0;

	do {
		digits[sizeof(digits) - ++n] = (char)('0' + val % 10);
		val /= 10;
	} while (val > 0 || n < width);
	json_out_raw(o, digits + sizeof(digits) - n, n);
}

void
json_out_uint(struct json_out *o, const char *key, uint64_t val)
{
	json_out_key(o, key);
	put_number(o, val, 1);
}

void
json_out_time(struct json_out *o, const char *key, int64_t us)
{
	uint64_t all = us < 0 ? -(uint64_t)us : (uint64_t)us;

	json_out_key(o, key);
	if (us < 0)
		put_char(o, '-');
	put_number(o, all / MICROSECONDS, 1);
	put_char(o, '.');
	put_number(o, all % MICROSECONDS, 6);
}

void
json_out_cut(struct json_out *o, size_t len)
{
	o->len = len;
	o->failed = false;
}

void
json_out_free(struct json_out *o)
{
	free(o->text);
	*o = (struct json_out){ .text = NULL };
}
