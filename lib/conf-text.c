/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * A configuration's text, looked at beside libconfuse: what it would do in
 * silence, or says without telling where.
 */

#include "config.h"

#include "lib/conf-value.h"

bool
config_find_variable(const char *text, unsigned *ret_line, struct span *ret)
{
	unsigned line = 1;

	for (;; line++) {
		const char *begin = text + strspn(text, " \t\r");
		size_t len = strcspn(begin, "\n");
		const char *found = strstr(begin, "${");

		if (found == NULL)
			return false;
		if (found < begin + len && begin[0] != '#' &&
		    strncmp(begin, "//", 2) != 0) {
			*ret_line = line;
			ret->ptr = found;
			ret->len = strcspn(found, "}\n");
			ret->len += found[ret->len] == '}';
			return true;
		}
		text = begin + len + 1;
	}
}

/* How far it is from TEXT, behind a quote of the kind QUOTE, to behind the
 * next one, or to the end of the text. */
static size_t
quoted_length(const char *text, char quote)
{
	size_t len = 0;

	while (text[len] != '\0' && text[len] != quote)
		len += text[len] == '\\' && text[len + 1] != '\0' ? 2 : 1;
	return len + (text[len] == quote);
}

/* How long the comment is that TEXT begins with; 0 for none. */
static size_t
comment_length(const char *text)
{
	const char *end;

	if (text[0] == '#' || strncmp(text, "//", 2) == 0)
		return strcspn(text, "\n");
	if (strncmp(text, "/*", 2) != 0)
		return 0;
	end = strstr(text + 2, "*/");
	return end != NULL ? (size_t)(end - text) + 2 : 0;
}

void
config_blank_comments(char *text)
{
	bool in_word = false;
	size_t len;

	for (; *text != '\0'; text += len) {
		len = in_word ? 0 : comment_length(text);
		for (size_t i = 0; i < len; i++)
			if (text[i] != '\n')
				text[i] = ' ';
		if (len > 0)
			continue;
		len = 1;
		if (*text == '"' || *text == '\'')
			len += quoted_length(text + 1, *text);
		in_word = len == 1 && strchr(" \t\r\n(){}=+,", *text) == NULL;
	}
}

unsigned
config_last_line(const char *text)
{
	unsigned line = 1, last = 1;
	size_t len;

	for (; *text != '\0'; text += len) {
		if (strchr(" \t\r\n", *text) == NULL)
			last = line;
		len = *text == '"' || *text == '\''
		    ? 1 + quoted_length(text + 1, *text)
		    : 1;
		for (size_t i = 0; i < len; i++)
			line += text[i] == '\n';
	}
	return last;
}
