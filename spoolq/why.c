/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * spoolq why: what happened to a message so far, from the history, and what
 * happens next and why, from the status.  Messages that have left have the
 * first only.
 */

#include "config.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "spoolq/output.h"
#include "spoolq/select.h"
#include "spoolq/show.h"
#include "spoolq/story.h"
#include "spoolq/story-read.h"
#include "spoolq/view.h"

/* Recipients whose waiting is told of one by one. */
#define RCPTS_MAX 20

/* The limits after which R is given up. */
static void
put_end(FILE *out, const struct context *ctx, const struct message *m)
{
	int64_t expires_us = queue_expires_us(m);
	int64_t end_us =
	    queue_since_us(m) + (int64_t)ctx->cfg.lifetime_s * 1000000;
	char time[OUTPUT_WORD];

	if (expires_us > 0 && expires_us < end_us)
		end_us = expires_us;
	output_time(end_us, time);
	(void)fprintf(out, "given up after %u attempts, or at %s\n",
	    ctx->cfg.attempts, time);
}

/* Why its relay is in trouble, if that is what it waits for. */
static void
put_trouble(FILE *out, const struct style *style, const struct waiting *w)
{
	if (w->why != WHY_CIRCUIT || w->relay == NULL ||
	    w->relay->reason == NULL)
		return;
	(void)fputs("        ", out);
	draw_text(out, w->relay->reason,
	    style->cut ? style->columns - 8 : OUTPUT_TEXT_MAX);
	(void)fputc('\n', out);
}

static void
put_rcpt(FILE *out, const struct style *style, const struct context *ctx,
    const struct queue *q, const struct message *m, const struct qrcpt *r)
{
	struct waiting w = why_rcpt(q, m, r, ctx->now_us);
	char *text = NULL;
	size_t len;
	FILE *mem = open_memstream(&text, &len);

	if (mem == NULL)
		return;
	output_clean(mem, r->addr);
	(void)fprintf(mem, ", %u attempt%s so far, waits ",
	    (unsigned)r->attempts, r->attempts == 1 ? "" : "s");
	show_waiting(mem, q, &w, ctx->now_us);
	if (fclose(mem) == 0) {
		(void)fputs("    ", out);
		story_wrap(out, style, text, 4, 8);
		(void)fputc('\n', out);
		put_trouble(out, style, &w);
	}
	free(text);
}

/* What M waits for. */
static void
put_now(FILE *out, const struct style *style, const struct context *ctx,
    const struct queue *q, const struct message *m)
{
	unsigned shown = 0;

	draw_colour(out, style, COLOUR_BOLD);
	(void)fprintf(out, "now %s", output_state(m));
	draw_plain(out, style);
	if (m->npending > 0 && m->state == SPOOL_QUEUE) {
		(void)fputs(", ", out);
		put_end(out, ctx, m);
	} else {
		(void)fputc('\n', out);
	}
	for (unsigned i = 0; i < m->nrcpts && shown < RCPTS_MAX; i++)
		if (m->rcpts[i].state == RCPT_PENDING) {
			put_rcpt(out, style, ctx, q, m, &m->rcpts[i]);
			shown++;
		}
	if (shown < m->npending)
		(void)fprintf(out, "    and %u more\n", m->npending - shown);
	if (m->state == SPOOL_HOLD)
		(void)fprintf(
		    out, "    spoolq release %s lets it go on\n", m->id);
	if (m->state == SPOOL_FAILED)
		(void)fprintf(out,
		    "    spoolq requeue %s sends it again, spoolq drop %s "
		    "removes it\n",
		    m->id, m->id);
}

/* What the status alone tells: for whom the history is not. */
static void
put_last(FILE *out, const struct style *style, const struct message *m)
{
	for (unsigned i = 0; i < m->nrcpts; i++) {
		const struct qrcpt *r = &m->rcpts[i];
		struct event ev = {
			.kind = r->state == RCPT_DELIVERED ? EVENT_DELIVERED
			    : r->state == RCPT_PENDING     ? EVENT_DEFERRED
							   : EVENT_FAILED,
			.time_us = r->last_us,
			.delay_us = -1,
			.rcpt = r->addr,
			.reply = r->reply,
		};

		if (r->last_us > 0)
			(void)story_line(out, style, NULL, &ev);
	}
}

/* There is nothing to tell of ID. */
static int
miss(const struct context *ctx, const char *id)
{
	enum spool_state state;

	/* The same of another's, or none, or one that has left. */
	if (ctx->is_foreign) {
		warnx("%s: no message of yours waits here, and you may not "
		      "read the history",
		    id);
		return EX_NOPERM;
	}
	if (spool_find(&ctx->sp, id, &state))
		return select_miss(ctx, id);
	warnx("%s: no such message, now or in the history", id);
	return EX_NOINPUT;
}

static int
tell(const struct context *ctx, struct view *v, const char *id)
{
	struct message *m = view_find(v, id);
	struct style style;
	int code = view_error(v);
	bool any = false;

	if (m == NULL && code != EX_OK)
		return code;
	draw_style(&style, STDOUT_FILENO);
	if (!ctx->is_foreign)
		code = story_tell(stdout, &style, &ctx->sp, id, m, &any);
	else if (m != NULL)
		put_last(stdout, &style, m);
	if (code != EX_OK)
		return code;
	if (m == NULL && !any)
		return miss(ctx, id);
	if (m != NULL)
		put_now(stdout, &style, ctx, &v->queue, m);
	return EX_OK;
}

static int
run_why(struct context *ctx, int noperands, char *operands[])
{
	int code = EX_OK;

	if (!select_are_ids(noperands, operands))
		return EX_USAGE;
	for (int i = 0; i < noperands; i++) {
		struct view v;
		int one = view_open(&v, ctx);

		if (one != EX_OK)
			return one;
		if (i == 0)
			view_warn_waiting(&v, ctx);
		if (noperands > 1)
			(void)printf("%s%s\n", i > 0 ? "\n" : "", operands[i]);
		one = tell(ctx, &v, operands[i]);
		view_close(&v);
		if (code == EX_OK)
			code = one;
	}
	return code;
}

const struct command command_why = {
	.name = "why",
	.args = "ID...",
	.does = "tell what happened to a message, and what comes next",
	.operands_min = 1,
	.operands_max = -1,
	.run = run_why,
};
