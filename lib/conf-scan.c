/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * A configuration's statements, looked through before libconfuse has them:
 * what it cannot tell apart, takes in silence, or reports too late.  Whatever
 * else is wrong is left to it.
 */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/conf-value.h"

/* Keys of a section that are compared. */
#define KEYS_MAX 128

enum state { AT_NAME, AT_NAMED, AT_TITLED, AT_VALUE, IN_LIST };

struct token {
	char kind; /* 'w': a word, in quotes or not; a sign; '\0': the end */
	char *ptr; /* without quotes */
	size_t len;
	unsigned line;
	char quote;   /* '\0': none */
	bool has_end; /* the string that it is */
};

struct scanner {
	char *at;
	unsigned line;
	enum state state;
	struct token name; /* of the statement */
	bool in_section;
	enum config_section kind; /* … and which; unknown: SECTIONS */
	char section[100];        /* "relay NAME: ", for messages */
	struct token *keys[2];    /* of the top level, of the section */
	size_t nkeys[2];
	struct config_scan *scan;
};

static struct token
next_token(struct scanner *s)
{
	struct token token = { .kind = 'w' };
	size_t len;

	for (; *s->at != '\0' && strchr(" \t\r\n", *s->at) != NULL; s->at++)
		s->line += *s->at == '\n';
	token.ptr = s->at;
	token.line = s->line;
	len = strcspn(s->at, " \t\r\n(){}=+,\"'");
	if (*s->at == '"' || *s->at == '\'') {
		token.quote = *s->at;
		token.ptr++;
		token.len = config_quoted_length(token.ptr, token.quote);
		token.has_end = token.ptr[token.len] != '\0';
		len = 1 + token.len + token.has_end;
	} else if (len == 0) {
		token.kind = *s->at;
		len = token.kind != '\0';
	} else {
		token.len = len;
	}
	for (size_t i = 0; i < len; i++)
		s->line += s->at[i] == '\n';
	s->at += len;
	return token;
}

static int
shown_length(const struct token *word)
{
	return word->len > 64 ? 64 : (int)word->len;
}

/* Say WHAT, behind the N bytes of WORD, of LINE; the first one counts. */
static void
blame_at(
    struct scanner *s, unsigned line, const char *word, int n, const char *what)
{
	if (s->scan->fault_line != 0)
		return;
	s->scan->fault_line = line;
	config_put_error(&s->scan->fault, "%s%.*s%s",
	    s->in_section ? s->section : "", n, word, what);
}

/* Say WHAT, which begins with a space, about the word or sign TOKEN. */
static void
blame(struct scanner *s, const struct token *token, const char *what)
{
	blame_at(s, token->line, token->ptr,
	    token->kind == 'w' ? shown_length(token) : 1, what);
}

/* The section that we are in has no end. */
static void
blame_section(struct scanner *s)
{
	blame_at(s, s->scan->lines[s->scan->nlines - 1], "", 0,
	    "the closing brace is missing");
}

static void
note_key(struct scanner *s)
{
	struct token *keys = s->keys[s->in_section];
	size_t *n = &s->nkeys[s->in_section];

	for (size_t i = 0; i < *n; i++)
		if (keys[i].len == s->name.len &&
		    memcmp(keys[i].ptr, s->name.ptr, s->name.len) == 0)
			blame(s, &s->name, " is set twice");
	if (*n < KEYS_MAX)
		keys[(*n)++] = s->name;
}

static bool
token_is(const struct token *token, const char *word)
{
	return span_is((struct span){ token->ptr, token->len }, word);
}

/* What a section of that NAME is about, SECTIONS if there is none such. */
static enum config_section
kind_of(const struct token *name)
{
	if (token_is(name, "route"))
		return SECTION_ROUTE;
	if (token_is(name, "lane"))
		return SECTION_LANE;
	/* In quotes, it is the key. */
	return token_is(name, "relay") && name->quote == '\0' ? SECTION_RELAY
							      : SECTIONS;
}

/* The section s->name begins, with TITLE, unless NULL.  0 or -ENOMEM. */
static int
open_section(struct scanner *s, const struct token *title)
{
	struct config_scan *scan = s->scan;
	unsigned *lines;

	s->state = AT_NAME;
	if (s->in_section) {
		blame_section(s);
		return 0;
	}
	lines =
	    realloc(scan->lines, (scan->nlines + 1) * sizeof(scan->lines[0]));
	if (lines == NULL)
		return -ENOMEM;
	scan->lines = lines;
	lines[scan->nlines++] = s->name.line;
	snprintf(s->section, sizeof(s->section),
	    "%.*s%s%.*s: ", s->name.len > 20 ? 20 : (int)s->name.len,
	    s->name.ptr, title != NULL ? " " : "",
	    title != NULL ? shown_length(title) : 0,
	    title != NULL ? title->ptr : "");
	s->in_section = true;
	s->nkeys[1] = 0;
	s->kind = kind_of(&s->name);
	if (s->kind == SECTION_RELAY) {
		memcpy(s->name.ptr, CONFIG_RELAY_SECTION, 5);
		scan->has_section[SECTION_RELAY] = true;
	}
	return 0;
}

/* What we are in. */
static enum config_section
kind_here(const struct scanner *s)
{
	return s->in_section ? s->kind : SECTION_TOP;
}

/* The name s->name is in the text, be it that of a key or of a section. */
static void
note_name(struct scanner *s)
{
	enum config_section kind = kind_here(s);
	struct config_scan *scan = s->scan;
	const struct config_key *key;

	scan->has_section[SECTION_ROUTE] |= token_is(&s->name, "route");
	scan->has_section[SECTION_LANE] |= token_is(&s->name, "lane");
	if (kind == SECTIONS)
		return;
	for (size_t i = 0; (key = config_key_at(kind, i)) != NULL; i++)
		if (token_is(&s->name, key->name))
			scan->has_key[kind] |= (uint64_t)1 << i;
}

static void
at_name(struct scanner *s, const struct token *token)
{
	s->state = token->kind == 'w' ? AT_NAMED : AT_NAME;
	if (token->kind == 'w') {
		s->name = *token;
		note_name(s);
	} else if (token->kind == '}') {
		s->in_section = false;
	} else if (token->kind == '=' || token->kind == '{') {
		blame_at(s, token->line, "", 0,
		    token->kind == '=' ? "'=' has no key before it"
				       : "'{' has no section before it");
	}
}

/* After a name. */
static int
at_named(struct scanner *s, const struct token *token, struct token *title)
{
	if (token->kind == '=') {
		note_key(s);
		s->state = AT_VALUE;
	} else if (token->kind == 'w') {
		*title = *token;
		s->state = AT_TITLED;
	} else if (token->kind == '{') {
		return open_section(s, NULL);
	} else if (token->kind != '+') {
		at_name(s, token);
	}
	return 0;
}

/* Whether the key s->name is there, and takes one value only. */
static bool
is_single(const struct scanner *s)
{
	const struct config_key *key;

	/* In a section that nobody knows there is no key. */
	if (kind_here(s) == SECTIONS)
		return false;
	for (size_t i = 0; (key = config_key_at(kind_here(s), i)) != NULL; i++)
		if (token_is(&s->name, key->name))
			return !(key->flags & KEY_LIST);
	return false;
}

/*
 * Whether the word TOKEN, which stands for a value, is the name of the next
 * statement: a sign on a line of its own belongs to nothing.
 */
static bool
is_next_name(const struct scanner *s, const struct token *token)
{
	const char *next = s->at + strspn(s->at, " \t\r\n");

	return token->kind == 'w' && *next == '=' &&
	    (token->line != s->name.line ||
		memchr(s->at, '\n', (size_t)(next - s->at)) == NULL);
}

static void
at_value(struct scanner *s, const struct token *token)
{
	const char *next = s->at + strspn(s->at, " \t\r\n");

	s->state = token->kind == '{' ? IN_LIST : AT_NAME;
	if (token->kind == '}' || token->kind == '\0' ||
	    (token->kind == '{' && *next == '}') || is_next_name(s, token))
		blame(s, &s->name, " has no value");
	else if (token->kind == '{' && is_single(s))
		blame(s, &s->name, " takes one value, not a list");
	else if (token->kind == '=')
		blame(s, &s->name, " has a second '='");
}

static int
step(struct scanner *s, const struct token *token, struct token *title)
{
	switch (s->state) {
	case AT_NAME:
		at_name(s, token);
		break;
	case AT_NAMED:
		return at_named(s, token, title);
	case AT_TITLED:
		if (token->kind == '{')
			return open_section(s, title);
		at_name(s, token);
		break;
	case AT_VALUE:
		at_value(s, token);
		break;
	case IN_LIST:
		if (token->kind == '}')
			s->state = AT_NAME;
		break;
	}
	return 0;
}

/*
 * Outside of quotes libconfuse writes a backslash to standard output, leaves
 * "*" out, and takes "#" for the beginning of a comment even in a word.
 */
static void
check_word(struct scanner *s, const struct token *word)
{
	static const char signs[] = "\\*#";

	/* The first one of all was blanked.  No editor shows them. */
	if (word->len >= 3 && memcmp(word->ptr, "\xEF\xBB\xBF", 3) == 0)
		blame_at(s, word->line, "", 0,
		    "a byte order mark that is not at the beginning of the "
		    "file; delete it");
	for (size_t i = 0; i < word->len; i++) {
		const char *found = strchr(signs, word->ptr[i]);
		char what[40];

		if (found == NULL)
			continue;
		snprintf(what, sizeof(what), " has a %s, which needs quotes",
		    *found == '\\' ? "backslash"
				   : (char[]){ '\'', *found, '\'', '\0' });
		blame(s, word, what);
		word->ptr[i] = '_';
	}
}

/* How many of TEXT's first MAX bytes are in DIGITS. */
static size_t
span_of_digits(const char *text, const char *digits, size_t max)
{
	size_t n = strspn(text, digits);

	return n < max ? n : max;
}

/* Whether the escape behind the backslash before TEXT is that of NUL. */
static bool
is_nul_escape(const char *text)
{
	size_t digits;

	if (text[0] == 'x') {
		text++;
		digits = span_of_digits(text, "0123456789abcdefABCDEF", 2);
	} else {
		digits = span_of_digits(text, "01234567", 3);
	}
	return digits > 0 && strspn(text, "0") >= digits;
}

/*
 * Where a name is expected, a quote without its pair hides the rest of the
 * file from libconfuse, in silence; and a NUL the rest of a value.
 */
static void
check_quoted(struct scanner *s, const struct token *quoted)
{
	const char *at = quoted->ptr, *end = at + quoted->len;

	if (!quoted->has_end) {
		blame_at(s, quoted->line, "", 0, "a string has no end");
		return;
	}
	/* In single quotes, there are no others than of both signs. */
	if (quoted->quote != '"')
		return;
	while ((at = memchr(at, '\\', (size_t)(end - at))) != NULL) {
		if (is_nul_escape(at + 1))
			blame(s, quoted, " has a NUL");
		at += 2;
	}
}

static void
check(struct scanner *s, const struct token *token)
{
	if (token->quote != '\0')
		check_quoted(s, token);
	else if (token->kind == 'w')
		check_word(s, token);
	else if (token->kind == '+' && *s->at != '=')
		blame(s, token, " needs quotes");
}

int
config_scan(char *text, struct config_scan *ret)
{
	/* Much, and not to be cleared for each message. */
	struct token top[KEYS_MAX], section[KEYS_MAX];
	struct scanner s = {
		.at = text, .line = 1, .keys = { top, section }, .scan = ret
	};
	struct token token, title = { .kind = '\0' };
	int err = 0;

	*ret = (struct config_scan){ .lines = NULL };
	do {
		token = next_token(&s);
		check(&s, &token);
		err = step(&s, &token, &title);
	} while (err == 0 && token.kind != '\0' && ret->fault_line == 0);
	if (err == 0 && s.in_section)
		blame_section(&s);
	/* Nothing behind the first fault matters. */
	if (ret->fault_line != 0)
		memset(s.at, ' ', strlen(s.at));
	return err;
}

void
config_scan_release(struct config_scan *scan)
{
	free(scan->lines);
	*scan = (struct config_scan){ .lines = NULL };
}
