/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Where recipients lead: addresses elsewhere lead there, local names to an
 * entry of the aliases, to that of local_recipients, to an address at the
 * origin, or nowhere.
 *
 * A name in the value of its own alias is final, as after a backslash.  In a
 * longer circle it is not: all of its names then lead to all of its addresses,
 * whichever the caller names, and if there are none, nowhere.
 *
 * Which entries lead to no address at all, for circles and bad values, is
 * found out once, when the file is read: so it does not depend on the order
 * of recipients whether a mail gets lost.
 */

#ifndef SPOOL_ROUTES_H
#define SPOOL_ROUTES_H

#include "lib/aliases.h"
#include "lib/identity.h"

/* Instead of an entry: a recipient as the caller gave it. */
#define ROUTES_CALLER ((size_t)-1)

enum route_kind {
	ROUTE_ADDRESS, /* to ADDR */
	ROUTE_ENTRY,   /* to what ENTRY leads to */
	ROUTE_NOWHERE, /* a local name at an origin of localhost */
	ROUTE_REFUSED, /* a command, a file, an include */
	ROUTE_BAD,     /* no address, or one that cannot be sent to */
};

struct route {
	enum route_kind kind;
	char *addr; /* to be freed; NULL with a kind that has no address */
	size_t entry;
	struct span text; /* what it was, as it stands in the value */
	const char *why;  /* a fixed text, of those that lead nowhere */
};

/*
 * Read the aliases of ID unless that has been done.  0, or -errno with
 * *RETERR_WHY a line for the user, to be freed (NULL: no memory).
 */
int routes_read(struct identity *id, char **reterr_why);

/* As that, with FAULT told of all entries that are skipped. */
int routes_read_with(
    struct identity *id, mapfile_fault_fn *fault, void *arg, char **reterr_why);

/* NULL is fine. */
void routes_free(struct routes *routes);

/*
 * All that follows is about aliases that have been read: routes_read() comes
 * first, and has succeeded.  The exceptions are routes_is_local(), and
 * routes_find() of a BOX for which that is false.
 */

/*
 * The aliases, NULL if there are none.  Their numbers are those of entries;
 * one more, routes_count() - 1, is local_recipients, empty if not set.
 */
const struct aliases *routes_aliases(const struct identity *id);
size_t routes_count(const struct identity *id);

/* Whether ENTRY leads to no address at all. */
bool routes_is_dead(const struct identity *id, size_t entry);

/* Whether BOX is to be looked up: it is local, and not elsewhere. */
bool routes_is_local(const struct identity *id, const struct mailbox *box);

/* Where BOX, from the caller, leads.  0 or -ENOMEM. */
int routes_find(
    const struct identity *id, const struct mailbox *box, struct route *ret);

/* Where mail goes that cannot go where it should.  0 or -ENOMEM. */
int routes_fallback(const struct identity *id, struct route *ret);

/* Called once per route of an entry; ROUTE->addr is FN's to free. */
typedef int route_fn(struct route *route, void *arg);

/* Walk the value of ENTRY; 0, -ENOMEM or FN's result. */
int
routes_walk(const struct identity *id, size_t entry, route_fn *fn, void *arg);

/*
 * "FILE:LINE: alias 'x': 'VALUE' WHY" of a route of ENTRY that leads nowhere;
 * with ROUTE NULL, "FILE:LINE: alias 'x' WHY" with this WHY.  New; NULL when
 * out of memory.
 */
char *routes_complaint(const struct identity *id, size_t entry,
    const struct route *route, const char *why);

/*
 * Which of routes_count() entries are dead: new in *RET.  0 or -ENOMEM.  For
 * routes_read() alone.
 */
int routes_find_dead(const struct identity *id, bool **ret);

#endif
