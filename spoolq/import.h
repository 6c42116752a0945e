/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * spoolq import: the queue of another mailer into ours, nothing lost, nothing
 * doubled, whenever it is interrupted.
 *
 * A message goes through SPOOL/.import/, a small spool of its own:
 *
 *	1  it is written there, durably (lib/submit.h), and named by its key,
 *	   which tells it from every other file, in ready/
 *	2  the original gets a name that only we know, with a dot, or, if it is
 *	   to be kept, its key is noted in kept/: from now on it is ours
 *	3  it is moved into queue/, and the original removed
 *
 * Killed before 2, the original is there, and what is in ready/ is thrown away
 * by the next run; killed after it, the next run goes on with 3.
 *
 * Keys and the names of step 2 know directories by what they are, not by what
 * they are called: a path may be spelled in many ways, and a directory moved.
 * Where it cannot be known whose an original is, nothing is removed on either
 * side, and the run ends with EX_TEMPFAIL.
 */

#ifndef SPOOLQ_IMPORT_H
#define SPOOLQ_IMPORT_H

#include <sys/stat.h>

#include "lib/submit.h"
#include "spoolq/spoolq.h"

#define IMPORT_DIR ".import"
/* Longest name of a file that is imported: a key has it in it. */
#define IMPORT_NAME_MAX 150
#define IMPORT_KEY_SIZE 256
/* Room for what a directory is known by: two numbers and a dot. */
#define IMPORT_MARK_SIZE 40
/* How an original's name begins after step 2. */
#define IMPORT_TAKEN ".imported-"
/* What is read at once of an envelope or a header. */
#define IMPORT_HEAD_MAX (1u << 20)

/* A message as its file has it. */
struct foreign {
	struct envelope env;
	int fd;            /* the text, from its offset on */
	int lock_fd;       /* -1, or what keeps others away from it */
	bool header_rcpts; /* recipients are those of the header, too */
	char *full_name;   /* for a missing From; or NULL */
};

struct import;

/* A foreign queue. */
struct import_format {
	const char *name;
	/* Below DIR, where the messages are if there is such a directory. */
	const char *subdir;
	/*
	 * Make sure that nobody else works on the queue.  0, or a code of
	 * sysexits.h after saying why not.  NULL: nothing to do.
	 */
	int (*begin)(struct import *im);
	/* Give it back; called if begin() said 0. */
	void (*end)(struct import *im);
	/* Whether the entry NAME stands for a message. */
	bool (*is_message)(const char *name);
	/* Read NAME into the zeroed F, which is released in any case.  0, or
	 * -1 with import_fail(). */
	int (*read)(struct import *im, const char *name, struct foreign *f);
	/* NAME is gone: remove what belonged to it alone.  Or NULL. */
	void (*clean)(struct import *im, const char *name);
};

extern const struct import_format import_nullmailer;
extern const struct import_format import_dma;
extern const struct import_format import_msmtpq;
extern const struct import_format import_spoolgore;
extern const struct import_format import_maildrop;

struct import {
	struct context *ctx;
	const struct import_format *format;
	const char *path; /* DIR, as the user has it, for messages: harmless */
	int top_fd;       /* DIR */
	int dir_fd;       /* of messages */
	bool is_dry, keeps, wants_failed;
	bool is_root;
	struct stat theirs; /* of the directory of messages */
	struct stat ours;   /* of the spool */
	char their_mark[IMPORT_MARK_SIZE];
	char our_mark[IMPORT_MARK_SIZE];
	struct identity identity;
	void *data; /* the format's own */
	/* .import/ */
	struct spool stage;
	int ready_fd, kept_fd;
	int64_t id_us; /* the next message's id is made from this */
	/* Counts. */
	size_t done, left, before;
	int code; /* of sysexits.h, so far */
	char why[600];
};

/* ---- import.c -------------------------------------------------------- */

/*
 * Act as the owner of the foreign queue, or of ours: root opens nothing with
 * its own power.  Ends the program if that fails.
 */
void import_be_them(const struct import *im);
void import_be_us(const struct import *im);

/* Be root again, if we are, to look at what neither of them may: whether
 * somebody works on the foreign queue, and nothing else. */
void import_be_root(const struct import *im);

/* Set IM's reason; always -1. */
int import_fail(struct import *im, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Write TEXT from elsewhere, a name perhaps, harmless. */
void import_put_clean(FILE *out, const char *text);

/* Say that NAME was left where it is, because of IM's reason. */
void import_complain(struct import *im, const char *name, int code);

/* ---- import-commit.c ------------------------------------------------- */

/* Make or open .import/, for this process alone.  0, or a code of sysexits.h
 * after saying what is wrong. */
int import_open_stage(struct import *im);
/* Only to know what was kept, for a dry run. */
void import_look_at_stage(struct import *im);
void import_close_stage(struct import *im);

/*
 * What the directory FD is known by wherever it is moved to: its inode and
 * when that was made or, where that is not known, its device.  0 or -errno.
 */
int import_mark(int fd, char ret[IMPORT_MARK_SIZE]);

/* What NAME is called between step 2 and the end.  That it is gone would not
 * say by whom; and another spool has another name for it. */
void import_taken_name(
    const struct import *im, const char *name, char ret[IMPORT_KEY_SIZE]);

/* Whether the file AT is the original NAME that KEY stands for. */
bool import_is_original(
    const struct import *im, const char *key, const char *name, const char *at);

/* Step 3: publish KEY of ready/.  0 with RET_ID, or -1 with the reason. */
int
import_publish(struct import *im, const char *key, char ret_id[SPOOL_ID_SIZE]);

/* NAME is published: remove what there is of it. */
void import_clean(struct import *im, const char *name);

/* Import F, which is NAME with ST.  0 with RET_ID, or -1 with the reason. */
int import_commit(struct import *im, const char *name, const struct stat *st,
    struct foreign *f, char ret_id[SPOOL_ID_SIZE]);

/* Whether NAME with ST was imported before, and kept. */
bool
import_was_kept(struct import *im, const char *name, const struct stat *st);

/* Remove what was.  0, or -1 with the reason. */
int
import_remove_kept(struct import *im, const char *name, const struct stat *st);

/* The options for submit(). */
struct submit_options
import_options(struct import *im, const struct foreign *f);

/* ---- import-resume.c ------------------------------------------------- */

/*
 * End what an earlier run has begun.  What cannot be ended is left on both
 * sides, and said.
 */
void import_resume(struct import *im);

/* ---- import-file.c --------------------------------------------------- */

/* Open the regular file NAME.  The descriptor, or -1 with the reason. */
int import_open(struct import *im, const char *name, struct stat *ret_st);

/* The first bytes of FD from OFF on, at most IMPORT_HEAD_MAX, terminated and
 * to be freed; NULL with the reason. */
char *import_head(struct import *im, int fd, off_t off, size_t *ret_len);

/* F has come when ST was written, by its owner. */
void import_set_origin(
    const struct import *im, struct foreign *f, const struct stat *st);

/* As submit_set_sender() and submit_add_one(), with the reason. */
int import_set_sender(struct import *im, struct foreign *f, struct span addr);
int import_add_rcpt(struct import *im, struct foreign *f, struct span addr);

/* Set the sender from the header TEXT: From's first address. */
int
import_sender_of_header(struct import *im, struct foreign *f, struct span text);

/* A filter of names. */
typedef bool import_wants_fn(const char *name, const void *arg);

/*
 * The names in the directory DIR_FD, but of directories, that WANTS says yes
 * to, sorted, *RET_COUNT of them, for import_free_names() in any case.  0 or
 * -errno.
 */
int import_names(int dir_fd, import_wants_fn *wants, const void *arg,
    char ***ret, size_t *ret_count);
void import_free_names(char **names, size_t count);

/* The same: the messages of the foreign queue. */
int import_list(struct import *im, char ***ret, size_t *ret_count);

/* The name of the format number I, for the shells; NULL behind the last. */
const char *import_format_name(size_t i);

#endif
