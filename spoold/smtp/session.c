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
#include "spoold/smtp/content.h"
#include "spoold/smtp/ending.h"
#include "spoold/smtp/hooks.h"
#include "spoold/smtp/hosts.h"
#include "spoold/smtp/message.h"
#include "spoold/smtp/opening.h"
#include "spoold/smtp/pool.h"
#include "spoold/smtp/secret.h"
#include "spoold/smtp/session.h"
#include "spoold/smtp/transport.h"

/* Between two messages, with a server that has no reason to leave. */
#define BRIEF_MS 20

struct session {
	struct pool *pool;
	struct transport *t;
	smtp_session_t lib;
	auth_context_t auth; /* NULL: no login */
	struct credentials creds;
	struct job *job;   /* in its transaction; NULL between two */
	struct job *carry; /* to be done next, on another connection … */
	bool is_again;     /* … or on this one, if it still is good */
	bool is_noted;     /* note_connected(), for the current job */
	bool is_leaving;   /* the thread has to end */
	unsigned messages; /* that were begun */
	int64_t ended_ms;  /* the last one */
	bool was_dummy_read;
	char *trouble; /* as session_end has it … */
	bool is_login; /* … and this, too */
};

/* C is dead, and the relay's fault it is. */
static void
note_login_trouble(struct session *s, const struct conn *c)
{
	s->is_login = c->is_login_trouble;
	/* It may have been changed: ask for it again next time. */
	if (s->is_login && s->pool->rs->secret != NULL && s->creds.version > 0)
		secret_refused(s->pool->rs->secret, s->creds.version);
}

/*
 * Whether the server broke off with the first message that it saw of us: later
 * ones it may just be tired of.
 */
static bool
has_broken_off(const struct session *s)
{
	const struct conn *c = s->t->conn;

	return c->is_dead && !c->is_aborted && s->messages == 1 &&
	    s->t->file_why[0] == '\0' && !s->t->is_file_bad;
}

/* The transaction of the current job is over, one way or another. */
static void
finish(struct session *s)
{
	struct hosts *hosts = s->pool->rs->hosts;
	struct conn *c = s->t->conn;
	struct job *job = s->job;
	enum ending ending;

	s->job = NULL;
	if (job == NULL)
		return;
	c->cut_ms = 0;
	ending = ending_run(
	    job, s->t, s->messages > 1 || hosts_has_choice(hosts), &s->trouble);
	/* As a login that was refused: another host may do better. */
	if (s->trouble != NULL)
		hosts_blame(hosts, c->host, c->host_rank, s->trouble);
	else if (has_broken_off(s))
		hosts_blame(hosts, c->host, c->host_rank, c->why);
	if (s->trouble != NULL)
		note_login_trouble(s, c);
	s->ended_ms = conn_now_ms();
	if (ending == ENDING_DONE)
		return;
	s->carry = job;
	s->is_again = ending == ENDING_AGAIN;
}

/* The relay takes messages: tell the pool, once for each. */
static void
note_connected(struct session *s)
{
	if (s->is_noted || s->t->tx.mail.code / 100 != 2)
		return;
	s->is_noted = true;
	pool_connected(s->pool);
}

static void
on_recipient(struct session *s, smtp_recipient_t recipient)
{
	struct target *target = smtp_recipient_get_application_data(recipient);
	unsigned code = s->t->conn->norm.reply.code;

	note_connected(s);
	if (s->t->is_local || s->job == NULL || target == NULL)
		return;
	ending_recipient(s->job, target, s->t,
	    smtp_recipient_status(recipient)->code == (int)code);
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
	    : content_send(s->t, &s->job->qf, s->job->is_folded);
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
	bool owes_report = !s->t->caps.has_dsn && job_wants_success(job);

	job_start(job, s->t->conn->peer, owes_report);
	job->begun_ms = conn_now_ms();
	if (message_check(job, &s->t->caps) < 0) {
		job_back(job, "local", strerror(ENOMEM));
		return NULL;
	}
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
	s->t->conn->cut_ms = conn_now_ms() +
	    message_longest_ms(job, s->t->conn->reply_timeout_ms);
	job_forget_answers(job);
	s->messages++;
	s->is_noted = false;
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

/* The message that is not done with, if the server is still there. */
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

/* The pause that the relay wants between two messages of a connection. */
static void
rest(const struct session *s)
{
	int64_t left_ms = s->ended_ms + s->pool->rs->pause_ms - conn_now_ms();

	if (s->messages == 0 || !has_room(s) || left_ms <= 0)
		return;
	say_flush(s->pool->say);
	pool_rest(s->pool, (unsigned)left_ms);
}

/* The next job: of those that wait, or what comes in a while. */
static struct job *
next_job(struct session *s)
{
	struct job *job = pool_next(s->pool, 0, &s->is_leaving);

	if (job != NULL || s->is_leaving)
		return job;
	say_flush(s->pool->say);
	return pool_next(s->pool, s->pool->rs->linger_ms, &s->is_leaving);
}

/* Whether a new connection might get a host that is preferred to ours. */
static bool
is_outdone(const struct session *s)
{
	const struct conn *c = s->t->conn;

	return s->messages > 0 &&
	    hosts_has_better(
		s->pool->rs->hosts, c->host_rank, c->since_ms, conn_now_ms());
}

/* A connection that did nothing for a while may have died meanwhile. */
static bool
is_still_there(const struct session *s)
{
	/* Without a while transport.c's look will do. */
	return conn_now_ms() <= s->ended_ms + BRIEF_MS ||
	    conn_is_quiet(s->t->conn);
}

/* After a message: another one, if it comes in time. */
static void
feed_next(struct session *s)
{
	struct job *job;

	rest(s);
	if (s->carry == NULL && is_outdone(s))
		return;
	feed_again(s);
	while (s->job == NULL && s->carry == NULL && has_room(s)) {
		job = next_job(s);
		if (job == NULL)
			return;
		if (!job_load(job, s->pool->sp))
			continue;
		/* No fault of the job. */
		if (!is_still_there(s)) {
			s->carry = job;
			return;
		}
		job = fit(s, job);
		if (job != NULL)
			feed(s, job);
	}
}

static void
on_mail(struct session *s)
{
	/* libESMTP's answer is ours: the server's is to come. */
	if (s->t->tx.is_mail_held)
		return;
	if (s->t->tx.mail.code / 100 != 2) {
		finish(s);
		feed_next(s);
		say_flush(s->pool->say);
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
		on_mail(s);
		break;
	case SMTP_EV_MESSAGESENT:
		finish(s);
		feed_next(s);
		say_flush(s->pool->say);
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
	if (auth_prepare(c, s->pool->rs, caps, &s->creds, ret_mechanism, why,
		sizeof(why)) == 0)
		return 0;
	if (c->is_aborted)
		return -1;
	conn_kill(c, "%s", why);
	c->is_login_trouble = true;
	hosts_blame(s->pool->rs->hosts, c->host, c->host_rank, why);
	return -1;
}

static void
on_slow(void *arg, bool is_slow)
{
	struct session *s = arg;

	pool_slow(s->pool, is_slow);
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
	c->on_slow = on_slow;
	c->slow_arg = s;
	c->slow_after_ms = (int64_t)pool->rs->slow_after_s * 1000;
	if (opening_run(c, pool->rs, pool->tc, &caps) < 0 ||
	    prepare_login(s, c, &caps, &mechanism) < 0) {
		*reterr_conn = c;
		return -1;
	}
	conn_join(c, &pool->conns);
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
	s->trouble = strdup(c->why);
	note_login_trouble(s, c);
	if (c->is_aborted)
		job_back(job, "stop", c->why);
	else
		job_back(job, s->is_login ? "login" : "relay", c->why);
	conn_free(c);
}

struct session_end
session_run(struct pool *pool, struct job *job)
{
	struct session s = { .pool = pool };
	struct conn *failed;

	if (!job_load(job, pool->sp))
		return (struct session_end){ 0 };
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
	say_flush(pool->say);
	session_release(&s);
	return (struct session_end){
		.carry = s.carry,
		.trouble = s.trouble,
		.is_login = s.is_login,
		.is_leaving = s.is_leaving,
	};
}
