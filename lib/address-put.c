/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Writes addresses such that a strict reader understands what a lenient one
 * (address.c) took in.
 */

#include "config.h"

#include "lib/address.h"
#include "lib/scan.h"

/* Whether LOCAL, as it stands, is no dot-atom and no quoted string. */
static bool
must_quote(struct span local)
{
	size_t ignored;
	struct scan s = { local, 0, &ignored };
	struct token t;
	size_t n_words = 0;
	bool was_dot = true;

	while (scan_solid(&s, &t) == 0 && t.kind != TOKEN_END) {
		if (t.kind == TOKEN_QUOTED)
			return n_words > 0 || s.pos < local.len;
		for (size_t i = t.start; i < t.end; i++) {
			bool is_dot = local.ptr[i] == '.';

			if (local.ptr[i] == '\\' || (is_dot && was_dot))
				return true;
			was_dot = is_dot;
		}
		n_words++;
	}
	return was_dot;
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
	bool is_quoting = must_quote(local);

	if (is_quoting)
		(void)fputc('"', out);
	while (scan_solid(&s, &t) == 0 && t.kind != TOKEN_END) {
		struct span word = { local.ptr + t.start, t.end - t.start };

		if (t.kind != TOKEN_QUOTED) {
			(void)fwrite(word.ptr, 1, word.len, out);
			continue;
		}
		if (!is_quoting)
			(void)fputc('"', out);
		put_quoted(out, (struct span){ word.ptr + 1, word.len - 2 });
		if (!is_quoting)
			(void)fputc('"', out);
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

struct qualifier {
	FILE *out;
	const char *origin;
	const char *done; /* what is before it has been written */
};

static int
qualify_box(const struct mailbox *box, void *arg)
{
	struct qualifier *q = arg;
	const char *end = box->local.ptr + box->local.len;

	if (box->domain.len > 0)
		return 0;
	(void)fwrite(q->done, 1, (size_t)(end - q->done), q->out);
	(void)fprintf(q->out, "@%s", q->origin);
	q->done = end;
	return 0;
}

static int
ignore_box(const struct mailbox *box, void *arg)
{
	(void)box;
	(void)arg;
	return 0;
}

int
address_qualify(struct span body, const char *origin, FILE *out)
{
	struct qualifier q = { out, origin, body.ptr };
	size_t pos;
	int err = address_walk(body, ignore_box, NULL, &pos);

	if (body.len == 0)
		return err;
	if (err == 0)
		err = address_walk(body, qualify_box, &q, &pos);
	(void)fwrite(q.done, 1, (size_t)(body.ptr + body.len - q.done), out);
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

/* ASCII only: in a Turkish locale tolower(3) knows another "i". */
static int
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : (unsigned char)c;
}

int
address_compare(const char *a, const char *b)
{
	while (*a != '\0' && lower(*a) == lower(*b)) {
		a++;
		b++;
	}
	return lower(*a) - lower(*b);
}
