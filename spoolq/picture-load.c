/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* A picture of a spool. */

#include "config.h"

#include <err.h>
#include <errno.h>
#include <sys/statvfs.h>
#include <sysexits.h>
#include <unistd.h>

#include "spoolq/picture.h"

/* Less than that on a disk, and spoold cannot go on. */
#define ROOM_MIN 65536u

/* On a full disk nothing moves: what is done cannot be written down. */
static void
look_for_room(struct picture *p, const struct spool *sp)
{
	struct statvfs fs;

	if (fstatvfs(sp->dir_fd, &fs) < 0)
		return;
	if ((uint64_t)fs.f_bavail * fs.f_frsize < ROOM_MIN)
		p->full = "no space is";
	/* Some file systems make inodes as they need them. */
	else if (fs.f_files > 0 && fs.f_favail == 0)
		p->full = "no inodes are";
}

static int
count(struct picture *p, const struct filter *filter)
{
	struct message *m;

	while ((m = view_next(&p->view)) != NULL) {
		if (!filter_matches(filter, &p->view.queue, m))
			continue;
		if (tally_add(&p->tally, &p->view.queue, m, p->now_us) < 0) {
			warnx("out of memory");
			return EX_TEMPFAIL;
		}
		p->is_limited =
		    filter->limit > 0 && p->tally.messages >= filter->limit;
		if (p->is_limited)
			break;
	}
	return view_error(&p->view);
}

int
picture_load(struct picture *p, const struct context *ctx, int64_t now_us)
{
	int code;

	*p = (struct picture){
		.now_us = now_us,
		.spool = ctx->cfg.spool,
		.is_foreign = ctx->is_foreign,
		.is_filtered = filter_is_set(&ctx->filter),
	};
	code = view_open(&p->view, ctx);
	if (code != EX_OK)
		return code;
	p->view.spoold = control_ping(&ctx->sp, p->view.spoold);
	p->has_relay = view_has_relay(&p->view, ctx);
	look_for_room(p, &ctx->sp);
	code = count(p, &ctx->filter);
	if (code != EX_OK) {
		picture_release(p);
		return code;
	}
	tally_finish(&p->tally);
	return EX_OK;
}

void
picture_release(struct picture *p)
{
	tally_release(&p->tally);
	view_close(&p->view);
}
