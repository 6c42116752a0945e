/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* libesmtp.h needs what comes before it. */
#include <stddef.h>
#include <openssl/ssl.h>
#include <auth-client.h>
#include <libesmtp.h>

#include "spoold/smtp/ending.h"
#include "spoold/smtp/message.h"
#include "spoold/smtp/transport.h"

/* Before a result that the server has not said itself. */
static const char local[] = "[local] ";

/* The end of a transaction while it is worked out. */
struct end {
	struct job *job;
	struct transport *t;
	bool may_move;
	struct answer answer; /* what holds for the message */
	enum verdict verdict;
	char *said; /* its words; NULL: none, or no memory */
	char **reterr_trouble;
};

/* ---- recipients ------------------------------------------------------ */

void
ending_recipient(struct job *job, struct target *target,
    const struct transport *t, bool is_known)
{
	const struct reply *reply = &t->conn->norm.reply;
	struct answer answer = answer_of(reply);
	char *said;

	target->is_accepted = false;
	if (reply->code / 100 == 2) {
		target->is_accepted = is_known;
		return;
	}
	said = conn_said(t->conn);
	target->verdict = outcome_verdict(AT_RCPT, &answer);
	switch (target->verdict) {
	case VERDICT_RECIPIENT_FAILED:
		job_tell(job, target, OUTCOME_FAILED, said != NULL ? said : "");
		break;
	case VERDICT_RECIPIENT_LATER:
		job_tell(
		    job, target, OUTCOME_DEFERRED, said != NULL ? said : "");
		break;
	case VERDICT_LOST:
		job_tell(job, target, OUTCOME_LOST, said != NULL ? said : "");
		break;
	default:
		/* What it comes to depends on how the others fare. */
		free(target->said);
		target->said = said;
		return;
	}
	free(said);
}

static const char *
words_of(const struct target *target)
{
	return target->said != NULL ? target->said : "";
}

/* The first target without result that has VERDICT, or NULL. */
static struct target *
find_target(struct job *job, enum verdict verdict)
{
	for (size_t i = 0; i < job->target_count; i++)
		if (!job->targets[i].is_done &&
		    job->targets[i].verdict == verdict)
			return &job->targets[i];
	return NULL;
}

static void
tell_all(struct job *job, enum verdict verdict, enum outcome outcome)
{
	struct target *target;

	while ((target = find_target(job, verdict)) != NULL)
		job_tell(job, target, outcome, words_of(target));
}

/* A result of the message, for those who had a part in its transaction: not
 * those that were too many. */
static void
tell_tried(struct job *job, enum outcome outcome, const char *reply)
{
	for (size_t i = 0; i < job->target_count; i++)
		if (job->targets[i].verdict != VERDICT_TOO_MANY)
			job_tell(job, &job->targets[i], outcome, reply);
}

/* Whether the server took a recipient, or gave one a real answer. */
static bool
was_any_answered(const struct job *job)
{
	for (size_t i = 0; i < job->target_count; i++)
		if (job->targets[i].is_accepted || job->targets[i].is_done)
			return true;
	return false;
}

static bool
was_any_accepted(const struct job *job)
{
	for (size_t i = 0; i < job->target_count; i++)
		if (job->targets[i].is_accepted)
			return true;
	return false;
}

/*
 * Results for those whose reply was about the relay, or about too many at
 * once.  False if the job has ended by it: a relay that wants a login of
 * everybody has trouble with us, not with them.
 */
static bool
settle_recipients(struct end *end)
{
	struct job *job = end->job;
	struct target *target = find_target(job, VERDICT_MAYBE_MESSAGE);
	char reason[CONN_WHY_MAX];

	if (target != NULL && !was_any_answered(job)) {
		(void)snprintf(
		    reason, sizeof(reason), "RCPT: %s", words_of(target));
		job_back(job, "message", reason);
		return false;
	}
	tell_all(job, VERDICT_MAYBE_MESSAGE, OUTCOME_LOST);
	/* Each round has to get somewhere. */
	if (!was_any_accepted(job))
		tell_all(job, VERDICT_TOO_MANY, OUTCOME_DEFERRED);
	return true;
}

/* ---- messages -------------------------------------------------------- */

/* The server's words about the message, behind WHAT, or else what broke,
 * behind PREFIX. */
static void
put_reason(const struct end *end, const char *what, const char *prefix,
    char *buf, size_t size)
{
	const struct conn *c = end->t->conn;

	if (end->answer.kind == ANSWER_GIVEN)
		(void)snprintf(buf, size, "%s%s", what,
		    end->said != NULL ? end->said : "refused");
	else
		(void)snprintf(buf, size, "%s%s", prefix,
		    c->is_dead ? c->why : "libESMTP gave up");
}

/* The job was not tried: later, or over another connection at once. */
static enum ending
end_untried(struct end *end)
{
	const struct conn *c = end->t->conn;
	struct job *job = end->job;
	char reason[CONN_WHY_MAX + 16];
	bool is_message = end->verdict == VERDICT_MAYBE_MESSAGE;
	bool has_left =
	    end->answer.kind == ANSWER_BROKEN || end->answer.code == 421;

	if (c->is_aborted) {
		job_back(job, "stop", c->why);
		return ENDING_DONE;
	}
	if (has_left && end->may_move && !job->is_retried) {
		/* The server was tired of the connection, not of us; or
		 * another one is not. */
		job->is_retried = true;
		return ENDING_ELSEWHERE;
	}
	/* For a message it is a result, else the relay's trouble. */
	put_reason(
	    end, "MAIL: ", is_message ? local : "", reason, sizeof(reason));
	/* Well until it saw this message's MAIL: others may fare better. */
	if (is_message) {
		job_back(job, "message", reason);
		return ENDING_DONE;
	}
	free(*end->reterr_trouble);
	*end->reterr_trouble = strdup(reason);
	job_back(job, c->is_login_trouble ? "login" : "relay", reason);
	return ENDING_DONE;
}

/* The transaction broke off; the message may or may not be there. */
static enum ending
end_broken(struct end *end, enum outcome outcome)
{
	const struct transport *t = end->t;
	struct job *job = end->job;
	char reason[CONN_WHY_MAX + 16];

	if (t->is_file_bad) {
		job_bad(job, t->file_why);
		return ENDING_DONE;
	}
	if (t->file_why[0] != '\0') {
		job_back(job, "local", t->file_why);
		return ENDING_DONE;
	}
	if (t->conn->is_aborted && outcome == OUTCOME_LOST) {
		job_back(job, "stop", t->conn->why);
		return ENDING_DONE;
	}
	put_reason(end, "", local, reason, sizeof(reason));
	/* The server has none of those that were too many. */
	if (outcome == OUTCOME_UNCERTAIN)
		tell_tried(job, outcome, reason);
	job_tell_rest(job, OUTCOME_LOST, reason);
	job_done(job);
	return ENDING_DONE;
}

/*
 * Whether the message was refused for good, maybe for lines that are too
 * long, and so is worth another try with short ones.
 */
static bool
may_fold(const struct end *end)
{
	struct transport *t = end->t;

	return end->verdict == VERDICT_MESSAGE_FAILED &&
	    t->tx.mail.code / 100 == 2 && !end->job->is_folded &&
	    end->job->left > 0 &&
	    message_has_long_line(&end->job->qf, t->block, sizeof(t->block));
}

/* The server refused the message, for now or for good. */
static enum ending
end_refused(struct end *end)
{
	struct job *job = end->job;
	enum outcome outcome = end->verdict == VERDICT_MESSAGE_FAILED
	    ? OUTCOME_FAILED
	    : OUTCOME_DEFERRED;

	if (may_fold(end)) {
		job->refusal = end->said;
		end->said = NULL;
		job->is_folded = job->refusal != NULL;
		if (job->is_folded)
			return ENDING_AGAIN;
	}
	tell_tried(job, outcome, end->said != NULL ? end->said : "");
	if (job->left > 0 && !end->t->conn->is_dead)
		return ENDING_AGAIN;
	tell_all(job, VERDICT_TOO_MANY, OUTCOME_DEFERRED);
	job_done(job);
	return ENDING_DONE;
}

/*
 * The server has taken the message, for those that it accepted.  libESMTP and
 * we must agree, recipient by recipient.
 */
static enum ending
end_delivered(struct end *end)
{
	struct job *job = end->job;

	for (size_t i = 0; i < job->target_count; i++) {
		struct target *target = &job->targets[i];

		if (target->is_done || target->verdict == VERDICT_TOO_MANY)
			continue;
		if (target->is_accepted && target->handle != NULL &&
		    smtp_recipient_check_complete(target->handle))
			job_tell(job, target, OUTCOME_DELIVERED,
			    end->said != NULL ? end->said : "");
		else
			job_tell(job, target, OUTCOME_LOST,
			    "[local] no clear answer about the recipient");
	}
	/* What comes next is answered on its own. */
	free(job->refusal);
	job->refusal = NULL;
	if (job->left > 0)
		return ENDING_AGAIN;
	job_done(job);
	return ENDING_DONE;
}

/* ---- the end --------------------------------------------------------- */

static struct progress
progress_of(const struct transport *t)
{
	const struct transaction *tx = &t->tx;
	const struct conn *c = t->conn;

	return (struct progress){
		.is_mail_sent = tx->is_mail_sent,
		.mail = tx->mail.code,
		.final = tx->final,
		.last_words = c->has_last_words ? c->norm.reply.code : 0,
		.is_data_ok = tx->is_data_ok,
		.is_data_refused = tx->is_data_refused,
		.is_dot_sent = tx->is_dot_sent,
	};
}

static void
judge(struct end *end)
{
	const struct transport *t = end->t;
	struct progress progress = progress_of(t);
	unsigned code;
	enum at at = outcome_reached(&progress, &code);

	if (code == 0)
		end->answer.kind = ANSWER_BROKEN;
	else if (at == AT_MAIL)
		end->answer = t->tx.mail;
	else
		end->answer = answer_of(&t->conn->norm.reply);
	end->verdict = outcome_verdict(at, &end->answer);
	if (code == 0)
		return;
	end->said = at == AT_MAIL && t->tx.mail_said != NULL
	    ? strdup(t->tx.mail_said)
	    : conn_said(t->conn);
}

static enum ending
carry_out(struct end *end)
{
	switch (end->verdict) {
	case VERDICT_RELAY:
	case VERDICT_MAYBE_MESSAGE:
		return end_untried(end);
	case VERDICT_DELIVERED:
		return end_delivered(end);
	case VERDICT_UNCERTAIN:
		return end_broken(end, OUTCOME_UNCERTAIN);
	case VERDICT_MESSAGE_LATER:
	case VERDICT_MESSAGE_FAILED:
		return end_refused(end);
	default:
		return end_broken(end, OUTCOME_LOST);
	}
}

enum ending
ending_run(
    struct job *job, struct transport *t, bool may_move, char **reterr_trouble)
{
	struct end end = {
		.job = job,
		.t = t,
		.may_move = may_move,
		.reterr_trouble = reterr_trouble,
	};
	enum ending ending = ENDING_DONE;

	judge(&end);
	job_hold(job);
	if (t->tx.mail.code / 100 != 2 || settle_recipients(&end))
		ending = carry_out(&end);
	if (ending != ENDING_DONE)
		job_say(job);
	free(end.said);
	return ending;
}
