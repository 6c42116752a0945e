/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Patterns without wildcards are sorted, to be found at once; those with are
 * tried in their order.
 */

#include "config.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "lib/address.h"
#include "lib/envelope.h"
#include "lib/generic.h"
#include "lib/scan.h"
#include "lib/text.h"

struct rule {
	struct span pattern; /* in the file's text */
	const char *at;      /* its first "@", or NULL */
	char *value;         /* an address or "@domain" */
	unsigned line;
};

struct rules {
	struct rule *all;
	size_t count;
	size_t room;
};

struct generic {
	struct mapfile file;
	struct rules exact; /* sorted by pattern */
	struct rules wild;  /* as in the file */
};

/* ---- reading --------------------------------------------------------- */

struct value {
	const char *origin;
	char *text;
	size_t count;
};

static int
take_box(const struct mailbox *box, void *arg)
{
	struct value *value = arg;

	if (value->count++ > 0)
		return -EINVAL;
	value->text = address_string(box, value->origin);
	return value->text != NULL ? 0 : -ENOMEM;
}

/*
 * Make an address of TEXT, or "@domain": new in *RET.  0, -ENOMEM, or -EINVAL
 * if it is neither.
 */
static int
make_value(struct span text, const char *origin, char **ret)
{
	struct value value = { .origin = origin };
	bool is_domain = text.len > 0 && text.ptr[0] == '@';
	char *probe;
	size_t pos;
	int err;

	if (memchr(text.ptr, '\0', text.len) != NULL)
		return -EINVAL;
	/* A domain is good if an address at it is. */
	if (asprintf(&probe, "%s%.*s", is_domain ? "x" : "", (int)text.len,
		text.ptr) < 0)
		return -ENOMEM;
	err = address_walk(span_of(probe), take_box, &value, &pos);
	free(probe);
	if (err == 0 && value.count == 1 &&
	    envelope_address_fault(value.text) == NULL) {
		/* With its NUL. */
		if (is_domain)
			memmove(value.text, value.text + 1, strlen(value.text));
		*ret = value.text;
		return 0;
	}
	free(value.text);
	return err == -ENOMEM ? err : -EINVAL;
}

static int
add_rule(struct rules *rules, const struct rule *rule)
{
	struct rule *grown;

	if (rules->count == rules->room) {
		rules->room = rules->room == 0 ? 32 : rules->room * 2;
		grown = reallocarray(rules->all, rules->room, sizeof(*grown));
		if (grown == NULL)
			return -ENOMEM;
		rules->all = grown;
	}
	rules->all[rules->count++] = *rule;
	return 0;
}

/*
 * Split LINE at its first white space outside quotes; a colon before that
 * goes.
 */
static bool
split(struct span line, struct span *ret_pattern, struct span *ret_value)
{
	bool is_quoted = false;
	size_t len, value;

	for (len = 0; len < line.len; len++) {
		if (line.ptr[len] == '"')
			is_quoted = !is_quoted;
		else if (!is_quoted && scan_is_space(line.ptr[len]))
			break;
	}
	for (value = len; value < line.len; value++)
		if (!scan_is_space(line.ptr[value]))
			break;
	*ret_value = (struct span){ line.ptr + value, line.len - value };
	if (len > 0 && line.ptr[len - 1] == ':')
		len--;
	*ret_pattern = (struct span){ line.ptr, len };
	return len > 0 && ret_value->len > 0;
}

static bool
has_wildcard(struct span pattern)
{
	for (size_t i = 0; i < pattern.len; i++)
		if (pattern.ptr[i] == '*' || pattern.ptr[i] == '?')
			return true;
	return false;
}

static int
compare_spans(struct span a, struct span b)
{
	size_t n = a.len < b.len ? a.len : b.len;

	for (size_t i = 0; i < n; i++)
		if (text_lower(a.ptr[i]) != text_lower(b.ptr[i]))
			return text_lower(a.ptr[i]) - text_lower(b.ptr[i]);
	return (a.len > b.len) - (a.len < b.len);
}

/* For qsort(3): by pattern, then by place in the file. */
static int
compare_rules(const void *a, const void *b)
{
	const struct rule *x = a, *y = b;
	int order = compare_spans(x->pattern, y->pattern);

	return order != 0 ? order : (x->line > y->line) - (x->line < y->line);
}

static int
add_line(struct generic *generic, struct span line, unsigned number,
    const char *origin, const char **ret_fault)
{
	struct rule rule = { .line = number };
	struct span value;
	int err;

	if (!split(line, &rule.pattern, &value)) {
		*ret_fault = "no \"pattern address\"";
		return 0;
	}
	rule.at = memchr(rule.pattern.ptr, '@', rule.pattern.len);
	err = make_value(value, origin, &rule.value);
	if (err == -EINVAL)
		*ret_fault = "the value is not one address, nor \"@domain\"";
	if (err < 0)
		return err == -EINVAL ? 0 : err;
	err = add_rule(
	    has_wildcard(rule.pattern) ? &generic->wild : &generic->exact,
	    &rule);
	if (err < 0)
		free(rule.value);
	return err;
}

/* Duplicates on their way out. */
struct duplicates {
	mapfile_fault_fn *fault;
	void *arg;
};

static bool
is_same_pattern(const void *a, const void *b, void *arg)
{
	const struct rule *x = a, *y = b;

	(void)arg;
	return compare_spans(x->pattern, y->pattern) == 0;
}

static void
drop_rule(void *item, void *arg)
{
	const struct duplicates *here = arg;
	struct rule *rule = item;

	here->fault(here->arg, rule->line,
	    "the pattern was there before, and the first counts");
	free(rule->value);
}

/* Keep the first rule of each pattern. */
static void
drop_duplicates(struct rules *rules, mapfile_fault_fn *fault, void *arg)
{
	static const struct mapfile_unique how = { is_same_pattern, drop_rule };
	struct duplicates here = { fault, arg };

	rules->count = mapfile_unique(
	    rules->all, rules->count, sizeof(*rules->all), &how, &here);
}

static int
read_lines(struct generic *generic, const char *origin, mapfile_fault_fn *fault,
    void *arg)
{
	struct rules *exact = &generic->exact;
	struct span line;
	unsigned number;
	int err = 0;

	while (err == 0 && mapfile_next(&generic->file, &line, &number)) {
		const char *why = NULL;

		err = add_line(generic, line, number, origin, &why);
		if (why != NULL)
			fault(arg, number, why);
	}
	if (err < 0 || exact->count == 0)
		return err;
	qsort(exact->all, exact->count, sizeof(*exact->all), compare_rules);
	drop_duplicates(exact, fault, arg);
	return 0;
}

int
generic_read(struct generic **ret, const char *path, const char *origin,
    mapfile_fault_fn *fault, void *arg, const char **reterr_why)
{
	struct generic *generic = calloc(1, sizeof(*generic));
	int err = -ENOMEM;

	*reterr_why = "out of memory";
	if (generic == NULL)
		return err;
	err = mapfile_read(&generic->file, path, reterr_why);
	if (err == 0)
		err = read_lines(generic, origin,
		    fault != NULL ? fault : mapfile_ignore_fault, arg);
	if (err < 0)
		generic_free(generic);
	else
		*ret = generic;
	return err;
}

static void
release_rules(struct rules *rules)
{
	for (size_t i = 0; i < rules->count; i++)
		free(rules->all[i].value);
	free(rules->all);
}

void
generic_free(struct generic *generic)
{
	if (generic == NULL)
		return;
	release_rules(&generic->exact);
	release_rules(&generic->wild);
	mapfile_release(&generic->file);
	free(generic);
}

size_t
generic_count(const struct generic *generic)
{
	return generic->exact.count + generic->wild.count;
}

/* ---- looking up ------------------------------------------------------ */

/* The value for what is exactly TEXT, or NULL. */
static const char *
find_exactly(const struct generic *generic, struct span text)
{
	size_t low = 0, high = generic->exact.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct rule *rule = &generic->exact.all[middle];
		int order = compare_spans(text, rule->pattern);

		if (order == 0)
			return rule->value;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/*
 * Take what is behind the last wildcard of PATTERN off both, if TEXT ends with
 * that: most of the patterns that do not fit are known by it.
 */
static bool
cut_tails(struct span *pattern, struct span *text)
{
	while (pattern->len > 0) {
		char c = pattern->ptr[pattern->len - 1];

		if (c == '*' || c == '?')
			return true;
		if (text->len == 0 ||
		    text_lower(c) != text_lower(text->ptr[text->len - 1]))
			return false;
		pattern->len--;
		text->len--;
	}
	return text->len == 0;
}

/*
 * Whether TEXT is what PATTERN describes.  Only the last "*" is ever tried
 * again, which is enough, and keeps it from taking forever.
 */
static bool
fits(struct span pattern, struct span text)
{
	size_t p = 0, t = 0, star = SIZE_MAX, retry = 0;

	if (!cut_tails(&pattern, &text))
		return false;
	while (t < text.len) {
		if (p < pattern.len && pattern.ptr[p] == '*') {
			star = p++;
			retry = t;
		} else if (p < pattern.len &&
		    (pattern.ptr[p] == '?' ||
			text_lower(pattern.ptr[p]) ==
			    text_lower(text.ptr[t]))) {
			p++;
			t++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			t = ++retry;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.ptr[p] == '*')
		p++;
	return p == pattern.len;
}

/* Whether the pattern of RULE, which has wildcards, is about ADDR. */
static bool
rule_fits(
    const struct rule *rule, struct span addr, size_t local_len, bool is_here)
{
	if (rule->at == NULL) {
		addr.len = local_len;
		return is_here && fits(rule->pattern, addr);
	}
	if (rule->at == rule->pattern.ptr) {
		addr.ptr += local_len;
		addr.len -= local_len;
	}
	return fits(rule->pattern, addr);
}

const char *
generic_find(const struct generic *generic, struct span addr, size_t local_len,
    bool is_here)
{
	struct span local = { addr.ptr, local_len };
	struct span after = { addr.ptr + local_len, addr.len - local_len };
	const char *found = find_exactly(generic, addr);

	if (found == NULL && is_here)
		found = find_exactly(generic, local);
	if (found == NULL)
		found = find_exactly(generic, after);
	for (size_t i = 0; i < generic->wild.count && found == NULL; i++)
		if (rule_fits(&generic->wild.all[i], addr, local_len, is_here))
			found = generic->wild.all[i].value;
	return found;
}
