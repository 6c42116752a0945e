/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* One function for each kind of value; none knows where the text is from. */

#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/conf-value.h"
#include "lib/envelope.h"
#include "lib/spool.h"
#include "lib/wire.h"

static void *
member(const struct config_key *key, void *obj)
{
	return (char *)obj + key->offset;
}

int
config_refuse(struct config_error *why, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(why->text, sizeof(why->text), fmt, args);
	va_end(args);
	return -EINVAL;
}

int
config_take_string(const struct config_key *key, void *obj, char *value)
{
	char **string = member(key, obj);

	if (value == NULL)
		return -ENOMEM;
	free(*string);
	*string = value;
	return 0;
}

bool
config_has_control(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return true;
	return false;
}

int
config_make_absolute(
    const char *path, const char *base, char **ret, struct config_error *why)
{
	if (path[0] == '\0' || config_has_control(path))
		return config_refuse(why, "must be a path");
	if (strlen(path) >= PATH_MAX)
		return config_refuse(
		    why, "must be shorter than %d bytes", PATH_MAX);
	if (path[0] == '/') {
		*ret = strdup(path);
		return *ret == NULL ? -ENOMEM : 0;
	}
	if (base == NULL)
		return config_refuse(why, "must be an absolute path");
	return asprintf(ret, "%s/%s", base, path) < 0 ? -ENOMEM : 0;
}

int
config_set_path(const struct config_key *key, void *obj, const char *value,
    const char *base, struct config_error *why)
{
	char *path = NULL;
	int err = config_make_absolute(value, base, &path, why);

	return err < 0 ? err : config_take_string(key, obj, path);
}

bool
config_is_name(const char *name)
{
	static const char legal[] =
	    "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]";
	size_t len = strspn(name, legal);

	return len > 0 && len <= 255 && name[len] == '\0' && name[0] != '-' &&
	    name[0] != '.';
}

int
config_set_name(const struct config_key *key, void *obj, const char *value,
    const char *base, struct config_error *why)
{
	(void)base;
	if (!config_is_name(value))
		return config_refuse(why, "must be a host or domain name");
	return config_take_string(key, obj, strdup(value));
}

int
config_set_login(const struct config_key *key, void *obj, const char *value,
    const char *base, struct config_error *why)
{
	(void)base;
	if (value[0] == '\0' || strlen(value) > 255 ||
	    config_has_control(value))
		return config_refuse(
		    why, "must be 1 to 255 printable characters");
	return config_take_string(key, obj, strdup(value));
}

int
config_set_number(const struct config_key *key, void *obj, const char *value,
    const char *base, struct config_error *why)
{
	unsigned *number = member(key, obj);
	unsigned long long n;

	(void)base;
	if (!wire_number(span_of(value), key->max, &n) || n < key->min)
		return config_refuse(
		    why, "must be a number from %u to %u", key->min, key->max);
	*number = (unsigned)n;
	return 0;
}

struct unit {
	char letter; /* lower case */
	unsigned long long factor;
};

/*
 * Parse digits and, at the end, an optional letter of UNITS (ended by a zero
 * letter); false if malformed or above MAX.
 */
static bool
parse_quantity(const char *value, const struct unit *units,
    unsigned long long max, unsigned long long *ret)
{
	struct span digits = span_of(value);
	unsigned long long n, factor = 1;

	for (; digits.len > 0 && units->letter != '\0'; units++)
		if ((digits.ptr[digits.len - 1] | 0x20) == units->letter) {
			factor = units->factor;
			digits.len--;
			break;
		}
	if (!wire_number(digits, max / factor, &n))
		return false;
	*ret = n * factor;
	return true;
}

bool
config_parse_duration(const char *text, unsigned max, unsigned *ret_s)
{
	static const struct unit units[] = { { 's', 1 }, { 'm', 60 },
		{ 'h', 3600 }, { 'd', 86400 }, { 0, 0 } };
	unsigned long long n;

	if (!parse_quantity(text, units, max, &n))
		return false;
	*ret_s = (unsigned)n;
	return true;
}

/* SECONDS in the largest unit of which there are some, into TEXT. */
static const char *
put_duration(unsigned seconds, char text[static 16])
{
	unsigned size = seconds % 86400 == 0 ? 86400
	    : seconds % 3600 == 0            ? 3600
	    : seconds % 60 == 0              ? 60
					     : 1;

	if (seconds == 0)
		size = 1;
	(void)snprintf(text, 16, "%u%c", seconds / size,
	    size == 86400      ? 'd'
		: size == 3600 ? 'h'
		: size == 60   ? 'm'
			       : 's');
	return text;
}

int
config_set_duration(const struct config_key *key, void *obj, const char *value,
    const char *base, struct config_error *why)
{
	unsigned *seconds = member(key, obj);
	char least[16], most[16];
	unsigned n;

	(void)base;
	if (!config_parse_duration(value, key->max, &n) || n < key->min)
		return config_refuse(why,
		    "must be a time from %s to %s, such as "
		    "10s, 5m, 1h or 2d",
		    put_duration(key->min, least),
		    put_duration(key->max, most));
	*seconds = n;
	return 0;
}

int
config_set_size(const struct config_key *key, void *obj, const char *value,
    const char *base, struct config_error *why)
{
	static const struct unit units[] = { { 'k', 1ull << 10 },
		{ 'm', 1ull << 20 }, { 'g', 1ull << 30 }, { 0, 0 } };
	uint64_t *bytes = member(key, obj);
	unsigned long long n;

	(void)base;
	if (!parse_quantity(value, units, SPOOL_MESSAGE_MAX, &n) ||
	    n < key->min)
		return config_refuse(why,
		    "must be a size of %u to %llu bytes, such as 50000000, "
		    "500K, 50M or 1G",
		    key->min, SPOOL_MESSAGE_MAX);
	*bytes = n;
	return 0;
}

int
config_set_word(const struct config_key *key, void *obj, const char *value,
    const char *base, struct config_error *why)
{
	unsigned *word = member(key, obj);
	char list[300] = "";
	size_t n, used = 0;

	(void)base;
	for (n = 0; key->words[n] != NULL; n++)
		if (strcmp(value, key->words[n]) == 0) {
			*word = (unsigned)n;
			return 0;
		}
	for (size_t i = 0; i < n && used < sizeof(list); i++)
		used +=
		    (size_t)snprintf(list + used, sizeof(list) - used, "%s%s",
			i == 0           ? ""
			    : i + 1 == n ? " or "
					 : ", ",
			key->words[i]);
	return config_refuse(why, "must be %s", list);
}

int
config_set_bool(const struct config_key *key, void *obj, const char *value,
    const char *base, struct config_error *why)
{
	bool *truth = member(key, obj);

	(void)base;
	if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
		return config_refuse(why, "must be yes or no");
	*truth = value[0] == 'y';
	return 0;
}

bool
config_next_element(const char **rest, struct span *ret)
{
	if (*rest == NULL)
		return false;
	ret->ptr = *rest;
	ret->len = strcspn(*rest, (const char[]){ CONFIG_LIST_GAP, '\0' });
	*rest = (*rest)[ret->len] == '\0' ? NULL : *rest + ret->len + 1;
	return true;
}

bool
config_is_label(const char *name)
{
	return envelope_lane_fault(name) == NULL;
}
