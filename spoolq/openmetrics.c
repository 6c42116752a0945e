/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * See openmetrics.h.  Only what the older text format of Prometheus has too,
 * which node_exporter reads: its types, and no times.
 */

#include "config.h"

#include <inttypes.h>
#include <stdlib.h>

#include "lib/text.h"
#include "spoolq/openmetrics.h"

#define SECOND_US 1e6

static void
family(FILE *out, const char *name, const char *type, const char *unit,
    const char *help)
{
	(void)fprintf(out, "# TYPE %s %s\n", name, type);
	if (unit != NULL)
		(void)fprintf(out, "# UNIT %s %s\n", name, unit);
	(void)fprintf(out, "# HELP %s %s\n", name, help);
}

/* TEXT as the value of a label. */
static void
put_label(FILE *out, const char *name, const char *text)
{
	char *clean = text_clean(span_of(text), 200);

	(void)fprintf(out, "%s=\"", name);
	for (const char *c = clean; c != NULL && *c != '\0'; c++) {
		if (*c == '"' || *c == '\\')
			(void)fputc('\\', out);
		(void)fputc(*c, out);
	}
	(void)fputc('"', out);
	free(clean);
}

/* NAME with no label, or with that one. */
static void
sample(FILE *out, const char *name, const char *label, const char *text)
{
	(void)fputs(name, out);
	if (label != NULL) {
		(void)fputc('{', out);
		put_label(out, label, text);
		(void)fputc('}', out);
	}
	(void)fputc(' ', out);
}

static void
put_uint(FILE *out, const char *name, const char *label, const char *text,
    uint64_t value)
{
	sample(out, name, label, text);
	(void)fprintf(out, "%" PRIu64 "\n", value);
}

static void
put_seconds(FILE *out, const char *name, const char *label, const char *text,
    int64_t us)
{
	sample(out, name, label, text);
	(void)fprintf(out, "%.6f\n", (double)us / SECOND_US);
}

/* A family of one gauge. */
static void
gauge(FILE *out, const char *name, uint64_t value, const char *help)
{
	family(out, name, "gauge", NULL, help);
	put_uint(out, name, NULL, NULL, value);
}

static void
gauge_seconds(FILE *out, const char *name, int64_t us, const char *help)
{
	family(out, name, "gauge", "seconds", help);
	put_seconds(out, name, NULL, NULL, us);
}

/* ---- spoold ------------------------------------------------------------- */

static void
put_spoold(FILE *out, const struct picture *p)
{
	const struct status_daemon *d = &p->view.daemon;

	gauge(out, "spoold_up", picture_is_served(p),
	    "Whether spoold serves the spool.");
	if (d->version[0] != '\0') {
		family(out, "spoold_build_info", "gauge", NULL,
		    "The version of spoold that wrote the status.");
		put_uint(out, "spoold_build_info", "version", d->version, 1);
	}
	gauge(out, "spoold_paused", p->view.queue.paused_us > 0,
	    "Whether all deliveries are paused.");
	gauge_seconds(out, "spoold_start_time_seconds", d->start_us,
	    "When spoold started.");
	gauge_seconds(out, "spoold_status_time_seconds", p->view.time_us,
	    "When the last snapshot of the status was written.");
	gauge_seconds(out, "spoold_event_time_seconds", p->view.queue.last_us,
	    "When anything happened last.");
}

/* ---- the queue ---------------------------------------------------------- */

static void
put_queue(FILE *out, const struct picture *p)
{
	const struct tally *t = &p->tally;

	family(out, "spoold_messages", "gauge", NULL,
	    "Messages in the spool by state.");
	for (int i = 0; i < TALLY_STATES; i++)
		put_uint(out, "spoold_messages", "state",
		    tally_state_name((enum tally_state)i), t->state[i]);
	family(out, "spoold_spool_bytes", "gauge", "bytes",
	    "Size of the messages in the spool by state.");
	for (int i = 0; i < TALLY_STATES; i++)
		put_uint(out, "spoold_spool_bytes", "state",
		    tally_state_name((enum tally_state)i), t->state_bytes[i]);
	family(out, "spoold_waits", "gauge", NULL,
	    "Messages in the spool by what they wait for.");
	for (int i = WHY_NOTHING + 1; i < WHY_KINDS; i++)
		put_uint(out, "spoold_waits", "reason", why_name((enum why)i),
		    t->why[i]);
	gauge(out, "spoold_recipients", t->rcpts,
	    "Recipients that are not served yet, or have failed.");
	gauge(out, "spoold_damaged_files", p->view.damaged,
	    "Damaged files that were set aside.");
	gauge_seconds(out, "spoold_oldest_message_age_seconds",
	    t->oldest_us > 0 ? p->now_us - t->oldest_us : 0,
	    "How long the oldest message waits that is not held.");
}

/* ---- counters ----------------------------------------------------------- */

static void
put_totals(FILE *out, const struct picture *p)
{
	const struct queue_totals *t = &p->view.queue.totals;
	const struct {
		const char *result;
		uint64_t n;
	} results[] = {
		{ "delivered", t->delivered },
		{ "deferred", t->deferred },
		{ "failed", t->failed },
		{ "dropped", t->dropped },
	};

	family(out, "spoold_admitted_messages", "counter", NULL,
	    "Messages that entered the spool since spoold started.");
	put_uint(
	    out, "spoold_admitted_messages_total", NULL, NULL, t->admitted);
	family(out, "spoold_results", "counter", NULL,
	    "What became of recipients since spoold started.");
	for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++)
		put_uint(out, "spoold_results_total", "result",
		    results[i].result, results[i].n);
	family(out, "spoold_reports", "counter", NULL,
	    "Reports to senders since spoold started.");
	put_uint(out, "spoold_reports_total", NULL, NULL, t->bounced);
	family(out, "spoold_delivered_bytes", "counter", "bytes",
	    "Size of what was delivered since spoold started.");
	put_uint(out, "spoold_delivered_bytes_total", NULL, NULL, t->bytes);
}

/* ---- relays ------------------------------------------------------------- */

enum relay_figure {
	RELAY_UP,
	RELAY_PAUSED,
	RELAY_SINCE,
	RELAY_CONNECTIONS,
	RELAY_LATENCY,
	RELAY_DELIVERED,
	RELAY_FIGURES
};

static const struct {
	const char *name, *unit, *help;
} figures[RELAY_FIGURES] = {
	[RELAY_UP] = { "spoold_relay_up", NULL,
	    "Whether the relay is tried as usual." },
	[RELAY_PAUSED] = { "spoold_relay_paused", NULL,
	    "Whether deliveries to the relay are paused." },
	[RELAY_SINCE] = { "spoold_relay_change_time_seconds", "seconds",
	    "Since when the relay has been up, or not." },
	[RELAY_CONNECTIONS] = { "spoold_relay_connections", NULL,
	    "Connections to the relay at work." },
	[RELAY_LATENCY] = { "spoold_relay_latency_seconds", "seconds",
	    "How long the relay takes for a message, lately." },
	[RELAY_DELIVERED] = { "spoold_relay_delivery_time_seconds", "seconds",
	    "When the relay took something last; 0 is never." },
};

static void
put_figure(FILE *out, enum relay_figure figure, const struct relay_state *relay)
{
	const char *name = figures[figure].name;

	switch (figure) {
	case RELAY_UP:
		put_uint(out, name, "relay", relay->name, !relay->down);
		break;
	case RELAY_PAUSED:
		put_uint(out, name, "relay", relay->name, relay->paused_us > 0);
		break;
	case RELAY_SINCE:
		put_seconds(out, name, "relay", relay->name, relay->since_us);
		break;
	case RELAY_CONNECTIONS:
		put_uint(
		    out, name, "relay", relay->name, relay->work.connections);
		break;
	case RELAY_LATENCY:
		put_seconds(
		    out, name, "relay", relay->name, relay->work.latency_us);
		break;
	default:
		put_seconds(
		    out, name, "relay", relay->name, relay->work.delivered_us);
		break;
	}
}

/* What is used up of the limits or, not USED, left. */
static void
put_limits(FILE *out, const struct queue *q, const char *name, bool used)
{
	const struct relay_state *relay;

	STAILQ_FOREACH (relay, &q->relays, link) {
		for (size_t i = 0; i < relay->work.nlimits; i++) {
			const struct limit_use *use = &relay->work.limits[i];

			(void)fprintf(out, "%s{", name);
			put_label(out, "relay", relay->name);
			(void)fputc(',', out);
			put_label(out, "limit", use->limit);
			(void)fprintf(out, "} %" PRIu64 "\n",
			    used ? use->used : use->left);
		}
	}
}

static void
put_relay_messages(FILE *out, const struct picture *p)
{
	const struct relay_state *relay;

	family(out, "spoold_relay_messages", "gauge", NULL,
	    "Messages that wait for the relay.");
	STAILQ_FOREACH (relay, &p->view.queue.relays, link) {
		const struct top_row *row =
		    top_named(&p->tally.relays, relay->name);

		put_uint(out, "spoold_relay_messages", "relay", relay->name,
		    row != NULL ? row->count : 0);
	}
}

static void
put_relays(FILE *out, const struct picture *p)
{
	const struct queue *q = &p->view.queue;
	const struct relay_state *relay;

	if (STAILQ_EMPTY(&q->relays))
		return;
	for (int i = 0; i < RELAY_FIGURES; i++) {
		family(out, figures[i].name, "gauge", figures[i].unit,
		    figures[i].help);
		STAILQ_FOREACH (relay, &q->relays, link)
			put_figure(out, (enum relay_figure)i, relay);
	}
	put_relay_messages(out, p);
	family(out, "spoold_relay_limit_used", "gauge", NULL,
	    "Messages that count against the relay's limit.");
	put_limits(out, q, "spoold_relay_limit_used", true);
	family(out, "spoold_relay_limit_left", "gauge", NULL,
	    "Messages that the relay's limit still allows.");
	put_limits(out, q, "spoold_relay_limit_left", false);
}

void
openmetrics_put(FILE *out, const struct picture *p)
{
	put_spoold(out, p);
	put_queue(out, p);
	/* Who sees his own mail only does not see these. */
	if (!p->is_foreign) {
		put_totals(out, p);
		put_relays(out, p);
	}
	(void)fputs("# EOF\n", out);
}
