/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/wire.h"
#include "spoold/smtp/conn.h"
#include "spoold/smtp/job.h"
#include "spoold/smtp/say.h"

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
	if (job->is_loaded)
		qfile_close(&job->qf);
	free(job->refusal);
	free(job->targets);
	free(job->id);
	free(job->indexes);
	free(job);
}

void
job_done(struct job *job)
{
	say(job->say, "done", job->id, SAY_END);
	job_free(job);
}

/* Whether there is no use in trying later: see job.refusal. */
static bool
was_refused(const struct job *job, const char *why)
{
	return job->refusal != NULL &&
	    (strcmp(why, "relay") == 0 || strcmp(why, "message") == 0);
}

void
job_back(struct job *job, const char *why, const char *reason)
{
	if (was_refused(job, why))
		job_tell_rest(job, OUTCOME_FAILED, job->refusal);
	if (job->is_loaded && job->left == 0) {
		job_done(job);
		return;
	}
	say(job->say, "back", job->id, why, reason, SAY_END);
	job_free(job);
}

void
job_bad(struct job *job, const char *reason)
{
	say(job->say, "bad", job->id, reason, SAY_END);
	job_free(job);
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
	say(job->say, "rcpt", job->id, index, outcome_name(outcome), delay,
	    reply, SAY_END);
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

static size_t
count_indexes(const char *indexes)
{
	size_t count = 1;

	for (const char *p = indexes; *p != '\0'; p++)
		count += *p == ',';
	return count;
}

/* "0,2,5", each a place in the envelope.  0 or -errno. */
static int
parse_indexes(struct job *job)
{
	struct span rest = span_of(job->indexes);
	unsigned long long index;

	for (size_t i = 0; i < job->target_count; i++) {
		const char *comma = memchr(rest.ptr, ',', rest.len);
		size_t len =
		    comma != NULL ? (size_t)(comma - rest.ptr) : rest.len;

		if (!wire_number((struct span){ rest.ptr, len },
			job->qf.env.nrcpts - 1, &index))
			return -EINVAL;
		job->targets[i].index = (size_t)index;
		if (comma != NULL)
			len++;
		rest.ptr += len;
		rest.len -= len;
	}
	return 0;
}

static int
choose_targets(struct job *job)
{
	bool is_all = strcmp(job->indexes, "*") == 0;
	size_t count =
	    is_all ? job->qf.env.nrcpts : count_indexes(job->indexes);

	job->targets = calloc(count, sizeof(*job->targets));
	if (job->targets == NULL)
		return -ENOMEM;
	job->target_count = count;
	job->left = count;
	if (!is_all)
		return parse_indexes(job);
	for (size_t i = 0; i < count; i++)
		job->targets[i].index = i;
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
	err = choose_targets(job);
	if (err == 0)
		err = qfile_verify(&job->qf);
	return err == 0 ? true : load_failed(job, err, NULL);
}
