/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See dispatch-fixture.h. */

#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"
#include "tests/unit/dispatch-fixture.h"
#include "tests/unit/unit.h"

struct spoold d;
struct config cfg;
struct relay_config relay_cfgs[RELAYS];
struct relay_state *relay;
struct agent agents[RELAYS][2];
static char dir[] = "/tmp/spoold-test-XXXXXX";
int64_t now_us;

/* What was handed out last, and how often. */
char sent_id[SPOOL_ID_SIZE];
char sent_indexes[64];
struct agent *sent_to;
unsigned nsent;

/* ---- the seams: what dispatch.c calls ---------------------------------- */

int64_t
spoold_now(const struct spoold *spoold)
{
	(void)spoold;
	return now_us;
}

void
spoold_check_done(struct spoold *spoold)
{
	(void)spoold;
}

void
scan_look(struct spoold *spoold, const char *id)
{
	(void)spoold;
	(void)id;
}

bool
reports_failed(struct spoold *spoold, struct message *m)
{
	(void)spoold;
	m->untold = true;
	return false;
}

void
reports_relayed(struct spoold *spoold, const struct part *p)
{
	(void)spoold;
	(void)p;
}

void
agents_free(struct relay *r)
{
	TAILQ_INIT(&r->agents);
}

void
agent_send(struct agent *a, const char *id, const char *indexes)
{
	sent_to = a;
	nsent++;
	(void)snprintf(sent_id, sizeof(sent_id), "%s", id);
	(void)snprintf(sent_indexes, sizeof(sent_indexes), "%s", indexes);
}

struct event
event_of(enum event_kind kind, const struct message *m)
{
	struct event ev = { .kind = kind, .index = -1, .delay_us = -1 };

	if (m != NULL)
		(void)strcpy(ev.id, m->id);
	return ev;
}

void
record(struct spoold *spoold, struct event *ev)
{
	if (ev->time_us == 0)
		ev->time_us = now_us;
	ck_assert_int_eq(queue_apply(&spoold->queue, ev), 0);
}

void
record_flush(struct spoold *spoold)
{
	(void)spoold;
}

/* At once: what happens meanwhile is another test's. */
void
remove_begin(struct spoold *spoold, struct message *m)
{
	struct event ev = event_of(EVENT_REMOVED, m);

	if (spool_remove(&spoold->sp, m->id, SPOOL_QUEUE) == 0)
		record(spoold, &ev);
}

/* ---- helpers ----------------------------------------------------------- */

/* Relay I of the configuration gets its two agents. */
static void
give_agents(size_t i)
{
	struct relay *r = relay_find(&d, relay_cfgs[i].name);

	if (!TAILQ_EMPTY(&r->agents))
		return;
	for (unsigned n = 0; n < 2; n++) {
		agents[i][n] = (struct agent){ .d = &d,
			.relay = r,
			.state = AGENT_READY,
			.number = n + 1,
			.connections = 5,
			.connections_max = 10 };
		TAILQ_INSERT_TAIL(&r->agents, &agents[i][n], link);
	}
}

void
use_relays(size_t n)
{
	cfg.nrelays = n;
	ck_assert_int_eq(relays_fit(&d), 0);
	for (size_t i = 0; i < n; i++)
		give_agents(i);
	relay_route_all(&d);
	relay = queue_relay(&d.queue, "default");
}

static void
configure(void)
{
	static char names[RELAYS][8] = { "default", "other" };

	ck_assert_int_eq(config_init(&cfg), 0);
	for (size_t i = 0; i < RELAYS; i++)
		relay_cfgs[i] = (struct relay_config){
			.name = names[i], .recipients_max = 100, .burst = 1
		};
	cfg.relays = relay_cfgs;
	cfg.attempts = 100;
	cfg.lifetime_s = 5 * 24 * 3600;
	d.cfg = &cfg;
}

void
setup(void)
{
	char *what = NULL;

	log_set_level(LOG_EMERG);
	(void)strcpy(dir + sizeof(dir) - 7, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	memset(&d, 0, sizeof(d));
	memset(agents, 0, sizeof(agents));
	ck_assert_int_eq(spool_create(dir, &what), 0);
	ck_assert_int_eq(spool_open(&d.sp, dir, SPOOL_OWN, &what), 0);
	configure();
	now_us = 1763770000 * SECOND;
	d.scanned = true;
	queue_init(&d.queue);
	ck_assert_int_eq(uv_loop_init(&d.loop), 0);
	TAILQ_INIT(&d.relays);
	use_relays(1);
	nsent = 0;
}

void
teardown(void)
{
	char cmd[64];
	struct relay *r;

	TAILQ_FOREACH (r, &d.relays, link)
		uv_close((uv_handle_t *)&r->timer, NULL);
	(void)uv_run(&d.loop, UV_RUN_DEFAULT);
	(void)uv_loop_close(&d.loop);
	relays_free(&d);
	queue_release(&d.queue);
	cfg.relays = NULL;
	cfg.nrelays = 0;
	config_release(&cfg);
	spool_close(&d.sp);
	(void)snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	ck_assert_int_eq(system(cmd), 0);
}

static struct message *
admit_event(unsigned n, struct event *ev)
{
	int fd;

	(void)snprintf(ev->id, sizeof(ev->id), "30%08X", n);
	ev->arrival_us = now_us;
	record(&d, ev);
	fd = openat(
	    d.sp.state_fd[SPOOL_QUEUE], ev->id, O_CREAT | O_WRONLY, 0600);
	ck_assert_int_ge(fd, 0);
	(void)close(fd);
	relay_route(&d, queue_find(&d.queue, ev->id));
	return queue_find(&d.queue, ev->id);
}

struct message *
admit(unsigned n, size_t nrcpts)
{
	static const char *const rcpts[] = { "a@x", "b@x", "c@x" };
	struct event ev = event_of(EVENT_ADMITTED, NULL);

	ev.sender = "s@x";
	ev.rcpts = rcpts;
	ev.nrcpts = nrcpts;
	return admit_event(n, &ev);
}

struct message *
admit_from(unsigned n, const char *sender, const char *lane, int64_t expires_us)
{
	static const char *const rcpts[] = { "a@x" };
	struct event ev = event_of(EVENT_ADMITTED, NULL);

	ev.sender = sender;
	ev.lane = lane;
	ev.expires_us = expires_us;
	ev.rcpts = rcpts;
	ev.nrcpts = 1;
	return admit_event(n, &ev);
}

bool
lies_in(enum spool_state state, const char *id)
{
	return faccessat(d.sp.state_fd[state], id, F_OK, 0) == 0;
}

void
answer(unsigned index, const char *outcome)
{
	answer_after(index, outcome, 1000);
}

void
answer_after(unsigned index, const char *outcome, int64_t delay_us)
{
	char id[SPOOL_ID_SIZE];

	(void)strcpy(id, sent_id);
	dispatch_start(sent_to, id, "192.0.2.1:25", false);
	dispatch_rcpt(sent_to, id, index, outcome, delay_us, "a reply");
	dispatch_done(sent_to, id);
}
