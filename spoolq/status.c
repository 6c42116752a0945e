/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* spoolq status: is mail leaving?  For people, and as a plugin of Nagios. */

#include "config.h"

#include <err.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/conf-value.h"
#include "spoolq/screen.h"

#define SECOND_US ((int64_t)1000000)
/* Findings below the first line. */
#define FINDINGS_SHOWN 5

static const struct command_option options[] = {
	{ .name = "nagios", .does = "as a plugin of Nagios or Icinga" },
	{ .name = "warn-age", .arg = "TIME", .does = "oldest message, 4h" },
	{ .name = "crit-age", .arg = "TIME", .does = "... critical, 24h" },
	{ .name = "warn-count", .arg = "N", .does = "waiting, 1000" },
	{ .name = "crit-count", .arg = "N", .does = "... critical, 10000" },
	{ .name = "warn-failed", .arg = "N", .does = "in failed/, 1" },
	{ .name = "crit-failed", .arg = "N", .does = "... critical, off" },
	{ .name = "warn-refused", .arg = "PERCENT", .does = "in an hour, 10" },
	{ .name = "crit-refused",
	    .arg = "PERCENT",
	    .does = "... critical, 50" },
	{ .name = "warn-down", .arg = "TIME", .does = "a needed relay, 5m" },
	{ .name = "crit-down", .arg = "TIME", .does = "... critical, 30m" },
	{ .name = "warn-stall", .arg = "TIME", .does = "no progress, 5m" },
	{ .name = "crit-stall", .arg = "TIME", .does = "... critical, 15m" },
	{ .name = NULL },
};

/* On standard output, for plugins' callers read nothing else. */
static int
say_unknown(const struct context *ctx, const char *what, const char *why)
{
	(void)fputs(context_option(ctx, "nagios") != NULL ? "SPOOLD UNKNOWN - "
							  : "UNKNOWN: ",
	    stdout);
	draw_text(stdout, what, SIZE_MAX);
	(void)fputs(why != NULL ? ": " : "", stdout);
	draw_text(stdout, why != NULL ? why : "", SIZE_MAX);
	(void)fputc('\n', stdout);
	return HEALTH_UNKNOWN;
}

/* ---- thresholds --------------------------------------------------------- */

/* Say that ARG of the option NAME is WHY, where it is read. */
static int
refuse(const struct context *ctx, const char *name, const char *arg,
    const char *why)
{
	char text[200];

	(void)snprintf(
	    text, sizeof(text), "--%s: '%.100s' is %s", name, arg, why);
	if (context_option(ctx, "nagios") != NULL)
		return say_unknown(ctx, text, NULL);
	(void)fputs("spoolq: ", stderr);
	output_clean(stderr, text);
	(void)fputc('\n', stderr);
	return EX_USAGE;
}

/* Take ARG into RET; NULL, or what it is instead of a threshold. */
static const char *
take(const char *arg, bool is_time, int64_t *ret)
{
	const char *why = NULL;
	unsigned seconds;

	if (strcmp(arg, "off") == 0)
		*ret = 0;
	else if (is_time) {
		if (config_parse_duration(arg, UINT_MAX, &seconds))
			*ret = seconds * SECOND_US;
		else
			why = "no length of time";
	} else
		*ret = strtonum(arg, 0, INT_MAX, &why);
	return why;
}

/* EX_OK, or the exit code after saying what is wrong. */
static int
take_all(const struct context *ctx, struct health_limits *limits)
{
	struct {
		const char *name;
		struct threshold *threshold;
		bool is_time;
	} const each[] = {
		{ "age", &limits->age_us, true },
		{ "count", &limits->count, false },
		{ "failed", &limits->failed, false },
		{ "refused", &limits->refused, false },
		{ "down", &limits->down_us, true },
		{ "stall", &limits->stall_us, true },
	};

	for (size_t i = 0; i < 2 * sizeof(each) / sizeof(each[0]); i++) {
		struct threshold *t = each[i / 2].threshold;
		char name[32];
		const char *arg, *why = NULL;

		(void)snprintf(name, sizeof(name), "%s-%s",
		    i % 2 == 0 ? "warn" : "crit", each[i / 2].name);
		arg = context_option(ctx, name);
		if (arg != NULL)
			why = take(arg, each[i / 2].is_time,
			    i % 2 == 0 ? &t->warn : &t->crit);
		if (why != NULL)
			return refuse(ctx, name, arg, why);
	}
	return EX_OK;
}

/* ---- what is shown ------------------------------------------------------ */

/* The first line of a plugin has the figures, then may come more lines. */
static void
put_plugin(const struct picture *p, const struct health *h,
    const struct health_limits *limits)
{
	(void)printf("SPOOLD %s - ", health_name(h->level));
	screen_put_summary(stdout, p, h);
	(void)fputs(" | ", stdout);
	health_put_perfdata(stdout, p, limits);
	(void)fputc('\n', stdout);
	for (size_t i = 1; i < h->nfindings; i++)
		(void)printf("%s: %s\n", health_name(h->finding[i].level),
		    h->finding[i].text);
}

static void
put_screen(FILE *out, const struct style *style, const struct picture *p,
    const struct health *h)
{
	screen_put_verdict(out, style, p, h, FINDINGS_SHOWN);
	(void)fputc('\n', out);
	screen_put_state(out, p);
	if (p->is_foreign) {
		(void)fputs("\nOnly mail that you submitted is shown.\n", out);
		return;
	}
	(void)fputc('\n', out);
	screen_put_figures(out, style, p);
	screen_put_curves(out, style, p);
	if (STAILQ_EMPTY(&p->view.queue.relays))
		return;
	(void)fputc('\n', out);
	screen_put_relays(out, style, p, SIZE_MAX);
}

/* 0 or -ENOMEM. */
static int
show(const struct picture *p, const struct health *h)
{
	struct style style;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return -1;
	draw_style(&style, STDOUT_FILENO);
	put_screen(out, &style, p, h);
	if (fclose(out) != 0) {
		free(text);
		return -1;
	}
	(void)draw_lines(stdout, text, style.cut ? style.columns : 0, 0, "\n");
	free(text);
	return 0;
}

/* There is no spool to look at: why? */
static int
say_no_spool(const struct context *ctx)
{
	struct spool sp;
	char *why = NULL;
	int err, level;

	err = spool_open(&sp, ctx->cfg.spool, SPOOL_READ, &why);
	if (err == 0)
		spool_close(&sp); /* it has just appeared */
	level = say_unknown(
	    ctx, ctx->cfg.spool, why != NULL ? why : strerror(-err));
	free(why);
	return level;
}

static int
run_status(struct context *ctx, int noperands, char *operands[])
{
	struct health_limits limits = health_defaults;
	struct health health;
	struct picture p;
	int code = take_all(ctx, &limits);

	(void)noperands;
	(void)operands;
	if (code != EX_OK)
		return code;
	if (ctx->config_fault != NULL)
		return say_unknown(ctx, ctx->config_fault, NULL);
	if (ctx->sp.path == NULL)
		return say_no_spool(ctx);
	if (ctx->is_foreign && context_option(ctx, "nagios") != NULL)
		return say_unknown(ctx,
		    "only your own mail is yours to see: run it as root or "
		    "the owner of the spool, or as a member of its group",
		    NULL);
	if (picture_load(&p, ctx, ctx->now_us) != EX_OK)
		return say_unknown(ctx, "the spool cannot be read", NULL);
	health_judge(&health, &p, &limits);
	if (context_option(ctx, "nagios") != NULL)
		put_plugin(&p, &health, &limits);
	else if (show(&p, &health) < 0) {
		warnx("out of memory");
		health.level = HEALTH_UNKNOWN;
	}
	picture_release(&p);
	return (int)health.level;
}

const struct command command_status = {
	.name = "status",
	.args = "[--nagios] [--warn-age TIME] [--crit-age TIME] ...",
	.does = "tell whether mail is leaving",
	.options = options,
	.needs_no_spool = true,
	.run = run_status,
};
