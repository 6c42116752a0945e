/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See sendmail/smtp-session.h: from MAIL to the answer to the final dot. */

#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "lib/date.h"
#include "lib/utf8.h"
#include "sendmail/params.h"
#include "sendmail/smtp-session.h"

/* How many recipients too many are no error: a client may pipeline them. */
#define OVERSHOOT_MAX 1000

/* How a reply begins that refuses for EXIT_CODE, where BAD_DATA is for data
 * that is no good. */
static const char *
code_of(int exit_code, const char *bad_data)
{
	switch (exit_code) {
	case EX_DATAERR:
		return bad_data;
	case EX_NOPERM:
		return "550 5.7.1";
	case EX_UNAVAILABLE:
		return "552 5.3.4";
	default:
		return "451 4.3.0";
	}
}

/* ---- MAIL and RCPT ----------------------------------------------------- */

/* Refuse PATH, with BAD_ADDRESS if it is no address. */
static void
refuse_path(struct session *ss, struct span path, const char *bad_address,
    const struct submit_error *err)
{
	/* RFC 6531, section 3.7.4.2: its characters are what is wrong. */
	if (utf8_has_8bit(path))
		bad_address = "553 5.6.7";
	session_refuse_error(ss, code_of(err->exit_code, bad_address), err);
}

/* Move what MAIL's parameters say into the envelope. */
static const char *
apply_mail_params(struct session *ss, struct params *params)
{
	if (ss->opts.size_max > 0 && params->size > ss->opts.size_max)
		return "552 5.3.4 the message is too long";
	ss->env.body = params->body;
	ss->env.ret = params->ret;
	ss->env.is_utf8 = ss->env.is_utf8 || params->is_utf8;
	ss->env.envid = params->envid;
	params->envid = NULL;
	return NULL;
}

static void
begin_message(struct session *ss, struct span path, struct params *params)
{
	struct submit_error err;
	const char *refusal;

	if (submit_set_sender(&ss->env, path, ss->opts.identity, &err) < 0) {
		refuse_path(ss, path, "501 5.1.7", &err);
		session_forget(ss);
		return;
	}
	refusal = apply_mail_params(ss, params);
	if (refusal == NULL) {
		session_reply(ss, "250 2.1.0 Ok");
		return;
	}
	session_refuse(ss, refusal);
	session_forget(ss);
}

void
session_mail(struct session *ss, struct span arg)
{
	struct params params = { 0 };
	struct span path, rest;
	const char *refusal;

	if (ss->env.sender != NULL) {
		session_refuse(ss, "503 5.5.1 the sender is known already");
		return;
	}
	if (!params_split(arg, "FROM", &path, &rest)) {
		session_refuse(ss, "501 5.5.4 it is MAIL FROM:<address>");
		return;
	}
	refusal = params_read(rest, PARAMS_MAIL, &params);
	if (refusal != NULL)
		session_refuse(ss, refusal);
	else
		begin_message(ss, path, &params);
	params_release(&params);
}

/* Forget what was added after the first KEPT recipients. */
static void
cut_rcpts(struct envelope *env, size_t kept)
{
	while (env->nrcpts > kept) {
		env->nrcpts--;
		free(env->rcpts[env->nrcpts].addr);
		free(env->rcpts[env->nrcpts].orcpt);
	}
}

/* What RCPT's parameters say is for all that its address has become. */
static int
apply_rcpt_params(
    struct envelope *env, size_t first, const struct params *params)
{
	for (size_t i = first; i < env->nrcpts; i++) {
		struct recipient *rcpt = &env->rcpts[i];

		rcpt->notify = params->notify;
		if (params->orcpt == NULL)
			continue;
		free(rcpt->orcpt);
		rcpt->orcpt = strdup(params->orcpt);
		if (rcpt->orcpt == NULL)
			return -1;
	}
	return 0;
}

static bool
has_too_many(const struct session *ss, size_t count)
{
	size_t max = ss->opts.recipients_max;

	return max > 0 && count > max;
}

static void
refuse_rcpt(struct session *ss)
{
	ss->errors += ++ss->overshoot > OVERSHOOT_MAX;
	session_reply(ss, "452 4.5.3 too many recipients");
}

static void
add_recipient(struct session *ss, struct span path, const struct params *params)
{
	size_t before = ss->env.nrcpts;
	struct submit_error err;

	if (has_too_many(ss, before + 1)) {
		refuse_rcpt(ss);
		return;
	}
	if (submit_add_one(&ss->env, path, ss->opts.identity, &err) < 0)
		refuse_path(ss, path, "501 5.1.3", &err);
	else if (has_too_many(ss, ss->env.nrcpts))
		refuse_rcpt(ss);
	else if (apply_rcpt_params(&ss->env, before, params) < 0)
		session_refuse(ss, "451 4.3.0 out of memory");
	else {
		session_reply(ss, "250 2.1.5 Ok");
		return;
	}
	cut_rcpts(&ss->env, before);
}

void
session_rcpt(struct session *ss, struct span arg)
{
	struct params params = { 0 };
	struct span path, rest;
	const char *refusal;

	if (ss->env.sender == NULL) {
		session_refuse(ss, "503 5.5.1 MAIL comes first");
		return;
	}
	if (!params_split(arg, "TO", &path, &rest)) {
		session_refuse(ss, "501 5.5.4 it is RCPT TO:<address>");
		return;
	}
	refusal = params_read(rest, PARAMS_RCPT, &params);
	if (refusal != NULL)
		session_refuse(ss, refusal);
	else
		add_recipient(ss, path, &params);
	params_release(&params);
}

/* ---- DATA -------------------------------------------------------------- */

/* What RFC 3848 and RFC 6531 call the protocol that was spoken. */
static const char *
protocol_of(const struct session *ss)
{
	if (!ss->is_extended)
		return "SMTP";
	return ss->env.is_utf8 ? "UTF8SMTP" : "ESMTP";
}

/* Say where a message came from, if it was not from a pipe. */
static int
make_trace(const struct session *ss, char **ret)
{
	*ret = NULL;
	if (!ss->peer.is_network)
		return 0;
	*ret = peer_received(&ss->peer, ss->helo != NULL ? ss->helo : "",
	    ss->opts.identity->origin, protocol_of(ss), ss->opts.now_us);
	return *ret != NULL ? 0 : -1;
}

/*
 * Read on to the final dot, so that nothing of a message that was refused is
 * taken for a command.
 */
static void
swallow_message(struct session *ss)
{
	struct line_piece piece;

	while (!ss->in.at_end && lines_next(&ss->in, &piece) >= 0)
		continue;
}

/* Answer the dot, if there was one: else nobody waits for an answer. */
static void
end_message(struct session *ss, int result, const char *id,
    const struct submit_error *err)
{
	if (result == 0) {
		fprintf(ss->out, "250 2.0.0 Ok: queued as %s\r\n", id);
		ss->errors = 0;
		ss->idle_commands = 0;
	} else if (ss->in.at_end) {
		session_refuse_error(ss,
		    err->is_loop ? "554 5.4.6"
				 : code_of(err->exit_code, "554 5.6.0"),
		    err);
	} else {
		ss->is_over = true;
	}
}

static void
take_message(struct session *ss)
{
	struct submit_error err;
	char id[SPOOL_ID_SIZE], *trace;
	int result;

	ss->opts.now_us = date_now_us();
	ss->env.arrival_us = ss->opts.now_us;
	ss->env.uid = ss->peer.has_uid ? ss->peer.uid : ss->uid;
	if (make_trace(ss, &trace) < 0) {
		session_refuse(ss, "451 4.3.0 out of memory");
		return;
	}
	ss->opts.trace = trace;
	session_reply(ss, "354 go on, a lone dot ends it");
	fflush(ss->out);
	/* What the client thinks a line's end is, it has just shown. */
	ss->in.dot = ss->in.is_bare_lf ? LINES_DOT_SMTP : LINES_DOT_CRLF;
	result = submit_lines(ss->sp, &ss->env, &ss->in, &ss->opts, id, &err);
	if (result < 0)
		swallow_message(ss);
	ss->in.dot = LINES_DOT_TEXT;
	ss->opts.trace = NULL;
	free(trace);
	end_message(ss, result, id, &err);
}

void
session_data(struct session *ss, struct span arg)
{
	if (arg.len > 0)
		session_refuse(ss, "501 5.5.4 DATA has no argument");
	else if (ss->env.sender == NULL || ss->env.nrcpts == 0)
		session_refuse(ss, "503 5.5.1 MAIL and RCPT come first");
	else {
		take_message(ss);
		session_forget(ss);
	}
}
