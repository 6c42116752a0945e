/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * /etc/aliases as aliases(5) of other mail systems describes it:
 *
 *	# comment
 *	root: ann@example.com, "Bob Ex" <bob@example.com>,
 *	      ops
 *	"strange name": \ann
 *
 * Of two entries with one name the first counts, as with Postfix.  Commands,
 * files and :include: are recognised, to be refused: nothing here runs
 * programs, writes to files, or reads them on somebody's behalf.
 */

#ifndef SPOOL_ALIASES_H
#define SPOOL_ALIASES_H

#include "lib/address.h"
#include "lib/mapfile.h"
#include "lib/span.h"

struct aliases;

/*
 * Read PATH as mapfile_read() does; FAULT is told of entries that are skipped
 * (no colon, no name, a name with a domain, a name that came before).  0 with
 * *RET, or -errno with *RETERR_WHY.
 */
int aliases_read(struct aliases **ret, const char *path,
    mapfile_fault_fn *fault, void *arg, const char **reterr_why);

/* NULL is fine. */
void aliases_free(struct aliases *aliases);

/* Entries have the numbers from 0 on, in the order of their names. */
size_t aliases_count(const struct aliases *aliases);

/* What aliases_find() returns for an unknown name. */
#define ALIASES_NONE ((size_t)-1)

/*
 * The entry of the local part NAME, without quotes, whatever its case; if
 * there is none, but a '+' in NAME, of what stands before the '+'.
 */
size_t aliases_find(const struct aliases *aliases, struct span name);

/* Name (lower case), value and line of the entry I; valid as long as it. */
struct span aliases_name(const struct aliases *aliases, size_t i);
struct span aliases_value(const struct aliases *aliases, size_t i);
unsigned aliases_line(const struct aliases *aliases, size_t i);

/* What a value can be made of. */
enum alias_kind {
	ALIAS_ADDRESS, /* BOX */
	ALIAS_FINAL,   /* "\ann": BOX, and no alias of that name counts */
	ALIAS_COMMAND,
	ALIAS_FILE,
	ALIAS_INCLUDE,
	ALIAS_BAD, /* no address */
};

struct alias_item {
	enum alias_kind kind;
	struct span text; /* as it stands in the value */
	struct mailbox box;
};

/* Called once per item, in order; a non-zero result ends the walk. */
typedef int alias_fn(const struct alias_item *item, void *arg);

/* Walk VALUE; 0 or FN's result. */
int aliases_walk(struct span value, alias_fn *fn, void *arg);

#endif
