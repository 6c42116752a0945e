/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* Which relay a recipient has, and which lane a message. */

#include "config.h"

#include <string.h>
#include <strings.h>

#include "lib/conf.h"
#include "lib/span.h"
#include "lib/text.h"

/* ---- patterns -------------------------------------------------------- */

/*
 * Whether TEXT is as PATTERN, with "*" for any characters.  In no more than
 * their product of steps: a "*" is tried anew only if none is behind it.
 */
static bool
glob_fits(struct span pattern, struct span text)
{
	size_t p = 0, t = 0, star = pattern.len, from = 0;

	while (t < text.len) {
		if (p < pattern.len && pattern.ptr[p] == '*') {
			star = p++;
			from = t;
		} else if (p < pattern.len &&
		    text_lower(pattern.ptr[p]) == text_lower(text.ptr[t])) {
			p++;
			t++;
		} else if (star < pattern.len) {
			p = star + 1;
			t = ++from;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.ptr[p] == '*')
		p++;
	return p == pattern.len;
}

/* The domain of ADDR with its "@"; empty if it has none. */
static struct span
domain_of(const char *addr)
{
	const char *at = strrchr(addr, '@');

	return span_of(at != NULL ? at : "");
}

/* Whether DOMAIN, with its "@", is below PARENT, with its ".". */
static bool
is_below(struct span domain, struct span parent)
{
	/* There is something between them. */
	if (domain.len < parent.len + 2)
		return false;
	domain.ptr += domain.len - parent.len;
	domain.len = parent.len;
	return glob_fits(parent, domain);
}

/* Whether ADDR fits one pattern. */
static bool
word_fits(struct span word, const char *addr)
{
	struct span domain = domain_of(addr);
	const char *at = memchr(word.ptr, '@', word.len);

	if (span_is(word, "<>"))
		return addr[0] == '\0';
	if (span_is(word, "*"))
		return true;
	if (at == NULL)
		return domain.len > 0 &&
		    glob_fits(
			word, (struct span){ domain.ptr + 1, domain.len - 1 });
	if (at > word.ptr)
		return glob_fits(word, span_of(addr));
	if (word.len > 1 && at[1] == '.')
		return is_below(domain, (struct span){ at + 1, word.len - 1 });
	return glob_fits(word, domain);
}

bool
config_pattern_fits(const char *pattern, const char *addr)
{
	if (pattern == NULL)
		return true;
	for (const char *at = pattern + strspn(pattern, " "); *at != '\0';) {
		size_t len = strcspn(at, " ");

		if (word_fits((struct span){ at, len }, addr))
			return true;
		at += len;
		at += strspn(at, " ");
	}
	return false;
}

/* ---- routes ---------------------------------------------------------- */

const struct relay_config *
config_relay(const struct config *cfg, const char *name)
{
	for (size_t i = 0; i < cfg->nrelays; i++)
		if (strcmp(cfg->relays[i].name, name) == 0)
			return &cfg->relays[i];
	return NULL;
}

const struct relay_config *
config_route(const struct config *cfg, const char *sender,
    const char *recipient, const struct route_config **ret_why)
{
	const struct route_config *why = NULL;

	for (size_t i = 0; i < cfg->nroutes && why == NULL; i++)
		if (config_pattern_fits(cfg->routes[i].sender, sender) &&
		    config_pattern_fits(cfg->routes[i].recipient, recipient))
			why = &cfg->routes[i];
	if (ret_why != NULL)
		*ret_why = why;
	if (why != NULL)
		return why->relay != NULL ? config_relay(cfg, why->relay)
					  : NULL;
	return cfg->nrelays > 0 ? &cfg->relays[0] : NULL;
}

/* ---- lanes ----------------------------------------------------------- */

/* Whether LANE is for messages from SENDER of PRIORITY, which may be NULL. */
static bool
lane_fits(
    const struct lane_config *lane, const char *priority, const char *sender)
{
	/* Without conditions, it is by name alone. */
	if (lane->priority == NULL && lane->sender == NULL)
		return false;
	if (lane->priority != NULL &&
	    (priority == NULL || strcasecmp(lane->priority, priority) != 0))
		return false;
	return config_pattern_fits(lane->sender, sender);
}

unsigned
config_lane(const struct config *cfg, const char *lane, const char *sender)
{
	unsigned normal = 0;

	for (unsigned i = 0; lane != NULL && i < cfg->nlanes; i++)
		if (strcmp(cfg->lanes[i].name, lane) == 0)
			return i;
	for (unsigned i = 0; i < cfg->nlanes; i++) {
		if (lane_fits(&cfg->lanes[i], lane, sender))
			return i;
		if (strcmp(cfg->lanes[i].name, LANE_NORMAL) == 0)
			normal = i;
	}
	return normal;
}
