/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Whether "a b" is a name or two addresses shows only when "<", ":" or a
 * separator follows.  So every element of a list is looked over to its end,
 * then parsed.  Nothing recurses, and every byte is looked at a bounded number
 * of times: a field of 100,000 recipients costs no more than it should.
 */

#include "config.h"

#include "lib/address.h"
#include "lib/scan.h"

struct walk {
	struct scan scan;
	address_fn *fn;
	void *arg;
};

static char
char_at(const struct scan *s, size_t pos)
{
	return s->text.ptr[pos];
}

/* Whether a word of a local part is clean enough for SMTP. */
static int
check_word(const struct scan *s, const struct token *t)
{
	for (size_t i = t->start; i < t->end; i++) {
		char c = char_at(s, i);

		if (c == '\\') {
			if (!scan_is_pair(s, i) ||
			    scan_is_control(char_at(s, i + 1)))
				return scan_fail(s, i);
			i++;
		} else if (t->kind == TOKEN_QUOTED && scan_is_space(c)) {
			continue;
		} else if (scan_is_control(c) ||
		    (c == ']' && t->kind != TOKEN_QUOTED)) {
			return scan_fail(s, i);
		}
	}
	return 0;
}

/*
 * Whether a piece of a domain is clean; *WAS_DOT says whether a dot, or the
 * "@", stands before it, since a label cannot be empty.
 */
static int
check_domain(const struct scan *s, const struct token *t, bool *was_dot)
{
	bool is_literal = t->kind == TOKEN_LITERAL;

	for (size_t i = t->start; i < t->end; i++) {
		char c = char_at(s, i);
		bool is_dot = c == '.' && !is_literal;

		if (is_literal && scan_is_space(c))
			continue;
		if (c == '\\' || scan_is_control(c) || (is_dot && *was_dot) ||
		    (c == ']' && !is_literal))
			return scan_fail(s, i);
		*was_dot = is_dot;
	}
	return 0;
}

static bool
is_word(const struct token *t)
{
	return t->kind == TOKEN_ATOM || t->kind == TOKEN_QUOTED;
}

/*
 * Whether NEXT goes on where LAST ended: the obsolete "john . doe" is one
 * local part, "john doe" are two addresses.
 */
static bool
is_joined(
    const struct scan *s, const struct token *last, const struct token *next)
{
	if (last->kind == TOKEN_LITERAL)
		return false;
	return (last->kind == TOKEN_ATOM && char_at(s, last->end - 1) == '.') ||
	    (next->kind == TOKEN_ATOM && char_at(s, next->start) == '.');
}

/*
 * Look for a word that continues the one that ended with *LAST.  1: it is in
 * *LAST and S is behind it.  0: there is none.  -EINVAL: what follows is
 * neither part of it nor apart from it, as in '"a"b'.
 */
static int
scan_more(struct scan *s, struct token *last, bool is_domain)
{
	struct scan ahead = *s;
	struct token next;
	int err = scan_solid(&ahead, &next);
	bool fits = is_domain ? next.kind == TOKEN_ATOM : is_word(&next);

	if (err != 0)
		return err;
	if (fits && is_joined(s, last, &next)) {
		*s = ahead;
		*last = next;
		return 1;
	}
	if (next.start == last->end &&
	    (is_word(&next) || next.kind == TOKEN_LITERAL))
		return scan_fail(s, next.start);
	return 0;
}

/* Parse the local part that begins with FIRST. */
static int
parse_local(struct scan *s, const struct token *first, struct span *ret)
{
	struct token last = *first;
	int err;

	if (!is_word(first))
		return scan_fail(s, first->start);
	do {
		err = check_word(s, &last);
		if (err == 0)
			err = scan_more(s, &last, false);
	} while (err == 1);
	if (err == 0)
		*ret = (struct span){ s->text.ptr + first->start,
			last.end - first->start };
	return err;
}

/* Parse the domain behind the "@" at AT. */
static int
parse_domain(struct scan *s, size_t at, struct span *ret)
{
	struct token first, last;
	bool was_dot = true;
	int err = scan_solid(s, &first);

	if (err != 0)
		return err;
	if (first.kind != TOKEN_ATOM && first.kind != TOKEN_LITERAL)
		return scan_fail(s, at);
	last = first;
	do {
		err = check_domain(s, &last, &was_dot);
		if (err == 0)
			err = scan_more(s, &last, true);
	} while (err == 1);
	if (err == 0)
		*ret = (struct span){ s->text.ptr + first.start,
			last.end - first.start };
	return err;
}

/*
 * If BOX, of which LOCAL is all, is "host!user", make it user at host: the
 * first host of several is the next one on the way.  What is quoted in any
 * way was meant as it is.
 */
static void
split_bang(struct mailbox *box)
{
	struct span local = box->local, host = local;
	const char *bang = memchr(local.ptr, '!', local.len);
	size_t ignored;
	struct scan s = { local, 0, &ignored };
	struct token t = { TOKEN_ATOM, 0, 0 };
	bool was_dot = true;

	if (bang == NULL || memchr(local.ptr, '\\', local.len) != NULL)
		return;
	host.len = (size_t)(bang - local.ptr);
	local.ptr = bang + 1;
	local.len -= host.len + 1;
	t.end = host.len;
	/* Neither may begin or end such that what is beside it joins it. */
	if (host.len == 0 || local.len == 0 || local.ptr[0] == '.' ||
	    check_domain(&s, &t, &was_dot) != 0 || was_dot)
		return;
	box->domain = host;
	box->local = local;
}

/*
 * Parse "local", "local@domain" or "host!user" from FIRST, behind which S is.
 */
static int
parse_spec(struct scan *s, const struct token *first, struct mailbox *ret)
{
	struct scan ahead;
	struct token at;
	int err = parse_local(s, first, &ret->local);

	if (err != 0)
		return err;
	ret->domain = (struct span){ s->text.ptr + s->pos, 0 };
	ahead = *s;
	err = scan_solid(&ahead, &at);
	if (err != 0)
		return err;
	if (at.kind != '@') {
		/* Not of several words. */
		if (first->kind == TOKEN_ATOM && s->pos == first->end)
			split_bang(ret);
		return 0;
	}
	*s = ahead;
	return parse_domain(s, at.start, &ret->domain);
}

/*
 * Report the mailbox BOX, which began at START and whose last token S is
 * behind, with the comments that follow it.
 */
static int
emit(struct walk *w, struct mailbox *box, size_t start)
{
	size_t end = w->scan.pos;
	struct token t;
	int err;

	for (;;) {
		struct scan ahead = w->scan;

		err = scan_next(&ahead, &t);
		if (err != 0)
			return err;
		if (t.kind != TOKEN_COMMENT)
			break;
		w->scan = ahead;
		end = t.end;
	}
	box->whole = (struct span){ w->scan.text.ptr + start, end - start };
	return w->fn(box, w->arg);
}

/* Visit the addresses, and nothing else, from here up to END. */
static int
walk_plain(struct walk *w, size_t end)
{
	struct mailbox box;
	struct token t;
	size_t start = end;
	int err;

	while ((err = scan_next(&w->scan, &t)) == 0 && t.start < end) {
		if (start == end)
			start = t.start;
		if (t.kind == TOKEN_COMMENT)
			continue;
		err = parse_spec(&w->scan, &t, &box);
		if (err == 0)
			err = emit(w, &box, start);
		if (err != 0)
			return err;
		start = end;
	}
	return err;
}

/*
 * Go past a source route, of which the "@" is read; *RET is the token behind
 * its colon, or the end of the text.
 */
static int
skip_route(struct scan *s, struct token *ret)
{
	int err;

	do {
		err = scan_solid(s, ret);
		if (err != 0)
			return err;
	} while (ret->kind == '@' || ret->kind == ',' ||
	    ret->kind == TOKEN_ATOM || ret->kind == TOKEN_LITERAL);
	if (ret->kind == ':')
		return scan_solid(s, ret);
	return ret->kind == TOKEN_END ? 0 : scan_fail(s, ret->start);
}

/*
 * Parse from behind the "<" at OPEN up to and with the ">".  1: *RET is set.
 * 0: it is empty.
 */
static int
parse_angle(struct scan *s, size_t open, struct mailbox *ret)
{
	struct token t;
	int err = scan_solid(s, &t);

	if (err == 0 && t.kind == '>')
		return 0;
	if (err == 0 && t.kind == '@')
		err = skip_route(s, &t);
	if (err == 0 && t.kind == TOKEN_END)
		err = scan_fail(s, open);
	if (err == 0)
		err = parse_spec(s, &t, ret);
	if (err == 0)
		err = scan_solid(s, &t);
	if (err != 0)
		return err;
	if (t.kind == '>')
		return 1;
	return scan_fail(s, t.kind == TOKEN_END ? open : t.start);
}

/* Visit the mailbox of the "<" OPEN, whose name began at START. */
static int
walk_angle(struct walk *w, size_t start, const struct token *open)
{
	struct mailbox box;
	int ret;

	w->scan.pos = open->end;
	ret = parse_angle(&w->scan, open->start, &box);
	return ret == 1 ? emit(w, &box, start) : ret;
}

/*
 * Look ahead to what ends the element that begins here and so tells what it
 * is: "<", ":", a separator or the end of the text.  *RET_START is where its
 * first token begins.
 */
static int
look_ahead(struct scan s, size_t *ret_start, struct token *ret)
{
	bool has_name = false, has_at = false;
	int err = scan_next(&s, ret);

	*ret_start = ret->start;
	while (err == 0 && ret->kind != TOKEN_END &&
	    strchr("<>:,;", ret->kind) == NULL) {
		has_name = has_name || is_word(ret);
		has_at = has_at || ret->kind == '@';
		err = scan_next(&s, ret);
	}
	if (err != 0)
		return err;
	/* "a@b:25" would otherwise send mail to "25". */
	if (ret->kind == '>' || (ret->kind == ':' && (has_at || !has_name)))
		return scan_fail(&s, ret->start);
	return 0;
}

int
address_walk(struct span body, address_fn *fn, void *arg, size_t *reterr_pos)
{
	struct walk w = { { body, 0, reterr_pos }, fn, arg };
	struct token stop;
	size_t start;
	int err;

	do {
		err = look_ahead(w.scan, &start, &stop);
		if (err != 0)
			break;
		if (stop.kind == '<') {
			err = walk_angle(&w, start, &stop);
			continue;
		}
		if (stop.kind != ':')
			err = walk_plain(&w, stop.start);
		w.scan.pos = stop.end;
	} while (err == 0 && stop.kind != TOKEN_END);
	return err;
}

static int
count_box(const struct mailbox *box, void *arg)
{
	(void)box;
	++*(size_t *)arg;
	return 0;
}

int
address_count(struct span body, size_t *ret, size_t *reterr_pos)
{
	*ret = 0;
	return address_walk(body, count_box, ret, reterr_pos);
}
