/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Envelopes from the text of a queue file, which may be anybody's: what
 * envelope_write() would not have written is refused, but keys and parameters
 * that a later version may have added are skipped.
 */

#include "config.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "lib/envelope.h"
#include "lib/wire.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct reader {
	struct envelope *env;
	unsigned seen;   /* keys that had their line: 1 << index */
	const char *why; /* set with -EINVAL */
};

static int
refuse(struct reader *r, const char *why)
{
	r->why = why;
	return -EINVAL;
}

/* Decode FIELD to a new string; -EINVAL or -ENOMEM. */
static int
get_string(struct reader *r, struct span field, char **ret)
{
	char *value = wire_get(field);

	if (value == NULL && errno == ENOMEM)
		return -ENOMEM;
	if (value == NULL)
		return refuse(r, "has a badly encoded field");
	*ret = value;
	return 0;
}

static int
read_arrival(struct reader *r, struct span value)
{
	unsigned long long n;

	if (!wire_number(value, INT64_MAX, &n))
		return refuse(r, "has a bad arrival time");
	r->env->arrival_us = (int64_t)n;
	return 0;
}

static int
read_uid(struct reader *r, struct span value)
{
	unsigned long long n;

	if (!wire_number(value, UINT32_MAX, &n))
		return refuse(r, "has a bad uid");
	r->env->uid = (uid_t)n;
	return 0;
}

static int
read_sender(struct reader *r, struct span value)
{
	char *addr;
	int err = get_string(r, value, &addr);

	if (err < 0)
		return err;
	err = envelope_set_sender(r->env, addr);
	free(addr);
	return err == -EINVAL ? refuse(r, "has a bad sender") : err;
}

static int
read_envid(struct reader *r, struct span value)
{
	char *envid;
	int err = get_string(r, value, &envid);

	if (err < 0)
		return err;
	if (envelope_envid_fault(envid) != NULL) {
		free(envid);
		return refuse(r, "has a bad envid");
	}
	r->env->envid = envid;
	return 0;
}

static int
read_ret(struct reader *r, struct span value)
{
	if (span_is(value, "FULL"))
		r->env->ret = RET_FULL;
	else if (span_is(value, "HDRS"))
		r->env->ret = RET_HDRS;
	else
		return refuse(r, "has a bad ret");
	return 0;
}

static int
read_body(struct reader *r, struct span value)
{
	if (span_is(value, "7BIT"))
		r->env->body = BODY_7BIT;
	else if (span_is(value, "8BITMIME"))
		r->env->body = BODY_8BITMIME;
	else
		return refuse(r, "has a bad body type");
	return 0;
}

static int
read_smtputf8(struct reader *r, struct span value)
{
	if (!span_is(value, "yes"))
		return refuse(r, "has a bad smtputf8");
	r->env->is_utf8 = true;
	return 0;
}

static int
read_lane(struct reader *r, struct span value)
{
	char *lane;
	int err = get_string(r, value, &lane);

	if (err < 0)
		return err;
	if (envelope_lane_fault(lane) != NULL) {
		free(lane);
		return refuse(r, "has a bad lane");
	}
	r->env->lane = lane;
	return 0;
}

/* A time that is one: 0 would mean that the line is not there. */
static bool
get_time(struct span value, int64_t *ret_us)
{
	unsigned long long n;

	if (!wire_number(value, ENVELOPE_TIME_MAX_US, &n) || n == 0)
		return false;
	*ret_us = (int64_t)n;
	return true;
}

static int
read_expires(struct reader *r, struct span value)
{
	return get_time(value, &r->env->expires_us)
	    ? 0
	    : refuse(r, "has a bad time to expire");
}

static int
read_not_before(struct reader *r, struct span value)
{
	return get_time(value, &r->env->not_before_us)
	    ? 0
	    : refuse(r, "has a bad time to be sent");
}

/* Three fields that need no decoding. */
static int
read_report_of(struct reader *r, struct span value)
{
	char *report_of;

	if (value.len > ENVELOPE_REPORT_OF_MAX ||
	    memchr(value.ptr, '\0', value.len) != NULL)
		return refuse(r, "has a bad report-of");
	report_of = strndup(value.ptr, value.len);
	if (report_of == NULL)
		return -ENOMEM;
	if (envelope_report_of_fault(report_of) != NULL) {
		free(report_of);
		return refuse(r, "has a bad report-of");
	}
	r->env->report_of = report_of;
	return 0;
}

/* Any name that a file can have. */
static int
read_raw(struct reader *r, struct span value)
{
	return get_string(r, value, &r->env->raw);
}

static int
read_message_id(struct reader *r, struct span value)
{
	return get_string(r, value, &r->env->message_id);
}

/* If FIELD is NAME and a value, step over NAME. */
static bool
take_name(struct span *field, const char *name)
{
	size_t len = strlen(name);

	if (field->len < len || memcmp(field->ptr, name, len) != 0)
		return false;
	field->ptr += len;
	field->len -= len;
	return true;
}

/* One parameter of the last recipient; unknown ones are skipped. */
static int
read_parameter(struct reader *r, struct span field)
{
	struct recipient *rcpt = &r->env->rcpts[r->env->nrcpts - 1];
	char *orcpt;
	int err;

	if (take_name(&field, "NOTIFY=")) {
		if (rcpt->notify != 0 || !notify_parse(field, &rcpt->notify))
			return refuse(r, "has a bad NOTIFY");
		return 0;
	}
	if (!take_name(&field, "ORCPT="))
		return 0;
	err = get_string(r, field, &orcpt);
	if (err < 0)
		return err;
	if (rcpt->orcpt != NULL || envelope_orcpt_fault(orcpt) != NULL) {
		free(orcpt);
		return refuse(r, "has a bad ORCPT");
	}
	rcpt->orcpt = orcpt;
	return 0;
}

static int
read_recipient(struct reader *r, struct span rest)
{
	struct span field;
	char *addr;
	int err;

	if (!wire_next(&rest, &field))
		return refuse(r, "has a bad recipient");
	err = get_string(r, field, &addr);
	if (err < 0)
		return err;
	err = envelope_add(r->env, addr);
	free(addr);
	if (err == -EINVAL)
		return refuse(r, "has a bad recipient");
	while (err == 0 && wire_next(&rest, &field))
		err = read_parameter(r, field);
	return err;
}

static const struct {
	const char *key;
	int (*read)(struct reader *r, struct span value);
	bool may_repeat;
	const char *lack; /* what to say where it must be and is not */
} keys[] = {
	{ "arrival", read_arrival, false, "lacks its arrival time" },
	{ "uid", read_uid, false, "lacks its uid" },
	{ "sender", read_sender, false, "lacks its sender" },
	{ "envid", read_envid, false, NULL },
	{ "ret", read_ret, false, NULL },
	{ "body", read_body, false, NULL },
	{ "smtputf8", read_smtputf8, false, NULL },
	{ "lane", read_lane, false, NULL },
	{ "expires", read_expires, false, NULL },
	{ "not-before", read_not_before, false, NULL },
	{ "report-of", read_report_of, false, NULL },
	{ "raw", read_raw, false, NULL },
	{ "message-id", read_message_id, false, NULL },
	{ "rcpt", read_recipient, true, "lacks a recipient" },
};

static int
read_line(struct reader *r, struct span rest)
{
	struct span key;

	if (!wire_next(&rest, &key) || key.len == 0)
		return refuse(r, "has a line without a key");
	for (size_t i = 0; i < COUNT(keys); i++) {
		if (!span_is(key, keys[i].key))
			continue;
		if ((r->seen & 1u << i) && !keys[i].may_repeat)
			return refuse(r, "has a line twice");
		r->seen |= 1u << i;
		return keys[i].read(r, rest);
	}
	return 0;
}

static int
check_complete(struct reader *r)
{
	for (size_t i = 0; i < COUNT(keys); i++)
		if (keys[i].lack != NULL && !(r->seen & 1u << i))
			return refuse(r, keys[i].lack);
	return 0;
}

int
envelope_read(struct span text, struct envelope *env, const char **reterr_why)
{
	struct reader r = { .env = env };
	struct span line;
	int err = 0;

	if (text.len > ENVELOPE_BYTES_MAX)
		err = refuse(&r, "is too long");
	while (err == 0 && wire_line(&text, &line))
		err = read_line(&r, line);
	if (err == 0 && text.len > 0)
		err = refuse(&r, "has an unfinished line");
	if (err == 0)
		err = check_complete(&r);
	if (err == 0)
		return 0;
	envelope_release(env);
	if (err == -EINVAL)
		*reterr_why = r.why;
	return err;
}
