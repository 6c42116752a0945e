/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* A configuration as a whole: its defaults, its parts, its end. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/conf-value.h"
#include "lib/conf.h"
#include "lib/fsutil.h"

/* Connections that only slow replies make, in proportion to the others. */
#define SLOW_FACTOR 5
#define CONNECTIONS_MAX 1000

/* ---- defaults -------------------------------------------------------- */

/* The one lane that there is without sections; false: out of memory. */
static bool
add_normal_lane(struct config *cfg)
{
	struct lane_config *lanes =
	    realloc(cfg->lanes, (cfg->nlanes + 1) * sizeof(lanes[0]));

	if (lanes == NULL)
		return false;
	cfg->lanes = lanes;
	lanes[cfg->nlanes] =
	    (struct lane_config){ .name = strdup(LANE_NORMAL) };
	return lanes[cfg->nlanes++].name != NULL;
}

/* The relay of the top level; false: out of memory. */
static bool
add_stock(struct config *cfg)
{
	cfg->stock = malloc(sizeof(cfg->stock[0]));
	if (cfg->stock == NULL)
		return false;
	cfg->stock[cfg->nstock++] = (struct relay_config){
		.name = strdup("default"),
		.tls = TLS_OPPORTUNISTIC,
		.tls_min = 12,
		.connections = 10,
		.slow_after_s = 3,
		.session_messages = 100,
		.recipients_max = 100,
		.burst = 1,
		.connect_timeout_s = 30,
		.reply_timeout_s = 300,
	};
	return cfg->stock[0].name != NULL;
}

int
config_init(struct config *cfg)
{
	*cfg = (struct config){
		.spool = strdup(CONFIG_DEFAULT_SPOOL),
		.aliases = strdup(CONFIG_DEFAULT_ALIASES),
		.message_size_max = 50u << 20,
		.recipients_max = 20000,
		.history_s = 7 * 86400,
		.history_bytes = 256u << 20,
		.freq_s = 10,
		.attempts = 100,
		.lifetime_s = 5 * 86400,
		.agents = 2,
		.delay_warning_s = 4 * 3600,
		.bounces = true,
		.bounce_size_max = 50u << 10,
		.bounce_rate = { 50, 3600 * (int64_t)1000000 },
	};
	if (cfg->spool != NULL && cfg->aliases != NULL && add_stock(cfg) &&
	    add_normal_lane(cfg) && config_arrange(cfg) == 0)
		return 0;
	config_release(cfg);
	return -ENOMEM;
}

int
config_load(struct config *cfg, const char *path, const char *spool,
    struct config_error *err)
{
	int result = config_init(cfg);

	if (result < 0) {
		snprintf(err->text, sizeof(err->text), "%s", strerror(-result));
		return result;
	}
	result =
	    config_read(cfg, path != NULL ? path : CONFIG_DEFAULT_PATH, err);
	if (result == -ENOENT && path == NULL)
		result = 0;
	if (result == 0 && spool != NULL)
		result = config_set(cfg, "spool", spool, err);
	return result;
}

/* ---- parts ----------------------------------------------------------- */

/* Give RELAY the value that TOP has for KEY; false: out of memory. */
static bool
inherit(const struct config_key *key, struct relay_config *relay,
    const struct relay_config *top)
{
	char *to = (char *)relay + key->offset;
	const char *from = (const char *)top + key->offset;
	char *const *string = (char *const *)(const void *)from;

	config_note_line(
	    SECTION_RELAY, key, relay, config_line(SECTION_RELAY, key, top));
	if (!(key->flags & KEY_POINTER)) {
		memcpy(to, from, sizeof(unsigned));
		return true;
	}
	free(*(char **)(void *)to);
	*(char **)(void *)to = *string != NULL ? strdup(*string) : NULL;
	return *string == NULL || *(char **)(void *)to != NULL;
}

/* Fill in what RELAY's section leaves to TOP, or what follows from it. */
static bool
complete(struct relay_config *relay, const struct relay_config *top)
{
	const struct config_key *key;
	bool has_max = false;

	for (size_t i = 0; (key = config_key_at(SECTION_RELAY, i)) != NULL;
	     i++) {
		uint64_t bit = config_key_bit(key);

		if (key->offset ==
		    offsetof(struct relay_config, connections_max))
			has_max = (relay->given | top->given) & bit;
		if (relay != top && key->flags & KEY_SHARED &&
		    !(relay->given & bit) && !inherit(key, relay, top))
			return false;
	}
	if (!has_max)
		relay->connections_max = relay->connections * SLOW_FACTOR;
	if (relay->connections_max > CONNECTIONS_MAX)
		relay->connections_max = CONNECTIONS_MAX;
	if (relay->burst == 0)
		relay->burst = 1;
	return true;
}

int
config_arrange(struct config *cfg)
{
	for (size_t i = 0; i < cfg->nstock; i++)
		if (!complete(&cfg->stock[i], &cfg->stock[0]))
			return -ENOMEM;
	cfg->nrelays = cfg->nstock - !cfg->has_top;
	cfg->relays = cfg->nrelays > 0 ? cfg->stock + !cfg->has_top : NULL;
	return 0;
}

static void
release_lanes(struct config *cfg)
{
	for (size_t i = 0; i < cfg->nlanes; i++)
		config_release_lane(&cfg->lanes[i]);
	free(cfg->lanes);
	cfg->lanes = NULL;
	cfg->nlanes = 0;
}

static void
release_routes(struct config *cfg)
{
	for (size_t i = 0; i < cfg->nroutes; i++)
		config_release_route(&cfg->routes[i]);
	free(cfg->routes);
	cfg->routes = NULL;
	cfg->nroutes = 0;
}

/* The relays of FROM's sections for those of CFG. */
static int
take_relays(struct config *cfg, struct config *from)
{
	struct relay_config *stock;

	if (from->nstock <= 1)
		return 0;
	while (cfg->nstock > 1)
		config_release_relay(&cfg->stock[--cfg->nstock]);
	stock = realloc(cfg->stock, from->nstock * sizeof(stock[0]));
	if (stock == NULL)
		return -ENOMEM;
	memcpy(
	    &stock[1], &from->stock[1], (from->nstock - 1) * sizeof(stock[0]));
	cfg->stock = stock;
	cfg->nstock = from->nstock;
	from->nstock = 1;
	return 0;
}

/* The lanes of FROM for those of CFG, and that of all else. */
static int
take_lanes(struct config *cfg, struct config *from)
{
	if (from->nlanes == 0)
		return 0;
	release_lanes(cfg);
	cfg->lanes = from->lanes;
	cfg->nlanes = from->nlanes;
	from->lanes = NULL;
	from->nlanes = 0;
	for (size_t i = 0; i < cfg->nlanes; i++)
		if (strcmp(cfg->lanes[i].name, LANE_NORMAL) == 0)
			return 0;
	return add_normal_lane(cfg) ? 0 : -ENOMEM;
}

int
config_take_sections(struct config *cfg, struct config *from)
{
	int err = take_relays(cfg, from);

	if (err == 0)
		err = take_lanes(cfg, from);
	if (err == 0 && from->nroutes > 0) {
		release_routes(cfg);
		cfg->routes = from->routes;
		cfg->nroutes = from->nroutes;
		from->routes = NULL;
		from->nroutes = 0;
	}
	return err < 0 ? err : config_arrange(cfg);
}

/* ---- end ------------------------------------------------------------- */

void
config_wipe(char **secret)
{
	if (*secret != NULL)
		explicit_bzero(*secret, strlen(*secret));
	free(*secret);
	*secret = NULL;
}

void
config_release_relay(struct relay_config *relay)
{
	config_release_hosts(relay->hosts, relay->nhosts);
	free(relay->name);
	free(relay->maildir);
	free(relay->ca_file);
	free(relay->cert_file);
	free(relay->key_file);
	free(relay->fingerprint);
	free(relay->user);
	free(relay->password_file);
	free(relay->password_command);
	config_wipe(&relay->password);
	free(relay->helo);
	free(relay->source);
	free(relay->rates);
	*relay = (struct relay_config){ .name = NULL };
}

void
config_release_route(struct route_config *route)
{
	free(route->sender);
	free(route->recipient);
	free(route->relay);
	*route = (struct route_config){ .relay = NULL };
}

void
config_release_lane(struct lane_config *lane)
{
	free(lane->name);
	free(lane->priority);
	free(lane->sender);
	*lane = (struct lane_config){ .name = NULL };
}

void
config_release(struct config *cfg)
{
	free(cfg->path);
	free(cfg->spool);
	free(cfg->origin);
	free(cfg->json);
	free(cfg->aliases);
	free(cfg->generic);
	free(cfg->masquerade);
	free(cfg->local_recipients);
	free(cfg->sender_rates);
	free(cfg->postmaster);
	for (size_t i = 0; i < cfg->nstock; i++)
		config_release_relay(&cfg->stock[i]);
	free(cfg->stock);
	release_routes(cfg);
	release_lanes(cfg);
	*cfg = (struct config){ .path = NULL };
}

/* ---- the origin ------------------------------------------------------ */

/* The first line of /etc/mailname, or NULL when there is no name in it. */
static char *
read_mailname(void)
{
	char *text;

	if (fs_read_file(AT_FDCWD, "/etc/mailname", 4096, &text, NULL) < 0)
		return NULL;
	text[strcspn(text, " \t\r\n")] = '\0';
	if (config_is_name(text))
		return text;
	free(text);
	return NULL;
}

char *
config_origin(const struct config *cfg)
{
	char host[HOST_NAME_MAX + 1] = "";
	char *name;

	if (cfg->origin != NULL)
		return strdup(cfg->origin);
	name = read_mailname();
	if (name != NULL)
		return name;
	if (gethostname(host, sizeof(host)) < 0)
		host[0] = '\0';
	host[HOST_NAME_MAX] = '\0';
	return strdup(config_is_name(host) ? host : "localhost");
}
