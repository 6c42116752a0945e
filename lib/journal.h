/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * SPOOL/.journal.jsonl: what happened since the last snapshot, and before.
 *
 * Lines are gathered and appended together with one write(2); then they survive
 * any process, and a power cut once journal_sync() has returned.  A torn last
 * line is ignored by readers and terminated before the next append.  Full
 * journals are kept as .journal.jsonl.1 (the youngest) to .JOURNAL_KEPT, the
 * history (lib/history.h).
 *
 * Some of the disk is taken in advance for lines to come (fallocate(2), behind
 * the end of the file), so that a spool on a full disk can be delivered, which
 * makes room.
 */

#ifndef SPOOL_JOURNAL_H
#define SPOOL_JOURNAL_H

#include <stdint.h>

#include "lib/event.h"
#include "lib/json-out.h"

#define JOURNAL_NAME ".journal.jsonl"
#define JOURNAL_KEPT 9999
#define JOURNAL_NAME_SIZE 32

struct journal {
	int dir_fd; /* borrowed */
	int fd;
	uint64_t seq;        /* of the last line */
	uint64_t bytes;      /* in the current file */
	uint64_t reserved;   /* of the disk, for it */
	int64_t begin_us;    /* time of its first line; 0: there is none */
	struct json_out out; /* lines that are not written yet */
};

/*
 * Open the current journal for appending, made 0640 if missing; SEQ is the
 * highest number that replay saw.  0 or -errno.
 */
int journal_open(struct journal *j, int dir_fd, uint64_t seq);

/*
 * Number EV and gather its line, for journal_flush().  0 or -ENOMEM: then its
 * number was not used.
 */
int journal_put(struct journal *j, struct event *ev);

/*
 * Append what was gathered.  0 or -errno: then nothing of it was appended, and
 * it is forgotten; its numbers stay used.
 */
int journal_flush(struct journal *j);

/* Number EV and append it.  0 or -errno: then nothing was appended. */
int journal_append(struct journal *j, struct event *ev);

/*
 * fdatasync(2) of the descriptor FD, a dup(2) of j->fd or itself: may run in
 * another thread.  What is only gathered is not there yet.  0 or -errno.
 */
int journal_sync(int fd);

/*
 * Rename the kept journals up by one, and begin a new one; what was gathered
 * goes to the old one, which the caller has synced if it matters.  0 or -errno.
 */
int journal_rotate(struct journal *j);

/*
 * Remove the oldest kept journals: those that were last written to before
 * OLDEST_US, and what is more than BYTES_MAX together.  The youngest stays,
 * readers may need it.  0 or -errno.
 */
int journal_prune(int dir_fd, int64_t oldest_us, uint64_t bytes_max);

/* The name of the kept journal N, 0: the current one. */
void journal_name(char name[static JOURNAL_NAME_SIZE], int n);

/* The number of the oldest one that is there, 0 if none is kept, or -errno. */
int journal_oldest(int dir_fd);

void journal_close(struct journal *j);

/* Called for each whole, valid line; non-zero ends the reading. */
typedef int journal_fn(const struct event *ev, void *arg);

/*
 * Read the youngest kept journal and the current one, and call FN for every
 * event after number SEQ.  0, FN's result, or -errno.  *RET_SEQ is the number
 * of the last event read, or SEQ.  -EAGAIN: numbers are missing since SEQ,
 * because the files were rotated meanwhile: read the snapshot again.
 */
int journal_replay(
    int dir_fd, uint64_t seq, journal_fn *fn, void *arg, uint64_t *ret_seq);

/* The same for who has to know of every event since SEQ: -EAGAIN too when
 * numbers are missing between others. */
int journal_replay_whole(
    int dir_fd, uint64_t seq, journal_fn *fn, void *arg, uint64_t *ret_seq);

#endif
