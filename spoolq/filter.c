/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See filter.h. */

#include "config.h"

#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/conf-value.h"
#include "lib/why.h"
#include "lib/wire.h"
#include "spoolq/filter.h"
#include "spoolq/output.h"

#define SECOND_US 1000000
/* Of a regular expression: regcomp(3) calls itself for each parenthesis, and
 * takes memory for each character of what repetitions make of it, for some
 * with the square of that. */
#define REGEX_BYTES_MAX 1000
#define REGEX_WRITTEN_MAX 10000
/* A hundred years. */
#define AGE_MAX_S (100u * 365 * 24 * 60 * 60)

const struct filter_option filter_options[] = {
	{ "from", "WHO", "sent by WHO: an address, a domain or a pattern" },
	{ "to", "WHO", "still to go to WHO" },
	{ "relay", "NAME", "still to go to the relay NAME" },
	{ "state", "WORD",
	    "new, sending, deferred, held, failed, backoff ..." },
	{ "older", "TIME", "came longer ago than TIME (90s, 5m, 2h, 3d)" },
	{ "newer", "TIME", "came less long ago" },
	{ "larger", "SIZE", "larger than SIZE (1000, 500K, 10M)" },
	{ "error", "REGEX", "the last answer matches REGEX" },
	{ "user", "USER", "submitted by USER, a name or a number" },
	{ "attempts", "N", "tried N times or more" },
	{ "limit", "N", "the first N of them" },
	{ "all", NULL, "every message" },
	{ NULL, NULL, NULL },
};

/* ---- taking them ----------------------------------------------------- */

static int
set_age(int64_t *age_us, const char *arg, const char **reterr_why)
{
	unsigned s;

	if (!config_parse_duration(arg, AGE_MAX_S, &s) || s == 0) {
		*reterr_why = "is no length of time such as 90s, 5m, 2h or 3d";
		return -EINVAL;
	}
	*age_us = (int64_t)s * SECOND_US;
	return 0;
}

static int
set_size(struct filter *filter, const char *arg, const char **reterr_why)
{
	static const struct config_key key = { .name = "larger" };
	struct config_error ignored;

	if (config_set_size(&key, &filter->larger_bytes, arg, NULL, &ignored) ==
		0 &&
	    filter->larger_bytes > 0)
		return 0;
	*reterr_why = "is no size such as 1000, 500K or 10M";
	return -EINVAL;
}

/* How often P, in REGEX, has what is before it written out at most: the greater
 * number of "{2,5}", and twice for a '+' behind a group or a repetition. */
static unsigned long
times(const char *regex, const char *p)
{
	unsigned long least, most;
	char *end;

	if (*p == '+' && p > regex && strchr(")+*?}", p[-1]) != NULL)
		return 2;
	if (*p != '{')
		return 1;
	least = strtoul(p + 1, &end, 10);
	most = *end == ',' ? strtoul(end + 1, NULL, 10) : 0;
	if (most < least)
		most = least;
	return most > 1 ? most : 1;
}

/* Whether REGEX takes little to compile, as if all repetitions were nested. */
static bool
is_small(const char *regex, size_t len)
{
	unsigned long written = len;

	for (const char *p = regex; *p != '\0'; p++) {
		unsigned long n = times(regex, p);

		if (n > REGEX_WRITTEN_MAX)
			return false;
		written *= n;
		if (written > REGEX_WRITTEN_MAX)
			return false;
	}
	return true;
}

static int
set_error(struct filter *filter, const char *arg, const char **reterr_why)
{
	char why[48];
	regex_t regex;
	size_t len = strlen(arg);
	int err;

	if (len > REGEX_BYTES_MAX) {
		*reterr_why = "is longer than 1000 bytes";
		return -EINVAL;
	}
	if (!is_small(arg, len)) {
		*reterr_why = "has too many repetitions";
		return -EINVAL;
	}
	err = regcomp(&regex, arg, REG_EXTENDED | REG_ICASE | REG_NOSUB);
	if (err != 0) {
		(void)regerror(err, &regex, why, sizeof why);
		(void)snprintf(filter->fault, sizeof filter->fault,
		    "is no regular expression: %s", why);
		*reterr_why = filter->fault;
		return -EINVAL;
	}
	filter_release(filter);
	filter->error = regex;
	filter->has_error = true;
	return 0;
}

static int
set_user(struct filter *filter, const char *arg, const char **reterr_why)
{
	const struct passwd *pw = getpwnam(arg);
	unsigned long long uid;

	if (pw != NULL)
		filter->user = pw->pw_uid;
	else if (wire_number(span_of(arg), UINT_MAX - 1, &uid))
		filter->user = (uid_t)uid;
	else {
		*reterr_why = "is no user";
		return -EINVAL;
	}
	filter->has_user = true;
	return 0;
}

static int
set_number(unsigned *number, const char *arg, const char **reterr_why)
{
	unsigned long long n;

	if (!wire_number(span_of(arg), UINT_MAX, &n) || n == 0) {
		*reterr_why = "is no number from 1";
		return -EINVAL;
	}
	*number = (unsigned)n;
	return 0;
}

static int
set_limit(struct filter *filter, const char *arg, const char **reterr_why)
{
	unsigned n;
	int err = set_number(&n, arg, reterr_why);

	if (err == 0)
		filter->limit = n;
	return err;
}

static bool
is_state(const char *name)
{
	static const char *const names[] = { "new", "sending", "deferred",
		"held", "failed" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static int
set_state(struct filter *filter, const char *arg, const char **reterr_why)
{
	size_t used;

	if (is_state(arg) || why_of(arg) != WHY_NOTHING) {
		filter->state = arg;
		return 0;
	}
	used = (size_t)snprintf(filter->fault, sizeof filter->fault,
	    "is none of new, sending, deferred, held, failed");
	for (int i = WHY_NOTHING + 1; i < WHY_KINDS; i++) {
		const char *name = why_name((enum why)i);

		if (!is_state(name) && used < sizeof filter->fault)
			used += (size_t)snprintf(filter->fault + used,
			    sizeof filter->fault - used, ", %s", name);
	}
	*reterr_why = filter->fault;
	return -EINVAL;
}

/* Those that are kept as they are. */
static bool
set_text(struct filter *filter, const char *name, const char *arg)
{
	if (strcmp(name, "from") == 0)
		filter->from = arg;
	else if (strcmp(name, "to") == 0)
		filter->to = arg;
	else if (strcmp(name, "relay") == 0)
		filter->relay = arg;
	else if (strcmp(name, "all") == 0)
		filter->all = true;
	else
		return false;
	return true;
}

static int
set(struct filter *filter, const char *name, const char *arg,
    const char **reterr_why)
{
	if (set_text(filter, name, arg))
		return 0;
	if (strcmp(name, "state") == 0)
		return set_state(filter, arg, reterr_why);
	if (strcmp(name, "older") == 0)
		return set_age(&filter->older_us, arg, reterr_why);
	if (strcmp(name, "newer") == 0)
		return set_age(&filter->newer_us, arg, reterr_why);
	if (strcmp(name, "larger") == 0)
		return set_size(filter, arg, reterr_why);
	if (strcmp(name, "error") == 0)
		return set_error(filter, arg, reterr_why);
	if (strcmp(name, "user") == 0)
		return set_user(filter, arg, reterr_why);
	if (strcmp(name, "attempts") == 0)
		return set_number(&filter->attempts, arg, reterr_why);
	if (strcmp(name, "limit") == 0)
		return set_limit(filter, arg, reterr_why);
	return -ENOENT;
}

int
filter_set(struct filter *filter, const char *name, const char *arg,
    const char **reterr_why)
{
	int err = set(filter, name, arg, reterr_why);

	for (int i = 0; err == 0 && filter_options[i].name != NULL; i++)
		if (strcmp(filter_options[i].name, name) == 0)
			filter->given[i] = arg != NULL ? arg : "";
	return err;
}

void
filter_put(FILE *out, const struct filter *filter)
{
	const char *gap = "";

	for (int i = 0; filter_options[i].name != NULL; i++) {
		if (filter->given[i] == NULL)
			continue;
		(void)fprintf(out, "%s--%s", gap, filter_options[i].name);
		gap = " ";
		if (filter_options[i].arg != NULL)
			(void)fprintf(out, " %s", filter->given[i]);
	}
	if (filter->ids != NULL)
		(void)fprintf(out, "%s%zu id%s", gap, filter->ids->n,
		    filter->ids->n == 1 ? "" : "s");
}

void
filter_release(struct filter *filter)
{
	if (filter->has_error)
		regfree(&filter->error);
	filter->has_error = false;
}

static bool
has_text(const struct filter *filter)
{
	return filter->from != NULL || filter->to != NULL ||
	    filter->relay != NULL || filter->state != NULL || filter->has_error;
}

bool
filter_is_set(const struct filter *filter)
{
	return has_text(filter) || filter->older_us > 0 ||
	    filter->newer_us > 0 || filter->larger_bytes > 0 ||
	    filter->attempts > 0 || filter->has_user || filter->limit > 0 ||
	    filter->ids != NULL;
}

/* ---- matching -------------------------------------------------------- */

bool
filter_matches_address(const char *pattern, const char *addr)
{
	const char *at = strrchr(addr, '@');

	/* As routes have it: a domain. */
	if (pattern[0] == '@') {
		if (at == NULL)
			return false;
		addr = at;
	}
	/* First to the letter: a domain literal looks like a pattern. */
	if (strcasecmp(pattern, addr) == 0 ||
	    (at != NULL && strcasecmp(pattern, at + 1) == 0))
		return true;
	if (strpbrk(pattern, "*?[\\") != NULL)
		return fnmatch(pattern, addr, FNM_CASEFOLD) == 0;
	return strcmp(pattern, "<>") == 0 && addr[0] == '\0';
}

/* Whether somebody may still care what becomes of R. */
static bool
is_open(const struct qrcpt *r)
{
	return r->state != RCPT_DELIVERED && r->state != RCPT_DROPPED;
}

static bool
goes_to(const struct queue *q, const struct message *m, const struct qrcpt *r,
    const char *relay)
{
	const struct relay_state *goes = output_relay(q, m, r);

	return goes != NULL && strcmp(goes->name, relay) == 0;
}

static bool
has_error(const struct filter *filter, const struct queue *q,
    const struct message *m, const struct qrcpt *r)
{
	const struct relay_state *relay = output_relay(q, m, r);

	if (r->reply != NULL &&
	    regexec(&filter->error, r->reply, 0, NULL, 0) == 0)
		return true;
	return r->state == RCPT_PENDING && relay != NULL && relay->down &&
	    relay->reason != NULL &&
	    regexec(&filter->error, relay->reason, 0, NULL, 0) == 0;
}

/* Whether the state that is asked for is what recipients wait for, and not the
 * message's own. */
static bool
is_waiting(const struct filter *filter)
{
	return filter->state != NULL && !is_state(filter->state);
}

static bool
waits_for(const struct filter *filter, const struct queue *q,
    const struct message *m, const struct qrcpt *r)
{
	enum why why = why_rcpt(q, m, r, filter->now_us).why;

	return strcmp(why_name(why), filter->state) == 0;
}

/* Whether R matches all that is about recipients. */
static bool
rcpt_matches(const struct filter *filter, const struct queue *q,
    const struct message *m, const struct qrcpt *r)
{
	return is_open(r) &&
	    (filter->to == NULL ||
		filter_matches_address(filter->to, r->addr)) &&
	    (filter->relay == NULL || goes_to(q, m, r, filter->relay)) &&
	    (!is_waiting(filter) || waits_for(filter, q, m, r)) &&
	    (!filter->has_error || has_error(filter, q, m, r));
}

static bool
rcpts_match(
    const struct filter *filter, const struct queue *q, const struct message *m)
{
	if (filter->to == NULL && filter->relay == NULL && !filter->has_error &&
	    !is_waiting(filter))
		return true;
	for (unsigned i = 0; i < m->nrcpts; i++)
		if (rcpt_matches(filter, q, m, &m->rcpts[i]))
			return true;
	return false;
}

static bool
is_in_state(const struct filter *filter, const struct message *m)
{
	return filter->state == NULL || is_waiting(filter) ||
	    strcmp(output_state(m), filter->state) == 0;
}

static bool
is_named(const struct filter *filter, const struct message *m)
{
	uint8_t *mark;

	if (filter->ids == NULL)
		return true;
	mark = idset_mark(filter->ids, m->id);
	if (mark == NULL)
		return false;
	*mark = 1;
	return true;
}

static bool
is_from(const struct filter *filter, const struct message *m)
{
	return filter->from == NULL ||
	    filter_matches_address(filter->from, m->sender);
}

static bool
age_matches(const struct filter *filter, const struct message *m)
{
	int64_t age_us = filter->now_us - m->arrival_us;

	return (filter->older_us == 0 || age_us > filter->older_us) &&
	    (filter->newer_us == 0 || age_us < filter->newer_us);
}

bool
filter_matches(
    const struct filter *filter, const struct queue *q, const struct message *m)
{
	if (!is_named(filter, m) || !is_from(filter, m))
		return false;
	if (!age_matches(filter, m) ||
	    (filter->larger_bytes > 0 && m->size_bytes <= filter->larger_bytes))
		return false;
	if ((filter->has_user && m->uid != filter->user) ||
	    output_attempts(m) < filter->attempts)
		return false;
	return is_in_state(filter, m) && rcpts_match(filter, q, m);
}
