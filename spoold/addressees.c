/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See addressees.h. */

#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/tree.h>

#include "spoold/addressees.h"

/* Those who got none for long are looked for this often. */
#define PRUNE_US ((int64_t)60 * 1000000)

struct addressee {
	RB_ENTRY(addressee) by_addr;
	char *addr;
	struct rate_state rate;
};

RB_HEAD(addrs, addressee);

struct addressees {
	struct addrs addrs;
	struct rate_limit limit; /* that they were counted with */
	int64_t pruned_us;
};

static int
compare_addr(const struct addressee *a, const struct addressee *b)
{
	return strcasecmp(a->addr, b->addr);
}

RB_GENERATE_INTERNAL(
    addrs, addressee, by_addr, compare_addr, __attribute__((unused)) static)

struct addressees *
addressees_new(void)
{
	return calloc(1, sizeof(struct addressees));
}

static void
forget(struct addressees *as, struct addressee *who)
{
	(void)RB_REMOVE(addrs, &as->addrs, who);
	rate_release(&who->rate);
	free(who->addr);
	free(who);
}

void
addressees_free(struct addressees *as)
{
	struct addressee *who;

	if (as == NULL)
		return;
	while ((who = RB_MIN(addrs, &as->addrs)) != NULL)
		forget(as, who);
	free(as);
}

/* Forget those who are far from LIMIT; if it is another one, all. */
static void
prune(struct addressees *as, const struct rate_limit *limit, int64_t now_us)
{
	struct addressee *who, *next;
	bool is_other = as->limit.count != limit->count ||
	    as->limit.window_us != limit->window_us;

	if (!is_other && now_us - as->pruned_us < PRUNE_US)
		return;
	for (who = RB_MIN(addrs, &as->addrs); who != NULL; who = next) {
		next = RB_NEXT(addrs, &as->addrs, who);
		if (is_other || rate_is_idle(&who->rate, limit, 1, now_us))
			forget(as, who);
	}
	as->limit = *limit;
	as->pruned_us = now_us;
}

static struct addressee *
addressee_of(struct addressees *as, const char *addr)
{
	struct addressee key = { .addr = (char *)(uintptr_t)addr };
	struct addressee *who = RB_FIND(addrs, &as->addrs, &key);

	if (who != NULL)
		return who;
	who = calloc(1, sizeof(*who));
	if (who == NULL)
		return NULL;
	who->addr = strdup(addr);
	if (who->addr == NULL || rate_fit(&who->rate, &as->limit, 1) < 0) {
		free(who->addr);
		free(who);
		return NULL;
	}
	(void)RB_INSERT(addrs, &as->addrs, who);
	return who;
}

bool
addressees_allow(struct addressees *as, const struct rate_limit *limit,
    const char *to, int64_t now_us)
{
	struct addressee *who;

	if (limit->count == 0)
		return true;
	prune(as, limit, now_us);
	who = addressee_of(as, to);
	if (who == NULL ||
	    rate_when(&who->rate, limit, 1, limit->count, now_us) > now_us)
		return false;
	rate_charge(&who->rate, limit, 1, limit->count, now_us);
	return true;
}
