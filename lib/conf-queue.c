/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The values of keys about the queue: retries, rates, routes and lanes. */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/conf-value.h"

/* Longest wait between two attempts. */
#define WAIT_MAX_S (30u * 86400)

static void *
member(const struct config_key *key, void *obj)
{
	return (char *)obj + key->offset;
}

/*
 * Whether WORD, which says all there is to say, is in the list VALUE with
 * others; then WHY says so.
 */
static bool
is_mixed(const char *value, const char *word, struct config_error *why)
{
	struct span one;
	const char *rest = value;
	bool is_there = false;

	while (config_next_element(&rest, &one))
		is_there |= span_is(one, word);
	if (!is_there || strcmp(value, word) == 0)
		return false;
	(void)config_refuse(
	    why, "is in a list with others: %s must be alone", word);
	return true;
}

/* ---- retries --------------------------------------------------------- */

/* The next of a list of waits. */
static bool
add_wait(struct retry_config *retry, struct span text)
{
	char copy[32];

	if (retry->nsteps == RETRY_STEPS_MAX || text.len >= sizeof(copy))
		return false;
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	return config_parse_duration(
		   copy, WAIT_MAX_S, &retry->steps_s[retry->nsteps]) &&
	    retry->steps_s[retry->nsteps++] > 0;
}

int
config_set_retry(const struct config_key *key, void *obj, const char *value,
    const char *base, struct config_error *why)
{
	struct retry_config *retry = member(key, obj);
	struct retry_config list = { .kind = RETRY_LIST };
	struct span one;

	(void)base;
	if (strcmp(value, "linear") == 0) {
		*retry = (struct retry_config){ .kind = RETRY_LINEAR };
		return 0;
	}
	if (strcmp(value, "exponential") == 0) {
		*retry = (struct retry_config){ .kind = RETRY_EXPONENTIAL,
			.steps_s = { 60, 4 * 3600 },
			.nsteps = 2 };
		return 0;
	}
	if (is_mixed(value, "linear", why) ||
	    is_mixed(value, "exponential", why))
		return -EINVAL;
	for (const char *rest = value; config_next_element(&rest, &one);)
		if (!add_wait(&list, one))
			return config_refuse(why,
			    "must be linear, exponential, or up to %d times "
			    "such as {\"1m\", \"5m\", \"1h\"}",
			    RETRY_STEPS_MAX);
	*retry = list;
	return 0;
}

/* ---- rates ----------------------------------------------------------- */

/* Parse ONE rate; false if it is none. */
static bool
parse_rate(struct span one, struct rate_limit *ret)
{
	char copy[64];

	if (one.len >= sizeof(copy))
		return false;
	memcpy(copy, one.ptr, one.len);
	copy[one.len] = '\0';
	return rate_parse(copy, ret);
}

/* Replace the N limits at *LIMITS by those of VALUE; "none" for none. */
static int
set_rates(struct rate_limit **limits, size_t *n, const char *value,
    struct config_error *why)
{
	struct rate_limit *made = NULL;
	struct span one;
	size_t count = 0;

	if (is_mixed(value, "none", why))
		return -EINVAL;
	if (strcmp(value, "none") != 0)
		made = calloc(RATE_LIMITS_MAX, sizeof(made[0]));
	if (made == NULL && strcmp(value, "none") != 0)
		return -ENOMEM;
	for (const char *rest = made != NULL ? value : NULL;
	     config_next_element(&rest, &one); count++) {
		if (count < RATE_LIMITS_MAX && parse_rate(one, &made[count]))
			continue;
		free(made);
		return config_refuse(why,
		    "must be up to %d rates such as \"14/s\", \"500/min\" or "
		    "\"50000/day\", or none",
		    RATE_LIMITS_MAX);
	}
	free(*limits);
	*limits = made;
	*n = count;
	return 0;
}

int
config_set_rates(const struct config_key *key, void *obj, const char *value,
    const char *base, struct config_error *why)
{
	struct relay_config *relay = obj;

	(void)key;
	(void)base;
	return set_rates(&relay->rates, &relay->nrates, value, why);
}

int
config_set_sender_rates(const struct config_key *key, void *obj,
    const char *value, const char *base, struct config_error *why)
{
	struct config *cfg = obj;

	(void)key;
	(void)base;
	return set_rates(&cfg->sender_rates, &cfg->nsender_rates, value, why);
}

int
config_set_rate(const struct config_key *key, void *obj, const char *value,
    const char *base, struct config_error *why)
{
	struct rate_limit *limit = member(key, obj);

	(void)base;
	if (strcmp(value, "none") == 0) {
		*limit = (struct rate_limit){ .count = 0 };
		return 0;
	}
	if (!rate_parse(value, limit))
		return config_refuse(
		    why, "must be a rate such as 50/h, or none");
	return 0;
}

/* ---- routes and lanes ------------------------------------------------ */

/* Whether one pattern may be meant. */
static bool
is_pattern(const char *word, size_t len)
{
	const char *at = memchr(word, '@', len);

	if (len == 2 && memcmp(word, "<>", 2) == 0)
		return true;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)word[i] <= ' ' || word[i] == 0x7f ||
		    strchr("<>,;\"\\", word[i]) != NULL)
			return false;
	/* A domain, or what is before it, too. */
	return at == NULL ||
	    (at + 1 < word + len &&
		memchr(at + 1, '@', (size_t)(word + len - at - 1)) == NULL);
}

int
config_set_pattern(const struct config_key *key, void *obj, const char *value,
    const char *base, struct config_error *why)
{
	static const char gaps[] = { ' ', '\t', CONFIG_LIST_GAP, '\0' };
	char *list;
	size_t n = 0;

	(void)base;
	list = malloc(strlen(value) + 1);
	if (list == NULL)
		return -ENOMEM;
	for (const char *at = value + strspn(value, gaps); *at != '\0';) {
		size_t len = strcspn(at, gaps);

		if (!is_pattern(at, len))
			break;
		if (n > 0)
			list[n++] = ' ';
		memcpy(list + n, at, len);
		n += len;
		at += len;
		at += strspn(at, gaps);
		if (*at == '\0') {
			list[n] = '\0';
			return config_take_string(key, obj, list);
		}
	}
	free(list);
	return config_refuse(why,
	    "must be addresses, domains, @domains or <>, with * for any "
	    "characters");
}

int
config_set_relay_name(const struct config_key *key, void *obj,
    const char *value, const char *base, struct config_error *why)
{
	(void)base;
	if (!config_is_label(value))
		return config_refuse(why, "must be the name of a relay");
	return config_take_string(key, obj, strdup(value));
}

int
config_set_priority(const struct config_key *key, void *obj, const char *value,
    const char *base, struct config_error *why)
{
	(void)base;
	if (strcasecmp(value, "urgent") != 0 &&
	    strcasecmp(value, "normal") != 0 &&
	    strcasecmp(value, "non-urgent") != 0)
		return config_refuse(
		    why, "must be urgent, normal or non-urgent");
	return config_take_string(key, obj, strdup(value));
}
