/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See progress.h. */

#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/text.h"
#include "spoolq/output.h"
#include "spoolq/progress.h"

/* Cells of a bar, in a terminal that is wide enough for them. */
#define CELLS_MAX 20
#define COLUMNS_FOR_CELLS 50
/* To the beginning of the line, and nothing behind it. */
#define ERASE_LINE "\r\33[K"

#define LINE_MS 30000

static size_t
done_of(const struct progress_state *state)
{
	return state->left + state->failed;
}

static void
put_cells(FILE *out, const struct progress_state *state)
{
	size_t full = state->all == 0
	    ? CELLS_MAX
	    : (size_t)((unsigned long long)done_of(state) * CELLS_MAX /
		  state->all);

	(void)fputc('[', out);
	for (size_t i = 0; i < CELLS_MAX; i++)
		(void)fputc(i < full ? '#' : '-', out);
	(void)fputs("] ", out);
}

/* "12 of 40 have left, 3 failed, 25 to go, 5 put off: 450 busy" */
static void
put_words(FILE *out, const struct progress_state *state)
{
	size_t rest = state->all - done_of(state);

	(void)fprintf(out, "%zu of %zu ha%s left", state->left, state->all,
	    state->left == 1 ? "s" : "ve");
	if (state->failed > 0)
		(void)fprintf(out, ", %zu failed", state->failed);
	if (rest == 0)
		return;
	(void)fprintf(out, ", %zu to go", rest);
	if (state->put_off > 0)
		(void)fprintf(out, ", %zu put off", state->put_off);
	if (state->text == NULL)
		return;
	(void)fputs(": ", out);
	output_clean(out, state->text);
}

void
progress_put_bar(FILE *out, const struct progress_state *state, size_t columns)
{
	char *line = NULL;
	size_t len;
	FILE *text = open_memstream(&line, &len);

	if (text == NULL)
		return;
	if (columns >= COLUMNS_FOR_CELLS)
		put_cells(text, state);
	put_words(text, state);
	if (fclose(text) == 0)
		output_fit(out, line, columns);
	free(line);
}

static bool
is_same(const struct progress_state *a, const struct progress_state *b)
{
	return a->all == b->all && a->left == b->left &&
	    a->failed == b->failed && a->put_off == b->put_off &&
	    a->texts == b->texts;
}

/* Whether a line is due where there is no terminal. */
static bool
is_due(const struct progress *p, const struct progress_state *state,
    int64_t now_ms)
{
	size_t done = done_of(state), tenth = (state->all + 9) / 10;

	if (!p->was_shown || done >= p->done + tenth)
		return true;
	return now_ms - p->shown_ms >= LINE_MS && !is_same(&p->last, state);
}

void
progress_show(struct progress *p, FILE *out, size_t columns,
    const struct progress_state *state, int64_t now_ms)
{
	if (columns > 0) {
		if (p->is_bar && is_same(&p->last, state))
			return;
		(void)fputs(ERASE_LINE, out);
		progress_put_bar(out, state, columns - 1);
		p->is_bar = true;
	} else {
		if (!is_due(p, state, now_ms))
			return;
		put_words(out, state);
		(void)fputc('\n', out);
		p->done = done_of(state);
	}
	(void)fflush(out);
	p->was_shown = true;
	p->shown_ms = now_ms;
	p->last = *state;
}

void
progress_clear(struct progress *p, FILE *out)
{
	if (!p->is_bar)
		return;
	(void)fputs(ERASE_LINE, out);
	(void)fflush(out);
	p->is_bar = false;
}
