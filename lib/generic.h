/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The map of senders: what the addresses of this machine are outside of it.
 *
 *	root@web1.lan	admin@example.com
 *	ann:		ann.ex@example.com
 *	@web2.lan	@example.com
 *	www-*@*.lan	hosting@example.com
 *
 * The form is that of Postfix's generic(5), and of Exim's
 * /etc/email-addresses, with a colon.  A value that begins with "@" keeps the
 * local part.  A pattern without "@" is about local addresses.  In patterns
 * "*" stands for any characters and "?" for one.
 */

#ifndef SPOOL_GENERIC_H
#define SPOOL_GENERIC_H

#include "lib/mapfile.h"
#include "lib/span.h"

struct generic;

/*
 * Read PATH as mapfile_read() does; ORIGIN completes values without a domain.
 * FAULT, unless NULL, is told of lines that are skipped.  0 with *RET, or
 * -errno with *RETERR_WHY.
 */
int generic_read(struct generic **ret, const char *path, const char *origin,
    mapfile_fault_fn *fault, void *arg, const char **reterr_why);

/* NULL is fine. */
void generic_free(struct generic *generic);

/* How many good lines it has. */
size_t generic_count(const struct generic *generic);

/*
 * What the address ADDR, of which LOCAL_LEN bytes stand before the "@", is
 * outside: an address, "@domain" for another domain with the same local part,
 * or NULL; valid as long as GENERIC.  IS_HERE: its domain is this machine's,
 * so that patterns without a domain are about it.  The exact address is looked
 * for first, then the local part, then the domain, then the first pattern with
 * wildcards that fits.
 */
const char *generic_find(const struct generic *generic, struct span addr,
    size_t local_len, bool is_here);

#endif
