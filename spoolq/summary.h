/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The queue in tables: by age, relay, domain, sender and error.  Pure. */

#ifndef SPOOLQ_SUMMARY_H
#define SPOOLQ_SUMMARY_H

#include "spoolq/draw.h"
#include "spoolq/picture.h"

/* Write the tables of P, at most TOP rows each, STYLE->columns wide from 80. */
void summary_put(
    FILE *out, const struct style *style, const struct picture *p, size_t top);

/*
 * Write P's figures, at most TOP rows of each table, as one JSON object in a
 * line.  0 or -ENOMEM.
 */
int summary_put_json(FILE *out, const struct picture *p, size_t top);

/* "3 new, 1 held": the states that there are messages in. */
void summary_put_states(FILE *out, const struct tally *t);

/*
 * What a row of a table is about, for people: WHAT is said for an empty text
 * ("no relay"); a row of top_rest() has none.
 */
const char *summary_row_name(const struct top_row *row, const char *what);

#endif
