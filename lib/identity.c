/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See lib/identity.h. */

#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "lib/address.h"
#include "lib/envelope.h"
#include "lib/generic.h"
#include "lib/identity.h"
#include "lib/expansion.h"
#include "lib/routes.h"
#include "lib/text.h"
#include "lib/utf8.h"

/* Longest warning, in bytes. */
#define WARNING_BYTES_MAX 500
/* Faults of a file that every call of sendmail tells; newaliases has all. */
#define FAULTS_MAX 3

/* Copy TEXT, unless NULL, into *RET; false when out of memory. */
static bool
copy(char **ret, const char *text)
{
	*ret = text != NULL ? strdup(text) : NULL;
	return text == NULL || *ret != NULL;
}

int
identity_init(struct identity *id, const struct config *cfg)
{
	struct identity made = { .keeps_local = cfg->nrelays > 0 &&
		    cfg->relays[0].maildir != NULL };
	char name[HOST_NAME_MAX + 1] = "";

	(void)gethostname(name, sizeof(name) - 1);
	made.origin = config_origin(cfg);
	if (made.origin == NULL || !copy(&made.hostname, name) ||
	    !copy(&made.aliases_path, cfg->aliases) ||
	    !copy(&made.generic_path, cfg->generic) ||
	    !copy(&made.masquerade, cfg->masquerade) ||
	    !copy(&made.local_recipients, cfg->local_recipients)) {
		identity_release(&made);
		return -ENOMEM;
	}
	*id = made;
	return 0;
}

void
identity_release(struct identity *id)
{
	free(id->origin);
	free(id->hostname);
	free(id->aliases_path);
	free(id->generic_path);
	free(id->masquerade);
	free(id->local_recipients);
	routes_free(id->routes);
	generic_free(id->generic);
	expansion_free(id->expansion);
	*id = (struct identity){ 0 };
}

bool
identity_is_localhost(struct span domain)
{
	return span_is_word(domain, "localhost") ||
	    span_is_word(domain, "localhost.localdomain");
}

bool
identity_is_here(const struct identity *id, struct span domain)
{
	return identity_is_localhost(domain) ||
	    (id->hostname[0] != '\0' && span_is_word(domain, id->hostname));
}

const char *
identity_address_fault(const struct identity *id, const char *addr)
{
	const char *fault = envelope_address_fault(addr);
	struct span text = span_of(addr);

	if (fault != NULL || !utf8_has_8bit(text))
		return fault;
	if (!utf8_is_valid(text))
		return "has 8-bit characters that are not UTF-8";
	/* A domain can be written in ASCII, whoever has to send it. */
	text.len = address_local_len(text);
	/* A Maildir takes any address there is. */
	if (utf8_has_8bit(text) && !id->keeps_local &&
	    id->is_ascii_only != NULL &&
	    id->is_ascii_only(id->is_ascii_only_arg))
		return "has 8-bit characters, and the relay does not take such "
		       "(SMTPUTF8)";
	return NULL;
}

/* ---- warnings ---------------------------------------------------------- */

void
identity_warn(const struct identity *id, const char *fmt, ...)
{
	char *text, *clean;
	va_list args;
	int len;

	if (id->warn == NULL)
		return;
	va_start(args, fmt);
	len = vasprintf(&text, fmt, args);
	va_end(args);
	if (len < 0)
		return;
	clean = text_clean(span_of(text), WARNING_BYTES_MAX);
	if (clean != NULL)
		id->warn(clean);
	free(clean);
	free(text);
}

void
identity_note_fault(void *faults, unsigned line, const char *why)
{
	struct identity_faults *here = faults;

	if (here->told < FAULTS_MAX)
		identity_warn(
		    here->id, "%s:%u: skipped: %s", here->path, line, why);
	else if (here->told == FAULTS_MAX)
		identity_warn(here->id, "%s: there is more, see newaliases(8)",
		    here->path);
	else
		return;
	here->told++;
}

/* ---- how the world sees an address ------------------------------------- */

int
identity_read_generic(struct identity *id, char **reterr_why)
{
	struct identity_faults faults = { id, id->generic_path, 0 };
	const char *why;
	int err;

	if (id->generic_path == NULL || id->has_read_generic)
		return 0;
	err = generic_read(&id->generic, id->generic_path, id->origin,
	    identity_note_fault, &faults, &why);
	id->has_read_generic = err == 0 || err == -ENOENT;
	if (err == -ENOENT) {
		identity_warn(id, "generic '%s': %s", id->generic_path, why);
		return 0;
	}
	if (err < 0 &&
	    asprintf(reterr_why, "cannot use the generic map '%.200s': %s",
		id->generic_path, why) < 0)
		*reterr_why = NULL;
	return err;
}

/*
 * The domain of ID->masquerade that DOMAIN is, or is below; len 0 if none.
 * The first that fits counts, as with Postfix.
 */
static struct span
masked(const struct identity *id, struct span domain)
{
	const char *at = id->masquerade;

	while (at != NULL && *at != '\0') {
		struct span name = { at, strcspn(at, " ") };
		size_t more;

		at += name.len + (at[name.len] == ' ');
		if (name.len == 0 || name.len > domain.len)
			continue;
		more = domain.len - name.len;
		if (strncasecmp(domain.ptr + more, name.ptr, name.len) == 0 &&
		    (more == 0 || domain.ptr[more - 1] == '.'))
			return name;
	}
	return (struct span){ "", 0 };
}

/* identity_show() of any address that the map has nothing to say about. */
static int
show_masked(const struct identity *id, struct span domain, char **ret)
{
	struct span name = masked(id, domain);

	if (name.len == 0 || name.len == domain.len)
		return 0;
	if (asprintf(ret, "@%.*s", (int)name.len, name.ptr) >= 0)
		return 0;
	*ret = NULL;
	return -ENOMEM;
}

/* What the map says about ADDR, of which LOCAL_LEN are the local part. */
static const char *
find_generic(const struct identity *id, const char *addr, size_t local_len)
{
	struct span domain = span_of(addr + local_len + 1);

	if (id->generic == NULL)
		return NULL;
	return generic_find(id->generic, span_of(addr), local_len,
	    identity_is_here(id, domain) || span_is_word(domain, id->origin));
}

/* identity_show() of the sender ADDR, of which LOCAL_LEN and DOMAIN are. */
static int
show_sender(const struct identity *id, const char *addr, size_t local_len,
    struct span domain, char **ret)
{
	const char *found = find_generic(id, addr, local_len);
	char *at_origin;
	int err;

	if (found != NULL)
		return copy(ret, found) ? 0 : -ENOMEM;
	if (!identity_is_localhost(domain) ||
	    identity_is_localhost(span_of(id->origin)))
		return show_masked(id, domain, ret);
	if (asprintf(&at_origin, "%.*s@%s", (int)local_len, addr, id->origin) <
	    0)
		return -ENOMEM;
	err = identity_show(id, at_origin, IDENTITY_SENDER, ret);
	if (err == 0 && *ret == NULL && !copy(ret, at_origin + local_len))
		err = -ENOMEM;
	free(at_origin);
	return err;
}

int
identity_show(const struct identity *id, const char *addr,
    enum identity_role role, char **ret)
{
	size_t local_len = address_local_len(span_of(addr));
	struct span domain;

	*ret = NULL;
	if (addr[local_len] == '\0')
		return 0;
	domain = span_of(addr + local_len + 1);
	if (role == IDENTITY_SENDER)
		return show_sender(id, addr, local_len, domain, ret);
	return show_masked(id, domain, ret);
}
