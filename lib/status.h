/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * SPOOL/.status.json: a snapshot of the queue, one JSON document that has one
 * message a line, so that a reader can stream it.  spoold-spool(5) describes
 * it; "seq" is the number of the last event in it, so snapshot and journal
 * together are the status.
 */

#ifndef SPOOL_STATUS_H
#define SPOOL_STATUS_H

#include "lib/json-out.h"
#include "lib/queue.h"

#define STATUS_NAME ".status.json"
#define STATUS_VERSION 1
/* Of a spool's own name, with its NUL. */
#define STATUS_SPOOL_ID_SIZE 33

struct status_daemon {
	char version[32];
	char spool_id[STATUS_SPOOL_ID_SIZE]; /* "": it is not known */
	long pid; /* 0: has ended */
	int64_t start_us;
	char *config; /* path, or NULL */
	char *relay;  /* "host:port", "maildir:/path", NULL: none */
};

/*
 * The text, piece by piece: the head with its line end; messages, without one,
 * each but the first after STATUS_BETWEEN; STATUS_AFTER if there was a message;
 * STATUS_END.  Whether memory sufficed, O says.
 *
 * A head for STATUS_OTHERS tells what anybody may know: which relays there
 * are, whether they work and since when; of nobody's mail.  Counts, errors and
 * reasons are left out, so is the spool's id, and the number of the last event
 * is 0.
 *
 * What only spoold knows (struct relay_work) is as it put it there last.
 */
#define STATUS_BETWEEN ",\n"
#define STATUS_AFTER "\n"
#define STATUS_END "]}\n"

enum status_readers { STATUS_OPERATORS, STATUS_OTHERS };

void status_put_head(struct json_out *o, const struct queue *q,
    const struct status_daemon *d, enum status_readers readers, int64_t now_us);
void status_put_message(struct json_out *o, const struct queue *q,
    const struct message *m, int64_t now_us);

/*
 * Write the snapshot to the file NAME below DIR_FD, a new one: who is still
 * writing to one of before does not matter (no fsync, no rename: the caller's).
 * 0 or -errno.
 */
int status_write(int dir_fd, const char *name, const struct queue *q,
    const struct status_daemon *daemon, int64_t now_us);

/*
 * Fill the empty Q and DAEMON from the snapshot PATH below DIR_FD, reading it
 * line by line.  0; -ENOENT; -EBADMSG if it is damaged (then what could be
 * read is in Q, and the queue files are the truth); or -errno.
 */
int status_read(int dir_fd, const char *path, struct queue *q,
    struct status_daemon *daemon);

/*
 * Snapshot and journal: all that is known.  As status_read(), but a missing
 * snapshot is no error.
 */
int status_load(int dir_fd, const char *path, struct queue *q,
    struct status_daemon *daemon);

/*
 * As status_load(), and WATCH is called with each event of the journal and ARG
 * before the event changes Q.  When reading begins anew, for the journal was
 * rotated meanwhile, it sees them again.
 */
typedef void status_watch_fn(const struct event *ev, void *arg);
int status_load_watched(int dir_fd, const char *path, struct queue *q,
    struct status_daemon *daemon, status_watch_fn *watch, void *arg);

/*
 * Give D's spool an id that no other one has.  It tells the status of one spool
 * from that of another, and lasts as long as the spool does.
 */
void status_new_spool_id(struct status_daemon *d);

/* Whether ID is such a one. */
bool status_is_spool_id(const char *id);

void status_daemon_release(struct status_daemon *daemon);

#endif
