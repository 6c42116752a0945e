/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See sendmail/job.h. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

#include "lib/date.h"
#include "lib/when.h"
#include "sendmail/job.h"

int
complain(int exit_code, const char *fmt, ...)
{
	va_list ap;

	fputs("sendmail: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	putc('\n', stderr);
	return exit_code;
}

int
job_read_config(struct job *job)
{
	struct config_error why;
	int err =
	    config_load(&job->cfg, job->opts->config, job->opts->spool, &why);

	if (err == 0)
		return EX_OK;
	if (err == -ENOMEM)
		return complain(EX_TEMPFAIL, "%s", why.text);
	/* We could read it, but the caller should not. */
	if (job->caller->is_privileged && access(CONFIG_DEFAULT_PATH, R_OK) < 0)
		return complain(EX_CONFIG,
		    CONFIG_DEFAULT_PATH " cannot be used: its owner learns "
					"why from spoold --check-config");
	return complain(EX_CONFIG, "%s", why.text);
}

/* ---- the spool ------------------------------------------------------- */

/* As job_spool_fault(), but it stays open. */
static int
open_spool(struct job *job, char **reterr_fault)
{
	const char *path = job->cfg.spool;
	char *why = NULL;
	int err = spool_open(&job->spool, path, SPOOL_ADMIT, &why);
	bool is_verb;

	if (err == 0) {
		job->has_spool = true;
		return 0;
	}
	/* "is missing" is about the spool, "queue/ is missing" is not. */
	is_verb = why != NULL && why[strcspn(why, " /")] != '/';
	if (asprintf(reterr_fault, "cannot use the spool%s '%s'%s %s%s",
		is_verb ? ":" : "", path, is_verb ? "" : ":",
		why != NULL ? why : strerror(-err),
		caller_hint(job->caller)) < 0)
		*reterr_fault = NULL;
	free(why);
	return err;
}

int
job_open_spool(struct job *job)
{
	char *fault;

	if (open_spool(job, &fault) == 0)
		return EX_OK;
	(void)complain(
	    EX_TEMPFAIL, "%s", fault != NULL ? fault : "out of memory");
	free(fault);
	return EX_TEMPFAIL;
}

/* As writing a message there would do: 0 or -errno. */
static int
check_writable(int dir_fd)
{
	int result = faccessat(dir_fd, ".", W_OK | X_OK, AT_EACCESS);

	return result < 0 ? -errno : 0;
}

int
job_spool_fault(struct job *job, char **reterr_fault)
{
	int err = open_spool(job, reterr_fault);

	if (err < 0)
		return err;
	err = check_writable(job->spool.tmp_fd);
	if (err == 0)
		err = check_writable(job->spool.state_fd[SPOOL_QUEUE]);
	if (err < 0 &&
	    asprintf(reterr_fault, "cannot write to the spool: %s",
		strerror(-err)) < 0)
		*reterr_fault = NULL;
	job->is_ascii_only = spool_is_ascii_only(&job->spool);
	spool_close(&job->spool);
	job->has_spool = false;
	return err;
}

/* ---- who is who ------------------------------------------------------ */

/* The message is queued all the same, and success is silent. */
static void
warn_syslog(const char *text)
{
	openlog("sendmail", LOG_PID, LOG_MAIL);
	syslog(LOG_MAIL | LOG_WARNING, "%s", text);
}

static void
warn_stderr(const char *text)
{
	(void)complain(EX_OK, "warning: %s", text);
}

/* For the identity, with the job. */
static bool
is_ascii_only(void *arg)
{
	const struct job *job = arg;

	return job->has_spool ? spool_is_ascii_only(&job->spool)
			      : job->is_ascii_only;
}

int
job_identify(struct job *job)
{
	if (identity_init(&job->identity, &job->cfg) < 0)
		return complain(EX_TEMPFAIL, "out of memory");
	job->identity.warn = job->opts->explain ? warn_stderr : warn_syslog;
	job->identity.is_ascii_only = is_ascii_only;
	job->identity.is_ascii_only_arg = job;
	return EX_OK;
}

int
job_find_user(struct job *job)
{
	return job->user.login != NULL ? 0 : user_find(getuid(), &job->user);
}

/* For the submission, with the job. */
static const char *
find_full_name(void *arg)
{
	struct job *job = arg;

	return job_find_user(job) == 0 ? job->user.full_name : NULL;
}

struct submit_options
job_submit_options(struct job *job)
{
	const char *name = job->opts->full_name;

	return (struct submit_options){
		.header_rcpts = job->opts->header_rcpts,
		.dot_ends = !job->opts->dot_is_text,
		.keep_header = job->opts->keep_header,
		.identity = &job->identity,
		.full_name = name != NULL ? name : job->caller->name,
		.find_full_name = find_full_name,
		.find_full_name_arg = job,
		.size_max = job->cfg.message_size_max,
		.recipients_max = job->cfg.recipients_max,
		.notify = job->opts->notify,
		.now_us = date_now_us(),
	};
}

/* ---- the envelope ---------------------------------------------------- */

/* Each argument is a list of at least one address. */
static int
add_arguments(struct job *job, struct envelope *env, struct submit_error *err)
{
	char **arg;

	for (arg = job->opts->rcpts; *arg != NULL; arg++) {
		size_t before = env->nrcpts;

		if (submit_add_rcpts(env, span_of(*arg), &job->identity, err) <
		    0)
			return -1;
		if (env->nrcpts == before) {
			err->exit_code = EX_DATAERR;
			snprintf(err->text, sizeof(err->text),
			    "bad recipient: argument %td has no address",
			    arg - job->opts->rcpts + 1);
			return -1;
		}
	}
	return 0;
}

static int
fail_memory(struct submit_error *err)
{
	err->exit_code = EX_TEMPFAIL;
	strcpy(err->text, "out of memory");
	return -1;
}

/* The same of a wrong argument. */
static int
fail_usage(struct submit_error *err, const char *text)
{
	err->exit_code = EX_USAGE;
	snprintf(err->text, sizeof(err->text), "%s", text);
	return -1;
}

static int
set_times(
    const struct options *opts, struct envelope *env, struct submit_error *err)
{
	if (opts->ttl_s != 0)
		env->expires_us =
		    env->arrival_us + (int64_t)opts->ttl_s * 1000000;
	if (opts->not_before != NULL &&
	    !when_parse(span_of(opts->not_before), env->arrival_us,
		&env->not_before_us))
		return fail_usage(err, "--not-before has no such time");
	if (env->expires_us != 0 && env->expires_us <= env->not_before_us)
		return fail_usage(err,
		    "--ttl ends before --not-before comes: the message could "
		    "never be sent");
	return 0;
}

/* Whether NAME is a lane's, or a priority's that has one. */
static bool
is_lane(const struct config *cfg, const char *name)
{
	for (size_t i = 0; i < cfg->nlanes; i++) {
		const struct lane_config *lane = &cfg->lanes[i];

		if (strcmp(name, lane->name) == 0 ||
		    (lane->priority != NULL &&
			strcasecmp(name, lane->priority) == 0))
			return true;
	}
	return false;
}

/* The lanes are shown to whoever could read them in the configuration. */
static int
fail_lane(const struct job *job, struct submit_error *err)
{
	const struct config *cfg = &job->cfg;
	size_t used;

	err->exit_code = EX_USAGE;
	snprintf(err->text, sizeof(err->text),
	    "--lane: none is called '%s' in the configuration",
	    job->opts->lane);
	if (job->caller->is_privileged && cfg->path != NULL &&
	    access(cfg->path, R_OK) < 0)
		return -1;
	for (size_t i = 0; i < cfg->nlanes; i++) {
		used = strlen(err->text);
		snprintf(err->text + used, sizeof(err->text) - used, "%s %s",
		    i == 0 ? "; there are" : ",", cfg->lanes[i].name);
	}
	return -1;
}

static int
set_lane(struct job *job, struct envelope *env, struct submit_error *err)
{
	const char *lane = job->opts->lane;

	if (lane == NULL)
		return 0;
	/* One alone is the one that is always there. */
	if (job->cfg.nlanes > 1 && !is_lane(&job->cfg, lane))
		return fail_lane(job, err);
	env->lane = strdup(lane);
	return env->lane != NULL ? 0 : fail_memory(err);
}

int
job_envelope(struct job *job, struct envelope *env, struct submit_error *err)
{
	const char *sender = job->opts->sender;

	env->uid = getuid();
	env->body = job->opts->body;
	env->ret = job->opts->ret;
	if (set_times(job->opts, env, err) < 0 || set_lane(job, env, err) < 0)
		return -1;
	if (job->opts->envid != NULL) {
		env->envid = strdup(job->opts->envid);
		if (env->envid == NULL)
			return fail_memory(err);
	}
	if (sender == NULL) {
		if (job_find_user(job) < 0)
			return fail_memory(err);
		sender = job->user.login;
	}
	if (submit_set_sender(env, span_of(sender), &job->identity, err) < 0)
		return -1;
	return add_arguments(job, env, err);
}

void
job_release(struct job *job)
{
	if (job->has_spool)
		spool_close(&job->spool);
	user_release(&job->user);
	identity_release(&job->identity);
	config_release(&job->cfg);
}
