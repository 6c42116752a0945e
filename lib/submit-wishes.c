/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * What a header wishes about when and how fast: for programs that can set a
 * field of the header and nothing else.  A wish that makes no sense is told to
 * the administrator and forgotten: such a program could not handle a refusal.
 */

#include "config.h"

#include <stdlib.h>

#include "lib/conf-value.h"
#include "lib/submit-work.h"
#include "lib/when.h"

/* Longest value that can make sense, with its NUL. */
#define VALUE_SIZE 64
/* How much of one that makes none is told. */
#define SHOWN_BYTES_MAX 60
#define US_PER_S 1000000

static const char *const names[] = {
	[WISH_TTL] = "X-Spool-TTL",
	[WISH_NOT_BEFORE] = "X-Spool-Not-Before",
	[WISH_LANE] = "X-Spool-Lane",
	[WISH_PRIORITY] = "Priority",
};

static struct span
trim(struct span text)
{
	static const char blanks[] = " \t\r\n";

	while (text.len > 0 && memchr(blanks, text.ptr[0], 4) != NULL) {
		text.ptr++;
		text.len--;
	}
	while (
	    text.len > 0 && memchr(blanks, text.ptr[text.len - 1], 4) != NULL)
		text.len--;
	return text;
}

static bool
has(const struct work *work, enum wish wish)
{
	return work->wishes[wish].ptr != NULL;
}

/* The value of WISH, "" if it is too long to make sense. */
static void
get_value(const struct work *work, enum wish wish, char ret[VALUE_SIZE])
{
	struct span text = trim(work->wishes[wish]);

	if (text.len >= VALUE_SIZE)
		text.len = 0;
	memcpy(ret, text.ptr, text.len);
	ret[text.len] = '\0';
}

static void
warn(const struct work *work, enum wish wish, const char *why)
{
	struct span text = trim(work->wishes[wish]);
	size_t len = text.len < SHOWN_BYTES_MAX ? text.len : SHOWN_BYTES_MAX;

	identity_warn(work->identity, "%s '%.*s' is ignored: %s", names[wish],
	    (int)len, text.ptr, why);
}

static void
take_not_before(struct work *work)
{
	struct span text = trim(work->wishes[WISH_NOT_BEFORE]);

	if (!when_parse(text, work->env->arrival_us, &work->env->not_before_us))
		warn(work, WISH_NOT_BEFORE,
		    "it takes a time such as 18:00, 2026-11-22T18:00 or +2h");
}

static void
take_ttl(struct work *work)
{
	char value[VALUE_SIZE];
	unsigned seconds;

	get_value(work, WISH_TTL, value);
	if (!config_parse_duration(value, SUBMIT_TTL_MAX_S, &seconds) ||
	    seconds == 0)
		warn(work, WISH_TTL, "it takes a time such as 90s, 10m or 2h");
	else
		work->env->expires_us =
		    work->env->arrival_us + (int64_t)seconds * US_PER_S;
}

/* Those of the header give way to those of the caller, who said it last. */
static void
take_times(struct work *work)
{
	struct envelope *env = work->env;
	bool may_delay = env->not_before_us == 0 && has(work, WISH_NOT_BEFORE);
	bool may_expire = env->expires_us == 0 && has(work, WISH_TTL);

	if (may_delay)
		take_not_before(work);
	if (may_expire)
		take_ttl(work);
	if (env->expires_us == 0 || env->expires_us > env->not_before_us)
		return;
	/* What is sent too early cannot be taken back. */
	if (may_expire) {
		env->expires_us = 0;
		warn(work, WISH_TTL, "it ends before the message may be sent");
	} else if (may_delay) {
		env->not_before_us = 0;
		warn(work, WISH_NOT_BEFORE, "the message has expired by then");
	}
}

/* RFC 2156, section 5.3.6; what others put there is no business of ours. */
static const char *
priority_of(const struct work *work)
{
	static const char *const values[] = { "urgent", "normal",
		"non-urgent" };
	struct span text = trim(work->wishes[WISH_PRIORITY]);

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		if (span_is_word(text, values[i]))
			return values[i];
	return NULL;
}

static int
take_lane(struct work *work)
{
	const char *lane = NULL;
	char value[VALUE_SIZE];

	if (has(work, WISH_LANE)) {
		get_value(work, WISH_LANE, value);
		if (envelope_lane_fault(value) == NULL)
			lane = value;
		else
			warn(work, WISH_LANE,
			    "it takes 1 to 40 letters, digits, '-' and '_'");
	}
	if (lane == NULL && has(work, WISH_PRIORITY))
		lane = priority_of(work);
	if (lane == NULL)
		return 0;
	work->env->lane = strdup(lane);
	return work->env->lane != NULL ? 0 : submit_fail_memory(work->err);
}

int
submit_take_wishes(struct work *work)
{
	take_times(work);
	return work->env->lane == NULL ? take_lane(work) : 0;
}
