/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The spool: where acknowledged mail lives until it is somebody else's.
 *
 *	SPOOL/tmp/ queue/ hold/ failed/     (doc/SPOOL has the whole picture)
 *
 * A message is one file, in exactly one of queue/, hold/ and failed/, and
 * the directory says its state.  It is written once (struct draft), read by
 * anybody who may (struct qfile) and moved or removed only by the holder of
 * the lock (spool_lock).
 *
 * A queue file:
 *
 *	spoold/1 00000123 000000002048 9f3a1c22\n   envelope bytes, message
 *	arrival 1763770000123456\n                  bytes, CRC-32 over both
 *	…\n                                         lib/envelope.h
 *	\n                                          (counted as envelope)
 *	From: …\r\n                                 the message, CRLF lines
 *
 * The first line has a fixed length and is written last.  The CRC runs over
 * everything after it.
 *
 * Modes.  A spool of one's own is 0700 throughout.  A system-wide one belongs
 * to user and group spoold, and sendmail is setgid spoold:
 *
 *	SPOOL/			0711	all may pass, to .control; none may look
 *	tmp/			2770	the group writes here; setgid, so that
 *					files get the group whoever runs
 *sendmail queue/			0770	… publishes here, and reads the
 *directory, which fsync(2) of it takes hold/ failed/		0700 spoold
 *alone queue files		0640	the submitter's, readable by the group
 *
 * The group has no members: only the setgid binary gives it.  So a user can
 * neither list the queue nor reach a file in it, not even his own.
 */

#ifndef SPOOL_SPOOL_H
#define SPOOL_SPOOL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "lib/envelope.h"

/* Upper-case hexadecimal milliseconds since 2020, ten digits until 2054. */
#define SPOOL_ID_DIGITS 10
#define SPOOL_ID_SIZE 12 /* room for 11 digits and the NUL */

/* flock(2)ed by the one process that moves and removes messages. */
#define SPOOL_LOCK_NAME ".lock"

enum spool_state { SPOOL_QUEUE, SPOOL_HOLD, SPOOL_FAILED };
#define SPOOL_STATES 3

struct spool {
	char *path;
	int dir_fd;
	int tmp_fd;
	int state_fd[SPOOL_STATES]; /* by enum spool_state */
	int lock_fd;                /* -1: not ours */
	bool no_tmpfile; /* drafts do without O_TMPFILE (set by tests) */
};

/*
 * Opened for SPOOL_ADMIT, only tmp/ and queue/ are needed, and for SPOOL_READ
 * not tmp/; the descriptor of a directory that this user may not open is
 * then -1.
 */
enum spool_use { SPOOL_ADMIT, SPOOL_READ, SPOOL_OWN };

/* "queue", "hold", "failed". */
const char *spool_state_name(enum spool_state state);

/*
 * Make PATH (its parent exists) and its directories, 0700, where they are
 * missing, durably; what the installation made stays as it is.
 * 0 or -errno; *RETERR_WHAT is then the path that failed, to be freed.
 */
int spool_create(const char *path, char **reterr_what);

/*
 * Open the spool at PATH for USE and check it: directories, no symbolic links
 * below PATH, not writable by everybody; for SPOOL_OWN owned by the effective
 * user; else owned by root or the effective user, or of the effective group
 * (for SPOOL_READ: of any group that the process is in), unless root asks.  0
 * or -errno, with *RETERR_WHY one clause for the user ("queue/ is missing", "is
 * writable by everybody (mode 0777)"), to be freed.  SP is valid only on
 * success.
 */
int spool_open(
    struct spool *sp, const char *path, enum spool_use use, char **reterr_why);

void spool_close(struct spool *sp);

/*
 * Take the lock that makes this process the only one that moves or removes
 * messages (invariant 3).  Kept until spool_close(); inherited by nobody.
 * 0, -EWOULDBLOCK when another process has it, or -errno.
 */
int spool_lock(struct spool *sp);

/* Whether NAME is an id: 8 to 11 digits of [0-9A-F]. */
bool spool_is_id(const char *name);

/*
 * Length of a queue file's first line, and the same written, without a NUL:
 * the limits are 8 and 12 decimal digits.
 */
#define SPOOL_LINE_BYTES 40
#define SPOOL_LINE_FORMAT "spoold/1 %08llu %012llu %08lx\n"
#define SPOOL_MESSAGE_MAX 999999999999ull

/* ---- admission ------------------------------------------------------- */

struct draft {
	const struct spool *sp;
	int fd;
	int err;   /* the first one; publishing fails with it */
	char *buf; /* write buffer, a bounded size; NULL: closed */
	size_t used;
	uint64_t env_bytes; /* without the first line */
	uint64_t msg_bytes;
	uint32_t crc;
	char name[48]; /* in tmp/, "" with O_TMPFILE */
};

/*
 * Begin a queue file for ENV: O_TMPFILE where the file system has it and
 * /proc is there to give the file a name, else a temporary name in tmp/.
 * 0; -EINVAL for an envelope that envelope_fault() refuses, -E2BIG for one
 * that is too long; or -errno.
 */
int
draft_open(struct draft *d, const struct spool *sp, const struct envelope *env);

/*
 * Append message bytes: CRLF lines, not checked here.  0 or -errno; after a
 * failure only draft_abandon() makes sense, and draft_publish() fails too.
 */
int draft_write(struct draft *d, const void *bytes, size_t len);

/*
 * Complete the file, give it an id made from NOW_US and publish it in queue/.
 * On return 0 its data and its name are durable (invariant 1) and RET_ID is
 * its id; on -errno nothing is left behind.  The draft is closed either way.
 *
 * The data is on its way to the disk before the name is made (so no commit
 * by somebody else shows a name without data), and fsync(2) of the file comes
 * after it: on ext4 and xfs that is one journal commit with inode and name,
 * and the fsync of queue/, for file systems that promise less, finds nothing
 * to do.  A failed sync is never repeated: the name is taken back.
 */
int draft_publish(struct draft *d, int64_t now_us, char ret_id[SPOOL_ID_SIZE]);

/*
 * The same with ID, which the holder of the lock has chosen: -EEXIST if it is
 * somebody else's by now.
 */
int draft_publish_as(struct draft *d, const char *id);

/*
 * An id made from *NOW_US or soon after that no message has, nor has had this
 * call's caller, for *NOW_US moves on; sendmail may take it all the same.
 */
void draft_free_id(
    const struct spool *sp, int64_t *now_us, char ret_id[SPOOL_ID_SIZE]);

/* Give the draft up; a closed or zeroed one is fine. */
void draft_abandon(struct draft *d);

/*
 * Publish the file NAME of the directory DIR_FD, a queue file that is complete
 * and durable: it is moved into queue/ with an id made from NOW_US.  0 with
 * its id, or -errno; it is in one of the two directories in any case.
 */
int spool_adopt(const struct spool *sp, int dir_fd, const char *name,
    int64_t now_us, char ret_id[SPOOL_ID_SIZE]);

/* ---- reading --------------------------------------------------------- */

struct qfile {
	int fd;
	uid_t owner;        /* of the file */
	uid_t uid;          /* the submitter: see qfile_open() */
	uint64_t env_bytes; /* incl. the first line: where the message is */
	uint64_t msg_bytes;
	uint32_t crc;
	struct envelope env;
	char *head; /* the file's first bytes, all of most messages */
	size_t head_bytes;
};

/*
 * Open message ID in STATE and read its envelope.  Checks all but the CRC: a
 * regular file, first line, lengths against the file's size, envelope.  A
 * second name is no fault: backups make such.
 *
 * A file's owner is the proof of who submitted it: nobody can make a file that
 * is another one's.  Files of the spool's owner and of root, who may speak for
 * others (a client of the SMTP service, say), are those of whom the envelope
 * names: QF->uid.
 *
 * 0; -ENOENT; -EBADMSG with
 * *RETERR_WHY a fixed text for what is torn or foreign; or another -errno.
 */
int qfile_open(struct qfile *qf, const struct spool *sp, enum spool_state state,
    const char *id, const char **reterr_why);

/* Read the file through and compare the CRC.  0, -EBADMSG or -errno. */
int qfile_verify(const struct qfile *qf);

/* pread(2) of message bytes at OFF, short only at the message's end. */
ssize_t qfile_read(const struct qfile *qf, void *buf, size_t len, uint64_t off);

void qfile_close(struct qfile *qf);

/* ---- what is known of the relay ------------------------------------- */

/* A file that is there if the relay takes no SMTPUTF8, as far as is known. */
#define SPOOL_ASCII_ONLY_NAME ".no-smtputf8"

/* Whether it is there. */
bool spool_is_ascii_only(const struct spool *sp);

/* Make or remove it; only for the holder of the lock.  0 or -errno. */
int spool_set_ascii_only(const struct spool *sp, bool is_ascii_only);

/* Whether the message ID, or what bears its name, is there, and in which
 * *RET_STATE; the least if it is just being moved. */
bool
spool_find(const struct spool *sp, const char *id, enum spool_state *ret_state);

/* ---- what only the holder of the lock does --------------------------- */

/* Called for every entry except "." and ".."; non-zero ends the listing. */
typedef int spool_list_fn(const char *name, void *arg);

/* List STATE's directory in no order.  0, FN's result or -errno. */
int spool_list(const struct spool *sp, enum spool_state state,
    spool_list_fn *fn, void *arg);

/* What the names there of files begin with that spoold is about to make
 * messages of: an id and a dot follow.  See spoold/raw.h. */
#define SPOOL_CLAIM_PREFIX ".raw."

/* The same of the spool's own directory: all that lies there. */
int spool_list_top(const struct spool *sp, spool_list_fn *fn, void *arg);

/*
 * Move a message to another state, durably.  0; -EEXIST if one of that id is
 * there; or -errno: if a sync failed, the message has moved, for now.
 */
int spool_move(const struct spool *sp, const char *id, enum spool_state from,
    enum spool_state to);

/* As spool_move(), but spool_sync() of both states is still to be done. */
int spool_rename(const struct spool *sp, const char *id, enum spool_state from,
    enum spool_state to);

/*
 * Make what happened to STATE's names durable; may run in another thread.
 * 0 or -errno.
 */
int spool_sync(const struct spool *sp, enum spool_state state);

/* The same for each state that is set in STATES; the first failure ends it. */
int spool_sync_states(const struct spool *sp, const bool states[SPOOL_STATES]);

/*
 * Remove a message.  Durable after spool_sync(), which has to come before its
 * last event in the journal is: else a power cut brings the file back, and
 * nothing knows that it was served.  0 or -errno.
 */
int
spool_remove(const struct spool *sp, const char *id, enum spool_state state);

/*
 * Move the entry NAME of STATE, which is no message of ours or a torn one,
 * to failed/NAME.damaged, and write WHY to failed/NAME.damaged.why.  Symbolic
 * links and directories are moved too, never followed.  In the new name odd
 * bytes become '_', it is cut to 200 bytes, and ".1", ".2" … follow where it
 * is taken.  0 or -errno.
 */
int spool_set_aside(const struct spool *sp, enum spool_state state,
    const char *name, const char *why);

/*
 * The same of the entry NAME of the directory FROM_FD, which becomes
 * failed/SHOWN.damaged.  What has happened to FROM_FD is not synchronised.
 */
int spool_set_aside_from(const struct spool *sp, int from_fd, const char *name,
    const char *shown, const char *why);

/*
 * Remove files in tmp/ that nobody wrote to for AGE_S seconds; directories
 * are left.  0 or -errno, that of the first failure.
 */
int spool_sweep(const struct spool *sp, int64_t now_us, unsigned age_s);

#endif
