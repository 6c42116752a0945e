/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The parts of the screens of "spoolq status" and "spoolq watch", as lines.
 * Pure.  Lines may be longer than the screen: draw_lines() cuts them.
 */

#ifndef SPOOLQ_SCREEN_H
#define SPOOLQ_SCREEN_H

#include "spoolq/draw.h"
#include "spoolq/health.h"

/* "OK: mail is leaving"; what else is wrong, at most MAX lines of it. */
void screen_put_verdict(FILE *out, const struct style *style,
    const struct picture *p, const struct health *h, size_t max);

/* The verdict's text: the worst finding, or what is well. */
void
screen_put_summary(FILE *out, const struct picture *p, const struct health *h);

/* Whether spoold runs, and what waits for what. */
void screen_put_state(FILE *out, const struct picture *p);

/* The figures of the last hour, the last day and since spoold's start. */
void screen_put_figures(
    FILE *out, const struct style *style, const struct picture *p);

/* What was delivered, by minute and by hour, as curves. */
void screen_put_curves(
    FILE *out, const struct style *style, const struct picture *p);

/* The relays, at most MAX lines. */
void screen_put_relays(
    FILE *out, const struct style *style, const struct picture *p, size_t max);

/* Messages below TITLE, at most MAX lines; one that has a reply takes two. */
void
screen_put_notes(FILE *out, const struct style *style, const struct picture *p,
    const char *title, const struct tally_notes *notes, size_t max);

/* A length of time where tenths matter: "0.31s", "12s", "3m"; "-" for 0. */
void screen_latency(int64_t latency_us, char ret[OUTPUT_WORD]);

#endif
