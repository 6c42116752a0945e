/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* A report to be made: for reports.c only. */

#ifndef SPOOLD_REPORT_TASK_H
#define SPOOLD_REPORT_TASK_H

#include "spoold/report.h"
#include "spoold/spoold.h"

/* One report to be made: its own copies of everything. */
struct task {
	STAILQ_ENTRY(task) link;
	struct spoold *d;
	char id[SPOOL_ID_SIZE];
	enum report_kind kind;
	char *to;
	bool is_double;
	char *host, *origin;
	uint64_t original_max;
	int64_t now_us, until_us;
	struct report_rcpt *rcpts;
	size_t nrcpts; /* then, of those, who is to be told of */
	size_t nunwanted;
	/* What the worker says. */
	int err;
	char report_id[SPOOL_ID_SIZE];
};

/*
 * A task for a report of KIND about M to TO; P: the part whose relay took it
 * (REPORT_RELAYED).  NULL: out of memory, or there is nobody to tell of.
 */
struct task *task_new(struct spoold *d, enum report_kind kind,
    const struct message *m, const struct part *p, const char *to);

void task_free(struct task *t);

/* A uv_work_cb with a task: make the report. */
void task_work(uv_work_t *request);

#endif
