/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * See lib/submit.h.  The header is held in memory, bounded, because the
 * envelope comes from it and stands before it in the queue file; the body
 * passes through a buffer.
 */

#include "config.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "lib/header.h"
#include "lib/submit-work.h"

int
submit_fail(struct submit_error *err, int exit_code, const char *fmt, ...)
{
	va_list ap;

	err->exit_code = exit_code;
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
		    "the header is longer than %u bytes", SUBMIT_HEADER_MAX);
	if (text.len > 0 && memchr(text.ptr, '\0', text.len) != NULL)
		return submit_fail(
		    work->err, EX_DATAERR, "the header has a NUL character");
	fwrite(text.ptr, 1, text.len, out);
	if (piece->ends)
		putc('\n', out);
	return 0;
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
	if (header_is_field(line))
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

static int
complete_envelope(struct work *work)
{
	const struct submit_options *opts = work->opts;
	size_t i;

	if (submit_know_rcpts(work) < 0)
		return -1;
	if (opts->header_rcpts && submit_header_rcpts(work) < 0)
		return -1;
	if (work->env->nrcpts == 0)
		return submit_fail(work->err, EX_USAGE,
		    opts->header_rcpts
			? "no recipients in the header or the arguments"
			: "no recipients: give them as arguments, or use -t");
	for (i = 0; opts->notify != 0 && i < work->env->nrcpts; i++)
		work->env->rcpts[i].notify = opts->notify;
	return 0;
}

/* ---- the queue file ---------------------------------------------------- */

static int
fail_write(struct work *work, int err)
{
	return submit_fail(work->err, EX_TEMPFAIL,
	    "cannot write to the spool: %s", strerror(-err));
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
	err = draft_write(&work->draft, bytes, len);
	return err < 0 ? fail_write(work, err) : 0;
}

static int
put_piece(struct work *work, const struct line_piece *piece)
{
	if (put_bytes(work, piece->text.ptr, piece->text.len) < 0)
		return -1;
	return piece->ends ? put_bytes(work, "\r\n", 2) : 0;
}

/* Write TEXT, LF lines, with CRLF. */
static int
put_lines(struct work *work, struct span text)
{
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

static int
copy_header(struct work *work)
{
	struct span text = { NULL, 0 };
	char *made = NULL;
	int result;
	FILE *out = open_memstream(&made, &text.len);

	if (out == NULL)
		return submit_fail_memory(work->err);
	submit_put_header(work, out);
	if (fclose(out) != 0) {
		free(made);
		return submit_fail_memory(work->err);
	}
	text.ptr = made;
	work->size_bytes = 0;
	result = put_lines(work, text);
	free(made);
	return result < 0 ? -1 : put_bytes(work, "\r\n", 2);
}

static int
copy_body(struct work *work)
{
	struct line_piece piece;
	int more;

	if (work->has_body && put_piece(work, &work->body) < 0)
		return -1;
	while ((more = lines_next(work->in, &piece)) > 0) {
		if (put_piece(work, &piece) < 0)
			return -1;
	}
	return more < 0 ? fail_read(work, more) : 0;
}

/* Everything but what has to be released afterwards. */
static int
run(struct work *work, const struct spool *sp, char ret_id[SPOOL_ID_SIZE])
{
	FILE *out = open_memstream(&work->head, &work->head_len);
	int result, err;

	if (out == NULL)
		return submit_fail_memory(work->err);
	result = read_header(work, out);
	if (fclose(out) != 0)
		return submit_fail_memory(work->err);
	if (result < 0)
		return -1;
	submit_note_fields(work);
	if (complete_envelope(work) < 0)
		return -1;
	err = draft_open(&work->draft, sp, work->env);
	if (err < 0)
		return fail_write(work, err);
	if (copy_header(work) < 0 || copy_body(work) < 0) {
		draft_abandon(&work->draft);
		return -1;
	}
	err = draft_publish(&work->draft, work->opts->now_us, ret_id);
	return err < 0 ? fail_write(work, err) : 0;
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
	};
	int result = run(&work, sp, ret_id);

	free(work.head);
	submit_forget_rcpts(&work);
	return result;
}

int
submit(const struct spool *sp, struct envelope *env, int fd,
    const struct submit_options *opts, char ret_id[SPOOL_ID_SIZE],
    struct submit_error *err)
{
	struct lines in;
	int result;

	if (lines_open(&in, fd) < 0)
		return submit_fail_memory(err);
	if (opts->dot_ends)
		in.dot = LINES_DOT_ENDS;
	result = submit_lines(sp, env, &in, opts, ret_id, err);
	lines_close(&in);
	return result;
}
