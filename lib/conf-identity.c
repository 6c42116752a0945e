/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The values of the keys about who is who: see lib/identity.h. */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/address.h"
#include "lib/conf-value.h"

/* Replace the string member of OBJ by VALUE, which becomes OBJ's. */
static void
take(const struct config_key *key, void *obj, char *value)
{
	char **string = (char **)(void *)((char *)obj + key->offset);

	free(*string);
	*string = value;
}

static bool
is_none(const char *value)
{
	return value[0] == '\0' || strcmp(value, "none") == 0;
}

int
config_set_map(const struct config_key *key, void *obj, const char *value,
    const char *base, struct config_error *why)
{
	if (!is_none(value))
		return config_set_path(key, obj, value, base, why);
	take(key, obj, NULL);
	return 0;
}

int
config_set_domains(const struct config_key *key, void *obj, const char *value,
    const char *base, struct config_error *why)
{
	static const char gaps[] = " \t\r\n,";
	char *list = is_none(value) ? NULL : strdup(value);

	(void)base;
	if (list == NULL && !is_none(value))
		return -ENOMEM;
	for (char *at = list; at != NULL && *at != '\0';) {
		size_t len = strcspn(at, gaps), gap = strspn(at + len, gaps);

		/* What separates becomes one space, or the end. */
		if (gap > 0) {
			at[len] = '\0';
			memmove(at + len + 1, at + len + gap,
			    strlen(at + len + gap) + 1);
		}
		if (len > 0 && !config_is_name(at)) {
			free(list);
			return config_refuse(why, "must be a list of domains");
		}
		if (gap > 0)
			at[len] = ' ';
		at += len + (gap > 0);
	}
	take(key, obj, list);
	return 0;
}

int
config_set_recipients(const struct config_key *key, void *obj,
    const char *value, const char *base, struct config_error *why)
{
	size_t count, pos;
	char *list;

	(void)base;
	if (is_none(value)) {
		take(key, obj, NULL);
		return 0;
	}
	if (address_count(span_of(value), &count, &pos) != 0 || count == 0)
		return config_refuse(why, "must be a list of addresses");
	list = strdup(value);
	if (list == NULL)
		return -ENOMEM;
	take(key, obj, list);
	return 0;
}

int
config_set_address(const struct config_key *key, void *obj, const char *value,
    const char *base, struct config_error *why)
{
	size_t count, pos;

	if (!is_none(value) &&
	    (address_count(span_of(value), &count, &pos) != 0 || count != 1 ||
		strchr(value, '@') == NULL || strpbrk(value, "<>,;:") != NULL))
		return config_refuse(
		    why, "must be one address, such as ann@example.org");
	return config_set_recipients(key, obj, value, base, why);
}
