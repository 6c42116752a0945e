/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* What the files of the view offer each other; for them only. */

#ifndef SPOOLQ_VIEW_WORK_H
#define SPOOLQ_VIEW_WORK_H

#include "lib/status-stream.h"
#include "spoolq/select.h"
#include "spoolq/view.h"

/*
 * Where messages come from, merged by id: the stream, without those that the
 * journal touched; those, which are in the view's queue; and, where the status
 * is not to be relied upon, files that neither of them knows.
 */
struct view_source {
	const struct context *ctx;
	FILE *in; /* the snapshot, or spoold; NULL: neither */
	struct status_stream stream;
	off_t first_line;     /* where the messages begin in a snapshot */
	bool has_line;        /* the stream's line is still to be used */
	bool has_ended;       /* … and no more come */
	struct idset touched; /* by the journal, since the snapshot */
	uint64_t seq;         /* of the snapshot */
	uint64_t first_seq, last_seq; /* of the journal behind it; 0: none */
	/* The first and the last time that all was flushed since; 0: never. */
	int64_t flush_first_us, flush_last_us;
	bool began;              /* view_next() was called */
	struct message *overlay; /* the next of the queue's own */
	struct message *passing; /* of the stream, or of a file: in the queue
				    until the next call */
	bool is_damaged;         /* and that has been said */
	bool is_unsure;          /* files have to be looked at */
	bool has_files;          /* they have been listed */
	uint64_t last;           /* the greatest id of a message, packed */
	uint64_t last_line;      /* … of a line */
	uint64_t listed_from;    /* LAST when the files were listed */
	struct idset files[SPOOL_STATES];
	size_t file[SPOOL_STATES]; /* the next of each */
	int code;                  /* view_error() */
};

/* Load snapshot and journal but for untouched messages.  0 or -errno. */
int view_load_snapshot(struct view *v);

/*
 * Have spoold send what the caller may see, and load all but the messages.  A
 * code of sysexits.h, after saying what is wrong.
 */
int view_load_control(struct view *v);

/* Say once that the status is damaged, and rely on the files. */
void view_note_damage(struct view *v);

/* Say instead that somebody has edited it, and spoold is to be told. */
void view_note_edit(struct view *v);

/* Let what is passing go. */
void view_drop_passing(struct view *v);

/* ---- view-files.c ---------------------------------------------------- */

/* List the spool's directories, but for ids up to v->source->last.  0 or
 * -errno. */
int view_list_files(struct view *v);

/* Count the files that were set aside, as far as is worth it.  0 or -errno. */
int view_count_damaged(struct view *v);

/* The least id of a file that was not met so far, packed; 0: there is none. */
uint64_t view_first_file(struct view *v, enum spool_state *ret_state);

/* The file of the known message M was met: its state, where the file is.
 * False if there is none. */
bool view_meet_file(struct view *v, struct message *m);

/* The message that the file of ID in STATE holds, passing; NULL if there is
 * none any more, or if it cannot be read, which is said. */
struct message *
view_read_file(struct view *v, const char *id, enum spool_state state);

#endif
