/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "spoold/smtp/mask.h"
#include "spoold/smtp/transport.h"

/* QUIT is politeness: a server that ignores it must not hold a session. */
#define QUIT_TIMEOUT_MS 5000
/* LOGIN's; what comes after them libESMTP answers by "*", each time. */
#define CHALLENGES_MAX 2

static const struct {
	const char *word;
	const char *doing; /* for reasons */
} commands[COMMANDS] = {
	[COMMAND_GREETING] = { NULL, "greeting" },
	[COMMAND_EHLO] = { "EHLO", "EHLO" },
	[COMMAND_AUTH] = { "AUTH", "AUTH" },
	[COMMAND_MAIL] = { "MAIL", "MAIL" },
	[COMMAND_RCPT] = { "RCPT", "RCPT" },
	[COMMAND_DATA] = { "DATA", "DATA" },
	[COMMAND_FINAL] = { NULL, "end of message" },
	[COMMAND_RSET] = { "RSET", "RSET" },
	[COMMAND_QUIT] = { "QUIT", "QUIT" },
};

struct transport *
transport_new(
    struct conn *conn, const struct capabilities *caps, unsigned mechanism)
{
	/* Not calloc(): untouched buffers cost no memory. */
	struct transport *t = malloc(sizeof(*t));

	if (t == NULL) {
		conn_free(conn);
		return NULL;
	}
	t->conn = conn;
	t->caps = *caps;
	t->mechanism = mechanism;
	t->login = mechanism != 0 ? LOGIN_OPEN : LOGIN_NOT_ASKED;
	t->challenges = 0;
	t->phase = PHASE_COMMAND;
	t->line_len = 0;
	t->pending_first = 0;
	t->pending[0] = COMMAND_GREETING;
	t->pending_count = 1;
	t->in_flight = 0;
	t->feed_start = 0;
	t->feed_len = 0;
	t->hits = 0;
	t->tx.mail_said = NULL;
	transport_begin(t, false);
	return t;
}

void
transport_free(struct transport *t)
{
	if (t == NULL)
		return;
	conn_free(t->conn);
	free(t->tx.mail_said);
	free(t);
}

void
transport_begin(struct transport *t, bool is_utf8)
{
	free(t->tx.mail_said);
	memset(&t->tx, 0, sizeof(t->tx));
	t->is_utf8 = is_utf8;
	t->file_why[0] = '\0';
	t->is_file_bad = false;
	t->is_local = false;
}

/*
 * Send what is written.  With nothing in flight the server has nothing to
 * say: what it says then would be taken for the answer to what comes next.
 */
static int
flush(struct transport *t)
{
	if (t->conn->out_len == 0)
		return t->conn->is_dead ? -1 : 0;
	if (t->in_flight == 0 && !t->tx.is_mail_out && !conn_is_quiet(t->conn))
		return -1;
	t->in_flight = t->pending_count;
	t->tx.is_mail_out = t->tx.is_mail_sent && t->tx.mail.code == 0;
	if (conn_flush(t->conn) < 0)
		return -1;
	if (t->pending_count > 0 &&
	    t->pending[(t->pending_first + t->pending_count - 1) %
		TRANSPORT_PENDING_MAX] == COMMAND_FINAL)
		t->tx.is_dot_sent = true;
	return 0;
}

/* ---- what libESMTP writes -------------------------------------------- */

static void
expect(struct transport *t, enum command command)
{
	if (t->pending_count == TRANSPORT_PENDING_MAX) {
		/* transport_poll() makes it read long before. */
		conn_kill(t->conn, "too many commands without an answer");
		return;
	}
	t->pending[(t->pending_first + t->pending_count) %
	    TRANSPORT_PENDING_MAX] = command;
	t->pending_count++;
}

static enum command
find_command(const char *line, size_t len)
{
	for (unsigned i = 0; i < COMMANDS; i++)
		if (commands[i].word != NULL && len >= 4 &&
		    strncasecmp(line, commands[i].word, 4) == 0)
			return (enum command)i;
	return COMMANDS;
}

/* The parameter that libESMTP does not know, at the end of its MAIL. */
static void
add_smtputf8(struct transport *t)
{
	static const char more[] = " SMTPUTF8\r\n";

	if (t->line_len < 2 || memcmp(t->line + t->line_len - 2, "\r\n", 2) ||
	    t->line_len + sizeof(more) > sizeof(t->line)) {
		conn_kill(t->conn, "libESMTP sends an endless MAIL");
		return;
	}
	memcpy(t->line + t->line_len - 2, more, sizeof(more) - 1);
	t->line_len += sizeof(more) - 3;
}

static void
login_failed(struct transport *t, const char *why)
{
	if (t->conn->is_dead)
		return;
	conn_kill(t->conn, "AUTH %s: %s", mechanism_name(t->mechanism),
	    why != NULL ? why : "refused");
	t->conn->is_login_trouble = true;
}

/* A whole line of the dialogue: pass it on, or know the answer. */
static void
take_command(struct transport *t)
{
	enum command command = t->phase == PHASE_LOGIN
	    ? COMMAND_AUTH
	    : find_command(t->line, t->line_len);

	if (command == COMMANDS) {
		conn_kill(t->conn, "libESMTP sends an unknown command");
		command = COMMAND_QUIT;
	}
	if (command == COMMAND_MAIL && t->login == LOGIN_OPEN)
		login_failed(t, "libESMTP did not log in");
	expect(t, command);
	/* EHLO's answer is known; PHASE_LOGIN needs a new 334 each time. */
	t->phase = PHASE_COMMAND;
	if (command == COMMAND_EHLO)
		return;
	if (command == COMMAND_AUTH)
		t->conn->is_secret = true;
	if (command == COMMAND_MAIL && t->is_utf8)
		add_smtputf8(t);
	if (command == COMMAND_MAIL)
		t->tx.is_mail_sent = !t->conn->is_dead;
	(void)conn_put(t->conn, t->line, t->line_len);
}

/* A whole line of the dummy message: only its final dot is meant. */
static void
take_content(struct transport *t)
{
	if (t->line_len != 3 || memcmp(t->line, ".\r\n", 3) != 0)
		return;
	t->phase = PHASE_COMMAND;
	expect(t, COMMAND_FINAL);
	if (t->tx.is_data_refused)
		return;
	(void)conn_put(t->conn, ".\r\n", 3);
}

void
transport_write(struct transport *t, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (t->line_len == sizeof(t->line)) {
			conn_kill(t->conn, "libESMTP sends an endless line");
			t->line_len = 0;
		}
		t->line[t->line_len++] = bytes[i];
		if (bytes[i] != '\n')
			continue;
		if (t->phase == PHASE_CONTENT)
			take_content(t);
		else
			take_command(t);
		if (t->conn->is_secret)
			explicit_bzero(t->line, t->line_len);
		t->line_len = 0;
	}
}

/* ---- what libESMTP reads --------------------------------------------- */

/* Whether CODE is an answer to COMMAND at all. */
static bool
is_answer(enum command command, unsigned code)
{
	switch (command) {
	case COMMAND_DATA:
		return code == 354 || code >= 400;
	case COMMAND_AUTH:
		return code / 100 == 2 || code == 334 || code >= 400;
	default:
		return code / 100 == 2 || code >= 400;
	}
}

static void
note_login(struct transport *t, unsigned code)
{
	char *said;

	if (code / 100 == 2) {
		t->login = LOGIN_DONE;
		return;
	}
	if (code == 334 && ++t->challenges <= CHALLENGES_MAX) {
		t->phase = PHASE_LOGIN;
		return;
	}
	/* libESMTP would go on to MAIL without having logged in. */
	said = conn_said(t->conn);
	if (said != NULL)
		mask_secrets(said);
	login_failed(
	    t, code != 334 ? said : "the server asks again and again (334)");
	/* "Not now" says nothing about it. */
	t->conn->is_login_trouble = t->conn->is_login_trouble && code != 421;
	free(said);
}

static void
note_mail(struct transport *t)
{
	t->tx.mail = answer_of(&t->conn->norm.reply);
	if (t->tx.mail.code >= 400)
		t->tx.mail_said = conn_said(t->conn);
}

/* Remember what results depend on. */
static void
note(struct transport *t, enum command command, unsigned code)
{
	if (command == COMMAND_AUTH)
		note_login(t, code);
	if (command == COMMAND_MAIL)
		note_mail(t);
	if (command == COMMAND_DATA && code == 354) {
		t->tx.is_data_ok = true;
		t->phase = PHASE_CONTENT;
	} else if (command == COMMAND_DATA || command == COMMAND_FINAL) {
		t->tx.final = code;
		t->tx.is_data_refused = command == COMMAND_DATA;
	}
	if (command == COMMAND_RSET && code / 100 != 2)
		conn_kill(t->conn, "RSET was refused");
	if (code == 421)
		conn_kill(t->conn, "the server is closing the connection");
}

/* Read the reply to COMMAND; 0, or -1 when the connection is dead. */
static int
read_answer(struct transport *t, enum command command)
{
	struct conn *c = t->conn;
	int64_t wait_ms =
	    command == COMMAND_QUIT && c->reply_timeout_ms > QUIT_TIMEOUT_MS
	    ? QUIT_TIMEOUT_MS
	    : c->reply_timeout_ms;

	if (c->is_dead)
		return -1;
	if (flush(t) < 0 || conn_reply(c, conn_now_ms() + wait_ms) < 0) {
		if (command == COMMAND_AUTH)
			mask_secrets(c->why);
		conn_blame(c, commands[command].doing);
		return -1;
	}
	if (is_answer(command, c->norm.reply.code))
		return 0;
	conn_kill(c, "%s: the server answered %u", commands[command].doing,
	    c->norm.reply.code);
	return -1;
}

/* The server's own answer to a MAIL that libESMTP has one to. */
static int
read_held_mail(struct transport *t)
{
	if (!t->tx.is_mail_held)
		return 0;
	if (read_answer(t, COMMAND_MAIL) < 0)
		return -1;
	t->tx.is_mail_held = false;
	t->tx.is_mail_out = false;
	note(t, COMMAND_MAIL, t->conn->norm.reply.code);
	return 0;
}

/*
 * A 354 although MAIL and all recipients were refused: a lone dot ends it
 * (RFC 2920, section 3.1), and what the server says to that is about
 * nothing.  Where a recipient was taken, an empty message might reach it.
 */
static void
end_refused_data(struct transport *t)
{
	struct conn *c = t->conn;

	if (t->tx.has_stray_recipient) {
		conn_kill(c, "the server refuses MAIL and goes on with it");
		return;
	}
	if (conn_put(c, ".\r\n", 3) == 0 &&
	    read_answer(t, COMMAND_FINAL) == 0 && c->norm.reply.code == 421)
		conn_kill(c, "the server is closing the connection");
}

/*
 * The answers behind that to a refused MAIL are read, for the connection can
 * go on, but they mean nothing: libESMTP is told that DATA was refused.
 */
static int
drop_reply(struct transport *t, enum command command)
{
	unsigned code;

	if (read_answer(t, command) < 0)
		return -1;
	code = t->conn->norm.reply.code;
	if (command == COMMAND_RCPT && code / 100 == 2)
		t->tx.has_stray_recipient = true;
	if (command == COMMAND_DATA && code == 354)
		end_refused_data(t);
	if (command == COMMAND_DATA)
		t->tx.is_data_refused = true;
	if (code == 421)
		conn_kill(t->conn, "the server is closing the connection");
	return t->conn->is_dead ? -1 : 0;
}

static bool
is_mail_refused(const struct transport *t)
{
	return t->tx.mail.code >= 400;
}

static int
read_reply(struct transport *t, enum command command)
{
	if (read_held_mail(t) < 0)
		return -1;
	if (is_mail_refused(t) &&
	    (command == COMMAND_RCPT || command == COMMAND_DATA))
		return drop_reply(t, command);
	if (read_answer(t, command) < 0)
		return -1;
	note(t, command, t->conn->norm.reply.code);
	return 0;
}

static void
feed_text(struct transport *t, const char *text)
{
	t->feed_len = strlen(text);
	memcpy(t->feed, text, t->feed_len);
}

static void
feed_local(struct transport *t)
{
	t->is_local = true;
	/* The reason is ours to tell: libESMTP need not know it. */
	feed_text(t, "421 4.4.2 [local] connection is dead\r\n");
}

static void
feed_reply(struct transport *t)
{
	/* Not all of the buffer: libESMTP's own is as long as this one. */
	t->feed_len =
	    reply_flatten(&t->conn->norm.reply, t->feed, sizeof(t->feed) - 8);
}

/* What libESMTP is told about COMMAND, whose reply we have; false: that. */
static bool
feed_instead(struct transport *t, enum command command)
{
	if (is_mail_refused(t) &&
	    (command == COMMAND_RCPT || command == COMMAND_FINAL)) {
		feed_text(t, "550 MAIL was refused\r\n");
	} else if (command == COMMAND_DATA && t->tx.is_data_refused) {
		/* See transport.h; the message is swallowed, its dot
		 * answered. */
		t->phase = PHASE_CONTENT;
		feed_text(t, "354 refused\r\n");
	} else {
		return false;
	}
	t->is_local = true;
	return true;
}

/* Feed the reply to COMMAND, which the server has to give. */
static void
feed_answer(struct transport *t, enum command command)
{
	/* The reply to DATA is the one to its dot: norm.reply has it. */
	bool is_known = command == COMMAND_FINAL && t->tx.is_data_refused;

	if (command == COMMAND_MAIL && t->caps.has_pipelining &&
	    !t->conn->is_dead) {
		t->tx.is_mail_held = true;
		t->is_local = true;
		feed_text(t, "250 to be seen\r\n");
		return;
	}
	if (!is_known && read_reply(t, command) < 0)
		feed_local(t);
	else if (!feed_instead(t, command))
		feed_reply(t);
}

/* Make the reply to the first command that has none ready to be read. */
static void
answer(struct transport *t)
{
	enum command command;

	t->feed_start = 0;
	if (t->pending_count == 0) {
		/* libESMTP reads without having asked: never seen. */
		conn_kill(t->conn, "libESMTP expects a reply to nothing");
		feed_local(t);
		return;
	}
	command = t->pending[t->pending_first];
	t->is_local = false;
	if (command == COMMAND_GREETING)
		feed_text(t, "220 relay\r\n");
	else if (command == COMMAND_EHLO)
		t->feed_len = capabilities_write(
		    &t->caps, t->mechanism, t->feed, sizeof(t->feed));
	else
		feed_answer(t, command);
	t->pending_first = (t->pending_first + 1) % TRANSPORT_PENDING_MAX;
	t->pending_count--;
	if (t->in_flight > 0)
		t->in_flight--;
}

size_t
transport_read(struct transport *t, char *buf, size_t len)
{
	if (t->feed_start == t->feed_len)
		answer(t);
	if (len > t->feed_len - t->feed_start)
		len = t->feed_len - t->feed_start;
	memcpy(buf, t->feed + t->feed_start, len);
	t->feed_start += len;
	return len;
}

bool
transport_poll(struct transport *t, bool is_blocking)
{
	if (t->feed_start < t->feed_len)
		return true;
	if (!is_blocking && t->pending_count < TRANSPORT_PENDING_ENOUGH)
		return false;
	answer(t);
	return true;
}
