/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <stdbool.h>
#include <string.h>

#include "lib/span.h"
#include "spoold/smtp/base64.h"
#include "spoold/smtp/mask.h"
#include "spoold/smtp/normalise.h"

static const char mask[] = "…";

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

/* ---- a secret that is known ------------------------------------------ */

/* What base64.h takes: the alphabet of the commands. */
static bool
is_base64(char c)
{
	return c != '-' && c != '_' && c != '=' && c != '\0' &&
	    strchr(alphabet, c) != NULL;
}

/* Whether TEXT, which may have been cut, ends with the beginning of SECRET. */
static bool
ends_within(struct span text, struct span secret)
{
	size_t n = text.len < secret.len ? text.len : secret.len;

	for (; n >= MASK_SECRET_MIN; n--)
		if (memcmp(text.ptr + text.len - n, secret.ptr, n) == 0)
			return true;
	return false;
}

/* The length of the base64 that TEXT begins with, if it hides SECRET; or 0. */
static size_t
hidden_len(struct span text, struct span secret)
{
	char plain[REPLY_TEXT_MAX];
	size_t len = 0, n;
	bool is_found;

	while (len < text.len && is_base64(text.ptr[len]))
		len++;
	if (len < MASK_SECRET_MIN)
		return 0;
	n = base64_decode((struct span){ text.ptr, len }, plain, sizeof(plain));
	is_found = memmem(plain, n, secret.ptr, secret.len) != NULL ||
	    (len == text.len &&
		ends_within((struct span){ plain, n }, secret));
	explicit_bzero(plain, n);
	while (len < text.len && text.ptr[len] == '=')
		len++;
	return is_found ? len : 0;
}

size_t
mask_secret(char *text, size_t len, const char *secret)
{
	struct span key = { secret, strlen(secret) };
	struct span rest = { text, len };
	bool is_inside = false; /* of a run that was looked at */
	char *to = text;

	while (rest.len > 0 && key.len >= MASK_SECRET_MIN) {
		/* At the end, as much of it as there is. */
		size_t n = rest.len < key.len ? rest.len : key.len;

		if (n < MASK_SECRET_MIN || memcmp(rest.ptr, key.ptr, n) != 0)
			n = is_inside ? 0 : hidden_len(rest, key);
		is_inside = n == 0 && is_base64(*rest.ptr);
		if (n > 0) {
			memcpy(to, mask, sizeof(mask) - 1);
			to += sizeof(mask) - 1;
		} else {
			*to++ = *rest.ptr;
			n = 1;
		}
		rest.ptr += n;
		rest.len -= n;
	}
	return (size_t)(to - text) + rest.len;
}
