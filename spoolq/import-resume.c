/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * spoolq import: what earlier runs have begun, see import.h.  What is in
 * ready/ and what is taken in the foreign queue belong together; one of them
 * is removed only when the other says that the message is safe.
 */

#include "config.h"

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "spoolq/import.h"

/* Names in a directory. */
struct names {
	char **list;
	size_t count;
};

/* ---- names ----------------------------------------------------------- */

/* The name of the original that KEY ends with, or NULL. */
static const char *
name_of_key(const char *key)
{
	for (int i = 0; i < 4 && key != NULL; i++) {
		key = strchr(key, '-');
		key = key != NULL ? key + 1 : NULL;
	}
	return key;
}

/* That of what was taken, by whichever spool; NULL: TAKEN was not. */
static const char *
name_of_taken(const char *taken)
{
	const char *mark = taken + sizeof(IMPORT_TAKEN) - 1, *name;

	if (strncmp(taken, IMPORT_TAKEN, sizeof(IMPORT_TAKEN) - 1) != 0)
		return NULL;
	name = strchr(mark, '-');
	return name != NULL ? name + 1 : NULL;
}

static bool
is_any(const char *name, const void *arg)
{
	(void)arg;
	(void)name;
	return true;
}

static bool
is_visible(const char *name, const void *arg)
{
	(void)arg;
	return name[0] != '.';
}

static bool
is_taken(const char *name, const void *arg)
{
	(void)arg;
	return name_of_taken(name) != NULL;
}

/* Whether one of NAMES is of the original NAME, as NAME_OF knows. */
static bool
has_name(const struct names *names, const char *name,
    const char *(*name_of)(const char *))
{
	for (size_t i = 0; i < names->count; i++) {
		const char *other = name_of(names->list[i]);

		if (other != NULL && strcmp(other, name) == 0)
			return true;
	}
	return false;
}

/* ---- what is left open ----------------------------------------------- */

static void
mark_unfinished(struct import *im)
{
	if (im->code == EX_OK)
		im->code = EX_TEMPFAIL;
}

/* Written, but not named by its key: nobody has relied on it. */
static void
forget_drafts(int dir_fd)
{
	struct names names;

	(void)import_names(dir_fd, is_any, NULL, &names.list, &names.count);
	for (size_t i = 0; i < names.count; i++)
		(void)unlinkat(dir_fd, names.list[i], 0);
	import_free_names(names.list, names.count);
}

/*
 * KEY's original is not known to be ours: it is, or will be, looked at again,
 * unless it was taken under a name that we do not know.
 */
static void
give_up(struct import *im, const char *key, const char *name,
    const struct names *taken)
{
	if (!has_name(taken, name, name_of_taken)) {
		(void)unlinkat(im->ready_fd, key, 0);
		return;
	}
	(void)import_fail(im,
	    "it is '" IMPORT_TAKEN "...-%s' by an interrupted import, but "
	    "not surely what the spool has as '" IMPORT_DIR
	    "/ready/%s': see spoolq(8)",
	    name, key);
	import_complain(im, name, EX_TEMPFAIL);
}

/* A key of ready/; TAKEN is all that was taken there. */
static void
resume_one(struct import *im, const char *key, const struct names *taken)
{
	const char *name = name_of_key(key);
	char id[SPOOL_ID_SIZE], taken_name[IMPORT_KEY_SIZE];
	size_t len = strlen(im->their_mark);
	bool is_ours, is_kept;

	if (name == NULL || strncmp(key, im->their_mark, len) != 0 ||
	    key[len] != '-') {
		(void)fputs("spoolq: '", stderr);
		import_put_clean(stderr, key);
		(void)fputs("' is of an import from another directory that was "
			    "interrupted: run that again, too\n",
		    stderr);
		mark_unfinished(im);
		return;
	}
	import_taken_name(im, name, taken_name);
	import_be_them(im);
	is_ours = import_is_original(im, key, name, taken_name);
	import_be_us(im);
	is_kept = faccessat(im->kept_fd, key, F_OK, AT_EACCESS) == 0;
	if (!is_ours && !is_kept) {
		give_up(im, key, name, taken);
		return;
	}
	if (import_publish(im, key, id) < 0) {
		import_complain(im, name, EX_TEMPFAIL);
		return;
	}
	im->done++;
	import_put_clean(stdout, name);
	(void)printf(": queued as %s, by an interrupted import\n", id);
	if (is_ours)
		import_clean(im, name);
}

/*
 * TAKEN is still there, and READY what ready/ still has: if it is ours, and
 * not among those, it has been published.
 */
static void
forget_taken(struct import *im, const char *taken, const struct names *ready)
{
	const char *name = name_of_taken(taken);
	char ours[IMPORT_KEY_SIZE];

	if (faccessat(im->dir_fd, taken, F_OK, AT_EACCESS) < 0)
		return; /* resume_one() has ended it */
	import_taken_name(im, name, ours);
	if (strcmp(taken, ours) != 0) {
		(void)fputs("spoolq: '", stderr);
		import_put_clean(stderr, taken);
		(void)fprintf(stderr,
		    "' below '%s' is of an import into another spool "
		    "that was interrupted: run that again, too\n",
		    im->path);
		mark_unfinished(im);
	} else if (!has_name(ready, name, name_of_key)) {
		import_clean(im, name);
		import_be_them(im);
	}
}

/* Go through READY, then through TAKEN. */
static void
resume_all(struct import *im, struct names *ready, const struct names *taken)
{
	int err;

	import_be_us(im);
	for (size_t i = 0; i < ready->count; i++)
		resume_one(im, ready->list[i], taken);
	import_free_names(ready->list, ready->count);
	err = import_names(
	    im->ready_fd, is_visible, NULL, &ready->list, &ready->count);
	import_be_them(im);
	for (size_t i = 0; err == 0 && i < taken->count; i++)
		forget_taken(im, taken->list[i], ready);
}

void
import_resume(struct import *im)
{
	struct names ready, taken;
	int err, their_err;

	import_be_us(im);
	forget_drafts(im->stage.state_fd[SPOOL_QUEUE]);
	forget_drafts(im->stage.tmp_fd);
	err = import_names(
	    im->ready_fd, is_visible, NULL, &ready.list, &ready.count);
	import_be_them(im);
	their_err =
	    import_names(im->dir_fd, is_taken, NULL, &taken.list, &taken.count);
	if (err == 0 && their_err == 0) {
		resume_all(im, &ready, &taken);
	} else {
		warnx("cannot look for what was interrupted: %s",
		    strerror(err < 0 ? -err : -their_err));
		mark_unfinished(im);
	}
	import_free_names(ready.list, ready.count);
	import_free_names(taken.list, taken.count);
}
