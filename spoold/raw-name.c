/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* Which names at the top of the spool are no raw messages': spoold/raw.h. */

#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "spoold/spoold.h"

/* Whether the directory of PATH, whose name in it begins at NAME, is SP's. */
static bool
is_in_spool(const struct spool *sp, const char *path, const char *name)
{
	struct stat ours, there;
	char *dir;
	bool is_it;

	dir = name == path ? strdup(".") : strndup(path, (size_t)(name - path));
	if (dir == NULL)
		return false;
	is_it = fstatat(sp->dir_fd, dir, &there, 0) == 0 &&
	    fstat(sp->dir_fd, &ours) == 0 && ours.st_dev == there.st_dev &&
	    ours.st_ino == there.st_ino;
	free(dir);
	return is_it;
}

void
raw_learn_names(struct spoold *d)
{
	const char *path = d->cfg->json, *slash;
	struct raw *r = d->raw;

	free(r->json);
	free(r->json_name);
	r->json = r->json_name = NULL;
	if (path == NULL)
		return;
	slash = strrchr(path, '/');
	r->json = strdup(path);
	if (is_in_spool(&d->sp, path, slash == NULL ? path : slash + 1))
		r->json_name = strdup(slash == NULL ? path : slash + 1);
}

/* Whether SUFFIX makes the name of one more file of a status's name. */
static bool
is_suffix(const char *suffix)
{
	static const char *const suffixes[] = {
		"",
		".new",
		".edited",
		".refused",
		".edited.refused",
	};

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		if (strcmp(suffix, suffixes[i]) == 0)
			return true;
	return false;
}

/* Whether the configuration is another one than when it was looked at. */
static bool
is_outdated(const struct spoold *d)
{
	const char *now = d->cfg->json, *then = d->raw->json;

	if (now == NULL || then == NULL)
		return now != then;
	return strcmp(now, then) != 0;
}

bool
raw_is_name_of_ours(struct spoold *d, const char *name)
{
	const struct raw *r = d->raw;
	size_t len;

	if (name[0] == '.')
		return true;
	if (is_outdated(d))
		raw_learn_names(d);
	if (r->json_name == NULL)
		return false;
	len = strlen(r->json_name);
	return strncmp(name, r->json_name, len) == 0 && is_suffix(name + len);
}
