/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * What libESMTP takes for a socket.
 *
 * libESMTP believes that it resolves a name, connects, reads and writes;
 * hooks.c gives it this transport instead, which was opened before (so the
 * greeting and the reply to EHLO come from memory) and which
 *
 *   - watches its commands and pairs each with one whole reply, so that it
 *     is never fed anything but one well-formed line a command; once the
 *     connection is dead, "421 4.4.2 [local] reason" for each;
 *   - refuses to pass MAIL before a login that was asked for has succeeded;
 *   - sends the message itself, straight from the queue file (content.h).
 *
 * About the last: libESMTP deletes and adds header fields, and drops a
 * buffer when a write fails.  It is therefore given a dummy message, which is
 * thrown away here; when it asks for the first line of it, after a 354, the
 * queue file's bytes are sent, dot-stuffed and otherwise as they are.  The
 * final dot is libESMTP's: the message is complete when libESMTP thinks so
 * and every byte of the file is out, and not otherwise.
 *
 * libESMTP chooses between RSET and QUIT before it reports that DATA was
 * refused, too early for a next message to be added.  So it sees a 354 then,
 * and the refusal as the reply to its final dot; nothing of this is sent.
 *
 * libESMTP waits for MAIL's reply before it sends RCPT and DATA.  Where the
 * server takes them in one group (RFC 2920), libESMTP is told 250 at once,
 * and the server's own answer is read before the first recipient's.  If it is
 * a refusal, the answers behind it are dropped, and libESMTP sees a DATA that
 * was refused.  So a message takes two round trips: the commands, the
 * content.
 *
 * libESMTP knows nothing of SMTPUTF8 either: the transport writes it behind
 * MAIL where it is wanted.
 *
 * The transaction record is how results are told: libESMTP's own status
 * alone is not enough (a 250 to DATA reads as success).
 */

#ifndef SPOOLD_SMTP_TRANSPORT_H
#define SPOOLD_SMTP_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "spoold/smtp/capabilities.h"
#include "spoold/smtp/conn.h"
#include "spoold/smtp/outcome.h"

/*
 * Commands without a reply: once there are so many, libESMTP is made to read
 * replies before it writes on.  It writes 2 KB at a time, which may hold 157
 * commands more.
 */
#define TRANSPORT_PENDING_ENOUGH 64
#define TRANSPORT_PENDING_MAX 256
/* libESMTP's longest command is MAIL with 900 + 250 bytes and keywords. */
#define TRANSPORT_LINE_MAX 4096

enum command {
	COMMAND_GREETING, /* none, but it is answered */
	COMMAND_EHLO,
	COMMAND_AUTH, /* and each further line of the login */
	COMMAND_MAIL,
	COMMAND_RCPT,
	COMMAND_DATA,
	COMMAND_FINAL, /* the final dot */
	COMMAND_RSET,
	COMMAND_QUIT,
	COMMANDS
};

/* How far the current message got; codes are the server's own or 0. */
struct transaction {
	bool is_mail_sent;
	bool is_mail_held;        /* libESMTP has an answer, we have none */
	bool is_mail_out;         /* … and the command has left */
	struct answer mail;       /* MAIL's reply */
	char *mail_said;          /* its words, if it was a refusal */
	bool has_stray_recipient; /* accepted behind a refused MAIL */
	bool is_data_ok;          /* 354 */
	bool is_data_refused;     /* FINAL is the reply to DATA */
	bool is_dot_sent;         /* the final dot was handed to the kernel */
	unsigned final;           /* DATA's refusal, or the final reply */
};

enum login { LOGIN_NOT_ASKED, LOGIN_OPEN, LOGIN_DONE };

struct transport {
	struct conn *conn;
	struct capabilities caps;
	unsigned mechanism; /* what libESMTP is offered; 0: none */
	enum login login;
	unsigned challenges; /* of that, 334 */
	struct transaction tx;
	bool is_utf8;  /* the message's MAIL says SMTPUTF8 */
	bool is_local; /* the last reply fed was made up here */

	/* Files that cannot be read are no fault of the relay's. */
	char file_why[256]; /* "" unless reading the message failed */
	bool is_file_bad;   /* with file_why: the file itself is */

	/* The commands: a line being written, and what awaits its reply. */
	enum { PHASE_COMMAND, PHASE_LOGIN, PHASE_CONTENT } phase;
	size_t line_len;
	char line[TRANSPORT_LINE_MAX];
	enum command pending[TRANSPORT_PENDING_MAX];
	unsigned pending_first;
	unsigned pending_count;
	unsigned in_flight; /* of them, whose command is out */

	/* The one reply that libESMTP is reading. */
	size_t feed_start;
	size_t feed_len;
	char feed[1024];

	unsigned hits;     /* set of HOOK_ values, see hooks.h */
	char block[65536]; /* of the queue file */
};

/*
 * A transport over CONN, which it owns from now on, also on failure (NULL:
 * out of memory).  CAPS and MECHANISM are what libESMTP is told.
 */
struct transport *transport_new(
    struct conn *conn, const struct capabilities *caps, unsigned mechanism);

void transport_free(struct transport *t);

/* Forget the last message: the next one begins, with or without SMTPUTF8. */
void transport_begin(struct transport *t, bool is_utf8);

/* ---- for hooks.c ----------------------------------------------------- */

/* Take what libESMTP writes; never fails, a dead connection swallows it. */
void transport_write(struct transport *t, const char *bytes, size_t len);

/* Up to LEN bytes of the reply to the first command that has none. */
size_t transport_read(struct transport *t, char *buf, size_t len);

/*
 * Whether a reply can be read; waits for one if libESMTP would (IS_BLOCKING)
 * or must (too many are outstanding).
 */
bool transport_poll(struct transport *t, bool is_blocking);

#endif
