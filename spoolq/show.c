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
#include "spoolq/view.h"

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

/* ---- the envelope and its fate --------------------------------------- */

static void
print_field(const char *name, const char *value)
{
	(void)printf("%-10s ", name);
	output_clean(stdout, value);
	(void)putchar('\n');
}

static void
print_rcpt(
    const struct context *ctx, const struct message *m, const struct qrcpt *r)
{
	char next[OUTPUT_WORD], last[OUTPUT_WORD];

	print_field("recipient", r->addr);
	(void)printf("%-10s %s, %u attempt%s", "", output_rcpt_state(r->state),
	    r->attempts, r->attempts == 1 ? "" : "s");
	if (r->state == RCPT_PENDING) {
		output_next(m, r->next_us, ctx->now_us, next);
		(void)printf("%s%s", next[0] != '\0' ? ", next " : "", next);
	}
	if (r->uncertain)
		(void)fputs(", the relay may have it already", stdout);
	(void)putchar('\n');
	if (r->reply == NULL)
		return;
	output_time(r->last_us, last);
	(void)printf("%-10s %s: ", "", last);
	output_clean(stdout, r->reply);
	(void)putchar('\n');
}

static void
print_options(const struct envelope *env)
{
	static const char *const rets[] = { NULL, "FULL", "HDRS" };
	static const char *const bodies[] = { NULL, "7BIT", "8BITMIME" };

	if (env->envid != NULL)
		print_field("envid", env->envid);
	if (rets[env->ret] != NULL)
		print_field("ret", rets[env->ret]);
	if (bodies[env->body] != NULL)
		print_field("body", bodies[env->body]);
}

static void
print_message(
    const struct context *ctx, const struct message *m, const struct qfile *qf)
{
	char arrival[OUTPUT_WORD], size[OUTPUT_WORD], age[OUTPUT_WORD];

	output_time(m->arrival_us, arrival);
	output_span(ctx->now_us - m->arrival_us, age);
	output_size(m->size_bytes, size);
	print_field("id", m->id);
	print_field("state", output_state(m));
	(void)printf("%-10s %s, %s ago, by uid %lu\n", "arrival", arrival, age,
	    (unsigned long)m->uid);
	print_field("size", size);
	print_field("sender", m->sender[0] != '\0' ? m->sender : "<>");
	print_options(&qf->env);
	for (unsigned i = 0; i < m->nrcpts; i++)
		print_rcpt(ctx, m, &m->rcpts[i]);
	(void)putchar('\n');
}

/* ---- the command ----------------------------------------------------- */

static int
show(const struct context *ctx, const struct message *m, const struct qfile *qf,
    enum view_part part)
{
	char *buf = malloc(PIECE_BYTES);
	int result;

	if (buf == NULL)
		return -ENOMEM;
	if (part == PART_RAW) {
		result = print_raw(qf, buf);
	} else {
		print_message(ctx, m, qf);
		result = print_text(qf, buf, part);
	}
	free(buf);
	return result;
}

static int
show_found(const struct context *ctx, struct view *v, const char *id,
    enum view_part part)
{
	struct message *m = view_find(v, id);
	const char *why = NULL;
	struct qfile qf;
	int result;

	if (m == NULL) {
		warnx("%s: no such message", id);
		return EX_NOINPUT;
	}
	result = qfile_open(&qf, &ctx->sp, m->state, id, &why);
	if (result < 0) {
		warnx("cannot read '%s': %s", id,
		    why != NULL ? why : strerror(-result));
		return exit_code(result);
	}
	if (part != PART_RAW && m->state == SPOOL_QUEUE)
		view_warn_waiting(v, ctx);
	result = show(ctx, m, &qf, part);
	qfile_close(&qf);
	if (result == 0)
		return EX_OK;
	warnx("cannot show '%s': %s", id, strerror(-result));
	return exit_code(result);
}

static int
run_show(struct context *ctx, int noperands, char *operands[])
{
	enum view_part part = PART_HEADER;
	struct view v;
	int code;

	(void)noperands;
	if ((ctx->flags & COMMAND_BODY) != 0)
		part = PART_ALL;
	if ((ctx->flags & COMMAND_RAW) != 0)
		part = PART_RAW;
	if (!spool_is_id(operands[0])) {
		warnx("'%s' is no message id", operands[0]);
		return EX_USAGE;
	}
	code = view_load(&v, ctx);
	if (code != EX_OK)
		return code;
	code = show_found(ctx, &v, operands[0], part);
	view_release(&v);
	return code;
}

const struct command command_show = {
	.name = "show",
	.args = "[--body | --raw] ID",
	.does = "show a message: what became of it, and its header",
	.flags = COMMAND_BODY | COMMAND_RAW,
	.operands_min = 1,
	.operands_max = 1,
	.run = run_show,
};
