/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * See lib/fold.h.  A line is collected until it ends or one byte more than
 * the longest comes; then a part of it goes out, and whether that part needs
 * a line end is known only when something follows that can stand alone.
 */

#include "config.h"

#include <string.h>

#include "lib/fold.h"
#include "lib/utf8.h"

static const char crlf[] = "\r\n";

static bool
is_white(char c)
{
	return c == ' ' || c == '\t';
}

static bool
is_all_white(const struct fold *f)
{
	size_t i;

	for (i = 0; i < f->len && is_white(f->line[i]); i++)
		;
	return i == f->len;
}

/* Whether the next byte begins a line of the input. */
static bool
is_at_start(const struct fold *f)
{
	return f->len == 0 && !f->is_continued && !f->has_cr;
}

void
fold_init(struct fold *f, bool is_header, fold_fn *fn, void *arg)
{
	f->fn = fn;
	f->arg = arg;
	f->in_header = is_header;
	f->is_continued = false;
	f->owes_end = false;
	f->has_cr = false;
	f->len = 0;
}

/* ---- where to cut ------------------------------------------------------ */

/*
 * Where LINE, full, may end inside a word that goes on with NEXT: not in the
 * middle of a character.
 */
static size_t
place_in_word(const struct fold *f, char next)
{
	size_t lead = f->len - 1;
	unsigned char c;

	if (!utf8_is_tail(next))
		return f->len;
	while (lead > f->len - 3 && utf8_is_tail(f->line[lead]))
		lead--;
	c = (unsigned char)f->line[lead];
	if (c >= (f->len - lead == 1 ? 0xc2 : f->len - lead == 2 ? 0xe0 : 0xf0))
		return lead;
	/* No character: cutting it does no harm. */
	return f->len;
}

/*
 * The first place of LINE that may begin a line of its own: what is before it
 * still is a field, or more than white space.  F->len: there is none.
 */
static size_t
first_place(const struct fold *f)
{
	const char *colon;
	size_t i = 0;

	if (!f->is_continued && !is_white(f->line[0])) {
		colon = memchr(f->line, ':', f->len);
		return colon != NULL ? (size_t)(colon - f->line) + 1 : f->len;
	}
	while (i < f->len && is_white(f->line[i]))
		i++;
	return i < f->len ? i + 1 : f->len;
}

/*
 * Where the last white space of LINE begins, NEXT counted, from FIRST on; 0
 * for none.
 */
static size_t
place_of_white(const struct fold *f, size_t first, char next)
{
	size_t i = f->len;

	if (!is_white(next)) {
		while (i > first && !is_white(f->line[i - 1]))
			i--;
		if (i == first)
			return 0;
	}
	while (i > first && is_white(f->line[i - 1]))
		i--;
	return i;
}

/* ---- out --------------------------------------------------------------- */

/* Give out the first N bytes of LINE; what goes on is another line. */
static int
give(struct fold *f, size_t n)
{
	int err = f->owes_end ? f->fn(crlf, 2, f->arg) : 0;

	if (err == 0)
		err = f->fn(f->line, n, f->arg);
	f->len -= n;
	memmove(f->line, f->line + n, f->len);
	f->is_continued = true;
	f->owes_end = true;
	return err;
}

/* The same inside a word: what goes on is folded by a space of our own. */
static int
give_word(struct fold *f, char next)
{
	int err = give(f, place_in_word(f, next));

	memmove(f->line + 1, f->line, f->len);
	f->line[0] = ' ';
	f->len++;
	return err;
}

/* Make room in LINE, which is full, for NEXT. */
static int
cut(struct fold *f, char next)
{
	size_t place;

	if (!f->in_header)
		return give_word(f, next);
	if (is_all_white(f)) {
		/* It cannot be a line, and means no more than one of it. */
		f->len = 1;
		return 0;
	}
	place = place_of_white(f, first_place(f), next);
	return place > 0 ? give(f, place) : give_word(f, next);
}

static int
add(struct fold *f, const char *text, size_t len)
{
	int err = 0;

	while (len > 0 && err == 0) {
		size_t n = sizeof(f->line) - f->len;

		if (n == 0) {
			err = cut(f, *text);
			continue;
		}
		if (n > len)
			n = len;
		memcpy(f->line + f->len, text, n);
		f->len += n;
		text += n;
		len -= n;
	}
	return err;
}

/* Give out what is left of a line. */
static int
finish(struct fold *f)
{
	bool is_nothing =
	    f->len == 0 || (f->in_header && f->owes_end && is_all_white(f));
	int err = is_nothing ? 0 : give(f, f->len);

	f->len = 0;
	f->is_continued = false;
	f->owes_end = false;
	return err;
}

static int
end_line(struct fold *f)
{
	int err;

	if (is_at_start(f))
		f->in_header = false;
	err = finish(f);
	return err == 0 ? f->fn(crlf, 2, f->arg) : err;
}

/* ---- in ---------------------------------------------------------------- */

int
fold_piece(struct fold *f, const char *text, size_t len, bool ends)
{
	int err;

	if (ends && len > 0 && len <= FOLD_LINE_MAX && is_at_start(f)) {
		err = f->fn(text, len, f->arg);
		return err == 0 ? f->fn(crlf, 2, f->arg) : err;
	}
	err = add(f, text, len);
	return err == 0 && ends ? end_line(f) : err;
}

/* Part of a block, at most one line of it. */
static int
take_part(struct fold *f, const char *text, size_t len)
{
	int err = 0;

	if (f->has_cr) {
		f->has_cr = false;
		if (text[0] == '\n')
			return end_line(f);
		err = add(f, "\r", 1);
	}
	if (err == 0 && len >= 2 && memcmp(text + len - 2, crlf, 2) == 0)
		return fold_piece(f, text, len - 2, true);
	if (text[len - 1] == '\r') {
		len--;
		f->has_cr = true;
	}
	return err == 0 && len > 0 ? add(f, text, len) : err;
}

/* Length of the short whole lines that TEXT begins with. */
static size_t
skip_short(struct fold *f, const char *text, size_t len)
{
	size_t skipped = 0;

	while (skipped < len) {
		const char *line = text + skipped;
		const char *lf = memchr(line, '\n', len - skipped);
		size_t n = lf != NULL ? (size_t)(lf - line) + 1 : 0;

		if (n < 2 || n > FOLD_LINE_MAX + 2 || lf[-1] != '\r')
			break;
		if (n == 2)
			f->in_header = false;
		skipped += n;
	}
	return skipped;
}

int
fold_block(struct fold *f, const char *block, size_t len)
{
	int err = 0;

	while (len > 0 && err == 0) {
		size_t n = is_at_start(f) ? skip_short(f, block, len) : 0;
		const char *lf;

		if (n > 0) {
			err = f->fn(block, n, f->arg);
		} else {
			lf = memchr(block, '\n', len);
			n = lf != NULL ? (size_t)(lf - block) + 1 : len;
			err = take_part(f, block, n);
		}
		block += n;
		len -= n;
	}
	return err;
}

int
fold_end(struct fold *f)
{
	int err = 0;

	if (f->has_cr) {
		f->has_cr = false;
		err = add(f, "\r", 1);
	}
	return err == 0 ? finish(f) : err;
}

bool
fold_is_due(const char *block, size_t block_len, size_t *len)
{
	const char *end = block + block_len;

	while (block < end) {
		const char *lf = memchr(block, '\n', (size_t)(end - block));

		*len += (size_t)((lf != NULL ? lf : end) - block);
		/* A CR is counted: it may be of the line end to come. */
		if (*len > FOLD_LINE_MAX + 1)
			return true;
		if (lf == NULL)
			return false;
		*len = 0;
		block = lf + 1;
	}
	return false;
}
