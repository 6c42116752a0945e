/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* What spoold tells those who may not read the spool. */

#include "config.h"

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/text.h"
#include "lib/wire.h"
#include "spoolq/view-work.h"

static int
refuse(const struct view *v, int err)
{
	const char *spool = v->source->ctx->cfg.spool;

	switch (err) {
	case -ENOENT:
	case -ECONNREFUSED:
		warnx("you may not read '%s', and no spoold runs that could "
		      "tell you of your own mail",
		    spool);
		return EX_NOPERM;
	case -EACCES:
	case -EPERM:
		warnx("you may not read '%s'", spool);
		return EX_NOPERM;
	default:
		warnx(
		    "cannot ask the spoold of '%s': %s", spool, strerror(-err));
		return EX_UNAVAILABLE;
	}
}

/* The first line was no head: "error * WHY", or nothing that we know. */
static int
refuse_answer(const struct view *v)
{
	/* Empty, there may be no NUL. */
	struct span rest = { v->source->stream.line, v->source->stream.len };
	struct span line, word;
	char *text = NULL, *clean = NULL;

	if (wire_line(&rest, &line) && wire_next(&line, &word) &&
	    span_is(word, "error") && wire_next(&line, &word) &&
	    wire_next(&line, &word))
		text = wire_get(word);
	if (text != NULL)
		clean = text_clean(span_of(text), 200);
	if (clean != NULL)
		warnx("spoold does not tell: %s", clean);
	else
		warnx("spoold did not answer: %s", strerror(EPROTO));
	free(clean);
	free(text);
	return EX_UNAVAILABLE;
}

static int
ask(struct view *v, int fd)
{
	const struct timeval limit = { .tv_sec = CONTROL_TIMEOUT_S };
	int err = control_send(fd, "status", NULL, 0);

	if (err == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) < 0)
		err = -errno;
	if (err == 0) {
		v->source->in = fdopen(fd, "r");
		if (v->source->in == NULL)
			err = -errno;
	}
	if (err < 0)
		(void)close(fd);
	return err;
}

int
view_load_control(struct view *v)
{
	struct view_source *src = v->source;
	int fd, err = control_connect(&src->ctx->sp, &fd);

	if (err == 0)
		err = ask(v, fd);
	if (err < 0)
		return refuse(v, err);
	v->spoold = CONTROL_SERVED;
	err = status_stream_begin(&src->stream, src->in, &v->queue, &v->daemon);
	if (err == -EBADMSG)
		return refuse_answer(v);
	if (err < 0)
		return refuse(v, err == -EAGAIN ? -ETIMEDOUT : err);
	v->time_us = v->queue.last_us;
	return EX_OK;
}
