/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The file is kept whole, its names unquoted and in lower case where they
 * stand, and a sorted array points into it.  Values are parsed when somebody
 * wants to know.
 */

#include "config.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <strings.h>

#include "lib/aliases.h"
#include "lib/scan.h"
#include "lib/text.h"

/* Offsets, since a file of 16 MB may have a few million of these. */
struct entry {
	uint32_t name, name_len;
	uint32_t value, value_len;
	unsigned line;
};

struct aliases {
	struct mapfile file;
	struct entry *entries; /* sorted by name */
	size_t count;
	size_t room;
};

struct span
aliases_name(const struct aliases *aliases, size_t i)
{
	const struct entry *entry = &aliases->entries[i];

	return (
	    struct span){ aliases->file.text + entry->name, entry->name_len };
}

struct span
aliases_value(const struct aliases *aliases, size_t i)
{
	const struct entry *entry = &aliases->entries[i];

	return (
	    struct span){ aliases->file.text + entry->value, entry->value_len };
}

unsigned
aliases_line(const struct aliases *aliases, size_t i)
{
	return aliases->entries[i].line;
}

size_t
aliases_count(const struct aliases *aliases)
{
	return aliases->count;
}

/* ---- reading --------------------------------------------------------- */

/* Where the name in LINE ends: at the first colon outside quotes. */
static size_t
colon_at(struct span line)
{
	bool is_quoted = false;

	for (size_t i = 0; i < line.len; i++) {
		char c = line.ptr[i];

		if (c == '\\')
			i++;
		else if (c == '"')
			is_quoted = !is_quoted;
		else if (c == ':' && !is_quoted)
			return i;
	}
	return line.len;
}

/*
 * Unquote the name of LEN bytes at NAME, and make it lower case, in place.
 * Returns its new length, 0 if it is no name that a local part can have.
 */
static size_t
make_name(char *name, size_t len)
{
	bool is_quoted = false;
	size_t made = 0;

	for (size_t i = 0; i < len; i++) {
		char c = name[i];

		if (c == '"') {
			is_quoted = !is_quoted;
			continue;
		}
		if (c == '\\' && i + 1 < len)
			c = name[++i];
		else if (!is_quoted && (scan_is_space(c) || scan_is_special(c)))
			return 0;
		if (scan_is_control(c))
			return 0;
		name[made++] = (char)text_lower(c);
	}
	return is_quoted ? 0 : made;
}

/* Parse LINE into *RET; why not, or NULL. */
static const char *
parse_entry(const struct mapfile *file, struct span line, struct entry *ret)
{
	size_t start = (size_t)(line.ptr - file->text);
	size_t colon = colon_at(line), len = colon, value;

	if (colon == line.len)
		return "no \"name: value\"";
	while (len > 0 && scan_is_space(line.ptr[len - 1]))
		len--;
	len = make_name(file->text + start, len);
	if (len == 0)
		return "this can be no local name (put it in quotes?)";
	for (value = colon + 1; value < line.len; value++)
		if (!scan_is_space(line.ptr[value]))
			break;
	*ret = (struct entry){ .name = (uint32_t)start,
		.name_len = (uint32_t)len,
		.value = (uint32_t)(start + value),
		.value_len = (uint32_t)(line.len - value) };
	return NULL;
}

static int
add_entry(struct aliases *aliases, const struct entry *entry)
{
	struct entry *grown;

	if (aliases->count == aliases->room) {
		aliases->room = aliases->room == 0 ? 32 : aliases->room * 2;
		grown = reallocarray(
		    aliases->entries, aliases->room, sizeof(*grown));
		if (grown == NULL)
			return -ENOMEM;
		aliases->entries = grown;
	}
	aliases->entries[aliases->count++] = *entry;
	return 0;
}

static int
compare_names(struct span a, struct span b)
{
	int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);

	return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* For qsort_r(3): by name, and within one by its place in the file. */
static int
compare_entries(const void *a, const void *b, void *text)
{
	const struct entry *x = a, *y = b;
	int order =
	    compare_names((struct span){ (char *)text + x->name, x->name_len },
		(struct span){ (char *)text + y->name, y->name_len });

	return order != 0 ? order : (x->line > y->line) - (x->line < y->line);
}

/* Duplicates on their way out. */
struct duplicates {
	const struct aliases *aliases;
	mapfile_fault_fn *fault;
	void *arg;
};

static bool
is_same_name(const void *a, const void *b, void *arg)
{
	const struct duplicates *here = arg;
	const char *text = here->aliases->file.text;
	const struct entry *x = a, *y = b;

	return compare_names((struct span){ text + x->name, x->name_len },
		   (struct span){ text + y->name, y->name_len }) == 0;
}

static void
drop_entry(void *item, void *arg)
{
	const struct duplicates *here = arg;
	const struct entry *entry = item;

	here->fault(here->arg, entry->line,
	    "the name was there before, and the first counts");
}

/* Keep the first entry of each name. */
static void
drop_duplicates(struct aliases *aliases, mapfile_fault_fn *fault, void *arg)
{
	static const struct mapfile_unique how = { is_same_name, drop_entry };
	struct duplicates here = { aliases, fault, arg };

	aliases->count = mapfile_unique(aliases->entries, aliases->count,
	    sizeof(*aliases->entries), &how, &here);
}

static int
read_entries(struct aliases *aliases, mapfile_fault_fn *fault, void *arg)
{
	struct entry entry;
	struct span line;
	unsigned number;
	int err = 0;

	while (err == 0 && mapfile_next(&aliases->file, &line, &number)) {
		const char *why = parse_entry(&aliases->file, line, &entry);

		entry.line = number;
		if (why == NULL)
			err = add_entry(aliases, &entry);
		else
			fault(arg, number, why);
	}
	if (err < 0 || aliases->count == 0)
		return err;
	qsort_r(aliases->entries, aliases->count, sizeof(entry),
	    compare_entries, aliases->file.text);
	drop_duplicates(aliases, fault, arg);
	return 0;
}

int
aliases_read(struct aliases **ret, const char *path, mapfile_fault_fn *fault,
    void *arg, const char **reterr_why)
{
	struct aliases *aliases = calloc(1, sizeof(*aliases));
	int err = -ENOMEM;

	*reterr_why = "out of memory";
	if (aliases == NULL)
		return err;
	err = mapfile_read(&aliases->file, path, reterr_why);
	if (err == 0)
		err = read_entries(
		    aliases, fault != NULL ? fault : mapfile_ignore_fault, arg);
	if (err < 0)
		aliases_free(aliases);
	else
		*ret = aliases;
	return err;
}

void
aliases_free(struct aliases *aliases)
{
	if (aliases == NULL)
		return;
	mapfile_release(&aliases->file);
	free(aliases->entries);
	free(aliases);
}

/* ---- looking up ------------------------------------------------------ */

/* Compare NAME, of any case, with that of an entry, in lower case. */
static int
compare_given(struct span name, struct span known)
{
	size_t n = name.len < known.len ? name.len : known.len;

	for (size_t i = 0; i < n; i++) {
		int order =
		    text_lower(name.ptr[i]) - (unsigned char)known.ptr[i];

		if (order != 0)
			return order;
	}
	return (name.len > known.len) - (name.len < known.len);
}

static size_t
find_exactly(const struct aliases *aliases, struct span name)
{
	size_t low = 0, high = aliases->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare_given(name, aliases_name(aliases, middle));

		if (order == 0)
			return middle;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return ALIASES_NONE;
}

size_t
aliases_find(const struct aliases *aliases, struct span name)
{
	size_t found = find_exactly(aliases, name);
	const char *plus;

	if (found != ALIASES_NONE || name.len == 0)
		return found;
	plus = memchr(name.ptr, '+', name.len);
	if (plus == NULL || plus == name.ptr)
		return ALIASES_NONE;
	name.len = (size_t)(plus - name.ptr);
	return find_exactly(aliases, name);
}

/* ---- values ---------------------------------------------------------- */

struct walk {
	alias_fn *fn;
	void *arg;
	struct alias_item item;
};

static int
visit_box(const struct mailbox *box, void *arg)
{
	struct walk *walk = arg;

	walk->item.box = *box;
	walk->item.text = box->whole;
	return walk->fn(&walk->item, walk->arg);
}

/* What TEXT, which is not empty, is meant to be, by how it begins. */
static enum alias_kind
kind_of(struct span text)
{
	static const char include[] = ":include:";

	if (text.ptr[0] == '"' && text.len > 1) {
		text.ptr++;
		text.len--;
	}
	if (text.ptr[0] == '|')
		return ALIAS_COMMAND;
	if (text.ptr[0] == '/')
		return ALIAS_FILE;
	if (text.len >= strlen(include) &&
	    strncasecmp(text.ptr, include, strlen(include)) == 0)
		return ALIAS_INCLUDE;
	return text.ptr[0] == '\\' ? ALIAS_FINAL : ALIAS_ADDRESS;
}

/*
 * Visit the addresses of TEXT, which is between two commas.  Nothing of it
 * counts unless all of it is good: "ann@@x bob" is no mail for bob.
 */
static int
walk_addresses(struct walk *walk, struct span text)
{
	size_t count = 0, pos;

	if (walk->item.kind == ALIAS_FINAL && text.ptr[0] == '\\') {
		text.ptr++;
		text.len--;
	}
	if (address_count(text, &count, &pos) != 0 || count == 0) {
		walk->item.kind = ALIAS_BAD;
		return walk->fn(&walk->item, walk->arg);
	}
	return address_walk(text, visit_box, walk, &pos);
}

static int
walk_item(struct walk *walk, struct span text)
{
	text = scan_trim(text);
	if (text.len == 0)
		return 0;
	walk->item = (struct alias_item){ .kind = kind_of(text), .text = text };
	if (walk->item.kind == ALIAS_ADDRESS || walk->item.kind == ALIAS_FINAL)
		return walk_addresses(walk, text);
	return walk->fn(&walk->item, walk->arg);
}

/* Length of the item that TEXT begins with: up to a comma on its own. */
static size_t
item_len(struct span text)
{
	size_t depth = 0, i;
	bool is_quoted = false;

	for (i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (c == '\\')
			i++;
		else if (c == '"' && depth == 0)
			is_quoted = !is_quoted;
		else if (is_quoted)
			continue;
		else if (c == '(')
			depth++;
		else if (c == ')' && depth > 0)
			depth--;
		else if (c == ',' && depth == 0)
			return i;
	}
	return text.len;
}

int
aliases_walk(struct span value, alias_fn *fn, void *arg)
{
	struct walk walk = { .fn = fn, .arg = arg };
	int result = 0;

	while (value.len > 0 && result == 0) {
		size_t len = item_len(value);

		result = walk_item(&walk, (struct span){ value.ptr, len });
		len += len < value.len; /* the comma */
		value.ptr += len;
		value.len -= len;
	}
	return result;
}
