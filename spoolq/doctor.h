/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * spoolq doctor: what its parts find and how it is told.  A finding is a
 * line: ok, warn or FAIL, what was looked at, and what is there; below it,
 * unless it is ok, what to do.
 */

#ifndef SPOOLQ_DOCTOR_H
#define SPOOLQ_DOCTOR_H

#include "spoolq/draw.h"
#include "spoolq/spoolq.h"

/* The exit status, too. */
enum grade { GRADE_OK, GRADE_WARN, GRADE_FAIL };

struct doctor {
	struct context *ctx;
	bool has_spool; /* CTX->sp is open, and the caller may read there */
	bool is_json;
	bool is_owner; /* we are the spool's owner: what spoold can read, so
			  can we */
	struct style style;
	unsigned count[GRADE_FAIL + 1];
	char relay[256]; /* the last one that was printed */
};

struct finding {
	enum grade grade;
	const char *check;  /* one word */
	const char *relay;  /* its name, or NULL */
	const char *server; /* of the relay, or NULL */
	const char *advice; /* or NULL */
	const char *text;   /* from wherever: made harmless */
	int64_t delay_ms;   /* -1: not measured */
	int64_t expires_s;  /* since the epoch; 0: nothing does */
};

/* Print F and count it. */
void doctor_put(struct doctor *d, const struct finding *f);

/* The same of something on this machine. */
void doctor_say(struct doctor *d, enum grade grade, const char *check,
    const char *advice, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* doctor-spool.c: directories, the disk below them, how fast it is. */
void doctor_check_spool(struct doctor *d);

/* doctor-system.c: configuration, clock, sendmail, spoold. */
void doctor_check_config(struct doctor *d);
void doctor_check_system(struct doctor *d);

/*
 * doctor-relay.c: the relays, or only the one called NAME (NULL: all), with
 * STEP_S seconds for each step.
 */
void doctor_check_relays(struct doctor *d, const char *name, unsigned step_s);

#endif
