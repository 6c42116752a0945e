/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See show.h. */

#include "config.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "spoolq/output.h"
#include "spoolq/show.h"
#include "spoolq/story.h"

/* Where the values begin. */
#define FIELD "%-10s "
#define FIELD_COLUMNS 11

static void
put_field(FILE *out, const char *name, const char *value)
{
	if (value == NULL)
		return;
	(void)fprintf(out, FIELD, name);
	output_clean(out, value);
	(void)fputc('\n', out);
}

static void
put_moment(FILE *out, const char *name, int64_t t_us)
{
	char text[OUTPUT_WORD];

	if (t_us == 0)
		return;
	output_time(t_us, text);
	put_field(out, name, text);
}

/* ---- why it waits ---------------------------------------------------- */

static void
put_pause(FILE *out, const struct queue *q, const struct relay_state *relay)
{
	int64_t since_us = q->paused_us;
	const char *by = q->paused_by;
	char since[OUTPUT_WORD];

	(void)fputs("for an operator: ", out);
	if (since_us == 0 && relay != NULL) {
		since_us = relay->paused_us;
		by = relay->paused_by;
		(void)fputs("the relay ", out);
		output_clean(out, relay->name);
	} else {
		(void)fputs("delivery", out);
	}
	output_time(since_us, since);
	(void)fprintf(out, " is paused since %s", since);
	if (by != NULL) {
		(void)fputs(", by ", out);
		output_clean(out, by);
	}
}

/* "until 2026-11-22 18:00:00 (in 12m)", if that is known and ahead. */
static void
put_until(FILE *out, const struct waiting *w, int64_t now_us)
{
	char until[OUTPUT_WORD], span[OUTPUT_WORD];

	if (w->until_us <= now_us)
		return;
	output_time(w->until_us, until);
	output_span(w->until_us - now_us, span);
	(void)fprintf(out, "until %s (in %s), ", until, span);
}

void
show_waiting(
    FILE *out, const struct queue *q, const struct waiting *w, int64_t now_us)
{
	static const char *const clauses[WHY_KINDS] = {
		[WHY_NOTHING] = "for nothing: all is done",
		[WHY_SENDING] = "for the answer: it is being sent",
		[WHY_HOLD] = "for an operator, who held it, to release it",
		[WHY_FAILED] = "for an operator: it was given up",
		[WHY_NO_RELAY] = "for a relay: none is known for it",
		[WHY_NOT_BEFORE] = "as it is not to be sent earlier",
		[WHY_BACKOFF] = "since the last attempt did not succeed",
		[WHY_CIRCUIT] = "for its relay, which is in trouble",
		[WHY_RATE] = "for the limits of its relay or sender",
		[WHY_TURN] = "for its turn",
	};

	if (w->why == WHY_PAUSED) {
		put_pause(out, q, w->relay);
		return;
	}
	put_until(out, w, now_us);
	(void)fputs(clauses[w->why], out);
}

/* ---- recipients ------------------------------------------------------ */

static void
put_fate(FILE *out, const struct queue *q, const struct message *m,
    const struct qrcpt *r, int64_t now_us)
{
	const struct waiting w = why_rcpt(q, m, r, now_us);
	const struct relay_state *relay = output_relay(q, m, r);
	char next[OUTPUT_WORD];

	(void)fprintf(out, FIELD "%s, %u attempt%s", "",
	    output_rcpt_state(r->state), (unsigned)r->attempts,
	    r->attempts == 1 ? "" : "s");
	if (r->state == RCPT_PENDING) {
		output_next(&w, now_us, next);
		if (next[0] != '\0')
			(void)fprintf(out, ", next %s", next);
		if (relay != NULL) {
			(void)fputs(", to relay ", out);
			output_clean(out, relay->name);
		}
	}
	if (r->uncertain)
		(void)fputs(", the relay may have it already", out);
	(void)fputc('\n', out);
}

static void
put_rcpt(FILE *out, const struct queue *q, const struct message *m,
    const struct qrcpt *r, int64_t now_us)
{
	char last[OUTPUT_WORD];

	put_field(out, "recipient", r->addr);
	put_fate(out, q, m, r, now_us);
	if (r->reply == NULL)
		return;
	output_time(r->last_us, last);
	(void)fprintf(out, FIELD "%s: ", "", last);
	output_clean(out, r->reply);
	(void)fputc('\n', out);
}

/* What the envelope alone says of a recipient. */
static void
put_wishes(FILE *out, const struct recipient *r)
{
	if (r->notify != 0)
		(void)fprintf(
		    out, FIELD "notify %s\n", "", notify_name(r->notify));
	if (r->orcpt == NULL)
		return;
	(void)fprintf(out, FIELD "orcpt ", "");
	output_clean(out, r->orcpt);
	(void)fputc('\n', out);
}

/* ---- the message ----------------------------------------------------- */

static void
put_arrival(FILE *out, const struct message *m, int64_t now_us)
{
	const struct passwd *pw = getpwuid(m->uid);
	char arrival[OUTPUT_WORD], age[OUTPUT_WORD];

	output_time(m->arrival_us, arrival);
	output_span(now_us - m->arrival_us, age);
	(void)fprintf(out, FIELD "%s, %s ago, by ", "arrival", arrival, age);
	if (pw != NULL)
		output_clean(out, pw->pw_name);
	else
		(void)fprintf(out, "uid %lu", (unsigned long)m->uid);
	(void)fputc('\n', out);
}

static void
put_options(FILE *out, const struct envelope *env)
{
	static const char *const rets[] = { NULL, "FULL", "HDRS" };
	static const char *const bodies[] = { NULL, "7BIT", "8BITMIME" };

	put_field(out, "envid", env->envid);
	put_field(out, "ret", rets[env->ret]);
	put_field(out, "body", bodies[env->body]);
}

static void
put_all(FILE *out, const struct context *ctx, const struct view *v,
    const struct message *m, const struct qfile *qf)
{
	const struct queue *q = &v->queue;
	const struct waiting w = why_message(q, m, ctx->now_us);
	const struct relay_state *rerouted = queue_rerouted(m);
	char size[OUTPUT_WORD];

	output_size(m->size_bytes, size);
	put_field(out, "id", m->id);
	put_field(out, "state", output_state(m));
	(void)fprintf(out, FIELD, "waits");
	show_waiting(out, q, &w, ctx->now_us);
	(void)fputc('\n', out);
	put_arrival(out, m, ctx->now_us);
	put_field(out, "size", size);
	put_field(out, "lane", queue_lane(m));
	put_field(out, "rerouted", rerouted == NULL ? NULL : rerouted->name);
	put_moment(out, "not before", queue_not_before_us(m));
	put_moment(out, "expires", queue_expires_us(m));
	put_field(out, "subject", qf == NULL ? queue_subject(m) : NULL);
	put_field(out, "sender", m->sender[0] != '\0' ? m->sender : "<>");
	if (qf != NULL)
		put_options(out, &qf->env);
	for (unsigned i = 0; i < m->nrcpts; i++) {
		put_rcpt(out, q, m, &m->rcpts[i], ctx->now_us);
		if (qf != NULL && i < qf->env.nrcpts)
			put_wishes(out, &qf->env.rcpts[i]);
	}
}

/* ---- lines ----------------------------------------------------------- */

/* TEXT's lines, broken at the width of the terminal behind the names. */
static void
put_wrapped(FILE *out, const struct style *style, char *text)
{
	char *rest = text, *line;

	while ((line = strsep(&rest, "\n")) != NULL && rest != NULL) {
		if (strlen(line) > FIELD_COLUMNS) {
			(void)fprintf(out, "%.*s", FIELD_COLUMNS, line);
			story_wrap(out, style, line + FIELD_COLUMNS,
			    FIELD_COLUMNS, FIELD_COLUMNS);
		} else {
			(void)fputs(line, out);
		}
		(void)fputc('\n', out);
	}
}

void
show_envelope(FILE *out, const struct context *ctx, const struct view *v,
    const struct message *m, const struct qfile *qf)
{
	char *text = NULL;
	struct style style;
	size_t len;
	FILE *mem;

	draw_style(&style, fileno(out));
	mem = style.cut ? open_memstream(&text, &len) : NULL;
	if (mem == NULL) {
		put_all(out, ctx, v, m, qf);
		return;
	}
	put_all(mem, ctx, v, m, qf);
	if (fclose(mem) == 0)
		put_wrapped(out, &style, text);
	free(text);
}
