/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * A job: one message, some of its recipients.  It ends by exactly one of
 * job_done(), job_back() and job_bad(), which free it; whatever happens, each
 * recipient gets at most one result before that.
 *
 * One thread has a job at a time.
 */

#ifndef SPOOLD_SMTP_JOB_H
#define SPOOLD_SMTP_JOB_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "lib/spool.h"
#include "spoold/agent-protocol.h"
#include "spoold/smtp/outcome.h"
#include "spoold/smtp/say.h"

struct target {
	size_t index;     /* in the envelope */
	bool is_done;     /* its result was told */
	bool is_accepted; /* RCPT was answered by 2xx */
	void *handle;     /* of the session, while it is tried */
	/* Of a refusal that has no result yet; else VERDICT_ACCEPTED. */
	enum verdict verdict;
	char *said;  /* its words */
	char *ascii; /* how this relay has to be given its address;
			NULL: as it is */
};

struct job {
	TAILQ_ENTRY(job) link;
	struct say *say;
	char *id;
	char *indexes;   /* as spoold wrote them */
	bool is_loaded;  /* what follows is valid */
	bool is_retried; /* had a second connection of its own */
	bool is_folded;  /* its long lines were refused: break them */
	bool is_utf8;    /* this relay is told SMTPUTF8 */
	struct qfile qf;
	struct target *targets;
	size_t target_count;
	size_t left;        /* targets without a result */
	char *ascii_sender; /* as target.ascii */
	int64_t begun_ms;   /* when its transaction began */
	/* Lines that are not said yet, see job_hold(). */
	struct lines held;
	bool is_holding;
	/*
	 * The reply by which its long lines, perhaps, were refused for good;
	 * NULL: they were not.  It holds if the message with short ones does
	 * not get as far as an answer: else both would be tried again for as
	 * long as that goes on.
	 */
	char *refusal;
};

TAILQ_HEAD(job_list, job);

/* NULL when out of memory. */
struct job *job_new(const char *id, const char *indexes, struct say *say);

/*
 * Open and check the queue file, choose the recipients.  True, also when it
 * was done before; false when that ended (and freed) the job.
 */
bool job_load(struct job *job, const struct spool *sp);

/* Whether a recipient, of those chosen, wants to be told of success. */
bool job_wants_success(const struct job *job);

/* Tell a result of TARGET, if it has none yet. */
void job_tell(struct job *job, struct target *target, enum outcome outcome,
    const char *reply);

/*
 * What is told from now on may wait until job_say() or the job's end, which are
 * to follow at once: one write instead of one a line.
 */
void job_hold(struct job *job);
void job_say(struct job *job);

/* Say that the transaction with SERVER begins; at once, for it may be the
 * agent's last word.  OWES_REPORT as agent-protocol.h has it. */
void job_start(struct job *job, const char *server, bool owes_report);

/* job_tell() for all that have no result; where there is a refusal, that
 * instead of OUTCOME_LOST. */
void job_tell_rest(struct job *job, enum outcome outcome, const char *reply);

/* Forget what a server said about those without a result: they are tried
 * again. */
void job_forget_answers(struct job *job);

/* Release what the last relay had to be given for the addresses. */
void job_forget_ascii(struct job *job);

/* Every target has its result.  It is told before the caller waits for
 * anything: say_flush(). */
void job_done(struct job *job);

/* Hand the rest back; WHY is "relay", "login", "message", "stop" or "local".
 * The first three fail it where there is a refusal. */
void job_back(struct job *job, const char *why, const char *reason);

/* The queue file is torn. */
void job_bad(struct job *job, const char *reason);

#endif
