/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "spoold/smtp/base64.h"

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *
base64_encode(const char *bytes, size_t len, size_t *ret_len)
{
	char *text = malloc((len + 2) / 3 * 4 + 1);
	size_t n = 0;

	if (text == NULL)
		return NULL;
	for (size_t i = 0; i < len; i += 3) {
		unsigned long group = 0;
		size_t have = len - i < 3 ? len - i : 3;

		for (size_t k = 0; k < 3; k++)
			group = group << 8 |
			    (k < have ? (unsigned char)bytes[i + k] : 0u);
		for (size_t k = 0; k < 4; k++)
			text[n++] = k <= have
			    ? alphabet[group >> (18 - 6 * k) & 63]
			    : '=';
	}
	text[n] = '\0';
	*ret_len = n;
	return text;
}

size_t
base64_decode(struct span text, char *buf, size_t size)
{
	unsigned long bits = 0;
	unsigned have = 0;
	size_t n = 0;

	for (size_t i = 0; i < text.len && n < size; i++) {
		const char *at =
		    text.ptr[i] != '\0' ? strchr(alphabet, text.ptr[i]) : NULL;

		if (at == NULL)
			break;
		bits = (bits << 6 | (unsigned long)(at - alphabet)) & 0xffffff;
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		buf[n++] = (char)(bits >> have & 0xff);
	}
	return n;
}
