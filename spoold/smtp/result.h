/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * From what a server answered, or did not, to what spoold is told.  Pure.
 */

#ifndef SPOOLD_SMTP_RESULT_H
#define SPOOLD_SMTP_RESULT_H

#include <stdbool.h>

#include "spoold/agent-protocol.h"

/* What became of a message whose transaction is over. */
enum fate {
	FATE_ANSWERED,  /* CODE of the final reply holds */
	FATE_RELAY,     /* not tried: trouble with the relay */
	FATE_LOST,      /* broken off before the final dot */
	FATE_UNCERTAIN, /* broken off behind it */
};

/* The server's own codes, 0 where it gave none. */
struct answers {
	unsigned mail;       /* to MAIL */
	unsigned final;      /* to DATA or to the final dot */
	unsigned last_words; /* unasked, before it broke off */
	bool is_data_ok;
	bool is_dot_sent;
};

/*
 * The fate of those recipients that were not refused themselves; with
 * FATE_ANSWERED, *RET_CODE is the code that holds for them.
 */
enum fate result_fate(const struct answers *answers, unsigned *ret_code);

/*
 * The outcome that a code stands for: 2xx delivered; 421 and codes about the
 * login lost, for they say nothing about the message, so they must not count
 * as an attempt; other 4xx and 552 of RCPT (it means "too many recipients")
 * deferred; other 5xx failed.
 */
enum outcome result_outcome(unsigned code, bool is_rcpt);

#endif
