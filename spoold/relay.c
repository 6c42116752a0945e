/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The relays: which there are, what goes to which, and for each the way to it:
 * open, or closed while the relay is in trouble, with one message at a time as
 * a probe.
 */

#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "spoold/pause.h"
#include "spoold/retry.h"
#include "spoold/spoold.h"

/* ---- which there are ------------------------------------------------- */

char *
relays_text(const struct config *cfg)
{
	const struct relay_config *r = cfg->relays;
	char *text = NULL;
	size_t len;
	FILE *out;

	if (cfg->nrelays == 0 || (out = open_memstream(&text, &len)) == NULL)
		return NULL;
	if (r->maildir != NULL)
		(void)fprintf(out, "maildir:%s", r->maildir);
	for (size_t i = 0; i < r->nhosts; i++)
		(void)fprintf(out, i == 0 ? "%s" : ", %s", r->hosts[i]);
	if (cfg->nrelays > 1)
		(void)fprintf(out, ", and %zu more", cfg->nrelays - 1);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

struct relay *
relay_find(struct spoold *d, const char *name)
{
	struct relay *r;

	TAILQ_FOREACH (r, &d->relays, link)
		if (r->cfg != NULL && strcmp(r->state->name, name) == 0)
			return r;
	return NULL;
}

void
relay_on_timer(uv_timer_t *timer)
{
	dispatch_relay(timer->data);
}

/* The relay of STATE, made if need be; NULL: out of memory. */
static struct relay *
relay_of(struct spoold *d, struct relay_state *state)
{
	struct relay *r = state->relay;

	if (r != NULL)
		return r;
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return NULL;
	r->d = d;
	r->state = state;
	TAILQ_INIT(&r->agents);
	(void)uv_timer_init(&d->loop, &r->timer);
	r->timer.data = r;
	state->relay = r;
	TAILQ_INSERT_TAIL(&d->relays, r, link);
	return r;
}

static int
fit_relay(struct spoold *d, const struct relay_config *cfg)
{
	struct relay_state *state = queue_relay(&d->queue, cfg->name);
	struct relay *r = state == NULL ? NULL : relay_of(d, state);

	if (r == NULL)
		return -ENOMEM;
	r->cfg = cfg;
	state->rates = cfg->rates;
	state->nrates = cfg->nrates;
	state->burst = cfg->burst;
	return 0;
}

int
relays_fit(struct spoold *d)
{
	struct relay *r;

	d->queue.sender_rates = NULL;
	d->queue.nsender_rates = 0;
	TAILQ_FOREACH (r, &d->relays, link) {
		r->cfg = NULL;
		r->state->rates = NULL;
		r->state->nrates = 0;
	}
	for (size_t i = 0; i < d->cfg->nrelays; i++)
		if (fit_relay(d, &d->cfg->relays[i]) < 0)
			return -ENOMEM;
	d->queue.fair = d->cfg->fair;
	d->queue.sender_rates = d->cfg->sender_rates;
	d->queue.nsender_rates = d->cfg->nsender_rates;
	return queue_fit_rates(&d->queue);
}

void
relays_free(struct spoold *d)
{
	struct relay *r;

	while ((r = TAILQ_FIRST(&d->relays)) != NULL) {
		TAILQ_REMOVE(&d->relays, r, link);
		agents_free(r);
		free(r);
	}
}

/* ---- what goes where ------------------------------------------------- */

/* A queue_choose_fn. */
static struct relay_state *
choose(const struct message *m, const struct qrcpt *rcpt, void *arg)
{
	struct relay_state *rerouted = queue_rerouted(m);
	struct spoold *d = arg;
	const struct relay_config *cfg;
	struct relay *r;

	/* Where an operator sends it, for as long as there is that relay. */
	if (rerouted != NULL && relay_find(d, rerouted->name) != NULL)
		return rerouted;
	cfg = config_route(d->cfg, m->sender, rcpt->addr, NULL);
	r = cfg == NULL ? NULL : relay_find(d, cfg->name);
	return r == NULL ? NULL : r->state;
}

void
relay_route(struct spoold *d, struct message *m)
{
	m->lane_no = (uint8_t)config_lane(d->cfg, queue_lane(m), m->sender);
	if (queue_route(&d->queue, m, choose, d) < 0)
		log_msg(LOG_ERR, "id=%s is not routed: out of memory", m->id);
}

void
relay_route_all(struct spoold *d)
{
	struct relay_state *state;
	struct message *m;

	STAILQ_FOREACH (state, &d->queue.relays, link)
		queue_unready(&d->queue, state);
	for (m = queue_first(&d->queue); m != NULL;
	     m = queue_next(&d->queue, m))
		/* What the first scan has not come to is routed then. */
		if (d->scanned || m->seen != 0)
			relay_route(d, m);
}

char *
relay_reply(const struct qrcpt *r)
{
	static const char local[] = "[local] ";
	const struct relay_state *relay = r->part->relay;
	bool is_marked;
	char *text;

	if (r->reply != NULL)
		return strdup(r->reply);
	if (relay == NULL || !relay->down || relay->reason == NULL)
		return NULL;
	/* It may have been the result of a message. */
	is_marked = strncmp(relay->reason, local, sizeof(local) - 1) == 0;
	return asprintf(&text, "%s%s", is_marked ? "" : local, relay->reason) <
		0
	    ? NULL
	    : text;
}

/* ---- what it does ---------------------------------------------------- */

/* The connections of R's that are at work: an agent has messages waiting too,
 * one for each. */
static unsigned
connections_of(const struct relay *r)
{
	const struct agent *a;
	unsigned sum = 0;

	TAILQ_FOREACH (a, &r->agents, link) {
		unsigned most = a->connections + a->slow;

		if (most > a->connections_max)
			most = a->connections_max;
		sum += a->in_flight < most ? a->in_flight : most;
	}
	return sum;
}

static void
measure_limits(struct relay_state *s, int64_t now_us)
{
	struct relay_work *w = &s->work;

	w->nlimits = 0;
	for (size_t i = 0; i < s->nrates && i < RATE_LIMITS_MAX; i++) {
		struct limit_use *use = &w->limits[w->nlimits];
		uint64_t count = s->rates[i].count;

		if (count == 0)
			continue;
		rate_format(&s->rates[i], use->limit, sizeof(use->limit));
		use->used = rate_used(&s->rate, s->rates, i, now_us);
		use->left = use->used < count ? count - use->used : 0;
		w->nlimits++;
	}
	w->rate_until_us = s->nrates == 0
	    ? 0
	    : rate_when(&s->rate, s->rates, s->nrates, s->burst, now_us);
	if (w->rate_until_us <= now_us)
		w->rate_until_us = 0;
}

void
relays_measure(struct spoold *d, int64_t now_us)
{
	struct relay *r;

	TAILQ_FOREACH (r, &d->relays, link) {
		r->state->work.connections = connections_of(r);
		measure_limits(r->state, now_us);
	}
}

/* ---- whether it is up ------------------------------------------------ */

bool
relay_is_open(const struct relay *r, int64_t now_us, int64_t *ret_wake_us)
{
	const struct spoold *d = r->d;

	if (r->cfg == NULL || d->stopping || d->broken || pause_has(r))
		return false;
	if (!r->state->down)
		return true;
	/* One probe at a time. */
	if (r->probe != NULL)
		return false;
	if (r->state->next_us <= now_us)
		return true;
	*ret_wake_us = r->state->next_us;
	return false;
}

static void
relay_up(struct relay *r, const char *server)
{
	struct event ev = event_of(EVENT_RELAY_UP, NULL);

	r->probe_rest_us = 0;
	if (!r->state->down)
		return;
	ev.relay = r->state->name;
	ev.server = server;
	record(r->d, &ev);
	log_msg(LOG_NOTICE, "relay %s is up again", r->state->name);
}

void
relay_trouble(struct relay *r, const char *reason, enum trouble trouble)
{
	struct event ev = event_of(EVENT_RELAY_DOWN, NULL);
	int64_t now_us = spoold_now(r->d);

	/* All that was on its way comes back together: one rest for all. */
	if (r->state->down && r->state->next_us > now_us)
		return;
	r->probe_rest_us =
	    retry_probe_us(trouble == TROUBLE_MESSAGE ? 0 : r->probe_rest_us,
		trouble == TROUBLE_LOGIN);
	ev.relay = r->state->name;
	ev.reply = reason;
	ev.time_us = now_us;
	ev.next_us = now_us + r->probe_rest_us;
	log_msg(LOG_WARNING,
	    "relay %s is down: %s; next probe in %" PRId64 " s", ev.relay,
	    reason, r->probe_rest_us / 1000000);
	record(r->d, &ev);
}

void
relay_judge(struct relay *r, enum outcome outcome, const char *server,
    const char *reply)
{
	bool answered = outcome != OUTCOME_LOST && outcome != OUTCOME_UNCERTAIN;

	if (answered)
		relay_up(r, server);
	else if (r->state->down)
		relay_trouble(r, reply, TROUBLE_MESSAGE);
}

void
relay_has_utf8(struct relay *r, bool has_utf8)
{
	bool all = true;
	const struct relay *other;
	int err;

	r->is_ascii_only = !has_utf8;
	/* sendmail may refuse only what no relay at all can be sent. */
	TAILQ_FOREACH (other, &r->d->relays, link)
		all &= other->cfg == NULL || other->is_ascii_only;
	err = spool_set_ascii_only(&r->d->sp, all);
	if (err < 0)
		log_msg(LOG_WARNING,
		    "cannot note in '%s' whether the relay offers SMTPUTF8: "
		    "%s",
		    r->d->sp.path, strerror(-err));
}
