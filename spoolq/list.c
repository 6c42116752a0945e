/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* spoolq list: the queue for people and, with --json, for programs. */

#include "config.h"

#include <err.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sysexits.h>
#include <unistd.h>

#include "spoolq/output.h"
#include "spoolq/view.h"

/* Narrower than this, lines are left to wrap. */
#define COLUMNS_MIN 60

/* $COLUMNS if set, else the terminal's width; 0 when there is none. */
static size_t
columns(void)
{
	const char *given = getenv("COLUMNS");
	struct winsize size;
	unsigned long wide = 0;

	if (given != NULL)
		wide = strtoul(given, NULL, 10);
	else if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
		wide = size.ws_col;
	return wide >= COLUMNS_MIN && wide < 10000 ? wide : 0;
}

static int
list_json(struct view *v, const struct context *ctx)
{
	struct message *m;

	for (m = view_first(v); m != NULL; m = view_next(v, m)) {
		struct json_object *obj;
		const char *text;

		if (!filter_matches(&ctx->filter, m))
			continue;
		obj = output_json(m, view_relay_fault(v, m));
		text = json_object_to_json_string_ext(obj,
		    JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE);

		if (obj == NULL || text == NULL) {
			json_object_put(obj);
			warnx("out of memory");
			return EX_TEMPFAIL;
		}
		(void)puts(text);
		json_object_put(obj);
	}
	return EX_OK;
}

static void
print_sum(size_t messages, size_t rcpts, uint64_t bytes)
{
	char size[OUTPUT_WORD];

	if (messages == 0) {
		(void)puts("the queue is empty");
		return;
	}
	output_size(bytes, size);
	(void)printf("%zu message%s, %zu recipient%s to go, %s bytes\n",
	    messages, messages == 1 ? "" : "s", rcpts, rcpts == 1 ? "" : "s",
	    size);
}

static int
list_table(struct view *v, const struct context *ctx)
{
	size_t wide = columns(), messages = 0, rcpts = 0;
	uint64_t bytes = 0;
	struct message *m;

	for (m = view_first(v); m != NULL; m = view_next(v, m)) {
		if (!filter_matches(&ctx->filter, m))
			continue;
		if (messages++ == 0)
			output_table_head(stdout, wide);
		if (output_table_row(stdout, m, ctx->now_us, wide) < 0) {
			warnx("out of memory");
			return EX_TEMPFAIL;
		}
		rcpts += m->npending;
		bytes += m->size_bytes;
	}
	if (messages == 0 && filter_is_set(&ctx->filter))
		(void)puts("no message matches");
	else
		print_sum(messages, rcpts, bytes);
	return EX_OK;
}

static int
run_list(struct context *ctx, int noperands, char *operands[])
{
	bool is_json = (ctx->flags & COMMAND_JSON) != 0;
	struct view v;
	int code;

	(void)noperands;
	(void)operands;
	code = view_load(&v, ctx);
	if (code != EX_OK)
		return code;
	view_warn(&v, ctx);
	code = is_json ? list_json(&v, ctx) : list_table(&v, ctx);
	view_release(&v);
	return code;
}

const struct command command_list = {
	.name = "list",
	.args = "[--json] [--from WHO] [--to WHO]",
	.does = "show the messages in the spool",
	.flags = COMMAND_JSON | COMMAND_FILTER,
	.run = run_list,
};
