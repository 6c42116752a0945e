/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <errno.h>
#include <string.h>

#include "spoold/smtp/stuff.h"

void
stuffer_init(struct stuffer *s)
{
	s->is_line_start = true;
	s->has_cr = false;
}

/*
 * Check the LEN bytes of a line, or of the part of it that this block has;
 * IS_ENDED: a LF follows them.
 */
static bool
is_crlf_line(
    const struct stuffer *s, const char *line, size_t len, bool is_ended)
{
	/* A CR that ended the last block is good only before this LF. */
	if (s->has_cr)
		return len == 0 && is_ended;
	if (len == 0)
		return !is_ended;
	if (is_ended && line[len - 1] != '\r')
		return false;
	/* The last byte may be a CR: of this line's end, or a split one's. */
	return memchr(line, '\r', len - 1) == NULL;
}

int
stuffer_feed(
    struct stuffer *s, const char *block, size_t len, stuff_fn *fn, void *arg)
{
	const char *end = block + len;
	const char *unsent = block;
	const char *line = block;
	int err;

	while (line < end) {
		const char *lf = memchr(line, '\n', (size_t)(end - line));
		size_t line_len = (size_t)((lf != NULL ? lf : end) - line);

		if (!is_crlf_line(s, line, line_len, lf != NULL))
			return -EBADMSG;
		if (s->is_line_start && *line == '.') {
			/* The dot itself goes with the rest of its line. */
			err = fn(unsent, (size_t)(line - unsent), arg);
			if (err == 0)
				err = fn(".", 1, arg);
			if (err != 0)
				return err;
			unsent = line;
		}
		s->is_line_start = lf != NULL;
		s->has_cr = lf == NULL && end[-1] == '\r';
		line = lf != NULL ? lf + 1 : end;
	}
	return fn(unsent, (size_t)(end - unsent), arg);
}

int
stuffer_end(struct stuffer *s, stuff_fn *fn, void *arg)
{
	if (s->has_cr)
		return -EBADMSG;
	if (s->is_line_start)
		return 0;
	s->is_line_start = true;
	return fn("\r\n", 2, arg);
}
