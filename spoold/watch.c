/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <errno.h>
#include <limits.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "spoold/watch.h"

/* Some hundreds of events. */
#define EVENTS_BYTES (16u << 10)

static void
on_events(uv_poll_t *poll, int status, int events)
{
	_Alignas(struct inotify_event) char buf[EVENTS_BYTES];
	struct watch *w = poll->data;
	ssize_t len;

	(void)status;
	(void)events;
	len = read(w->fd, buf, sizeof(buf));
	if (len <= 0)
		return;
	for (char *at = buf; at < buf + len;) {
		struct inotify_event *ev = (void *)at;

		if (ev->mask & IN_Q_OVERFLOW)
			w->take(w->arg, NULL, ev->mask);
		else if (ev->len > 0)
			w->take(w->arg, ev->name, ev->mask);
		at += sizeof(*ev) + ev->len;
	}
	w->done(w->arg);
}

int
watch_init(struct watch *w, uv_loop_t *loop, const char *path, uint32_t events,
    watch_take_fn *take, void (*done)(void *arg), void *arg)
{
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK), err;

	w->fd = -1;
	if (fd < 0)
		return -errno;
	w->wd = inotify_add_watch(fd, path, events | IN_ONLYDIR);
	err = w->wd < 0 ? -errno : 0;
	if (err == 0)
		err = uv_poll_init(loop, &w->poll, fd);
	if (err < 0) {
		(void)close(fd);
		return err;
	}
	w->fd = fd;
	w->take = take;
	w->done = done;
	w->arg = arg;
	w->poll.data = w;
	return uv_poll_start(&w->poll, UV_READABLE, on_events);
}

void
watch_end(struct watch *w)
{
	if (w->fd >= 0)
		(void)inotify_rm_watch(w->fd, w->wd);
}

void
watch_release(struct watch *w)
{
	if (w->fd >= 0)
		(void)close(w->fd);
	w->fd = -1;
}
