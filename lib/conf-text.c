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
	const char *found = strstr(text, "${");

	if (found == NULL)
		return false;
	*ret_line = 1;
	for (; text < found; text++)
		*ret_line += *text == '\n';
	ret->ptr = found;
	ret->len = strcspn(found, "}\n");
	ret->len += found[ret->len] == '}';
	return true;
}

size_t
config_quoted_length(const char *text, char quote)
{
	size_t len = 0;

	while (text[len] != '\0' && text[len] != quote)
		len += text[len] == '\\' && text[len + 1] != '\0' ? 2 : 1;
	return len;
}

static bool
is_quote(char c)
{
	return c == '"' || c == '\'';
}

/* The length of the string that TEXT begins with, with its quotes. */
static size_t
quoted_word(const char *text)
{
	size_t len = 1 + config_quoted_length(text + 1, text[0]);

	return len + (text[len] != '\0');
}

/* How long the comment is that TEXT begins with; 0 for none, or no end. */
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

static unsigned
count_lines(const char *text, size_t len)
{
	unsigned lines = 0;

	for (size_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	return lines;
}

/* Put spaces for the LEN bytes of TEXT, but for line ends. */
static void
blank(char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] != '\n')
			text[i] = ' ';
}

bool
config_blank_comments(char *text, unsigned *ret_line)
{
	bool in_word = false;
	size_t len;

	*ret_line = 1;
	if (strncmp(text, "\xEF\xBB\xBF", 3) == 0)
		blank(text, 3);
	for (; *text != '\0'; text += len) {
		len = in_word ? 0 : comment_length(text);
		if (len > 0) {
			blank(text, len);
		} else if (!in_word && strncmp(text, "/*", 2) == 0) {
			return false;
		} else {
			len = is_quote(*text) ? quoted_word(text) : 1;
			in_word =
			    len == 1 && strchr(" \t\r\n(){}=+,", *text) == NULL;
		}
		*ret_line += count_lines(text, len);
	}
	return true;
}

unsigned
config_last_line(const char *text)
{
	unsigned line = 1, last = 1;
	size_t len;

	for (; *text != '\0'; text += len) {
		if (strchr(" \t\r\n", *text) == NULL)
			last = line;
		len = is_quote(*text) ? quoted_word(text) : 1;
		line += count_lines(text, len);
	}
	return last;
}
