/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See indexes.h. */

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/indexes.h"
#include "lib/wire.h"

bool
indexes_next(
    struct span *text, unsigned n, unsigned *ret_first, unsigned *ret_last)
{
	const char *comma = memchr(text->ptr, ',', text->len);
	size_t len = comma == NULL ? text->len : (size_t)(comma - text->ptr);
	const char *dash = len == 0 ? NULL : memchr(text->ptr, '-', len);
	size_t head = dash == NULL ? len : (size_t)(dash - text->ptr);
	unsigned long long first, last;

	/* Behind a comma comes another one. */
	if (len == 0 || n == 0 || len + 1 == text->len ||
	    !wire_number((struct span){ text->ptr, head }, n - 1, &first))
		return false;
	last = first;
	if (dash != NULL &&
	    (!wire_number(
		 (struct span){ dash + 1, len - head - 1 }, n - 1, &last) ||
		last < first))
		return false;
	*ret_first = (unsigned)first;
	*ret_last = (unsigned)last;
	text->ptr += len + (comma != NULL);
	text->len -= len + (comma != NULL);
	return true;
}

int
indexes_read(struct span text, unsigned n, unsigned **ret, size_t *ret_count)
{
	unsigned first, last, *list = calloc(n == 0 ? 1 : n, sizeof(*list));
	size_t count = 0;

	if (list == NULL)
		return -ENOMEM;
	while (indexes_next(&text, n, &first, &last)) {
		if (last - first >= n - count) {
			text.len = 1;
			break;
		}
		for (unsigned i = first; i <= last; i++)
			list[count++] = i;
	}
	if (text.len > 0 || count == 0) {
		free(list);
		return -EINVAL;
	}
	*ret = list;
	*ret_count = count;
	return 0;
}

void
indexes_put(FILE *out, unsigned first, unsigned last)
{
	(void)fprintf(out, ftell(out) > 0 ? ",%u" : "%u", first);
	if (last > first)
		(void)fprintf(out, "-%u", last);
}
