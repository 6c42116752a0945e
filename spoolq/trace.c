/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * spoolq trace: what happened to the messages of a Message-Id, which is what
 * senders and recipients know of them.
 */

#include "config.h"

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/history.h"
#include "lib/json-out.h"
#include "spoolq/spoolq.h"
#include "spoolq/story-read.h"

/* So many messages are traced: a Message-Id should have one. */
#define FOUND_MAX 50

struct finder {
	struct span wanted; /* without its angle brackets */
	struct span inside; /* … as it stands in JSON */
	char ids[FOUND_MAX][SPOOL_ID_SIZE];
	size_t n;
	bool has_more;
};

static struct span
strip(const char *id)
{
	struct span s = span_of(id);

	if (s.len > 0 && s.ptr[0] == '<') {
		s.ptr++;
		s.len--;
	}
	if (s.len > 0 && s.ptr[s.len - 1] == '>')
		s.len--;
	return s;
}

static void
see(struct finder *f, const struct event *ev)
{
	struct span id;

	if (ev->kind != EVENT_ADMITTED || ev->message_id == NULL)
		return;
	id = strip(ev->message_id);
	if (id.len != f->wanted.len ||
	    memcmp(id.ptr, f->wanted.ptr, id.len) != 0)
		return;
	/* Of one that was admitted twice the story is told once. */
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->ids[i], ev->id) == 0)
			return;
	f->has_more = f->n == FOUND_MAX;
	if (!f->has_more)
		(void)strcpy(f->ids[f->n++], ev->id);
}

/* 0 or -errno. */
static int
find(struct finder *f, const struct spool *sp)
{
	const struct event *ev;
	struct history h;
	struct span line;
	int err;

	history_open(&h, sp->dir_fd, 0);
	while ((err = history_next_line(&h, &line)) > 0) {
		/* Many times faster than parsing. */
		if (memmem(line.ptr, line.len, f->inside.ptr, f->inside.len) ==
		    NULL)
			continue;
		err = history_parse(&h, &ev);
		if (err == 0)
			see(f, ev);
		else if (err != -EINVAL)
			break;
	}
	history_close(&h);
	return err;
}

static int
tell(const struct context *ctx, const struct finder *f)
{
	struct style style;
	int code = EX_OK;
	bool any;

	draw_style(&style, STDOUT_FILENO);
	for (size_t i = 0; i < f->n && code == EX_OK; i++) {
		if (i > 0)
			(void)putchar('\n');
		draw_colour(stdout, &style, COLOUR_BOLD);
		(void)puts(f->ids[i]);
		draw_plain(stdout, &style);
		code =
		    story_tell(stdout, &style, &ctx->sp, f->ids[i], NULL, &any);
	}
	if (f->has_more)
		warnx("there are more than these %d", FOUND_MAX);
	return code;
}

static int
find_and_tell(const struct context *ctx, struct finder *f)
{
	int err = find(f, &ctx->sp);

	if (err < 0) {
		warnx("cannot read the history: %s", strerror(-err));
		return exit_code(err);
	}
	if (f->n > 0)
		return tell(ctx, f);
	warnx("no message with this Message-Id in the history");
	return EX_NOINPUT;
}

static int
run_trace(struct context *ctx, int noperands, char *operands[])
{
	struct finder f = { .wanted = strip(operands[0]) };
	struct json_out json = { .text = NULL };
	char *wanted;
	int code = EX_TEMPFAIL;

	(void)noperands;
	if (ctx->is_foreign) {
		warnx("the history is for the spool's owner and group");
		return EX_NOPERM;
	}
	if (f.wanted.len == 0) {
		warnx("a Message-Id is needed");
		return EX_USAGE;
	}
	wanted = strndup(f.wanted.ptr, f.wanted.len);
	if (wanted != NULL)
		json_out_string(&json, wanted);
	if (wanted == NULL || json.failed) {
		warnx("out of memory");
	} else {
		/* Between its quotes. */
		f.inside = (struct span){ json.text + 1, json.len - 2 };
		code = find_and_tell(ctx, &f);
	}
	json_out_free(&json);
	free(wanted);
	return code;
}

const struct command command_trace = {
	.name = "trace",
	.args = "MESSAGE-ID",
	.does = "tell what happened to the messages of a Message-Id",
	.operand = "Message-Id",
	.operands_min = 1,
	.operands_max = 1,
	.run = run_trace,
};
