/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See sendmail/smtp.h; RFC 5321 says what comes when. */

#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "lib/date.h"
#include "lib/utf8.h"
#include "lib/wire.h"
#include "sendmail/smtp.h"

/* Longest command line that is looked at. */
#define COMMAND_BYTES_MAX 2048

struct session {
	const struct spool *sp;
	struct submit_options opts;
	uid_t uid;
	struct lines in;
	FILE *out;
	struct envelope env; /* sender NULL: no MAIL yet */
	bool is_over;
};

/* Answer a command whose argument is ARG. */
typedef void command_fn(struct session *ss, struct span arg);

static void
reply(struct session *ss, const char *text)
{
	/* A client that reads no more is noticed when it writes no more. */
	fprintf(ss->out, "%s\r\n", text);
}

/* The argument's text of a refusal, as one line of ASCII. */
static void
reply_error(
    struct session *ss, const char *code, const struct submit_error *err)
{
	const unsigned char *at;

	fprintf(ss->out, "%s ", code);
	for (at = (const unsigned char *)err->text; *at != '\0'; at++)
		putc(*at < ' ' || *at > '~' ? '?' : *at, ss->out);
	fputs("\r\n", ss->out);
}

/* Without regard to case, as all of SMTP's words are. */
static bool
is_word(struct span text, const char *word)
{
	return text.len == strlen(word) &&
	    strncasecmp(text.ptr, word, text.len) == 0;
}

static struct span
trim(struct span text)
{
	while (text.len > 0 && strchr(" \t", text.ptr[0]) != NULL) {
		text.ptr++;
		text.len--;
	}
	while (text.len > 0 && strchr(" \t", text.ptr[text.len - 1]) != NULL)
		text.len--;
	return text;
}

/* How long the address is that TEXT begins with: to its '>', or a space. */
static size_t
path_length(struct span text)
{
	bool is_quoted = false;
	size_t i;

	for (i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (c == '\\' && i + 1 < text.len)
			i++;
		else if (c == '"')
			is_quoted = !is_quoted;
		else if (!is_quoted && c == '>')
			return i + 1;
		else if (!is_quoted && c == ' ' && text.ptr[0] != '<')
			return i;
	}
	return text.len;
}

/*
 * Split "FROM:<path> parameters" into both; false if it does not begin with
 * WORD and a colon.
 */
static bool
take_path(struct span arg, const char *word, struct span *ret_path,
    struct span *ret_params)
{
	size_t len = strlen(word);

	if (arg.len < len || strncasecmp(arg.ptr, word, len) != 0)
		return false;
	arg = trim((struct span){ arg.ptr + len, arg.len - len });
	if (arg.len == 0 || arg.ptr[0] != ':')
		return false;
	arg = trim((struct span){ arg.ptr + 1, arg.len - 1 });
	len = path_length(arg);
	*ret_path = (struct span){ arg.ptr, len };
	*ret_params = trim((struct span){ arg.ptr + len, arg.len - len });
	return len > 0;
}

/* If FIELD is "NAME=value", its value. */
static bool
param_value(struct span field, const char *name, struct span *ret)
{
	size_t len = strlen(name);

	if (field.len <= len || strncasecmp(field.ptr, name, len) != 0 ||
	    field.ptr[len] != '=')
		return false;
	*ret = (struct span){ field.ptr + len + 1, field.len - len - 1 };
	return true;
}

/* Take one parameter of MAIL; NULL or the reply that refuses it. */
static const char *
mail_param(struct session *ss, struct span field)
{
	struct span value;
	unsigned long long size;

	if (param_value(field, "BODY", &value)) {
		if (is_word(value, "8BITMIME"))
			ss->env.body = BODY_8BITMIME;
		else if (is_word(value, "7BIT"))
			ss->env.body = BODY_7BIT;
		else
			return "501 5.5.4 BODY is 7BIT or 8BITMIME";
		return NULL;
	}
	if (param_value(field, "SIZE", &value)) {
		if (!wire_number(value, UINT64_MAX, &size))
			return "501 5.5.4 SIZE is a number";
		if (ss->opts.size_max > 0 && size > ss->opts.size_max)
			return "552 5.3.4 the message is too long";
		return NULL;
	}
	return "555 5.5.4 unknown parameter";
}

static const char *
mail_params(struct session *ss, struct span params)
{
	const char *refusal = NULL;
	struct span field;

	while (refusal == NULL && params.len > 0) {
		const char *gap = memchr(params.ptr, ' ', params.len);

		field = params;
		if (gap != NULL)
			field.len = (size_t)(gap - params.ptr);
		params.ptr += field.len;
		params.len -= field.len;
		params = trim(params);
		refusal = mail_param(ss, field);
	}
	return refusal;
}

static const char refuse_8bit[] =
    "553 5.6.7 the address has 8-bit characters, which cannot be sent yet";

static void
do_mail(struct session *ss, struct span arg)
{
	struct submit_error err;
	struct span path, params;
	const char *refusal;

	if (ss->env.sender != NULL) {
		reply(ss, "503 5.5.1 the sender is known already");
		return;
	}
	if (!take_path(arg, "FROM", &path, &params)) {
		reply(ss, "501 5.5.4 it is MAIL FROM:<address>");
		return;
	}
	if (utf8_has_8bit(path)) {
		reply(ss, refuse_8bit);
		return;
	}
	if (submit_set_sender(&ss->env, path, ss->opts.identity, &err) < 0) {
		reply_error(ss,
		    err.exit_code == EX_DATAERR ? "501 5.1.7" : "451 4.3.0",
		    &err);
		envelope_release(&ss->env);
		return;
	}
	refusal = mail_params(ss, params);
	if (refusal != NULL)
		envelope_release(&ss->env);
	reply(ss, refusal != NULL ? refusal : "250 2.1.0 Ok");
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

static void
do_rcpt(struct session *ss, struct span arg)
{
	size_t before = ss->env.nrcpts, max = ss->opts.recipients_max;
	struct submit_error err;
	struct span path, params;

	if (ss->env.sender == NULL)
		reply(ss, "503 5.5.1 MAIL comes first");
	else if (!take_path(arg, "TO", &path, &params))
		reply(ss, "501 5.5.4 it is RCPT TO:<address>");
	else if (params.len > 0)
		reply(ss, "555 5.5.4 unknown parameter");
	else if (utf8_has_8bit(path))
		reply(ss, refuse_8bit);
	else if (max > 0 && before >= max)
		reply(ss, "452 4.5.3 too many recipients");
	else if (submit_add_rcpts(&ss->env, path, ss->opts.identity, &err) < 0) {
		cut_rcpts(&ss->env, before);
		reply_error(ss,
		    err.exit_code == EX_DATAERR ? "501 5.1.3" : "451 4.3.0",
		    &err);
	} else if (ss->env.nrcpts != before + 1) {
		cut_rcpts(&ss->env, before);
		reply(ss, "501 5.1.3 that is not one address");
	} else {
		reply(ss, "250 2.1.5 Ok");
	}
}

static const char *
code_of(int exit_code)
{
	switch (exit_code) {
	case EX_DATAERR:
		return "554 5.6.0";
	case EX_UNAVAILABLE:
		return "552 5.3.4";
	default:
		return "451 4.3.0";
	}
}

static void
do_data(struct session *ss, struct span arg)
{
	struct submit_error err;
	struct line_piece piece;
	char id[SPOOL_ID_SIZE];
	int result, more = 0;

	(void)arg;
	if (ss->env.sender == NULL || ss->env.nrcpts == 0) {
		reply(ss, "503 5.5.1 MAIL and RCPT come first");
		return;
	}
	reply(ss, "354 go on, a lone dot ends it");
	fflush(ss->out);
	ss->opts.now_us = date_now_us();
	ss->env.arrival_us = ss->opts.now_us;
	ss->env.uid = ss->uid;
	ss->in.dot = LINES_DOT_SMTP;
	result = submit_lines(ss->sp, &ss->env, &ss->in, &ss->opts, id, &err);
	while (result < 0 && !ss->in.at_end && more >= 0)
		more = lines_next(&ss->in, &piece);
	ss->in.dot = LINES_DOT_TEXT;
	envelope_release(&ss->env);
	if (more < 0)
		ss->is_over = true;
	else if (result < 0)
		reply_error(ss, code_of(err.exit_code), &err);
	else
		fprintf(ss->out, "250 2.0.0 Ok: queued as %s\r\n", id);
}

static void
do_helo(struct session *ss, struct span arg)
{
	(void)arg;
	envelope_release(&ss->env);
	fprintf(ss->out, "250 %s\r\n", ss->opts.identity->origin);
}

static void
do_ehlo(struct session *ss, struct span arg)
{
	(void)arg;
	envelope_release(&ss->env);
	fprintf(ss->out,
	    "250-%s\r\n250-PIPELINING\r\n"
	    "250-ENHANCEDSTATUSCODES\r\n250-SIZE %" PRIu64 "\r\n"
	    "250 8BITMIME\r\n",
	    ss->opts.identity->origin, ss->opts.size_max);
}

static void
do_rset(struct session *ss, struct span arg)
{
	(void)arg;
	envelope_release(&ss->env);
	reply(ss, "250 2.0.0 Ok");
}

static void
do_noop(struct session *ss, struct span arg)
{
	(void)arg;
	reply(ss, "250 2.0.0 Ok");
}

static void
do_vrfy(struct session *ss, struct span arg)
{
	(void)arg;
	reply(ss, "252 2.5.0 try RCPT");
}

static void
do_help(struct session *ss, struct span arg)
{
	(void)arg;
	reply(ss, "214 2.0.0 HELO EHLO MAIL RCPT DATA RSET NOOP VRFY QUIT");
}

static void
do_quit(struct session *ss, struct span arg)
{
	(void)arg;
	reply(ss, "221 2.0.0 Bye");
	ss->is_over = true;
}

static const struct command {
	const char *name;
	command_fn *act;
} commands[] = {
	{ "HELO", do_helo },
	{ "EHLO", do_ehlo },
	{ "MAIL", do_mail },
	{ "RCPT", do_rcpt },
	{ "DATA", do_data },
	{ "RSET", do_rset },
	{ "NOOP", do_noop },
	{ "VRFY", do_vrfy },
	{ "HELP", do_help },
	{ "QUIT", do_quit },
};

static void
obey(struct session *ss, struct span line)
{
	struct span word = line;
	size_t i, len = 0;

	while (len < line.len && line.ptr[len] != ' ' && line.ptr[len] != '\t')
		len++;
	word.len = len;
	line = trim((struct span){ line.ptr + len, line.len - len });
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (is_word(word, commands[i].name)) {
			commands[i].act(ss, line);
			return;
		}
	}
	reply(ss, "500 5.5.2 unknown command");
}

/* Read commands until the session is over; 0 or -errno. */
static int
converse(struct session *ss)
{
	bool is_long = false;
	struct line_piece piece;
	int more;

	while (!ss->is_over && (more = lines_next(&ss->in, &piece)) != 0) {
		if (more < 0)
			return more;
		is_long = (!piece.starts && is_long) ||
		    piece.text.len > COMMAND_BYTES_MAX || !piece.ends;
		if (!piece.ends)
			continue;
		if (is_long)
			reply(ss, "500 5.5.2 the line is too long");
		else
			obey(ss, trim(piece.text));
		fflush(ss->out);
	}
	return 0;
}

int
smtp_serve(const struct spool *sp, const struct submit_options *opts, uid_t uid,
    int in_fd, FILE *out)
{
	struct session ss = { .sp = sp, .opts = *opts, .uid = uid, .out = out };
	int err = lines_open(&ss.in, in_fd);

	if (err < 0)
		return EX_TEMPFAIL;
	ss.opts.header_rcpts = false;
	ss.opts.notify = 0;
	fprintf(out, "220 %s ESMTP\r\n", opts->identity->origin);
	fflush(out);
	err = converse(&ss);
	envelope_release(&ss.env);
	lines_close(&ss.in);
	return err < 0 ? EX_IOERR : EX_OK;
}
