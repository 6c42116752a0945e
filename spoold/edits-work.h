/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* What edits.c and edits-apply.c share; for them only. */

#ifndef SPOOLD_EDITS_WORK_H
#define SPOOLD_EDITS_WORK_H

#include "spoold/edit-read.h"
#include "spoold/edits.h"

enum edits_stage {
	EDITS_IDLE,
	EDITS_WANTED,   /* when the snapshot going on is complete */
	EDITS_READING,  /* in a worker thread */
	EDITS_TAKING,   /* message by message of the file */
	EDITS_DROPPING, /* … of the queue, what the file lacks */
};

struct edits_count {
	unsigned changed, dropped; /* messages */
	unsigned rcpts_dropped;
	unsigned left; /* messages that stay as they are, though they differ */
};

struct edits {
	struct spoold *d;
	enum edits_stage stage;
	const char *who;
	bool is_resume;
	bool takes_kept;         /* edits that were put aside, too */
	bool is_again;           /* somebody else asked meanwhile */
	bool is_refused;         /* one of the files is … */
	bool is_lost;            /* … and is not read again */
	unsigned source;         /* which of the files is next */
	char *name;              /* of the one at hand, below the spool */
	struct written *written; /* what it should have been; NULL: any is */
	struct written seen;
	uid_t uid; /* whose it is */
	struct edit_file file;
	uint64_t begin_seq; /* of the last event before it was read */
	int err;
	struct id_set touched; /* something happened to them since, … */
	struct id_set since;   /* … while the edit is being taken over */
	bool no_next, no_next_since; /* all were made due since */
	bool is_blind;               /* SINCE lacks something */
	bool is_applying;
	struct edits_count count;
	char cursor[SPOOL_ID_SIZE]; /* EDITS_DROPPING: the last one */
	uv_work_t work;
	uv_idle_t idle;
};

/* Take over what OBJ, a message of the file, says. */
void edits_apply(struct edits *e, struct json_object *obj);

/* M is not in the file: drop it if it was meant to be. */
void edits_drop(struct edits *e, struct message *m);

#endif
