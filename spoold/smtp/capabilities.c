/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/span.h"
#include "spoold/smtp/capabilities.h"

static const struct {
	unsigned mechanism;
	const char *name;
} mechanisms[] = {
	{ MECHANISM_CRAM_MD5, "CRAM-MD5" },
	{ MECHANISM_PLAIN, "PLAIN" },
	{ MECHANISM_LOGIN, "LOGIN" },
};

#define MECHANISMS (sizeof(mechanisms) / sizeof(mechanisms[0]))

/* Split the next word off REST; SEPARATORS besides white space end it too. */
static struct span
next_word(struct span *rest, const char *separators)
{
	struct span word;
	size_t i = 0;

	while (rest->len > 0 && (*rest->ptr == ' ' || *rest->ptr == '\t')) {
		rest->ptr++;
		rest->len--;
	}
	while (i < rest->len && rest->ptr[i] != '\0' &&
	    strchr(separators, rest->ptr[i]) == NULL)
		i++;
	word = (struct span){ rest->ptr, i };
	if (i < rest->len)
		i++;
	rest->ptr += i;
	rest->len -= i;
	return word;
}

static void
parse_auth(struct span rest, struct capabilities *caps)
{
	caps->has_auth = true;
	while (rest.len > 0) {
		struct span word = next_word(&rest, " \t");

		for (size_t i = 0; i < MECHANISMS; i++)
			if (span_is_word(word, mechanisms[i].name))
				caps->mechanisms |= mechanisms[i].mechanism;
	}
}

static void
parse_size(struct span rest, struct capabilities *caps)
{
	struct span word = next_word(&rest, " \t");
	uint64_t limit = 0;

	caps->has_size = true;
	/* Not a number, or one of more digits than any message needs: none. */
	if (word.len > 18)
		return;
	for (size_t i = 0; i < word.len; i++) {
		if (word.ptr[i] < '0' || word.ptr[i] > '9')
			return;
		limit = limit * 10 + (uint64_t)(word.ptr[i] - '0');
	}
	caps->size_limit = limit;
}

static void
parse_line(struct span line, struct capabilities *caps)
{
	/* "AUTH=LOGIN PLAIN" is how some old servers still write it. */
	struct span keyword = next_word(&line, " \t=");

	if (span_is_word(keyword, "PIPELINING"))
		caps->has_pipelining = true;
	else if (span_is_word(keyword, "8BITMIME"))
		caps->has_8bitmime = true;
	else if (span_is_word(keyword, "DSN"))
		caps->has_dsn = true;
	else if (span_is_word(keyword, "SMTPUTF8"))
		caps->has_smtputf8 = true;
	else if (span_is_word(keyword, "STARTTLS"))
		caps->has_starttls = true;
	else if (span_is_word(keyword, "SIZE"))
		parse_size(line, caps);
	else if (span_is_word(keyword, "AUTH"))
		parse_auth(line, caps);
}

void
capabilities_parse(const struct reply *r, struct capabilities *ret)
{
	struct span rest = { r->text, r->len };
	bool is_first = true;

	memset(ret, 0, sizeof(*ret));
	while (rest.len > 0) {
		const char *lf = memchr(rest.ptr, '\n', rest.len);
		size_t len = lf != NULL ? (size_t)(lf - rest.ptr) : rest.len;

		if (!is_first)
			parse_line((struct span){ rest.ptr, len }, ret);
		is_first = false;
		if (lf != NULL)
			len++;
		rest.ptr += len;
		rest.len -= len;
	}
}

const char *
mechanism_name(unsigned mechanism)
{
	for (size_t i = 0; i < MECHANISMS; i++)
		if (mechanisms[i].mechanism == mechanism)
			return mechanisms[i].name;
	return NULL;
}

size_t
capabilities_write(
    const struct capabilities *caps, unsigned mechanism, char *buf, size_t size)
{
	char size_line[48] = "", auth_line[48] = "";
	int len;

	if (caps->has_size)
		(void)snprintf(size_line, sizeof(size_line),
		    "250-SIZE %" PRIu64 "\r\n", caps->size_limit);
	if (mechanism != 0)
		(void)snprintf(auth_line, sizeof(auth_line), "250-AUTH %s\r\n",
		    mechanism_name(mechanism));
	len = snprintf(buf, size, "250-relay\r\n%s%s%s%s%s250 HELP\r\n",
	    caps->has_pipelining ? "250-PIPELINING\r\n" : "",
	    caps->has_8bitmime ? "250-8BITMIME\r\n" : "",
	    caps->has_dsn ? "250-DSN\r\n" : "", size_line, auth_line);
	return (size_t)len < size ? (size_t)len : size - 1;
}
