/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/fsutil.h"
#include "lib/wire.h"
#include "spoold/smtp/say.h"

/* Most jobs' results, the first time. */
#define LINES_BYTES 256
/* More than that, and who has more to say waits with it. */
#define WAITING_MAX 65536

/* Have room for MORE bytes in LINES. */
static void
make_room(struct lines *lines, size_t more)
{
	size_t size = lines->size > 0 ? lines->size : LINES_BYTES;
	char *text;

	while (size - lines->len < more)
		size *= 2;
	if (size == lines->size)
		return;
	text = realloc(lines->text, size);
	if (text == NULL)
		_exit(EX_OSERR);
	lines->text = text;
	lines->size = size;
}

static void
add_fields(struct lines *lines, va_list args)
{
	const char *field, *separator = "";
	char *at;

	while ((field = va_arg(args, const char *)) != NULL) {
		size_t len = strlen(field);

		/* The separator and the line's end are two more. */
		make_room(lines, WIRE_ROOM(len) + 2);
		at = lines->text + lines->len;
		if (*separator != '\0')
			*at++ = *separator;
		at = wire_encode(at, (struct span){ field, len });
		lines->len = (size_t)(at - lines->text);
		separator = " ";
	}
	lines->text[lines->len++] = '\n';
}

void
lines_add(struct lines *lines, ...)
{
	va_list args;

	va_start(args, lines);
	add_fields(lines, args);
	va_end(args);
}

void
lines_release(struct lines *lines)
{
	free(lines->text);
	*lines = (struct lines){ 0 };
}

static void
lines_swap(struct lines *a, struct lines *b)
{
	struct lines old = *a;

	*a = *b;
	*b = old;
}

static void
append(struct say *say, struct lines *lines)
{
	if (lines->len == 0)
		return;
	make_room(&say->waiting, lines->len);
	memcpy(say->waiting.text + say->waiting.len, lines->text, lines->len);
	say->waiting.len += lines->len;
	lines->len = 0;
}

/* Write what waits, unless somebody does; the lock is held and released. */
static void
write_waiting(struct say *say)
{
	struct lines now;

	/* A spoold that does not read has to be waited for. */
	while (say->is_writing && say->waiting.len > WAITING_MAX)
		(void)pthread_cond_wait(&say->has_room, &say->lock);
	if (say->is_writing || say->waiting.len == 0) {
		(void)pthread_mutex_unlock(&say->lock);
		return;
	}
	say->is_writing = true;
	now = say->spare;
	while (say->waiting.len > 0) {
		lines_swap(&now, &say->waiting);
		(void)pthread_mutex_unlock(&say->lock);
		if (fs_write_all(say->fd, now.text, now.len) < 0)
			_exit(EX_IOERR);
		now.len = 0;
		(void)pthread_mutex_lock(&say->lock);
	}
	say->spare = now;
	say->is_writing = false;
	(void)pthread_cond_broadcast(&say->has_room);
	(void)pthread_mutex_unlock(&say->lock);
}

void
say_soon(struct say *say, struct lines *lines)
{
	(void)pthread_mutex_lock(&say->lock);
	append(say, lines);
	(void)pthread_mutex_unlock(&say->lock);
}

void
say_flush(struct say *say)
{
	(void)pthread_mutex_lock(&say->lock);
	write_waiting(say);
}

void
say_lines(struct say *say, struct lines *lines)
{
	if (lines->len == 0)
		return;
	(void)pthread_mutex_lock(&say->lock);
	append(say, lines);
	write_waiting(say);
}

void
say_release(struct say *say)
{
	lines_release(&say->waiting);
	lines_release(&say->spare);
}

void
say(struct say *say, ...)
{
	struct lines lines = { 0 };
	va_list args;

	va_start(args, say);
	add_fields(&lines, args);
	va_end(args);
	say_lines(say, &lines);
	lines_release(&lines);
}
