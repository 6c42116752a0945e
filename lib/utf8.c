/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * What may be shown, and what SMTPUTF8 may say, is decided by the same
 * reading of UTF-8.
 */

#include "config.h"

#include "lib/utf8.h"

/* Length of the sequence that a lead byte announces, 0 if it cannot lead. */
static size_t
sequence_len(unsigned char lead)
{
	if (lead < 0x80)
		return 1;
	if (lead >= 0xc2 && lead <= 0xdf)
		return 2;
	if (lead >= 0xe0 && lead <= 0xef)
		return 3;
	if (lead >= 0xf0 && lead <= 0xf4)
		return 4;
	return 0;
}

size_t
utf8_decode(struct span text, uint32_t *ret_code)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = sequence_len((unsigned char)text.ptr[0]);
	uint32_t code = (unsigned char)text.ptr[0];

	if (len == 0 || len > text.len)
		return 0;
	if (len > 1)
		code &= 0x7fU >> len;
	for (size_t i = 1; i < len; i++) {
		if (!utf8_is_tail(text.ptr[i]))
			return 0;
		code = code << 6 | ((unsigned char)text.ptr[i] & 0x3fU);
	}
	if (code < smallest[len] || code > 0x10ffff ||
	    (code >= 0xd800 && code <= 0xdfff))
		return 0;
	*ret_code = code;
	return len;
}

bool
utf8_is_valid(struct span text)
{
	uint32_t code;

	while (text.len > 0) {
		size_t len = utf8_decode(text, &code);

		if (len == 0)
			return false;
		text.ptr += len;
		text.len -= len;
	}
	return true;
}

bool
utf8_has_8bit(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		if ((unsigned char)text.ptr[i] >= 0x80)
			return true;
	}
	return false;
}
