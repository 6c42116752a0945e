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
#include <time.h>
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

int64_t
lines_clock_ms(void)
{
	struct timespec now = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The time that the next wait may take as poll(2) wants it: -1 is for ever. */
static int
lines_wait_ms(const struct lines_patience *patience)
{
	int64_t left;
	int wait_ms = patience->idle_ms > 0 ? patience->idle_ms : -1;

	if (patience->end_ms == 0)
		return wait_ms;
	left = patience->end_ms - lines_clock_ms();
	if (left < 0)
		left = 0;
	return wait_ms < 0 || left < wait_ms ? (int)left : wait_ms;
}

/* Wait until there is something to read; 0, -ETIMEDOUT or -errno. */
static int
lines_wait(const struct lines *in)
{
	struct pollfd readable = { .fd = in->fd, .events = POLLIN };
	int n;

	do {
		n = poll(&readable, 1, lines_wait_ms(&in->patience));
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n == 0 ? -ETIMEDOUT : 0;
}

/*
 * read(2) into the rest of the buffer: how much it got, 0 at the end of the
 * input, or -errno.  A caller's pipe may be non-blocking: that is a property
 * it shares with the caller's end.
 */
static ssize_t
lines_read(struct lines *in)
{
	bool must_wait = in->patience.idle_ms > 0 || in->patience.end_ms > 0;
	ssize_t n;
	int err;

	for (;;) {
		err = must_wait ? lines_wait(in) : 0;
		if (err < 0)
			return err;
		n = read(
		    in->fd, in->buf + in->end, LINES_BUFFER_BYTES - in->end);
		if (n >= 0)
			return n;
		if (errno != EINTR && errno != EAGAIN)
			return -errno;
		must_wait = must_wait || errno == EAGAIN;
	}
}

/* Read what there is behind the unfinished line, which moves to the front. */
static int
lines_fill(struct lines *in)
{
	ssize_t n;

	if (in->error < 0)
		return in->error;
	if (in->start > 0) {
		in->end -= in->start;
		memmove(in->buf, in->buf + in->start, in->end);
		in->start = 0;
	}
	n = lines_read(in);
	if (n < 0) {
		in->error = (int)n;
		return in->error;
	}
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
 * unfinished piece leaves them for the next, which knows what follows; of a
 * whole buffer of CRs only the last is left, and the others are spaces.
 */
static size_t
lines_trim(const char *text, size_t len, bool ends)
{
	size_t full = len;

	while (len > 0 && text[len - 1] == '\r')
		len--;
	return len == 0 && !ends ? full - 1 : len;
}

static void
lines_space_crs(char *text, size_t len)
{
	char *end = text + len;

	while ((text = memchr(text, '\r', (size_t)(end - text))) != NULL)
		*text++ = ' ';
}

/* Whether the line of LEN bytes at TEXT, without its LF, ends with a CR. */
static bool
lines_has_cr(const char *text, size_t len)
{
	return len > 0 && text[len - 1] == '\r';
}

/* Whether a dot means anything at the beginning of the next line. */
static bool
lines_heeds_dot(const struct lines *in)
{
	return in->dot != LINES_DOT_TEXT && !in->inside &&
	    !(in->dot == LINES_DOT_CRLF && in->is_bare_lf);
}

/*
 * Whether the line of LEN bytes at START, without LF, is the dot that ends it
 * all.  Where CRLF counts, one CR is wanted, and no other.
 */
static bool
lines_is_dot(const struct lines *in, size_t len)
{
	const char *text = in->buf + in->start;

	/* A full buffer is too long to be it, whatever follows. */
	if (in->dot == LINES_DOT_CRLF)
		return len == 2 && text[0] == '.' && text[1] == '\r';
	return lines_trim(text, len, true) == 1 && text[0] == '.';
}

/* What the dot rule makes of PIECE, whose dot IS_ALONE: 0 the end, 1 text. */
static int
lines_dot(struct lines *in, struct line_piece *piece, bool is_alone)
{
	if (is_alone && in->dot == LINES_DOT_ENDS) {
		in->eof = true;
		in->start = in->end;
	}
	if (is_alone)
		return 0;
	if (in->dot != LINES_DOT_ENDS && piece->text.len > 0 &&
	    piece->text.ptr[0] == '.') {
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

/* Whether the dot of an SMTP client must come before the input's end. */
static bool
lines_wants_dot(const struct lines *in)
{
	return in->dot == LINES_DOT_SMTP || in->dot == LINES_DOT_CRLF;
}

/* The piece of LEN bytes at START, before an LF if HAS_LF. */
static struct line_piece
lines_piece(const struct lines *in, size_t len, bool has_lf)
{
	char *begin = in->buf + in->start;
	struct line_piece piece = {
		.text.ptr = begin,
		.starts = !in->inside,
		.ends = has_lf || in->eof,
	};

	piece.text.len = lines_trim(begin, len, piece.ends);
	lines_space_crs(begin, piece.text.len);
	return piece;
}

/* Take PIECE, as lines_piece() made it of LEN bytes, out of the buffer. */
static void
lines_take(
    struct lines *in, const struct line_piece *piece, size_t len, bool has_lf)
{
	if (has_lf)
		in->is_bare_lf = !lines_has_cr(in->buf + in->start, len);
	in->start += piece->ends ? len + has_lf : piece->text.len;
	in->inside = !piece->ends;
}

int
lines_next(struct lines *in, struct line_piece *ret)
{
	struct line_piece piece;
	const char *lf;
	size_t len;
	bool heeds_dot, is_alone;
	int err;

	in->at_end = false;
	err = lines_want(in, &lf);
	if (err < 0)
		return err;
	len = (lf != NULL ? (size_t)(lf - in->buf) : in->end) - in->start;
	heeds_dot = lines_heeds_dot(in);
	is_alone = heeds_dot && lines_is_dot(in, len);
	piece = lines_piece(in, len, lf != NULL);
	/* Even a lone dot: its line may have been about to go on. */
	if (lf == NULL && piece.ends && lines_wants_dot(in))
		return -EPIPE;
	if (lines_is_end(&piece, lf)) {
		in->at_end = true;
		return 0;
	}
	lines_take(in, &piece, len, lf != NULL);
	err = heeds_dot ? lines_dot(in, &piece, is_alone) : 1;
	in->at_end = err == 0;
	if (err > 0)
		*ret = piece;
	return err;
}

bool
lines_is_ready(const struct lines *in)
{
	size_t len = in->end - in->start;

	return len > 0 && memchr(in->buf + in->start, '\n', len) != NULL;
}
