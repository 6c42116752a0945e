/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * JSON written straight into a buffer: for lines that are written by the
 * thousand, each of which would cost dozens of allocations as an object of
 * json-c's.  The text is the same to the byte.
 */

#ifndef SPOOL_JSON_OUT_H
#define SPOOL_JSON_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero is an empty one. */
struct json_out {
	char *text; /* not terminated; NULL while ALLOC is 0 */
	size_t len;
	size_t alloc;
	bool failed; /* out of memory: what came since is missing */
};

/* LEN bytes of TEXT as they are. */
void json_out_raw(struct json_out *o, const char *text, size_t len);

/*
 * S as a string with its quotes.  JSON is UTF-8, and people look at it: bytes
 * that are no UTF-8 and control characters become \xNN (text_clean()).
 */
void json_out_string(struct json_out *o, const char *s);

/*
 * Members: a comma unless it is the first of its object, the key, the value.
 * KEY needs no escapes.  A NULL string is left out.
 */
void json_out_key(struct json_out *o, const char *key);
void json_out_member(struct json_out *o, const char *key, const char *val);
void json_out_uint(struct json_out *o, const char *key, uint64_t val);

/* Microseconds as seconds with six decimals; -1 is -0.000001. */
void json_out_time(struct json_out *o, const char *key, int64_t us);

/* Forget all after the first LEN bytes, failures too. */
void json_out_cut(struct json_out *o, size_t len);

/* Free the buffer: an empty one again. */
void json_out_free(struct json_out *o);

#endif
