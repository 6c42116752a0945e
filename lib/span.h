/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * A piece of text that belongs to somebody else.  Parsers take spans and
 * return spans into the same memory; nothing is copied, nothing is
 * NUL-terminated.
 */

#ifndef SPOOL_SPAN_H
#define SPOOL_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct span {
	const char *ptr;
	size_t len;
};

/* The bytes of S without its NUL; valid as long as S. */
static inline struct span
span_of(const char *s)
{
	return (struct span){ s, strlen(s) };
}

/* Whether A holds exactly the bytes of the string S. */
static inline bool
span_is(struct span a, const char *s)
{
	return a.len == strlen(s) && memcmp(a.ptr, s, a.len) == 0;
}

/* The same, whatever the case of letters: words of protocols, domains. */
static inline bool
span_is_word(struct span a, const char *s)
{
	return a.len == strlen(s) && strncasecmp(a.ptr, s, a.len) == 0;
}

#endif
