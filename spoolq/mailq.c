/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * spoolq mailq: the queue as Postfix's mailq prints it, which is what
 * monitoring reads.  Messages in failed/ are not on their way and not shown.
 */

#include "config.h"

#include <err.h>
#include <stdio.h>
#include <sysexits.h>

#include "spoolq/output.h"
#include "spoolq/view.h"

/* Monitoring must not take one's own mail for all there is. */
static int
all_shown(const struct context *ctx)
{
	return ctx->is_foreign ? EX_NOPERM : EX_OK;
}

static int
run_mailq(struct context *ctx, int noperands, char *operands[])
{
	size_t messages = 0;
	uint64_t bytes = 0;
	struct message *m;
	struct view v;
	int code;

	(void)noperands;
	(void)operands;
	code = view_open(&v, ctx);
	if (code != EX_OK)
		return code;
	view_warn(&v, ctx);
	while (!ferror(stdout) && (m = view_next(&v)) != NULL) {
		if (m->state == SPOOL_FAILED)
			continue;
		if (messages == 0)
			output_mailq_head(stdout);
		output_mailq_entry(stdout, &v.queue, m, messages == 0);
		messages++;
		bytes += m->size_bytes;
		if (ferror(stdout))
			warn("cannot write");
	}
	code = ferror(stdout) ? EX_IOERR : view_error(&v);
	if (code == EX_OK)
		output_mailq_foot(stdout, bytes, messages);
	view_close(&v);
	return code == EX_OK ? all_shown(ctx) : code;
}

const struct command command_mailq = {
	.name = "mailq",
	.args = "",
	.does = "show the queue as Postfix's mailq does",
	.run = run_mailq,
};
