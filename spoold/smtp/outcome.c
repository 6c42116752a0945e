/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "lib/span.h"
#include "spoold/smtp/outcome.h"

#define BIT(at) (1u << (at))
#define TRANSACTION_START (BIT(AT_MAIL) | BIT(AT_RCPT))
#define TRANSACTION_END (BIT(AT_DATA) | BIT(AT_CONTENT) | BIT(AT_FINAL))

/* Codes of RFC 4954 about the login, and what stands for them elsewhere. */
#define LOGIN "530 534 535 538"
#define LOGIN_ENHANCED "*.7.8 *.7.9 *.7.11 *.7.12 *.7.57"

const struct outcome_row outcome_rows[] = {
	{ BIT(AT_CONNECT), "any", "", false, VERDICT_RELAY },
	{ BIT(AT_GREETING), "any", "", false, VERDICT_RELAY },
	{ BIT(AT_EHLO), "any", "", false, VERDICT_RELAY },
	{ BIT(AT_STARTTLS) | BIT(AT_TLS), "any", "", false, VERDICT_RELAY },
	{ BIT(AT_AUTH), "any", "", false, VERDICT_RELAY },

	{ BIT(AT_MAIL), "broken 421", "", false, VERDICT_MAYBE_MESSAGE },
	{ BIT(AT_RCPT), "broken 421", "", false, VERDICT_LOST },
	{ BIT(AT_DATA) | BIT(AT_CONTENT), "broken 421", "", false,
	    VERDICT_LOST },
	{ BIT(AT_FINAL), "broken", "", false, VERDICT_UNCERTAIN },
	{ BIT(AT_FINAL), "421", "", false, VERDICT_LOST },

	{ TRANSACTION_START, LOGIN, "", false, VERDICT_MAYBE_MESSAGE },
	{ TRANSACTION_START, "454", "*.7.0", false, VERDICT_MAYBE_MESSAGE },
	{ TRANSACTION_START, "4xx 5xx", LOGIN_ENHANCED, false,
	    VERDICT_MAYBE_MESSAGE },
	{ TRANSACTION_START, "5xx", "none *.7.0 *.7.1", true,
	    VERDICT_MAYBE_MESSAGE },
	{ TRANSACTION_END, LOGIN, "", false, VERDICT_LOST },
	{ TRANSACTION_END, "4xx 5xx", LOGIN_ENHANCED, false, VERDICT_LOST },
	{ TRANSACTION_START, "4xx 5xx", "*.3.2", false, VERDICT_MAYBE_MESSAGE },
	{ TRANSACTION_START, "4xx", "*.3.1", false, VERDICT_MAYBE_MESSAGE },
	{ TRANSACTION_END, "4xx 5xx", "*.3.2", false, VERDICT_LOST },

	{ BIT(AT_MAIL), "too big", "", false, VERDICT_MESSAGE_FAILED },
	{ BIT(AT_MAIL), "4xx", "", false, VERDICT_MESSAGE_LATER },
	{ BIT(AT_MAIL), "5xx", "", false, VERDICT_MESSAGE_FAILED },

	{ BIT(AT_RCPT), "452 552", "none", false, VERDICT_TOO_MANY },
	{ BIT(AT_RCPT), "4xx 5xx", "*.5.3", false, VERDICT_TOO_MANY },
	{ BIT(AT_RCPT), "552", "*.2.3 *.3.4", false, VERDICT_RECIPIENT_FAILED },
	{ BIT(AT_RCPT), "552", "", false, VERDICT_RECIPIENT_LATER },
	{ BIT(AT_RCPT), "4xx", "", false, VERDICT_RECIPIENT_LATER },
	{ BIT(AT_RCPT), "5xx", "", false, VERDICT_RECIPIENT_FAILED },

	{ BIT(AT_DATA) | BIT(AT_CONTENT), "4xx", "", false,
	    VERDICT_MESSAGE_LATER },
	{ BIT(AT_DATA) | BIT(AT_CONTENT), "5xx", "", false,
	    VERDICT_MESSAGE_FAILED },

	{ BIT(AT_FINAL), "2xx", "", false, VERDICT_DELIVERED },
	{ BIT(AT_FINAL), "4xx", "", false, VERDICT_MESSAGE_LATER },
	{ BIT(AT_FINAL), "5xx", "", false, VERDICT_MESSAGE_FAILED },

	/* The last row fits whatever there is. */
	{ BIT(ATS) - 1, "any", "", false, VERDICT_ACCEPTED },
};

const size_t outcome_row_count = sizeof(outcome_rows) / sizeof(outcome_rows[0]);

/*
 * How servers that have no better code say that a login is wanted: whole
 * phrases, for "not authenticated" alone is also said of a sender without
 * SPF.
 */
static const char *const login_phrases[] = {
	"authentication required",
	"authentication is required",
	"requires authentication",
	"must authenticate",
	"must be authenticated",
	"client was not authenticated",
	"must issue a starttls",
};

static bool
has_phrase(struct span text, const char *phrase)
{
	size_t len = strlen(phrase);

	for (size_t i = 0; i + len <= text.len; i++)
		if (strncasecmp(text.ptr + i, phrase, len) == 0)
			return true;
	return false;
}

/* Take a number of up to three digits and the byte behind it off REST. */
static bool
take_number(struct span *rest, unsigned *ret)
{
	size_t n = 0;

	*ret = 0;
	while (n < rest->len && n < 3 && isdigit((unsigned char)rest->ptr[n]))
		*ret = *ret * 10 + (unsigned)(rest->ptr[n++] - '0');
	if (n == 0 || n == rest->len)
		return false;
	rest->ptr += n;
	rest->len -= n;
	return true;
}

/* The same with a dot behind it. */
static bool
take_part(struct span *rest, unsigned *ret)
{
	if (!take_number(rest, ret) || *rest->ptr != '.')
		return false;
	rest->ptr++;
	rest->len--;
	return true;
}

/* "5.1.1 no such user": believed only where it agrees with the code. */
static bool
read_enhanced(struct span text, struct answer *ret)
{
	/* With an end that a number may have. */
	char bytes[16];
	struct span rest = { bytes, 0 };
	unsigned class;

	rest.len = text.len < sizeof(bytes) - 1 ? text.len : sizeof(bytes) - 1;
	memcpy(bytes, text.ptr, rest.len);
	bytes[rest.len++] = ' ';
	return take_part(&rest, &class) && class == ret->code / 100 &&
	    take_part(&rest, &ret->subject) &&
	    take_number(&rest, &ret->detail) &&
	    isspace((unsigned char)*rest.ptr);
}

struct answer
answer_of(const struct reply *r)
{
	struct answer answer = { .code = r->code };
	struct span text = { r->text, r->len };

	if (r->code < 400)
		return answer;
	answer.is_enhanced = read_enhanced(text, &answer);
	for (size_t i = 0; i < sizeof(login_phrases) / sizeof(login_phrases[0]);
	     i++)
		if (has_phrase(text, login_phrases[i]))
			answer.asks_for_login = true;
	return answer;
}

/* The next word of *LIST, which must have one. */
static struct span
next_word(const char **list)
{
	struct span word = { *list, strcspn(*list, " ") };

	*list += word.len;
	*list += strspn(*list, " ");
	return word;
}

static bool
fits_code(struct span word, const struct answer *answer)
{
	unsigned code = answer->code;

	if (span_is(word, "broken"))
		return answer->kind == ANSWER_BROKEN;
	if (answer->kind != ANSWER_GIVEN || word.len != 3)
		return false;
	for (int i = 2; i >= 0; i--, code /= 10)
		if (word.ptr[i] != 'x' &&
		    word.ptr[i] != (char)('0' + code % 10))
			return false;
	return true;
}

static bool
fits_codes(const char *codes, const struct answer *answer)
{
	if (strcmp(codes, "any") == 0)
		return true;
	if (strcmp(codes, "too big") == 0)
		return answer->kind == ANSWER_TOO_BIG;
	while (*codes != '\0')
		if (fits_code(next_word(&codes), answer))
			return true;
	return false;
}

/* "*.7.8" or "none". */
static bool
fits_enhanced(struct span word, const struct answer *answer)
{
	unsigned subject = 0, detail = 0;
	size_t i = 2;

	if (span_is(word, "none"))
		return !answer->is_enhanced;
	for (; i < word.len && word.ptr[i] != '.'; i++)
		subject = subject * 10 + (unsigned)(word.ptr[i] - '0');
	for (i++; i < word.len; i++)
		detail = detail * 10 + (unsigned)(word.ptr[i] - '0');
	return answer->is_enhanced && answer->subject == subject &&
	    answer->detail == detail;
}

static bool
fits(const struct outcome_row *row, enum at at, const struct answer *answer)
{
	const char *enhanced = row->enhanced;

	if (!(row->ats & BIT(at)) || !fits_codes(row->codes, answer) ||
	    (row->wants_login && !answer->asks_for_login))
		return false;
	if (*enhanced == '\0')
		return true;
	while (*enhanced != '\0')
		if (fits_enhanced(next_word(&enhanced), answer))
			return true;
	return false;
}

size_t
outcome_find(enum at at, const struct answer *answer)
{
	size_t i = 0;

	while (i + 1 < outcome_row_count && !fits(&outcome_rows[i], at, answer))
		i++;
	return i;
}

enum verdict
outcome_verdict(enum at at, const struct answer *answer)
{
	return outcome_rows[outcome_find(at, answer)].verdict;
}

enum at
outcome_reached(const struct progress *p, unsigned *ret_code)
{
	*ret_code = p->mail;
	if (p->mail / 100 != 2)
		return p->is_mail_sent ? AT_MAIL : AT_AUTH;
	*ret_code = p->final;
	if (p->final >= 400)
		return p->is_data_refused ? AT_DATA : AT_FINAL;
	/* A 2xx counts only for a message that was sent to its end. */
	if (p->is_dot_sent)
		return AT_FINAL;
	/* "552 too big", said while the message was on its way. */
	*ret_code = p->is_data_ok && p->last_words >= 400 ? p->last_words : 0;
	return p->is_data_ok ? AT_CONTENT : AT_RCPT;
}

const char *
outcome_at_name(enum at at)
{
	static const char *const names[ATS] = {
		[AT_CONNECT] = "connect",
		[AT_GREETING] = "greeting",
		[AT_EHLO] = "EHLO",
		[AT_STARTTLS] = "STARTTLS",
		[AT_TLS] = "TLS",
		[AT_AUTH] = "AUTH",
		[AT_MAIL] = "MAIL",
		[AT_RCPT] = "RCPT",
		[AT_DATA] = "DATA",
		[AT_CONTENT] = "content",
		[AT_FINAL] = "final",
	};

	return names[at];
}

const char *
verdict_name(enum verdict verdict)
{
	static const char *const names[VERDICTS] = {
		[VERDICT_RELAY] = "relay trouble",
		[VERDICT_MAYBE_MESSAGE] = "relay trouble, maybe the message's",
		[VERDICT_ACCEPTED] = "goes on",
		[VERDICT_MESSAGE_LATER] = "message later",
		[VERDICT_MESSAGE_FAILED] = "message failed",
		[VERDICT_RECIPIENT_LATER] = "recipient later",
		[VERDICT_RECIPIENT_FAILED] = "recipient failed",
		[VERDICT_TOO_MANY] = "too many",
		[VERDICT_LOST] = "lost",
		[VERDICT_UNCERTAIN] = "uncertain",
		[VERDICT_DELIVERED] = "delivered",
	};

	return names[verdict];
}
