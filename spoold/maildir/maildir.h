/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Delivery into a Maildir: a file is written in tmp/, made durable, and
 * moved to new/ under a name that nobody else can have.
 *
 * Readers of Maildirs expect LF line ends, and Return-Path and Delivered-To
 * from whoever makes the final delivery (RFC 5321, section 4.4).
 */

#ifndef MAILDIR_MAILDIR_H
#define MAILDIR_MAILDIR_H

#include <limits.h>
#include <stdbool.h>

#include "lib/spool.h"

struct maildir {
	const char *path;  /* borrowed, absolute */
	unsigned long seq; /* deliveries of this process */
};

/* The places in the envelope that a job serves. */
struct places {
	unsigned *place; /* NULL: all */
	size_t n;
};

struct maildir_error {
	bool in_spool;  /* the queue file could not be read; else
			   the Maildir could not be written */
	char text[512]; /* one clause, with the reason */
};

/*
 * Deliver QF for PLACES, which exist in its envelope: one file.  The Maildir
 * is made if it is missing (its parent must exist).  On return 0 file and
 * name are durable and RET_NAME is the name in new/.  On -errno nothing is
 * left behind, and ERR says why.
 */
int maildir_deliver(struct maildir *md, const struct qfile *qf,
    const struct places *places, char ret_name[NAME_MAX + 1],
    struct maildir_error *err);

/*
 * Write "SEC.MusecPpidQseq.host" for a delivery: HOST with '/' and ':' as
 * Maildir names write them.  False when it would be too long.
 */
bool maildir_name(char ret_name[NAME_MAX + 1], int64_t now_us, long pid,
    unsigned long seq, const char *host);

/*
 * Copy LEN bytes to OUT with CRLF made LF; *HELD_CR carries a CR at the end
 * of one piece to the next (false at the start; after the last piece, a held
 * CR is still to be written).  Errors stay in OUT.
 */
void maildir_put_lf(FILE *out, const char *bytes, size_t len, bool *held_cr);

#endif
