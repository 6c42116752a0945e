/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/fold.h"
#include "lib/spool.h"
#include "spoold/smtp/stuff.h"
#include "spoold/smtp/transport.h"

/* QUIT is politeness: a server that ignores it must not hold a session. */
#define QUIT_TIMEOUT_MS 5000

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
	t->phase = PHASE_COMMAND;
	t->line_len = 0;
	t->pending_first = 0;
	t->pending[0] = COMMAND_GREETING;
	t->pending_count = 1;
	t->in_flight = 0;
	t->feed_start = 0;
	t->feed_len = 0;
	t->hits = 0;
	transport_begin(t, false);
	return t;
}

void
transport_free(struct transport *t)
{
	if (t == NULL)
		return;
	conn_free(t->conn);
	free(t);
}

void
transport_begin(struct transport *t, bool is_utf8)
{
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
	if (t->in_flight == 0 && !conn_is_quiet(t->conn))
		return -1;
	t->in_flight = t->pending_count;
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
		conn_kill(t->conn, "AUTH %s: libESMTP did not log in",
		    mechanism_name(t->mechanism));
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
	if (code == 334) {
		t->phase = PHASE_LOGIN;
		return;
	}
	/* libESMTP would go on to MAIL without having logged in. */
	said = reply_describe(&t->conn->norm.reply);
	conn_kill(t->conn, "AUTH %s: %s", mechanism_name(t->mechanism),
	    said != NULL ? said : "refused");
	free(said);
}

/* Remember what results depend on. */
static void
note(struct transport *t, enum command command, unsigned code)
{
	if (command == COMMAND_AUTH)
		note_login(t, code);
	if (command == COMMAND_MAIL)
		t->tx.mail = code;
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

static int
read_reply(struct transport *t, enum command command)
{
	struct conn *c = t->conn;
	int64_t wait_ms =
	    command == COMMAND_QUIT && c->reply_timeout_ms > QUIT_TIMEOUT_MS
	    ? QUIT_TIMEOUT_MS
	    : c->reply_timeout_ms;
	unsigned code;

	if (c->is_dead)
		return -1;
	if (flush(t) < 0 || conn_reply(c, conn_now_ms() + wait_ms) < 0) {
		conn_blame(c, commands[command].doing);
		return -1;
	}
	code = c->norm.reply.code;
	if (!is_answer(command, code)) {
		conn_kill(c, "%s: the server answered %u",
		    commands[command].doing, code);
		return -1;
	}
	note(t, command, code);
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

/* See transport.h; the message is swallowed and its dot answered. */
static void
feed_refused_data(struct transport *t)
{
	t->phase = PHASE_CONTENT;
	feed_text(t, "354 refused\r\n");
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
	if (command == COMMAND_FINAL && t->tx.is_data_refused)
		/* norm.reply still has it. */
		feed_reply(t);
	else if (command == COMMAND_GREETING)
		feed_text(t, "220 relay\r\n");
	else if (command == COMMAND_EHLO)
		t->feed_len = capabilities_write(
		    &t->caps, t->mechanism, t->feed, sizeof(t->feed));
	else if (read_reply(t, command) < 0)
		feed_local(t);
	else if (command == COMMAND_DATA && t->tx.is_data_refused)
		feed_refused_data(t);
	else
		feed_reply(t);
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

/* ---- the message ----------------------------------------------------- */

/* Where the bytes of a queue file go: folded if asked for, stuffed, out. */
struct content {
	struct transport *t;
	bool is_folded;
	struct fold fold;
	struct stuffer stuffer;
};

/* A stuff_fn. */
static int
put_bytes(const char *bytes, size_t len, void *arg)
{
	struct content *content = arg;

	return conn_put(content->t->conn, bytes, len) < 0 ? -EPIPE : 0;
}

/* A fold_fn: a line that folding begins may begin with a dot. */
static int
put_folded(const char *bytes, size_t len, void *arg)
{
	struct content *content = arg;

	return stuffer_feed(&content->stuffer, bytes, len, put_bytes, content);
}

static int
put_block(struct content *content, const char *block, size_t len)
{
	return content->is_folded ? fold_block(&content->fold, block, len)
				  : put_folded(block, len, content);
}

static int
put_end(struct content *content)
{
	int err = content->is_folded ? fold_end(&content->fold) : 0;

	return err < 0 ? err
		       : stuffer_end(&content->stuffer, put_bytes, content);
}

/* The message cannot go on because of its file. */
static int
file_failed(struct transport *t, int err)
{
	if (err == -EPIPE) {
		conn_blame(t->conn, "sending the message");
		return -EIO;
	}
	t->is_file_bad = err == -EBADMSG;
	(void)snprintf(t->file_why, sizeof(t->file_why), "%s",
	    t->is_file_bad ? "the message has a bare CR or LF"
			   : strerror(-err));
	conn_kill(t->conn, "the message cannot be read");
	return -EIO;
}

/* Send the block at OFF.  Its length or -errno. */
static ssize_t
send_block(struct content *content, const struct qfile *qf, uint64_t off)
{
	struct transport *t = content->t;
	ssize_t n = qfile_read(qf, t->block, sizeof(t->block), off);
	int err;

	if (n <= 0)
		return n < 0 ? n : -EIO;
	/* A refusal before the end: no need to send the rest. */
	if (!conn_is_quiet(t->conn))
		return -EPIPE;
	err = put_block(content, t->block, (size_t)n);
	return err < 0 ? err : n;
}

int
transport_send_message(
    struct transport *t, const struct qfile *qf, bool is_folded)
{
	struct content content = { .t = t, .is_folded = is_folded };
	uint64_t off = 0;
	int err;

	if (t->tx.is_data_refused)
		return 0;
	fold_init(&content.fold, true, put_folded, &content);
	stuffer_init(&content.stuffer);
	while (off < qf->msg_bytes) {
		ssize_t n = send_block(&content, qf, off);

		if (n < 0)
			return file_failed(t, (int)n);
		off += (uint64_t)n;
	}
	err = put_end(&content);
	if (err == 0 && off != qf->msg_bytes)
		err = -EIO;
	return err == 0 ? 0 : file_failed(t, err);
}
