/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The status for a client: the next piece when it has taken the last one. */

#include "config.h"

#include "spoold/control-work.h"

/* Between two pieces for who is no operator: what he has us do is to cost
 * nobody else anything. */
#define PACE_MS 4
/* A client may be a pager that somebody reads. */
#define STALLED_MS (15 * 60 * 1000)

static void tell_more(struct client *cl);

static void
on_stalled(uv_timer_t *timer)
{
	client_close(timer->data);
}

static void
on_pace(uv_timer_t *timer)
{
	tell_more(timer->data);
}

static void
after_piece(struct client *cl)
{
	if (!cl->has_more)
		client_close(cl);
	else if (cl->is_operator)
		tell_more(cl);
	else
		(void)uv_timer_start(&cl->timer, on_pace, PACE_MS, 0);
}

static void
on_written(uv_write_t *write, int status)
{
	struct client *cl = write->data;

	if (uv_is_closing((uv_handle_t *)&cl->pipe))
		return;
	if (status < 0)
		client_close(cl);
	else
		after_piece(cl);
}

static void
tell_more(struct client *cl)
{
	uv_buf_t buf;

	json_out_cut(&cl->piece, 0);
	cl->has_more = status_stream_step(&cl->stream, &cl->piece);
	if (cl->piece.failed || cl->c->d->stopping) {
		client_close(cl);
		return;
	}
	if (cl->piece.len == 0) {
		/* Nothing of his: only others' were looked at. */
		after_piece(cl);
		return;
	}
	buf = uv_buf_init(cl->piece.text, (unsigned)cl->piece.len);
	cl->write.data = cl;
	(void)uv_timer_start(&cl->timer, on_stalled, STALLED_MS, 0);
	if (uv_write(
		&cl->write, (uv_stream_t *)&cl->pipe, &buf, 1, on_written) < 0)
		client_close(cl);
}

void
client_tell_status(struct client *cl)
{
	if (!client_may_be_told(cl)) {
		client_refuse(cl, "too%20many%20clients");
		return;
	}
	cl->is_told = true;
	cl->stream = (struct status_stream){
		.d = cl->c->d,
		.uid = cl->uid,
		.is_operator = cl->is_operator,
	};
	tell_more(cl);
}
