/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * sendmail: take a message from any program and put it into the spool.  When
 * it exits 0 the message is durable, and nothing has been printed.
 */

#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/conf.h"
#include "lib/date.h"
#include "lib/submit.h"
#include "sendmail/caller.h"
#include "sendmail/options.h"
#include "sendmail/queue-tool.h"
#include "sendmail/smtp.h"

/* What every message of this call shares. */
struct job {
	const struct options *opts;
	const struct caller *caller;
	struct config cfg;
	struct identity identity;
	struct user user;
	struct spool spool;
	bool has_spool;
};

__attribute__((format(printf, 2, 3))) static int
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

static int
read_config(struct job *job)
{
	struct config_error why;
	int err =
	    config_load(&job->cfg, job->opts->config, job->opts->spool, &why);

	if (err == 0)
		return EX_OK;
	return complain(
	    err == -ENOMEM ? EX_TEMPFAIL : EX_CONFIG, "%s", why.text);
}

static int
open_spool(struct job *job)
{
	const char *path = job->cfg.spool;
	bool is_verb;
	char *why = NULL;
	int err = spool_open(&job->spool, path, SPOOL_ADMIT, &why);

	if (err == 0) {
		job->has_spool = true;
		return EX_OK;
	}
	/* "is missing" is about the spool, "queue/ is missing" is not. */
	is_verb = why != NULL && why[strcspn(why, " /")] != '/';
	(void)complain(EX_TEMPFAIL, "cannot use the spool%s '%s'%s %s",
	    is_verb ? ":" : "", path, is_verb ? "" : ":",
	    why != NULL ? why : strerror(-err));
	free(why);
	return EX_TEMPFAIL;
}

static int
job_init(struct job *job)
{
	int status = read_config(job);

	if (status == EX_OK)
		status = open_spool(job);
	if (status != EX_OK)
		return status;
	if (identity_init(&job->identity, &job->cfg) < 0 ||
	    user_find(getuid(), &job->user) < 0)
		return complain(EX_TEMPFAIL, "out of memory");
	return EX_OK;
}

static void
job_release(struct job *job)
{
	if (job->has_spool)
		spool_close(&job->spool);
	user_release(&job->user);
	identity_release(&job->identity);
	config_release(&job->cfg);
}

static const char *
full_name(struct job *job)
{
	if (job->opts->full_name != NULL)
		return job->opts->full_name;
	return job->caller->name != NULL ? job->caller->name
					 : job->user.full_name;
}

static struct submit_options
submit_options_of(struct job *job)
{
	return (struct submit_options){
		.header_rcpts = job->opts->header_rcpts,
		.dot_ends = !job->opts->dot_is_text,
		.keep_header = job->opts->keep_header,
		.identity = &job->identity,
		.full_name = full_name(job),
		.size_max = job->cfg.message_size_max,
		.recipients_max = job->cfg.recipients_max,
		.notify = job->opts->notify,
		.now_us = date_now_us(),
	};
}

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
make_envelope(struct job *job, struct envelope *env, struct submit_error *err)
{
	const char *sender = job->opts->sender;
	struct span login = span_of(sender != NULL ? sender : job->user.login);

	env->uid = getuid();
	env->body = job->opts->body;
	env->ret = job->opts->ret;
	if (job->opts->envid != NULL) {
		env->envid = strdup(job->opts->envid);
		if (env->envid == NULL) {
			err->exit_code = EX_TEMPFAIL;
			strcpy(err->text, "out of memory");
			return -1;
		}
	}
	if (submit_set_sender(env, login, &job->identity, err) < 0)
		return -1;
	return add_arguments(job, env, err);
}

static int
deliver(struct job *job)
{
	struct submit_options opts = submit_options_of(job);
	struct envelope env = { .arrival_us = opts.now_us };
	struct submit_error err = { .exit_code = EX_OK };
	char id[SPOOL_ID_SIZE];

	if (make_envelope(job, &env, &err) == 0 &&
	    submit(&job->spool, &env, STDIN_FILENO, &opts, id, &err) == 0)
		err.exit_code = EX_OK;
	envelope_release(&env);
	return err.exit_code == EX_OK ? EX_OK
				      : complain(err.exit_code, "%s", err.text);
}

/* The modes that write to the spool. */
static int
run_job(const struct options *opts, const struct caller *caller)
{
	struct job job = { .opts = opts, .caller = caller };
	struct submit_options smtp_opts;
	int status;

	if (!caller->has_stdin)
		return complain(EX_NOINPUT, "standard input is closed");
	if (opts->mode == MODE_DELIVER && !opts->header_rcpts &&
	    opts->rcpts[0] == NULL)
		return complain(EX_USAGE,
		    "no recipients: give them as arguments, or use -t");
	status = job_init(&job);
	if (status == EX_OK && opts->mode == MODE_DELIVER) {
		status = deliver(&job);
	} else if (status == EX_OK) {
		smtp_opts = submit_options_of(&job);
		status = smtp_serve(
		    &job.spool, &smtp_opts, getuid(), STDIN_FILENO, stdout);
	}
	job_release(&job);
	return status;
}

static int
run_queue_tool(const struct options *opts, const struct caller *caller)
{
	int err = queue_tool_exec(opts, caller->is_privileged);

	return complain(
	    EX_UNAVAILABLE, "cannot run spoolq: %s", strerror(-err));
}

static int
print_and_exit(const struct options *opts)
{
	if (opts->mode == MODE_HELP)
		options_put_help(stdout);
	else
		puts("sendmail (" PACKAGE_STRING ")");
	return fflush(stdout) == 0 ? EX_OK : EX_IOERR;
}

static int
run(const struct options *opts, const struct caller *caller)
{
	if (caller->is_privileged &&
	    (opts->config != NULL || opts->spool != NULL))
		return complain(EX_NOPERM,
		    "-C and --spool are not for a set-group-id sendmail");
	switch (opts->mode) {
	case MODE_DELIVER:
	case MODE_SMTP:
		return run_job(opts, caller);
	case MODE_LIST:
	case MODE_FLUSH:
		return run_queue_tool(opts, caller);
	case MODE_HELP:
	case MODE_VERSION:
		return print_and_exit(opts);
	case MODE_NOTHING:
		break;
	}
	return EX_OK;
}

int
main(int argc, char *argv[])
{
	struct caller caller;
	struct options opts;
	int status, err = caller_init(&caller);

	(void)argc;
	if (err < 0)
		return complain(EX_OSERR, "cannot start: %s", strerror(-err));
	status = options_parse(argv, &opts, stderr);
	if (status == EX_OK)
		status = run(&opts, &caller);
	caller_release(&caller);
	return status;
}
