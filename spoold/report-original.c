/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The message that a report is about: never in memory as a whole. */

#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/header.h"
#include "lib/utf8.h"
#include "spoold/report-work.h"

#define BLOCK_BYTES 65536
/* More of a header helps nobody. */
#define HEADER_MAX 65536
#define SUBJECT_MAX 200
#define MESSAGE_ID_MAX 900

/* Call FN for each block of the message, until it returns other than 0. */
static int
each_block(
    const struct qfile *qf, int (*fn)(const char *, size_t, void *), void *arg)
{
	char *block = malloc(BLOCK_BYTES);
	uint64_t off = 0;
	int result = 0;
	ssize_t n;

	if (block == NULL)
		return -ENOMEM;
	while (result == 0 && off < qf->msg_bytes) {
		n = qfile_read(qf, block, BLOCK_BYTES, off);
		if (n <= 0) {
			result = n < 0 ? (int)n : -EIO;
			break;
		}
		off += (uint64_t)n;
		result = fn(block, (size_t)n, arg);
	}
	free(block);
	return result;
}

/* ---- its header ------------------------------------------------------ */

/* How many of the LEN bytes are the header: whole lines without the empty one
 * that ends it. */
static size_t
header_length(const char *text, size_t len)
{
	const char *end;

	if (len >= 2 && memcmp(text, "\r\n", 2) == 0)
		return 0;
	end = memmem(text, len, "\r\n\r\n", 4);
	if (end != NULL)
		return (size_t)(end - text) + 2;
	while (len > 0 && text[len - 1] != '\n')
		len--;
	return len;
}

static int
read_header(struct original *o, const struct qfile *qf)
{
	ssize_t n;

	o->header = malloc(HEADER_MAX);
	if (o->header == NULL)
		return -ENOMEM;
	n = qfile_read(qf, o->header, HEADER_MAX, 0);
	if (n < 0)
		return (int)n;
	o->header_len = header_length(o->header, (size_t)n);
	return 0;
}

/* The field NAME unfolded, as a new string; NULL: none, or no memory. */
static char *
get_field(const struct original *o, const char *name)
{
	struct span header = { o->header, o->header_len };
	struct header_field field;
	char *text = NULL;
	size_t len;
	FILE *out;

	if (!header_find(header, name, &field))
		return NULL;
	out = open_memstream(&text, &len);
	if (out == NULL)
		return NULL;
	header_put_unfolded(out, field.body);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

/* Whether TEXT may stand in a header of ours: "<…>" without anything odd. */
static bool
is_message_id(const char *text)
{
	size_t len = strlen(text);

	if (len < 3 || len > MESSAGE_ID_MAX || text[0] != '<' ||
	    text[len - 1] != '>')
		return false;
	for (size_t i = 1; i < len - 1; i++)
		if (text[i] <= ' ' || text[i] > '~' ||
		    strchr("<>", text[i]) != NULL)
			return false;
	return true;
}

static void
find_fields(struct original *o)
{
	char *subject = get_field(o, "Subject");

	if (subject != NULL && subject[0] != '\0')
		o->subject = words_decode(subject, SUBJECT_MAX);
	free(subject);
	o->message_id = get_field(o, "Message-ID");
	if (o->message_id != NULL && !is_message_id(o->message_id)) {
		free(o->message_id);
		o->message_id = NULL;
	}
}

/* ---- all of it ------------------------------------------------------- */

/* 1 for a block that is not ASCII. */
static int
find_8bit(const char *block, size_t len, void *arg)
{
	(void)arg;
	return utf8_has_8bit((struct span){ block, len });
}

static int
put_block(const char *block, size_t len, void *arg)
{
	(void)fwrite(block, 1, len, arg);
	return 0;
}

/* RET is about failures only (RFC 3461, section 4.3). */
static bool
goes_whole(const struct report *rp)
{
	const struct qfile *qf = rp->original;

	if (rp->kind != REPORT_FAILED || qf->env.ret == RET_HDRS)
		return false;
	return qf->env.ret == RET_FULL || qf->msg_bytes <= rp->original_max;
}

int
original_load(struct original *o, const struct report *rp)
{
	struct span header;
	int result;

	*o = (struct original){ .is_whole = goes_whole(rp) };
	result = read_header(o, rp->original);
	if (result < 0)
		return result;
	find_fields(o);
	header = (struct span){ o->header, o->header_len };
	o->has_8bit = utf8_has_8bit(header);
	o->is_global = o->has_8bit && utf8_is_valid(header);
	if (o->has_8bit || !o->is_whole)
		return 0;
	result = each_block(rp->original, find_8bit, NULL);
	o->has_8bit = result > 0;
	return result < 0 ? result : 0;
}

void
original_release(struct original *o)
{
	free(o->header);
	free(o->subject);
	free(o->message_id);
	*o = (struct original){ .header = NULL };
}

int
original_put(const struct original *o, const struct report *rp, FILE *out)
{
	if (o->is_whole)
		return each_block(rp->original, put_block, out);
	(void)fwrite(o->header, 1, o->header_len, out);
	return 0;
}
