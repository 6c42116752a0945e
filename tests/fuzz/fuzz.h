/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* What the fuzz targets share. */

#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "lib/span.h"

/* The entry point of a target: libFuzzer's, or replay.c's. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* End the process, with the place, unless CLAIM holds. */
#define fuzz_check(claim) fuzz_check_at((claim), #claim, __FILE__, __LINE__)

static inline void
fuzz_check_at(bool holds, const char *claim, const char *file, int line)
{
	if (holds)
		return;
	(void)fprintf(stderr, "%s:%d: not so: %s\n", file, line, claim);
	abort();
}

/* End the process, with both, unless AGAIN, read and written, is as FIRST. */
static inline void
fuzz_check_same(struct span first, struct span again)
{
	if (first.len == again.len &&
	    memcmp(first.ptr, again.ptr, first.len) == 0)
		return;
	(void)fprintf(stderr, "%.*s\nis, read and written again:\n%.*s\n",
	    (int)first.len, first.ptr, (int)again.len, again.ptr);
	abort();
}

/*
 * Check what text_clean() makes of TEXT within MAX bytes: valid UTF-8, no
 * controls, and cleaning it again changes nothing.
 */
void fuzz_check_clean(struct span text, size_t max);

#endif
