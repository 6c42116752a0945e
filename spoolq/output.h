/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * How spoolq shows the queue: pure functions from the picture in memory to
 * text.  The time is an argument.  Everything that came from elsewhere goes
 * through lib/text.h on its way.
 */

#ifndef SPOOLQ_OUTPUT_H
#define SPOOLQ_OUTPUT_H

#include <stdio.h>

#include "lib/queue.h"

/* Room for the results of the functions that write to a buffer. */
#define OUTPUT_WORD 32

/* Longest address, reply or header line that is shown, in bytes. */
#define OUTPUT_TEXT_MAX 4096

/*
 * A length of time, in at most four characters up to a thousand years: "0s",
 * "59s", "12m", "3h", "14d", "999d", "2y".  Negative ones (a clock that went
 * back) are "0s".
 */
void output_span(int64_t length_us, char ret[OUTPUT_WORD]);

/* A size: "812", "2.0K", "14M". */
void output_size(uint64_t bytes, char ret[OUTPUT_WORD]);

/* "2026-11-21 20:32:23" in the local time zone. */
void output_time(int64_t t_us, char ret[OUTPUT_WORD]);

/* What a message is doing: "new", "sending", "deferred", "held", "failed". */
const char *output_state(const struct message *m);

/*
 * When M or one of its recipients is due: "now", "in 12m", "on release",
 * "never", "" while it is being sent.
 */
void output_next(const struct message *m, int64_t next_us, int64_t now_us,
    char ret[OUTPUT_WORD]);

/* The recipient whose answer tells why M is still here, or NULL. */
const struct qrcpt *output_reason(const struct message *m);

/*
 * What R of M was told last; while it waits and was told nothing of its own,
 * RELAY_FAULT, which keeps all mail from going (NULL: nothing does).  NULL
 * when there is neither.
 */
const char *output_delay(
    const struct message *m, const struct qrcpt *r, const char *relay_fault);

/* The attempts of the recipient that had most. */
unsigned output_attempts(const struct message *m);

/* "pending", "delivered", "failed". */
const char *output_rcpt_state(enum rcpt_state state);

/*
 * Write TEXT, which is UTF-8, in at most COLUMNS characters, with "…" as the
 * last one when something was cut.  0 columns: no limit.
 */
void output_fit(FILE *out, const char *text, size_t columns);

/* Write a string from elsewhere, made harmless. */
void output_clean(FILE *out, const char *text);

/* The table: its header, and M as a line or two, COLUMNS wide (0: as long as
 * they are). */
void output_table_head(FILE *out, size_t columns);
int output_table_row(
    FILE *out, const struct message *m, int64_t now_us, size_t columns);

/* Postfix's mailq: header, an entry (after an empty line unless FIRST), and
 * the last line.  RELAY_FAULT as for output_delay(). */
void output_mailq_head(FILE *out);
void output_mailq_entry(
    FILE *out, const struct message *m, const char *relay_fault, bool first);
void output_mailq_foot(FILE *out, uint64_t bytes, size_t messages);

struct json_object;

/*
 * M as an object that the caller puts; NULL when out of memory.  A superset
 * of what "postqueue -j" prints.  RELAY_FAULT as for output_delay().
 */
struct json_object *
output_json(const struct message *m, const char *relay_fault);

#endif
