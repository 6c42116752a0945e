/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/indexes.h"
#include "spoold/smtp/conn.h"
#include "spoold/smtp/job.h"

/* More than that is not held: what is told soon is lost least. */
#define HELD_MAX 4096

struct job *
job_new(const char *id, const char *indexes, struct say *say)
{
	struct job *job = calloc(1, sizeof(*job));

	if (job == NULL)
		return NULL;
	job->say = say;
	job->id = strdup(id);
	job->indexes = strdup(indexes);
	if (job->id != NULL && job->indexes != NULL)
		return job;
	free(job->id);
	free(job->indexes);
	free(job);
	return NULL;
}

void
job_forget_answers(struct job *job)
{
	for (size_t i = 0; i < job->target_count; i++) {
		struct target *target = &job->targets[i];

		free(target->said);
		target->said = NULL;
		target->verdict = VERDICT_ACCEPTED;
		target->is_accepted = false;
		target->handle = NULL;
	}
}

void
job_forget_ascii(struct job *job)
{
	free(job->ascii_sender);
	job->ascii_sender = NULL;
	for (size_t i = 0; i < job->target_count; i++) {
		free(job->targets[i].ascii);
		job->targets[i].ascii = NULL;
	}
}

static void
job_free(struct job *job)
{
	job_forget_ascii(job);
	job_forget_answers(job);
	if (job->is_loaded)
		qfile_close(&job->qf);
	lines_release(&job->held);
	free(job->refusal);
	free(job->targets);
	free(job->id);
	free(job->indexes);
	free(job);
}

void
job_done(struct job *job)
{
	lines_add(&job->held, "done", job->id, SAY_END);
	say_soon(job->say, &job->held);
	job_free(job);
}

/* Whether there is no use in trying later: see job.refusal. */
static bool
was_refused(const struct job *job, const char *why)
{
	return job->refusal != NULL &&
	    (strcmp(why, "relay") == 0 || strcmp(why, "login") == 0 ||
		strcmp(why, "message") == 0);
}

void
job_back(struct job *job, const char *why, const char *reason)
{
	if (was_refused(job, why))
		job_tell_rest(job, OUTCOME_FAILED, job->refusal);
	if (job->is_loaded && job->left == 0) {
		struct say *told = job->say;

		job_done(job);
		say_flush(told);
		return;
	}
	lines_add(&job->held, "back", job->id, why, reason, SAY_END);
	say_lines(job->say, &job->held);
	job_free(job);
}

void
job_bad(struct job *job, const char *reason)
{
	lines_add(&job->held, "bad", job->id, reason, SAY_END);
	say_lines(job->say, &job->held);
	job_free(job);
}

void
job_hold(struct job *job)
{
	job->is_holding = true;
}

void
job_say(struct job *job)
{
	job->is_holding = false;
	say_lines(job->say, &job->held);
}

void
job_start(struct job *job, const char *server, bool owes_report)
{
	lines_add(&job->held, "start", job->id, server,
	    owes_report ? "report" : "-", SAY_END);
	job_say(job);
}

void
job_tell(struct job *job, struct target *target, enum outcome outcome,
    const char *reply)
{
	char index[24], delay[24];

	if (target->is_done)
		return;
	target->is_done = true;
	job->left--;
	(void)snprintf(index, sizeof(index), "%zu", target->index);
	(void)snprintf(delay, sizeof(delay), "%lld",
	    job->begun_ms == 0 ? 0LL
			       : (long long)(conn_now_ms() - job->begun_ms));
	lines_add(&job->held, "rcpt", job->id, index, outcome_name(outcome),
	    delay, reply, SAY_END);
	if (!job->is_holding || job->held.len > HELD_MAX)
		say_lines(job->say, &job->held);
}

bool
job_wants_success(const struct job *job)
{
	const struct recipient *rcpts = job->qf.env.rcpts;

	for (size_t i = 0; i < job->target_count; i++)
		if (rcpts[job->targets[i].index].notify & NOTIFY_SUCCESS)
			return true;
	return false;
}

void
job_tell_rest(struct job *job, enum outcome outcome, const char *reply)
{
	if (outcome == OUTCOME_LOST && job->refusal != NULL) {
		outcome = OUTCOME_FAILED;
		reply = job->refusal;
	}
	for (size_t i = 0; i < job->target_count; i++)
		job_tell(job, &job->targets[i], outcome, reply);
}

/* "*", or "0-2,5", each a place in the envelope.  0 or -errno. */
static int
choose_targets(struct job *job)
{
	unsigned *list = NULL;
	size_t count = job->qf.env.nrcpts;
	int err = 0;

	if (strcmp(job->indexes, "*") != 0)
		err = indexes_read(
		    span_of(job->indexes), (unsigned)count, &list, &count);
	if (err < 0)
		return err;
	job->targets = calloc(count, sizeof(*job->targets));
	for (size_t i = 0; job->targets != NULL && i < count; i++)
		job->targets[i].index = list == NULL ? i : list[i];
	free(list);
	if (job->targets == NULL)
		return -ENOMEM;
	job->target_count = count;
	job->left = count;
	return 0;
}

/* End the job because of ERR. */
static bool
load_failed(struct job *job, int err, const char *why)
{
	if (err == -EBADMSG)
		job_bad(job, why != NULL ? why : "the checksum is wrong");
	else
		job_back(job, "local",
		    err == -EINVAL ? "there is no such recipient"
				   : strerror(-err));
	return false;
}

bool
job_load(struct job *job, const struct spool *sp)
{
	const char *why = NULL;
	int err;

	if (job->is_loaded)
		return true;
	if (!spool_is_id(job->id))
		return load_failed(job, -ENOENT, NULL);
	err = qfile_open(&job->qf, sp, SPOOL_QUEUE, job->id, &why);
	if (err < 0)
		return load_failed(job, err, why);
	job->is_loaded = true;
	/* Not job_back()'s "all have a result". */
	job->left = 1;
	/* Reading it all may take long; what was said of others goes first. */
	if (job->qf.head_bytes < job->qf.env_bytes + job->qf.msg_bytes)
		say_flush(job->say);
	err = choose_targets(job);
	if (err == 0)
		err = qfile_verify(&job->qf);
	return err == 0 ? true : load_failed(job, err, NULL);
}
