/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include "spoold/smtp/result.h"

/*
 * The server tells of itself and us, not of the message: it closes (421), or
 * something is wrong with our login (RFC 4954).
 */
static bool
is_about_relay(unsigned code)
{
	return code == 421 || code == 530 || code == 534 || code == 535 ||
	    code == 538;
}

enum outcome
result_outcome(unsigned code, bool is_rcpt)
{
	if (code / 100 == 2)
		return OUTCOME_DELIVERED;
	if (is_about_relay(code))
		return OUTCOME_LOST;
	if (code / 100 != 5)
		return OUTCOME_DEFERRED;
	if (is_rcpt && code == 552)
		return OUTCOME_DEFERRED;
	return OUTCOME_FAILED;
}

/* The code that holds for the message, once MAIL was accepted; or 0. */
static unsigned
final_code(const struct answers *answers)
{
	if (answers->final >= 400)
		return answers->final;
	/* A 2xx counts only for a message that was sent to its end. */
	if (answers->is_dot_sent)
		return answers->final;
	/* "552 too big", said while the message was on its way. */
	if (answers->is_data_ok && answers->last_words >= 400 &&
	    answers->last_words != 421)
		return answers->last_words;
	return 0;
}

enum fate
result_fate(const struct answers *answers, unsigned *ret_code)
{
	unsigned code = answers->mail;

	if (code == 0 || is_about_relay(code))
		return FATE_RELAY;
	if (code / 100 == 2)
		code = final_code(answers);
	if (code == 0)
		return answers->is_dot_sent ? FATE_UNCERTAIN : FATE_LOST;
	*ret_code = code;
	return FATE_ANSWERED;
}
