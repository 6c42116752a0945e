/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* What a server says of a login, without the login. */

#ifndef SPOOLD_SMTP_MASK_H
#define SPOOLD_SMTP_MASK_H

/* A run of so many base64 characters may be what we have sent. */
#define MASK_RUN_MIN 12

/*
 * Some servers repeat the line that they do not like: put "…" in the place of
 * each run of MASK_RUN_MIN base64 characters or more in TEXT, a few words
 * that are often said of logins aside.
 */
void mask_secrets(char *text);

#endif
