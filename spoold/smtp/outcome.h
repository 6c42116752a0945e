/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * From what a server answered, or did not, to what it means: the table that
 * doc/OUTCOMES.md explains row by row.  Pure.
 */

#ifndef SPOOLD_SMTP_OUTCOME_H
#define SPOOLD_SMTP_OUTCOME_H

#include <stdbool.h>
#include <stddef.h>

#include "spoold/smtp/normalise.h"

/* How far a connection, then a transaction got; AT_ because PHASE_ is not
 * free. */
enum at {
	AT_CONNECT, /* the name, the socket */
	AT_GREETING,
	AT_EHLO,
	AT_STARTTLS,
	AT_TLS,
	AT_AUTH,
	AT_MAIL,
	AT_RCPT,
	AT_DATA,
	AT_CONTENT, /* after 354, before the final dot is out */
	AT_FINAL,   /* after it */
	ATS
};

enum answer_kind {
	ANSWER_GIVEN,   /* the server has answered */
	ANSWER_BROKEN,  /* dropped, late, or no SMTP */
	ANSWER_TOO_BIG, /* for the SIZE that the server offers (RFC 1870) */
};

struct answer {
	enum answer_kind kind;
	unsigned code; /* the rest only with ANSWER_GIVEN */
	bool is_enhanced;
	unsigned subject, detail; /* 1.1 of "550 5.1.1", RFC 3463 */
	bool asks_for_login;      /* by its words */
};

enum verdict {
	VERDICT_ACCEPTED,         /* so far */
	VERDICT_RELAY,            /* trouble with the relay */
	VERDICT_MAYBE_MESSAGE,    /* the same, or it is this message's */
	VERDICT_MESSAGE_LATER,    /* counts as an attempt */
	VERDICT_MESSAGE_FAILED,   /* for good */
	VERDICT_RECIPIENT_LATER,  /* these two are about one recipient */
	VERDICT_RECIPIENT_FAILED, /* … */
	VERDICT_TOO_MANY,         /* recipients: the rest in a next round */
	VERDICT_LOST,             /* no clear answer, nothing taken */
	VERDICT_UNCERTAIN,        /* no clear answer, maybe taken */
	VERDICT_DELIVERED,
	VERDICTS
};

/*
 * A row.  CODES is "any", "broken", "too big" or reply codes, separated by
 * spaces, in which "x" is any digit; ENHANCED is "" (none is looked at) or
 * codes such as "*.7.8", and "none" for a reply without one.
 */
struct outcome_row {
	unsigned ats; /* set of 1 << AT_ */
	const char *codes;
	const char *enhanced;
	bool wants_login; /* only for one that asks for a login */
	enum verdict verdict;
};

/* The rows, of which the first that fits holds; any answer has one. */
extern const struct outcome_row outcome_rows[];
extern const size_t outcome_row_count;

/* R as an answer. */
struct answer answer_of(const struct reply *r);

/* The index of the row for ANSWER at AT. */
size_t outcome_find(enum at at, const struct answer *answer);

/* The verdict of that row. */
enum verdict outcome_verdict(enum at at, const struct answer *answer);

/* How far a message got: the server's own codes, 0 where it gave none. */
struct progress {
	bool is_mail_sent;
	unsigned mail;
	unsigned final;      /* to DATA or to the final dot */
	unsigned last_words; /* unasked, before it broke off */
	bool is_data_ok;     /* 354 */
	bool is_data_refused;
	bool is_dot_sent;
};

/*
 * Where it ended, with *RET_CODE the code that holds for those recipients that
 * were not refused themselves; 0: it broke there.
 */
enum at outcome_reached(const struct progress *p, unsigned *ret_code);

/* As doc/OUTCOMES.md has them: "MAIL", "maybe message". */
const char *outcome_at_name(enum at at);
const char *verdict_name(enum verdict verdict);

#endif
