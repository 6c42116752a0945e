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
 */

#ifndef SPOOL_IDENTITY_H
#define SPOOL_IDENTITY_H

#include <stdbool.h>

#include "lib/conf.h"

struct aliases;
struct generic;

struct identity {
	char *origin;           /* completes local addresses */
	char *hostname;         /* this host's own name, "" if it has none */
	char *aliases_path;     /* NULL: there are none */
	char *generic_path;     /* NULL: there is none */
	char *masquerade;       /* domains, separated by spaces; or NULL */
	char *local_recipients; /* an address list, or NULL */
	bool keeps_local;       /* the relay is a Maildir: any name will do */
	bool is_ascii_only;     /* the relay takes no SMTPUTF8, as far as is
				   known: 8-bit local parts cannot be sent */
	/*
	 * Told, if set, what an administrator should know though the message
	 * goes on (an alias to a command …): one line, harmless to show.
	 */
	void (*warn)(const char *text);

	struct aliases *aliases; /* NULL: not read yet */
	struct generic *generic; /* NULL: not read yet */
};

/*
 * What CFG says, completed by what this machine is.  0 or -ENOMEM.  Released
 * by identity_release().
 */
int identity_init(struct identity *id, const struct config *cfg);

/* A zeroed one is fine. */
void identity_release(struct identity *id);

#endif
