/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * What an agent says, line by line: agent-protocol.h.  What it means is
 * dispatch.c's.
 */

#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "lib/wire.h"
#include "spoold/agent-protocol.h"
#include "spoold/spoold.h"

#define FIELDS_MAX 5

/*
 * Split LINE's fields and decode them where they are, in A's buffer, each with
 * its NUL in the separator's place; the count, or -1.
 */
static int
decode(struct agent *a, struct span line, char *fields[FIELDS_MAX])
{
	struct span field;
	int n = 0;

	while (wire_next(&line, &field)) {
		if (n == FIELDS_MAX)
			return -1;
		fields[n] = a->buf + (field.ptr - a->buf);
		if (!wire_decode(field, fields[n++]))
			return -1;
	}
	return n;
}

static bool
take_rcpt(struct agent *a, char *f[])
{
	unsigned long long index, delay_ms;

	if (!wire_number(span_of(f[1]), UINT32_MAX, &index) ||
	    !wire_number(span_of(f[3]), UINT32_MAX, &delay_ms))
		return false;
	dispatch_rcpt(
	    a, f[0], (unsigned)index, f[2], (int64_t)delay_ms * 1000, f[4]);
	return true;
}

static bool
take_log(struct agent *a, char *f[])
{
	unsigned long long priority;

	if (!wire_number(span_of(f[0]), LOG_DEBUG, &priority))
		return false;
	log_msg((int)priority, "agent %u: %s", a->number, f[1]);
	return true;
}

static bool
take_ready(struct agent *a, char *f[])
{
	(void)f;
	a->state = a->state == AGENT_STARTING ? AGENT_READY : a->state;
	dispatch_relay(a->relay);
	return true;
}

static bool
take_start(struct agent *a, char *f[])
{
	dispatch_start(a, f[0], f[1], strcmp(f[2], "report") == 0);
	return true;
}

static bool
take_done(struct agent *a, char *f[])
{
	dispatch_done(a, f[0]);
	return true;
}

static bool
take_back(struct agent *a, char *f[])
{
	dispatch_back(a, f[0], f[1], f[2]);
	return true;
}

static bool
take_bad(struct agent *a, char *f[])
{
	dispatch_bad(a, f[0], f[1]);
	return true;
}

/* For sendmail, which refuses what this relay cannot be sent. */
static bool
take_smtputf8(struct agent *a, char *f[])
{
	bool has_utf8 = strcmp(f[0], "yes") == 0;

	if (!has_utf8 && strcmp(f[0], "no") != 0)
		return false;
	relay_has_utf8(a->relay, has_utf8);
	return true;
}

/* Sessions that wait for long make room for others. */
static bool
take_slow(struct agent *a, char *f[])
{
	unsigned long long n;

	if (!wire_number(span_of(f[0]), a->connections_max, &n))
		return false;
	a->slow = (unsigned)n;
	dispatch_relay(a->relay);
	return true;
}

static const struct {
	const char *word;
	int nfields;
	bool (*take)(struct agent *a, char *fields[]);
} words[] = {
	{ "ready", 0, take_ready },
	{ "start", 3, take_start },
	{ "rcpt", 5, take_rcpt },
	{ "done", 1, take_done },
	{ "back", 3, take_back },
	{ "bad", 2, take_bad },
	{ "smtputf8", 1, take_smtputf8 },
	{ "slow", 1, take_slow },
	{ "log", 2, take_log },
};

static bool
take_line(struct agent *a, struct span line)
{
	char *fields[FIELDS_MAX];
	struct span word;
	int n;

	if (!wire_next(&line, &word) || (n = decode(a, line, fields)) < 0)
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (span_is(word, words[i].word) && n == words[i].nfields)
			return words[i].take(a, fields);
	return false;
}

void
agent_take_lines(struct agent *a)
{
	struct span rest = { a->buf, a->len }, line;

	record_gather(a->d);
	while (wire_line(&rest, &line))
		/* What its fields are decoded over cannot be shown whole. */
		if (!take_line(a, line))
			log_msg(LOG_ERR,
			    "agent %u said something unknown: "
			    "%.*s",
			    a->number, (int)(line.len < 200 ? line.len : 200),
			    line.ptr);
	memmove(a->buf, rest.ptr, rest.len);
	a->len = rest.len;
}
