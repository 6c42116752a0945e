/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * nullmailer's queue/: a file has the sender on its first line, empty for
 * the null sender, a recipient on each of the next, an empty line, and the
 * message.
 */

#include "config.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "spoolq/import.h"

/* Whoever reads the trigger is nullmailer-send. */
static bool
is_read(int dir_fd, const char *path)
{
	int fd = openat(
	    dir_fd, path, O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	bool is_read;

	if (fd < 0)
		return false;
	is_read = fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode);
	(void)close(fd);
	return is_read;
}

static int
begin(struct import *im)
{
	import_be_them(im);
	if (!is_read(im->top_fd, "trigger") &&
	    !is_read(im->dir_fd, "../trigger"))
		return EX_OK;
	warnx("nullmailer-send is running: stop it first (systemctl stop "
	      "nullmailer)");
	return EX_TEMPFAIL;
}

static bool
is_message(const char *name)
{
	return name[0] != '.';
}

/* Split the next line off REST, without its end. */
static bool
next_line(struct span *rest, struct span *ret)
{
	const char *lf = memchr(rest->ptr, '\n', rest->len);

	if (lf == NULL)
		return false;
	*ret = (struct span){ rest->ptr, (size_t)(lf - rest->ptr) };
	rest->len -= ret->len + 1;
	rest->ptr = lf + 1;
	if (ret->len > 0 && ret->ptr[ret->len - 1] == '\r')
		ret->len--;
	return true;
}

static int
read_envelope(struct import *im, struct foreign *f, struct span text)
{
	const char *start = text.ptr;
	struct span line;

	if (!next_line(&text, &line))
		return import_fail(im, "has no sender's line");
	if (import_set_sender(im, f, line) < 0)
		return -1;
	while (next_line(&text, &line)) {
		if (line.len == 0) {
			(void)lseek(f->fd, text.ptr - start, SEEK_SET);
			return f->env.nrcpts > 0
			    ? 0
			    : import_fail(im, "has no recipients");
		}
		if (import_add_rcpt(im, f, line) < 0)
			return -1;
	}
	return import_fail(im, "has no end of its envelope");
}

static int
read_message(struct import *im, const char *name, struct foreign *f)
{
	struct stat st;
	size_t len;
	char *head;
	int result;

	f->fd = import_open(im, name, &st);
	if (f->fd < 0)
		return -1;
	import_set_origin(im, f, &st);
	head = import_head(im, f->fd, 0, &len);
	if (head == NULL)
		return -1;
	result = read_envelope(im, f, (struct span){ head, len });
	free(head);
	return result;
}

const struct import_format import_nullmailer = {
	.name = "nullmailer",
	.subdir = "queue",
	.begin = begin,
	.is_message = is_message,
	.read = read_message,
};
