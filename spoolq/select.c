/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See select.h. */

#include "config.h"

#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/text.h"
#include "spoolq/draw.h"
#include "spoolq/output.h"
#include "spoolq/select.h"
#include "spoolq/view.h"

/* ---- the queue ------------------------------------------------------- */

struct choosing {
	const struct context *ctx;
	const struct select_how *how;
	struct idset *named; /* marked: seen; NULL: no ids were given */
	bool by_filter;      /* and not by ids alone */
	struct selection *ret;
};

/* M for people, before a question, as wide as a line; NULL if out of memory. */
static char *
describe(const struct message *m)
{
	struct style style;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	int err;

	if (out == NULL)
		return NULL;
	draw_style(&style, STDERR_FILENO);
	(void)fprintf(out, "%s  ", m->id);
	err = output_people(
	    out, m, style.columns - SELECT_INDENT - strlen(m->id) - 2);
	if (fclose(out) == 0 && err == 0)
		return text;
	free(text);
	return NULL;
}

/* Whether M is among those that HOW and the filters are about. */
static bool
is_meant(
    const struct choosing *c, const struct view *v, const struct message *m)
{
	uint8_t *seen;

	if (c->named != NULL) {
		seen = idset_mark(c->named, m->id);
		if (seen == NULL)
			return false;
		*seen = 1;
	}
	if (!c->by_filter)
		return true;
	if (!filter_matches(&c->ctx->filter, &v->queue, m))
		return false;
	if ((c->how->states & 1u << m->state) == 0 ||
	    (c->how->is_due && queue_not_before_us(m) > c->ctx->now_us)) {
		c->ret->others++;
		return false;
	}
	return true;
}

static int
choose(struct choosing *c, struct view *v)
{
	struct idset *chosen = &c->ret->chosen;
	uint64_t limit = c->ctx->filter.limit;
	struct message *m;

	while (
	    (limit == 0 || chosen->n < limit) && (m = view_next(v)) != NULL) {
		if (!is_meant(c, v, m))
			continue;
		if (chosen->n < SELECT_SHOWN)
			c->ret->shown[chosen->n] = describe(m);
		if (idset_add(chosen, m->id) < 0) {
			warnx("out of memory");
			return EX_TEMPFAIL;
		}
		if (c->how->fn != NULL)
			c->how->fn(m, c->how->arg);
	}
	return view_error(v);
}

static int
look(struct choosing *c)
{
	struct view v;
	int code = view_open(&v, c->ctx);

	if (code != EX_OK)
		return code;
	code = choose(c, &v);
	view_close(&v);
	return code;
}

/* ---- what was named -------------------------------------------------- */

bool
select_are_ids(int n, char *operands[])
{
	for (int i = 0; i < n; i++) {
		char *shown;

		if (spool_is_id(operands[i]))
			continue;
		shown = text_clean(span_of(operands[i]), 60);
		warnx("'%s' is no message id", shown != NULL ? shown : "?");
		free(shown);
		return false;
	}
	return true;
}

static int
take_names(struct idset *named, int n, char *operands[])
{
	if (!select_are_ids(n, operands))
		return EX_USAGE;
	for (int i = 0; i < n; i++)
		if (idset_add(named, operands[i]) < 0) {
			warnx("out of memory");
			return EX_TEMPFAIL;
		}
	return EX_OK;
}

int
select_only(struct idset *set, struct context *ctx, int n, char *operands[])
{
	int code = take_names(set, n, operands);

	if (code == EX_OK && idset_sort(set) < 0) {
		warnx("out of memory");
		code = EX_TEMPFAIL;
	}
	if (code == EX_OK && n > 0)
		ctx->filter.ids = set;
	return code;
}

int
select_miss(const struct context *ctx, const char *id)
{
	enum spool_state state;
	const char *why = NULL;
	struct qfile qf;
	int err = -ENOENT;

	if (!ctx->is_foreign && spool_find(&ctx->sp, id, &state))
		err = qfile_open(&qf, &ctx->sp, state, id, &why);
	if (err == 0) {
		qfile_close(&qf);
		warnx("%s is not known to spoold yet", id);
		return EX_TEMPFAIL;
	}
	if (err == -ENOENT)
		warnx("%s: no such message", id);
	else if (err == -EBADMSG)
		warnx("%s is damaged", id);
	else
		warnx("%s: %s", id, strerror(-err));
	return exit_code(err);
}

int
select_missed(const struct context *ctx, const struct idset *named)
{
	char id[SPOOL_ID_SIZE];
	int one, code = EX_OK;

	for (size_t i = 0; i < named->n; i++) {
		if (named->marks[i] != 0)
			continue;
		id_unpack(named->ids[i], id);
		one = select_miss(ctx, id);
		if (code == EX_OK)
			code = one;
	}
	return code;
}

static int
choose_all(struct choosing *c, struct idset *named, bool has_names)
{
	struct idset *chosen = &c->ret->chosen;
	int code = EX_OK;

	if (idset_sort(named) < 0) {
		warnx("out of memory");
		return EX_TEMPFAIL;
	}
	if (!c->by_filter && !c->how->look) {
		*chosen = *named;
		*named = (struct idset){ .n = 0 };
		return EX_OK;
	}
	c->named = has_names ? named : NULL;
	code = look(c);
	if (code == EX_OK && idset_sort(chosen) < 0) {
		warnx("out of memory");
		code = EX_TEMPFAIL;
	}
	if (code != EX_OK) {
		idset_release(chosen);
		return code;
	}
	/* Behind a limit nobody looked. */
	return has_names && c->ctx->filter.limit == 0
	    ? select_missed(c->ctx, named)
	    : EX_OK;
}

int
select_messages(struct selection *ret, const struct context *ctx,
    const struct select_how *how, int n, char *operands[])
{
	struct idset named = { .n = 0 };
	struct choosing c = {
		.ctx = ctx,
		.how = how,
		.by_filter = n == 0 || filter_is_set(&ctx->filter),
		.ret = ret,
	};
	int code;

	*ret = (struct selection){ .is_named = !c.by_filter };
	code = take_names(&named, n, operands);
	if (code == EX_OK)
		code = choose_all(&c, &named, n > 0);
	idset_release(&named);
	return code;
}

void
selection_release(struct selection *sel)
{
	idset_release(&sel->chosen);
	for (size_t i = 0; i < SELECT_SHOWN; i++) {
		free(sel->shown[i]);
		sel->shown[i] = NULL;
	}
}
