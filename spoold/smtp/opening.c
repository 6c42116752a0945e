/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spoold/smtp/dial.h"
#include "spoold/smtp/dialogue.h"
#include "spoold/smtp/opening-work.h"
#include "spoold/smtp/opening.h"
#include "spoold/smtp/resolve.h"
#include "spoold/smtp/srv.h"

/* A name with more addresses than this has one that answers among them. */
#define ADDRESSES_MAX 16
/* How our own name is found out must not hold up anything. */
#define OWN_NAME_MS 2000
/* What is told of one of several failures. */
#define FAILURE_TOLD_MAX 240

/* ---- failures -------------------------------------------------------- */

/* C is dead: keep its reason beside those of other attempts. */
static void
note_failure(struct opening *o)
{
	const char *why = o->c->why;
	/* Two are enough to want to know whose they are. */
	bool has_name = strstr(why, o->c->peer) != NULL;
	size_t room = sizeof(o->why) - o->why_len;
	int n;

	o->failures++;
	o->has_login_trouble = o->has_login_trouble || o->c->is_login_trouble;
	n = snprintf(o->why + o->why_len, room, "%s%s%s%.*s",
	    o->why_len > 0 ? "; " : "", has_name ? "" : o->c->peer,
	    has_name ? "" : ": ", FAILURE_TOLD_MAX, why);
	if (n >= 0 && (size_t)n < room && room - (size_t)n > 32) {
		o->why_len += (size_t)n;
		return;
	}
	o->why[o->why_len] = '\0';
	o->untold++;
}

/* The reason of the whole: one failure in its own words, or all of them. */
static void
tell_failures(struct opening *o)
{
	struct conn *c = o->c;

	/* A host that may lock us out is left alone, whatever ails others. */
	c->is_login_trouble = o->has_login_trouble && !c->is_aborted;
	if (c->is_aborted || o->failures < 2)
		return;
	c->is_dead = false;
	if (o->untold > 0)
		conn_kill(c, "%s; and %zu more", o->why, o->untold);
	else
		conn_kill(c, "%s", o->why);
}

enum trouble
opening_fail(
    struct opening *o, const char *what, const char *name, const char *why)
{
	conn_reset(o->c);
	(void)snprintf(o->c->peer, sizeof(o->c->peer), "%s", name);
	conn_kill(o->c, "%s '%s': %s", what, name, why);
	note_failure(o);
	return TROUBLE_HOST;
}

enum trouble
opening_stopped(struct opening *o)
{
	conn_kill(o->c, "asked to stop");
	o->c->is_aborted = true;
	return TROUBLE_HERE;
}

/* ---- one server ------------------------------------------------------ */

int64_t
opening_deadline(const struct opening *o)
{
	return conn_now_ms() + (int64_t)o->rs->connect_timeout_s * 1000;
}

void
opening_name_peer(
    struct conn *c, const struct candidate *at, const struct addrinfo *ai)
{
	char addr[NI_MAXHOST];
	bool is_v6 = ai->ai_family == AF_INET6;

	if (getnameinfo(ai->ai_addr, ai->ai_addrlen, addr, sizeof(addr), NULL,
		0, NI_NUMERICHOST) != 0)
		addr[0] = '\0';
	if (strcmp(addr, at->name) == 0)
		(void)snprintf(c->peer, sizeof(c->peer),
		    is_v6 ? "[%.200s]:%u" : "%.200s:%u", addr, at->port);
	else
		(void)snprintf(c->peer, sizeof(c->peer), "%.255s[%.100s]:%u",
		    at->name, addr, at->port);
}

struct place
opening_place(const struct opening *o, const struct candidate *at)
{
	const struct host *host = at->host;

	return (struct place){
		.rs = o->rs,
		.tls = at->tls,
		.port = at->port,
		.helo = o->helo[0] != '\0' ? o->helo : NULL,
		.peer = { .rs = o->rs,
		    .host = host->kind == HOST_UNIX ? "localhost" : at->name,
		    .domain = host->kind == HOST_SRV ? host->name : NULL,
		    .is_host_known = host->kind != HOST_SRV ||
			srv_is_within(at->name, host->name),
		    .is_required = at->tls != TLS_OPPORTUNISTIC ||
			o->rs->tls_verify },
	};
}

/* What is said to a server, once it is connected. */
static enum trouble
converse(struct opening *o, const struct candidate *at)
{
	struct place place = opening_place(o, at);

	return dialogue_run(o->c, &place, o->tc, o->caps);
}

/* CONNECTED is what dialling said. */
static enum trouble
go_on(struct opening *o, const struct candidate *at, int connected)
{
	char what[CONN_PEER_MAX + 16];
	enum trouble trouble = TROUBLE_HOST;

	if (connected == 0) {
		trouble = converse(o, at);
	} else {
		(void)snprintf(what, sizeof(what), "connect to %s", o->c->peer);
		conn_blame(o->c, what);
	}
	if (o->c->is_aborted)
		return TROUBLE_HERE;
	if (trouble != TROUBLE_NONE)
		note_failure(o);
	return trouble;
}

static enum trouble
try_address(
    struct opening *o, const struct candidate *at, const struct addrinfo *ai)
{
	struct hosts *hosts = o->rs->hosts;
	struct conn *c = o->c;
	char key[CONN_PEER_MAX];
	enum trouble trouble;

	conn_reset(c);
	opening_name_peer(c, at, ai);
	memcpy(key, c->peer, sizeof(key));
	trouble = go_on(o, at,
	    dial(c, ai->ai_addr, ai->ai_addrlen, o->rs->source,
		opening_deadline(o)));
	if (trouble == TROUBLE_NONE)
		hosts_address_well(hosts, key);
	else if (trouble == TROUBLE_HOST)
		hosts_blame_address(hosts, key, conn_now_ms());
	return trouble;
}

/* Whether AI failed a moment ago. */
static bool
is_shunned(
    struct opening *o, const struct candidate *at, const struct addrinfo *ai)
{
	opening_name_peer(o->c, at, ai);
	return hosts_shuns_address(o->rs->hosts, o->c->peer, conn_now_ms());
}

/*
 * One that greets badly may have a better neighbour: those that failed a
 * moment ago are the last to be tried.
 */
static enum trouble
try_addresses(
    struct opening *o, const struct candidate *at, const struct addrinfo *list)
{
	const struct addrinfo *late[ADDRESSES_MAX];
	enum trouble trouble = TROUBLE_HOST;
	size_t count = 0, late_count = 0;

	for (const struct addrinfo *ai = list;
	     ai != NULL && count < ADDRESSES_MAX && trouble == TROUBLE_HOST;
	     ai = ai->ai_next) {
		if (!dial_fits(ai->ai_family, o->rs->source))
			continue;
		count++;
		if (is_shunned(o, at, ai))
			late[late_count++] = ai;
		else
			trouble = try_address(o, at, ai);
	}
	for (size_t i = 0; i < late_count && trouble == TROUBLE_HOST; i++)
		trouble = try_address(o, at, late[i]);
	if (count > 0)
		return trouble;
	return opening_fail(
	    o, "source does not fit any address of", at->name, o->rs->source);
}

static enum trouble
try_name(struct opening *o, const struct candidate *at)
{
	struct addrinfo *list = NULL;
	enum trouble trouble;
	const char *why;
	int err = resolve(at->name, at->port, o->c->abort_fd,
	    opening_deadline(o), &list, &why);

	if (err == -ECANCELED)
		return opening_stopped(o);
	if (err < 0)
		return opening_fail(o, "cannot resolve", at->name, why);
	trouble = try_addresses(o, at, list);
	freeaddrinfo(list);
	return trouble;
}

static enum trouble
try_unix(struct opening *o, const struct candidate *at)
{
	struct conn *c = o->c;

	conn_reset(c);
	(void)snprintf(c->peer, sizeof(c->peer), "unix:%s", at->name);
	return go_on(o, at, dial_unix(c, at->name, opening_deadline(o)));
}

static enum trouble
try_candidate(struct opening *o, struct candidate *at)
{
	struct hosts *hosts = o->rs->hosts;
	enum trouble trouble;

	at->is_tried = true;
	trouble =
	    at->host->kind == HOST_UNIX ? try_unix(o, at) : try_name(o, at);
	if (trouble == TROUBLE_NONE) {
		(void)snprintf(o->c->host, sizeof(o->c->host), "%s", at->key);
		o->c->host_rank = at->rank;
		o->c->since_ms = conn_now_ms();
		hosts_well(hosts, at->key);
	} else if (trouble == TROUBLE_HOST) {
		hosts_blame(hosts, at->key, at->rank, o->c->why);
	}
	return trouble;
}

/* ---- all of them ----------------------------------------------------- */

/* Those of the list that are new, but for those that rest. */
static enum trouble
try_new(struct opening *o, size_t first)
{
	enum trouble trouble = TROUBLE_HOST;

	for (size_t i = first; i < o->count && trouble == TROUBLE_HOST; i++)
		if (hosts_claim(o->rs->hosts, o->list[i].key, conn_now_ms()))
			trouble = try_candidate(o, &o->list[i]);
	return trouble;
}

/* Hosts one after the other, those that rest left out. */
static enum trouble
try_fresh(struct opening *o)
{
	enum trouble trouble = TROUBLE_HOST;

	for (size_t i = 0;
	     i < hosts_count(o->rs->hosts) && trouble == TROUBLE_HOST; i++) {
		size_t first = o->count;

		trouble = opening_expand(o, hosts_at(o->rs->hosts, i));
		if (trouble == TROUBLE_NONE)
			trouble = try_new(o, first);
	}
	return trouble;
}

/* All that are well have failed: the others, for want of a better one. */
static enum trouble
try_resting(struct opening *o)
{
	enum trouble trouble = TROUBLE_HOST;

	o->is_last_resort = true;
	for (size_t i = 0; i < o->unasked_count; i++)
		if (opening_expand(o, o->unasked[i]) == TROUBLE_HERE)
			return TROUBLE_HERE;
	for (size_t i = 0; i < o->count && trouble == TROUBLE_HOST; i++)
		if (!o->list[i].is_tried)
			trouble = try_candidate(o, &o->list[i]);
	return trouble;
}

/* Nobody waits again for what DNS did not know a moment ago. */
void
opening_find_own_name(struct opening *o)
{
	const struct relay_settings *rs = o->rs;

	if (rs->is_helo_set)
		(void)snprintf(o->helo, sizeof(o->helo), "%s", rs->helo);
	else if (!hosts_own_name(
		     rs->hosts, conn_now_ms(), o->helo, sizeof(o->helo))) {
		if (resolve_own_name(rs->helo, o->c->abort_fd,
			conn_now_ms() + OWN_NAME_MS, o->helo,
			sizeof(o->helo)) < 0)
			o->helo[0] = '\0';
		hosts_set_own_name(rs->hosts, conn_now_ms(), o->helo);
	}
}

struct opening *
opening_new(struct conn *c, const struct relay_settings *rs,
    struct tls_context *tc, struct capabilities *caps)
{
	/* Not calloc(): an untouched list costs no memory. */
	struct opening *o = malloc(sizeof(*o));

	if (o == NULL)
		return NULL;
	o->c = c;
	o->rs = rs;
	o->tc = tc;
	o->caps = caps;
	o->helo[0] = '\0';
	o->count = 0;
	o->unasked_count = 0;
	o->is_last_resort = false;
	o->failures = 0;
	o->has_login_trouble = false;
	o->untold = 0;
	o->why_len = 0;
	return o;
}

int
opening_run(struct conn *c, const struct relay_settings *rs,
    struct tls_context *tc, struct capabilities *ret)
{
	struct opening *o = opening_new(c, rs, tc, ret);
	enum trouble trouble;

	if (o == NULL) {
		conn_kill(c, "%s", strerror(ENOMEM));
		return -1;
	}
	opening_find_own_name(o);
	trouble = try_fresh(o);
	if (trouble == TROUBLE_HOST)
		trouble = try_resting(o);
	if (trouble != TROUBLE_NONE)
		tell_failures(o);
	free(o);
	return trouble == TROUBLE_NONE ? 0 : -1;
}
