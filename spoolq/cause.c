/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See cause.h. */

#include "config.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/text.h"
#include "spoolq/cause.h"

/* No cause hides behind that much text. */
#define REPLY_MAX 1024

/* Where the cause grows. */
struct target {
	char *text;
	size_t len;
	bool cut;
};

static void
put(struct target *t, const char *text, size_t len)
{
	/* Once something was left out, the rest would mislead. */
	t->cut = t->cut || len >= CAUSE_SIZE - t->len;
	if (t->cut)
		return;
	memcpy(t->text + t->len, text, len);
	t->len += len;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
has_digit(const char *word, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (is_digit(word[i]))
			return true;
	return false;
}

/* One to three digits of WORD from *POS on. */
static bool
skip_number(const char *word, size_t len, size_t *pos)
{
	size_t start = *pos;

	while (*pos < len && *pos - start < 3 && is_digit(word[*pos]))
		(*pos)++;
	return *pos > start;
}

/* "4.2.0": an enhanced status (RFC 3463). */
static bool
is_enhanced(const char *word, size_t len)
{
	size_t pos = 1;

	if (len == 0 || strchr("245", word[0]) == NULL)
		return false;
	for (int i = 0; i < 2; i++) {
		if (pos >= len || word[pos++] != '.' ||
		    !skip_number(word, len, &pos))
			return false;
	}
	return pos == len;
}

/* "450" */
static bool
is_code(const char *word, size_t len)
{
	size_t pos = 0;

	return len == 3 && skip_number(word, len, &pos) && pos == len;
}

/* FIRST: nothing stands before WORD. */
static void
put_word(struct target *t, const char *word, size_t len, bool first)
{
	size_t start = strspn(word, ".:"), end;
	bool is_kept;

	/* What ends a sentence is no part of its last word. */
	if (start > len)
		start = len;
	put(t, word, start);
	word += start;
	len -= start;
	end = len;
	while (end > 0 && strchr(".:", word[end - 1]) != NULL)
		end--;
	is_kept = (first && is_code(word, end)) || is_enhanced(word, end);
	if (!is_kept &&
	    (has_digit(word, end) || memchr(word, '@', end) != NULL)) {
		put(t, "*", 1);
		word += end;
		len -= end;
	}
	put(t, word, len);
}

void
cause_of(const char *reply, char ret[CAUSE_SIZE])
{
	struct target t = { .text = ret };
	char *clean = text_clean(span_of(reply), REPLY_MAX);
	const char *p = clean != NULL ? clean : "";

	while (*p != '\0') {
		size_t len = strcspn(p, " \t()[]{}<>,;\"'=?&/|");

		if (len > 0)
			put_word(&t, p, len, t.len == 0);
		p += len;
		if (*p != '\0')
			put(&t, p++, 1);
	}
	while (t.len > 0 && ret[t.len - 1] == ' ')
		t.len--;
	ret[t.len] = '\0';
	free(clean);
}
