/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* spoolq flush: make messages due now. */

#include "config.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "spoolq/change.h"
#include "spoolq/view.h"

static int
flush(struct owned *o, const char *id, enum spool_state state,
    const char **ret_done)
{
	int result;

	if (state != SPOOL_QUEUE) {
		*ret_done = state == SPOOL_HOLD
		    ? "is held, not in queue/"
		    : "is in failed/, not in queue/";
		return -EBUSY;
	}
	result = change_record(o, EVENT_FLUSHED, id);
	if (result == 0)
		*ret_done = "is tried when spoold starts";
	return result;
}

/* The ids of what is in queue/ and matches, in one piece for free(). */
static int
pick(struct view *v, const struct filter *filter, char ***ret, size_t *ret_n)
{
	size_t room = v->queue.count[SPOOL_QUEUE], n = 0;
	char **ids = calloc(room + 1, sizeof(*ids));
	struct message *m;

	if (ids == NULL)
		return -ENOMEM;
	for (m = view_first(v); m != NULL && n < room; m = view_next(v, m)) {
		if (m->state == SPOOL_QUEUE && filter_matches(filter, m))
			ids[n++] = m->id;
	}
	*ret = ids;
	*ret_n = n;
	return 0;
}

static int
flush_matching(struct context *ctx)
{
	struct view v;
	char **ids;
	size_t n;
	int code = view_load(&v, ctx);

	if (code != EX_OK)
		return code;
	if (pick(&v, &ctx->filter, &ids, &n) < 0) {
		warnx("out of memory");
		view_release(&v);
		return EX_TEMPFAIL;
	}
	if (n == 0)
		(void)puts("no message matches");
	else
		code = change_messages(ctx, "flush", flush, ids, n);
	free(ids);
	view_release(&v);
	return code;
}

static int
run_flush(struct context *ctx, int noperands, char *operands[])
{
	if (filter_is_set(&ctx->filter) && noperands > 0) {
		warnx("ids and --from or --to exclude each other");
		return EX_USAGE;
	}
	if (filter_is_set(&ctx->filter))
		return flush_matching(ctx);
	return change_messages(
	    ctx, "flush", flush, operands, (size_t)noperands);
}

const struct command command_flush = {
	.name = "flush",
	.args = "[ID... | [--from WHO] [--to WHO]]",
	.does = "try messages, or all of them, now",
	.flags = COMMAND_FILTER,
	.operands_max = -1,
	.run = run_flush,
};
