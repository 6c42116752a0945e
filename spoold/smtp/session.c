/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* libesmtp.h needs what comes before it. */
#include <stddef.h>
#include <openssl/ssl.h>
#include <auth-client.h>
#include <libesmtp.h>

#include "spoold/smtp/auth.h"
#include "spoold/smtp/hooks.h"
#include "spoold/smtp/message.h"
#include "spoold/smtp/opening.h"
#include "spoold/smtp/pool.h"
#include "spoold/smtp/result.h"
#include "spoold/smtp/session.h"
#include "spoold/smtp/transport.h"

struct session {
	struct pool *pool;
	struct transport *t;
	smtp_session_t lib;
	auth_context_t auth; /* NULL: no login */
	struct credentials creds;
	struct job *job;   /* in its transaction; NULL between two */
	struct job *carry; /* to be done next, on another connection … */
	bool is_again;     /* … or on this one, if it still is good */
	unsigned messages; /* that were begun */
	bool was_dummy_read;
	char *trouble;
};

/* ---- results --------------------------------------------------------- */

static void
set_trouble(struct session *s, const char *reason)
{
	free(s->trouble);
	s->trouble = strdup(reason);
}

/* The job was not tried: later, or over another connection at once. */
static void
end_untried(struct session *s, struct job *job)
{
	const struct conn *c = s->t->conn;
	char reason[CONN_WHY_MAX];
	char *said;

	if (c->is_aborted) {
		job_back(job, "stop", c->why);
		return;
	}
	if ((s->t->tx.mail == 0 || s->t->tx.mail == 421) && s->messages > 1 &&
	    !job->is_retried) {
		/* The server was tired of the connection, not of us. */
		job->is_retried = true;
		s->carry = job;
		return;
	}
	if (s->t->tx.mail == 0) {
		(void)snprintf(reason, sizeof(reason), "%s",
		    c->is_dead ? c->why : "libESMTP gave up");
	} else {
		said = reply_describe(&c->norm.reply);
		(void)snprintf(reason, sizeof(reason), "MAIL: %s",
		    said != NULL ? said : "refused");
		free(said);
	}
	/* Well until it saw this message's MAIL: others may fare better. */
	if (s->t->tx.is_mail_sent) {
		job_back(job, "message", reason);
		return;
	}
	set_trouble(s, reason);
	job_back(job, "relay", reason);
}

/* The transaction broke off; the message may or may not be there. */
static void
end_broken(struct session *s, struct job *job, enum outcome outcome)
{
	const struct transport *t = s->t;
	char reason[CONN_WHY_MAX + 16];

	if (t->is_file_bad) {
		job_bad(job, t->file_why);
		return;
	}
	if (t->file_why[0] != '\0') {
		job_back(job, "local", t->file_why);
		return;
	}
	if (t->conn->is_aborted && outcome == OUTCOME_LOST) {
		job_back(job, "stop", t->conn->why);
		return;
	}
	(void)snprintf(reason, sizeof(reason), "[local] %s",
	    t->conn->is_dead ? t->conn->why : "libESMTP gave up");
	job_tell_rest(job, outcome, reason);
	job_done(job);
}

/*
 * The final reply is there: it holds for all that were not refused.  For a
 * success libESMTP and we must agree, recipient by recipient.
 */
static void
end_answered(struct session *s, struct job *job, unsigned code)
{
	char *said = reply_describe(&s->t->conn->norm.reply);
	const char *reply = said != NULL ? said : "";

	if (code / 100 != 2)
		job_tell_rest(job, result_outcome(code, false), reply);
	for (size_t i = 0; i < job->target_count; i++) {
		struct target *target = &job->targets[i];

		if (target->is_done)
			continue;
		if (target->is_accepted && target->handle != NULL &&
		    smtp_recipient_check_complete(target->handle))
			job_tell(job, target, OUTCOME_DELIVERED, reply);
		else
			job_tell(job, target, OUTCOME_LOST,
			    "[local] no clear answer about the recipient");
	}
	free(said);
	job_done(job);
}

/*
 * Whether the message was refused for good, maybe for lines that are too
 * long, and so is worth another try with short ones.
 */
static bool
may_fold(struct session *s, struct job *job, unsigned code)
{
	return !job->is_folded && job->left > 0 && s->t->tx.mail / 100 == 2 &&
	    result_outcome(code, false) == OUTCOME_FAILED &&
	    message_has_long_line(&job->qf, s->t->block, sizeof(s->t->block));
}

/* The final reply holds, unless there is a better form of the message. */
static void
end_or_fold(struct session *s, struct job *job, unsigned code)
{
	if (may_fold(s, job, code))
		job->refusal = reply_describe(&s->t->conn->norm.reply);
	if (job->is_folded || job->refusal == NULL) {
		end_answered(s, job, code);
		return;
	}
	job->is_folded = true;
	s->carry = job;
	s->is_again = true;
}

/* The transaction of the current job is over, one way or another. */
static void
finish(struct session *s)
{
	const struct transaction *tx = &s->t->tx;
	const struct conn *c = s->t->conn;
	struct answers answers = {
		.mail = tx->mail,
		.final = tx->final,
		.last_words = c->has_last_words ? c->norm.reply.code : 0,
		.is_data_ok = tx->is_data_ok,
		.is_dot_sent = tx->is_dot_sent,
	};
	struct job *job = s->job;
	unsigned code = 0;

	s->job = NULL;
	if (job == NULL)
		return;
	switch (result_fate(&answers, &code)) {
	case FATE_ANSWERED:
		end_or_fold(s, job, code);
		break;
	case FATE_RELAY:
		end_untried(s, job);
		break;
	case FATE_LOST:
		end_broken(s, job, OUTCOME_LOST);
		break;
	case FATE_UNCERTAIN:
		end_broken(s, job, OUTCOME_UNCERTAIN);
		break;
	}
}

static void
on_recipient(struct session *s, smtp_recipient_t recipient)
{
	struct target *target = smtp_recipient_get_application_data(recipient);
	const struct reply *reply = &s->t->conn->norm.reply;
	char *said;

	if (s->t->is_local || s->job == NULL || target == NULL)
		return;
	if (reply->code / 100 == 2) {
		target->is_accepted =
		    smtp_recipient_status(recipient)->code == (int)reply->code;
		return;
	}
	said = reply_describe(reply);
	job_tell(s->job, target, result_outcome(reply->code, true),
	    said != NULL ? said : "");
	free(said);
}

/* ---- messages -------------------------------------------------------- */

/*
 * libESMTP asks for the message: see transport.h.  What it gets is a dummy
 * with the header fields that it would add; they go nowhere.
 */
static const char *
on_read(void **ctx, int *len, void *arg)
{
	static const char dummy[] =
	    "Date: x\r\nFrom: x\r\nMessage-Id: x\r\n\r\n";
	struct session *s = arg;
	int err;

	(void)ctx;
	if (len == NULL) {
		s->was_dummy_read = false;
		return NULL;
	}
	*len = 0;
	if (s->was_dummy_read) {
		errno = 0;
		return NULL;
	}
	s->was_dummy_read = true;
	hooks_divert(NULL);
	err = s->job == NULL
	    ? -EIO
	    : transport_send_message(s->t, &s->job->qf, s->job->is_folded);
	hooks_divert(s->t);
	if (err < 0) {
		/* Not zero: libESMTP goes away without the final dot. */
		errno = EIO;
		return NULL;
	}
	*len = (int)sizeof(dummy) - 1;
	errno = 0;
	return dummy;
}

/* What the relay cannot take at all is settled here. */
static struct job *
fit(struct session *s, struct job *job)
{
	say(job->say, "start", job->id, s->t->conn->peer, SAY_END);
	job->begun_ms = conn_now_ms();
	message_check(job, &s->t->caps);
	if (job->left > 0)
		return job;
	job_done(job);
	return NULL;
}

/* Give JOB to libESMTP as the next message of the session. */
static void
feed(struct session *s, struct job *job)
{
	transport_begin(s->t, job->is_utf8);
	s->messages++;
	s->job = job;
	if (message_add(s->lib, job, &s->t->caps, on_read, s) == 0)
		return;
	/* What libESMTP has of it must not go out. */
	conn_kill(s->t->conn, "%s", strerror(ENOMEM));
	s->job = NULL;
	job_back(job, "local", strerror(ENOMEM));
}

/* Whether the connection takes another message. */
static bool
has_room(const struct session *s)
{
	return !s->t->conn->is_dead &&
	    s->messages < s->pool->rs->session_messages;
}

/* The message that was refused for its form, if the server is still there. */
static void
feed_again(struct session *s)
{
	struct job *job = s->carry;

	if (s->is_again && has_room(s) && conn_is_quiet(s->t->conn)) {
		s->carry = NULL;
		feed(s, job);
	}
	s->is_again = false;
}

/* After a message: another one, if it comes in time. */
static void
feed_next(struct session *s)
{
	struct job *job;

	feed_again(s);
	while (s->job == NULL && s->carry == NULL && has_room(s)) {
		job = pool_next(s->pool, s->pool->rs->linger_ms);
		if (job == NULL)
			return;
		if (!job_load(job, s->pool->sp))
			continue;
		/* The server may have left meanwhile: no fault of the job. */
		if (!conn_is_quiet(s->t->conn)) {
			s->carry = job;
			return;
		}
		job = fit(s, job);
		if (job != NULL)
			feed(s, job);
	}
}

static void
on_event(smtp_session_t lib, int event, void *arg, ...)
{
	struct session *s = arg;
	smtp_recipient_t recipient;
	va_list args;

	(void)lib;
	hooks_divert(NULL);
	va_start(args, arg);
	switch (event) {
	case SMTP_EV_RCPTSTATUS:
		(void)va_arg(args, const char *);
		recipient = va_arg(args, smtp_recipient_t);
		on_recipient(s, recipient);
		break;
	case SMTP_EV_MAILSTATUS:
		if (s->t->tx.mail / 100 == 2) {
			pool_connected(s->pool);
			break;
		}
		finish(s);
		feed_next(s);
		break;
	case SMTP_EV_MESSAGESENT:
		finish(s);
		feed_next(s);
		break;
	default:
		break;
	}
	va_end(args);
	hooks_divert(s->t);
}

/* ---- the session ----------------------------------------------------- */

static int
on_credentials(
    auth_client_request_t request, char **result, int fields, void *arg)
{
	struct credentials *creds = arg;

	for (int i = 0; i < fields; i++)
		result[i] = request[i].flags & AUTH_PASS ? creds->password
							 : creds->user;
	return 1;
}

/* Choose the mechanism and have the password ready.  0, or C is dead. */
static int
prepare_login(struct session *s, struct conn *c, struct capabilities *caps,
    unsigned *ret_mechanism)
{
	char why[5000];

	caps->mechanisms &= s->pool->mechanisms;
	if (auth_prepare(s->pool->rs, caps, c->is_loopback || c->is_verified,
		&s->creds, ret_mechanism, why, sizeof(why)) == 0)
		return 0;
	conn_kill(c, "%s", why);
	return -1;
}

/*
 * Open the transport.  0, or -1 with *RETERR_CONN, to be freed, to tell why
 * (NULL: out of memory).
 */
static int
open_transport(struct session *s, struct conn **reterr_conn)
{
	struct pool *pool = s->pool;
	struct capabilities caps;
	unsigned mechanism;
	struct conn *c;

	*reterr_conn = NULL;
	c = conn_new(pool->abort_fd, (int64_t)pool->rs->reply_timeout_s * 1000);
	if (c == NULL)
		return -1;
	if (opening_run(c, pool->rs, pool->tc, &caps) < 0 ||
	    prepare_login(s, c, &caps, &mechanism) < 0) {
		*reterr_conn = c;
		return -1;
	}
	pool_tell_utf8(pool, caps.has_smtputf8);
	s->t = transport_new(c, &caps, mechanism);
	return s->t != NULL ? 0 : -1;
}

/* A libESMTP session over S->t.  0 or -ENOMEM. */
static int
open_library(struct session *s, const char *helo)
{
	s->lib = smtp_create_session();
	if (s->lib == NULL || !smtp_set_server(s->lib, "relay:25") ||
	    !smtp_set_hostname(s->lib, helo) ||
	    !smtp_set_eventcb(s->lib, on_event, s))
		return -ENOMEM;
	if (s->t->mechanism == 0)
		return 0;
	s->auth = auth_create_context();
	if (s->auth == NULL)
		return -ENOMEM;
	(void)auth_set_mechanism_flags(s->auth, AUTH_PLUGIN_PLAIN, 0);
	(void)auth_set_interact_cb(s->auth, on_credentials, &s->creds);
	(void)smtp_auth_set_context(s->lib, s->auth);
	return 0;
}

static void
session_release(struct session *s)
{
	if (s->lib != NULL)
		(void)smtp_destroy_session(s->lib);
	if (s->auth != NULL)
		(void)auth_destroy_context(s->auth);
	transport_free(s->t);
	explicit_bzero(&s->creds, sizeof(s->creds));
}

/* No session came about. */
static void
not_opened(struct session *s, struct job *job, struct conn *c)
{
	if (c == NULL) {
		job_back(job, "local", strerror(ENOMEM));
		return;
	}
	set_trouble(s, c->why);
	job_back(job, c->is_aborted ? "stop" : "relay", c->why);
	conn_free(c);
}

struct job *
session_run(struct pool *pool, struct job *job, char **reterr_trouble)
{
	struct session s = { .pool = pool };
	struct conn *failed;

	if (!job_load(job, pool->sp))
		return NULL;
	if (open_transport(&s, &failed) < 0) {
		not_opened(&s, job, failed);
		goto out;
	}
	if (open_library(&s, pool->rs->helo) < 0) {
		job_back(job, "local", strerror(ENOMEM));
		goto out;
	}
	job = fit(&s, job);
	if (job != NULL)
		feed(&s, job);
	else
		feed_next(&s);
	if (s.job != NULL) {
		hooks_divert(s.t);
		(void)smtp_start_session(s.lib);
		hooks_divert(NULL);
		finish(&s);
	}
out:
	session_release(&s);
	*reterr_trouble = s.trouble;
	return s.carry;
}
