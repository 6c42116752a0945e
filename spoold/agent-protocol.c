/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The words of the agents' protocol that both sides have to spell alike. */

#include "config.h"

#include <string.h>

#include "spoold/agent-protocol.h"

static const char *const names[OUTCOMES] = {
	[OUTCOME_DELIVERED] = "delivered",
	[OUTCOME_DEFERRED] = "deferred",
	[OUTCOME_FAILED] = "failed",
	[OUTCOME_LOST] = "lost",
	[OUTCOME_UNCERTAIN] = "uncertain",
};

const char *
outcome_name(enum outcome outcome)
{
	return names[outcome];
}

bool
outcome_parse(const char *name, enum outcome *ret)
{
	for (unsigned i = 0; i < OUTCOMES; i++) {
		if (strcmp(names[i], name) != 0)
			continue;
		*ret = (enum outcome)i;
		return true;
	}
	return false;
}
