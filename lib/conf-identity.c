/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The values of the keys about who is who, and the maps that they name: see
 * lib/identity.h. */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/address.h"
#include "lib/aliases.h"
#include "lib/conf-value.h"
#include "lib/generic.h"

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

/* ---- maps ------------------------------------------------------------ */

/* The lines of a map that will be skipped. */
struct map_faults {
	const char *path;
	struct config_error *err; /* gets the first one */
	unsigned first;           /* its line */
	unsigned count;
};

/* A mapfile_fault_fn. */
static void
note_fault(void *arg, unsigned line, const char *why)
{
	struct map_faults *faults = arg;

	faults->count++;
	/* Those that are there twice come after the others. */
	if (faults->first != 0 && faults->first <= line)
		return;
	faults->first = line;
	config_put_error(
	    faults->err, "%.200s:%u: skipped: %s", faults->path, line, why);
}

/* Say that the map of KEY cannot be read, and WHY. */
static int
refuse_map(const struct config *cfg, struct config_error *err, const char *key,
    const char *path, const char *why)
{
	return config_refuse_line(err, cfg,
	    config_line_of(SECTION_TOP, key, cfg), "%s '%.200s': %s", key, path,
	    why);
}

static int
check_aliases(
    const struct config *cfg, struct map_faults *faults, const char **why)
{
	struct aliases *aliases;
	int err;

	faults->path = cfg->aliases;
	if (cfg->aliases == NULL)
		return 0;
	err = aliases_read(&aliases, cfg->aliases, note_fault, faults, why);
	if (err == 0)
		aliases_free(aliases);
	/* Nobody has asked for it. */
	return err == -ENOENT &&
		strcmp(cfg->aliases, CONFIG_DEFAULT_ALIASES) == 0
	    ? 0
	    : err;
}

static int
check_generic(
    const struct config *cfg, struct map_faults *faults, const char **why)
{
	struct generic *generic;
	char *origin;
	int err;

	faults->path = cfg->generic;
	if (cfg->generic == NULL)
		return 0;
	origin = config_origin(cfg);
	*why = strerror(ENOMEM);
	if (origin == NULL)
		return -ENOMEM;
	err = generic_read(
	    &generic, cfg->generic, origin, note_fault, faults, why);
	if (err == 0)
		generic_free(generic);
	free(origin);
	return err;
}

int
config_check_maps(const struct config *cfg, struct config_error *err)
{
	struct map_faults faults = { .err = err };
	const char *why;

	if (check_aliases(cfg, &faults, &why) < 0)
		return refuse_map(cfg, err, "aliases", cfg->aliases, why);
	if (faults.count == 0 && check_generic(cfg, &faults, &why) < 0)
		return refuse_map(cfg, err, "generic", cfg->generic, why);
	if (faults.count == 0)
		return 0;
	if (faults.count > 1) {
		size_t len = strlen(err->text);

		snprintf(err->text + len, sizeof(err->text) - len,
		    "; %u more, see newaliases(8)", faults.count - 1);
	}
	return -EINVAL;
}
