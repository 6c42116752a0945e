/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/fold.h"
#include "lib/spool.h"
#include "spoold/smtp/content.h"
#include "spoold/smtp/stuff.h"

/* Where the bytes of a queue file go: folded if asked for, stuffed, out. */
struct content {
	struct transport *t;
	bool is_folded;
	struct fold fold;
	struct stuffer stuffer;
};

/* A stuff_fn. */
static int
put_bytes(const char *bytes, size_t len, void *arg)
{
	struct content *content = arg;

	return conn_put(content->t->conn, bytes, len) < 0 ? -EPIPE : 0;
}

/* A fold_fn: a line that folding begins may begin with a dot. */
static int
put_folded(const char *bytes, size_t len, void *arg)
{
	struct content *content = arg;

	return stuffer_feed(&content->stuffer, bytes, len, put_bytes, content);
}

static int
put_block(struct content *content, const char *block, size_t len)
{
	return content->is_folded ? fold_block(&content->fold, block, len)
				  : put_folded(block, len, content);
}

static int
put_end(struct content *content)
{
	int err = content->is_folded ? fold_end(&content->fold) : 0;

	return err < 0 ? err
		       : stuffer_end(&content->stuffer, put_bytes, content);
}

/* The message cannot go on because of its file. */
static int
file_failed(struct transport *t, int err)
{
	if (err == -EPIPE) {
		conn_blame(t->conn, "sending the message");
		return -EIO;
	}
	t->is_file_bad = err == -EBADMSG;
	(void)snprintf(t->file_why, sizeof(t->file_why), "%s",
	    t->is_file_bad ? "the message has a bare CR or LF"
			   : strerror(-err));
	conn_kill(t->conn, "the message cannot be read");
	return -EIO;
}

/* Send the block at OFF.  Its length or -errno. */
static ssize_t
send_block(struct content *content, const struct qfile *qf, uint64_t off)
{
	struct transport *t = content->t;
	ssize_t n = qfile_read(qf, t->block, sizeof(t->block), off);
	int err;

	if (n <= 0)
		return n < 0 ? n : -EIO;
	/* A refusal before the end: no need to send the rest. */
	if (off > 0 && !conn_is_quiet(t->conn))
		return -EPIPE;
	err = put_block(content, t->block, (size_t)n);
	return err < 0 ? err : n;
}

int
content_send(struct transport *t, const struct qfile *qf, bool is_folded)
{
	struct content content = { .t = t, .is_folded = is_folded };
	uint64_t off = 0;
	int err;

	if (t->tx.is_data_refused)
		return 0;
	fold_init(&content.fold, true, put_folded, &content);
	stuffer_init(&content.stuffer);
	while (off < qf->msg_bytes) {
		ssize_t n = send_block(&content, qf, off);

		if (n < 0)
			return file_failed(t, (int)n);
		off += (uint64_t)n;
	}
	err = put_end(&content);
	if (err == 0 && off != qf->msg_bytes)
		err = -EIO;
	return err == 0 ? 0 : file_failed(t, err);
}
