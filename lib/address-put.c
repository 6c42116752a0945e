/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Writes addresses such that a strict reader understands what a lenient one
 * (address.c) took in.
 */

#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/address.h"
#include "lib/scan.h"
#include "lib/text.h"

/* Whether C is a character of an atom. */
static bool
is_atext(char c)
{
	return !scan_is_space(c) && !scan_is_control(c) &&
	    !scan_is_special(c) && strchr(").]\\", c) == NULL;
}

/* What has been seen of a local part. */
struct look {
	bool was_dot;   /* a dot, or nothing, came last */
	bool is_quoted; /* some of it */
	bool has_bang;
};

/*
 * Whether the word T of LOCAL, its quoting undone, can be part of a dot-atom
 * after what *LOOK has seen.
 */
static bool
is_plain_word(struct span local, const struct token *t, struct look *look)
{
	bool is_quoted = t->kind == TOKEN_QUOTED;
	size_t end = t->end - is_quoted;

	look->is_quoted |= is_quoted;
	for (size_t i = t->start + is_quoted; i < end; i++) {
		bool is_pair = local.ptr[i] == '\\' && i + 1 < end;
		char c = local.ptr[i += is_pair];
		bool is_dot = c == '.';

		if (is_dot ? look->was_dot : !is_atext(c))
			return false;
		/* Somebody took care that it cannot pass for an option. */
		if (c == '-' && i > 0 && i == t->start + is_quoted + is_pair &&
		    t->start == 0)
			return false;
		look->was_dot = is_dot;
		look->is_quoted |= is_pair;
		look->has_bang |= c == '!';
	}
	return true;
}

/* Whether LOCAL is as good as a dot-atom once its quoting is undone. */
static bool
is_plain(struct span local)
{
	size_t ignored;
	struct scan s = { local, 0, &ignored };
	struct token t;
	struct look look = { .was_dot = true };

	while (scan_solid(&s, &t) == 0 && t.kind != TOKEN_END)
		if (!is_plain_word(local, &t, &look))
			return false;
	/* "host!user" in quotes is not the path that it would be without. */
	return !look.was_dot && !(look.has_bang && look.is_quoted);
}

/* Write TEXT without the backslashes that quote what is after them. */
static void
put_plain(FILE *out, struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '\\' && i + 1 < text.len)
			i++;
		(void)fputc(text.ptr[i], out);
	}
}

/* Write the inside of the quoted string TEXT on one line. */
static void
put_quoted(FILE *out, struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (c == '\\' && i + 1 < text.len) {
			(void)fputc(c, out);
			(void)fputc(text.ptr[++i], out);
		} else if (c != '\r' && c != '\n') {
			(void)fputc(c == '\t' ? ' ' : c, out);
		} else if (i + 1 == text.len ||
		    !scan_is_space(text.ptr[i + 1])) {
			(void)fputc(' ', out);
		}
	}
}

static void
put_local(FILE *out, struct span local)
{
	size_t ignored;
	struct scan s = { local, 0, &ignored };
	struct token t;
	bool is_quoting = !is_plain(local);

	if (is_quoting)
		(void)fputc('"', out);
	while (scan_solid(&s, &t) == 0 && t.kind != TOKEN_END) {
		struct span word = { local.ptr + t.start, t.end - t.start };

		if (t.kind == TOKEN_QUOTED) {
			word.ptr++;
			word.len -= 2;
		}
		if (!is_quoting)
			put_plain(out, word);
		else if (t.kind == TOKEN_QUOTED)
			put_quoted(out, word);
		else
			(void)fwrite(word.ptr, 1, word.len, out);
	}
	if (is_quoting)
		(void)fputc('"', out);
}

static void
put_domain(FILE *out, struct span domain)
{
	size_t ignored;
	struct scan s = { domain, 0, &ignored };
	struct token t;

	if (domain.ptr[domain.len - 1] == '.')
		domain.len--;
	s.text = domain;
	while (scan_solid(&s, &t) == 0 && t.kind != TOKEN_END) {
		for (size_t i = t.start; i < t.end; i++) {
			if (!scan_is_space(domain.ptr[i]))
				(void)fputc(domain.ptr[i], out);
		}
	}
}

void
address_put(FILE *out, const struct mailbox *box, const char *origin)
{
	put_local(out, box->local);
	if (box->domain.len > 0) {
		(void)fputc('@', out);
		put_domain(out, box->domain);
	} else if (origin != NULL) {
		(void)fprintf(out, "@%s", origin);
	}
}

char *
address_string(const struct mailbox *box, const char *origin)
{
	char *text = NULL, *quoted;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return NULL;
	address_put(out, box, origin);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	if (text[0] != '-' || box->domain.len == 0)
		return text;
	len = strcspn(text, "@");
	if (asprintf(&quoted, "\"%.*s\"%s", (int)len, text, text + len) < 0)
		quoted = NULL;
	free(text);
	return quoted;
}

size_t
address_local_len(struct span addr)
{
	bool is_quoted = false;

	for (size_t i = 0; i < addr.len; i++) {
		if (addr.ptr[i] == '\\')
			i++;
		else if (addr.ptr[i] == '"')
			is_quoted = !is_quoted;
		else if (addr.ptr[i] == '@' && !is_quoted)
			return i;
	}
	return addr.len;
}

struct rewriter {
	FILE *out;
	address_map_fn *fn;
	void *arg;
	const char *done; /* what is before it has been written */
};

/* Write what is due up to OLD, and NEW instead of it. */
static void
replace(struct rewriter *r, struct span old, struct span new)
{
	(void)fwrite(r->done, 1, (size_t)(old.ptr - r->done), r->out);
	(void)fwrite(new.ptr, 1, new.len, r->out);
	r->done = old.ptr + old.len;
}

/* BOX is "host!user": write user@host, changed as MADE says unless NULL. */
static void
swap_bang(struct rewriter *r, const struct mailbox *box, const char *made)
{
	struct span old = box->domain, local = box->local, domain = old;
	size_t len = made != NULL ? address_local_len(span_of(made)) : 0;

	old.len = (size_t)(local.ptr + local.len - old.ptr);
	if (len > 0)
		local = (struct span){ made, len };
	if (made != NULL && made[len] == '@')
		domain = span_of(made + len + 1);
	replace(r, old, local);
	(void)fputc('@', r->out);
	(void)fwrite(domain.ptr, 1, domain.len, r->out);
}

/* Write MADE for the parts of BOX that it is about. */
static void
replace_parts(struct rewriter *r, const struct mailbox *box, const char *made)
{
	struct span local = span_of(made), domain, old = box->domain;

	local.len = address_local_len(local);
	domain = span_of(made + local.len);
	if (local.len > 0)
		replace(r, box->local, local);
	/* Between local part and domain there may be comments, which stay. */
	if (old.len > 0 && domain.len > 0) {
		domain.ptr++;
		domain.len--;
	} else if (old.len == 0) {
		old.ptr = box->local.ptr + box->local.len;
	}
	if (domain.len > 0)
		replace(r, old, domain);
}

static int
rewrite_box(const struct mailbox *box, void *arg)
{
	struct rewriter *r = arg;
	char *made = NULL;
	int err = r->fn(box, r->arg, &made);

	if (err < 0)
		return err;
	if (box->domain.len > 0 && box->domain.ptr < box->local.ptr)
		swap_bang(r, box, made);
	else if (made != NULL)
		replace_parts(r, box, made);
	free(made);
	return 0;
}

int
address_rewrite(struct span body, address_map_fn *fn, void *arg, FILE *out)
{
	struct rewriter r = { out, fn, arg, body.ptr };
	size_t count, pos;
	int err = address_count(body, &count, &pos);

	if (body.len == 0)
		return err;
	if (err == 0)
		err = address_walk(body, rewrite_box, &r, &pos);
	(void)fwrite(r.done, 1, (size_t)(body.ptr + body.len - r.done), out);
	return err;
}

/* What stands for C in a phrase. */
static char
phrase_char(char c)
{
	return scan_is_control(c) ? ' ' : c;
}

/* Whether NAME is anything but atoms with single spaces between them. */
static bool
must_quote_phrase(struct span name)
{
	char last = ' ';

	for (size_t i = 0; i < name.len; i++) {
		char c = phrase_char(name.ptr[i]);

		if ((c == ' ' && last == ' ') || scan_is_special(c) ||
		    strchr("].\\", c) != NULL)
			return true;
		last = c;
	}
	return last == ' ';
}

void
address_put_phrase(FILE *out, struct span name)
{
	bool is_quoting = must_quote_phrase(name);

	if (is_quoting)
		(void)fputc('"', out);
	for (size_t i = 0; i < name.len; i++) {
		char c = phrase_char(name.ptr[i]);

		if (c == '"' || c == '\\')
			(void)fputc('\\', out);
		(void)fputc(c, out);
	}
	if (is_quoting)
		(void)fputc('"', out);
}

int
address_compare(const char *a, const char *b)
{
	while (*a != '\0' && text_lower(*a) == text_lower(*b)) {
		a++;
		b++;
	}
	return text_lower(*a) - text_lower(*b);
}
