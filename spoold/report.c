/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The report as a whole, and its way into the spool. */

#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/indexes.h"
#include "lib/date.h"
#include "lib/utf8.h"
#include "spoold/report-work.h"

/* "=_" is in no quoted-printable text, and the rest was drawn after the
 * original was written: it cannot be in there. */
#define MARK_SIZE (2 + 32 + 1)

/* ---- header ---------------------------------------------------------- */

/* Fill RET with random hexadecimal digits. */
static void
draw_mark(char ret[MARK_SIZE])
{
	uint64_t random[2];

	arc4random_buf(random, sizeof(random));
	snprintf(ret, MARK_SIZE, "=_%016" PRIx64 "%016" PRIx64, random[0],
	    random[1]);
}

static void
put_subject(FILE *out, const struct report *rp, const struct original *o)
{
	static const char *const words[] = {
		[REPORT_FAILED] = "Undelivered",
		[REPORT_DELAYED] = "Delayed",
		[REPORT_RELAYED] = "Handed on",
	};

	fprintf(out, "Subject: %s: ",
	    rp->is_double ? "Undelivered report" : words[rp->kind]);
	words_put(out, o->subject != NULL ? o->subject : "your message");
	fputs("\r\n", out);
}

static void
put_header(FILE *out, const struct report *rp, const struct original *o,
    const char *mark)
{
	char date[DATE_SIZE];

	fprintf(out, "From: Mail Delivery System <MAILER-DAEMON@%s>\r\n",
	    rp->origin);
	fprintf(out, "To: <%s>\r\n", rp->to);
	put_subject(out, rp, o);
	if (date_format(rp->now_us, date) == 0)
		fprintf(out, "Date: %s\r\n", date);
	/* Not MARK: who forges another report must not know it. */
	fprintf(out, "Message-ID: <%s.%" PRIx64 ".%08" PRIx32 "@%s>\r\n",
	    rp->id, (uint64_t)rp->now_us, arc4random(), rp->origin);
	if (o->message_id != NULL)
		fprintf(out, "In-Reply-To: %s\r\nReferences: %s\r\n",
		    o->message_id, o->message_id);
	fputs(
	    "Auto-Submitted: auto-replied\r\n"
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: multipart/report; report-type=delivery-status;\r\n",
	    out);
	fprintf(out, " boundary=\"%s\"\r\n", mark);
	fprintf(out, "Content-Transfer-Encoding: %s\r\n\r\n",
	    o->has_8bit ? "8bit" : "7bit");
}

/* ---- parts ----------------------------------------------------------- */

static void
put_lines(FILE *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n')
			putc('\r', out);
		putc(text[i], out);
	}
}

static int
put_text(FILE *out, const struct report *rp, const struct original *o)
{
	char *text = NULL;
	size_t len;
	FILE *mem = open_memstream(&text, &len);
	bool has_8bit;

	if (mem == NULL)
		return -errno;
	report_put_text(rp, o, mem);
	if (fclose(mem) != 0) {
		free(text);
		return -ENOMEM;
	}
	has_8bit = utf8_has_8bit((struct span){ text, len });
	fprintf(out,
	    "Content-Type: text/plain; charset=%s\r\n"
	    "Content-Transfer-Encoding: %s\r\n"
	    "Content-Description: Notification\r\n\r\n",
	    has_8bit ? "utf-8" : "us-ascii",
	    has_8bit ? "quoted-printable" : "7bit");
	(has_8bit ? quoted_put : put_lines)(out, text, len);
	free(text);
	return 0;
}

static void
put_original_type(FILE *out, const struct original *o)
{
	const char *type =
	    o->is_whole ? "message/rfc822" : "text/rfc822-headers";

	/* RFC 6532, RFC 6533. */
	if (o->is_global)
		type =
		    o->is_whole ? "message/global" : "message/global-headers";
	fprintf(out,
	    "Content-Type: %s\r\n"
	    "Content-Transfer-Encoding: %s\r\n"
	    "Content-Description: %s\r\n\r\n",
	    type, o->has_8bit ? "8bit" : "7bit",
	    o->is_whole ? "Undelivered message" : "Header of the message");
}

static int
compose(const struct report *rp, const struct original *o, FILE *out)
{
	char mark[MARK_SIZE];
	int err;

	draw_mark(mark);
	put_header(out, rp, o, mark);
	fprintf(out, "This is a delivery report in MIME format.\r\n");
	fprintf(out, "\r\n--%s\r\n", mark);
	err = put_text(out, rp, o);
	if (err < 0)
		return err;
	fprintf(out,
	    "\r\n--%s\r\n"
	    "Content-Type: message/delivery-status\r\n"
	    "Content-Description: Delivery report\r\n\r\n",
	    mark);
	report_put_status(rp, out);
	fprintf(out, "\r\n--%s\r\n", mark);
	put_original_type(out, o);
	err = original_put(o, rp, out);
	fprintf(out, "\r\n--%s--\r\n", mark);
	return err;
}

int
report_write(const struct report *rp, FILE *out)
{
	struct original o;
	int err = original_load(&o, rp);

	if (err == 0)
		err = compose(rp, &o, out);
	original_release(&o);
	return err;
}

/* ---- admission ------------------------------------------------------- */

char *
report_places(const struct report_rcpt *rcpts, size_t n)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return NULL;
	for (size_t i = 0, last; i < n; i = last + 1) {
		last = i;
		while (last + 1 < n &&
		    rcpts[last + 1].index == rcpts[last].index + 1)
			last++;
		indexes_put(out, rcpts[i].index, rcpts[last].index);
	}
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

/* "failed 3286A1B2C3 0-2,5", a new string; NULL if out of memory. */
static char *
report_of(const struct report *rp)
{
	static const char *const kinds[] = {
		[REPORT_FAILED] = "failed",
		[REPORT_DELAYED] = "delayed",
		[REPORT_RELAYED] = "relayed",
	};
	char *places = report_places(rp->rcpts, rp->nrcpts);
	char *text = NULL;

	if (places != NULL &&
	    asprintf(&text, "%s %s %s", kinds[rp->kind], rp->id, places) < 0)
		text = NULL;
	free(places);
	return text;
}

static int
make_envelope(
    const struct report *rp, const struct original *o, struct envelope *env)
{
	int err;

	*env = (struct envelope){
		.arrival_us = rp->now_us,
		.uid = geteuid(),
		.body = o->has_8bit ? BODY_8BITMIME : BODY_UNSPECIFIED,
		.is_utf8 = utf8_has_8bit(span_of(rp->to)) ||
		    utf8_has_8bit(span_of(rp->origin)),
	};
	env->report_of = report_of(rp);
	if (env->report_of == NULL)
		return -ENOMEM;
	err = envelope_set_sender(env, "");
	return err < 0 ? err : envelope_add(env, rp->to);
}

/* A cookie_write_function_t. */
static ssize_t
write_draft(void *cookie, const char *bytes, size_t len)
{
	return draft_write(cookie, bytes, len) < 0 ? 0 : (ssize_t)len;
}

static int
write_message(
    struct draft *draft, const struct report *rp, const struct original *o)
{
	cookie_io_functions_t functions = { .write = write_draft };
	FILE *out = fopencookie(draft, "w", functions);
	int err;

	if (out == NULL)
		return -errno;
	err = compose(rp, o, out);
	if (fclose(out) != 0 && err == 0)
		err = draft->err < 0 ? draft->err : -EIO;
	return err;
}

int
report_submit(
    struct spool *sp, const struct report *rp, char ret_id[SPOOL_ID_SIZE])
{
	struct envelope env = { .sender = NULL };
	struct draft draft = { .fd = -1 };
	struct original o;
	int err = original_load(&o, rp);

	if (err == 0)
		err = make_envelope(rp, &o, &env);
	if (err == 0)
		err = draft_open(&draft, sp, &env);
	if (err == 0)
		err = write_message(&draft, rp, &o);
	if (err == 0)
		err = draft_publish(&draft, rp->now_us, ret_id);
	draft_abandon(&draft);
	envelope_release(&env);
	original_release(&o);
	return err;
}
