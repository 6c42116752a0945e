/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* spoolq reroute: send messages to another relay than the routes say. */

#include "config.h"

#include <err.h>
#include <sysexits.h>

#include "spoolq/change.h"
#include "spoolq/direct.h"
#include "spoolq/relays.h"

static const struct change change_reroute = {
	.verb = "reroute",
	.kind = EVENT_REROUTED,
	.to = CHANGE_STAYS,
	.refusals = { [SPOOL_FAILED] = "is in failed/" },
	.done = "is sent there when spoold starts",
	.would = "would be sent there",
	.sum = "rerouted",
	.is_for_known = true,
};

/* "--relay" is where they are to go; which ones, "--from-relay" says. */
static const struct command_option options[] = {
	{ "relay", "NAME", 0, "the relay that they are to go to" },
	{ "from-relay", "NAME", 0, "those that go to the relay NAME so far" },
	{ "dry-run", NULL, 'n', "only say what would be done" },
	{ "yes", NULL, 'y', "do not ask before many are changed" },
	{ "wait", NULL, 'w', "until they have left, or failed" },
	{ "timeout", "TIME", 0, "wait no longer than that (90s, 5m, 2h)" },
	{ NULL, NULL, 0, NULL },
};

static int
run_reroute(struct context *ctx, int noperands, char *operands[])
{
	struct change ch = change_reroute;
	const char *from = context_option(ctx, "from-relay");

	if (!direct_is_owner(ctx))
		return direct_refuse(ctx, ch.verb);
	ch.relay = context_option(ctx, "relay");
	if (ch.relay == NULL) {
		warnx("reroute where to?  Give --relay NAME");
		return EX_USAGE;
	}
	if (!relays_know(ctx, ch.relay) ||
	    (from != NULL && !relays_know(ctx, from)))
		return EX_USAGE;
	ctx->filter.relay = from;
	return change_run(ctx, &ch, noperands, operands);
}

const struct command command_reroute = {
	.name = "reroute",
	.args = "--relay NAME [OPTION...] [FILTER...] [ID...]",
	.does = "send messages to another relay",
	.options = options,
	.has_filters = true,
	.operands_max = -1,
	.run = run_reroute,
};
