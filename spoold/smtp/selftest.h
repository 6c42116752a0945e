/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Is libESMTP really diverted?  A build that imports other calls (a
 * fortified __read_chk, say) would go to the network by itself, with all its
 * defects: the agent refuses to start then.
 */

#ifndef SPOOLD_SMTP_SELFTEST_H
#define SPOOLD_SMTP_SELFTEST_H

#include <stddef.h>

/*
 * Run libESMTP once over a dead connection, which also warms it up before
 * there are threads.  0, with the MECHANISM_ values of the AUTH plug-ins that
 * load in *RET_MECHANISMS, or -1 with a sentence in WHY.
 */
int selftest_run(unsigned *ret_mechanisms, char *why, size_t size);

#endif
