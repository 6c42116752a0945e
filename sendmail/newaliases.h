/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * newaliases: there is nothing to build, but much to get wrong in aliases(5),
 * and this is when people look.
 */

#ifndef SENDMAIL_NEWALIASES_H
#define SENDMAIL_NEWALIASES_H

#include <stdio.h>

#include "lib/conf.h"

/*
 * Look the aliases and the generic map of CFG through and write a line to
 * DIAG for each entry that is refused or leads nowhere, and one to OUT with
 * the number of good ones.  Returns an exit status: EX_OK whatever the files
 * say, as package scripts expect.
 */
int newaliases_run(const struct config *cfg, FILE *out, FILE *diag);

#endif
