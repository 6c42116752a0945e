/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See lib/routes.h. */

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#include "lib/routes.h"
#include "lib/text.h"

/* How much of a value is worth showing. */
#define SHOWN_BYTES_MAX 80

struct routes {
	struct aliases *aliases; /* NULL: there are none */
	bool *is_dead;           /* of each entry */
};

static size_t
aliases_of(const struct identity *id)
{
	const struct aliases *aliases = routes_aliases(id);

	return aliases != NULL ? aliases_count(aliases) : 0;
}

const struct aliases *
routes_aliases(const struct identity *id)
{
	return id->routes->aliases;
}

size_t
routes_count(const struct identity *id)
{
	return aliases_of(id) + 1;
}

bool
routes_is_dead(const struct identity *id, size_t entry)
{
	return id->routes->is_dead[entry];
}

/* ---- reading --------------------------------------------------------- */

static int
read_aliases(
    struct identity *id, mapfile_fault_fn *fault, void *arg, char **reterr_why)
{
	const char *why;
	int err;

	if (id->aliases_path == NULL)
		return 0;
	err = aliases_read(
	    &id->routes->aliases, id->aliases_path, fault, arg, &why);
	if (err == -ENOENT)
		return 0;
	if (err < 0 &&
	    asprintf(reterr_why, "cannot use the aliases '%.200s': %s",
		id->aliases_path, why) < 0)
		*reterr_why = NULL;
	return err;
}

int
routes_read_with(
    struct identity *id, mapfile_fault_fn *fault, void *arg, char **reterr_why)
{
	int err;

	if (id->routes != NULL)
		return 0;
	*reterr_why = NULL;
	id->routes = calloc(1, sizeof(*id->routes));
	if (id->routes == NULL)
		return -ENOMEM;
	err = read_aliases(id, fault, arg, reterr_why);
	if (err == 0)
		err = routes_find_dead(id, &id->routes->is_dead);
	if (err < 0) {
		routes_free(id->routes);
		id->routes = NULL;
	}
	return err;
}

int
routes_read(struct identity *id, char **reterr_why)
{
	struct identity_faults faults = { id, id->aliases_path, 0 };

	return routes_read_with(id, identity_note_fault, &faults, reterr_why);
}

void
routes_free(struct routes *routes)
{
	if (routes == NULL)
		return;
	aliases_free(routes->aliases);
	free(routes->is_dead);
	free(routes);
}

/* ---- one recipient --------------------------------------------------- */

/*
 * The local part of ADDR, LEN bytes, without quotes, in place: what aliases
 * know it by.
 */
static struct span
unquote(char *addr, size_t len)
{
	size_t made = 0;

	for (size_t i = 0; i < len; i++) {
		if (addr[i] == '"')
			continue;
		if (addr[i] == '\\' && i + 1 < len)
			i++;
		addr[made++] = addr[i];
	}
	return (struct span){ addr, made };
}

/* Whether no relay has to know what ID's origin is. */
static bool
has_origin(const struct identity *id)
{
	return id->keeps_local || !identity_is_localhost(span_of(id->origin));
}

/* A local name that no alias knows, ADDR of LOCAL_LEN, goes to the origin. */
static int
route_to_origin(const struct identity *id, const char *addr, size_t local_len,
    struct route *ret)
{
	if (!has_origin(id)) {
		ret->kind = ROUTE_NOWHERE;
		ret->why = "leads nowhere, for the origin is localhost";
		return 0;
	}
	if (asprintf(&ret->addr, "%.*s@%s", (int)local_len, addr, id->origin) <
	    0) {
		ret->addr = NULL;
		return -ENOMEM;
	}
	ret->kind = ROUTE_ADDRESS;
	return 0;
}

/* Whether the caller wrote the origin out, and meant it. */
static bool
is_at_origin(const struct identity *id, const char *addr, size_t local_len,
    const struct mailbox *box)
{
	struct span origin = span_of(id->origin);

	return box->domain.len > 0 && !identity_is_localhost(origin) &&
	    strcasecmp(addr + local_len + 1, id->origin) == 0;
}

/*
 * The alias of ADDR, of LOCAL_LEN, in *RET, or ALIASES_NONE.  0 or -ENOMEM.
 * ITEM and FROM are where it stands, as of find().
 */
static int
find_alias(const struct identity *id, const char *addr, size_t local_len,
    const struct alias_item *item, size_t from, size_t *ret)
{
	const struct aliases *aliases = routes_aliases(id);
	char *name;

	*ret = ALIASES_NONE;
	if (aliases == NULL || (item != NULL && item->kind == ALIAS_FINAL))
		return 0;
	name = strndup(addr, local_len);
	if (name == NULL)
		return -ENOMEM;
	*ret = aliases_find(aliases, unquote(name, local_len));
	free(name);
	/* "ann: ann, copy@x" is how ann keeps a copy. */
	if (*ret == from)
		*ret = ALIASES_NONE;
	return 0;
}

/* BOX is local; ADDR is it, completed. */
static int
route_local(const struct identity *id, const struct mailbox *box, char *addr,
    const struct alias_item *item, size_t from, struct route *ret)
{
	size_t local_len = address_local_len(span_of(addr));
	size_t defaults = routes_count(id) - 1;
	int err = find_alias(id, addr, local_len, item, from, &ret->entry);

	if (err < 0)
		return err;
	if (ret->entry != ALIASES_NONE) {
		ret->kind = ROUTE_ENTRY;
		return 0;
	}
	if (is_at_origin(id, addr, local_len, box)) {
		ret->kind = ROUTE_ADDRESS;
		ret->addr = strdup(addr);
		return ret->addr != NULL ? 0 : -ENOMEM;
	}
	if (id->local_recipients != NULL && from != defaults) {
		ret->kind = ROUTE_ENTRY;
		ret->entry = defaults;
		return 0;
	}
	return route_to_origin(id, addr, local_len, ret);
}

bool
routes_is_local(const struct identity *id, const struct mailbox *box)
{
	struct span domain = box->domain;
	bool is_here;
	char *addr;

	if (domain.len == 0 || identity_is_here(id, domain))
		return true;
	/* With comments, folds or a dot at its end it is the same domain. */
	addr = address_string(box, "");
	if (addr == NULL)
		return false;
	domain = span_of(addr + address_local_len(span_of(addr)) + 1);
	is_here = identity_is_here(id, domain);
	free(addr);
	return is_here;
}

/*
 * Where BOX leads; ITEM is what it is in the entry FROM, NULL if it is not in
 * one.
 */
static int
find(const struct identity *id, const struct mailbox *box,
    const struct alias_item *item, size_t from, struct route *ret)
{
	struct route route = { .kind = ROUTE_BAD, .text = box->whole };
	char *addr = address_string(box, id->origin);
	int err = 0;

	if (addr == NULL)
		return -ENOMEM;
	route.why = identity_address_fault(id, addr);
	if (route.why == NULL && routes_is_local(id, box)) {
		err = route_local(id, box, addr, item, from, &route);
	} else if (route.why == NULL) {
		route.kind = ROUTE_ADDRESS;
		route.addr = addr;
		addr = NULL;
	}
	free(addr);
	if (err == 0)
		*ret = route;
	return err;
}

int
routes_find(
    const struct identity *id, const struct mailbox *box, struct route *ret)
{
	return find(id, box, NULL, ROUTES_CALLER, ret);
}

int
routes_fallback(const struct identity *id, struct route *ret)
{
	static const char *const names[] = { "postmaster", "root" };
	const struct aliases *aliases = routes_aliases(id);
	struct route route = { .kind = ROUTE_ENTRY, .text = { "root", 4 } };
	size_t defaults = routes_count(id) - 1;
	int err;

	for (size_t i = 0; aliases != NULL && i < 2; i++) {
		route.entry = aliases_find(aliases, span_of(names[i]));
		if (route.entry != ALIASES_NONE &&
		    !routes_is_dead(id, route.entry)) {
			*ret = route;
			return 0;
		}
	}
	route.entry = defaults;
	if (id->local_recipients == NULL || routes_is_dead(id, defaults)) {
		err = route_to_origin(id, "root", 4, &route);
		if (err < 0)
			return err;
	}
	*ret = route;
	return 0;
}

/* ---- the routes of an entry ------------------------------------------ */

struct walk {
	const struct identity *id;
	size_t entry;
	route_fn *fn;
	void *arg;
};

static int
walk_item(const struct alias_item *item, void *arg)
{
	static const char *const faults[] = {
		[ALIAS_COMMAND] = "is a command, and is not run",
		[ALIAS_FILE] = "is a file, and is not written to",
		[ALIAS_INCLUDE] = "names a file, which is not read",
		[ALIAS_BAD] = "is no address",
	};
	struct walk *walk = arg;
	struct route route = { .kind = ROUTE_REFUSED, .text = item->text };
	int err;

	if (item->kind == ALIAS_ADDRESS || item->kind == ALIAS_FINAL) {
		err = find(walk->id, &item->box, item, walk->entry, &route);
		return err < 0 ? err : walk->fn(&route, walk->arg);
	}
	if (item->kind == ALIAS_BAD)
		route.kind = ROUTE_BAD;
	route.why = faults[item->kind];
	return walk->fn(&route, walk->arg);
}

int
routes_walk(const struct identity *id, size_t entry, route_fn *fn, void *arg)
{
	struct walk walk = { id, entry, fn, arg };

	if (entry < aliases_of(id))
		return aliases_walk(
		    aliases_value(routes_aliases(id), entry), walk_item, &walk);
	if (id->local_recipients == NULL)
		return 0;
	return aliases_walk(span_of(id->local_recipients), walk_item, &walk);
}

/* "FILE:LINE: alias 'x'", or NULL. */
static char *
name_entry(const struct identity *id, size_t entry)
{
	const struct aliases *aliases = routes_aliases(id);
	char *name, *ret;
	int len;

	if (entry >= aliases_of(id))
		return strdup("local_recipients");
	name = text_clean(aliases_name(aliases, entry), SHOWN_BYTES_MAX);
	if (name == NULL)
		return NULL;
	len = asprintf(&ret, "%s:%u: alias '%s'", id->aliases_path,
	    aliases_line(aliases, entry), name);
	free(name);
	return len < 0 ? NULL : ret;
}

char *
routes_complaint(const struct identity *id, size_t entry,
    const struct route *route, const char *why)
{
	struct span nothing = { "", 0 };
	char *head = name_entry(id, entry);
	char *shown =
	    text_clean(route != NULL ? route->text : nothing, SHOWN_BYTES_MAX);
	char *ret = NULL;
	int len = -1;

	if (head == NULL || shown == NULL)
		goto out;
	if (route != NULL)
		len = asprintf(&ret, "%s: '%s' %s", head, shown, route->why);
	else
		len = asprintf(&ret, "%s %s", head, why);
out:
	free(head);
	free(shown);
	return len < 0 ? NULL : ret;
}
