/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * See lib/submit.h.  The header is held in memory, bounded, because the
 * envelope comes from it and stands before it in the queue file; the body
 * passes through a buffer.
 */

#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "lib/date.h"
#include "lib/header.h"
#include "lib/submit-work.h"
#include "lib/utf8.h"

int
submit_fail(struct submit_error *err, int exit_code, const char *fmt, ...)
{
	va_list ap;

	err->exit_code = exit_code;
	err->is_loop = false;
	err->is_taken = false;
	va_start(ap, fmt);
	(void)vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return -1;
}

int
submit_fail_memory(struct submit_error *err)
{
	return submit_fail(err, EX_TEMPFAIL, "out of memory");
}

/* ---- the header, in ---------------------------------------------------- */

/* "From ann@x Sat Nov 21…", ">From …": what a mailbox file puts before it. */
static bool
is_mbox_line(struct span line)
{
	while (line.len > 0 && line.ptr[0] == '>') {
		line.ptr++;
		line.len--;
	}
	return line.len >= 5 && memcmp(line.ptr, "From ", 5) == 0;
}

static int
fail_read(struct work *work, int err)
{
	return submit_fail(
	    work->err, EX_IOERR, "cannot read the message: %s", strerror(-err));
}

/* Copy a piece of the header; 0, or -1 for one that must not go further. */
static int
keep_piece(struct work *work, const struct line_piece *piece, FILE *out)
{
	struct span text = piece->text;

	work->size_bytes += text.len + 2;
	if (work->size_bytes > SUBMIT_HEADER_MAX)
		return submit_fail(work->err, EX_UNAVAILABLE,
		    "the header is longer than %u bytes, the limit",
		    SUBMIT_HEADER_MAX);
	if (text.len > 0 && memchr(text.ptr, '\0', text.len) != NULL)
		return submit_fail(
		    work->err, EX_DATAERR, "the header has a NUL character");
	fwrite(text.ptr, 1, text.len, out);
	if (piece->ends)
		putc('\n', out);
	return 0;
}

/*
 * Whether LINE begins a field.  One whose name alone is too long for a line
 * could never be folded, so it is none: the body begins with it.
 */
static bool
is_field(struct span line)
{
	struct header_field field;

	return header_next(&line, &field) == 1 &&
	    (size_t)(field.body.ptr - field.raw.ptr) <= FOLD_LINE_MAX;
}

enum line_kind { LINE_MBOX, LINE_HEADER, LINE_SEPARATOR, LINE_BODY };

/* What a line is that follows FIELDS lines of header. */
static enum line_kind
line_kind(struct span line, size_t fields)
{
	if (line.len == 0)
		return LINE_SEPARATOR;
	if (fields > 0 && header_is_fold(line))
		return LINE_HEADER;
	if (is_field(line))
		return LINE_HEADER;
	return fields == 0 && is_mbox_line(line) ? LINE_MBOX : LINE_BODY;
}

/* Read to the end of the header, the separator or the body's first piece. */
static int
read_header(struct work *work, FILE *out)
{
	enum line_kind kind = LINE_SEPARATOR;
	struct line_piece piece;
	size_t fields = 0;
	int more;

	while ((more = lines_next(work->in, &piece)) > 0) {
		if (piece.starts)
			kind = line_kind(piece.text, fields);
		if (kind == LINE_MBOX)
			continue;
		if (kind == LINE_SEPARATOR)
			return 0;
		if (kind == LINE_BODY) {
			work->body = piece;
			work->has_body = true;
			return 0;
		}
		fields++;
		if (keep_piece(work, &piece, out) < 0)
			return -1;
	}
	return more < 0 ? fail_read(work, more) : 0;
}

/* How nobody is to get it. */
static const char *
nobody(const struct submit_options *opts)
{
	if (opts->is_raw)
		return "no recipients in To, Cc or Bcc";
	return opts->header_rcpts
	    ? "no recipients in the header or the arguments"
	    : "no recipients: give them as arguments, or use -t";
}

static int
complete_envelope(struct work *work)
{
	const struct submit_options *opts = work->opts;
	size_t i;

	if (opts->is_raw && submit_header_sender(work) < 0)
		return -1;
	if (submit_know_rcpts(work) < 0)
		return -1;
	if (opts->header_rcpts && submit_header_rcpts(work) < 0)
		return -1;
	if (work->env->nrcpts == 0)
		return submit_fail(work->err, EX_USAGE, "%s", nobody(opts));
	for (i = 0; opts->notify != 0 && i < work->env->nrcpts; i++)
		work->env->rcpts[i].notify = opts->notify;
	return 0;
}

/* What is too much for a queue file is so tomorrow, too. */
static int
check_envelope(struct work *work)
{
	const char *fault = envelope_fault(work->env);

	if (fault == NULL)
		return 0;
	return submit_fail(work->err, EX_UNAVAILABLE, "the envelope %s", fault);
}

/* A message that comes again and again never ends but here. */
static int
check_loop(struct work *work)
{
	if (work->received <= SUBMIT_RECEIVED_MAX)
		return 0;
	(void)submit_fail(work->err, EX_UNAVAILABLE,
	    "the header has more than %d Received fields: a mail loop",
	    SUBMIT_RECEIVED_MAX);
	work->err->is_loop = true;
	return -1;
}

/* Make the header that leaves, and know from it what the envelope lacks. */
static int
make_header(struct work *work)
{
	FILE *out = open_memstream(&work->made, &work->made_len);
	int err;

	if (out == NULL)
		return submit_fail_memory(work->err);
	err = submit_put_header(work, out);
	if (fclose(out) != 0 || err < 0)
		return submit_fail_memory(work->err);
	return 0;
}

/* Whether somebody has vouched for each byte of the header or the body. */
static bool
has_signature(struct span header)
{
	static const char *const names[] = { "DKIM-Signature", "ARC-Seal",
		"ARC-Message-Signature", "DomainKey-Signature" };
	struct header_field field;

	while (header_next(&header, &field) == 1) {
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			if (header_is(&field, names[i]))
				return true;
	}
	return false;
}

/* Whether only SMTPUTF8 (RFC 6531) lets the message pass as it is. */
static bool
needs_utf8(const struct work *work)
{
	const struct envelope *env = work->env;
	struct span header = { work->made, work->made_len };

	if (utf8_has_8bit(span_of(env->sender)))
		return true;
	for (size_t i = 0; i < env->nrcpts; i++) {
		if (utf8_has_8bit(span_of(env->rcpts[i].addr)))
			return true;
	}
	/* A header in another charset is no business of SMTPUTF8's. */
	return utf8_has_8bit(header) && utf8_is_valid(header);
}

/* Everything that has to be known before the message can be written. */
static int
prepare(struct work *work)
{
	FILE *out = open_memstream(&work->head, &work->head_len);
	int result;

	if (out == NULL)
		return submit_fail_memory(work->err);
	result = read_header(work, out);
	if (fclose(out) != 0)
		return submit_fail_memory(work->err);
	if (result < 0)
		return -1;
	submit_note_fields(work);
	if (check_loop(work) < 0 || complete_envelope(work) < 0 ||
	    submit_take_wishes(work) < 0 || make_header(work) < 0)
		return -1;
	work->is_signed =
	    has_signature((struct span){ work->made, work->made_len });
	work->env->is_utf8 = work->env->is_utf8 || needs_utf8(work);
	return check_envelope(work);
}

/* ---- the message, out -------------------------------------------------- */

static int
fail_write(struct work *work, int err)
{
	if (err == -E2BIG)
		return submit_fail(work->err, EX_UNAVAILABLE,
		    "the envelope is longer than %u bytes, the limit",
		    ENVELOPE_BYTES_MAX);
	return submit_fail(work->err, EX_TEMPFAIL,
	    "cannot write to the spool '%s': %s", work->sp->path,
	    strerror(-err));
}

static int
put_bytes(struct work *work, const char *bytes, size_t len)
{
	uint64_t max = work->opts->size_max;
	int err;

	work->size_bytes += len;
	if (max > 0 && work->size_bytes > max)
		return submit_fail(work->err, EX_UNAVAILABLE,
		    "the message is longer than %" PRIu64 " bytes, the limit",
		    max);
	if (work->shown != NULL)
		fwrite(bytes, 1, len, work->shown);
	if (work->sp == NULL)
		return 0;
	err = draft_write(&work->draft, bytes, len);
	return err < 0 ? fail_write(work, err) : 0;
}

/* A fold_fn. */
static int
put_folded(const char *bytes, size_t len, void *arg)
{
	return put_bytes(arg, bytes, len);
}

static int
put_piece(struct work *work, const struct line_piece *piece)
{
	if (!work->is_signed)
		return fold_piece(
		    &work->fold, piece->text.ptr, piece->text.len, piece->ends);
	if (put_bytes(work, piece->text.ptr, piece->text.len) < 0)
		return -1;
	return piece->ends ? put_bytes(work, "\r\n", 2) : 0;
}

/* Write the header, without the empty line. */
static int
copy_header(struct work *work)
{
	struct span text = { work->made, work->made_len };

	work->size_bytes = 0;
	fold_init(&work->fold, true, put_folded, work);
	while (text.len > 0) {
		const char *lf = memchr(text.ptr, '\n', text.len);
		struct line_piece line = { .ends = true };

		line.text.ptr = text.ptr;
		line.text.len = lf != NULL ? (size_t)(lf - text.ptr) : text.len;
		if (put_piece(work, &line) < 0)
			return -1;
		text.ptr += line.text.len + (lf != NULL);
		text.len -= line.text.len + (lf != NULL);
	}
	return 0;
}

/* Write the empty line and the body. */
static int
copy_body(struct work *work)
{
	struct line_piece piece = { .ends = true };
	int more = 0;

	if (put_piece(work, &piece) < 0)
		return -1;
	if (work->has_body && put_piece(work, &work->body) < 0)
		return -1;
	/* Where the header was all, what follows is not the message's. */
	while (!work->in->at_end && (more = lines_next(work->in, &piece)) > 0) {
		if (put_piece(work, &piece) < 0)
			return -1;
	}
	return more < 0 ? fail_read(work, more) : 0;
}

static int
publish(struct work *work, char ret_id[SPOOL_ID_SIZE])
{
	const char *id = work->opts->id;
	int err;

	if (id == NULL) {
		/* Not the time at which reading began: that id may have been
		 * another message's, which has left since. */
		err = draft_publish(&work->draft, date_now_us(), ret_id);
	} else {
		err = draft_publish_as(&work->draft, id);
		if (err == 0)
			strcpy(ret_id, id);
	}
	if (err == 0)
		return 0;
	(void)fail_write(work, err);
	work->err->is_taken = err == -EEXIST;
	return -1;
}

static int
run(struct work *work, char ret_id[SPOOL_ID_SIZE])
{
	int err;

	if (prepare(work) < 0 || submit_note_message_id(work) < 0)
		return -1;
	err = draft_open(&work->draft, work->sp, work->env);
	if (err < 0)
		return fail_write(work, err);
	if (copy_header(work) < 0 || copy_body(work) < 0) {
		draft_abandon(&work->draft);
		return -1;
	}
	return publish(work, ret_id);
}

static void
release(struct work *work)
{
	free(work->head);
	free(work->made);
	submit_forget_rcpts(work);
}

int
submit_lines(const struct spool *sp, struct envelope *env, struct lines *in,
    const struct submit_options *opts, char ret_id[SPOOL_ID_SIZE],
    struct submit_error *err)
{
	struct work work = {
		.env = env,
		.identity = opts->identity,
		.opts = opts,
		.err = err,
		.in = in,
		.sp = sp,
	};
	int result = run(&work, ret_id);

	release(&work);
	return result;
}

static int
open_input(struct lines *in, int fd, const struct submit_options *opts,
    struct submit_error *err)
{
	if (lines_open(in, fd) < 0)
		return submit_fail_memory(err);
	if (opts->dot_ends)
		in->dot = LINES_DOT_ENDS;
	return 0;
}

int
submit(const struct spool *sp, struct envelope *env, int fd,
    const struct submit_options *opts, char ret_id[SPOOL_ID_SIZE],
    struct submit_error *err)
{
	struct lines in;
	int result;

	if (open_input(&in, fd, opts, err) < 0)
		return -1;
	result = submit_lines(sp, env, &in, opts, ret_id, err);
	lines_close(&in);
	return result;
}

/* ---- the message, out to nowhere --------------------------------------- */

/* The header into RET; the body is only measured. */
static int
rehearse(struct work *work, struct submit_report *ret)
{
	struct submit_report report = { NULL, 0, 0 };
	int result;

	if (prepare(work) < 0)
		return -1;
	work->shown = open_memstream(&report.header, &report.header_bytes);
	if (work->shown == NULL)
		return submit_fail_memory(work->err);
	result = copy_header(work);
	if (fclose(work->shown) != 0)
		result = submit_fail_memory(work->err);
	work->shown = NULL;
	if (result < 0 || copy_body(work) < 0) {
		free(report.header);
		return -1;
	}
	report.size_bytes = work->size_bytes;
	*ret = report;
	return 0;
}

int
submit_explain(struct envelope *env, int fd, const struct submit_options *opts,
    struct submit_report *ret, struct submit_error *err)
{
	struct lines in;
	struct work work = {
		.env = env,
		.identity = opts->identity,
		.opts = opts,
		.err = err,
		.in = &in,
	};
	int result;

	if (open_input(&in, fd, opts, err) < 0)
		return -1;
	result = rehearse(&work, ret);
	release(&work);
	lines_close(&in);
	return result;
}
