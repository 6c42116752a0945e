/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * See lib/lines.h.  Pieces are made in place: the text given out is the
 * buffer's, with its bare CRs overwritten.
 */

#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/lines.h"

int
lines_open(struct lines *in, int fd)
{
	char *buf = malloc(LINES_BUFFER_BYTES);

	if (buf == NULL)
		return -ENOMEM;
	*in = (struct lines){ .fd = fd, .buf = buf };
	return 0;
}

void
lines_close(struct lines *in)
{
	free(in->buf);
	in->buf = NULL;
}

/*
 * Whether read(2) is to be tried again after ERR.  A caller's pipe may be
 * non-blocking: that is a property it shares with the caller's end.
 */
static bool
lines_may_retry(int fd, int err)
{
	struct pollfd readable = { .fd = fd, .events = POLLIN };

	if (err == EINTR)
		return true;
	if (err != EAGAIN)
		return false;
	return poll(&readable, 1, -1) >= 0 || errno == EINTR;
}

/* Read what there is behind the unfinished line, which moves to the front. */
static int
lines_fill(struct lines *in)
{
	ssize_t n;

	if (in->start > 0) {
		in->end -= in->start;
		memmove(in->buf, in->buf + in->start, in->end);
		in->start = 0;
	}
	do {
		n = read(
		    in->fd, in->buf + in->end, LINES_BUFFER_BYTES - in->end);
	} while (n < 0 && lines_may_retry(in->fd, errno));
	if (n < 0)
		return -errno;
	if (n == 0)
		in->eof = true;
	in->end += (size_t)n;
	return 0;
}

/*
 * Have a whole line, a full buffer or the last of the input at START.
 * *RET_LF is the line's end, NULL if it is not in sight.
 */
static int
lines_want(struct lines *in, const char **ret_lf)
{
	size_t seen = 0; /* known to hold no line end */
	int err;

	for (;;) {
		const char *begin = in->buf + in->start;
		size_t len = in->end - in->start;

		*ret_lf = memchr(begin + seen, '\n', len - seen);
		if (*ret_lf != NULL || in->eof || len == LINES_BUFFER_BYTES)
			return 0;
		seen = len;
		err = lines_fill(in);
		if (err < 0)
			return err;
	}
}

/*
 * How much of the LEN bytes at TEXT is left when the CRs at their end go.  An
 * unfinished piece leaves them for the next, which knows what follows;
 * nothing but CRs in a whole buffer are spaces, whatever follows.
 */
static size_t
lines_trim(const char *text, size_t len, bool ends)
{
	size_t full = len;

	while (len > 0 && text[len - 1] == '\r')
		len--;
	return len == 0 && !ends ? full : len;
}

static void
lines_space_crs(char *text, size_t len)
{
	char *end = text + len;

	while ((text = memchr(text, '\r', (size_t)(end - text))) != NULL)
		*text++ = ' ';
}

/* What the dot rule says about a piece: 0 it is the end, 1 text. */
static int
lines_dot(struct lines *in, struct line_piece *piece)
{
	if (in->dot == LINES_DOT_TEXT || !piece->starts ||
	    piece->text.len == 0 || piece->text.ptr[0] != '.')
		return 1;
	if (piece->text.len == 1 && piece->ends) {
		if (in->dot == LINES_DOT_ENDS) {
			in->eof = true;
			in->start = in->end;
		}
		return 0;
	}
	if (in->dot == LINES_DOT_SMTP) {
		piece->text.ptr++;
		piece->text.len--;
	}
	return 1;
}

/* The end of the input, where nothing is left in the buffer but CRs. */
static bool
lines_is_end(const struct line_piece *piece, const char *lf)
{
	return lf == NULL && piece->ends && piece->starts &&
	    piece->text.len == 0;
}

/* The piece at START; *RET_USED is what it takes from the buffer. */
static struct line_piece
lines_piece(const struct lines *in, const char *lf, size_t *ret_used)
{
	char *begin = in->buf + in->start;
	size_t len = lf != NULL ? (size_t)(lf - begin) : in->end - in->start;
	struct line_piece piece = {
		.text.ptr = begin,
		.starts = !in->inside,
		.ends = lf != NULL || in->eof,
	};

	piece.text.len = lines_trim(begin, len, piece.ends);
	lines_space_crs(begin, piece.text.len);
	*ret_used = piece.ends ? len + (lf != NULL) : piece.text.len;
	return piece;
}

int
lines_next(struct lines *in, struct line_piece *ret)
{
	struct line_piece piece;
	const char *lf;
	size_t used;
	int err;

	in->at_end = false;
	err = lines_want(in, &lf);
	if (err < 0)
		return err;
	piece = lines_piece(in, lf, &used);
	/* Even a lone dot: its line may have been about to go on. */
	if (lf == NULL && piece.ends && in->dot == LINES_DOT_SMTP)
		return -EPIPE;
	if (lines_is_end(&piece, lf)) {
		in->at_end = true;
		return 0;
	}
	in->start += used;
	in->inside = !piece.ends;
	err = lines_dot(in, &piece);
	in->at_end = err == 0;
	if (err > 0)
		*ret = piece;
	return err;
}
