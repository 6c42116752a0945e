/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * What the kernel says of the spool's own directory.  Not by libuv's directory
 * events: they come with each write to the journal, which lies there too, and
 * do not tell when a file is closed.
 */

#include "config.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "lib/log.h"
#include "spoold/spoold.h"

#define WANTED \
	(IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_EXCL_UNLINK | IN_ONLYDIR)
/* Some hundreds of events. */
#define EVENTS_BYTES (16u << 10)

static void
take(struct spoold *d, const struct inotify_event *ev)
{
	enum raw_news news = RAW_MADE;

	if (ev->mask & IN_Q_OVERFLOW) {
		raw_scan(d);
		return;
	}
	if (ev->len == 0 || ev->mask & IN_ISDIR ||
	    raw_is_name_of_ours(d, ev->name))
		return;
	if (ev->mask & IN_CLOSE_WRITE)
		news = RAW_CLOSED;
	else if (ev->mask & IN_MOVED_TO)
		news = RAW_MOVED;
	raw_look(d, ev->name, news);
}

static void
on_events(uv_poll_t *poll, int status, int events)
{
	_Alignas(struct inotify_event) char buf[EVENTS_BYTES];
	struct spoold *d = poll->data;
	ssize_t len;

	(void)status;
	(void)events;
	len = read(d->raw->inotify_fd, buf, sizeof(buf));
	if (len <= 0 || d->stopping)
		return;
	for (char *at = buf; at < buf + len;) {
		struct inotify_event *ev = (void *)at;

		take(d, ev);
		at += sizeof(*ev) + ev->len;
	}
	raw_push(d);
}

int
raw_watch_init(struct spoold *d)
{
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK), err;

	if (fd < 0)
		return -errno;
	err = inotify_add_watch(fd, ".", WANTED) < 0 ? -errno : 0;
	if (err == 0)
		err = uv_poll_init(&d->loop, &d->raw->watch, fd);
	if (err < 0) {
		(void)close(fd);
		return err;
	}
	d->raw->inotify_fd = fd;
	d->raw->watch.data = d;
	return uv_poll_start(&d->raw->watch, UV_READABLE, on_events);
}
