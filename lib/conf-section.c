/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* What sections make: relays, routes and lanes, each one more. */

#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/conf-value.h"

/* Whether there may be one more than N; if not, WHAT says so. */
static bool
may_grow(size_t n, size_t max, struct config_error *what)
{
	if (n >= max)
		config_put_error(what, "one too many, the limit is %zu", max);
	return n < max;
}

/*
 * Room for one more in the array *ARRAY of *N of SIZE each; the new one is
 * zeroed.  NULL if out of memory, with WHAT.
 */
static void *
add_room(void *array, size_t *n, size_t size, struct config_error *what)
{
	void **place = array, *longer = realloc(*place, (*n + 1) * size);

	if (longer == NULL) {
		config_put_error(what, "out of memory");
		return NULL;
	}
	*place = longer;
	return memset((char *)longer + size * (*n)++, 0, size);
}

/* TITLE as a name, new; NULL if it is none, with WHAT. */
static char *
take_title(const char *title, struct config_error *what)
{
	char *name;

	/* They are in the log, in the status, and in fields of messages. */
	if (title == NULL || !config_is_label(title)) {
		config_put_error(
		    what, "a name has 1 to 40 letters, digits, '-' and '_'");
		return NULL;
	}
	name = strdup(title);
	if (name == NULL)
		config_put_error(what, "out of memory");
	return name;
}

bool
config_add_relay(struct config *to, struct relay_config *of, const char *title,
    unsigned line, struct config_error *what)
{
	char *name = take_title(title, what);
	struct relay_config *relay = NULL;

	/* The first one is that of the top level. */
	if (name != NULL && may_grow(to->nstock - 1, CONFIG_RELAYS_MAX, what))
		relay = add_room(&to->stock, &to->nstock, sizeof(*relay), what);
	if (relay == NULL) {
		free(name);
		return false;
	}
	*relay = *of;
	*of = (struct relay_config){ .name = NULL };
	relay->name = name;
	relay->line = line;
	return true;
}

bool
config_add_route(struct config *to, struct route_config *of, unsigned line,
    struct config_error *what)
{
	struct route_config *route = NULL;

	if (may_grow(to->nroutes, CONFIG_ROUTES_MAX, what))
		route =
		    add_room(&to->routes, &to->nroutes, sizeof(*route), what);
	if (route == NULL)
		return false;
	*route = *of;
	*of = (struct route_config){ .relay = NULL };
	route->line = line;
	return true;
}

/* Whether the lane of all else is there once NAME is. */
static bool
has_normal_lane(const struct config *to, const char *name)
{
	bool ret = strcmp(name, LANE_NORMAL) == 0;

	for (size_t i = 0; i < to->nlanes; i++)
		ret |= strcmp(to->lanes[i].name, LANE_NORMAL) == 0;
	return ret;
}

bool
config_add_lane(struct config *to, struct lane_config *of, const char *title,
    unsigned line, struct config_error *what)
{
	char *name = take_title(title, what);
	struct lane_config *lane = NULL;

	/* Otherwise it needs a place. */
	if (name != NULL &&
	    may_grow(to->nlanes, LANES_MAX - !has_normal_lane(to, name), what))
		lane = add_room(&to->lanes, &to->nlanes, sizeof(*lane), what);
	if (lane == NULL) {
		free(name);
		return false;
	}
	*lane = *of;
	*of = (struct lane_config){ .name = NULL };
	lane->name = name;
	lane->line = line;
	return true;
}
