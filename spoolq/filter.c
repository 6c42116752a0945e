/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See filter.h. */

#include "config.h"

#include <fnmatch.h>
#include <string.h>
#include <strings.h>

#include "spoolq/filter.h"

bool
filter_is_set(const struct filter *filter)
{
	return filter->from != NULL || filter->to != NULL;
}

/* Whether ADDR, "" for the null sender, is what PATTERN means. */
static bool
address_matches(const char *pattern, const char *addr)
{
	const char *at = strrchr(addr, '@');

	if (strpbrk(pattern, "*?[\\") != NULL)
		return fnmatch(pattern, addr, FNM_CASEFOLD) == 0;
	if (strcmp(pattern, "<>") == 0)
		return addr[0] == '\0';
	return strcasecmp(pattern, addr) == 0 ||
	    (at != NULL && strcasecmp(pattern, at + 1) == 0);
}

bool
filter_matches(const struct filter *filter, const struct message *m)
{
	if (filter->from != NULL && !address_matches(filter->from, m->sender))
		return false;
	if (filter->to == NULL)
		return true;
	for (unsigned i = 0; i < m->nrcpts; i++) {
		if (m->rcpts[i].state != RCPT_DELIVERED &&
		    address_matches(filter->to, m->rcpts[i].addr))
			return true;
	}
	return false;
}
