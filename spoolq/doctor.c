/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* spoolq doctor: is everything in place for mail to leave? */

#include "config.h"

#include <err.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/json-out.h"
#include "lib/text.h"
#include "lib/wire.h"
#include "spoolq/doctor.h"
#include "spoolq/story.h"

/* Columns before a finding's text. */
#define INDENT 16
/* Seconds for each step with a relay. */
#define STEP_DEFAULT_S 5
#define STEP_MAX_S 300
#define TEXT_MAX 1200

static const char *const grade_names[] = { "ok", "warn", "FAIL" };
static const char *const grade_words[] = { "ok", "warn", "fail" };

/* ---- text ------------------------------------------------------------ */

/* TEXT behind column INDENT, to the end of the line. */
static void
put_lines(const struct doctor *d, const char *text, size_t indent)
{
	story_wrap(stdout, &d->style, text, indent, indent);
	(void)putchar('\n');
}

/* Of which relay the next lines are, unless that was said. */
static void
put_heading(struct doctor *d, const struct finding *f)
{
	if (f->relay == NULL || strcmp(f->relay, d->relay) == 0)
		return;
	(void)snprintf(d->relay, sizeof(d->relay), "%s", f->relay);
	(void)printf("relay %s\n", f->relay);
}

/* Steps that are the first with a server say which it is. */
static bool
names_server(const struct finding *f)
{
	static const char *const steps[] = { "srv", "resolve", "connect",
		"maildir", "probe" };

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (f->server != NULL && strcmp(f->check, steps[i]) == 0)
			return true;
	return false;
}

static void
put_text(struct doctor *d, const struct finding *f, const char *text)
{
	bool has_name = names_server(f);
	char *line = NULL;

	put_heading(d, f);
	(void)printf("%-5s %-9s ", grade_names[f->grade], f->check);
	if (asprintf(&line, "%s%s%s", has_name ? f->server : "",
		has_name ? ": " : "", text) < 0)
		line = NULL;
	put_lines(d, line != NULL ? line : text, INDENT);
	free(line);
	if (f->grade == GRADE_OK || f->advice == NULL)
		return;
	(void)printf("%*s-> ", INDENT, "");
	put_lines(d, f->advice, INDENT + 3);
}

static void
put_json(const struct finding *f, const char *text)
{
	struct json_out out = { .text = NULL };

	json_out_raw(&out, "{", 1);
	json_out_member(&out, "result", grade_words[f->grade]);
	json_out_member(&out, "check", f->check);
	json_out_member(&out, "relay", f->relay);
	json_out_member(&out, "server", f->server);
	json_out_member(&out, "text", text);
	if (f->grade != GRADE_OK)
		json_out_member(&out, "advice", f->advice);
	if (f->delay_ms >= 0)
		json_out_uint(&out, "delay_ms", (uint64_t)f->delay_ms);
	if (f->expires_s > 0)
		json_out_uint(&out, "expires", (uint64_t)f->expires_s);
	json_out_raw(&out, "}\n", 2);
	if (out.failed)
		warnx("out of memory");
	else
		(void)fwrite(out.text, 1, out.len, stdout);
	json_out_free(&out);
}

void
doctor_put(struct doctor *d, const struct finding *f)
{
	char *text = text_clean(span_of(f->text), TEXT_MAX);

	d->count[f->grade]++;
	if (d->is_json)
		put_json(f, text != NULL ? text : "");
	else
		put_text(d, f, text != NULL ? text : "");
	free(text);
	(void)fflush(stdout);
}

void
doctor_say(struct doctor *d, enum grade grade, const char *check,
    const char *advice, const char *fmt, ...)
{
	char text[TEXT_MAX];
	struct finding f = {
		.grade = grade,
		.check = check,
		.advice = advice,
		.text = text,
		.delay_ms = -1,
	};
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	doctor_put(d, &f);
}

/* ---- the command ----------------------------------------------------- */

static void
put_summary(const struct doctor *d)
{
	unsigned fails = d->count[GRADE_FAIL], warns = d->count[GRADE_WARN];

	if (d->is_json)
		return;
	if (fails + warns == 0)
		(void)printf("all is well\n");
	else
		(void)printf("%u failure%s, %u warning%s\n", fails,
		    fails == 1 ? "" : "s", warns, warns == 1 ? "" : "s");
}

static bool
is_owner_of(const char *spool)
{
	struct stat st;

	return geteuid() == 0 ||
	    (stat(spool, &st) == 0 && st.st_uid == geteuid());
}

static int
doctor_run(struct context *ctx, int noperands, char *operands[])
{
	const char *relay = context_option(ctx, "relay");
	const char *timeout = context_option(ctx, "timeout");
	unsigned long long step_s = STEP_DEFAULT_S;
	struct doctor d = {
		.ctx = ctx,
		.has_spool = ctx->sp.path != NULL && !ctx->is_foreign,
		.is_json = context_option(ctx, "json") != NULL,
		.is_owner = is_owner_of(ctx->cfg.spool),
	};

	(void)noperands;
	(void)operands;
	draw_style(&d.style, STDOUT_FILENO);
	/* It is to be read, wherever it goes. */
	d.style.cut = true;
	if (timeout != NULL &&
	    (!wire_number(span_of(timeout), STEP_MAX_S, &step_s) ||
		step_s == 0)) {
		warnx("--timeout %s is not a number of seconds from 1 to %d",
		    timeout, STEP_MAX_S);
		return EX_USAGE;
	}
	if (relay != NULL && config_relay(&ctx->cfg, relay) == NULL) {
		warnx("there is no relay '%s'", relay);
		return EX_USAGE;
	}
	if (relay == NULL) {
		doctor_check_config(&d);
		doctor_check_spool(&d);
		doctor_check_system(&d);
	}
	doctor_check_relays(&d, relay, (unsigned)step_s);
	put_summary(&d);
	if (d.count[GRADE_FAIL] > 0)
		return GRADE_FAIL;
	return d.count[GRADE_WARN] > 0 ? GRADE_WARN : GRADE_OK;
}

static const struct command_option options[] = {
	{ "json", NULL, 0, "each finding as a JSON object on a line" },
	{ "relay", "NAME", 0, "look at this relay, and nothing else" },
	{ "timeout", "SECONDS", 0, "for each step with a relay (5)" },
	{ NULL, NULL, 0, NULL },
};

const struct command command_doctor = {
	.name = "doctor",
	.args = "[--json] [--relay NAME] [--timeout SECONDS]",
	.does = "look for what keeps mail from leaving, and say what to do",
	.options = options,
	.needs_no_spool = true,
	.run = doctor_run,
};
