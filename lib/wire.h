/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Fields on a line: the encoding shared by queue files, the agents'
 * protocol and the control socket.
 *
 * A field is any byte string without NUL.  Bytes 0x21 to 0x7e except '%'
 * and '<' stand for themselves; every other byte is %XX with upper-case
 * digits; the empty string is "<>".  So no value can hold a space, a line
 * end or a control character, and none can fake another field or line.
 */

#ifndef SPOOL_WIRE_H
#define SPOOL_WIRE_H

#include <stdio.h>

#include "lib/span.h"

/* Write VALUE encoded; errors stay in OUT (ferror). */
void wire_put(FILE *out, struct span value);

/* wire_put() of a string. */
void wire_puts(FILE *out, const char *value);

/* So many bytes VALUE of LEN takes at most. */
#define WIRE_ROOM(len) ((len) == 0 ? (size_t)2 : (size_t)3 * (len))

/*
 * Write VALUE encoded at AT, which has WIRE_ROOM() for it.  Returns its end;
 * no NUL is added.
 */
char *wire_encode(char *at, struct span value);

/*
 * Decode FIELD.  Returns a NUL-terminated string that the caller frees, or
 * NULL with errno EINVAL (not an encoding that wire_put() writes, or an
 * encoded NUL) or ENOMEM.
 */
char *wire_get(struct span field);

/*
 * Decode FIELD to AT, which has room for its length and a NUL; that may be its
 * own place, once what follows it was split off.  False with errno EINVAL.
 */
bool wire_decode(struct span field, char *at);

/*
 * Split the next field off REST: fields are separated by single spaces.
 * False at the end of REST.
 */
bool wire_next(struct span *rest, struct span *ret_field);

/*
 * Split the next line off REST, without its LF.  False when REST holds no
 * further LF (an unfinished line stays in REST).
 */
bool wire_line(struct span *rest, struct span *ret_line);

/* Parse decimal digits only, no sign; false if malformed or above MAX. */
bool
wire_number(struct span field, unsigned long long max, unsigned long long *ret);

#endif
