/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* spoolq watch: the state of things, again and again. */

#include "config.h"

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "lib/conf-value.h"
#include "lib/date.h"
#include "lib/fsutil.h"
#include "spoolq/frame.h"
#include "spoolq/tty.h"

#define SECOND_US ((int64_t)1000000)
#define INTERVAL_DEFAULT 2
#define INTERVAL_MAX 3600
/* Of its time, the share that it may read the queue: one in so many. */
#define SHARE 10

/* What was there before is erased. */
#define NEWLINE "\r\n"
#define EOL "\033[K" NEWLINE

struct watch {
	struct context *ctx;
	struct frame_before before;
	int64_t interval_us; /* as asked for */
	int64_t cost_us;     /* of the last frame, of processor time */
	char complaint[256]; /* what the last reading said */
};

static const struct command_option options[] = {
	{ .name = "interval",
	    .arg = "TIME",
	    .letter = 'n',
	    .does = "between two looks, 2s" },
	{ .name = NULL },
};

static int64_t
spent_us(void)
{
	struct timespec ts = { .tv_sec = 0 };

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec * SECOND_US + ts.tv_nsec / 1000;
}

/* A long queue is looked at less often. */
static int64_t
pause_us(const struct watch *w)
{
	int64_t least_us = w->cost_us * (SHARE - 1);

	return w->interval_us > least_us ? w->interval_us : least_us;
}

/*
 * picture_load(), but what it says on standard error must not end up between
 * the lines of the screen.
 */
static int
load(struct watch *w, struct picture *p)
{
	int saved = dup(STDERR_FILENO), mem = memfd_create("stderr", 0);
	ssize_t len = 0;
	int code;

	if (saved >= 0 && mem >= 0)
		(void)dup2(mem, STDERR_FILENO);
	code = picture_load(p, w->ctx, date_now_us());
	if (saved >= 0 && mem >= 0) {
		(void)dup2(saved, STDERR_FILENO);
		len = pread(mem, w->complaint, sizeof(w->complaint) - 1, 0);
	}
	w->complaint[len > 0 ? len : 0] = '\0';
	w->complaint[strcspn(w->complaint, "\n")] = '\0';
	if (saved >= 0)
		(void)close(saved);
	if (mem >= 0)
		(void)close(mem);
	return code;
}

/* Write FRAME from the top left corner on, over what is there. */
static int
draw(const char *frame, const struct style *style)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	int result;

	if (out == NULL)
		return -ENOMEM;
	(void)fputs("\033[H", out);
	if (draw_lines(out, frame, style->columns, style->rows, EOL) > 0)
		/* The last line's end would scroll. */
		(void)fseek(out, -(long)strlen(NEWLINE), SEEK_CUR);
	(void)fputs("\033[J", out);
	if (fclose(out) != 0) {
		free(text);
		return -ENOMEM;
	}
	/* At once: nothing flickers. */
	result = fs_write_all(STDOUT_FILENO, text, len);
	free(text);
	return result;
}

static void
put_frame(FILE *out, struct watch *w, const struct style *style)
{
	struct picture p;

	if (load(w, &p) != EX_OK) {
		(void)fputs("UNKNOWN: the spool cannot be read\n", out);
		draw_text(out, w->complaint, style->columns);
		(void)fputs("\n\nq quit\n", out);
		return;
	}
	frame_put(out, style, &p, &w->before, pause_us(w));
	w->before = frame_of(&p);
	picture_release(&p);
}

static int
show(struct watch *w)
{
	int64_t start_us = spent_us();
	struct style style;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	int result;

	if (out == NULL)
		return -ENOMEM;
	draw_style(&style, STDOUT_FILENO);
	if (style.rows == 0)
		style.rows = 24;
	put_frame(out, w, &style);
	result = fclose(out) == 0 ? draw(text, &style) : -ENOMEM;
	free(text);
	w->cost_us = spent_us() - start_us;
	return result;
}

static int
run_loop(struct watch *w)
{
	int result = show(w);

	while (result == 0) {
		int key = tty_key(pause_us(w) / 1000, "qQ");

		if (key == 'q' || key == 'Q')
			return EX_OK;
		result = key < 0 ? key : show(w);
	}
	return result == -ENOMEM ? EX_TEMPFAIL : EX_IOERR;
}

static int
run_watch(struct context *ctx, int noperands, char *operands[])
{
	struct watch w = { .ctx = ctx };
	const char *interval = context_option(ctx, "interval");
	unsigned seconds = INTERVAL_DEFAULT;
	int code;

	(void)noperands;
	(void)operands;
	if (interval != NULL &&
	    (!config_parse_duration(interval, INTERVAL_MAX, &seconds) ||
		seconds == 0)) {
		warnx("--interval: '%s' is no time from 1s to 1h", interval);
		return EX_USAGE;
	}
	w.interval_us = seconds * SECOND_US;
	code = tty_enter();
	if (code < 0) {
		warnx("watch needs a terminal; "
		      "'spoolq status' shows the same once");
		return EX_USAGE;
	}
	code = run_loop(&w);
	tty_leave();
	if (code != EX_OK)
		warnx("the terminal is gone, or memory used up");
	return code;
}

const struct command command_watch = {
	.name = "watch",
	.args = "[-n TIME]",
	.does = "show the state live, until q is pressed",
	.options = options,
	.run = run_watch,
};
