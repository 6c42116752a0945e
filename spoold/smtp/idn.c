/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <idn2.h>

#include "lib/utf8.h"
#include "spoold/smtp/idn.h"

/* As browsers do: by today's rules, and if they say no by yesterday's. */
static int
domain_ascii(const char *domain, char **ret)
{
	int rc = idn2_to_ascii_8z(
	    domain, ret, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);

	if (rc == IDN2_OK || rc == IDN2_MALLOC)
		return rc;
	if (idn2_to_ascii_8z(domain, ret, IDN2_NFC_INPUT | IDN2_TRANSITIONAL) ==
	    IDN2_OK)
		return IDN2_OK;
	return rc;
}

/*
 * Whether DOMAIN is what it should be by now.  The rules map many characters
 * to ASCII, U+FF1E to '>' among them.
 */
static bool
is_domain(const char *domain)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";

	return domain[0] != '\0' && domain[strspn(domain, letters)] == '\0';
}

/* domain_ascii() with its errors in our way. */
static int
convert(const char *domain, char **ret, const char **reterr_why)
{
	int rc = domain_ascii(domain, ret);

	if (rc == IDN2_MALLOC)
		return -ENOMEM;
	if (rc == IDN2_OK && is_domain(*ret))
		return 0;
	if (rc == IDN2_OK)
		idn2_free(*ret);
	/* What idn2_strerror() gives is valid for ever. */
	*reterr_why =
	    rc == IDN2_OK ? "the domain is no name" : idn2_strerror(rc);
	return -EDOM;
}

/* Why ADDR, whose local part has LOCAL bytes, has no ASCII; or NULL. */
static const char *
fault_of(const char *addr, size_t local)
{
	if (!utf8_is_valid(span_of(addr)))
		return "the address is not UTF-8";
	if (utf8_has_8bit((struct span){ addr, local }))
		return "the relay does not offer SMTPUTF8";
	return NULL;
}

int
idn_ascii(const char *addr, char **ret, const char **reterr_why)
{
	const char *at = strrchr(addr, '@');
	size_t local = at != NULL ? (size_t)(at - addr) : strlen(addr);
	const char *fault = fault_of(addr, local);
	char *domain;
	int err;

	if (fault != NULL) {
		*reterr_why = fault;
		return -EINVAL;
	}
	if (at == NULL || !utf8_has_8bit(span_of(at))) {
		*ret = strdup(addr);
		return *ret != NULL ? 0 : -ENOMEM;
	}
	err = convert(at + 1, &domain, reterr_why);
	if (err < 0)
		return err;
	err = asprintf(ret, "%.*s@%s", (int)local, addr, domain);
	if (err < 0)
		*ret = NULL;
	idn2_free(domain);
	return err < 0 ? -ENOMEM : 0;
}
