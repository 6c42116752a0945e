/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The hosts of a relay, in order of preference, and which of them rest.
 *
 * A new connection takes the first host that is not resting; one that failed
 * rests for a while, and then a single connection finds out whether it is
 * back, so that a host that swallows packets holds up nobody else.  The
 * sessions share this: all but hosts_new(), hosts_add() and hosts_free() may
 * be called by any thread.
 */

#ifndef SPOOLD_SMTP_HOSTS_H
#define SPOOLD_SMTP_HOSTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spoold/smtp/conn.h"

struct srv_set;

enum host_kind {
	HOST_NAME, /* or an address, without brackets */
	HOST_UNIX, /* a socket: NAME is its path */
	HOST_SRV,  /* a domain that tells its servers by DNS (srv.h) */
};

#define HOST_NAME_MAX_BYTES 255
/* Of one relay. */
#define HOSTS_MAX 64
/* "NAME:PORT", see hosts_claim(). */
#define HOST_KEY_MAX CONN_HOST_MAX

struct host {
	enum host_kind kind;
	unsigned port; /* 0: the relay's */
	char name[HOST_NAME_MAX_BYTES + 1];
};

/*
 * Read "mail.example.org", "192.0.2.1", "2001:db8::1", each with ":PORT"
 * behind it (IPv6 in brackets then), "unix:/path" or "srv:example.org".  0,
 * or -EINVAL with *RETERR_WHY a fixed clause.
 */
int host_parse(const char *text, struct host *ret, const char **reterr_why);

/* NULL when out of memory. */
struct hosts *hosts_new(void);
void hosts_free(struct hosts *hosts); /* NULL is fine */

/* Append a host.  0, -ENOMEM, or -EINVAL as host_parse(). */
int hosts_add(struct hosts *hosts, const char *text, const char **reterr_why);

size_t hosts_count(const struct hosts *hosts);
const struct host *hosts_at(const struct hosts *hosts, size_t i);

/* A host that failed rests so long; the default is a minute. */
void hosts_set_rest(struct hosts *hosts, unsigned rest_ms);

/*
 * Whether a new connection shall try KEY, a host as "NAME:PORT", at NOW_MS
 * (conn_now_ms()).  Not while it rests; when its rest is over it rests again
 * for everybody but the first who asks, who has to call hosts_well() or
 * hosts_blame() then.
 */
bool hosts_claim(struct hosts *hosts, const char *key, int64_t now_ms);

/* Whether there is more than one host, or may be. */
bool hosts_has_choice(const struct hosts *hosts);

/* KEY works: it rests no more, and those connected to lesser ones follow. */
void hosts_well(struct hosts *hosts, const char *key);
void hosts_well_at(struct hosts *hosts, const char *key, int64_t now_ms);

/*
 * KEY (struct conn's HOST) failed because of WHY: it rests from NOW_MS on, and
 * the next connection goes elsewhere if there is an elsewhere.  RANK is its
 * place in the order of preference, less is better; equals are as good.  Said
 * in the log when it begins.
 */
void hosts_blame_at(struct hosts *hosts, const char *key, unsigned rank,
    const char *why, int64_t now_ms);

/* The same from now on. */
void hosts_blame(
    struct hosts *hosts, const char *key, unsigned rank, const char *why);

/*
 * Whether a connection to a host of RANK that stands since SINCE_MS had better
 * end, because a new one might get a better host: one has come back since, or
 * its rest is over.  The latter is said once a rest, so that one connection
 * goes to see and the others follow it.  Costs next to nothing as long as no
 * host has failed.
 */
bool hosts_has_better(
    struct hosts *hosts, unsigned rank, int64_t since_ms, int64_t now_ms);

/*
 * One of several addresses of a host, "NAME[ADDRESS]:PORT", does not work:
 * the others are better until a minute has passed.
 */
void hosts_blame_address(struct hosts *hosts, const char *key, int64_t now_ms);

/* Whether that is so; when the minute is over it is not for who asks first. */
bool hosts_shuns_address(struct hosts *hosts, const char *key, int64_t now_ms);

/* KEY works again. */
void hosts_address_well(struct hosts *hosts, const char *key);

/*
 * What DNS said of DOMAIN, if it still holds at NOW_MS (INT64_MIN: even if it
 * does not): whether it was copied to RET.
 */
bool hosts_recall(struct hosts *hosts, const char *domain, int64_t now_ms,
    struct srv_set *ret);

/* Keep what DNS said of DOMAIN until UNTIL_MS (conn_now_ms()). */
void hosts_remember(struct hosts *hosts, const char *domain,
    const struct srv_set *set, int64_t until_ms);

/*
 * This machine's whole name, as somebody found it out: false if nobody has
 * tried yet, or in vain and a minute before NOW_MS.  RET is "" if it has none.
 */
bool
hosts_own_name(struct hosts *hosts, int64_t now_ms, char *ret, size_t size);
void hosts_set_own_name(struct hosts *hosts, int64_t now_ms, const char *name);

#endif
