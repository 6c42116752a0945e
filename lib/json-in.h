/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * JSON read in place: for lines that are read by the million, each of which
 * would cost dozens of allocations as an object of json-c's.  Strict; what is
 * not understood can be passed over.  Pure.
 */

#ifndef SPOOL_JSON_IN_H
#define SPOOL_JSON_IN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_in {
	char *at, *end; /* *END is a NUL, for strtod(3) */
	bool bad;       /* something did not fit: what follows is undefined,
			   and every function returns false or 0 */
};

/* Begin at LEN bytes of TEXT, with a NUL behind them; they are altered. */
void json_in_begin(struct json_in *in, char *text, size_t len);

/* Whether all has been read but white space. */
bool json_in_ends(struct json_in *in);

/*
 * Enter an object or an array ('{' or '['); then, before each member or
 * element, json_in_more() with a counter that began at 0: false behind the
 * last one.
 */
void json_in_enter(struct json_in *in, char bracket);
bool json_in_more(struct json_in *in, char bracket, unsigned *count);

/* The key of a member, with its colon; NULL if bad. */
const char *json_in_key(struct json_in *in);

/*
 * A string, in the text that was given, where its escapes are resolved, and
 * its end is a NUL; NULL if bad, or if it holds a NUL.
 */
const char *json_in_string(struct json_in *in);

/* A number, or true (1) and false (0), which scripts write for each other. */
uint64_t json_in_uint(struct json_in *in);
bool json_in_bool(struct json_in *in);

/* Seconds as microseconds; 0 for what has no microseconds any more. */
int64_t json_in_time(struct json_in *in);

/* Pass over a value of any kind. */
void json_in_skip(struct json_in *in);

#endif
