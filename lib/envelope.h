/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The envelope of a message: who submitted it, who sends it, who gets it.
 *
 * As text (doc/SPOOL, spoold-spool(5)) it is a line per item, "key value…"
 * with the fields of lib/wire.h:
 *
 *	arrival 1763770000123456
 *	uid 1000
 *	sender ann@example.org
 *	envid QQ314159
 *	ret HDRS
 *	body 8BITMIME
 *	smtputf8 yes
 *	lane otp
 *	expires 1763770600123456
 *	not-before 1763770300000000
 *	report-of failed 3286A1B2C3 0-2,5
 *	raw letter.eml
 *	message-id <19aa.0c@x.test>
 *	rcpt bob@example.net NOTIFY=FAILURE,DELAY ORCPT=rfc822;bob@example.net
 *
 * arrival, uid, sender and at least one rcpt must be there; the null sender
 * is "<>".  Lines with other keys are skipped, so that a later version may
 * add what an earlier one can do without.
 */

#ifndef SPOOL_ENVELOPE_H
#define SPOOL_ENVELOPE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "lib/span.h"

/* Longest address that libESMTP and the world's relays take safely. */
#define ENVELOPE_ADDRESS_MAX 900
/* Longest encoded ENVID or ORCPT (libESMTP's buffer, RFC 3461 allows 500). */
#define ENVELOPE_XTEXT_MAX 250
/* Longest name of a lane. */
#define ENVELOPE_LANE_MAX 40
/* The last microsecond of the year 9999: there is no later time. */
#define ENVELOPE_TIME_MAX_US INT64_C(253402300799999999)
/* Longest report-of: the places of a million recipients fit. */
#define ENVELOPE_REPORT_OF_MAX (8u << 20)
/* Longest envelope as text. */
#define ENVELOPE_BYTES_MAX (64u << 20)

enum body_type { BODY_UNSPECIFIED, BODY_7BIT, BODY_8BITMIME };
enum dsn_ret { RET_UNSPECIFIED, RET_FULL, RET_HDRS };

/* RFC 3461 NOTIFY, as a set; 0 means not given. */
enum {
	NOTIFY_NEVER = 1,
	NOTIFY_SUCCESS = 2,
	NOTIFY_FAILURE = 4,
	NOTIFY_DELAY = 8,
};

struct recipient {
	char *addr;      /* addr-spec, never empty */
	char *orcpt;     /* "rfc822;addr" decoded, or NULL */
	unsigned notify; /* set of NOTIFY_ values */
};

struct envelope {
	int64_t arrival_us; /* since the epoch */
	uid_t uid;          /* who submitted it */
	char *sender;       /* addr-spec, "" for the null sender */
	char *envid;        /* decoded, or NULL */
	enum dsn_ret ret;
	enum body_type body;
	bool is_utf8;       /* addresses or header need SMTPUTF8 (RFC 6531) */
	char *lane;         /* lane's name or value of Priority:, or NULL */
	int64_t expires_us; /* of no use after that; 0: it always is */
	int64_t not_before_us; /* not to be sent earlier; 0: at once */
	char *report_of; /* a report of spoold's: "KIND ID INDEXES" of what it
			    is about, so that none is made twice; or NULL */
	char *message_id; /* the header's, for people who look for it; or NULL */
	char *raw;       /* the file's name in the spool that it was made of, so
			    that it is not made twice; or NULL */
	struct recipient *rcpts;
	size_t nrcpts;
};

/* Release what ENV owns; a zeroed one is fine.  It is zeroed again. */
void envelope_release(struct envelope *env);

/* Set the sender to a copy of ADDR.  0, -ENOMEM, or -EINVAL as below. */
int envelope_set_sender(struct envelope *env, const char *addr);

/*
 * Append a recipient with a copy of ADDR.  0, -ENOMEM, or -EINVAL if
 * envelope_address_fault() finds one.
 */
int envelope_add(struct envelope *env, const char *addr);

/*
 * Why ADDR must not reach a queue file or a server: NULL if it may, else a
 * fixed text ("is empty", "has a control character", "is longer than 900
 * bytes", "has a bare '<' or '>'", "begins with '-'" …).  8-bit bytes pass;
 * spaces and angle brackets do inside a quoted local part.
 */
const char *envelope_address_fault(const char *addr);

/* The same of an ENVID and of an ORCPT ("rfc822;addr"), both decoded. */
const char *envelope_envid_fault(const char *envid);
const char *envelope_orcpt_fault(const char *orcpt);

/*
 * The same of a lane: 1 to 40 letters, digits, '-' and '_'.  Whether there is
 * one of that name is the configuration's business.
 */
const char *envelope_lane_fault(const char *lane);

/*
 * The same of a report_of: "failed", "delayed" or "relayed", the id of a
 * message, and places of recipients as "0-2,5", with a space between.
 */
const char *envelope_report_of_fault(const char *report_of);

/*
 * NULL if envelope_read() takes what envelope_write() makes of ENV, else why
 * not: so nothing is admitted that cannot be read again.
 */
const char *envelope_fault(const struct envelope *env);

/* Write ENV as text, without the empty line.  Errors stay in OUT. */
void envelope_write(const struct envelope *env, FILE *out);

/*
 * Read the text of envelope_write() into the zeroed ENV.  0, -ENOMEM or
 * -EINVAL with *RETERR_WHY a fixed text; on failure ENV is released.
 */
int
envelope_read(struct span text, struct envelope *env, const char **reterr_why);

/* "FAILURE,DELAY" for a set, in a static string; "" for 0. */
const char *notify_name(unsigned notify);

/* Parse "failure,delay" or "never" in any case; false if it is neither. */
bool notify_parse(struct span text, unsigned *ret_notify);

#endif
