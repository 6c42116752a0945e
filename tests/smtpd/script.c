/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The script's rules, read and matched.  smtpd.c describes the language.
 */

#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "tests/smtpd/smtpd.h"

static const char *const stage_names[STAGES] = {
	[STAGE_CONNECT] = "connect",
	[STAGE_TLS] = "tls",
	[STAGE_EHLO] = "ehlo",
	[STAGE_HELO] = "helo",
	[STAGE_STARTTLS] = "starttls",
	[STAGE_AUTH] = "auth",
	[STAGE_AUTHEND] = "authend",
	[STAGE_MAIL] = "mail",
	[STAGE_RCPT] = "rcpt",
	[STAGE_DATA] = "data",
	[STAGE_DOT] = "dot",
	[STAGE_RSET] = "rset",
	[STAGE_NOOP] = "noop",
	[STAGE_QUIT] = "quit",
};

/* A word or string of a line; the line's reader. */
struct token {
	char *bytes; /* NUL after LEN bytes */
	size_t len;
	bool is_end;       /* of the line */
	bool is_separator; /* ';' */
};

struct reader {
	const char *at;
	char *err;
	size_t err_size;
};

const char *
stage_name(enum stage stage)
{
	return stage_names[stage];
}

static int
fail(const struct reader *r, const char *what, const char *word)
{
	(void)snprintf(r->err, r->err_size, "%s '%s'", what, word);
	return -1;
}

static int
hex_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (isxdigit((unsigned char)digit))
		return tolower((unsigned char)digit) - 'a' + 10;
	return -1;
}

/* The byte of the escape at r->at (behind the backslash), or -1. */
static int
escape(struct reader *r)
{
	static const char from[] = "rnt0\\\"", to[] = "\r\n\t\0\\\"";
	const char *found;
	int high, low;

	if (*r->at == 'x') {
		high = hex_value(r->at[1]);
		low = high < 0 ? -1 : hex_value(r->at[2]);
		if (low < 0)
			return -1;
		r->at += 3;
		return high * 16 + low;
	}
	found = *r->at != '\0' ? strchr(from, *r->at) : NULL;
	if (found == NULL)
		return -1;
	r->at++;
	return (unsigned char)to[found - from];
}

/* Read the string at r->at into T, up to its closing quote. */
static int
read_string(struct reader *r, struct token *t)
{
	const char *start = r->at++;
	int byte;

	while (*r->at != '"') {
		if (*r->at == '\0')
			return fail(r, "string without end", start);
		byte = (unsigned char)*r->at++;
		if (byte == '\\' && (byte = escape(r)) < 0)
			return fail(r, "unknown escape in", start);
		t->bytes[t->len++] = (char)byte;
	}
	r->at++;
	return 0;
}

/*
 * The next token; a word may hold strings (match="a b").  T's bytes are the
 * caller's to free.
 */
static int
read_token(struct reader *r, struct token *t)
{
	while (*r->at == ' ' || *r->at == '\t' || *r->at == '\r')
		r->at++;
	*t = (struct token){ .is_end = *r->at == '\0' || *r->at == '#',
		.is_separator = *r->at == ';' };
	t->bytes = calloc(1, strlen(r->at) + 1);
	if (t->bytes == NULL)
		return fail(r, "out of memory at", r->at);
	if (t->is_separator)
		r->at++;
	if (t->is_end || t->is_separator)
		return 0;
	while (*r->at != '\0' && strchr(" \t\r;", *r->at) == NULL) {
		if (*r->at != '"')
			t->bytes[t->len++] = *r->at++;
		else if (read_string(r, t) < 0)
			return -1;
	}
	t->is_separator = strcmp(t->bytes, "then") == 0;
	return 0;
}

static int
read_number(const struct reader *r, const char *text, unsigned long *ret)
{
	char *end;

	errno = 0;
	if (!isdigit((unsigned char)*text))
		return fail(r, "no number:", text);
	*ret = strtoul(text, &end, 10);
	if (*end != '\0' || errno != 0)
		return fail(r, "no number:", text);
	return 0;
}

static int
read_seconds(const struct reader *r, const char *text, unsigned long *ret_ms)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end != '\0' || !(seconds >= 0 && seconds < 1e6))
		return fail(r, "no number of seconds:", text);
	*ret_ms = (unsigned long)(seconds * 1000 + 0.5);
	return 0;
}

/* KEY=VALUE of a rule. */
static int
add_selector(const struct reader *r, struct rule *rule, const char *text)
{
	const struct {
		const char *key;
		unsigned long *value;
	} numbers[] = {
		{ "n=", &rule->nth },
		{ "from=", &rule->from },
		{ "to=", &rule->to },
		{ "every=", &rule->every },
		{ "conn=", &rule->of_conn },
		{ "msg=", &rule->of_message },
		{ "session=", &rule->session },
		{ "times=", &rule->times },
	};
	size_t i, len;

	if (strncmp(text, "match=", 6) == 0) {
		free(rule->glob);
		rule->glob = strdup(text + 6);
		return rule->glob != NULL ? 0
					  : fail(r, "out of memory at", text);
	}
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		len = strlen(numbers[i].key);
		if (strncmp(text, numbers[i].key, len) != 0)
			continue;
		if (read_number(r, text + len, numbers[i].value) < 0)
			return -1;
		return *numbers[i].value > 0 ? 0
					     : fail(r, "counted from 1:", text);
	}
	return fail(r, "unknown selector or action", text);
}

static struct action *
append_action(struct rule *rule, const struct action_kind *kind)
{
	struct action *grown =
	    reallocarray(rule->actions, rule->nactions + 1, sizeof(*grown));

	if (grown == NULL)
		return NULL;
	rule->actions = grown;
	grown += rule->nactions++;
	*grown = (struct action){ .kind = kind, .number = kind->number };
	return grown;
}

/* Give ACTION the argument T, of which it takes the bytes if it keeps them. */
static int
take_argument(const struct reader *r, struct action *action, struct token *t)
{
	switch (action->kind->takes) {
	case TAKES_BYTES:
		action->bytes = t->bytes;
		action->len = t->len;
		t->bytes = NULL;
		return 0;
	case TAKES_SECONDS:
		return read_seconds(r, t->bytes, &action->number);
	case TAKES_NUMBER:
	case MAY_TAKE_NUMBER:
		return read_number(r, t->bytes, &action->number);
	case TAKES_NOTHING:
		break;
	}
	return fail(r, "takes no argument:", action->kind->name);
}

/* The actions of a rule, of which FIRST is read. */
static int
read_actions(
    struct reader *r, struct rule *rule, const struct action_kind *kind)
{
	struct action *action = append_action(rule, kind);
	bool has_argument = false;
	struct token t = { 0 };
	int err = action != NULL ? 0 : fail(r, "out of memory at", r->at);

	while (err == 0 && (err = read_token(r, &t)) == 0) {
		if (t.is_end || t.is_separator) {
			if (!has_argument &&
			    (kind->takes == TAKES_BYTES ||
				kind->takes == TAKES_NUMBER ||
				kind->takes == TAKES_SECONDS))
				err = fail(r, "needs an argument:", kind->name);
			break;
		}
		err = has_argument ? fail(r, "unexpected", t.bytes)
				   : take_argument(r, action, &t);
		has_argument = true;
		free(t.bytes);
		t.bytes = NULL;
	}
	if (err == 0 && t.is_separator)
		err = 1;
	free(t.bytes);
	return err;
}

static int
read_rule(struct reader *r, struct rule *rule)
{
	const struct action_kind *kind;
	struct token t;
	int err = 1;
	bool more = false;

	while (err > 0) {
		err = read_token(r, &t);
		kind =
		    err == 0 && !t.is_separator ? action_find(t.bytes) : NULL;
		if (err < 0)
			;
		else if (t.is_end)
			err = fail(r, "no action in rule for",
			    stage_name(rule->stage));
		else if (kind != NULL)
			err = read_actions(r, rule, kind);
		else if (more)
			err = fail(r, "unknown action", t.bytes);
		else
			err = add_selector(r, rule, t.bytes) < 0 ? -1 : 1;
		more = rule->nactions > 0;
		free(t.bytes);
	}
	return err;
}

static void
rule_free(struct rule *rule)
{
	size_t i;

	for (i = 0; i < rule->nactions; i++)
		free(rule->actions[i].bytes);
	free(rule->actions);
	free(rule->glob);
	free(rule);
}

static int
find_stage(const char *name)
{
	int stage;

	for (stage = 0; stage < STAGES; stage++)
		if (strcmp(stage_names[stage], name) == 0)
			return stage;
	return -1;
}

int
script_add(struct script *s, const char *line, char *err, size_t size)
{
	struct reader r = { line, err, size };
	struct rule *rule = calloc(1, sizeof(*rule));
	struct token t = { 0 };
	int result = -1, stage;

	(void)snprintf(err, size, "out of memory");
	if (rule == NULL || read_token(&r, &t) < 0)
		goto out;
	if (t.is_end) {
		result = 0;
		goto out;
	}
	stage = find_stage(t.bytes);
	if (stage < 0) {
		(void)fail(&r, "unknown stage", t.bytes);
		goto out;
	}
	rule->stage = (enum stage)stage;
	if (read_rule(&r, rule) < 0)
		goto out;
	if (s->last != NULL)
		s->last->next = rule;
	else
		s->first = rule;
	s->last = rule;
	rule = NULL;
	result = 0;
out:
	free(t.bytes);
	if (rule != NULL)
		rule_free(rule);
	return result;
}

int
script_read(struct script *s, const char *path, char *err, size_t size)
{
	FILE *in = fopen(path, "re");
	char *line = NULL, why[256];
	size_t room = 0;
	unsigned number = 0;
	int result = 0;

	if (in == NULL) {
		(void)snprintf(
		    err, size, "cannot open '%s': %s", path, strerror(errno));
		return -1;
	}
	while (result == 0 && getline(&line, &room, in) >= 0) {
		number++;
		line[strcspn(line, "\n")] = '\0';
		result = script_add(s, line, why, sizeof(why));
	}
	if (result < 0)
		(void)snprintf(err, size, "%s:%u: %s", path, number, why);
	free(line);
	(void)fclose(in);
	return result;
}

static bool
rule_matches(const struct rule *rule, const struct occasion *o)
{
	const unsigned long wanted[][2] = {
		{ rule->nth, o->nth },
		{ rule->of_conn, o->of_conn },
		{ rule->of_message, o->of_message },
		{ rule->session, o->session },
	};
	size_t i;

	for (i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		if (wanted[i][0] != 0 && wanted[i][0] != wanted[i][1])
			return false;
	if (o->nth < rule->from || (rule->to != 0 && o->nth > rule->to))
		return false;
	if (rule->times != 0 && rule->hits >= rule->times)
		return false;
	if (rule->every != 0 && o->nth % rule->every != 0)
		return false;
	return rule->glob == NULL ||
	    fnmatch(rule->glob, o->argument, FNM_CASEFOLD) == 0;
}

const struct rule *
script_match(struct script *s, const struct occasion *o)
{
	struct rule *rule;

	for (rule = s->first; rule != NULL; rule = rule->next)
		if (rule->stage == o->stage && rule_matches(rule, o))
			break;
	if (rule != NULL)
		rule->hits++;
	return rule;
}

void
script_release(struct script *s)
{
	struct rule *rule;

	while ((rule = s->first) != NULL) {
		s->first = rule->next;
		rule_free(rule);
	}
	s->last = NULL;
}
