/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * What programs read: message/delivery-status (RFC 3464).
 *
 * It is ASCII, whatever the addresses are: those beyond ASCII stand in the
 * form that RFC 6533, section 3, has for that (utf-8-addr-xtext), so that every
 * mail program understands the report and every relay takes it.
 */

#include "config.h"

#include <stdlib.h>

#include "lib/date.h"
#include "lib/utf8.h"
#include "spoold/report-work.h"

/* Longest text from a server, and any: a line has 998 bytes. */
#define DIAGNOSTIC_MAX 700
#define FIELD_MAX ENVELOPE_ADDRESS_MAX

/* ---- codes ----------------------------------------------------------- */

static size_t
count_digits(const char *text)
{
	return strspn(text, "0123456789");
}

/* The length of "5.1.1" if TEXT begins with a code of RFC 3463, else 0. */
static size_t
enhanced_length(const char *text)
{
	size_t len = 1, n;

	if (text[0] != '2' && text[0] != '4' && text[0] != '5')
		return 0;
	for (int i = 0; i < 2; i++) {
		if (text[len] != '.')
			return 0;
		n = count_digits(text + len + 1);
		if (n < 1 || n > 3)
			return 0;
		len += 1 + n;
	}
	return text[len] == '\0' || strchr(" \t\r\n", text[len]) != NULL ? len
									 : 0;
}

/* Whether TEXT begins with an SMTP reply's code. */
static bool
is_reply(const char *text)
{
	return count_digits(text) == 3 && strchr("245", text[0]) != NULL &&
	    (text[3] == '\0' || text[3] == ' ' || text[3] == '-');
}

/* The enhanced code in REPLY, its length, else 0. */
static size_t
find_enhanced(const char *reply, const char **ret)
{
	size_t len;

	*ret = reply;
	if (is_reply(reply))
		*ret = reply + 3 + (reply[3] != '\0');
	len = enhanced_length(*ret);
	/* RFC 2034, section 4: of the same class, or it is something else. */
	return len > 0 && (*ret)[0] == reply[0] ? len : 0;
}

/* The class that KIND has, given the one of the reply; '\0': none. */
static char
class_of(enum report_kind kind, char class)
{
	switch (kind) {
	case REPORT_DELAYED: /* not failed, whatever was said */
		return '4';
	case REPORT_RELAYED:
		return '2';
	case REPORT_FAILED: /* may be after many a "not now" */
		break;
	}
	return class == '4' ? '4' : '5';
}

const char *
report_status(const char *reply, enum report_kind kind, char buf[static 16])
{
	const char *code = NULL;
	size_t len = 0;
	char class = '\0';

	if (reply != NULL) {
		len = find_enhanced(reply, &code);
		if (len > 0 || is_reply(reply))
			class = reply[0];
	}
	/* A detail of a refusal says nothing about a success. */
	if (len == 0 || (class == '2') != (kind == REPORT_RELAYED)) {
		code = "?.0.0";
		len = 5;
	}
	snprintf(
	    buf, 16, "%c%.*s", class_of(kind, class), (int)len - 1, code + 1);
	return buf;
}

const char *
report_rcpt_status(
    const struct report *rp, const struct report_rcpt *r, char buf[static 16])
{
	/* RFC 3463: 4.4.7 is "delivery time expired". */
	if (rp->kind == REPORT_FAILED && r->note != NULL &&
	    (r->reply == NULL || !is_reply(r->reply)) &&
	    strcmp(report_status(r->reply, rp->kind, buf), "5.0.0") == 0)
		strcpy(buf, "4.4.7");
	else
		(void)report_status(r->reply, rp->kind, buf);
	return buf;
}

const struct recipient *
report_recipient(const struct report *rp, const struct report_rcpt *r)
{
	const struct envelope *env = &rp->original->env;

	return r->index < env->nrcpts ? &env->rcpts[r->index] : NULL;
}

/* ---- fields ---------------------------------------------------------- */

/* Write TEXT as printable ASCII, at most MAX bytes. */
static void
put_ascii(FILE *out, const char *text, size_t max)
{
	for (size_t len; *text != '\0'; text++, max -= len) {
		bool is_plain = *text >= ' ' && *text <= '~';

		len = is_plain ? 1 : 4;
		if (len > max)
			break;
		if (is_plain)
			putc(*text, out);
		else
			fprintf(out, "\\x%02X", (unsigned char)*text);
	}
}

/* As utf-8-addr-xtext; what is no UTF-8 byte by byte. */
static void
put_address_xtext(FILE *out, struct span text, size_t max)
{
	while (text.len > 0 && max > 10) {
		uint32_t code = (unsigned char)text.ptr[0];
		size_t len = utf8_decode(text, &code);
		bool is_plain = code > ' ' && code <= '~' &&
		    strchr("+=\\", (int)code) == NULL;
		int n = fprintf(out, is_plain ? "%c" : "\\x{%02X}", code);

		max -= n > 0 ? (size_t)n : 1;
		len += len == 0;
		text.ptr += len;
		text.len -= len;
	}
}

/* NAME and an address; TYPE unless it is beyond ASCII. */
static void
put_address(FILE *out, const char *name, struct span type, const char *addr)
{
	if (utf8_has_8bit(span_of(addr))) {
		fprintf(out, "%s: utf-8; ", name);
		put_address_xtext(out, span_of(addr), FIELD_MAX);
	} else {
		fprintf(out, "%s: %.*s; ", name, (int)type.len, type.ptr);
		put_ascii(out, addr, FIELD_MAX);
	}
	fputs("\r\n", out);
}

static void
put_date(FILE *out, const char *name, int64_t time_us)
{
	char date[DATE_SIZE];

	if (time_us > 0 && date_format(time_us, date) == 0)
		fprintf(out, "%s: %s\r\n", name, date);
}

/* "rfc822;addr" as the sender's program gave it. */
static void
put_orcpt(FILE *out, const char *orcpt)
{
	size_t len = strcspn(orcpt, ";");
	struct span type = { orcpt, len };

	if (orcpt[len] == ';' && len > 0 && !utf8_has_8bit(type))
		put_address(out, "Original-Recipient", type, orcpt + len + 1);
}

/* "mail.example[192.0.2.1]:25": its name, or else its address. */
static void
put_server(FILE *out, const char *server)
{
	size_t len = strspn(server,
	    "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._");

	if (len > 0 && (server[len] == '[' || server[len] == '\0'))
		fprintf(out, "Remote-MTA: dns; %.*s\r\n", (int)len, server);
	else {
		fputs("Remote-MTA: x-server; ", out);
		put_ascii(out, server, DIAGNOSTIC_MAX);
		fputs("\r\n", out);
	}
}

static void
put_diagnostic(FILE *out, const char *reply)
{
	fprintf(out, "Diagnostic-Code: %s;%s ",
	    is_reply(reply) ? "smtp" : "x-spoold",
	    strlen(reply) > 50 ? "\r\n" : "");
	put_ascii(out, reply, DIAGNOSTIC_MAX);
	fputs("\r\n", out);
}

static void
put_rcpt(const struct report *rp, const struct report_rcpt *r, FILE *out)
{
	static const char *const actions[] = {
		[REPORT_FAILED] = "failed",
		[REPORT_DELAYED] = "delayed",
		[REPORT_RELAYED] = "relayed",
	};
	const struct recipient *rcpt = report_recipient(rp, r);
	char status[16];

	if (rcpt == NULL)
		return;
	fputs("\r\n", out);
	if (rcpt->orcpt != NULL)
		put_orcpt(out, rcpt->orcpt);
	put_address(out, "Final-Recipient", span_of("rfc822"), rcpt->addr);
	fprintf(out, "Action: %s\r\n", actions[rp->kind]);
	fprintf(out, "Status: %s\r\n", report_rcpt_status(rp, r, status));
	if (r->server != NULL && r->server[0] != '\0')
		put_server(out, r->server);
	if (r->reply != NULL && r->reply[0] != '\0')
		put_diagnostic(out, r->reply);
	put_date(out, "Last-Attempt-Date", r->last_us);
	if (rp->kind == REPORT_DELAYED)
		put_date(out, "Will-Retry-Until", rp->until_us);
}

void
report_put_status(const struct report *rp, FILE *out)
{
	const struct envelope *env = &rp->original->env;

	/* Decoded (RFC 3461, section 4.4, allows only what may stand here). */
	if (env->envid != NULL) {
		fputs("Original-Envelope-Id: ", out);
		put_ascii(out, env->envid, FIELD_MAX);
		fputs("\r\n", out);
	}
	fputs("Reporting-MTA: dns; ", out);
	put_ascii(out, rp->host, DIAGNOSTIC_MAX);
	fputs("\r\n", out);
	put_date(out, "Arrival-Date", env->arrival_us);
	fputs("X-Spoold-Id: ", out);
	put_ascii(out, rp->id, SPOOL_ID_SIZE);
	fputs("\r\n", out);
	for (size_t i = 0; i < rp->nrcpts; i++)
		put_rcpt(rp, &rp->rcpts[i], out);
}
