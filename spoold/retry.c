/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The waiting times. */

#include "config.h"

#include "lib/fnv.h"
#include "spoold/retry.h"

#define SECOND_US ((int64_t)1000000)
#define MINUTE_US (60 * SECOND_US)

static int64_t
linear_s(unsigned tries)
{
	return (tries < 30 ? tries : 30) * (int64_t)60;
}

static int64_t
exponential_s(const struct retry_config *retry, unsigned tries)
{
	int64_t wait_s = retry->steps_s[0], most_s = retry->steps_s[1];

	while (--tries > 0 && wait_s < most_s && wait_s > 0)
		wait_s *= 2;
	return wait_s < most_s ? wait_s : most_s;
}

static int64_t
list_s(const struct retry_config *retry, unsigned tries)
{
	unsigned n =
	    retry->nsteps < RETRY_STEPS_MAX ? retry->nsteps : RETRY_STEPS_MAX;

	if (n == 0)
		return linear_s(tries);
	return retry->steps_s[tries < n ? tries - 1 : n - 1];
}

/* Without jitter; TRIES is at least 1. */
static int64_t
wait_s(const struct retry_config *retry, unsigned tries)
{
	switch (retry->kind) {
	case RETRY_EXPONENTIAL:
		return exponential_s(retry, tries);
	case RETRY_LIST:
		return list_s(retry, tries);
	case RETRY_LINEAR:
		break;
	}
	return linear_s(tries);
}

int64_t
retry_wait_us(const struct retry_config *retry, unsigned tries)
{
	int64_t s = wait_s(retry, tries > 0 ? tries : 1);

	return (s > 0 ? s : 1) * SECOND_US;
}

int64_t
retry_next_us(const struct retry_config *retry, const char *id, unsigned tries,
    int64_t now_us)
{
	int64_t wait_us = retry_wait_us(retry, tries), step_us = wait_us / 10;
	int64_t next_us = now_us + wait_us;
	int64_t late_us = (next_us - (int64_t)fnv32(id) * 4096) % step_us;

	return next_us + (step_us - late_us) % step_us;
}

int64_t
retry_wait_max_us(const struct retry_config *retry)
{
	int64_t most_s = 1;

	/* A list may have its longest wait anywhere. */
	for (unsigned tries = 1; tries <= RETRY_STEPS_MAX; tries++)
		if (wait_s(retry, tries) > most_s)
			most_s = wait_s(retry, tries);
	/* It doubles more often than that. */
	if (retry->kind == RETRY_EXPONENTIAL && retry->steps_s[1] > most_s)
		most_s = retry->steps_s[1];
	return most_s * SECOND_US / 10 * 11;
}

/* A message's own end has come. */
static bool
is_over(int64_t expires_us, int64_t now_us)
{
	return expires_us != 0 && now_us >= expires_us;
}

bool
retry_gives_up(const struct config *cfg, const struct message *m,
    const struct qrcpt *r, bool counts, int64_t expires_us, int64_t now_us)
{
	if (counts && r->attempts + 1u >= cfg->attempts)
		return true;
	if (is_over(expires_us, now_us))
		return true;
	/*
	 * From when spoold saw it: sendmail's clock may not have been set
	 * yet.  Nor may ours, so one answer alone never ends it.
	 */
	return r->tries + 1 >= 3 &&
	    now_us - queue_since_us(m) >= cfg->lifetime_s * SECOND_US;
}

bool
retry_expires(const struct config *cfg, const struct message *m,
    const struct relay_state *relay, int64_t expires_us, int64_t now_us)
{
	if (is_over(expires_us, now_us))
		return true;
	return relay->down && now_us - relay->since_us >= 60 * MINUTE_US &&
	    now_us - queue_since_us(m) >= cfg->lifetime_s * SECOND_US;
}

int64_t
retry_probe_us(int64_t last_us, bool is_login)
{
	int64_t first_us = is_login ? 10 * SECOND_US : SECOND_US;
	int64_t max_us = is_login ? 10 * MINUTE_US : 10 * SECOND_US;

	if (last_us < first_us)
		return first_us;
	return last_us >= max_us / 2 ? max_us : 2 * last_us;
}
