/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Who is who on this machine: how the names that its programs use (root,
 * www-data, ann@web1.lan) become addresses that the world can answer to and a
 * relay can deliver to.
 *
 *	recipients	a local name goes where /etc/aliases says, else to
 *			local_recipients, else it gets the origin
 *	senders		masquerade and the generic map give them the address
 *			that the world knows
 *
 * Files are read when the first address needs them: most messages need none.
 * A missing file says nothing.  One that is there and cannot be read would
 * silently lead mail elsewhere, so nothing is taken until it can: EX_TEMPFAIL.
 */

#ifndef SPOOL_IDENTITY_H
#define SPOOL_IDENTITY_H

#include <stdbool.h>

#include "lib/conf.h"
#include "lib/span.h"

struct expansion;
struct generic;
struct routes;

struct identity {
	char *origin;           /* completes local addresses */
	char *hostname;         /* this host's own name, "" if it has none */
	char *aliases_path;     /* NULL: there are none */
	char *generic_path;     /* NULL: there is none */
	char *masquerade;       /* domains, separated by spaces; or NULL */
	char *local_recipients; /* an address list, or NULL */
	bool keeps_local;       /* the relay is a Maildir: any name will do */
	/*
	 * Asked, if set, when an 8-bit local part comes: whether the relay, as
	 * far as is known, takes no SMTPUTF8, so that it cannot be sent.
	 */
	bool (*is_ascii_only)(void *arg);
	void *is_ascii_only_arg;
	/*
	 * Told, if set, what an administrator should know though the message
	 * goes on (an alias to a command …): one line, harmless to show.
	 */
	void (*warn)(const char *text);

	struct routes *routes;   /* NULL: aliases were not read yet */
	struct generic *generic; /* NULL: not read yet, or none there */
	bool has_read_generic;
	struct expansion *expansion; /* of the envelope at hand, or NULL */
};

/* As what an address is about to be shown to the world. */
enum identity_role { IDENTITY_SENDER, IDENTITY_RECIPIENT };

/*
 * What CFG says, completed by what this machine is.  0 or -ENOMEM.  Released
 * by identity_release().
 */
int identity_init(struct identity *id, const struct config *cfg);

/* A zeroed one is fine. */
void identity_release(struct identity *id);

/* Whether DOMAIN is this machine: localhost, or its own name. */
bool identity_is_here(const struct identity *id, struct span domain);

/* Whether DOMAIN means this machine to every machine: no relay can take it. */
bool identity_is_localhost(struct span domain);

/*
 * Why ADDR cannot be in an envelope: envelope_address_fault(), or about its
 * 8-bit bytes; NULL if it can.  A fixed text.
 */
const char *identity_address_fault(const struct identity *id, const char *addr);

/*
 * Read the generic map unless that has been done.  0, or -errno with
 * *RETERR_WHY a line for the user, to be freed (NULL: no memory).
 */
int identity_read_generic(struct identity *id, char **reterr_why);

/*
 * What the qualified address ADDR is to the world: the generic map is for
 * senders, masquerade for all.  A sender at localhost, whom nobody could
 * answer and many relays refuse, counts as one at the origin if the map does
 * not know it.  *RET is a new address, or a new "@domain" if the local part
 * stays, or NULL if all does.  0 or -ENOMEM.  The map has been read.
 */
int identity_show(const struct identity *id, const char *addr,
    enum identity_role role, char **ret);

/* Tell ID->warn, if there is one. */
void identity_warn(const struct identity *id, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * A mapfile_fault_fn for use with a struct identity_faults: passes on the
 * first few faults of a file.
 */
struct identity_faults {
	const struct identity *id;
	const char *path;
	unsigned told;
};

void identity_note_fault(void *faults, unsigned line, const char *why);

#endif
