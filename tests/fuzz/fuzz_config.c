/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Any bytes as a configuration.  Aborts when one that is taken is not as
 * lib/conf.h says, when one that is not has no reason or one of several lines,
 * or leaves something behind.
 */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/conf.h"

#include "fuzz.h"

static void
check_relay(const struct relay_config *relay)
{
	fuzz_check(relay->name != NULL);
	fuzz_check(relay->connections >= 1 && relay->connections <= 1000);
	fuzz_check(relay->connections_max >= 1);
	fuzz_check(relay->connections_max <= 1000);
	fuzz_check(relay->session_messages >= 1);
	fuzz_check(relay->recipients_max >= 1);
	fuzz_check(relay->burst >= 1);
	fuzz_check(relay->tls_min == 12 || relay->tls_min == 13);
	fuzz_check(relay->nrates <= RATE_LIMITS_MAX);
	fuzz_check(relay->nhosts == 0 || relay->maildir == NULL);
	for (size_t i = 0; i < relay->nhosts; i++)
		fuzz_check(relay->hosts[i][0] != '\0');
	for (size_t i = 0; i < relay->nrates; i++)
		fuzz_check(relay->rates[i].count >= 1);
	fuzz_check(relay->fingerprint == NULL ||
	    strlen(relay->fingerprint) % 65 == 64);
}

/* Any message has a lane, and, if all is well, a relay. */
static void
check_choice(const struct config *cfg, bool is_right)
{
	static const char *const addrs[] = { "", "a@x.test", "a@b.x.test" };
	size_t n = sizeof(addrs) / sizeof(addrs[0]);

	for (size_t i = 0; i < n * n; i++) {
		const char *sender = addrs[i % n], *rcpt = addrs[i / n];

		fuzz_check(config_lane(cfg, NULL, sender) < cfg->nlanes);
		fuzz_check(config_lane(cfg, "urgent", rcpt) < cfg->nlanes);
		fuzz_check(!is_right || cfg->nrelays == 0 ||
		    config_route(cfg, sender, rcpt, NULL) != NULL);
	}
}

/* Whether ERR, about all of CFG's file, says a line of it. */
static bool
has_line(const struct config *cfg, const struct config_error *err)
{
	size_t len = strlen(cfg->path);

	return strncmp(err->text, cfg->path, len) == 0 &&
	    err->text[len] == ':' && err->text[len + 1] >= '1' &&
	    err->text[len + 1] <= '9';
}

static void
check_taken(const struct config *cfg)
{
	struct config_error err = { "" };
	bool has_normal = false, is_right = config_check(cfg, &err) == 0;

	fuzz_check(is_right || has_line(cfg, &err));
	for (size_t i = 0; i < cfg->nrelays; i++)
		check_relay(&cfg->relays[i]);
	fuzz_check(cfg->nlanes >= 1 && cfg->nlanes <= LANES_MAX);
	for (size_t i = 0; i < cfg->nlanes; i++)
		has_normal |= strcmp(cfg->lanes[i].name, LANE_NORMAL) == 0;
	fuzz_check(has_normal);
	fuzz_check(cfg->retry.nsteps <= RETRY_STEPS_MAX);
	fuzz_check(cfg->retry.kind != RETRY_LIST || cfg->retry.nsteps > 0);
	check_choice(cfg, is_right);
}

static void
check_refused(const struct config *cfg, const struct config_error *err)
{
	fuzz_check(err->text[0] != '\0');
	fuzz_check(strchr(err->text, '\n') == NULL);
	fuzz_check(cfg->nrelays == 0 && cfg->nroutes == 0);
	fuzz_check(cfg->nlanes == 1 && cfg->path == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config cfg;
	struct config_error err = { "" };
	char path[40];
	int result, fd = memfd_create("config", MFD_CLOEXEC);

	fuzz_check(fd >= 0 && fchmod(fd, 0600) == 0);
	fuzz_check(write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	fuzz_check(config_init(&cfg) == 0);
	result = config_read(&cfg, path, &err);
	if (result == 0)
		check_taken(&cfg);
	else
		check_refused(&cfg, &err);
	config_release(&cfg);
	close(fd);
	return 0;
}
