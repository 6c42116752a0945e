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

#include "lib/json-out.h"
#include "lib/queue.h"
#include "lib/why.h"

struct style; /* spoolq/draw.h */

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

/* What a message is doing: "new" (of those to go, none was tried), "sending",
 * "deferred", "held", "failed". */
const char *output_state(const struct message *m);

/*
 * What W says, in at most ten characters: "now", "in 12m", "at 18:00",
 * "rate 12m", "relay down", "paused", "on release", "never", "" while it is
 * being sent.
 */
void
output_next(const struct waiting *w, int64_t now_us, char ret[OUTPUT_WORD]);

/*
 * The recipient whose answer tells why M is still here, or NULL: of those that
 * wait, if any does.
 */
const struct qrcpt *output_reason(const struct message *m);

/*
 * What R of M was told last; while it waits and was told nothing of its own,
 * what keeps all mail from going where it goes.  NULL when there is neither.
 */
const char *output_delay(
    const struct queue *q, const struct message *m, const struct qrcpt *r);

/* The recipient that stands for all: the first that waits, else that failed;
 * and how many others are as it is. */
const struct qrcpt *output_shown(const struct message *m);
unsigned output_others(const struct message *m);

/*
 * Where R of M goes: an operator's word, else its route; while none is known
 * and Q has but one relay, that one.  NULL: not known.
 */
const struct relay_state *output_relay(
    const struct queue *q, const struct message *m, const struct qrcpt *r);

/* The attempts of the recipient that had most; of those that wait, if any
 * does. */
unsigned output_attempts(const struct message *m);

/* "pending", "delivered", "failed", "reported", "dropped". */
const char *output_rcpt_state(enum rcpt_state state);

/*
 * Write TEXT, which is UTF-8, in at most COLUMNS columns, with "…" as the last
 * one when something was cut, "..." as the last three where the locale is not
 * UTF-8.  0 columns: no limit.  How many it took.
 */
size_t output_fit(FILE *out, const char *text, size_t columns);

/* Whether the locale is UTF-8, by LC_ALL, LC_CTYPE or LANG. */
bool output_is_utf8(void);

/* What stands for what was left out: "…" or "...". */
const char *output_ellipsis(void);

/* How many columns of a terminal TEXT, which is UTF-8, takes. */
size_t output_columns(const char *text);

/* The same of the first character of TEXT, which is not empty; its length in
 * bytes is *RET_LEN. */
size_t output_character(const char *text, size_t *ret_len);

/*
 * "sender -> recipient +4" in COLUMNS columns, 0: no limit; when it is too long
 * the addresses are cut, not the count.  0 or -errno.
 */
int output_people(FILE *out, const struct message *m, size_t columns);

/* Whether TEXT is printable ASCII: nothing in it can do harm. */
bool output_is_plain(const char *text);

/* Write a string from elsewhere, made harmless. */
void output_clean(FILE *out, const char *text);

/* The table: its header, and M as a line or two, COLUMNS wide (0: as long as
 * they are), in colours if STYLE has them.  0 or -errno. */
void output_table_head(FILE *out, const struct style *style, size_t columns);
int output_table_row(FILE *out, const struct style *style, size_t columns,
    const struct queue *q, const struct message *m, int64_t now_us);

/* Postfix's mailq: header, an entry (after an empty line unless FIRST), and
 * the last line. */
void output_mailq_head(FILE *out);
void output_mailq_entry(
    FILE *out, const struct queue *q, const struct message *m, bool first);
void output_mailq_foot(FILE *out, uint64_t bytes, size_t messages);

/* Append M as an object on a line: a superset of what "postqueue -j" prints.
 * Whether memory sufficed, O says. */
void output_json(struct json_out *o, const struct queue *q,
    const struct message *m, int64_t now_us);

#endif
