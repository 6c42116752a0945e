/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Delivery agents that only look whether their relay is well
 * (spoold/agent-protocol.h), many at once.
 */

#ifndef SPOOLQ_DOCTOR_AGENT_H
#define SPOOLQ_DOCTOR_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/conf.h"

struct agent_probe {
	pid_t pid;      /* 0: none */
	int in_fd;      /* what ends it when it is closed */
	int out_fd;     /* -1: it has ended */
	int64_t end_ms; /* it has to be done by then */
	bool is_late;   /* it was not */
	int status;     /* as waitpid(2) has it, once it has ended */
	char *text;     /* all that it has said, terminated; or NULL */
	size_t len;
};

/*
 * Start an agent for RELAY, LIMIT_S seconds long at most.  0 or -errno.
 */
int agent_probe_start(struct agent_probe *probe,
    const struct relay_config *relay, unsigned limit_s);

/* Read what the N PROBES say until one of them has ended. */
void agent_probe_wait(struct agent_probe *probes, size_t n);

/* Kill what still runs, and forget. */
void agent_probe_release(struct agent_probe *probe);

#endif
