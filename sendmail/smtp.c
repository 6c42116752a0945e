/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See sendmail/smtp.h; RFC 5321 says what comes when. */

#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sysexits.h>

#include "sendmail/params.h"
#include "sendmail/smtp-session.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Longest command line that is looked at. */
#define COMMAND_BYTES_MAX 2048
/* What a client may do wrong before a message of it was taken, or after. */
#define ERRORS_MAX 100
/* How many commands that lead nowhere are no error, likewise. */
#define IDLE_COMMANDS_MAX 100
/* A TCP client's time for each line or reply, and for all of its session. */
#define CLIENT_IDLE_S 300
#define CLIENT_SESSION_S 3600

/* Answer a command whose argument is ARG. */
typedef void command_fn(struct session *ss, struct span arg);

void
session_reply(struct session *ss, const char *text)
{
	/* A program that reads no more is noticed when it writes no more. */
	fprintf(ss->out, "%s\r\n", text);
}

void
session_refuse(struct session *ss, const char *text)
{
	ss->errors++;
	session_reply(ss, text);
}

void
session_refuse_error(
    struct session *ss, const char *code, const struct submit_error *err)
{
	const unsigned char *at;

	ss->errors++;
	fprintf(ss->out, "%s ", code);
	for (at = (const unsigned char *)err->text; *at != '\0'; at++)
		putc(*at < ' ' || *at > '~' ? '?' : *at, ss->out);
	fputs("\r\n", ss->out);
}

/* The last reply, and the session's end. */
static void
hang_up(struct session *ss, const char *text)
{
	session_reply(ss, text);
	ss->is_over = true;
}

void
session_forget(struct session *ss)
{
	envelope_release(&ss->env);
	ss->overshoot = 0;
}

/* ---- the small commands ------------------------------------------------ */

/* Begin anew with a client that calls itself NAME. */
static bool
greet(struct session *ss, struct span name, bool is_extended)
{
	char *helo = strndup(name.ptr, name.len);

	if (helo == NULL) {
		session_refuse(ss, "451 4.3.0 out of memory");
		return false;
	}
	session_forget(ss);
	free(ss->helo);
	ss->helo = helo;
	ss->is_extended = is_extended;
	return true;
}

static void
do_helo(struct session *ss, struct span arg)
{
	if (greet(ss, arg, false))
		fprintf(ss->out, "250 %s\r\n", ss->opts.identity->origin);
}

static void
do_ehlo(struct session *ss, struct span arg)
{
	if (greet(ss, arg, true))
		fprintf(ss->out,
		    "250-%s\r\n250-PIPELINING\r\n250-SIZE %" PRIu64 "\r\n"
		    "250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250-DSN\r\n"
		    "250 SMTPUTF8\r\n",
		    ss->opts.identity->origin, ss->opts.size_max);
}

static void
do_rset(struct session *ss, struct span arg)
{
	if (arg.len > 0) {
		session_refuse(ss, "501 5.5.4 RSET has no argument");
		return;
	}
	session_forget(ss);
	session_reply(ss, "250 2.0.0 Ok");
}

static void
do_noop(struct session *ss, struct span arg)
{
	(void)arg;
	session_reply(ss, "250 2.0.0 Ok");
}

static void
do_vrfy(struct session *ss, struct span arg)
{
	if (arg.len == 0)
		session_refuse(ss, "501 5.5.4 it is VRFY address");
	else
		session_reply(ss, "252 2.5.0 try RCPT");
}

static void
do_help(struct session *ss, struct span arg)
{
	(void)arg;
	session_reply(
	    ss, "214 2.0.0 HELO EHLO MAIL RCPT DATA RSET NOOP VRFY QUIT");
}

static void
do_quit(struct session *ss, struct span arg)
{
	(void)arg;
	hang_up(ss, "221 2.0.0 Bye");
}

static void
do_nothing(struct session *ss, struct span arg)
{
	(void)arg;
	session_refuse(ss, "502 5.5.1 not implemented");
}

/*
 * A browser, led here by a page that has mail to send: its lines are not to
 * be tried one after the other until there are commands among them.
 */
static void
do_http(struct session *ss, struct span arg)
{
	(void)arg;
	hang_up(ss, "521 5.7.0 this is no HTTP server");
}

static const struct command {
	const char *name;
	command_fn *act;
	bool is_idle; /* leads nowhere, and costs only time */
} commands[] = {
	{ "HELO", do_helo, false },
	{ "EHLO", do_ehlo, false },
	{ "MAIL", session_mail, false },
	{ "RCPT", session_rcpt, false },
	{ "DATA", session_data, false },
	{ "RSET", do_rset, true },
	{ "NOOP", do_noop, true },
	{ "VRFY", do_vrfy, true },
	{ "HELP", do_help, true },
	{ "QUIT", do_quit, false },
	{ "EXPN", do_nothing, false },
	{ "ETRN", do_nothing, false },
	{ "TURN", do_nothing, false },
	{ "BDAT", do_nothing, false },
	{ "AUTH", do_nothing, false },
	{ "STARTTLS", do_nothing, false },
	{ "GET", do_http, false },
	{ "HEAD", do_http, false },
	{ "POST", do_http, false },
	{ "PUT", do_http, false },
	{ "DELETE", do_http, false },
	{ "PATCH", do_http, false },
	{ "OPTIONS", do_http, false },
	{ "CONNECT", do_http, false },
	{ "PRI", do_http, false },
};

/* ---- the session ------------------------------------------------------- */

static void
obey(struct session *ss, struct span line)
{
	struct span word = line;
	size_t i;

	word.len = 0;
	while (word.len < line.len && line.ptr[word.len] != ' ' &&
	    line.ptr[word.len] != '\t')
		word.len++;
	line = params_trim(
	    (struct span){ line.ptr + word.len, line.len - word.len });
	for (i = 0; i < COUNT(commands); i++) {
		const struct command *command = &commands[i];

		if (!span_is_word(word, command->name))
			continue;
		if (command->is_idle && ++ss->idle_commands > IDLE_COMMANDS_MAX)
			ss->errors++;
		command->act(ss, line);
		return;
	}
	session_refuse(ss, "500 5.5.2 unknown command");
}

/* A whole line has come; it IS_LONG if it was more than is looked at. */
static void
take_line(struct session *ss, struct span line, bool is_long)
{
	if (is_long)
		session_refuse(ss, "500 5.5.2 the line is too long");
	else if (line.len > 0 && memchr(line.ptr, '\0', line.len) != NULL)
		session_refuse(ss, "500 5.5.2 the line has a NUL character");
	else
		obey(ss, params_trim(line));
	if (!ss->is_over && ss->errors >= ERRORS_MAX)
		hang_up(ss, "421 4.7.0 too many errors");
}

/* Read commands until the session is over; 0 or -errno. */
static int
converse(struct session *ss)
{
	bool is_long = false;
	struct line_piece piece;
	int more;

	while (!ss->is_over) {
		/* Replies to pipelined commands go out together. */
		if (!lines_is_ready(&ss->in))
			fflush(ss->out);
		if (ss->peer.is_network && ferror(ss->out))
			return -EPIPE;
		more = lines_next(&ss->in, &piece);
		if (more <= 0)
			return more;
		is_long = (!piece.starts && is_long) ||
		    piece.text.len > COMMAND_BYTES_MAX || !piece.ends;
		if (piece.ends)
			take_line(ss, piece.text, is_long);
	}
	return 0;
}

/*
 * A TCP client has all the time it needs, but not for ever: connections are
 * counted.  A pipe's end closes it, whatever became of the program.
 */
static void
limit_time(struct session *ss)
{
	struct timeval idle = { .tv_sec = CLIENT_IDLE_S };

	ss->in.patience = (struct lines_patience){
		.idle_ms = CLIENT_IDLE_S * 1000,
		.end_ms = lines_clock_ms() + CLIENT_SESSION_S * 1000,
	};
	/* Without it a client that never reads might hold us for ever. */
	(void)setsockopt(
	    ss->in.fd, SOL_SOCKET, SO_SNDTIMEO, &idle, sizeof(idle));
}

static int
serve(struct session *ss)
{
	int err;

	if (ss->peer.is_network)
		limit_time(ss);
	fprintf(ss->out, "220 %s ESMTP\r\n", ss->opts.identity->origin);
	err = converse(ss);
	if (ss->in.error == -ETIMEDOUT)
		session_reply(ss, "421 4.4.2 nothing came for too long");
	fflush(ss->out);
	return err < 0 ? EX_IOERR : EX_OK;
}

void
smtp_turn_away(FILE *out)
{
	fputs("421 4.3.0 no mail can be taken now\r\n", out);
	fflush(out);
}

int
smtp_serve(const struct spool *sp, const struct submit_options *opts, uid_t uid,
    int in_fd, FILE *out)
{
	struct session ss = { .sp = sp, .opts = *opts, .uid = uid, .out = out };
	int status;

	peer_look(in_fd, &ss.peer);
	if (ss.peer.is_network && !ss.peer.is_loopback) {
		session_reply(
		    &ss, "554 5.7.1 only programs of this machine are served");
		fflush(out);
		return EX_NOPERM;
	}
	if (lines_open(&ss.in, in_fd) < 0) {
		smtp_turn_away(out);
		return EX_TEMPFAIL;
	}
	ss.opts.header_rcpts = false;
	ss.opts.notify = 0;
	/* OPTS names whom the service runs as, and no TCP client is that. */
	if (ss.peer.is_network) {
		ss.opts.full_name = NULL;
		ss.opts.find_full_name = NULL;
	}
	status = serve(&ss);
	session_forget(&ss);
	free(ss.helo);
	lines_close(&ss.in);
	return status;
}
