/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * What people read.  They have sent a letter, and know nothing of relays: first
 * what happened, then to whom and why in the server's own words, then what to
 * do.
 */

#include "config.h"

#include <stdarg.h>
#include <stdlib.h>

#include "lib/date.h"
#include "lib/text.h"
#include "spoold/report-work.h"

#define WIDTH 72
/* So many recipients are listed; the rest is in the next part. */
#define LISTED_MAX 100
/* Longest text from a server. */
#define REASON_MAX 700

/* ---- lines ----------------------------------------------------------- */

/* Write TEXT in lines that begin with INDENT spaces, broken at spaces. */
static void
put_wrapped(FILE *out, unsigned indent, const char *text)
{
	size_t column = 0;

	while (*text != '\0') {
		size_t len = strcspn(text, " ");

		if (column > 0 && column + 1 + len > WIDTH) {
			putc('\n', out);
			column = 0;
		}
		if (column == 0)
			column += (size_t)fprintf(out, "%*s", (int)indent, "");
		else
			column += (size_t)fprintf(out, " ");
		column += fwrite(text, 1, len, out);
		text += len;
		text += strspn(text, " ");
	}
	putc('\n', out);
}

/* The same for what printf(3) makes of FMT. */
__attribute__((format(printf, 3, 4))) static void
put_paragraph(FILE *out, unsigned indent, const char *fmt, ...)
{
	char *text;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	put_wrapped(out, indent, text);
	free(text);
}

/* ---- what to do ------------------------------------------------------ */

static const char address_hint[] =
    "There is no such address. Check its spelling, or ask the recipient for "
    "the right one, and send the message again.";
static const char domain_hint[] =
    "The part of the address behind the \"@\" does not take mail. Check its "
    "spelling, or reach the recipient another way.";
static const char full_hint[] =
    "The recipient's mailbox is full. Send the message again in a few days, "
    "or reach the recipient another way.";
static const char size_hint[] =
    "The message is too large for the recipient's mail system. Send it without "
    "large attachments, in several parts, or with a link to the files.";
static const char policy_hint[] =
    "The recipient's mail system did not want this message. Its words above "
    "may say why: that you are not allowed to write to this address, or that "
    "the message looked like unwanted mail. Ask the recipient another way, or "
    "show this report to your administrator.";
static const char sender_hint[] =
    "Your own address was not accepted. Show this report to your "
    "administrator.";
static const char admin_hint[] =
    "There is a fault that only an administrator can repair. Show this report "
    "to yours, and send the message again later.";
static const char temporary_hint[] =
    "The trouble was said to be temporary, but it lasted too long. If the "
    "message still matters, send it again.";
static const char other_hint[] =
    "The words above come from the mail system that refused the message. If "
    "they do not help you, show this report to your administrator.";

/* By subject and detail of a status code; "1.0" stands for all of "1". */
static const struct {
	const char *code;
	const char *hint;
} hints[] = {
	{ "1.0", address_hint },
	{ "1.2", domain_hint },
	{ "1.7", sender_hint },
	{ "1.8", sender_hint },
	{ "1.10", domain_hint },
	{ "2.1",
	    "The recipient's mailbox is closed and takes no messages. Reach "
	    "the recipient another way." },
	{ "2.2", full_hint },
	{ "2.3", size_hint },
	{ "2.4",
	    "The mailing list could not pass the message on. Tell who runs "
	    "the list." },
	{ "3.4", size_hint },
	{ "4.1", temporary_hint },
	{ "4.2", temporary_hint },
	{ "4.4", domain_hint },
	{ "4.6",
	    "The message went round in a circle: a forwarding is set up "
	    "wrongly. Show this report to your administrator." },
	{ "4.7",
	    "The message could not be handed over in time. If it still "
	    "matters, send it again; if it comes back again, show this "
	    "report to your administrator." },
	{ "5.3",
	    "The message had too many recipients for that mail system. Send "
	    "it to fewer at a time." },
	{ "6.0",
	    "The recipient's mail system cannot take messages of this kind. "
	    "Send it as plain text, with addresses and file names of plain "
	    "letters." },
	{ "7.0", policy_hint },
	{ "7.8", admin_hint },
	{ "7.9", admin_hint },
	{ "7.11", admin_hint },
	{ "7.26", admin_hint },
};

/* The hint for exactly that code, NULL if there is none. */
static const char *
find_hint(const char *code)
{
	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++)
		if (strcmp(hints[i].code, code) == 0)
			return hints[i].hint;
	return NULL;
}

/* For a status "5.1.1" of something that failed. */
static const char *
hint_for(const char *status)
{
	const char *hint = find_hint(status + 2);
	char all[8];

	if (hint != NULL)
		return hint;
	if (status[0] == '4')
		return temporary_hint;
	snprintf(all, sizeof(all), "%.*s.0", (int)strcspn(status + 2, "."),
	    status + 2);
	hint = find_hint(all);
	return hint != NULL ? hint : other_hint;
}

/* ---- recipients ------------------------------------------------------ */

static bool
is_same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Whether the same can be said about both. */
static bool
is_alike(const struct report_rcpt *a, const struct report_rcpt *b)
{
	return is_same(a->reply, b->reply) && is_same(a->server, b->server) &&
	    is_same(a->note, b->note);
}

static void
put_addr(FILE *out, const char *addr)
{
	fputs("    <", out);
	text_put_clean(out, span_of(addr), ENVELOPE_ADDRESS_MAX);
	fputs(">\n", out);
}

/* Who said so, as the line before it. */
static void
put_server(FILE *out, const char *server)
{
	char *clean =
	    server == NULL ? NULL : text_clean(span_of(server), REASON_MAX);

	if (clean != NULL && clean[0] != '\0')
		put_paragraph(out, 6,
		    "The mail server %.*s answered:", (int)strcspn(clean, "["),
		    clean);
	else
		put_paragraph(out, 6, "The mail server answered:");
	free(clean);
}

static void
put_reason(FILE *out, const struct report_rcpt *r)
{
	static const char local[] = "[local] ";
	char *clean;

	if (r->reply == NULL || r->reply[0] == '\0') {
		put_paragraph(out, 6, "No mail server has answered.");
		return;
	}
	clean = text_clean(span_of(r->reply), REASON_MAX);
	if (clean == NULL)
		return;
	if (strncmp(clean, local, sizeof(local) - 1) == 0)
		put_paragraph(
		    out, 6, "The reason: %s", clean + sizeof(local) - 1);
	else {
		put_server(out, r->server);
		put_wrapped(out, 10, clean);
	}
	free(clean);
}

/* Why no more attempts are made. */
static void
put_note(FILE *out, const char *note)
{
	char *clean;

	if (strcmp(note, "gave up") == 0) {
		put_paragraph(out, 6, "It was tried many times, in vain.");
		return;
	}
	clean = text_clean(span_of(note), REASON_MAX);
	if (clean != NULL)
		put_paragraph(out, 6, "It is not tried any more: %s.", clean);
	free(clean);
}

/* What is said about one, or several alike, below their addresses. */
static void
put_details(FILE *out, const struct report *rp, const struct report_rcpt *r)
{
	char status[16];

	put_reason(out, r);
	if (r->note != NULL && r->note[0] != '\0')
		put_note(out, r->note);
	if (rp->kind == REPORT_FAILED && !rp->is_double)
		put_paragraph(out, 6, "What to do: %s",
		    hint_for(report_rcpt_status(rp, r, status)));
	putc('\n', out);
}

static void
put_rcpts(FILE *out, const struct report *rp)
{
	size_t n = rp->nrcpts < LISTED_MAX ? rp->nrcpts : LISTED_MAX;

	for (size_t i = 0; i < n; i++) {
		const struct report_rcpt *r = &rp->rcpts[i];
		const struct recipient *rcpt = report_recipient(rp, r);

		if (rcpt != NULL)
			put_addr(out, rcpt->addr);
		if (i + 1 == n || !is_alike(r, r + 1))
			put_details(out, rp, r);
	}
	if (n < rp->nrcpts) {
		put_paragraph(out, 0,
		    "These are the first %zu of %zu. The attached delivery "
		    "report names them all.",
		    n, rp->nrcpts);
		putc('\n', out);
	}
}

/* ---- the whole ------------------------------------------------------- */

static void
put_failed(FILE *out, const struct report *rp)
{
	if (rp->is_double)
		put_paragraph(out, 0,
		    "A report about mail that could not be delivered could not "
		    "be delivered either. You get it because you are the "
		    "postmaster here: who sent the mail does not know.");
	else if (rp->nrcpts == 1)
		put_paragraph(out, 0,
		    "Your message could not be delivered to the recipient "
		    "below.");
	else
		put_paragraph(out, 0,
		    "Your message could not be delivered to %zu recipients.",
		    rp->nrcpts);
}

static void
put_delayed(FILE *out, const struct report *rp)
{
	const char *whom =
	    rp->nrcpts == 1 ? "the recipient below" : "the recipients below";
	char date[DATE_SIZE];

	put_paragraph(out, 0, "Your message has not reached %s yet.", whom);
	putc('\n', out);
	if (rp->until_us > 0 && date_format(rp->until_us, date) == 0)
		put_paragraph(out, 0,
		    "This is a warning only, and there is nothing you have to "
		    "do. It will be tried again and again until %s. If it "
		    "cannot be delivered by then, you will get a final "
		    "notice.",
		    date);
	else
		put_paragraph(out, 0,
		    "This is a warning only, and there is nothing you have to "
		    "do. It will be tried again and again. If it cannot be "
		    "delivered at all, you will get a final notice.");
}

static void
put_relayed(FILE *out, const struct report *rp)
{
	put_paragraph(out, 0,
	    "Your message was handed on to the mail server of %s, or one on "
	    "the way there.",
	    rp->nrcpts == 1 ? "the recipient below" : "the recipients below");
	putc('\n', out);
	put_paragraph(out, 0,
	    "You asked for a confirmation of delivery. That server gives none, "
	    "so this is all that will be known, unless the message comes "
	    "back.");
}

static void
put_what(FILE *out, const struct report *rp)
{
	size_t total = rp->original->env.nrcpts;

	switch (rp->kind) {
	case REPORT_FAILED:
		put_failed(out, rp);
		break;
	case REPORT_DELAYED:
		put_delayed(out, rp);
		break;
	case REPORT_RELAYED:
		put_relayed(out, rp);
		break;
	}
	if (total > rp->nrcpts)
		put_paragraph(out, 0,
		    "(It had %zu recipients in all. This report is not about "
		    "the others.)",
		    total);
	putc('\n', out);
}

static void
put_which(FILE *out, const struct report *rp, const struct original *o)
{
	char date[DATE_SIZE];

	if (o->subject != NULL)
		put_paragraph(out, 4, "Subject: %s", o->subject);
	if (date_format(rp->original->env.arrival_us, date) == 0)
		put_paragraph(out, 4, "Sent: %s", date);
	putc('\n', out);
}

static void
put_end(FILE *out, const struct report *rp, const struct original *o)
{
	char *host = text_clean(span_of(rp->host), ENVELOPE_ADDRESS_MAX);

	put_paragraph(out, 0,
	    "Attached are the details for your administrator and %s.",
	    o->is_whole ? "a copy of the message"
			: "the header of the message");
	fputs("\n-- \n", out);
	put_paragraph(out, 0,
	    "Written by the mail system at %s, message %s. Answers to it are "
	    "not read.",
	    host != NULL ? host : "", rp->id);
	free(host);
}

void
report_put_text(const struct report *rp, const struct original *o, FILE *out)
{
	put_what(out, rp);
	put_which(out, rp, o);
	put_rcpts(out, rp);
	put_end(out, rp, o);
}
