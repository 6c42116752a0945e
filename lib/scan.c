/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Comments nest as deep as their sender likes: depth is counted, never
 * recursed into.
 */

#include "config.h"

#include <errno.h>

#include "lib/scan.h"

int
scan_fail(const struct scan *s, size_t pos)
{
	*s->reterr_pos = pos;
	return -EINVAL;
}

bool
scan_is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct span
scan_trim(struct span text)
{
	while (text.len > 0 && scan_is_space(text.ptr[0])) {
		text.ptr++;
		text.len--;
	}
	while (text.len > 0 && scan_is_space(text.ptr[text.len - 1]))
		text.len--;
	return text;
}

bool
scan_is_control(char c)
{
	return (unsigned char)c < ' ' || c == 0x7f;
}

bool
scan_is_special(char c)
{
	return c != '\0' && strchr("()<>[\",;:@", c) != NULL;
}

static char
char_at(const struct scan *s, size_t pos)
{
	return s->text.ptr[pos];
}

bool
scan_is_pair(const struct scan *s, size_t pos)
{
	char c;

	if (char_at(s, pos) != '\\' || pos + 1 >= s->text.len)
		return false;
	c = char_at(s, pos + 1);
	return c != '\0' && c != '\r' && c != '\n';
}

/* Go past what begins with OPEN, here, and ends with CLOSE. */
static int
scan_enclosed(struct scan *s, char open, char close)
{
	size_t start = s->pos, depth = 1;

	for (s->pos++; s->pos < s->text.len; s->pos++) {
		char c = char_at(s, s->pos);

		if (c == '\0') {
			return scan_fail(s, s->pos);
		} else if (scan_is_pair(s, s->pos)) {
			s->pos++;
		} else if (c == close) {
			if (--depth == 0) {
				s->pos++;
				return 0;
			}
		} else if (c == open && open == '(') {
			depth++;
		}
	}
	return scan_fail(s, start);
}

static void
scan_atom(struct scan *s, struct token *ret)
{
	ret->kind = TOKEN_ATOM;
	while (s->pos < s->text.len) {
		char c = char_at(s, s->pos);

		if (c == '\0' || scan_is_space(c) || scan_is_special(c))
			break;
		s->pos += scan_is_pair(s, s->pos) ? 2 : 1;
	}
}

int
scan_next(struct scan *s, struct token *ret)
{
	int err = 0;
	char c;

	while (s->pos < s->text.len && scan_is_space(char_at(s, s->pos)))
		s->pos++;
	ret->start = s->pos;
	ret->end = s->pos;
	ret->kind = TOKEN_END;
	if (s->pos == s->text.len)
		return 0;

	c = char_at(s, s->pos);
	ret->kind = c;
	if (c == '\0' || c == ')')
		return scan_fail(s, s->pos);
	if (c == '"')
		err = scan_enclosed(s, c, '"');
	else if (c == '(')
		err = scan_enclosed(s, c, ')');
	else if (c == '[')
		err = scan_enclosed(s, c, ']');
	else if (scan_is_special(c))
		s->pos++;
	else
		scan_atom(s, ret);
	ret->end = s->pos;
	return err;
}

int
scan_solid(struct scan *s, struct token *ret)
{
	int err;

	do
		err = scan_next(s, ret);
	while (err == 0 && ret->kind == TOKEN_COMMENT);
	return err;
}
