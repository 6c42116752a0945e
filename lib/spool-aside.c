/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* What is no message of ours, or a torn one, kept in failed/ with the reason.
 */

#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "lib/fsutil.h"
#include "lib/spool.h"

/* Of a foreign entry, what its new name keeps. */
#define ASIDE_NAME_MAX 200
#define ASIDE_TRIES 10000

/* NAME with nothing in it that a shell or a terminal takes notice of. */
static void
put_harmless(char *out, size_t size, const char *name)
{
	static const char harmless[] =
	    "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+=@,";
	size_t i;

	for (i = 0; i + 1 < size && name[i] != '\0'; i++)
		out[i] = strchr(harmless, name[i]) == NULL ? '_' : name[i];
	out[i] = '\0';
}

/* Rename to the first free name made of BASE; RET_NAME is that name. */
static int
move_aside(const struct spool *sp, int from_fd, const char *name,
    const char *base, char ret_name[NAME_MAX])
{
	int err = -EEXIST;

	snprintf(ret_name, NAME_MAX, "%s.damaged", base);
	for (int i = 1; i < ASIDE_TRIES; i++) {
		err = fs_rename_noreplace(
		    from_fd, name, sp->state_fd[SPOOL_FAILED], ret_name);
		if (err != -EEXIST)
			break;
		snprintf(ret_name, NAME_MAX, "%s.damaged.%d", base, i);
	}
	return err;
}

static bool
is_entry(const char *name)
{
	return name[0] != '\0' && strchr(name, '/') == NULL &&
	    strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

int
spool_set_aside_from(const struct spool *sp, int from_fd, const char *name,
    const char *shown, const char *why)
{
	char base[ASIDE_NAME_MAX + 1], aside[NAME_MAX];
	char *text, *why_name = NULL;
	int err;

	if (!is_entry(name))
		return -EINVAL;
	put_harmless(base, sizeof(base), shown);
	err = move_aside(sp, from_fd, name, base, aside);
	if (err < 0)
		return err;
	if (asprintf(&why_name, "%s.why", aside) < 0)
		return -ENOMEM;
	if (asprintf(&text, "%s\n", why) < 0) {
		free(why_name);
		return -ENOMEM;
	}
	err = fs_replace(
	    sp->state_fd[SPOOL_FAILED], why_name, 0600, text, strlen(text));
	if (err == 0)
		err = fs_sync(sp->state_fd[SPOOL_FAILED]);
	free(text);
	free(why_name);
	return err;
}

int
spool_set_aside(const struct spool *sp, enum spool_state state,
    const char *name, const char *why)
{
	int err =
	    spool_set_aside_from(sp, sp->state_fd[state], name, name, why);

	if (err == 0 && state != SPOOL_FAILED)
		err = fs_sync(sp->state_fd[state]);
	return err;
}
