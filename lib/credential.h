/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* Files that systemd hands to a service: LoadCredential= of systemd.exec(5). */

#ifndef LIB_CREDENTIAL_H
#define LIB_CREDENTIAL_H

#include <stdbool.h>

/*
 * Whether PATH is below $CREDENTIALS_DIRECTORY, where systemd keeps everybody
 * else out: the files' mode says nothing then, 0440 with an ACL is usual.  By
 * its name alone: it need not exist.
 */
bool credential_is(const char *path);

#endif
