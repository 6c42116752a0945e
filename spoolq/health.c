/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See health.h. */

#include "config.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/text.h"
#include "spoolq/health.h"
#include "spoolq/output.h"

#define SECOND_US ((int64_t)1000000)
#define MINUTE_US (60 * SECOND_US)
#define HOUR_US (60 * MINUTE_US)

/* That long after its start, spoold knows its routes. */
#define ROUTED_US (10 * SECOND_US)

/* Fewer refusals than that say nothing about a share. */
#define REFUSED_MIN 5
/* The same of deferrals, when nothing got through. */
#define DEFERRED_MIN 5

const struct health_limits health_defaults = {
	.age_us = { 4 * HOUR_US, 24 * HOUR_US },
	.count = { 1000, 10000 },
	.failed = { 1, 0 },
	.refused = { 10, 50 },
	.down_us = { 5 * MINUTE_US, 30 * MINUTE_US },
	.stall_us = { 5 * MINUTE_US, 15 * MINUTE_US },
};

const char *
health_name(enum health_level level)
{
	static const char *const names[] = {
		[HEALTH_OK] = "OK",
		[HEALTH_WARNING] = "WARNING",
		[HEALTH_CRITICAL] = "CRITICAL",
		[HEALTH_UNKNOWN] = "UNKNOWN",
	};

	return names[level];
}

/* What plugins' output separates the figures by must not be in a text. */
static void find(struct health *h, enum health_level level, const char *format,
    ...) __attribute__((format(printf, 3, 4)));

static void
find(struct health *h, enum health_level level, const char *format, ...)
{
	struct finding f = { .level = level };
	size_t place = 0;
	va_list args;

	if (level == HEALTH_OK)
		return;
	va_start(args, format);
	(void)vsnprintf(f.text, sizeof(f.text), format, args);
	va_end(args);
	for (char *p = f.text; (p = strchr(p, '|')) != NULL;)
		*p = '/';
	if (level > h->level)
		h->level = level;
	while (place < h->nfindings && h->finding[place].level >= level)
		place++;
	if (h->nfindings == HEALTH_FINDINGS) {
		h->untold++;
		if (place == HEALTH_FINDINGS)
			return;
		h->nfindings--;
	}
	memmove(&h->finding[place + 1], &h->finding[place],
	    (h->nfindings - place) * sizeof(f));
	h->finding[place] = f;
	h->nfindings++;
}

static enum health_level
level_of(const struct threshold *t, int64_t value)
{
	if (t->crit > 0 && value >= t->crit)
		return HEALTH_CRITICAL;
	return t->warn > 0 && value >= t->warn ? HEALTH_WARNING : HEALTH_OK;
}

/* TEXT from elsewhere, as part of a line. */
static void
clean(const char *text, char ret[160])
{
	char *copy = text_clean(span_of(text != NULL ? text : ""), 150);

	(void)snprintf(ret, 160, "%s", copy != NULL ? copy : "?");
	free(copy);
}

/* ---- what can be wrong -------------------------------------------------- */

/* Whether spoold has looked for routes since it started, as far as its status
 * tells: the first snapshot is older. */
static bool
knows_routes(const struct picture *p)
{
	return p->view.time_us > p->view.daemon.start_us + ROUTED_US;
}

static void
judge_routes(struct health *h, const struct picture *p)
{
	uint64_t waiting = tally_waiting(&p->tally);

	if (!p->has_relay && !p->is_foreign)
		find(h, waiting > 0 ? HEALTH_CRITICAL : HEALTH_WARNING,
		    "no relay is configured");
	else if (p->tally.why[WHY_NO_RELAY] > 0 && knows_routes(p))
		find(h, HEALTH_WARNING,
		    "no route leads to a relay for %" PRIu64 " message%s",
		    p->tally.why[WHY_NO_RELAY],
		    p->tally.why[WHY_NO_RELAY] == 1 ? "" : "s");
}

static void
judge_spoold(struct health *h, const struct picture *p)
{
	if (p->view.spoold == CONTROL_NONE)
		find(h, HEALTH_CRITICAL, "spoold is not running");
	else if (p->view.spoold == CONTROL_SILENT)
		find(h, HEALTH_CRITICAL, "spoold runs, but does not answer");
	if (p->full != NULL)
		find(h, HEALTH_CRITICAL,
		    "%s left on the disk of the spool: nothing can be done",
		    p->full);
	judge_routes(h, p);
	if (p->view.damaged > 0)
		find(h, HEALTH_WARNING,
		    "failed/ has %zu damaged file%s, set aside",
		    p->view.damaged, p->view.damaged == 1 ? "" : "s");
}

static void
judge_pause(struct health *h, const struct picture *p)
{
	const struct queue *q = &p->view.queue;
	char span[OUTPUT_WORD], by[160];

	if (q->paused_us == 0)
		return;
	output_span(p->now_us - q->paused_us, span);
	clean(q->paused_by, by);
	find(h, HEALTH_WARNING, "paused for %s%s%s", span,
	    by[0] != '\0' ? ", by " : "", by);
}

static void
judge_relay(struct health *h, const struct picture *p,
    const struct relay_state *relay, const struct threshold *down_us)
{
	const struct top_row *row = top_named(&p->tally.relays, relay->name);
	char name[160], reason[160], span[OUTPUT_WORD];
	const char *wait;

	if (row == NULL)
		return;
	wait = row->count == 1 ? " waits" : "s wait";
	clean(relay->name, name);
	clean(relay->reason, reason);
	output_span(p->now_us - relay->since_us, span);
	if (relay->paused_us > 0)
		find(h, HEALTH_WARNING,
		    "relay %.60s is paused, %" PRIu64 " message%s for it", name,
		    row->count, wait);
	else if (relay->down)
		find(h, level_of(down_us, p->now_us - relay->since_us),
		    "relay %.60s down for %s, %" PRIu64 " message%s for it%s%s",
		    name, span, row->count, wait, reason[0] != '\0' ? ": " : "",
		    reason);
}

/* A spoold that runs, and does nothing though it could. */
static void
judge_stall(
    struct health *h, const struct picture *p, const struct threshold *stall_us)
{
	int64_t due_us = p->tally.due_us, quiet_us;
	char span[OUTPUT_WORD];

	if (due_us == 0 || p->view.spoold != CONTROL_SERVED || p->is_foreign ||
	    p->tally.state[TALLY_SENDING] > 0)
		return;
	if (p->view.queue.last_us > due_us)
		due_us = p->view.queue.last_us;
	quiet_us = p->now_us - due_us;
	output_span(quiet_us, span);
	find(h, level_of(stall_us, quiet_us),
	    "spoold runs, but did nothing for %s though mail is due", span);
}

static void
judge_queue(struct health *h, const struct picture *p,
    const struct health_limits *limits)
{
	const struct tally *t = &p->tally;
	uint64_t waiting = tally_waiting(t);
	char span[OUTPUT_WORD];

	if (t->oldest_us > 0) {
		output_span(p->now_us - t->oldest_us, span);
		find(h, level_of(&limits->age_us, p->now_us - t->oldest_us),
		    "message %s waits for %s", t->oldest_id, span);
	}
	find(h, level_of(&limits->count, (int64_t)waiting),
	    "%" PRIu64 " message%s", waiting,
	    waiting == 1 ? " waits" : "s wait");
	find(h, level_of(&limits->failed, (int64_t)t->state[TALLY_FAILED]),
	    "%" PRIu64 " message%s in failed/", t->state[TALLY_FAILED],
	    t->state[TALLY_FAILED] == 1 ? "" : "s");
}

static int64_t
percent_refused(const struct stats_slot *hour)
{
	uint64_t failed = hour->count[STATS_FAILED];
	uint64_t all = failed + hour->count[STATS_DELIVERED];

	return failed >= REFUSED_MIN ? (int64_t)(100 * failed / all) : 0;
}

static void
judge_answers(
    struct health *h, const struct picture *p, const struct threshold *refused)
{
	struct stats_slot hour = picture_minutes(p, STATS_MINUTES);
	int64_t percent = percent_refused(&hour);

	find(h, level_of(refused, percent),
	    "%" PRId64 " %% of the recipients of the last hour were refused",
	    percent);
	if (hour.count[STATS_DELIVERED] == 0 &&
	    hour.count[STATS_DEFERRED] >= DEFERRED_MIN)
		find(h, HEALTH_WARNING,
		    "none of %" PRIu32 " attempts of the last hour got through",
		    hour.count[STATS_DEFERRED]);
}

void
health_judge(struct health *ret, const struct picture *p,
    const struct health_limits *limits)
{
	const struct relay_state *relay;

	*ret = (struct health){ .level = HEALTH_OK };
	judge_spoold(ret, p);
	judge_pause(ret, p);
	judge_stall(ret, p, &limits->stall_us);
	STAILQ_FOREACH (relay, &p->view.queue.relays, link)
		judge_relay(ret, p, relay, &limits->down_us);
	judge_queue(ret, p, limits);
	judge_answers(ret, p, &limits->refused);
}

/* ---- performance data --------------------------------------------------- */

static void
put_figure(FILE *out, const char *label, int64_t value, const char *unit,
    const struct threshold *t, int64_t divisor)
{
	(void)fprintf(out, "%s=%" PRId64 "%s;", label, value, unit);
	if (t != NULL && t->warn > 0)
		(void)fprintf(out, "%" PRId64, t->warn / divisor);
	(void)fputc(';', out);
	if (t != NULL && t->crit > 0)
		(void)fprintf(out, "%" PRId64, t->crit / divisor);
	(void)fputs(";0", out);
}

void
health_put_perfdata(
    FILE *out, const struct picture *p, const struct health_limits *limits)
{
	const struct tally *t = &p->tally;
	const struct queue_totals *totals = &p->view.queue.totals;
	struct stats_slot hour = picture_minutes(p, STATS_MINUTES);
	int64_t age_us = t->oldest_us > 0 ? p->now_us - t->oldest_us : 0;

	put_figure(
	    out, "messages", (int64_t)tally_waiting(t), "", &limits->count, 1);
	put_figure(out, " oldest", age_us > 0 ? age_us / SECOND_US : 0, "s",
	    &limits->age_us, SECOND_US);
	put_figure(out, " held", (int64_t)t->state[TALLY_HELD], "", NULL, 1);
	put_figure(out, " failed", (int64_t)t->state[TALLY_FAILED], "",
	    &limits->failed, 1);
	put_figure(
	    out, " refused", percent_refused(&hour), "%", &limits->refused, 1);
	put_figure(out, " delivered", (int64_t)totals->delivered, "c", NULL, 1);
	put_figure(out, " deferred", (int64_t)totals->deferred, "c", NULL, 1);
	put_figure(out, " bytes", (int64_t)totals->bytes, "c", NULL, 1);
}
