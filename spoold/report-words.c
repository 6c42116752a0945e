/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Text beyond ASCII in header fields (RFC 2047) and bodies (RFC 2045): as much
 * of it as a report needs.
 */

#include "config.h"

#include <stdlib.h>

#include "lib/text.h"
#include "lib/utf8.h"
#include "spoold/report-work.h"

/* Of an encoded word, RFC 2047, section 2; of a quoted-printable line. */
#define WORD_MAX 75
#define QUOTED_MAX 76

/* ---- decoding -------------------------------------------------------- */

struct word {
	bool is_latin1;
	bool is_base64;
	struct span text;
};

/* Split TEXT at the first MARK: the piece before it, and the rest behind. */
static bool
split(struct span *text, const char *mark, struct span *ret)
{
	size_t len = strlen(mark);
	const char *at = memmem(text->ptr, text->len, mark, len);

	if (at == NULL)
		return false;
	*ret = (struct span){ text->ptr, (size_t)(at - text->ptr) };
	text->len -= ret->len + len;
	text->ptr = at + len;
	return true;
}

/* Whether W is of a kind that is understood; it is noted there. */
static bool
is_known(struct span charset, struct span encoding, struct word *w)
{
	w->is_latin1 = span_is_word(charset, "iso-8859-1");
	w->is_base64 = span_is_word(encoding, "b");
	return (w->is_latin1 || span_is_word(charset, "utf-8") ||
		   span_is_word(charset, "us-ascii")) &&
	    (w->is_base64 || span_is_word(encoding, "q"));
}

/* Split "=?charset?B?text?=" off REST; false if it begins with none that is
 * understood. */
static bool
next_word(struct span *rest, struct word *ret)
{
	struct span text = *rest, charset, encoding;

	if (!split(&text, "=?", &charset) || charset.len > 0 ||
	    !split(&text, "?", &charset) || !split(&text, "?", &encoding) ||
	    !split(&text, "?=", &ret->text) ||
	    memchr(ret->text.ptr, ' ', ret->text.len) != NULL ||
	    !is_known(charset, encoding, ret))
		return false;
	*rest = text;
	return true;
}

static void
put_byte(FILE *out, unsigned byte, bool is_latin1)
{
	if (is_latin1 && byte >= 0x80) {
		putc(0xc0 | (int)(byte >> 6), out);
		byte = 0x80 | (byte & 0x3f);
	}
	putc((int)byte, out);
}

/* The value of hexadecimal digits, -1 if they are none. */
static int
hex_pair(const char *at)
{
	static const char digits[] = "0123456789abcdef";
	int value = 0;

	for (int i = 0; i < 2; i++) {
		const char *digit =
		    memchr(digits, text_lower(at[i]), sizeof(digits) - 1);

		if (digit == NULL)
			return -1;
		value = 16 * value + (int)(digit - digits);
	}
	return value;
}

static void
put_q(FILE *out, const struct word *w)
{
	for (size_t i = 0; i < w->text.len; i++) {
		char c = w->text.ptr[i];
		int value = -1;

		if (c == '=' && i + 2 < w->text.len)
			value = hex_pair(w->text.ptr + i + 1);
		if (value >= 0)
			i += 2;
		else
			value = c == '_' ? ' ' : (unsigned char)c;
		put_byte(out, (unsigned)value, w->is_latin1);
	}
}

static void
put_base64(FILE *out, const struct word *w)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned bits = 0, nbits = 0;

	for (size_t i = 0; i < w->text.len; i++) {
		const char *digit =
		    memchr(digits, w->text.ptr[i], sizeof(digits) - 1);

		if (digit == NULL)
			continue;
		bits = (bits << 6 | (unsigned)(digit - digits)) & 0xffff;
		nbits += 6;
		if (nbits < 8)
			continue;
		nbits -= 8;
		put_byte(out, bits >> nbits & 0xff, w->is_latin1);
	}
}

/* White space between two encoded words is not part of the text. */
static bool
is_between(struct span rest)
{
	struct word w;
	size_t len = 0;

	while (len < rest.len && strchr(" \t", rest.ptr[len]) != NULL)
		len++;
	rest.ptr += len;
	rest.len -= len;
	return len > 0 && next_word(&rest, &w);
}

static void
put_decoded(FILE *out, struct span rest)
{
	bool is_behind_word = false;
	struct word w;

	while (rest.len > 0) {
		if (next_word(&rest, &w)) {
			if (w.is_base64)
				put_base64(out, &w);
			else
				put_q(out, &w);
			is_behind_word = true;
			continue;
		}
		if (!is_behind_word || !is_between(rest)) {
			putc(rest.ptr[0], out);
			is_behind_word = false;
		}
		rest.ptr++;
		rest.len--;
	}
}

char *
words_decode(const char *text, size_t max)
{
	char *decoded = NULL, *clean;
	size_t len;
	FILE *out = open_memstream(&decoded, &len);

	if (out == NULL)
		return NULL;
	put_decoded(out, span_of(text));
	if (fclose(out) != 0) {
		free(decoded);
		return NULL;
	}
	clean = text_clean((struct span){ decoded, len }, max);
	free(decoded);
	return clean;
}

/* ---- encoding -------------------------------------------------------- */

static bool
is_plain(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	    (c >= 'a' && c <= 'z');
}

/* How many bytes the character at TEXT has as such, and as encoded. */
static size_t
measure(const char *text, size_t *ret_encoded)
{
	size_t len = 1;

	while (utf8_is_tail(text[len]))
		len++;
	*ret_encoded =
	    len == 1 && (is_plain(*text) || *text == ' ') ? 1 : 3 * len;
	return len;
}

void
words_put(FILE *out, const char *text)
{
	static const char begin[] = "=?UTF-8?Q?";
	size_t used = 0, encoded, len;

	if (!utf8_has_8bit(span_of(text))) {
		fputs(text, out);
		return;
	}
	for (; *text != '\0'; text += len) {
		len = measure(text, &encoded);
		if (used == 0 || used + encoded + 2 > WORD_MAX) {
			fputs(used > 0 ? "?=\r\n " : "", out);
			fputs(begin, out);
			used = sizeof(begin) - 1;
		}
		used += encoded;
		for (size_t i = 0; i < len; i++)
			if (encoded > 1)
				fprintf(out, "=%02X", (unsigned char)text[i]);
			else
				putc(*text == ' ' ? '_' : *text, out);
	}
	fputs("?=", out);
}

/* Whether C stands for itself; IS_LAST: at the end of a line. */
static bool
is_quotable(char c, bool is_last)
{
	return c > ' ' ? c <= '~' && c != '=' : c == ' ' && !is_last;
}

void
quoted_put(FILE *out, const char *text, size_t len)
{
	size_t used = 0;

	for (size_t i = 0; i < len; i++) {
		bool is_last = i + 1 == len || text[i + 1] == '\n';
		bool is_plain = is_quotable(text[i], is_last);
		size_t width = is_plain ? 1 : 3;

		if (text[i] == '\n') {
			fputs("\r\n", out);
			used = 0;
			continue;
		}
		if (used + width > QUOTED_MAX - 1) {
			fputs("=\r\n", out);
			used = 0;
		}
		used += width;
		fprintf(out, is_plain ? "%c" : "=%02X", (unsigned char)text[i]);
	}
}
