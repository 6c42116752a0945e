/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The reply normaliser: from whatever bytes a server sends to whole, well
 * formed replies of bounded length.
 *
 * libESMTP jumps through a NULL pointer when a reply is malformed or breaks
 * off while others are outstanding, and reads a space-padded long line as a
 * success.  So nothing reaches it, or the rest of the agent, that has not
 * been through here.  Pure: bytes in, replies out; it neither reads nor
 * allocates.
 */

#ifndef SPOOLD_SMTP_NORMALISE_H
#define SPOOLD_SMTP_NORMALISE_H

#include <stdbool.h>
#include <stddef.h>

/* Text kept of a reply; what comes after is dropped. */
#define REPLY_TEXT_MAX 4096
/* Longest line taken, far beyond RFC 5321: a reply to the final dot that is
 * not understood is a message sent twice. */
#define REPLY_LINE_MAX 16384
/* Most bytes of one reply, all lines together. */
#define REPLY_BYTES_MAX 32768

/*
 * A whole reply.  TEXT has the lines without code and line end, joined by
 * LF; other bytes are as the server sent them, NUL included.
 */
struct reply {
	unsigned code; /* 200 to 599 */
	size_t len;
	char text[REPLY_TEXT_MAX];
};

struct normaliser {
	struct reply reply;
	const char *why; /* what was wrong, after REPLY_BROKEN */
	size_t bytes;    /* of the reply so far */
	size_t column;   /* of the line, counted from 0 */
	unsigned line_code;
	bool is_first_line;
	bool is_last_line; /* no '-' after the code */
	bool has_cr;       /* a CR that may belong to the line end */
};

enum normalised {
	REPLY_MORE,     /* everything taken, not complete yet */
	REPLY_COMPLETE, /* N->reply; bytes behind it are not taken */
	REPLY_BROKEN,   /* no SMTP reply; N->why is a fixed clause */
};

/* Make ready for the first byte of a reply. */
void normaliser_reset(struct normaliser *n);

/*
 * Take bytes up to the end of a reply; *RET_USED says how many.  After
 * REPLY_COMPLETE or REPLY_BROKEN, N needs a reset before it is fed again.
 */
enum normalised normaliser_feed(
    struct normaliser *n, const char *bytes, size_t len, size_t *ret_used);

/*
 * Write R as libESMTP likes it: one line "250 text\r\n" of printable ASCII,
 * with a text even if the server sent none, at most SIZE bytes (at least 16)
 * including the NUL.  Returns its length.
 */
size_t reply_flatten(const struct reply *r, char *buf, size_t size);

/*
 * R for people: "550 5.1.1 no such user", lines joined by spaces, clean
 * (lib/text.h) and not longer than the agents' protocol allows.  To be
 * freed; NULL when out of memory.
 */
char *reply_describe(const struct reply *r);

#endif
