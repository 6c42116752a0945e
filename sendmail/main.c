/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * sendmail: take a message from any program and put it into the spool.  When
 * it exits 0 the message is durable, and nothing has been printed.
 */

#include "config.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "sendmail/drain.h"
#include "sendmail/explain.h"
#include "sendmail/job.h"
#include "sendmail/newaliases.h"
#include "sendmail/queue-tool.h"
#include "sendmail/smtp.h"
#include "sendmail/wait.h"

static int
deliver(struct job *job)
{
	struct submit_options opts = job_submit_options(job);
	struct envelope env = { .arrival_us = opts.now_us };
	struct submit_error err = { .exit_code = EX_OK };
	char id[SPOOL_ID_SIZE];
	int status = EX_OK;
	struct wait wait;

	if (job->opts->wait)
		wait_begin(&wait, &job->spool, env.arrival_us);
	if (job_envelope(job, &env, &err) < 0 ||
	    submit(&job->spool, &env, STDIN_FILENO, &opts, id, &err) < 0)
		status = complain(err.exit_code, "%s", err.text);
	envelope_release(&env);
	if (job->opts->wait && status == EX_OK)
		return wait_finish(&wait, id, job->opts->wait_us, stderr);
	if (job->opts->wait)
		wait_abandon(&wait);
	return status;
}

static int
serve_smtp(struct job *job)
{
	struct submit_options opts = job_submit_options(job);

	return smtp_serve(&job->spool, &opts, getuid(), STDIN_FILENO, stdout);
}

/* The modes that write to the spool. */
static int
submit_messages(struct job *job)
{
	bool is_smtp = job->opts->mode == MODE_SMTP;
	int status = job_read_config(job);

	if (status == EX_OK)
		status = job_open_spool(job);
	if (status == EX_OK)
		status = job_identify(job);
	if (status == EX_OK)
		return is_smtp ? serve_smtp(job) : deliver(job);
	if (is_smtp)
		smtp_turn_away(stdout);
	return status;
}

static int
run_job(const struct options *opts, const struct caller *caller)
{
	struct job job = { .opts = opts, .caller = caller };
	int status;

	if (!caller->has_stdin)
		return complain(EX_NOINPUT,
		    "standard input is closed or not open for reading");
	if (opts->mode == MODE_DELIVER && !opts->header_rcpts &&
	    opts->rcpts[0] == NULL)
		return complain(EX_USAGE,
		    "no recipients: give them as arguments, or use -t");
	status =
	    opts->explain ? explain_run(&job, stdout) : submit_messages(&job);
	job_release(&job);
	return status;
}

/* With the caller's rights: it shows what is in the files. */
static int
look_at_aliases(const struct options *opts, const struct caller *caller)
{
	struct job job = { .opts = opts, .caller = caller };
	int err = caller_drop_privilege(), status;

	if (err < 0)
		return complain(
		    EX_OSERR, "cannot give up the group: %s", strerror(-err));
	status = job_read_config(&job);
	if (status == EX_OK)
		status = newaliases_run(&job.cfg, stdout, stderr);
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
	case MODE_ALIASES:
		return look_at_aliases(opts, caller);
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
	/* So that lines of several of us in one log stay whole. */
	(void)setvbuf(stderr, NULL, _IOLBF, BUFSIZ);
	if (err < 0)
		return complain(EX_OSERR, "cannot start: %s", strerror(-err));
	status = options_parse(argv, &opts, stderr);
	if (status == EX_OK)
		status = run(&opts, &caller);
	if (status != EX_OK && opts.mode == MODE_DELIVER)
		drain_input(STDIN_FILENO);
	caller_release(&caller);
	return status;
}
