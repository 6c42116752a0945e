/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* What it takes to start an agent: spoold does, and spoolq to probe a relay. */

#ifndef SPOOLD_AGENT_SETTINGS_H
#define SPOOLD_AGENT_SETTINGS_H

#include "lib/conf.h"

/*
 * What an agent for the relay CFG with its share of the connections is told:
 * new text, NULL if out of memory.
 */
char *agent_settings(const struct relay_config *cfg, unsigned connections,
    unsigned connections_max);

/*
 * The path of the agent NAME, in SPOOLD_EXEC_PATH (directories with a colon
 * between, for programs that are not installed) or where it was installed: to
 * be freed; NULL when out of memory.
 */
char *agent_program(const char *name);

#endif
