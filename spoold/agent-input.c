/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/wire.h"
#include "spoold/agent-input.h"

struct input {
	int fd;
	char *buf;
	size_t size;
	size_t start; /* what was taken ends here */
	size_t end;
	size_t scanned; /* no LF before this place */
};

struct input *
input_new(int fd)
{
	struct input *input = calloc(1, sizeof(*input));

	if (input != NULL)
		input->fd = fd;
	return input;
}

void
input_free(struct input *input)
{
	if (input == NULL)
		return;
	free(input->buf);
	free(input);
}

bool
input_has_line(const struct input *input)
{
	return input->end > input->scanned &&
	    memchr(input->buf + input->scanned, '\n',
		input->end - input->scanned) != NULL;
}

/* Make room for more.  0 or -errno. */
static int
make_room(struct input *input)
{
	size_t size;
	char *buf;

	if (input->start > 0) {
		memmove(input->buf, input->buf + input->start,
		    input->end - input->start);
		input->end -= input->start;
		input->scanned -= input->start;
		input->start = 0;
	}
	if (input->end < input->size)
		return 0;
	if (input->size >= INPUT_LINE_MAX)
		return -EMSGSIZE;
	size = input->size > 0 ? input->size * 2 : 65536;
	buf = realloc(input->buf, size);
	if (buf == NULL)
		return -ENOMEM;
	input->buf = buf;
	input->size = size;
	return 0;
}

/* Read more.  1, 0 at the end or -errno. */
static int
fill(struct input *input)
{
	int err = make_room(input);
	ssize_t n;

	if (err < 0)
		return err;
	input->scanned = input->end;
	do
		n = read(input->fd, input->buf + input->end,
		    input->size - input->end);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n < 0 ? -errno : 0;
	input->end += (size_t)n;
	return 1;
}

void
input_release(char *words[INPUT_WORDS])
{
	for (size_t i = 0; i < INPUT_WORDS; i++) {
		free(words[i]);
		words[i] = NULL;
	}
}

static int
split(struct span line, char *words[INPUT_WORDS])
{
	struct span field;
	size_t count = 0;

	memset(words, 0, INPUT_WORDS * sizeof(*words));
	while (wire_next(&line, &field)) {
		if (count == INPUT_WORDS - 1 ||
		    (words[count] = wire_get(field)) == NULL) {
			input_release(words);
			return -EINVAL;
		}
		count++;
	}
	return count > 0 ? 1 : -EINVAL;
}

int
input_next(struct input *input, char *words[INPUT_WORDS])
{
	struct span rest, line;
	int got;

	while (!input_has_line(input)) {
		got = fill(input);
		if (got <= 0)
			return got;
	}
	rest = (struct span){ input->buf + input->start,
		input->end - input->start };
	(void)wire_line(&rest, &line);
	input->start = input->end - rest.len;
	input->scanned = input->start;
	return split(line, words);
}
