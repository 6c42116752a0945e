/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* What a server says of a login, without the login. */

#ifndef SPOOLD_SMTP_MASK_H
#define SPOOLD_SMTP_MASK_H

#include <stddef.h>

/* A run of so many base64 characters may be what we have sent. */
#define MASK_RUN_MIN 12

/*
 * Some servers repeat the line that they do not like: put "…" in the place of
 * each run of MASK_RUN_MIN base64 characters or more in TEXT, a few words
 * that are often said of logins aside.
 */
void mask_secrets(char *text);

/* A secret that is shorter is a part of too many words. */
#define MASK_SECRET_MIN 4

/*
 * Put "…" in the place of SECRET wherever TEXT, of LEN, has it, as it is or
 * within base64, also if only the beginning of it is left at TEXT's end; one
 * shorter than MASK_SECRET_MIN stays.  The new length.
 */
size_t mask_secret(char *text, size_t len, const char *secret);

#endif
