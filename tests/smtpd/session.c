/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The dialogue.  Every command is put to the script first (respond()); what
 * counts as done is what was answered, not what would have been.
 */

#include "config.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tests/smtpd/smtpd.h"

struct command {
	const char *verb;
	enum stage stage;
	bool (*run)(struct conn *c, char *argument);
};

/* Answer EHLO or HELO; if well, ARGUMENT is the client's name. */
static bool
greet(struct conn *c, enum stage stage, const char *argument, const char *reply)
{
	if (*argument == '\0')
		reply = "501 5.5.4 Who are you?";
	if (respond(c, stage, argument, reply) == '2')
		(void)snprintf(c->helo, sizeof(c->helo), "%.255s", argument);
	message_reset(c);
	c->groups = 0;
	return !c->dead;
}

/* Whether the first word of LINE is that of an extension not to be offered. */
static bool
is_withheld(const struct server *s, const char *line)
{
	size_t i, len = strcspn(line, " ");

	for (i = 0; i < s->nwithout; i++)
		if (strlen(s->without[i]) == len &&
		    strncasecmp(s->without[i], line, len) == 0)
			return true;
	return false;
}

static bool
run_helo(struct conn *c, char *argument)
{
	char reply[512];

	(void)snprintf(reply, sizeof(reply), "250 %.250s", c->server->name);
	return greet(c, STAGE_HELO, argument, reply);
}

/* The extensions, one string each, of which there are at most *RET_N. */
static void
list_extensions(const struct conn *c, char lines[][128], size_t *ret_n)
{
	const struct server *s = c->server;
	size_t i, n = 0;

	(void)snprintf(lines[n++], 128, "PIPELINING");
	(void)snprintf(lines[n++], 128, "8BITMIME");
	(void)snprintf(lines[n++], 128, "SIZE %lu", s->max_size);
	(void)snprintf(lines[n++], 128, "DSN");
	(void)snprintf(lines[n++], 128, "ENHANCEDSTATUSCODES");
	if (s->tls != NULL && c->ssl == NULL)
		(void)snprintf(lines[n++], 128, "STARTTLS");
	if (s->user != NULL || s->tokens != NULL)
		(void)snprintf(lines[n++], 128, "AUTH %.100s", s->mechs);
	*ret_n = 0;
	for (i = 0; i < n; i++)
		if (!is_withheld(s, lines[i]))
			memmove(lines[(*ret_n)++], lines[i], 128);
}

static bool
run_ehlo(struct conn *c, char *argument)
{
	const struct server *s = c->server;
	char reply[LINE_SIZE], extensions[8][128];
	size_t i, len, n;
	bool last;

	list_extensions(c, extensions, &n);
	if (s->own_ehlo)
		n = s->nehlo;
	len = (size_t)snprintf(
	    reply, sizeof(reply), "250%c%.250s", n == 0 ? ' ' : '-', s->name);
	for (i = 0; i < n && len < sizeof(reply); i++) {
		last = i + 1 == n;
		len += (size_t)snprintf(reply + len, sizeof(reply) - len,
		    "\r\n250%c%s", last ? ' ' : '-',
		    s->own_ehlo ? s->ehlo[i] : extensions[i]);
	}
	return greet(c, STAGE_EHLO, argument, reply);
}

static bool
run_starttls(struct conn *c, char *argument)
{
	const char *reply = "220 2.0.0 Ready to start TLS";
	int class;

	if (c->server->tls == NULL || c->ssl != NULL)
		reply = "503 5.5.1 TLS not available";
	class = respond(c, STAGE_STARTTLS, argument, reply);
	if (class != '2' || c->server->tls == NULL || c->ssl != NULL)
		return class >= 0;
	if (c->in_pos < c->in_len)
		log_text(c, "discarded %zu bytes of plaintext",
		    c->in_len - c->in_pos);
	c->in_pos = c->in_len = 0;
	c->helo[0] = '\0';
	message_reset(c);
	return respond(c, STAGE_TLS, "", NULL) == 0 && conn_start_tls(c);
}

static bool
run_auth(struct conn *c, char *argument)
{
	return auth_command(c, argument);
}

/*
 * Take "KEYWORD:<address> parameters" apart, in place.  The address without
 * its brackets, or NULL.
 */
static char *
take_path(char *text, const char *keyword, char **ret_params)
{
	size_t len = strlen(keyword);
	char *end;

	if (strncasecmp(text, keyword, len) != 0)
		return NULL;
	text += len;
	text += strspn(text, " ");
	end = strrchr(text, '>');
	if (*text != '<' || end == NULL)
		return NULL;
	*end++ = '\0';
	if (*end != '\0' && *end != ' ')
		return NULL;
	*ret_params = end + strspn(end, " ");
	return text + 1;
}

static bool
offers_utf8(const struct server *s)
{
	for (size_t i = 0; i < s->nehlo; i++)
		if (strcasecmp(s->ehlo[i], "SMTPUTF8") == 0)
			return true;
	return false;
}

/* Why ADDRESS cannot be taken, with SMTPUTF8 (IS_UTF8) or without, or NULL. */
static const char *
utf8_fault(const char *address, bool is_utf8)
{
	for (; *address != '\0' && !is_utf8; address++)
		if ((unsigned char)*address >= 0x80)
			return "553 5.6.7 Address needs SMTPUTF8";
	return NULL;
}

/* What MAIL is answered; ADDRESS is NULL if there is none. */
static const char *
mail_reply(const struct conn *c, const char *address, bool is_utf8)
{
	const struct server *s = c->server;
	const char *fault = NULL;

	if (address == NULL)
		return "501 5.5.4 Syntax: MAIL FROM:<address>";
	if (c->helo[0] == '\0' || c->msg.open)
		return "503 5.5.1 Bad sequence of commands";
	if (s->require_tls && c->ssl == NULL)
		return "530 5.7.0 Must issue a STARTTLS command first";
	if (s->require_auth && c->auth[0] == '\0')
		return "530 5.7.0 Authentication required";
	if (is_utf8 && !offers_utf8(s))
		return "555 5.5.4 SMTPUTF8 is not offered";
	fault = utf8_fault(address, is_utf8);
	return fault != NULL ? fault : "250 2.1.0 Sender ok";
}

/* The connection has had its share of messages. */
static bool
end_of_share(struct conn *c)
{
	static const char enough[] =
	    "421 4.7.0 Too many messages on this connection";

	(void)conn_reply(c, enough, sizeof(enough) - 1);
	return false;
}

static bool
run_mail(struct conn *c, char *argument)
{
	char *params = NULL, *address = take_path(argument, "FROM:", &params);
	bool is_utf8 = params != NULL && strcasestr(params, "SMTPUTF8");
	const char *reply = mail_reply(c, address, is_utf8);

	if (c->server->max_messages != 0 &&
	    c->messages >= c->server->max_messages)
		return end_of_share(c);
	if (respond(c, STAGE_MAIL, address != NULL ? address : "", reply) ==
		'2' &&
	    address != NULL) {
		message_begin(c, address, params);
		c->msg.is_utf8 = is_utf8;
	}
	return !c->dead;
}

static bool
run_rcpt(struct conn *c, char *argument)
{
	const char *reply = "250 2.1.5 Recipient ok";
	char *params = NULL, *address = take_path(argument, "TO:", &params);

	if (!c->msg.open)
		reply = "503 5.5.1 Need MAIL first";
	else if (address == NULL || *address == '\0')
		reply = "501 5.5.4 Syntax: RCPT TO:<address>";
	else if (utf8_fault(address, c->msg.is_utf8) != NULL)
		reply = utf8_fault(address, c->msg.is_utf8);
	if (respond(c, STAGE_RCPT, address != NULL ? address : "", reply) ==
		'2' &&
	    address != NULL && c->msg.open)
		message_add_rcpt(c, address, params);
	return !c->dead;
}

static bool
finish_message(struct conn *c)
{
	const struct message *m = &c->msg;
	const char *reply = "250 2.0.0 Ok: queued";
	const struct server *s = c->server;

	if (s->max_size != 0 && m->bytes > s->max_size)
		reply = "552 5.3.4 Message too big";
	/* A reply of 2xx stores the message. */
	(void)respond(c, STAGE_DOT, m->sender, reply);
	message_reset(c);
	c->groups = 0;
	return !c->dead;
}

static bool
run_data(struct conn *c, char *argument)
{
	const char *reply = "354 End data with <CR><LF>.<CR><LF>";
	int class;

	(void)argument;
	if (!c->msg.open)
		reply = "503 5.5.1 Need MAIL first";
	else if (c->msg.nrcpts == 0)
		reply = "554 5.5.1 No valid recipients";
	else if (!message_open_data(c))
		reply = "451 4.3.0 Cannot store";
	class = respond(
	    c, STAGE_DATA, c->msg.sender != NULL ? c->msg.sender : "", reply);
	if (class != '3' || !c->msg.open)
		return class >= 0;
	return data_receive(c) && finish_message(c);
}

static bool
run_rset(struct conn *c, char *argument)
{
	(void)respond(c, STAGE_RSET, argument, "250 2.0.0 Ok");
	message_reset(c);
	return !c->dead;
}

static bool
run_noop(struct conn *c, char *argument)
{
	return respond(c, STAGE_NOOP, argument, "250 2.0.0 Ok") >= 0;
}

static bool
run_quit(struct conn *c, char *argument)
{
	/* Whatever is answered: the client is not to be kept. */
	(void)respond(c, STAGE_QUIT, argument, "221 2.0.0 Bye");
	return false;
}

static const struct command commands[] = {
	{ "EHLO", STAGE_EHLO, run_ehlo },
	{ "HELO", STAGE_HELO, run_helo },
	{ "STARTTLS", STAGE_STARTTLS, run_starttls },
	{ "AUTH", STAGE_AUTH, run_auth },
	{ "MAIL", STAGE_MAIL, run_mail },
	{ "RCPT", STAGE_RCPT, run_rcpt },
	{ "DATA", STAGE_DATA, run_data },
	{ "RSET", STAGE_RSET, run_rset },
	{ "NOOP", STAGE_NOOP, run_noop },
	{ "QUIT", STAGE_QUIT, run_quit },
};

static bool
run_command(struct conn *c, char *line)
{
	static const char unknown[] = "500 5.5.2 Command not recognized";
	static const char refused[] = "503 5.5.1 Not welcome";
	char *argument = line + strcspn(line, " ");
	size_t i;

	if (*argument != '\0')
		*argument++ = '\0';
	if (c->refused && strcasecmp(line, "QUIT") != 0)
		return conn_reply(c, refused, sizeof(refused) - 1);
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcasecmp(commands[i].verb, line) == 0)
			return commands[i].run(c, argument);
	return conn_reply(c, unknown, sizeof(unknown) - 1);
}

static void
dialogue(struct conn *c)
{
	static const char bad[] = "500 5.5.2 Line too long, or with NUL";
	static const char busy[] = "421 4.7.0 Too many connections";
	char line[LINE_SIZE], greeting[512];
	bool alive;
	int got;

	if (c->server->implicit_tls &&
	    (respond(c, STAGE_TLS, "", NULL) != 0 || !conn_start_tls(c)))
		return;
	(void)snprintf(greeting, sizeof(greeting),
	    "220 %.250s ESMTP scripted test server", c->server->name);
	if (c->too_many) {
		(void)conn_reply(c, busy, sizeof(busy) - 1);
		return;
	}
	got = respond(c, STAGE_CONNECT, c->peer, greeting);
	c->refused = got == '5';
	alive = got >= 0 && got != '4';
	while (alive) {
		got = conn_line(c, line, sizeof(line));
		if (got < 0)
			alive = conn_reply(c, bad, sizeof(bad) - 1);
		else
			alive = got > 0 && run_command(c, line);
	}
}

/* Take C out of the list: from here on nobody else touches it. */
static void
leave(struct conn *c)
{
	struct server *s = c->server;
	struct conn **at;

	(void)pthread_mutex_lock(&s->lock);
	for (at = &s->conns; *at != c; at = &(*at)->next)
		;
	*at = c->next;
	s->dirty = true;
	(void)pthread_mutex_unlock(&s->lock);
}

void *
session_thread(void *conn)
{
	struct conn *c = conn;
	struct server *s = c->server;

	dialogue(c);
	message_reset(c);
	leave(c);
	log_text(c, "closed");
	conn_close(c);
	free(c);
	(void)pthread_mutex_lock(&s->lock);
	s->threads--;
	(void)pthread_cond_signal(&s->ended);
	(void)pthread_mutex_unlock(&s->lock);
	return NULL;
}
