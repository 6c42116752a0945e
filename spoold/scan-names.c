/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See scan-names.h. */

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/queue-ids.h"
#include "spoold/scan-names.h"

/* So many at a time; the next scan comes to the others. */
#define STRAYS_MAX 10000

static int
add_stray(struct scan_names *n, const char *name)
{
	struct scan_stray *stray;

	/* failed/ is also where the damaged ones are kept. */
	if (n->listing == SPOOL_FAILED || n->nstrays >= STRAYS_MAX)
		return 0;
	stray = malloc(sizeof(*stray) + strlen(name) + 1);
	if (stray == NULL)
		return -ENOMEM;
	stray->state = n->listing;
	(void)strcpy(stray->name, name);
	STAILQ_INSERT_TAIL(&n->strays, stray, link);
	n->nstrays++;
	return 0;
}

/* A spool_list_fn. */
static int
collect(const char *name, void *arg)
{
	struct scan_names *n = arg;

	if (atomic_load(&n->is_cancelled))
		return -ECANCELED;
	if (!spool_is_id(name))
		return add_stray(n, name);
	if (n->len == n->alloc) {
		size_t alloc = n->alloc * 2 + 1024;
		void *ids = reallocarray(n->ids, alloc, sizeof(*n->ids));

		if (ids == NULL)
			return -ENOMEM;
		n->ids = ids;
		n->alloc = alloc;
	}
	(void)strcpy(n->ids[n->len++], name);
	return 0;
}

static int
compare(const void *a, const void *b)
{
	return ids_compare(a, b);
}

/* The oldest first: as they are seen they are sent, and who looks them up goes
 * through the memory from one end to the other. */
static void
sort(struct scan_names *n, size_t from)
{
	if (n->len > from)
		qsort(n->ids[from], n->len - from, sizeof(*n->ids), compare);
}

int
scan_names_read(struct scan_names *n, const struct spool *sp)
{
	int err = 0;

	STAILQ_INIT(&n->strays);
	for (int i = 0; i < SPOOL_STATES && err == 0; i++) {
		n->start[i] = n->len;
		n->listing = (enum spool_state)i;
		err = spool_list(sp, n->listing, collect, n);
		sort(n, n->start[i]);
	}
	n->start[SPOOL_STATES] = n->len;
	return err;
}

void
scan_names_release(struct scan_names *n)
{
	struct scan_stray *stray;

	while ((stray = STAILQ_FIRST(&n->strays)) != NULL) {
		STAILQ_REMOVE_HEAD(&n->strays, link);
		free(stray);
	}
	free(n->ids);
	n->ids = NULL;
	n->len = n->alloc = n->nstrays = 0;
}
