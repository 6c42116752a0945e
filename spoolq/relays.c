/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See relays.h. */

#include "config.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "lib/text.h"
#include "spoolq/relays.h"
#include "spoolq/view.h"

/* Names that are worth showing, and their length. */
#define SHOWN_MAX 20
#define NAME_BYTES 60

static bool
is_in_status(const struct view *v, const char *name)
{
	const struct relay_state *relay;

	STAILQ_FOREACH (relay, &v->queue.relays, link)
		if (strcmp(relay->name, name) == 0)
			return true;
	return false;
}

static void
put_name(FILE *out, size_t *n, const char *name)
{
	if (++*n > SHOWN_MAX)
		return;
	(void)fputs(*n == 1 ? "; there are: " : ", ", out);
	text_put_clean(out, span_of(name), NAME_BYTES);
}

/* Say that there is no relay NAME, and which ones there are. */
static void
complain(const struct context *ctx, const struct view *v, const char *name)
{
	const struct relay_state *relay;
	size_t n = 0;

	(void)fputs("spoolq: there is no relay '", stderr);
	text_put_clean(stderr, span_of(name), NAME_BYTES);
	(void)fputc('\'', stderr);
	for (size_t i = 0; i < ctx->cfg.nrelays; i++)
		put_name(stderr, &n, ctx->cfg.relays[i].name);
	STAILQ_FOREACH (relay, &v->queue.relays, link)
		if (config_relay(&ctx->cfg, relay->name) == NULL)
			put_name(stderr, &n, relay->name);
	(void)fprintf(stderr, "%s\n",
	    n == 0              ? ": none is configured"
		: n > SHOWN_MAX ? " ..."
				: "");
}

bool
relays_know(const struct context *ctx, const char *name)
{
	bool is_known = config_relay(&ctx->cfg, name) != NULL;
	struct view v;

	if (is_known || view_open(&v, ctx) != EX_OK)
		return is_known;
	is_known = is_in_status(&v, name);
	if (!is_known)
		complain(ctx, &v, name);
	view_close(&v);
	return is_known;
}
