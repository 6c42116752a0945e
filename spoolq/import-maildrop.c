/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Postfix's maildrop/: what its sendmail has taken and its pickup has not.  A
 * file is a row of records, each a letter, a length (seven bits a byte, the
 * lowest first, the highest bit set but in the last byte) and so many bytes.
 * Those of the envelope end with M, those of the text with X, all with E.
 */

#include "config.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/wire.h"
#include "spoolq/import.h"

/* Longest record: those of Postfix have a few thousand bytes. */
#define RECORD_MAX (16u << 20)

struct record {
	int type;
	char *data; /* terminated */
	size_t len;
	size_t room;
};

/* What a file has told so far. */
struct progress {
	struct import *im;
	struct foreign *f;
	FILE *text; /* where the message goes */
	bool has_sender, is_in_text, has_text;
	unsigned notify; /* for the next recipient … */
	char *orcpt;     /* … and so is this, or NULL */
};

/*
 * The master process has its pid file locked, which is root's alone: what
 * cannot be opened may be locked.  0 if nobody has it, or -errno.
 */
static int
try_pid_file(const struct import *im)
{
	int err, fd;

	import_be_root(im);
	fd = openat(im->dir_fd, "../pid/master.pid",
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	err = fd < 0 ? -errno : 0;
	if (fd >= 0) {
		if (flock(fd, LOCK_EX | LOCK_NB) < 0)
			err = -errno;
		(void)close(fd);
	}
	import_be_them(im);
	return err;
}

static int
begin(struct import *im)
{
	int err = try_pid_file(im);

	if (err == 0 || err == -ENOENT)
		return EX_OK;
	if (err == -EWOULDBLOCK)
		warnx("Postfix is running, and takes these messages itself: "
		      "stop it first (postfix stop)");
	else
		warnx("cannot find out whether Postfix is running, from "
		      "pid/master.pid beside '%s': %s",
		    im->path, strerror(-err));
	return EX_TEMPFAIL;
}

static bool
is_message(const char *name)
{
	return name[0] != '.';
}

/* ---- records --------------------------------------------------------- */

static bool
read_length(FILE *in, size_t *ret)
{
	size_t len = 0;
	unsigned shift = 0;
	int c;

	do {
		c = getc(in);
		if (c == EOF || shift > 28)
			return false;
		len |= (size_t)(c & 0x7f) << shift;
		shift += 7;
	} while ((c & 0x80) != 0);
	*ret = len;
	return len <= RECORD_MAX;
}

/* The next record; false at the end, or if that is none. */
static bool
read_record(FILE *in, struct record *rec)
{
	rec->type = getc(in);
	if (rec->type == EOF || !read_length(in, &rec->len))
		return false;
	if (rec->len + 1 > rec->room) {
		char *grown = realloc(rec->data, rec->len + 1);

		if (grown == NULL)
			return false;
		rec->data = grown;
		rec->room = rec->len + 1;
	}
	rec->data[rec->len] = '\0';
	return fread(rec->data, 1, rec->len, in) == rec->len;
}

/* ---- what they mean -------------------------------------------------- */

static void
take_time(struct progress *p, const struct record *rec)
{
	long long s = 0, us = 0;

	if (sscanf(rec->data, "%lld %lld", &s, &us) >= 1 && s > 0 &&
	    s < p->im->ctx->now_us / 1000000)
		p->f->env.arrival_us = s * 1000000 + us % 1000000;
}

static int
take_rcpt(struct progress *p, const struct record *rec)
{
	struct envelope *env = &p->f->env;
	size_t before = env->nrcpts;

	if (import_add_rcpt(p->im, p->f, (struct span){ rec->data, rec->len }) <
	    0)
		return -1;
	/* "Never" stands alone. */
	if ((p->notify & NOTIFY_NEVER) != 0)
		p->notify = NOTIFY_NEVER;
	for (size_t i = before; p->notify != 0 && i < env->nrcpts; i++)
		env->rcpts[i].notify = p->notify;
	p->notify = 0;
	/* One that an alias has led elsewhere has one already. */
	if (env->nrcpts == before + 1 && env->rcpts[before].orcpt == NULL) {
		env->rcpts[before].orcpt = p->orcpt;
		p->orcpt = NULL;
	}
	return 0;
}

static int
take_sender(struct progress *p, const struct record *rec)
{
	p->has_sender = true;
	return import_set_sender(
	    p->im, p->f, (struct span){ rec->data, rec->len });
}

/* "NAME=VALUE": its value, or NULL if it is another attribute. */
static const char *
attribute(const struct record *rec, const char *name)
{
	size_t len = strlen(name);

	return strncmp(rec->data, name, len) == 0 && rec->data[len] == '='
	    ? rec->data + len + 1
	    : NULL;
}

/* The value as a set of NOTIFY_ or such: Postfix's bits are ours. */
static unsigned
bits_of(const char *value)
{
	unsigned long long bits;

	return wire_number(span_of(value), 15, &bits) ? (unsigned)bits : 0;
}

static enum dsn_ret
ret_of(const char *value)
{
	switch (bits_of(value)) {
	case 1:
		return RET_FULL;
	case 2:
		return RET_HDRS;
	default:
		return RET_UNSPECIFIED;
	}
}

static void
take_orcpt(struct progress *p, const char *value)
{
	free(p->orcpt);
	p->orcpt = envelope_orcpt_fault(value) == NULL ? strdup(value) : NULL;
}

/* What senders wish to be told (RFC 3461); other attributes are of no use. */
static void
take_attribute(struct progress *p, const struct record *rec)
{
	struct envelope *env = &p->f->env;
	const char *value;

	if ((value = attribute(rec, "notify_flags")) != NULL)
		p->notify = bits_of(value);
	else if ((value = attribute(rec, "ret_flags")) != NULL)
		env->ret = ret_of(value);
	else if ((value = attribute(rec, "dsn_orig_rcpt")) != NULL)
		take_orcpt(p, value);
	else if ((value = attribute(rec, "envelope_id")) != NULL &&
	    env->envid == NULL && envelope_envid_fault(value) == NULL)
		env->envid = strdup(value);
}

/* A record of the envelope, or of what follows the text. */
static int
take_envelope(struct progress *p, const struct record *rec)
{
	switch (rec->type) {
	case 'T':
		take_time(p, rec);
		return 0;
	case 'F':
		if (p->f->full_name == NULL)
			p->f->full_name = strdup(rec->data);
		return 0;
	case 'S':
		return take_sender(p, rec);
	case 'R':
		return take_rcpt(p, rec);
	case 'A':
		take_attribute(p, rec);
		return 0;
	case 'M':
		p->is_in_text = true;
		return 0;
	case 'C':
	case 'p':
		return import_fail(p->im,
		    "is of another of Postfix's queues: "
		    "only maildrop/ can be imported");
	default:
		return 0; /* of no use to us */
	}
}

static int
take_text(struct progress *p, const struct record *rec)
{
	if (rec->type == 'X') {
		p->is_in_text = false;
		p->has_text = true;
		return 0;
	}
	if (rec->type != 'N' && rec->type != 'L')
		return import_fail(p->im, "has a record '%c' in its text",
		    rec->type >= ' ' && rec->type < 127 ? rec->type : '?');
	(void)fwrite(rec->data, 1, rec->len, p->text);
	/* L is a piece of a long line. */
	if (rec->type == 'N')
		(void)putc('\n', p->text);
	return 0;
}

/* What is still missing at the end. */
static int
check_progress(struct progress *p)
{
	if (!p->has_text)
		return import_fail(p->im, "has no text");
	if (!p->has_sender)
		return import_fail(p->im, "has no sender");
	if (p->f->env.nrcpts == 0)
		return import_fail(p->im, "has no recipients");
	return 0;
}

static int
read_records(struct progress *p, FILE *in)
{
	struct record rec = { 0, NULL, 0, 0 };
	bool is_end = false;
	int result = 0;

	while (result == 0 && !is_end) {
		if (!read_record(in, &rec))
			result = import_fail(p->im, "is not whole");
		else if (p->is_in_text)
			result = take_text(p, &rec);
		else if (rec.type == 'E')
			is_end = true;
		else
			result = take_envelope(p, &rec);
	}
	free(rec.data);
	free(p->orcpt);
	return result == 0 ? check_progress(p) : result;
}

/* ---- messages -------------------------------------------------------- */

/* A file without a name for the text: F's, and a stream for it. */
static FILE *
make_text(struct foreign *f)
{
	int fd;

	f->fd = memfd_create("message", MFD_CLOEXEC);
	if (f->fd < 0)
		return NULL;
	fd = fcntl(f->fd, F_DUPFD_CLOEXEC, 3);
	return fd >= 0 ? fdopen(fd, "w") : NULL;
}

static int
decode(struct import *im, struct foreign *f, FILE *in)
{
	struct progress p = { .im = im, .f = f, .text = make_text(f) };
	int result;

	if (p.text == NULL)
		return import_fail(im, "cannot hold it: %s", strerror(errno));
	result = read_records(&p, in);
	if (fclose(p.text) != 0 && result == 0)
		result = import_fail(im, "cannot hold it: %s", strerror(errno));
	(void)lseek(f->fd, 0, SEEK_SET);
	return result;
}

static int
read_message(struct import *im, const char *name, struct foreign *f)
{
	struct stat st;
	int fd = import_open(im, name, &st), result;
	FILE *in;

	if (fd < 0)
		return -1;
	/* postdrop sets this bit when the file is complete. */
	if ((st.st_mode & S_IXUSR) == 0) {
		(void)close(fd);
		return import_fail(
		    im, "is being written, or whoever did has died");
	}
	import_set_origin(im, f, &st);
	in = fdopen(fd, "r");
	if (in == NULL) {
		(void)close(fd);
		return import_fail(im, "%s", strerror(errno));
	}
	result = decode(im, f, in);
	(void)fclose(in);
	return result;
}

const struct import_format import_maildrop = {
	.name = "postfix-maildrop",
	.subdir = "maildrop",
	.begin = begin,
	.is_message = is_message,
	.read = read_message,
};
