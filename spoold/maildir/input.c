/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See input.h. */

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "spoold/maildir/input.h"

#define FIRST_SIZE 4096

void
input_init(struct input *in, int fd, size_t max)
{
	*in = (struct input){ .fd = fd, .max = max };
}

void
input_release(struct input *in)
{
	free(in->buf);
	*in = (struct input){ .fd = -1 };
}

/* Make room behind what is there: move it to the front, or grow. */
static int
make_room(struct input *in)
{
	size_t used = in->end - in->start;
	size_t size = in->size == 0 ? FIRST_SIZE : 2 * in->size;
	char *buf;

	if (in->end < in->size)
		return 0;
	if (in->start > 0 && used <= in->size / 2) {
		memmove(in->buf, in->buf + in->start, used);
		in->start = 0;
		in->end = used;
		return 0;
	}
	if (used > in->max)
		return -EMSGSIZE;
	buf = realloc(in->buf, size);
	if (buf == NULL)
		return -ENOMEM;
	in->buf = buf;
	in->size = size;
	return 0;
}

/* Read once; 1, 0 at the end, or -errno. */
static int
read_more(struct input *in)
{
	ssize_t got;
	int err = make_room(in);

	if (err < 0)
		return err;
	do
		got = read(in->fd, in->buf + in->end, in->size - in->end);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	in->end += (size_t)got;
	return got > 0;
}

int
input_line(struct input *in, struct span *ret_line)
{
	size_t seen = 0;
	char *lf = NULL;
	int more;

	for (;;) {
		size_t used = in->end - in->start;

		if (used > seen)
			lf = memchr(
			    in->buf + in->start + seen, '\n', used - seen);
		if (lf != NULL)
			break;
		seen = used;
		more = read_more(in);
		if (more <= 0)
			return more;
	}
	ret_line->ptr = in->buf + in->start;
	ret_line->len = (size_t)(lf - ret_line->ptr);
	if (ret_line->len > in->max)
		return -EMSGSIZE;
	in->start += ret_line->len + 1;
	return 1;
}
