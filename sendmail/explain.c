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

#include "lib/date.h"
#include "lib/text.h"
#include "sendmail/explain.h"

/* Longest text from elsewhere that is shown in a line, in bytes. */
#define SHOWN_BYTES_MAX 2000

/* Where a recipient's mail goes. */
struct way {
	const struct relay_config *relay; /* NULL: to none */
	const struct route_config *why;   /* NULL: by default */
};

struct explanation {
	const struct job *job;
	const struct envelope *env;
	struct way *ways; /* of each recipient, if MAY_READ; owned */
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

/* Below a recipient: its relay, and why that one. */
static void
put_way(FILE *out, const struct explanation *ex, const struct way *way)
{
	const struct config *cfg = &ex->job->cfg;

	put_name(out, "");
	if (way->relay != NULL) {
		fputs("by relay ", out);
		put_text(out, way->relay->name);
	} else {
		fputs("by no relay that is configured", out);
	}
	fputs(way->why != NULL ? ", route at " : ", the default", out);
	if (way->why != NULL) {
		put_text(out, cfg->path != NULL ? cfg->path : "");
		fprintf(out, ":%u", way->why->line);
	}
	putc('\n', out);
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
		/* Only if there is a choice. */
		if (ex->ways != NULL && ex->job->cfg.nroutes > 0)
			put_way(out, ex, &ex->ways[i]);
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

/* One of RELAY's hosts, with the port that it has by default. */
static void
put_host(FILE *out, const struct relay_config *relay, const char *host)
{
	unsigned port = relay->port;
	const char *colon = strchr(host, ':');
	/* An IPv6 address has two at least; so may a socket's path. */
	bool is_bare = colon != NULL && strchr(colon + 1, ':') != NULL &&
	    strncmp(host, "unix:", 5) != 0;

	if (port == 0)
		port = relay->tls == TLS_IMPLICIT ? 465 : 25;
	if (host[0] == '[' || (colon != NULL && !is_bare))
		put_text(out, host);
	else
		fprintf(out, is_bare ? "[%s]:%u" : "%s:%u", host, port);
}

/* The hosts behind the first one, a line each. */
static void
put_alternatives(FILE *out, const struct relay_config *relay)
{
	for (size_t i = 1; i < relay->nhosts; i++) {
		put_name(out, "");
		fputs("then ", out);
		put_host(out, relay, relay->hosts[i]);
		putc('\n', out);
	}
}

static void
put_place(FILE *out, const struct relay_config *relay)
{
	if (relay->maildir != NULL) {
		fputs("maildir:", out);
		put_text(out, relay->maildir);
	} else if (relay->nhosts > 0) {
		put_host(out, relay, relay->hosts[0]);
	}
}

/* RELAY as one of those that CFG has. */
static void
put_relay(FILE *out, const struct config *cfg, const struct relay_config *relay)
{
	put_name(out, "relay");
	if (cfg->nrelays > 1) {
		put_text(out, relay->name);
		fputs(": ", out);
	}
	put_place(out, relay);
	if (cfg->nrelays == 1)
		fputs(", the only one", out);
	else if (relay == cfg->relays)
		fputs(", the default", out);
	putc('\n', out);
	if (relay->maildir != NULL)
		return;
	put_alternatives(out, relay);
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

/* Whether one of the recipients goes to RELAY. */
static bool
uses_relay(const struct explanation *ex, const struct relay_config *relay)
{
	for (size_t i = 0; i < ex->env->nrcpts; i++)
		if (ex->ways[i].relay == relay)
			return true;
	return false;
}

static void
put_relays(FILE *out, const struct explanation *ex)
{
	const struct config *cfg = &ex->job->cfg;

	if (!ex->may_read) {
		put_name(out, "relay");
		fputs("not shown: you may not read ", out);
		put_text(out, cfg->path);
		putc('\n', out);
	} else if (cfg->nrelays == 0) {
		put_name(out, "relay");
		fputs("none configured: it would wait, if spoold was not "
		      "given one\n",
		    out);
	} else {
		for (size_t i = 0; i < cfg->nrelays; i++)
			if (uses_relay(ex, &cfg->relays[i]))
				put_relay(out, cfg, &cfg->relays[i]);
	}
}

/* The lane, and what was asked for if that is another word. */
static void
put_lane(FILE *out, const struct explanation *ex)
{
	const struct config *cfg = &ex->job->cfg;
	const char *asked = ex->env->lane, *lane = asked;

	/* One alone is nothing that anybody chose. */
	if (ex->may_read && cfg->nlanes > 1)
		lane =
		    cfg->lanes[config_lane(cfg, asked, ex->env->sender)].name;
	if (lane == NULL)
		return;
	put_name(out, "lane");
	put_text(out, lane);
	if (asked != NULL && strcmp(asked, lane) != 0) {
		fputs(", asked for as ", out);
		put_text(out, asked);
	}
	putc('\n', out);
}

static void
put_time(FILE *out, const char *name, int64_t us)
{
	char date[DATE_SIZE];

	if (us != 0 && date_format(us, date) == 0)
		put_field(out, name, date);
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
	put_time(out, "not before", ex->env->not_before_us);
	put_time(out, "expires", ex->env->expires_us);
	put_lane(out, ex);
	put_relays(out, ex);
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

/* Find the way of each recipient; false: out of memory. */
static bool
find_ways(struct explanation *ex)
{
	const struct envelope *env = ex->env;

	if (!ex->may_read)
		return true;
	ex->ways = calloc(env->nrcpts, sizeof(ex->ways[0]));
	for (size_t i = 0; ex->ways != NULL && i < env->nrcpts; i++)
		ex->ways[i].relay = config_route(&ex->job->cfg, env->sender,
		    env->rcpts[i].addr, &ex->ways[i].why);
	return ex->ways != NULL;
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
		if (find_ways(ex))
			put_all(out, ex);
		else
			status = complain(EX_TEMPFAIL, "out of memory");
		free(ex->ways);
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
