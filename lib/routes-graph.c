/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Entries that name each other, seen as a whole: which of them lead to no
 * address.  In a time that grows with the file and no faster; nothing
 * recurses, for a file may have a chain of a million names.
 */

#include "config.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "lib/routes.h"

struct edge {
	uint32_t from, to;
};

struct graph {
	size_t count; /* of entries */
	struct edge *edges;
	size_t edges_count, edges_room;
	bool *is_good; /* of each entry: it has an address itself */
	/* Who names an entry: see index_edges(). */
	uint32_t *first, *others;
	size_t entry; /* being walked */
};

static void
release(struct graph *g)
{
	free(g->edges);
	free(g->is_good);
	free(g->first);
	free(g->others);
}

static int
add_edge(struct graph *g, size_t to)
{
	struct edge *grown;

	if (g->edges_count == g->edges_room) {
		g->edges_room = g->edges_room == 0 ? 64 : g->edges_room * 2;
		grown = reallocarray(g->edges, g->edges_room, sizeof(*grown));
		if (grown == NULL)
			return -ENOMEM;
		g->edges = grown;
	}
	g->edges[g->edges_count++] =
	    (struct edge){ (uint32_t)g->entry, (uint32_t)to };
	return 0;
}

/* A route_fn. */
static int
note_route(struct route *route, void *arg)
{
	struct graph *g = arg;

	free(route->addr);
	if (route->kind == ROUTE_ADDRESS)
		g->is_good[g->entry] = true;
	return route->kind == ROUTE_ENTRY ? add_edge(g, route->entry) : 0;
}

static int
build(struct graph *g, const struct identity *id)
{
	int err = 0;

	*g = (struct graph){ .count = routes_count(id) };
	g->is_good = calloc(g->count, sizeof(*g->is_good));
	g->first = calloc(g->count + 2, sizeof(*g->first));
	if (g->is_good == NULL || g->first == NULL)
		return -ENOMEM;
	for (g->entry = 0; g->entry < g->count && err == 0; g->entry++)
		err = routes_walk(id, g->entry, note_route, g);
	g->others = calloc(g->edges_count + 1, sizeof(*g->others));
	return g->others == NULL ? -ENOMEM : err;
}

/*
 * Sort the edges: g->others[g->first[i]] up to g->first[i + 1] are those that
 * name the entry I.
 */
static void
index_edges(struct graph *g)
{
	uint32_t *first = g->first;

	for (size_t i = 0; i < g->edges_count; i++)
		first[g->edges[i].to + 2]++;
	for (size_t i = 2; i < g->count + 2; i++)
		first[i] += first[i - 1];
	/* One more place to the left, counting up to where it shall be. */
	for (size_t i = 0; i < g->edges_count; i++) {
		const struct edge *edge = &g->edges[i];

		g->others[first[edge->to + 1]++] = edge->from;
	}
}

int
routes_find_dead(const struct identity *id, bool **ret)
{
	struct graph g;
	size_t head = 0, tail = 0;
	uint32_t *queue = NULL;
	int err = build(&g, id);

	if (err == 0) {
		queue = calloc(g.count, sizeof(*queue));
		if (queue == NULL)
			err = -ENOMEM;
	}
	if (err < 0)
		goto out;
	index_edges(&g);
	for (size_t i = 0; i < g.count; i++)
		if (g.is_good[i])
			queue[tail++] = (uint32_t)i;
	/* Who names a good one is good. */
	for (; head < tail; head++)
		for (size_t i = g.first[queue[head]];
		     i < g.first[queue[head] + 1]; i++)
			if (!g.is_good[g.others[i]]) {
				g.is_good[g.others[i]] = true;
				queue[tail++] = g.others[i];
			}
	for (size_t i = 0; i < g.count; i++)
		g.is_good[i] = !g.is_good[i];
	*ret = g.is_good;
	g.is_good = NULL;
out:
	free(queue);
	release(&g);
	return err;
}
