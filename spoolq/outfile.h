/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * What a command writes to a file that the user names: whole or not at all, and
 * with the user's rights.  Root becomes the owner of the spool, who may not be
 * allowed to write there: then a child that stays root waits for the text.
 * One file at a time, main thread only.
 */

#ifndef SPOOLQ_OUTFILE_H
#define SPOOLQ_OUTFILE_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/*
 * What comes is for PATH, before rights are given up; NULL or "-": for
 * standard output.  A new file gets MODE; an old one, replaced by rename(2),
 * keeps its own if KEEPS_MODE, with owner and group, but is writable for others
 * no more.  EX_OK or, after saying what is wrong, another
 * code of sysexits.h.
 */
int outfile_prepare(const char *path, mode_t mode, bool keeps_mode);

/* Where to write; NULL if out of memory. */
FILE *outfile_stream(void);

/* All is written: put it in place.  As outfile_prepare(). */
int outfile_finish(void);

#endif
