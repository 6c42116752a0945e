/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/text.h"
#include "spoold/agent-protocol.h"
#include "spoold/smtp/normalise.h"

void
normaliser_reset(struct normaliser *n)
{
	/* Not memset(): the text is large and needs no clearing. */
	n->reply.code = 0;
	n->reply.len = 0;
	n->why = NULL;
	n->bytes = 0;
	n->column = 0;
	n->line_code = 0;
	n->is_first_line = true;
	n->is_last_line = false;
	n->has_cr = false;
}

static enum normalised
broken(struct normaliser *n, const char *why)
{
	n->why = why;
	return REPLY_BROKEN;
}

static void
keep(struct normaliser *n, char c)
{
	if (n->reply.len < sizeof(n->reply.text))
		n->reply.text[n->reply.len++] = c;
}

/* One of the three digits of the code. */
static enum normalised
take_digit(struct normaliser *n, char c)
{
	if (c < '0' || c > '9')
		return broken(n, "a line without a reply code");
	if (n->column == 0 && (c < '2' || c > '5'))
		return broken(n, "a reply code below 200 or above 599");
	n->line_code = n->line_code * 10 + (unsigned)(c - '0');
	n->column++;
	return REPLY_MORE;
}

/* What follows the code: it says whether more lines follow. */
static enum normalised
take_separator(struct normaliser *n, char c)
{
	if (n->is_first_line)
		n->reply.code = n->line_code;
	else if (n->line_code != n->reply.code)
		return broken(n, "a reply that changes its code");
	if (!n->is_first_line)
		keep(n, '\n');
	n->is_last_line = c != '-';
	n->column++;
	if (c == ' ' || c == '-')
		return REPLY_MORE;
	if (c != '\r')
		return broken(n, "a reply code without a space behind it");
	n->has_cr = true;
	return REPLY_MORE;
}

static enum normalised
end_line(struct normaliser *n)
{
	if (n->is_last_line)
		return REPLY_COMPLETE;
	n->is_first_line = false;
	n->line_code = 0;
	n->column = 0;
	n->has_cr = false;
	return REPLY_MORE;
}

static enum normalised
take_text(struct normaliser *n, char c)
{
	if (c == '\n')
		return end_line(n);
	if (n->has_cr)
		keep(n, '\r');
	n->has_cr = c == '\r';
	if (!n->has_cr)
		keep(n, c);
	if (++n->column > REPLY_LINE_MAX)
		return broken(n, "a reply line that does not end");
	return REPLY_MORE;
}

static enum normalised
take(struct normaliser *n, char c)
{
	if (++n->bytes > REPLY_BYTES_MAX)
		return broken(n, "a reply that does not end");
	if (n->column < 3)
		return take_digit(n, c);
	if (n->column > 3)
		return take_text(n, c);
	if (c != '\n')
		return take_separator(n, c);
	/* "250" alone, ended by a mere LF. */
	if (take_separator(n, ' ') == REPLY_BROKEN)
		return REPLY_BROKEN;
	return end_line(n);
}

enum normalised
normaliser_feed(
    struct normaliser *n, const char *bytes, size_t len, size_t *ret_used)
{
	enum normalised state = REPLY_MORE;
	size_t used = 0;

	while (used < len && state == REPLY_MORE)
		state = take(n, bytes[used++]);
	*ret_used = used;
	return state;
}

size_t
reply_flatten(const struct reply *r, char *buf, size_t size)
{
	size_t len = (size_t)snprintf(buf, size, "%03u ", r->code % 1000);

	for (size_t i = 0; i < r->len && len < size - 3; i++) {
		char c = r->text[i];

		if (c == '\n' || c == '\t')
			c = ' ';
		else if (c < ' ' || c > '~')
			c = '?';
		buf[len++] = c;
	}
	if (r->len == 0 && len + 7 < size) {
		memcpy(buf + len, "no text", 7);
		len += 7;
	}
	memcpy(buf + len, "\r\n", 3);
	return len + 2;
}

char *
reply_describe(const struct reply *r)
{
	char *raw, *clean;
	size_t len = r->len + 4;

	raw = malloc(len + 1);
	if (raw == NULL)
		return NULL;
	(void)snprintf(raw, len + 1, "%03u ", r->code % 1000);
	for (size_t i = 0; i < r->len; i++)
		raw[4 + i] = r->text[i] == '\n' ? ' ' : r->text[i];
	if (r->len == 0)
		len = 3;
	clean = text_clean((struct span){ raw, len }, AGENT_REPLY_MAX);
	free(raw);
	return clean;
}
