/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See spoold/unreadable.h. */

#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/spool.h"
#include "spoold/unreadable.h"

struct unreadable {
	RB_ENTRY(unreadable) by_id;
	char id[SPOOL_ID_SIZE];
	int err;
	bool found; /* by the scan that is going on, or since */
};

static int
compare_id(const struct unreadable *a, const struct unreadable *b)
{
	return strcmp(a->id, b->id);
}

RB_GENERATE_INTERNAL(
    unreadables, unreadable, by_id, compare_id, __attribute__((unused)) static)

static struct unreadable *
find(struct unreadables *files, const char *id)
{
	struct unreadable key;

	if (strlen(id) >= sizeof(key.id))
		return NULL;
	(void)strcpy(key.id, id);
	return RB_FIND(unreadables, files, &key);
}

static struct unreadable *
add(struct unreadables *files, const char *id)
{
	struct unreadable *file = calloc(1, sizeof(*file));

	if (file == NULL || strlen(id) >= sizeof(file->id)) {
		free(file);
		return NULL;
	}
	(void)strcpy(file->id, id);
	(void)RB_INSERT(unreadables, files, file);
	return file;
}

static void
drop(struct unreadables *files, struct unreadable *file)
{
	(void)RB_REMOVE(unreadables, files, file);
	free(file);
}

bool
unreadable_is_news(struct unreadables *files, const char *id, int err)
{
	struct unreadable *file = find(files, id);
	bool is_news;

	if (file == NULL)
		file = add(files, id);
	if (file == NULL)
		return true;
	is_news = file->err != err;
	file->err = err;
	file->found = true;
	return is_news;
}

void
unreadable_forget(struct unreadables *files, const char *id)
{
	struct unreadable *file = find(files, id);

	if (file != NULL)
		drop(files, file);
}

void
unreadable_scan_begin(struct unreadables *files)
{
	struct unreadable *file;

	RB_FOREACH (file, unreadables, files)
		file->found = false;
}

void
unreadable_scan_end(struct unreadables *files)
{
	struct unreadable *file, *next;

	RB_FOREACH_SAFE(file, unreadables, files, next)
	if (!file->found)
		drop(files, file);
}

void
unreadable_release(struct unreadables *files)
{
	unreadable_scan_begin(files);
	unreadable_scan_end(files);
}
