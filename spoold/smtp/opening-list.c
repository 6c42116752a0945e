/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spoold/smtp/opening-work.h"
#include "spoold/smtp/srv.h"

/* What DNS said is believed so long at least and at most, to spare it and to
 * see when the servers change. */
#define SRV_TTL_MIN_S 5
#define SRV_TTL_MAX_S 300
/* Ranks of a host that DNS tells the servers of: by service and priority. */
#define RANKS_A_HOST (2u << 16)

static struct candidate *
add_candidate(struct opening *o, const struct host *host, const char *name,
    unsigned port, enum tls_mode tls)
{
	struct candidate *at;

	if (o->count == CANDIDATES_MAX)
		return NULL;
	at = &o->list[o->count++];
	at->host = host;
	at->is_tried = false;
	at->rank = (unsigned)(host - hosts_at(o->rs->hosts, 0)) * RANKS_A_HOST;
	at->tls = tls;
	at->port = port;
	(void)snprintf(at->name, sizeof(at->name), "%s", name);
	if (host->kind == HOST_UNIX)
		(void)snprintf(at->key, sizeof(at->key), "unix:%.255s", name);
	else
		(void)snprintf(at->key, sizeof(at->key),
		    strchr(name, ':') != NULL ? "[%.250s]:%u" : "%.255s:%u",
		    name, port);
	return at;
}

/*
 * TLS at a server that DNS named.  An unsigned answer is no reason to show
 * the mail to a stranger, so opportunistic is not enough; "none" is the
 * user's own decision, see expand_srv().
 */
static enum tls_mode
srv_tls(const struct relay_settings *rs, const struct srv_record *record)
{
	if (record->is_implicit)
		return TLS_IMPLICIT;
	return rs->tls == TLS_NONE ? TLS_NONE : TLS_STARTTLS;
}

static bool
has_implicit(const struct srv_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->records[i].is_implicit)
			return true;
	return false;
}

/* What DNS said is to be kept. */
static void
remember(struct opening *o, const struct host *host, const struct srv_set *set,
    int64_t now_ms)
{
	unsigned ttl_s =
	    set->ttl_s < SRV_TTL_MAX_S ? set->ttl_s : SRV_TTL_MAX_S;

	if (ttl_s < SRV_TTL_MIN_S)
		ttl_s = SRV_TTL_MIN_S;
	hosts_remember(
	    o->rs->hosts, host->name, set, now_ms + (int64_t)ttl_s * 1000);
}

/* DNS has no answer: nobody else shall wait for it for a while. */
static void
blame_dns(struct opening *o, const struct host *host, const char *key)
{
	hosts_blame(o->rs->hosts, key,
	    (unsigned)(host - hosts_at(o->rs->hosts, 0)) * RANKS_A_HOST,
	    o->c->why);
}

/* Ask DNS for the servers of HOST, which is KEY. */
static enum trouble
ask_dns(struct opening *o, const struct host *host, const char *key,
    struct srv_set *set)
{
	struct hosts *hosts = o->rs->hosts;
	int64_t now_ms = conn_now_ms();
	const char *why;
	int err = srv_lookup(
	    host->name, o->c->abort_fd, opening_deadline(o), set, &why);

	if (err == -ECANCELED)
		return opening_stopped(o);
	if (err < 0) {
		conn_reset(o->c);
		conn_kill(o->c, "cannot ask DNS: %s", why);
		blame_dns(o, host, key);
		/* What it said last is better than nothing. */
		if (hosts_recall(hosts, host->name, INT64_MIN, set))
			return TROUBLE_NONE;
		return opening_fail(
		    o, "cannot ask DNS for servers of", host->name, why);
	}
	hosts_well(hosts, key);
	if (set->count == 0)
		return opening_fail(o, "SRV records of", host->name,
		    set->has_none ? "it says that it takes no mail"
				  : "it has none");
	remember(o, host, set, now_ms);
	return TROUBLE_NONE;
}

/* What DNS says of HOST, remembered or asked for. */
static enum trouble
ask_srv(struct opening *o, const struct host *host, struct srv_set *set)
{
	struct hosts *hosts = o->rs->hosts;
	int64_t now_ms = conn_now_ms();
	char key[HOST_KEY_MAX];

	if (hosts_recall(hosts, host->name, now_ms, set))
		return TROUBLE_NONE;
	(void)snprintf(key, sizeof(key), "srv:%s", host->name);
	if (hosts_claim(hosts, key, now_ms) || o->is_last_resort)
		return ask_dns(o, host, key, set);
	if (hosts_recall(hosts, host->name, INT64_MIN, set))
		return TROUBLE_NONE;
	o->unasked[o->unasked_count++] = host;
	return TROUBLE_HOST;
}

/* Among those of one answer, as srv_order() has it. */
static unsigned
srv_rank(const struct srv_record *record)
{
	return (record->is_implicit ? 0 : 1u << 16) +
	    (record->priority & 0xffff);
}

/* The servers of an "srv:" host. */
static enum trouble
expand_srv(struct opening *o, const struct host *host)
{
	bool wants_implicit = o->rs->tls == TLS_IMPLICIT;
	size_t before = o->count;
	struct srv_set set;
	enum trouble trouble = ask_srv(o, host, &set);

	if (trouble != TROUBLE_NONE)
		return trouble;
	if (o->rs->tls == TLS_NONE && has_implicit(&set))
		return opening_fail(o, "tls = none for", host->name,
		    "it offers TLS (_submissions)");
	srv_order(&set, arc4random_uniform);
	for (size_t i = 0; i < set.count; i++) {
		const struct srv_record *record = &set.records[i];
		struct candidate *at;

		if (wants_implicit && !record->is_implicit)
			continue;
		at = add_candidate(o, host, record->target, record->port,
		    srv_tls(o->rs, record));
		if (at != NULL)
			at->rank += srv_rank(record);
	}
	if (o->count > before)
		return TROUBLE_NONE;
	return opening_fail(
	    o, "tls = implicit for", host->name, "it has no _submissions");
}

enum trouble
opening_expand(struct opening *o, const struct host *host)
{
	const struct relay_settings *rs = o->rs;
	enum tls_mode tls = rs->tls;

	if (host->kind == HOST_SRV)
		return expand_srv(o, host);
	/* No network, no TLS, unless somebody wants it so. */
	if (host->kind == HOST_UNIX && tls == TLS_OPPORTUNISTIC &&
	    rs->npins == 0)
		tls = TLS_NONE;
	(void)add_candidate(
	    o, host, host->name, host->port != 0 ? host->port : rs->port, tls);
	return TROUBLE_NONE;
}
