/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See sendmail/explain.h. */

#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/text.h"
#include "sendmail/explain.h"

/* Longest text from elsewhere that is shown in a line, in bytes. */
#define SHOWN_BYTES_MAX 2000

struct explanation {
	const struct job *job;
	const struct envelope *env;
	const struct submit_report *report;
	const char *spool_fault; /* NULL: it can be used */
	bool may_read;           /* … the caller, the configuration */
};

static void
put_name(FILE *out, const char *name)
{
	fprintf(out, "%-10s ", name);
}

static void
put_text(FILE *out, const char *text)
{
	text_put_clean(out, span_of(text), SHOWN_BYTES_MAX);
}

static void
put_field(FILE *out, const char *name, const char *value)
{
	put_name(out, name);
	put_text(out, value);
	putc('\n', out);
}

/* ---- the envelope ---------------------------------------------------- */

static void
put_sender(FILE *out, const struct explanation *ex)
{
	const char *given = ex->job->opts->sender;
	const char *sender = ex->env->sender;

	put_name(out, "sender");
	put_text(out, sender[0] != '\0' ? sender : "<>");
	if (given == NULL) {
		fputs(", from the login name ", out);
		put_text(out, ex->job->user.login);
	} else {
		fputs(", by -f", out);
		if (strcmp(given, sender) != 0) {
			putc(' ', out);
			put_text(out, given[0] != '\0' ? given : "''");
		}
	}
	putc('\n', out);
}

/* The address that RCPT was before it was led elsewhere, or NULL. */
static const char *
original_of(const struct recipient *rcpt)
{
	const char *semicolon =
	    rcpt->orcpt != NULL ? strchr(rcpt->orcpt, ';') : NULL;

	if (semicolon == NULL || strcmp(semicolon + 1, rcpt->addr) == 0)
		return NULL;
	return semicolon + 1;
}

/* Whether who gets it is none of the caller's business: see explain.h. */
static bool
hides_recipients(const struct explanation *ex)
{
	/* The aliases are read when the first local recipient comes. */
	return !ex->may_read && ex->job->identity.routes != NULL;
}

static void
put_recipients(FILE *out, const struct explanation *ex)
{
	if (hides_recipients(ex)) {
		put_name(out, "recipient");
		fputs("not shown, for a local one is among them: you may not "
		      "read ",
		    out);
		put_text(out, ex->job->cfg.path);
		putc('\n', out);
		return;
	}
	for (size_t i = 0; i < ex->env->nrcpts; i++) {
		const struct recipient *rcpt = &ex->env->rcpts[i];
		const char *original = original_of(rcpt);

		put_name(out, "recipient");
		put_text(out, rcpt->addr);
		if (original != NULL) {
			fputs(", for ", out);
			put_text(out, original);
		}
		putc('\n', out);
	}
}

static void
put_wishes(FILE *out, const struct explanation *ex)
{
	const struct envelope *env = ex->env;
	static const char *const rets[] = { NULL, "FULL", "HDRS" };
	static const char *const bodies[] = { NULL, "7BIT", "8BITMIME" };

	if (env->nrcpts > 0 && env->rcpts[0].notify != 0)
		put_field(out, "notify", notify_name(env->rcpts[0].notify));
	if (rets[env->ret] != NULL)
		put_field(out, "ret", rets[env->ret]);
	if (env->envid != NULL)
		put_field(out, "envid", env->envid);
	if (bodies[env->body] != NULL)
		put_field(out, "body", bodies[env->body]);
	if (env->is_utf8 && !hides_recipients(ex))
		put_field(out, "smtputf8", "an address or the header needs it");
}

/* ---- where it would go ----------------------------------------------- */

static void
put_relay_place(FILE *out, const struct relay_config *relay)
{
	unsigned port = relay->port;

	if (relay->maildir != NULL) {
		fputs("maildir:", out);
		put_text(out, relay->maildir);
		return;
	}
	if (port == 0)
		port = relay->tls == TLS_IMPLICIT ? 465 : 25;
	fprintf(out, strchr(relay->host, ':') != NULL ? "[%s]:%u" : "%s:%u",
	    relay->host, port);
}

static void
put_relay(FILE *out, const struct explanation *ex)
{
	const struct config *cfg = &ex->job->cfg;
	const struct relay_config *relay = &cfg->relay;

	put_name(out, "relay");
	if (!ex->may_read) {
		fputs("not shown: you may not read ", out);
		put_text(out, cfg->path);
		putc('\n', out);
		return;
	}
	if (!cfg->has_relay) {
		fputs("none configured: it would wait, if spoold was not "
		      "given one\n",
		    out);
		return;
	}
	put_relay_place(out, relay);
	fputs(", the only one\n", out);
	if (relay->maildir != NULL)
		return;
	put_name(out, "");
	fprintf(out, "tls %s, ", tls_mode_name(relay->tls));
	if (relay->user != NULL) {
		fputs("login as ", out);
		put_text(out, relay->user);
		putc('\n', out);
	} else {
		fputs("no login\n", out);
	}
}

static void
put_spool(FILE *out, const struct explanation *ex)
{
	if (ex->spool_fault != NULL)
		put_field(out, "spool",
		    ex->may_read ? ex->spool_fault : "cannot be used");
	else if (ex->may_read)
		put_field(out, "spool", ex->job->cfg.spool);
}

/* ---- all of it ------------------------------------------------------- */

/* The header's lines; tabs of folded fields are harmless. */
static void
put_header(FILE *out, const struct submit_report *report)
{
	struct span rest = { report->header, report->header_bytes };

	while (rest.len > 0) {
		size_t len = strcspn(rest.ptr, "\t\r\n");
		char end = rest.ptr[len];

		text_put_clean(out, (struct span){ rest.ptr, len }, SIZE_MAX);
		if (end == '\t' || end == '\n')
			putc(end, out);
		len += end != '\0';
		rest.ptr += len;
		rest.len -= len;
	}
}

static void
put_all(FILE *out, const struct explanation *ex)
{
	put_sender(out, ex);
	put_recipients(out, ex);
	put_wishes(out, ex);
	put_name(out, "size");
	fprintf(out, "%" PRIu64 " bytes\n", ex->report->size_bytes);
	put_relay(out, ex);
	put_spool(out, ex);
	put_name(out, "by");
	fprintf(out, "uid %lu, login ", (unsigned long)ex->env->uid);
	put_text(out, ex->job->user.login);
	fputs("\n\n", out);
	put_header(out, ex->report);
}

/* Say that it would be refused for ERR, and of that what may be known. */
static int
complain_error(const struct explanation *ex, const struct submit_error *err)
{
	/* Those have the paths of files, and what is wrong with them. */
	bool is_secret =
	    err->exit_code == EX_TEMPFAIL || err->exit_code == EX_CONFIG;

	if (ex->may_read || !is_secret)
		return complain(err->exit_code, "%s", err->text);
	return complain(err->exit_code,
	    "it cannot be taken; why, you may not read in '%s'",
	    ex->job->cfg.path);
}

static int
explain(struct job *job, struct explanation *ex, FILE *out)
{
	struct submit_options opts = job_submit_options(job);
	struct envelope env = { .arrival_us = opts.now_us };
	struct submit_report report = { .header = NULL };
	struct submit_error err;
	int status = EX_OK;

	if (job_envelope(job, &env, &err) == 0 &&
	    submit_explain(&env, STDIN_FILENO, &opts, &report, &err) == 0) {
		ex->env = &env;
		ex->report = &report;
		put_all(out, ex);
		free(report.header);
	} else {
		status = complain_error(ex, &err);
	}
	envelope_release(&env);
	if (status == EX_OK && (fflush(out) != 0 || ferror(out)))
		status =
		    complain(EX_IOERR, "cannot write: %s", strerror(errno));
	return status;
}

/* All of it: who calls is shown, whoever the sender is. */
static int
identify(struct job *job)
{
	int status = job_identify(job);

	if (status == EX_OK && job_find_user(job) < 0)
		status = complain(EX_TEMPFAIL, "out of memory");
	return status;
}

int
explain_run(struct job *job, FILE *out)
{
	struct explanation ex = { .job = job };
	int err, status = job_read_config(job);
	char *fault = NULL;

	if (status != EX_OK)
		return status;
	if (job_spool_fault(job, &fault) < 0)
		ex.spool_fault = fault != NULL ? fault : "out of memory";
	err = caller_drop_privilege();
	ex.may_read = !job->caller->is_privileged || job->cfg.path == NULL ||
	    access(job->cfg.path, R_OK) == 0;
	if (err < 0)
		status = complain(
		    EX_OSERR, "cannot give up the group: %s", strerror(-err));
	else
		status = identify(job);
	/* Warnings are about what the aliases have. */
	if (!ex.may_read)
		job->identity.warn = NULL;
	if (status == EX_OK)
		status = explain(job, &ex, out);
	if (status == EX_OK && ex.spool_fault != NULL)
		status = complain(EX_TEMPFAIL, "%s",
		    ex.may_read ? ex.spool_fault : "cannot use the spool");
	free(fault);
	return status;
}
