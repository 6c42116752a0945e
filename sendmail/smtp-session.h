/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * What the parts of an SMTP session share; sendmail/smtp.h is for others.
 *
 *	smtp.c           the session: lines, limits, small commands
 *	smtp-message.c   MAIL, RCPT and DATA
 *	params.c         their paths and parameters
 */

#ifndef SENDMAIL_SMTP_SESSION_H
#define SENDMAIL_SMTP_SESSION_H

#include "sendmail/peer.h"
#include "sendmail/smtp.h"

struct session {
	const struct spool *sp;
	struct submit_options opts;
	uid_t uid;
	struct peer peer;
	struct lines in;
	FILE *out;
	char *helo;          /* what the client calls itself, or NULL */
	bool is_extended;    /* by EHLO */
	struct envelope env; /* sender NULL: no MAIL yet */
	size_t overshoot;    /* recipients too many */
	unsigned errors;     /* of the client */
	unsigned idle_commands;
	bool is_over;
};

/* Write TEXT, one line, as a reply. */
void session_reply(struct session *ss, const char *text);

/* The same of one that refuses what a client did wrong, which is counted. */
void session_refuse(struct session *ss, const char *text);

/*
 * Refuse with CODE, "501 5.1.3", and ERR's text, made harmless: it may have
 * bytes that the client sent.
 */
void session_refuse_error(
    struct session *ss, const char *code, const struct submit_error *err);

/* Forget what MAIL and RCPT said. */
void session_forget(struct session *ss);

/* Answer these commands, whose argument is ARG. */
void session_mail(struct session *ss, struct span arg);
void session_rcpt(struct session *ss, struct span arg);
void session_data(struct session *ss, struct span arg);

#endif
