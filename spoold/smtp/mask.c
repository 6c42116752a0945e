/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <stdbool.h>
#include <string.h>

#include "lib/span.h"
#include "spoold/smtp/mask.h"

/* Base64 of either alphabet (RFC 4648), and its padding. */
static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			       "abcdefghijklmnopqrstuvwxyz"
			       "0123456789+/-_=";

static bool
is_word(struct span run)
{
	static const char *const words[] = {
		"authenticate",
		"authenticated",
		"authentication",
		"authenticationfailed",
		"authorization",
		"badcredentials",
		"insufficient",
		"smtpclientauthentication",
		"unauthorized",
		"unsuccessful",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (span_is_word(run, words[i]))
			return true;
	return false;
}

void
mask_secrets(char *text)
{
	static const char mask[] = "…";
	const char *from = text;
	char *to = text;

	while (*from != '\0') {
		size_t len = strspn(from, alphabet);

		if (len >= MASK_RUN_MIN &&
		    !is_word((struct span){ from, len })) {
			memcpy(to, mask, sizeof(mask) - 1);
			to += sizeof(mask) - 1;
			from += len;
			continue;
		}
		/* The rest of a short run, too, and what ends it. */
		len += from[len] != '\0';
		memmove(to, from, len);
		to += len;
		from += len;
	}
	*to = '\0';
}
