/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See sendmail/params.h: one row of the table for each parameter. */

#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/wire.h"
#include "sendmail/params.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char no_memory[] = "451 4.3.0 out of memory";

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct span
params_trim(struct span text)
{
	while (text.len > 0 && is_blank(text.ptr[0])) {
		text.ptr++;
		text.len--;
	}
	while (text.len > 0 && is_blank(text.ptr[text.len - 1]))
		text.len--;
	return text;
}

/* ---- the path ---------------------------------------------------------- */

/* How long the path is that TEXT begins with: to its '>', or a space. */
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
		else if (!is_quoted && is_blank(c) && text.ptr[0] != '<')
			return i;
	}
	return text.len;
}

bool
params_split(struct span arg, const char *word, struct span *ret_path,
    struct span *ret_params)
{
	size_t len = strlen(word);

	if (arg.len < len || strncasecmp(arg.ptr, word, len) != 0)
		return false;
	arg = params_trim((struct span){ arg.ptr + len, arg.len - len });
	if (arg.len == 0 || arg.ptr[0] != ':')
		return false;
	arg = params_trim((struct span){ arg.ptr + 1, arg.len - 1 });
	len = path_length(arg);
	if (len == 0 || (len < arg.len && !is_blank(arg.ptr[len])))
		return false;
	*ret_path = (struct span){ arg.ptr, len };
	*ret_params =
	    params_trim((struct span){ arg.ptr + len, arg.len - len });
	return true;
}

/* ---- the values -------------------------------------------------------- */

static int
hex_digit(char c)
{
	static const char digits[] = "0123456789ABCDEFabcdef";
	const char *at = c != '\0' ? strchr(digits, c) : NULL;

	if (at == NULL)
		return -1;
	return (int)(at - digits) < 16 ? (int)(at - digits)
				       : (int)(at - digits) - 6;
}

/*
 * Decode TEXT, xtext of RFC 3461, section 4, into OUT, which has room for as
 * much.  Bytes of UTF-8 stand for themselves (RFC 6533).  False if it is
 * none, or has a NUL.
 */
static bool
xtext_decode(struct span text, char *out)
{
	size_t i;

	for (i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (c <= ' ' || c == 0x7f || c == '=')
			return false;
		if (c == '+') {
			int high =
			    i + 2 < text.len ? hex_digit(text.ptr[i + 1]) : -1;
			int low = high >= 0 ? hex_digit(text.ptr[i + 2]) : -1;

			if (low < 0 || high + low == 0)
				return false;
			c = (unsigned char)(high << 4 | low);
			i += 2;
		}
		*out++ = (char)c;
	}
	*out = '\0';
	return true;
}

/* Decode VALUE, which FAULT has to find no fault with. */
static const char *
take_xtext(struct span value, const char *(*fault)(const char *),
    const char *refusal, char **ret)
{
	char *text = malloc(value.len + 1);

	if (text == NULL)
		return no_memory;
	if (!xtext_decode(value, text) || fault(text) != NULL) {
		free(text);
		return refusal;
	}
	*ret = text;
	return NULL;
}

static const char *
take_body(struct params *params, struct span value)
{
	if (span_is_word(value, "8BITMIME"))
		params->body = BODY_8BITMIME;
	else if (span_is_word(value, "7BIT"))
		params->body = BODY_7BIT;
	else
		return "501 5.5.4 BODY is 7BIT or 8BITMIME";
	return NULL;
}

static const char *
take_size(struct params *params, struct span value)
{
	return wire_number(value, UINT64_MAX, &params->size)
	    ? NULL
	    : "501 5.5.4 SIZE is a number";
}

static const char *
take_ret(struct params *params, struct span value)
{
	if (span_is_word(value, "FULL"))
		params->ret = RET_FULL;
	else if (span_is_word(value, "HDRS"))
		params->ret = RET_HDRS;
	else
		return "501 5.5.4 RET is FULL or HDRS";
	return NULL;
}

static const char *
take_envid(struct params *params, struct span value)
{
	return take_xtext(value, envelope_envid_fault,
	    "501 5.5.4 ENVID is xtext, of at most 250 bytes", &params->envid);
}

static const char *
take_orcpt(struct params *params, struct span value)
{
	return take_xtext(value, envelope_orcpt_fault,
	    "501 5.5.4 ORCPT is a type, a semicolon and xtext, "
	    "of at most 250 bytes",
	    &params->orcpt);
}

static const char *
take_notify(struct params *params, struct span value)
{
	return notify_parse(value, &params->notify)
	    ? NULL
	    : "501 5.5.4 NOTIFY is NEVER, or of SUCCESS,FAILURE,DELAY";
}

static const char *
take_utf8(struct params *params, struct span value)
{
	(void)value;
	params->is_utf8 = true;
	return NULL;
}

/* ---- all of them ------------------------------------------------------- */

static const struct row {
	const char *name;
	enum params_verb verb;
	bool has_value;
	const char *(*take)(struct params *params, struct span value);
} rows[] = {
	{ "BODY", PARAMS_MAIL, true, take_body },
	{ "SIZE", PARAMS_MAIL, true, take_size },
	{ "RET", PARAMS_MAIL, true, take_ret },
	{ "ENVID", PARAMS_MAIL, true, take_envid },
	{ "SMTPUTF8", PARAMS_MAIL, false, take_utf8 },
	{ "NOTIFY", PARAMS_RCPT, true, take_notify },
	{ "ORCPT", PARAMS_RCPT, true, take_orcpt },
};

/* Take FIELD, "NAME=value" or "NAME". */
static const char *
take_field(struct params *params, struct span field, enum params_verb verb)
{
	const char *equals = memchr(field.ptr, '=', field.len);
	struct span name = field, value = { "", 0 };
	size_t i;

	if (equals != NULL) {
		name.len = (size_t)(equals - field.ptr);
		value.ptr = equals + 1;
		value.len = field.len - name.len - 1;
	}
	for (i = 0; i < COUNT(rows); i++) {
		if (rows[i].verb == verb && span_is_word(name, rows[i].name))
			break;
	}
	if (i == COUNT(rows))
		return "555 5.5.4 unknown parameter";
	if (rows[i].has_value ? value.len == 0 : equals != NULL)
		return "501 5.5.4 a parameter with a value too few or too many";
	if (params->given & 1u << i)
		return "501 5.5.4 a parameter given twice";
	params->given |= 1u << i;
	return rows[i].take(params, value);
}

const char *
params_read(struct span text, enum params_verb verb, struct params *params)
{
	const char *refusal = NULL;

	while (refusal == NULL && text.len > 0) {
		struct span field = { text.ptr, 0 };

		while (field.len < text.len && !is_blank(text.ptr[field.len]))
			field.len++;
		text.ptr += field.len;
		text.len -= field.len;
		text = params_trim(text);
		refusal = take_field(params, field, verb);
	}
	return refusal;
}

void
params_release(struct params *params)
{
	free(params->envid);
	free(params->orcpt);
	*params = (struct params){ 0 };
}
