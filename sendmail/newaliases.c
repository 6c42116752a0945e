/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See sendmail/newaliases.h. */

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "lib/generic.h"
#include "lib/identity.h"
#include "lib/routes.h"
#include "sendmail/newaliases.h"

/* What is being looked through. */
struct check {
	const struct identity *id;
	const char *path;
	FILE *diag;
	size_t entry;
	bool has_fault; /* ENTRY */
};

/* A mapfile_fault_fn. */
static void
print_fault(void *arg, unsigned line, const char *why)
{
	struct check *check = arg;

	fprintf(check->diag, "%s:%u: skipped: %s\n", check->path, line, why);
}

static void
complain(struct check *check, const struct route *route, const char *why)
{
	char *text = routes_complaint(check->id, check->entry, route, why);

	if (text != NULL)
		fprintf(check->diag, "%s\n", text);
	free(text);
	check->has_fault = true;
}

/* A route_fn. */
static int
check_route(struct route *route, void *arg)
{
	struct check *check = arg;

	free(route->addr);
	if (route->kind != ROUTE_ADDRESS && route->kind != ROUTE_ENTRY)
		complain(check, route, NULL);
	return 0;
}

/* What becomes of mail that has nowhere else to go. */
static void
check_fallback(struct check *check)
{
	struct route route;

	if (routes_fallback(check->id, &route) < 0)
		return;
	if (route.kind == ROUTE_NOWHERE)
		fprintf(check->diag,
		    "%s: mail for root leads nowhere: give it an address "
		    "here, or set local_recipients or origin\n",
		    check->path);
	free(route.addr);
}

/* For qsort_r(3): the order of the file, and local_recipients last. */
static int
compare_lines(const void *a, const void *b, void *arg)
{
	const struct check *check = arg;
	const struct aliases *aliases = routes_aliases(check->id);
	size_t x = *(const size_t *)a, y = *(const size_t *)b;
	size_t last = routes_count(check->id) - 1;

	if (x == last || y == last)
		return (x == last) - (y == last);
	x = aliases_line(aliases, x);
	y = aliases_line(aliases, y);
	return (x > y) - (x < y);
}

/* The numbers of the COUNT entries as they are to be looked through. */
static size_t *
sort_by_line(struct check *check, size_t count)
{
	size_t *order = calloc(count, sizeof(*order));

	if (order == NULL)
		return NULL;
	for (size_t i = 0; i < count; i++)
		order[i] = i;
	qsort_r(order, count, sizeof(*order), compare_lines, check);
	return order;
}

/* Whether the entry as a whole leads somewhere. */
static void
check_place(struct check *check)
{
	const struct identity *id = check->id;
	bool is_alias = check->entry + 1 < routes_count(id);

	if (routes_is_dead(id, check->entry) && !check->has_fault &&
	    (is_alias || id->local_recipients != NULL))
		complain(check, NULL, "leads nowhere");
}

/* Look through the entries; how many have no fault. */
static int
check_entries(struct check *check, size_t *ret_good)
{
	const struct identity *id = check->id;
	size_t count = routes_count(id), good = 0;
	size_t *order = sort_by_line(check, count);
	int err = order == NULL ? -ENOMEM : 0;

	for (size_t i = 0; i < count && err == 0; i++) {
		check->entry = order[i];
		check->has_fault = false;
		err = routes_walk(id, order[i], check_route, check);
		check_place(check);
		good += i + 1 < count && !check->has_fault;
	}
	free(order);
	if (err == 0)
		*ret_good = good;
	return err;
}

static void
check_aliases(struct identity *id, FILE *out, FILE *diag)
{
	struct check check = {
		.id = id, .path = id->aliases_path, .diag = diag
	};
	size_t good = 0;
	char *why = NULL;
	int err;

	if (check.path == NULL)
		check.path = "aliases";
	err = routes_read_with(id, print_fault, &check, &why);
	if (err == 0)
		err = check_entries(&check, &good);
	if (err < 0) {
		fprintf(diag, "newaliases: %s\n",
		    why != NULL ? why : strerror(-err));
		free(why);
		return;
	}
	check_fallback(&check);
	if (routes_aliases(id) != NULL)
		fprintf(out, "%s: %zu aliases\n", check.path, good);
	else
		fprintf(out, "%s: there are none\n", check.path);
}

static void
check_generic(const struct identity *id, FILE *out, FILE *diag)
{
	struct check check = {
		.id = id, .path = id->generic_path, .diag = diag
	};
	struct generic *generic;
	const char *why;
	int err;

	if (check.path == NULL)
		return;
	err = generic_read(
	    &generic, check.path, id->origin, print_fault, &check, &why);
	if (err < 0) {
		fprintf(
		    diag, "newaliases: generic '%s': %s\n", check.path, why);
		return;
	}
	fprintf(out, "%s: %zu addresses\n", check.path, generic_count(generic));
	generic_free(generic);
}

int
newaliases_run(const struct config *cfg, FILE *out, FILE *diag)
{
	struct identity id;
	int err = identity_init(&id, cfg);

	if (err < 0) {
		fprintf(diag, "newaliases: %s\n", strerror(-err));
		return EX_TEMPFAIL;
	}
	check_aliases(&id, out, diag);
	check_generic(&id, out, diag);
	identity_release(&id);
	return EX_OK;
}
