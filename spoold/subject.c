/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* What a message is about, as its header says. */

#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/header.h"
#include "lib/text.h"
#include "spoold/spoold.h"

/* So far into the message it is looked for, and so much of it is kept. */
#define LOOK_BYTES ((size_t)16 << 10)
#define SUBJECT_MAX 200

/* The field in TEXT, unfolded: a new string, or NULL. */
static char *
unfolded_subject(struct span text)
{
	struct header_field field;
	char *line = NULL;
	size_t len;
	FILE *out;

	if (!header_find(text, "Subject", &field) ||
	    (out = open_memstream(&line, &len)) == NULL)
		return NULL;
	header_put_unfolded(out, field.body);
	if (fclose(out) == 0)
		return line;
	free(line);
	return NULL;
}

char *
subject_of(const struct qfile *qf)
{
	char *text = malloc(LOOK_BYTES), *line, *clean;
	ssize_t n;

	if (text == NULL)
		return NULL;
	n = qfile_read(qf, text, LOOK_BYTES, 0);
	line =
	    n <= 0 ? NULL : unfolded_subject((struct span){ text, (size_t)n });
	clean = line == NULL ? NULL : text_clean(span_of(line), SUBJECT_MAX);
	free(line);
	free(text);
	return clean;
}
