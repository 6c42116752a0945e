/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * What a server or a caller sends ends up on terminals, in logs and in JSON.
 * This file is the one place that decides which bytes may pass unchanged.
 */

#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/text.h"
#include "lib/utf8.h"

/* The longest is "\u{10FFFF}" with its NUL, rounded up. */
#define TOKEN_SIZE 16

static const char ellipsis[] = "\xe2\x80\xa6";
#define ELLIPSIS_LEN (sizeof(ellipsis) - 1)

/* A piece of output that must not be cut in two. */
struct token {
	char bytes[TOKEN_SIZE];
	size_t len;
};

/* Whether CODE steers a terminal or the order of what is shown, or is nothing
 * that anybody could see. */
static bool
is_control(uint32_t code)
{
	static const struct {
		uint32_t first, last;
	} controls[] = {
		{ 0x00, 0x1f },       /* C0 */
		{ 0x7f, 0x9f },       /* DEL, C1 */
		{ 0x61c, 0x61c },     /* Arabic letter mark */
		{ 0x180e, 0x180e },   /* Mongolian vowel separator */
		{ 0x200b, 0x200b },   /* zero width space */
		{ 0x200e, 0x200f },   /* direction marks */
		{ 0x2028, 0x2029 },   /* line and paragraph separators */
		{ 0x202a, 0x202e },   /* embeddings and overrides */
		{ 0x2060, 0x2064 },   /* word joiner, invisible operators */
		{ 0x2066, 0x2069 },   /* isolates */
		{ 0xfeff, 0xfeff },   /* byte order mark */
		{ 0xe0000, 0xe007f }, /* tags */
	};

	for (size_t i = 0; i < sizeof(controls) / sizeof(controls[0]); i++) {
		if (code >= controls[i].first && code <= controls[i].last)
			return true;
	}
	return false;
}

/* Split the next token off REST, which is not empty. */
static void
next_token(struct span *rest, struct token *ret)
{
	uint32_t code = (unsigned char)rest->ptr[0];
	size_t len = utf8_decode(*rest, &code);
	int n;

	if (len > 0 && !is_control(code)) {
		memcpy(ret->bytes, rest->ptr, len);
		ret->len = len;
	} else {
		n = snprintf(ret->bytes, sizeof(ret->bytes),
		    len > 1 ? "\\u{%X}" : "\\x%02X", (unsigned int)code);
		ret->len = (size_t)n;
		if (len == 0)
			len = 1;
	}
	rest->ptr += len;
	rest->len -= len;
}

/* Whether all of TEXT, made clean, is at most MAX bytes. */
static bool
fits(struct span text, size_t max)
{
	struct token token;
	size_t total = 0;

	while (text.len > 0) {
		next_token(&text, &token);
		if (token.len > max - total)
			return false;
		total += token.len;
	}
	return true;
}

void
text_put_clean(FILE *out, struct span text, size_t max)
{
	struct token token;
	size_t left = max;
	bool is_whole = fits(text, max);

	if (!is_whole) {
		if (max < ELLIPSIS_LEN)
			return;
		left -= ELLIPSIS_LEN;
	}
	while (text.len > 0) {
		next_token(&text, &token);
		if (token.len > left)
			break;
		(void)fwrite(token.bytes, 1, token.len, out);
		left -= token.len;
	}
	if (!is_whole)
		(void)fwrite(ellipsis, 1, ELLIPSIS_LEN, out);
}

/* Whether TEXT is what most is: printable ASCII. */
static bool
is_plain(struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] < ' ' || text.ptr[i] > '~')
			return false;
	return true;
}

char *
text_clean(struct span text, size_t max)
{
	char *ret = NULL;
	size_t len = 0;
	bool is_bad;
	FILE *out;

	if (text.len <= max && is_plain(text))
		return strndup(text.len > 0 ? text.ptr : "", text.len);
	out = open_memstream(&ret, &len);
	if (out == NULL)
		return NULL;
	text_put_clean(out, text, max);
	is_bad = ferror(out) != 0;
	if (fclose(out) != 0 || is_bad) {
		free(ret);
		return NULL;
	}
	return ret;
}
