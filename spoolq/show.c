/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* spoolq show: all about one message. */

#include "config.h"

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "lib/text.h"
#include "spoolq/output.h"
#include "spoolq/select.h"
#include "spoolq/show.h"

#define PIECE_BYTES 65536

enum view_part { PART_HEADER, PART_ALL, PART_RAW };

/* ---- the message ----------------------------------------------------- */

static int
print_raw(const struct qfile *qf, char *buf)
{
	uint64_t off = 0;

	while (off < qf->msg_bytes) {
		ssize_t got = qfile_read(qf, buf, PIECE_BYTES, off);

		if (got <= 0)
			return got < 0 ? (int)got : -EBADMSG;
		if (fwrite(buf, 1, (size_t)got, stdout) != (size_t)got)
			return -EIO;
		off += (uint64_t)got;
	}
	return 0;
}

static void
print_line(struct span line)
{
	struct span tab = { line.ptr, 0 };

	if (line.len > 0 && line.ptr[line.len - 1] == '\r')
		line.len--;
	/* Tabs of folded fields and of text are harmless. */
	for (;; tab.ptr += tab.len + 1) {
		const char *end = line.ptr + line.len;
		const char *next =
		    memchr(tab.ptr, '\t', (size_t)(end - tab.ptr));

		tab.len = (size_t)((next != NULL ? next : end) - tab.ptr);
		text_put_clean(stdout, tab, 4 * PIECE_BYTES);
		if (next == NULL)
			break;
		(void)putchar('\t');
	}
	(void)putchar('\n');
}

/*
 * Print the lines in BUF[0, *USED) and keep an unfinished one; a line longer
 * than BUF is printed in pieces.  True when the empty line after the header
 * was met and ends it.
 */
static bool
print_lines(char *buf, size_t *used, enum view_part part)
{
	size_t begin = 0;
	char *lf;

	while ((lf = memchr(buf + begin, '\n', *used - begin)) != NULL) {
		struct span line = { buf + begin,
			(size_t)(lf - (buf + begin)) };

		if (part == PART_HEADER &&
		    (span_is(line, "\r") || line.len == 0))
			return true;
		print_line(line);
		begin += line.len + 1;
	}
	if (begin == 0 && *used == PIECE_BYTES) {
		print_line((struct span){ buf, *used });
		begin = *used;
	}
	memmove(buf, buf + begin, *used - begin);
	*used -= begin;
	return false;
}

static int
print_text(const struct qfile *qf, char *buf, enum view_part part)
{
	uint64_t off = 0;
	size_t used = 0;

	while (off < qf->msg_bytes) {
		ssize_t got =
		    qfile_read(qf, buf + used, PIECE_BYTES - used, off);

		if (got <= 0)
			return got < 0 ? (int)got : -EBADMSG;
		off += (uint64_t)got;
		used += (size_t)got;
		if (print_lines(buf, &used, part))
			return 0;
	}
	if (used > 0)
		print_line((struct span){ buf, used });
	return 0;
}

/* ---- the command ----------------------------------------------------- */

static int
print_part(const struct qfile *qf, enum view_part part)
{
	char *buf = malloc(PIECE_BYTES);
	int result;

	if (buf == NULL)
		return -ENOMEM;
	result =
	    part == PART_RAW ? print_raw(qf, buf) : print_text(qf, buf, part);
	free(buf);
	return result;
}

/* M, whose file may be read. */
static int
show_file(const struct context *ctx, struct view *v, const struct message *m,
    enum view_part part)
{
	const char *why = NULL;
	struct qfile qf;
	int result = qfile_open(&qf, &ctx->sp, m->state, m->id, &why);

	if (result < 0) {
		warnx("cannot read '%s': %s", m->id,
		    why != NULL ? why : strerror(-result));
		return exit_code(result);
	}
	if (part != PART_RAW) {
		if (m->state == SPOOL_QUEUE)
			view_warn_waiting(v, ctx);
		show_envelope(stdout, ctx, v, m, &qf);
		(void)putchar('\n');
	}
	result = print_part(&qf, part);
	if (result < 0)
		warnx("cannot show '%s': %s", m->id, strerror(-result));
	else if (part != PART_HEADER && (result = qfile_verify(&qf)) < 0)
		warnx("%s is damaged: %s", m->id,
		    result == -EBADMSG ? "its checksum is wrong"
				       : strerror(-result));
	qfile_close(&qf);
	return result == 0 ? EX_OK : exit_code(result);
}

static int
show_found(const struct context *ctx, struct view *v, const char *id,
    enum view_part part)
{
	struct message *m = view_find(v, id);

	if (m == NULL && view_error(v) != EX_OK)
		return view_error(v);
	if (m == NULL)
		return select_miss(ctx, id);
	if (!ctx->is_foreign)
		return show_file(ctx, v, m, part);
	if (part != PART_HEADER) {
		warnx("%s: you may not read its file", id);
		return EX_NOPERM;
	}
	show_envelope(stdout, ctx, v, m, NULL);
	return EX_OK;
}

/* Which part is asked for; false after saying that it cannot be. */
static bool
take_part(const struct context *ctx, enum view_part *ret)
{
	bool is_body = context_option(ctx, "body") != NULL;
	bool is_raw = context_option(ctx, "raw") != NULL;

	*ret = is_raw ? PART_RAW : is_body ? PART_ALL : PART_HEADER;
	if (!is_raw || !is_body)
		return true;
	warnx("'--raw' and '--body' exclude each other");
	return false;
}

static int
run_show(struct context *ctx, int noperands, char *operands[])
{
	enum view_part part;
	struct view v;
	int code;

	if (!take_part(ctx, &part) || !select_are_ids(noperands, operands))
		return EX_USAGE;
	code = view_open(&v, ctx);
	if (code != EX_OK)
		return code;
	code = show_found(ctx, &v, operands[0], part);
	view_close(&v);
	return code;
}

static const struct command_option options[] = {
	{ "body", NULL, 0, "all of the message, not only its header" },
	{ "raw", NULL, 0, "the message alone, byte for byte" },
	{ .name = NULL },
};

const struct command command_show = {
	.name = "show",
	.args = "[--body | --raw] ID",
	.does = "show a message: what became of it, and its header",
	.options = options,
	.operands_min = 1,
	.operands_max = 1,
	.run = run_show,
};
