/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The waiting times. */

#include "config.h"

#include "spoold/retry.h"

#define SECOND_US ((int64_t)1000000)
#define MINUTE_US (60 * SECOND_US)

int64_t
retry_wait_us(unsigned tries, uint32_t random)
{
	int64_t wait_us = (tries < 30 ? tries : 30) * MINUTE_US;

	return wait_us + wait_us / 10 * (int64_t)(random % 1024) / 1024;
}

bool
retry_gives_up(const struct config *cfg, const struct message *m,
    const struct qrcpt *r, bool counts, int64_t now_us)
{
	if (counts && r->attempts + 1 >= cfg->attempts)
		return true;
	/*
	 * From when spoold saw it: sendmail's clock may not have been set
	 * yet.  Nor may ours, so one answer alone never ends it.
	 */
	return r->tries + 1 >= 3 &&
	    now_us - m->seen_us >= cfg->lifetime_s * SECOND_US;
}

bool
retry_expires(const struct config *cfg, const struct message *m,
    const struct relay_state *relay, int64_t now_us)
{
	return relay->down && now_us - relay->since_us >= 60 * MINUTE_US &&
	    now_us - m->seen_us >= cfg->lifetime_s * SECOND_US;
}

int64_t
retry_probe_us(int64_t last_us)
{
	if (last_us < SECOND_US)
		return SECOND_US;
	return last_us >= MINUTE_US / 2 ? MINUTE_US : 2 * last_us;
}
