/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * spoolq mailq: the queue as Postfix's mailq prints it, which is what
 * monitoring reads.  Messages in failed/ are not on their way and not shown.
 */

#include "config.h"

#include <stdio.h>
#include <sysexits.h>

#include "spoolq/output.h"
#include "spoolq/view.h"

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
	code = view_load(&v, ctx);
	if (code != EX_OK)
		return code;
	view_warn(&v, ctx);
	for (m = view_first(&v); m != NULL; m = view_next(&v, m)) {
		if (m->state == SPOOL_FAILED)
			continue;
		if (messages == 0)
			output_mailq_head(stdout);
		output_mailq_entry(
		    stdout, m, view_relay_fault(&v, m), messages == 0);
		messages++;
		bytes += m->size_bytes;
	}
	output_mailq_foot(stdout, bytes, messages);
	view_release(&v);
	return EX_OK;
}

const struct command command_mailq = {
	.name = "mailq",
	.args = "",
	.does = "show the queue as Postfix's mailq does",
	.run = run_mailq,
};
