/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* Whether mail is leaving: what "spoolq status" decides.  Pure. */

#ifndef SPOOLQ_HEALTH_H
#define SPOOLQ_HEALTH_H

#include "spoolq/picture.h"

/* As plugins of Nagios exit. */
enum health_level {
	HEALTH_OK,
	HEALTH_WARNING,
	HEALTH_CRITICAL,
	HEALTH_UNKNOWN,
};

/* Two thresholds; 0: none.  What reaches one is meant. */
struct threshold {
	int64_t warn, crit;
};

struct health_limits {
	struct threshold age_us;   /* of the oldest message that waits */
	struct threshold count;    /* messages that wait */
	struct threshold failed;   /* messages in failed/ */
	struct threshold refused;  /* percent of the recipients that had their
				      final answer within the hour */
	struct threshold down_us;  /* how long a relay has been down that
				      mail waits for */
	struct threshold stall_us; /* how long nothing happened though
				      something was due */
};

#define HEALTH_FINDINGS 16

struct finding {
	enum health_level level;
	char text[300]; /* harmless, without "|" */
};

struct health {
	enum health_level level;                 /* the worst */
	struct finding finding[HEALTH_FINDINGS]; /* the worst first */
	size_t nfindings;
	size_t untold; /* more than there was room for */
};

/* The thresholds that hold when none are given. */
extern const struct health_limits health_defaults;

void health_judge(struct health *ret, const struct picture *p,
    const struct health_limits *limits);

/* "OK", "WARNING", "CRITICAL", "UNKNOWN" */
const char *health_name(enum health_level level);

/* The performance data of Nagios: "messages=3;1000;10000;0 oldest=5s;…" */
void health_put_perfdata(
    FILE *out, const struct picture *p, const struct health_limits *limits);

#endif
