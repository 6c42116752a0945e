/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The one place that knows how a byte string becomes a field of a line. */

#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/wire.h"

static const char hex_digits[] = "0123456789ABCDEF";

static bool
is_plain(unsigned char byte)
{
	return byte > 0x20 && byte < 0x7f && byte != '%' && byte != '<';
}

void
wire_put(FILE *out, struct span value)
{
	if (value.len == 0)
		fputs("<>", out);
	for (size_t i = 0; i < value.len; i++) {
		unsigned char byte = (unsigned char)value.ptr[i];

		if (is_plain(byte)) {
			putc(byte, out);
			continue;
		}
		putc('%', out);
		putc(hex_digits[byte >> 4], out);
		putc(hex_digits[byte & 15], out);
	}
}

void
wire_puts(FILE *out, const char *value)
{
	wire_put(out, span_of(value));
}

char *
wire_encode(char *at, struct span value)
{
	if (value.len == 0) {
		*at++ = '<';
		*at++ = '>';
	}
	for (size_t i = 0; i < value.len; i++) {
		unsigned char byte = (unsigned char)value.ptr[i];

		if (is_plain(byte)) {
			*at++ = (char)byte;
			continue;
		}
		*at++ = '%';
		*at++ = hex_digits[byte >> 4];
		*at++ = hex_digits[byte & 15];
	}
	return at;
}

/* The value of an upper-case hexadecimal digit, -1 for another byte. */
static int
hex_value(char digit)
{
	const char *at = memchr(hex_digits, digit, 16);

	return at == NULL ? -1 : (int)(at - hex_digits);
}

/*
 * Decode the byte at *POS of FIELD and step over it.  -1 for what wire_put()
 * never writes: one value has one encoding, so that fields compare as text.
 */
static int
get_byte(struct span field, size_t *pos)
{
	unsigned char byte = (unsigned char)field.ptr[(*pos)++];
	int high, low, value;

	if (byte != '%')
		return is_plain(byte) ? byte : -1;
	if (field.len - *pos < 2)
		return -1;
	high = hex_value(field.ptr[(*pos)++]);
	low = hex_value(field.ptr[(*pos)++]);
	if (high < 0 || low < 0)
		return -1;
	value = high << 4 | low;
	return value == 0 || is_plain((unsigned char)value) ? -1 : value;
}

bool
wire_decode(struct span field, char *at)
{
	size_t pos = 0;
	int byte;

	if (span_is(field, "<>"))
		pos = field.len;
	else if (field.len == 0)
		goto fail;
	while (pos < field.len) {
		byte = get_byte(field, &pos);
		if (byte < 0)
			goto fail;
		*at++ = (char)byte;
	}
	*at = '\0';
	return true;
fail:
	errno = EINVAL;
	return false;
}

char *
wire_get(struct span field)
{
	char *value = malloc(field.len + 1);

	if (value == NULL || wire_decode(field, value))
		return value;
	free(value);
	errno = EINVAL;
	return NULL;
}

bool
wire_next(struct span *rest, struct span *ret_field)
{
	const char *space;
	struct span field = *rest;

	if (rest->len == 0)
		return false;
	/*
	 * A space at the very end separates nothing: it stays in the last
	 * field, where wire_get() and wire_number() refuse it.
	 */
	space = memchr(rest->ptr, ' ', rest->len - 1);
	if (space != NULL)
		field.len = (size_t)(space - rest->ptr);
	rest->ptr += field.len;
	rest->len -= field.len;
	if (space != NULL) {
		rest->ptr++;
		rest->len--;
	}
	*ret_field = field;
	return true;
}

bool
wire_line(struct span *rest, struct span *ret_line)
{
	const char *end;
	struct span line = *rest;

	if (rest->len == 0)
		return false;
	end = memchr(rest->ptr, '\n', rest->len);
	if (end == NULL)
		return false;
	line.len = (size_t)(end - rest->ptr);
	rest->ptr += line.len + 1;
	rest->len -= line.len + 1;
	*ret_line = line;
	return true;
}

bool
wire_number(struct span field, unsigned long long max, unsigned long long *ret)
{
	unsigned long long value = 0;

	if (field.len == 0)
		return false;
	for (size_t i = 0; i < field.len; i++) {
		unsigned digit = (unsigned char)field.ptr[i] - (unsigned)'0';

		if (digit > 9 || digit > max || value > (max - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*ret = value;
	return true;
}
