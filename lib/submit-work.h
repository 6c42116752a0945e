/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* What the parts of the submit module share; lib/submit.h is for others. */

#ifndef SPOOL_SUBMIT_WORK_H
#define SPOOL_SUBMIT_WORK_H

#include <stdio.h>

#include "lib/fold.h"
#include "lib/submit.h"

/* Fields of the header that say when and how fast. */
enum wish {
	WISH_TTL,
	WISH_NOT_BEFORE,
	WISH_LANE,
	WISH_PRIORITY,
	WISHES,
};

/* One submission on its way. */
struct work {
	struct envelope *env;
	struct identity *identity;
	const struct submit_options *opts;
	struct submit_error *err;
	struct lines *in;
	char *head; /* the header, LF line ends */
	size_t head_len;
	struct line_piece body; /* what ended the header, if it was a line of
				   the body */
	bool has_body;
	unsigned seen;              /* set of 1 << enum field_id */
	unsigned received;          /* how many Received fields there are */
	struct span wishes[WISHES]; /* in HEAD: the first of each, or NULL */
	bool resent;                /* any Resent- field is there */
	bool resent_rcpts;          /* any of those with recipients is there */
	bool failed;                /* a callback has set ERR */
	bool found;                 /* a recipient, be it known already */
	char *made;                 /* the header as it leaves, LF line ends */
	size_t made_len;
	bool is_signed;         /* not one byte is to be changed */
	struct fold fold;       /* what is not signed goes through it */
	const struct spool *sp; /* NULL: nothing is to be queued */
	struct draft draft;     /* where the message goes */
	FILE *shown;            /* gets a copy of what is written, or NULL */
	uint64_t size_bytes;
};

/* Fill ERR; always -1. */
int submit_fail(struct submit_error *err, int exit_code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for want of memory. */
int submit_fail_memory(struct submit_error *err);

/* Set the envelope's sender to the first address of From.  0, or -1 with
 * WORK->err. */
int submit_header_sender(struct work *work);

/*
 * Append the addresses of TEXT, called WHAT in errors, to the envelope,
 * without those that it has.  0, or -1 with WORK->err.
 */
int submit_take_rcpts(struct work *work, const char *what, struct span text);

/*
 * Drop the caller's recipients that are there twice, and keep those of the
 * header from being so.  0, or -1 with WORK->err.
 */
int submit_know_rcpts(struct work *work);

/* The envelope is complete, or never will be. */
void submit_forget_rcpts(struct work *work);

/* Look through WORK->head: seen, received, wishes, resent, resent_rcpts. */
void submit_note_fields(struct work *work);

/* -t: take the recipients that the header names.  0, or -1 with WORK->err. */
int submit_header_rcpts(struct work *work);

/*
 * Put what the header wishes into the envelope, where the caller has left that
 * open.  0, or -1 with WORK->err.
 */
int submit_take_wishes(struct work *work);

/* Note the Message-Id of the header as it leaves in the envelope, for people
 * who look for it.  0, or -1 with WORK->err. */
int submit_note_message_id(struct work *work);

/*
 * Write WORK->head as it leaves, with LF line ends; errors stay in OUT.  0 or
 * -ENOMEM.
 */
int submit_put_header(const struct work *work, FILE *out);

#endif
