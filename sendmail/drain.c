/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See sendmail/drain.h. */

#include "config.h"

#include <sys/stat.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <unistd.h>

#include "lib/lines.h"
#include "sendmail/drain.h"

#define SILENCE_MS 1000
#define TIME_MS 10000
/* More than any message that is taken, unless the limit is set higher. */
#define BYTES_MAX (64L << 20)

static bool
has_writer(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 &&
	    (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
}

/* Whether something can be read before FD has been silent for too long. */
static bool
await_input(int fd, int64_t end_ms)
{
	struct pollfd in = { .fd = fd, .events = POLLIN };
	int64_t wait_ms = end_ms - lines_clock_ms();

	if (wait_ms > SILENCE_MS)
		wait_ms = SILENCE_MS;
	return wait_ms > 0 && poll(&in, 1, (int)wait_ms) > 0;
}

void
drain_input(int fd)
{
	int64_t end_ms = lines_clock_ms() + TIME_MS;
	long room = BYTES_MAX;
	char buf[65536];
	ssize_t n;

	if (!has_writer(fd))
		return;
	while (room > 0 && await_input(fd, end_ms)) {
		n = read(fd, buf, sizeof(buf));
		if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
			return;
		room -= n > 0 ? n : 0;
	}
}
