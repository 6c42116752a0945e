/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See view.h. */

#include "config.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/text.h"
#include "spoolq/output.h"
#include "spoolq/view-work.h"

/* spoold tries a relay in trouble within that time, if there is mail for it. */
#define IDLE_US (10 * (int64_t)1000000)

/* ---- opening --------------------------------------------------------- */

void
view_note_damage(struct view *v)
{
	const struct spool *sp = &v->source->ctx->sp;

	/* The base is there while an operator may edit the status. */
	if (v->source->is_damaged)
		;
	else if (faccessat(sp->dir_fd, STATUS_NAME ".base", F_OK,
		     AT_SYMLINK_NOFOLLOW) == 0)
		warnx("the status has been edited and is not valid; "
		      "what it said before is shown, as far as it is known");
	else
		warnx("the status is damaged; "
		      "what happened to messages so far may be missing");
	v->source->is_damaged = true;
	v->source->is_unsure = true;
}

void
view_note_edit(struct view *v)
{
	if (!v->source->is_damaged)
		warnx("the status has been edited: SIGHUP or 'spoolq resume' "
		      "has spoold take that over; "
		      "what it said before is shown");
	v->source->is_damaged = true;
	v->source->is_unsure = true;
}

static int
load_own(struct view *v)
{
	const struct context *ctx = v->source->ctx;
	int err = view_load_snapshot(v);

	if (err < 0) {
		warnx("cannot read the status of '%s': %s", ctx->cfg.spool,
		    strerror(-err));
		return exit_code(err);
	}
	v->spoold = control_look(&ctx->sp, v->daemon.pid);
	if (v->spoold != CONTROL_SERVED || v->time_us == 0)
		v->source->is_unsure = true;
	err = view_count_damaged(v);
	if (err == 0)
		return EX_OK;
	warnx("cannot list '%s': %s", ctx->cfg.spool, strerror(-err));
	return exit_code(err);
}

int
view_open(struct view *v, const struct context *ctx)
{
	int code;

	*v = (struct view){ .source = calloc(1, sizeof(*v->source)) };
	if (v->source == NULL) {
		warnx("out of memory");
		return EX_TEMPFAIL;
	}
	v->source->ctx = ctx;
	queue_init(&v->queue);
	/* What the status tells of senders says little without the limits. */
	v->queue.fair = ctx->cfg.fair;
	v->queue.sender_rates = ctx->cfg.sender_rates;
	v->queue.nsender_rates = ctx->cfg.nsender_rates;
	code = ctx->is_foreign ? view_load_control(v) : load_own(v);
	if (v->spoold == CONTROL_SERVED && !view_has_relay(v, ctx))
		/* Nobody has one, who came after the snapshot neither. */
		v->queue.read_us = 0;
	else if (v->queue.read_us == 0)
		v->queue.read_us = v->time_us > 0 ? v->time_us : -1;
	if (code != EX_OK)
		view_close(v);
	return code;
}

void
view_close(struct view *v)
{
	struct view_source *src = v->source;

	if (src == NULL)
		return;
	if (src->in != NULL)
		(void)fclose(src->in);
	status_stream_end(&src->stream);
	idset_release(&src->touched);
	for (int s = 0; s < SPOOL_STATES; s++)
		idset_release(&src->files[s]);
	free(src);
	v->source = NULL;
	queue_release(&v->queue);
	status_daemon_release(&v->daemon);
}

/* ---- what waits for all ---------------------------------------------- */

/* With mail for it, spoold would have tried it by now. */
static bool
is_idle(const struct view *v, const struct relay_state *relay, int64_t now_us)
{
	return v->spoold == CONTROL_SERVED && relay->next_us > 0 &&
	    now_us - relay->next_us > IDLE_US;
}

static void
warn_relay(
    const struct view *v, const struct relay_state *relay, int64_t now_us)
{
	char since[OUTPUT_WORD], next[OUTPUT_WORD];
	const char *fault = relay->reason != NULL ? relay->reason : "no answer";
	char *reason = text_clean(span_of(fault), 200);
	char *name = text_clean(span_of(relay->name), 100);

	output_span(now_us - relay->since_us, since);
	output_span(relay->next_us - now_us, next);
	if (v->spoold == CONTROL_NONE)
		warnx("when spoold last ran, the relay %s was in trouble: %s",
		    name != NULL ? name : "?",
		    reason != NULL ? reason : "out of memory");
	else
		warnx("the relay %s has been in trouble for %s, "
		      "tried again in %s: %s",
		    name != NULL ? name : "?", since, next,
		    reason != NULL ? reason : "out of memory");
	free(name);
	free(reason);
}

/* What is paused, the relay NAME or, if that is NULL, all of it. */
static void
warn_pause(const char *name, int64_t since_us, const char *by, int64_t now_us)
{
	char since[OUTPUT_WORD];
	char *who = by == NULL ? NULL : text_clean(span_of(by), 100);
	char *relay = name == NULL ? NULL : text_clean(span_of(name), 100);

	output_span(now_us - since_us, since);
	warnx("%s%s has been paused for %s%s%s",
	    name != NULL ? "the relay " : "delivery",
	    relay != NULL ? relay : "", since, who != NULL ? ", by " : "",
	    who != NULL ? who : "");
	free(who);
	free(relay);
}

bool
view_has_relay(const struct view *v, const struct context *ctx)
{
	/* One given on spoold's command line is in its status only; without
	 * that, a spoold that runs has one for all that we know. */
	return v->daemon.relay != NULL ||
	    (v->spoold == CONTROL_SERVED ? v->daemon.start_us == 0
					 : ctx->cfg.nrelays > 0);
}

void
view_warn_waiting(const struct view *v, const struct context *ctx)
{
	const struct relay_state *relay;
	if (v->spoold == CONTROL_NONE)
		warnx("spoold is not running");
	else if (v->spoold == CONTROL_SILENT)
		warnx("spoold does not answer");
	if (!view_has_relay(v, ctx))
		warnx("no relay is configured");
	if (v->queue.paused_us > 0)
		warn_pause(
		    NULL, v->queue.paused_us, v->queue.paused_by, ctx->now_us);
	STAILQ_FOREACH (relay, &v->queue.relays, link) {
		if (relay->paused_us > 0)
			warn_pause(relay->name, relay->paused_us,
			    relay->paused_by, ctx->now_us);
		if (relay->down && !is_idle(v, relay, ctx->now_us))
			warn_relay(v, relay, ctx->now_us);
	}
}

void
view_warn(const struct view *v, const struct context *ctx)
{
	view_warn_waiting(v, ctx);
	if (ctx->is_foreign)
		warnx("only mail that you submitted is shown");
	if (v->damaged > 0)
		warnx("failed/ has %zu damaged file%s, set aside; "
		      "the .why beside each says why",
		    v->damaged, v->damaged == 1 ? "" : "s");
}
