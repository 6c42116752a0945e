/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <time.h>

#include "lib/log.h"
#include "lib/wire.h"
#include "spoold/smtp/hosts.h"
#include "spoold/smtp/srv.h"

/* Those that DNS names count, too; when there are more one that is back, or
 * else the one that rested longest, is forgotten. */
#define RESTS_MAX 64
/* Addresses that failed; a name seldom has more than a few. */
#define ADDRESSES_MAX 32
#define ADDRESS_REST_MS 60000
/* That we have no name may change when the network is up. */
#define NO_NAME_MS 60000

struct rest {
	bool is_over;       /* the host is back … */
	int64_t until_ms;   /* … since then; or it rests until then */
	int64_t offered_ms; /* hosts_has_better() has spoken of it, until then
			       it says nothing */
	unsigned rank;
	char key[HOST_KEY_MAX]; /* "": not used */
};

struct memory {
	int64_t until_ms;
	char domain[HOST_NAME_MAX_BYTES + 1];
	struct srv_set set;
};

struct address {
	int64_t until_ms; /* it is shunned; 0: not used */
	char key[CONN_PEER_MAX];
};

struct hosts {
	size_t count;
	struct host list[HOSTS_MAX];
	unsigned rest_ms;
	atomic_bool has_rests; /* there was one, once */
	pthread_mutex_t lock;  /* of what follows */
	struct rest rests[RESTS_MAX];
	struct memory *memories[HOSTS_MAX]; /* one a domain */
	struct address addresses[ADDRESSES_MAX];
	int64_t own_name_until_ms; /* 0: not known */
	char own_name[256];
};

/* ---- the list -------------------------------------------------------- */

static bool
take_port(const char *text, unsigned *ret)
{
	unsigned long long port;

	if (!wire_number(span_of(text), 65535, &port) || port == 0)
		return false;
	*ret = (unsigned)port;
	return true;
}

static int
take_name(struct host *ret, const char *name, size_t len, const char **why)
{
	if (len == 0 || len >= sizeof(ret->name)) {
		*why = "is empty or longer than 255 bytes";
		return -EINVAL;
	}
	if (memchr(name, ' ', len) != NULL) {
		*why = "has a space";
		return -EINVAL;
	}
	memcpy(ret->name, name, len);
	ret->name[len] = '\0';
	return 0;
}

static int
parse_unix(const char *path, struct host *ret, const char **reterr_why)
{
	const struct sockaddr_un *addr = NULL;

	ret->kind = HOST_UNIX;
	if (path[0] != '/') {
		*reterr_why = "has no absolute path behind 'unix:'";
		return -EINVAL;
	}
	if (strlen(path) >= sizeof(addr->sun_path)) {
		*reterr_why = "has a path that is too long for a socket";
		return -EINVAL;
	}
	(void)snprintf(ret->name, sizeof(ret->name), "%s", path);
	return 0;
}

/* "[2001:db8::1]:25", the port may be missing. */
static int
parse_bracketed(const char *text, struct host *ret, const char **reterr_why)
{
	const char *end = strchr(text, ']');

	if (end == NULL ||
	    (end[1] != '\0' &&
		(end[1] != ':' || !take_port(end + 2, &ret->port)))) {
		*reterr_why = "is not [ADDRESS] or [ADDRESS]:PORT";
		return -EINVAL;
	}
	return take_name(ret, text + 1, (size_t)(end - text) - 1, reterr_why);
}

int
host_parse(const char *text, struct host *ret, const char **reterr_why)
{
	const char *colon = strchr(text, ':');

	memset(ret, 0, sizeof(*ret));
	if (strncmp(text, "unix:", 5) == 0)
		return parse_unix(text + 5, ret, reterr_why);
	if (strncmp(text, "srv:", 4) == 0) {
		ret->kind = HOST_SRV;
		return take_name(ret, text + 4, strlen(text + 4), reterr_why);
	}
	if (text[0] == '[')
		return parse_bracketed(text, ret, reterr_why);
	/* Two colons or more are an IPv6 address. */
	if (colon == NULL || strchr(colon + 1, ':') != NULL)
		return take_name(ret, text, strlen(text), reterr_why);
	if (!take_port(colon + 1, &ret->port)) {
		*reterr_why = "has a port that is no number from 1 to 65535";
		return -EINVAL;
	}
	return take_name(ret, text, (size_t)(colon - text), reterr_why);
}

struct hosts *
hosts_new(void)
{
	struct hosts *hosts = calloc(1, sizeof(*hosts));

	if (hosts == NULL)
		return NULL;
	hosts->rest_ms = 60000;
	(void)pthread_mutex_init(&hosts->lock, NULL);
	return hosts;
}

void
hosts_free(struct hosts *hosts)
{
	if (hosts == NULL)
		return;
	for (size_t i = 0; i < HOSTS_MAX; i++)
		free(hosts->memories[i]);
	(void)pthread_mutex_destroy(&hosts->lock);
	free(hosts);
}

int
hosts_add(struct hosts *hosts, const char *text, const char **reterr_why)
{
	int err;

	if (hosts->count == HOSTS_MAX) {
		*reterr_why = "is one host too many";
		return -EINVAL;
	}
	err = host_parse(text, &hosts->list[hosts->count], reterr_why);
	if (err == 0)
		hosts->count++;
	return err;
}

size_t
hosts_count(const struct hosts *hosts)
{
	return hosts->count;
}

const struct host *
hosts_at(const struct hosts *hosts, size_t i)
{
	return &hosts->list[i];
}

/* ---- rest ------------------------------------------------------------ */

void
hosts_set_rest(struct hosts *hosts, unsigned rest_ms)
{
	hosts->rest_ms = rest_ms;
}

bool
hosts_has_choice(const struct hosts *hosts)
{
	return hosts->count > 1 || hosts->list[0].kind == HOST_SRV;
}

static struct rest *
find_rest(struct hosts *hosts, const char *key)
{
	for (size_t i = 0; i < RESTS_MAX; i++)
		if (strcmp(hosts->rests[i].key, key) == 0)
			return &hosts->rests[i];
	return NULL;
}

/* The lower, the sooner its place is taken. */
static int64_t
worth_of(const struct rest *rest)
{
	if (rest->key[0] == '\0')
		return -2;
	return rest->is_over ? -1 : rest->until_ms;
}

/* A place that is free, or the one that can best be done without. */
static struct rest *
make_rest(struct hosts *hosts, const char *key)
{
	struct rest *best = &hosts->rests[0];

	for (size_t i = 1; i < RESTS_MAX; i++)
		if (worth_of(&hosts->rests[i]) < worth_of(best))
			best = &hosts->rests[i];
	(void)snprintf(best->key, sizeof(best->key), "%s", key);
	atomic_store(&hosts->has_rests, true);
	return best;
}

bool
hosts_claim(struct hosts *hosts, const char *key, int64_t now_ms)
{
	struct rest *rest;
	bool is_free;

	(void)pthread_mutex_lock(&hosts->lock);
	rest = find_rest(hosts, key);
	is_free = rest == NULL || rest->is_over || rest->until_ms <= now_ms;
	if (rest != NULL && is_free && !rest->is_over)
		rest->until_ms = now_ms + hosts->rest_ms;
	(void)pthread_mutex_unlock(&hosts->lock);
	return is_free;
}

void
hosts_well_at(struct hosts *hosts, const char *key, int64_t now_ms)
{
	struct rest *rest;
	bool is_news;

	if (!atomic_load(&hosts->has_rests))
		return;
	(void)pthread_mutex_lock(&hosts->lock);
	rest = find_rest(hosts, key);
	is_news = rest != NULL && !rest->is_over;
	if (is_news) {
		rest->is_over = true;
		rest->until_ms = now_ms;
	}
	(void)pthread_mutex_unlock(&hosts->lock);
	if (is_news && hosts_has_choice(hosts))
		log_msg(LOG_NOTICE, "host '%s' is back", key);
}

/* Now, as conn_now_ms() has it. */
static int64_t
now_of_clock(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void
hosts_well(struct hosts *hosts, const char *key)
{
	hosts_well_at(hosts, key, now_of_clock());
}

void
hosts_blame_at(struct hosts *hosts, const char *key, unsigned rank,
    const char *why, int64_t now_ms)
{
	struct rest *rest;
	bool is_news;

	if (key[0] == '\0')
		return;
	(void)pthread_mutex_lock(&hosts->lock);
	rest = find_rest(hosts, key);
	is_news = rest == NULL || rest->is_over;
	if (rest == NULL)
		rest = make_rest(hosts, key);
	rest->is_over = false;
	rest->rank = rank;
	rest->until_ms = now_ms + hosts->rest_ms;
	rest->offered_ms = rest->until_ms;
	(void)pthread_mutex_unlock(&hosts->lock);
	if (is_news && hosts_has_choice(hosts))
		log_msg(LOG_WARNING, "host '%s' rests for %u s: %s", key,
		    hosts->rest_ms / 1000, why);
}

void
hosts_blame(
    struct hosts *hosts, const char *key, unsigned rank, const char *why)
{
	hosts_blame_at(hosts, key, rank, why, now_of_clock());
}

/* Whether REST is a reason for hosts_has_better(); the lock is held. */
static bool
is_reason(const struct hosts *hosts, struct rest *rest, int64_t since_ms,
    int64_t now_ms)
{
	if (rest->is_over)
		return rest->until_ms >= since_ms;
	if (rest->until_ms > now_ms || rest->offered_ms > now_ms)
		return false;
	rest->offered_ms = now_ms + hosts->rest_ms;
	return true;
}

bool
hosts_has_better(
    struct hosts *hosts, unsigned rank, int64_t since_ms, int64_t now_ms)
{
	bool has_better = false;

	if (!atomic_load(&hosts->has_rests))
		return false;
	(void)pthread_mutex_lock(&hosts->lock);
	for (size_t i = 0; i < RESTS_MAX && !has_better; i++) {
		struct rest *rest = &hosts->rests[i];

		if (rest->key[0] != '\0' && rest->rank < rank)
			has_better = is_reason(hosts, rest, since_ms, now_ms);
	}
	(void)pthread_mutex_unlock(&hosts->lock);
	return has_better;
}

/* ---- addresses ------------------------------------------------------- */

/* The place of KEY, else the one that is free first; the lock is held. */
static struct address *
find_address(struct hosts *hosts, const char *key)
{
	struct address *best = &hosts->addresses[0];

	for (size_t i = 0; i < ADDRESSES_MAX; i++) {
		struct address *at = &hosts->addresses[i];

		if (strcmp(at->key, key) == 0)
			return at;
		if (at->until_ms < best->until_ms)
			best = at;
	}
	return best;
}

void
hosts_blame_address(struct hosts *hosts, const char *key, int64_t now_ms)
{
	struct address *at;

	(void)pthread_mutex_lock(&hosts->lock);
	at = find_address(hosts, key);
	(void)snprintf(at->key, sizeof(at->key), "%s", key);
	at->until_ms = now_ms + ADDRESS_REST_MS;
	(void)pthread_mutex_unlock(&hosts->lock);
}

bool
hosts_shuns_address(struct hosts *hosts, const char *key, int64_t now_ms)
{
	struct address *at;
	bool is_shunned = false;

	(void)pthread_mutex_lock(&hosts->lock);
	at = find_address(hosts, key);
	if (strcmp(at->key, key) == 0) {
		is_shunned = at->until_ms > now_ms;
		if (!is_shunned)
			at->until_ms = now_ms + ADDRESS_REST_MS;
	}
	(void)pthread_mutex_unlock(&hosts->lock);
	return is_shunned;
}

void
hosts_address_well(struct hosts *hosts, const char *key)
{
	struct address *at;

	(void)pthread_mutex_lock(&hosts->lock);
	at = find_address(hosts, key);
	if (strcmp(at->key, key) == 0)
		memset(at, 0, sizeof(*at));
	(void)pthread_mutex_unlock(&hosts->lock);
}

/* ---- what DNS said --------------------------------------------------- */

bool
hosts_recall(struct hosts *hosts, const char *domain, int64_t now_ms,
    struct srv_set *ret)
{
	bool has_found = false;

	(void)pthread_mutex_lock(&hosts->lock);
	for (size_t i = 0; i < HOSTS_MAX && !has_found; i++) {
		const struct memory *memory = hosts->memories[i];

		if (memory == NULL || memory->until_ms <= now_ms ||
		    strcmp(memory->domain, domain) != 0)
			continue;
		*ret = memory->set;
		has_found = true;
	}
	(void)pthread_mutex_unlock(&hosts->lock);
	return has_found;
}

/* The memory of DOMAIN, or a new one; NULL when out of memory. */
static struct memory *
get_memory(struct hosts *hosts, const char *domain)
{
	size_t i;

	for (i = 0; i < HOSTS_MAX - 1 && hosts->memories[i] != NULL; i++)
		if (strcmp(hosts->memories[i]->domain, domain) == 0)
			break;
	if (hosts->memories[i] == NULL)
		hosts->memories[i] = calloc(1, sizeof(struct memory));
	if (hosts->memories[i] != NULL)
		(void)snprintf(hosts->memories[i]->domain,
		    sizeof(hosts->memories[i]->domain), "%s", domain);
	return hosts->memories[i];
}

void
hosts_remember(struct hosts *hosts, const char *domain,
    const struct srv_set *set, int64_t until_ms)
{
	struct memory *memory;

	(void)pthread_mutex_lock(&hosts->lock);
	memory = get_memory(hosts, domain);
	if (memory != NULL) {
		memory->set = *set;
		memory->until_ms = until_ms;
	}
	(void)pthread_mutex_unlock(&hosts->lock);
}

bool
hosts_own_name(struct hosts *hosts, int64_t now_ms, char *ret, size_t size)
{
	bool has_own_name;

	(void)pthread_mutex_lock(&hosts->lock);
	has_own_name = hosts->own_name_until_ms > now_ms;
	(void)snprintf(ret, size, "%s", hosts->own_name);
	(void)pthread_mutex_unlock(&hosts->lock);
	return has_own_name;
}

void
hosts_set_own_name(struct hosts *hosts, int64_t now_ms, const char *name)
{
	(void)pthread_mutex_lock(&hosts->lock);
	(void)snprintf(hosts->own_name, sizeof(hosts->own_name), "%s", name);
	hosts->own_name_until_ms =
	    name[0] != '\0' ? INT64_MAX : now_ms + NO_NAME_MS;
	(void)pthread_mutex_unlock(&hosts->lock);
}
