/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * A tree of the addresses, a mark for each entry of the aliases, and a queue
 * of those to be walked: each entry is walked once for an envelope.
 */

#include "config.h"

#include <errno.h>
#include <search.h>
#include <stdint.h>
#include <stdlib.h>

#include "lib/expansion.h"
#include "lib/routes.h"
#include "lib/utf8.h"

/* Bad values that are told for an envelope; newaliases has all. */
#define COMPLAINTS_MAX 10

struct expansion {
	const struct identity *id;
	struct envelope *env;
	void *known;      /* tsearch(3) tree of the recipients' addr */
	size_t count;     /* of recipients, as it was left */
	const char *last; /* and the last one */
	bool *is_seen;    /* of each entry; NULL: no alias was met yet */
	uint32_t *queue;  /* entries seen, in their order */
	size_t head, tail;
	bool has_fallen_back;
	unsigned complaints;

	/* While a recipient is being added. */
	char *orcpt; /* what it was, NULL if that is not worth saying */
	size_t entry;
	bool needs_fallback;
	bool has_complained; /* about ENTRY */
};

static int
compare_strings(const void *a, const void *b)
{
	return address_compare(a, b);
}

static void
keep_string(void *addr)
{
	(void)addr; /* belongs to the envelope */
}

static void
reset(struct expansion *ex)
{
	tdestroy(ex->known, keep_string);
	free(ex->is_seen);
	free(ex->queue);
	free(ex->orcpt);
	*ex = (struct expansion){ 0 };
}

void
expansion_free(struct expansion *ex)
{
	if (ex != NULL)
		reset(ex);
	free(ex);
}

static int
begin(struct identity *id, struct envelope *env)
{
	if (id->expansion == NULL)
		id->expansion = calloc(1, sizeof(*id->expansion));
	if (id->expansion == NULL)
		return -ENOMEM;
	reset(id->expansion);
	id->expansion->id = id;
	id->expansion->env = env;
	return 0;
}

int
expansion_resume(struct identity *id, struct envelope *env)
{
	struct expansion *ex = id->expansion;
	size_t i;

	if (ex != NULL && ex->env == env && env->nrcpts > 0 &&
	    ex->count == env->nrcpts &&
	    ex->last == env->rcpts[ex->count - 1].addr)
		return 0;
	if (begin(id, env) < 0)
		return -ENOMEM;
	for (i = 0; i < env->nrcpts; i++)
		if (tsearch(env->rcpts[i].addr, &id->expansion->known,
			compare_strings) == NULL)
			return -ENOMEM;
	return 0;
}

int
expansion_restart(struct identity *id, struct envelope *env)
{
	size_t i, kept = 0;

	if (begin(id, env) < 0)
		return -ENOMEM;
	for (i = 0; i < env->nrcpts; i++) {
		struct recipient *rcpt = &env->rcpts[i];
		char **entry =
		    tsearch(rcpt->addr, &id->expansion->known, compare_strings);

		if (entry == NULL) {
			/* Leave no gap for envelope_release(). */
			memmove(&env->rcpts[kept], rcpt,
			    (env->nrcpts - i) * sizeof(*rcpt));
			env->nrcpts -= i - kept;
			return -ENOMEM;
		}
		if (*entry == rcpt->addr) {
			env->rcpts[kept++] = *rcpt;
		} else {
			free(rcpt->addr);
			free(rcpt->orcpt);
		}
	}
	env->nrcpts = kept;
	return 0;
}

void
expansion_pause(struct identity *id)
{
	struct expansion *ex = id->expansion;

	ex->count = ex->env->nrcpts;
	ex->last = ex->count > 0 ? ex->env->rcpts[ex->count - 1].addr : NULL;
}

void
expansion_end(struct identity *id)
{
	if (id->expansion != NULL)
		reset(id->expansion);
}

/* ---- one recipient --------------------------------------------------- */

static int
set_orcpt(const struct expansion *ex, struct recipient *rcpt)
{
	/* Behind "rfc822;". */
	if (ex->orcpt == NULL ||
	    address_compare(ex->orcpt + 7, rcpt->addr) == 0)
		return 0;
	rcpt->orcpt = strdup(ex->orcpt);
	return rcpt->orcpt != NULL ? 0 : -ENOMEM;
}

static int
add_address(struct expansion *ex, const char *addr)
{
	struct envelope *env = ex->env;
	struct recipient *rcpt;
	int err;

	if (tfind(addr, &ex->known, compare_strings) != NULL)
		return 0;
	err = envelope_add(env, addr);
	if (err < 0)
		return err;
	rcpt = &env->rcpts[env->nrcpts - 1];
	if (tsearch(rcpt->addr, &ex->known, compare_strings) == NULL)
		return -ENOMEM;
	return set_orcpt(ex, rcpt);
}

/* Put ENTRY into the queue unless it was there. */
static int
meet(struct expansion *ex, size_t entry)
{
	size_t count = routes_count(ex->id);

	if (ex->is_seen == NULL) {
		ex->is_seen = calloc(count, sizeof(*ex->is_seen));
		ex->queue = calloc(count, sizeof(*ex->queue));
	}
	if (ex->is_seen == NULL || ex->queue == NULL)
		return -ENOMEM;
	if (routes_is_dead(ex->id, entry))
		ex->needs_fallback = true;
	if (ex->is_seen[entry])
		return 0;
	ex->is_seen[entry] = true;
	ex->queue[ex->tail++] = (uint32_t)entry;
	return 0;
}

static void
complain(struct expansion *ex, const struct route *route)
{
	char *text = NULL;

	ex->has_complained = true;
	if (ex->complaints < COMPLAINTS_MAX)
		text = routes_complaint(ex->id, ex->entry, route,
		    "leads nowhere: its mail goes to the postmaster");
	if (text != NULL)
		identity_warn(ex->id, "%s", text);
	else if (ex->complaints == COMPLAINTS_MAX)
		identity_warn(ex->id, "there is more, see newaliases(8)");
	free(text);
	if (ex->complaints <= COMPLAINTS_MAX)
		ex->complaints++;
}

/* A route_fn. */
static int
follow(struct route *route, void *arg)
{
	struct expansion *ex = arg;
	int err = 0;

	switch (route->kind) {
	case ROUTE_ADDRESS:
		err = add_address(ex, route->addr);
		break;
	case ROUTE_ENTRY:
		err = meet(ex, route->entry);
		break;
	case ROUTE_NOWHERE:
	case ROUTE_REFUSED:
	case ROUTE_BAD:
		ex->needs_fallback = true;
		complain(ex, route);
		break;
	}
	free(route->addr);
	return err;
}

/* Walk the entries that wait. */
static int
drain(struct expansion *ex)
{
	int err = 0;

	while (ex->head < ex->tail && err == 0) {
		ex->entry = ex->queue[ex->head++];
		ex->has_complained = false;
		err = routes_walk(ex->id, ex->entry, follow, ex);
		if (err == 0 && routes_is_dead(ex->id, ex->entry) &&
		    !ex->has_complained)
			complain(ex, NULL);
	}
	return err;
}

/* Something on the way could not be delivered to: somebody has to get it. */
static int
fall_back(struct expansion *ex)
{
	struct route route;
	int err;

	if (ex->has_fallen_back)
		return 0;
	err = routes_fallback(ex->id, &route);
	if (err < 0)
		return err;
	if (route.kind == ROUTE_NOWHERE)
		return -ENOENT;
	err = follow(&route, ex);
	if (err == 0)
		err = drain(ex);
	ex->has_fallen_back = true;
	return err;
}

/* What BOX, which is local, was, for those that it becomes. */
static int
make_orcpt(struct expansion *ex, const struct mailbox *box)
{
	const char *origin = ex->id->origin;
	char *addr, *text;
	int len;

	/* "root@localhost" tells nobody anything. */
	if (identity_is_localhost(span_of(origin)))
		return 0;
	addr = address_string(box, origin);
	if (addr == NULL)
		return -ENOMEM;
	len = asprintf(&text, "rfc822;%.*s@%s",
	    (int)address_local_len(span_of(addr)), addr, origin);
	free(addr);
	if (len < 0)
		return -ENOMEM;
	if (utf8_has_8bit(span_of(text)) || envelope_orcpt_fault(text) != NULL)
		free(text);
	else
		ex->orcpt = text;
	return 0;
}

/* Follow the alias ENTRY of BOX as far as it leads. */
static int
add_entry(struct expansion *ex, const struct mailbox *box, size_t entry)
{
	int err = make_orcpt(ex, box);

	ex->needs_fallback = false;
	if (err == 0)
		err = meet(ex, entry);
	if (err == 0)
		err = drain(ex);
	if (err == 0 && ex->needs_fallback)
		err = fall_back(ex);
	free(ex->orcpt);
	ex->orcpt = NULL;
	return err;
}

int
expansion_add(
    struct identity *id, const struct mailbox *box, const char **reterr_why)
{
	struct expansion *ex = id->expansion;
	struct route route;
	int err = routes_find(id, box, &route);

	if (err < 0)
		return err;
	switch (route.kind) {
	case ROUTE_ADDRESS:
		err = add_address(ex, route.addr);
		break;
	case ROUTE_ENTRY:
		err = add_entry(ex, box, route.entry);
		break;
	case ROUTE_NOWHERE:
		err = -ENOENT;
		break;
	case ROUTE_REFUSED:
	case ROUTE_BAD:
		*reterr_why = route.why;
		err = -EINVAL;
		break;
	}
	free(route.addr);
	return err;
}
