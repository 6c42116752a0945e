/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The state of a spool as a page of HTML: one file that needs no other, for
 * light and dark screens of any width.  Pure.
 */

#ifndef SPOOLQ_PAGE_H
#define SPOOLQ_PAGE_H

#include <stdio.h>

#include "spoolq/health.h"

/* Rows of each table. */
#define PAGE_ROWS 20

/* Write the page about P, a spool of HOST, whose state H is.  ONLY says which
 * messages P has been restricted to; NULL: it is not. */
void page_put(FILE *out, const struct picture *p, const struct health *h,
    const char *host, const char *only);

/* Its tables (page-tables.c): figures, relays, and those of the summary. */
void page_put_figures(FILE *out, const struct picture *p);
void page_put_relays(FILE *out, const struct picture *p);
void page_put_ages(FILE *out, const struct picture *p);
void page_put_tops(FILE *out, const struct picture *p);

#endif
