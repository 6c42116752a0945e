/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See json-in.h. */

#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json-in.h"

/* Deepest nesting that is passed over. */
#define DEPTH_MAX 64
#define MICROSECONDS 1000000u

void
json_in_begin(struct json_in *in, char *text, size_t len)
{
	*in = (struct json_in){ .at = text, .end = text + len };
}

/* The next byte behind white space, NUL at the end. */
static char
peek(struct json_in *in)
{
	while (in->at < in->end &&
	    (*in->at == ' ' || *in->at == '\t' || *in->at == '\n' ||
		*in->at == '\r'))
		in->at++;
	return in->at < in->end ? *in->at : '\0';
}

static bool
take(struct json_in *in, char c)
{
	if (in->bad || peek(in) != c) {
		in->bad = true;
		return false;
	}
	in->at++;
	return true;
}

bool
json_in_ends(struct json_in *in)
{
	(void)peek(in);
	return !in->bad && in->at == in->end;
}

void
json_in_enter(struct json_in *in, char bracket)
{
	(void)take(in, bracket);
}

bool
json_in_more(struct json_in *in, char bracket, unsigned *count)
{
	if (in->bad)
		return false;
	if (peek(in) == bracket + 2) { /* '{' '}' and '[' ']' */
		in->at++;
		return false;
	}
	return (*count)++ == 0 || take(in, ',');
}

/* ---- strings --------------------------------------------------------- */

/* Four hexadecimal digits at *AT, or -1. */
static long
hex4(const char *at, const char *end)
{
	long code = 0;

	if (end - at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		static const char digits[] = "0123456789abcdef0123456789ABCDEF";
		const char *digit =
		    at[i] == '\0' ? NULL : strchr(digits, at[i]);

		if (digit == NULL)
			return -1;
		code = code * 16 + (digit - digits) % 16;
	}
	return code;
}

/* CODE as UTF-8, at OUT; its end. */
static char *
put_code(char *out, unsigned long code)
{
	if (code < 0x80) {
		*out++ = (char)code;
		return out;
	}
	if (code < 0x800) {
		*out++ = (char)(0xc0 | code >> 6);
	} else {
		if (code < 0x10000) {
			*out++ = (char)(0xe0 | code >> 12);
		} else {
			*out++ = (char)(0xf0 | code >> 18);
			*out++ = (char)(0x80 | (code >> 12 & 0x3f));
		}
		*out++ = (char)(0x80 | (code >> 6 & 0x3f));
	}
	*out++ = (char)(0x80 | (code & 0x3f));
	return out;
}

/* The second half, behind HIGH, of a character beyond 16 bits; all of it, or
 * -1. */
static long
take_low(struct json_in *in, long high)
{
	long low = -1;

	if (in->end - in->at > 2 && in->at[0] == '\\' && in->at[1] == 'u')
		low = hex4(in->at + 2, in->end);
	if (low < 0xdc00 || low > 0xdfff)
		return -1;
	in->at += 6;
	return 0x10000 + (high - 0xd800) * 0x400 + (low - 0xdc00);
}

/* What follows "\u", IN->at being behind it, to OUT; its end, or NULL. */
static char *
take_code(struct json_in *in, char *out)
{
	long code = hex4(in->at, in->end);

	if (code <= 0)
		return NULL;
	in->at += 4;
	if (code >= 0xd800 && code < 0xdc00)
		code = take_low(in, code);
	if (code < 0 || (code >= 0xdc00 && code < 0xe000))
		return NULL;
	/* Never longer than its escape. */
	return put_code(out, (unsigned long)code);
}

/* An escape, IN->at being behind its backslash, to OUT; its end, or NULL. */
static char *
take_escape(struct json_in *in, char *out)
{
	static const char letters[] = "\"\\/bfnrt";
	static const char meant[] = "\"\\/\b\f\n\r\t";
	char c = in->at < in->end ? *in->at++ : '\0';
	const char *at = c == '\0' ? NULL : strchr(letters, c);

	if (c == 'u')
		return take_code(in, out);
	if (at == NULL)
		return NULL;
	*out++ = meant[at - letters];
	return out;
}

/* Of a string, from IN->at to its quote, with escapes; NULL if bad. */
static const char *
take_escaped(struct json_in *in, char *begin)
{
	char *out = in->at;

	while (out != NULL && in->at < in->end && *in->at != '"') {
		char c = *in->at++;

		if (c == '\\')
			out = take_escape(in, out);
		else if ((unsigned char)c < ' ')
			out = NULL;
		else
			*out++ = c;
	}
	if (out == NULL || in->at == in->end) {
		in->bad = true;
		return NULL;
	}
	in->at++;
	*out = '\0';
	return begin;
}

const char *
json_in_string(struct json_in *in)
{
	char *begin;

	if (!take(in, '"'))
		return NULL;
	begin = in->at;
	while (in->at < in->end && *in->at != '"' && *in->at != '\\' &&
	    (unsigned char)*in->at >= ' ')
		in->at++;
	return take_escaped(in, begin);
}

const char *
json_in_key(struct json_in *in)
{
	const char *key = json_in_string(in);

	return take(in, ':') ? key : NULL;
}

/* ---- numbers --------------------------------------------------------- */

/* The digits at *AT; *AT is behind them.  False if they are too many. */
static bool
digits(char **at, uint64_t *ret)
{
	uint64_t n = 0;
	char *begin = *at;

	for (; **at >= '0' && **at <= '9'; (*at)++)
		n = n * 10 + (uint64_t)(**at - '0');
	*ret = n;
	return *at > begin && *at - begin < 19;
}

static bool
ends_number(char c)
{
	return c == ',' || c == '}' || c == ']' || c == ' ' || c == '\0' ||
	    c == '\n';
}

/* The end of the number that begins at AT, as JSON has them; AT for none. */
static char *
number_end(char *at)
{
	static const char ten[] = "0123456789";
	char *begin = at;
	size_t n;

	at += *at == '-';
	n = strspn(at, ten);
	if (n == 0 || (n > 1 && *at == '0'))
		return begin;
	at += n;
	if (*at == '.') {
		n = strspn(at + 1, ten);
		if (n == 0)
			return begin;
		at += 1 + n;
	}
	if (*at == 'e' || *at == 'E') {
		at++;
		at += *at == '+' || *at == '-';
		n = strspn(at, ten);
		if (n == 0)
			return begin;
		at += n;
	}
	return at;
}

/* Any number, as it is seldom written. */
static double
take_double(struct json_in *in)
{
	char *end;
	double value = 0;

	(void)peek(in);
	end = number_end(in->at);
	/* What follows must not be more of it to strtod(3): "0x10". */
	if (end > in->at && ends_number(*end))
		value = strtod(in->at, NULL);
	else
		end = in->at;
	if (end == in->at || end > in->end || !isfinite(value)) {
		in->bad = true;
		return 0;
	}
	in->at = end;
	return value;
}

uint64_t
json_in_uint(struct json_in *in)
{
	char first = peek(in), *at = in->at;
	uint64_t n;
	double value;

	if (in->bad)
		return 0;
	if (first == 't' || first == 'f')
		return json_in_bool(in);
	if (digits(&at, &n) && ends_number(*at)) {
		in->at = at;
		return n;
	}
	value = take_double(in);
	return value > 0 && value < 1e18 ? (uint64_t)value : 0;
}

/* "123.000456" at *AT, as most times are written. */
static bool
take_exact(char **at, int64_t *ret_us)
{
	uint64_t s, fraction;
	char *dot;

	if (!digits(at, &s) || s > 4000000000u || **at != '.')
		return false;
	dot = ++*at;
	if (!digits(at, &fraction) || *at - dot != 6 || !ends_number(**at))
		return false;
	*ret_us = (int64_t)(s * MICROSECONDS + fraction);
	return true;
}

int64_t
json_in_time(struct json_in *in)
{
	char *at;
	int64_t us;
	double s;

	if (in->bad)
		return 0;
	(void)peek(in);
	at = in->at;
	if (take_exact(&at, &us)) {
		in->at = at;
		return us;
	}
	s = take_double(in);
	/* Beyond that, a double has no microseconds and no year either. */
	return fabs(s) > 4e9 ? 0 : (int64_t)(s * 1e6 + (s < 0 ? -0.5 : 0.5));
}

/* ---- words, and the rest --------------------------------------------- */

static bool
take_word(struct json_in *in, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(in->end - in->at) < len ||
	    memcmp(in->at, word, len) != 0) {
		in->bad = true;
		return false;
	}
	in->at += len;
	return true;
}

bool
json_in_bool(struct json_in *in)
{
	char first = in->bad ? '\0' : peek(in);

	if (first == 't')
		return take_word(in, "true");
	(void)take_word(in, "false");
	return false;
}

/* A value that holds no others. */
static void
skip_plain(struct json_in *in, char first)
{
	switch (first) {
	case '"':
		(void)json_in_string(in);
		break;
	case 't':
	case 'f':
		(void)json_in_bool(in);
		break;
	case 'n':
		(void)take_word(in, "null");
		break;
	default:
		(void)take_double(in);
		break;
	}
}

static void
skip_deep(struct json_in *in, unsigned depth)
{
	char first = in->bad ? '\0' : peek(in);
	unsigned count = 0;

	if (first != '{' && first != '[') {
		skip_plain(in, first);
		return;
	}
	if (depth == DEPTH_MAX) {
		in->bad = true;
		return;
	}
	json_in_enter(in, first);
	while (json_in_more(in, first, &count)) {
		if (first == '{')
			(void)json_in_key(in);
		skip_deep(in, depth + 1);
	}
}

void
json_in_skip(struct json_in *in)
{
	skip_deep(in, 0);
}
