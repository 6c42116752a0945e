/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Raw messages: any regular file at the top of the spool whose name does not
 * begin with a dot, but for a copy of the status.  A program that knows nothing
 * of sendmail writes one there, and it is sent to whom its header names.
 *
 *	raw.c		which files there are
 *	raw-claim.c	those that are ours, and what becomes of them
 *	raw-look.c	whether a file is complete
 *	raw-name.c	which names are none
 *	raw-convert.c	from a file to a message, in worker threads
 *
 * A complete one is claimed: NAME becomes .raw.ID.NAME, whose ID is that of the
 * message to come.  A worker makes the rename durable, publishes queue/ID
 * with "raw NAME" in its envelope, removes the file, and makes that durable
 * too.  Only then does the message exist for the rest of spoold (raw_owns()).
 * Whoever finds a claimed file later knows by the envelope whether it has been
 * published.
 */

#ifndef SPOOLD_RAW_H
#define SPOOLD_RAW_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <sys/tree.h>
#include <uv.h>

#include "lib/identity.h"
#include "lib/spool.h"
#include "spoold/watch.h"

struct spoold;

/* Jobs at a time; libuv has as many threads for us. */
#define RAW_WORKERS 4
/* Files of a job: they share what is synchronised for all of them. */
#define RAW_BATCH 16
/* Files claimed at a time; the others wait in their directory. */
#define RAW_CLAIMS_MAX 1024
/* Files known of that are not taken yet, or will not be. */
#define RAW_FILES_MAX 10000

/* What a claimed file's name begins with. */
#define RAW_CLAIM_PREFIX SPOOL_CLAIM_PREFIX

/* A file that was looked at and is not claimed yet, if it ever will be. */
struct raw_file {
	RB_ENTRY(raw_file) by_name;
	char *name;
	bool is_waiting; /* it is being written, for all we know; else it is
			    left alone, and somebody was told */
	bool is_foreign; /* no regular file */
	bool is_whole;   /* it came with its content: moved or linked here */
	bool is_begun;   /* somebody made it here, and has not closed it */
	bool is_closed;  /* who wrote to it has closed it */
	bool is_open;    /* somebody has it open for writing, for certain */
	bool found;      /* by the scan that is going on */
	int told;        /* the errno that was told of, or 0 */
	off_t size;
	struct timespec changed;
	int64_t since_us; /* it looks like this */
};

enum raw_result {
	RAW_ADMITTED,
	RAW_REFUSED, /* it is no message: it is in failed/ now */
	RAW_OPEN,    /* somebody writes to it */
	RAW_TAKEN,   /* its id is another message's by now */
	RAW_LOST,    /* somebody removed it */
	RAW_TROUBLE, /* nothing of its own: it stays where it is */
};

/* A claimed file. */
struct raw_claim {
	RB_ENTRY(raw_claim) by_id;
	STAILQ_ENTRY(raw_claim) ready; /* for a worker */
	bool is_ready, is_busy;
	bool is_open; /* it waits for somebody to close it */
	char id[SPOOL_ID_SIZE];
	char *name;              /* as it was found */
	char path[NAME_MAX + 1]; /* as it is called now */
	enum raw_result result;
	char *why;  /* it was refused, or the trouble; or NULL */
	char *told; /* the trouble that was told of, or NULL */
};

struct raw_job {
	uv_work_t work;
	struct spoold *d;
	unsigned n; /* 0: it has nothing to do */
	struct raw_claim *claims[RAW_BATCH];
	struct identity identity;
	uint64_t size_max;
	size_t recipients_max;
	int64_t now_us;
};

RB_HEAD(raw_files, raw_file);
RB_HEAD(raw_claims, raw_claim);

struct raw {
	struct raw_files files;
	size_t nfiles;
	struct raw_claims claims;
	size_t nclaims;
	STAILQ_HEAD(, raw_claim) ready;
	struct raw_job jobs[RAW_WORKERS];
	bool more;        /* files lie there that nobody has looked at */
	int64_t id_us;    /* ids until here are used */
	char *json;       /* the copy of the status, when that was looked for */
	char *json_name;  /* … here, where this is its name; or NULL */
	struct watch watch; /* of the directory */
	uv_timer_t timer; /* while something waits */
};

/* ---- for the rest of spoold ------------------------------------------ */

/*
 * Watch the spool's directory, and know of what an earlier spoold has claimed:
 * before queue/ is looked at.  0 or -errno.
 */
int raw_init(struct spoold *d);

/* Look through the spool's directory. */
void raw_scan(struct spoold *d);

/* Whether message ID is not to be touched yet: its file is not gone. */
bool raw_owns(const struct spoold *d, const char *id);

/* Whether a worker is at work. */
bool raw_is_busy(const struct spoold *d);

/*
 * Whether nothing is there that will become a message soon.  Files that
 * somebody has open count only if that is AWAITED.
 */
bool raw_is_idle(const struct spoold *d, bool awaited);

/* Whether files are there that are, or may become, messages. */
bool raw_is_left(const struct spoold *d);

void raw_free(struct spoold *d);

/* ---- for its parts --------------------------------------------------- */

/* What the kernel said of a name. */
enum raw_news { RAW_NO_NEWS, RAW_MADE, RAW_CLOSED, RAW_MOVED };

/*
 * raw-name.c: whether NAME in the spool's directory is none of a raw message:
 * it begins with a dot, or is the copy of the status that is configured (the
 * key "json"), or one of the names made of that: while it is written, and of
 * its edits.
 */
bool raw_is_name_of_ours(struct spoold *d, const char *name);

/* raw-name.c: find out anew what raw_is_name_of_ours() goes by. */
void raw_learn_names(struct spoold *d);

/* raw.c: look at NAME, which may be a raw message's. */
void raw_look(struct spoold *d, const char *name, enum raw_news news);

/* raw.c: look at what waits in a moment, and again. */
void raw_look_soon(struct spoold *d);

/* raw-claim.c: the complete file NAME is ours now.  0, -EAGAIN: there are
 * enough for now, or -errno. */
int raw_claim(struct spoold *d, const char *name);

/* Begin to convert what is claimed. */
void raw_push(struct spoold *d);

/* Try again what somebody wrote to, or ALL that is claimed; whether somebody
 * still did when it was looked at last. */
bool raw_retry(struct spoold *d, bool all);

/* Find what an earlier spoold has claimed.  0 or -errno. */
int raw_find_claimed(struct spoold *d);

/* As raw_is_idle(), of claims. */
bool raw_claims_are_idle(const struct spoold *d, bool awaited);

void raw_forget_claims(struct raw *r);

/* raw-look.c */
enum raw_sight {
	RAW_GONE,
	RAW_FOREIGN,    /* nothing of ours: what it is, is in *RET_WHAT */
	RAW_UNREADABLE, /* *RET_ERR says why */
	RAW_INCOMPLETE, /* or so it seems */
	RAW_COMPLETE,
	RAW_IGNORED, /* a directory */
};

/*
 * Look at F's file; F learns what there is to know for the next time.
 * Nothing but a regular file is opened, no link is followed, nothing waits.
 */
enum raw_sight raw_see(const struct spool *sp, struct raw_file *f,
    int64_t now_us, const char **ret_what, int *ret_err);

/* Who has a file open for writing. */
enum raw_writers { RAW_NO_WRITER, RAW_WRITER, RAW_WRITER_UNKNOWN };

/* FD was opened for reading. */
enum raw_writers raw_writers(int fd);

/* raw-convert.c: a uv_work_cb with a job. */
void raw_convert(uv_work_t *work);

#endif
