/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * A long JSON document, read value by value: an object at its top, whose
 * members and, of one that is an array, whose elements come one at a time.  So
 * what is in memory is as long as the longest of them.  Line ends and
 * indentation are as anybody likes, for people and their tools write it.
 */

#ifndef SPOOL_JSON_SCAN_H
#define SPOOL_JSON_SCAN_H

#include <stdio.h>

struct json_object;

struct json_scan {
	FILE *in;
	size_t max; /* the longest value that is taken, in bytes */
	char *text; /* the value at hand */
	size_t len, alloc;
	unsigned long line;
	unsigned count;  /* values so far, of the object or array */
	const char *why; /* what is wrong; at LINE */
};

/*
 * All return 1, 0 at the end of the object or array, or a negative errno:
 * -EBADMSG for what is no JSON or too long, with S->why; -ENOMEM; -EIO.
 */

/* Begin with IN, which stays the caller's: step into the object. */
int json_scan_begin(struct json_scan *s, FILE *in, size_t max);

/* The next member's name into KEY, cut to its SIZE; its value comes next. */
int json_scan_key(struct json_scan *s, char *key, size_t size);

/* A member's value, to be put by the caller. */
int json_scan_value(struct json_scan *s, struct json_object **ret);

/* Or step into it: 0 if it is no array. */
int json_scan_enter(struct json_scan *s);

/* The next element, to be put by the caller; after the last one, the next
 * member. */
int json_scan_element(struct json_scan *s, struct json_object **ret);

/* After the object: 0 if nothing follows. */
int json_scan_end(struct json_scan *s);

void json_scan_release(struct json_scan *s);

#endif
