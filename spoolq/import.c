/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* spoolq import: the messages of another mailer's queue into ours. */

#include "config.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/text.h"
#include "spoolq/import.h"

static const struct import_format *const formats[] = {
	&import_nullmailer,
	&import_dma,
	&import_msmtpq,
	&import_spoolgore,
	&import_maildrop,
};

#define FORMATS (sizeof(formats) / sizeof(formats[0]))

/* ---- who we are ------------------------------------------------------ */

static void
become(const struct import *im, uid_t uid, gid_t gid)
{
	if (!im->is_root)
		return;
	if (seteuid(0) < 0 || setgroups(1, &gid) < 0 || setegid(gid) < 0 ||
	    seteuid(uid) < 0)
		err(EX_OSERR, "cannot become user %lu", (unsigned long)uid);
}

void
import_be_them(const struct import *im)
{
	become(im, im->theirs.st_uid, im->theirs.st_gid);
}

void
import_be_us(const struct import *im)
{
	become(im, im->ours.st_uid, im->ours.st_gid);
}

void
import_be_root(const struct import *im)
{
	become(im, 0, 0);
}

/* ---- what is said ---------------------------------------------------- */

int
import_fail(struct import *im, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(im->why, sizeof(im->why), fmt, args);
	va_end(args);
	return -1;
}

void
import_put_clean(FILE *out, const char *text)
{
	text_put_clean(out, span_of(text), IMPORT_KEY_SIZE * 4);
}

void
import_complain(struct import *im, const char *name, int code)
{
	(void)fflush(stdout);
	(void)fputs("spoolq: ", stderr);
	import_put_clean(stderr, name);
	(void)fputs(": left where it is: ", stderr);
	import_put_clean(stderr, im->why);
	(void)fputc('\n', stderr);
	im->left++;
	if (im->code == EX_OK)
		im->code = code;
}

/* NAME has gone, or would go, to the queue: WHAT says it. */
static void
tell(const char *name, const char *what, const char *id,
    const struct envelope *env)
{
	import_put_clean(stdout, name);
	(void)printf(": %s%s, from ", what, id);
	import_put_clean(stdout, env->sender[0] != '\0' ? env->sender : "<>");
	(void)fputs(" to ", stdout);
	import_put_clean(
	    stdout, env->nrcpts > 0 ? env->rcpts[0].addr : "nobody");
	if (env->nrcpts > 1)
		(void)printf(" +%zu", env->nrcpts - 1);
	(void)putchar('\n');
}

/* ---- messages -------------------------------------------------------- */

static void
release(struct foreign *f)
{
	envelope_release(&f->env);
	free(f->full_name);
	if (f->fd >= 0)
		(void)close(f->fd);
	if (f->lock_fd >= 0)
		(void)close(f->lock_fd);
}

static int
rehearse(struct import *im, const char *name, struct foreign *f)
{
	struct submit_options opts = import_options(im, f);
	struct submit_report report;
	struct submit_error error;

	if (submit_explain(&f->env, f->fd, &opts, &report, &error) < 0)
		return import_fail(im, "%s", error.text);
	free(report.header);
	tell(name, "would be queued", "", &f->env);
	return 0;
}

static int
take(struct import *im, const char *name, const struct stat *st,
    struct foreign *f)
{
	char id[SPOOL_ID_SIZE];

	if (im->format->read(im, name, f) < 0)
		return -1;
	if (im->is_dry)
		return rehearse(im, name, f);
	if (import_commit(im, name, st, f, id) < 0)
		return -1;
	tell(name, "queued as ", id, &f->env);
	return 0;
}

/* One that was imported before, and is still there. */
static void
take_kept(struct import *im, const char *name, const struct stat *st)
{
	import_put_clean(stdout, name);
	if (im->keeps || im->is_dry) {
		(void)puts(": was imported before, and is kept");
		im->before++;
	} else if (import_remove_kept(im, name, st) == 0) {
		(void)puts(": was imported before, removed now");
		im->before++;
	} else {
		import_complain(im, name, EX_TEMPFAIL);
	}
}

static void
import_one(struct import *im, const char *name)
{
	struct foreign f = { .fd = -1, .lock_fd = -1 };
	struct stat st;

	import_be_them(im);
	if (strlen(name) > IMPORT_NAME_MAX) {
		(void)import_fail(im, "its name is too long");
		import_complain(im, name, EX_DATAERR);
		return;
	}
	if (fstatat(im->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return; /* somebody has sent it meanwhile */
	if (import_was_kept(im, name, &st)) {
		take_kept(im, name, &st);
		return;
	}
	import_be_them(im);
	if (take(im, name, &st, &f) < 0)
		import_complain(im, name, EX_DATAERR);
	else
		im->done++;
	release(&f);
}

static int
import_all(struct import *im)
{
	char **names = NULL;
	size_t count = 0;
	int err;

	import_be_them(im);
	err = import_list(im, &names, &count);
	if (err < 0) {
		warnx("cannot read '%s': %s", im->path, strerror(-err));
		im->code = exit_code(err);
	}
	for (size_t i = 0; err == 0 && i < count; i++)
		import_one(im, names[i]);
	import_free_names(names, count);
	return im->code;
}

/* ---- the command ----------------------------------------------------- */

/* Open DIR, PATH, and the directory of its messages.  0 or -errno. */
static int
open_dirs(struct import *im, const char *path)
{
	const char *subdir = im->wants_failed ? "failed" : im->format->subdir;

	im->top_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (im->top_fd < 0)
		return -errno;
	im->dir_fd = openat(im->top_fd, subdir,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	/* DIR may be that directory itself. */
	if (im->dir_fd < 0 && errno == ENOENT && !im->wants_failed)
		im->dir_fd = fcntl(im->top_fd, F_DUPFD_CLOEXEC, 3);
	return im->dir_fd < 0 || fstat(im->dir_fd, &im->theirs) < 0 ? -errno
								    : 0;
}

/* Those, and what they and the spool are known by.  0 or a code. */
static int
open_queue(struct import *im, const char *path)
{
	int err = open_dirs(im, path);

	if (err == 0)
		err = import_mark(im->dir_fd, im->their_mark);
	if (err < 0) {
		warnx("cannot open '%s': %s", im->path, strerror(-err));
		return err == -ENOTDIR ? EX_NOINPUT : exit_code(err);
	}
	err = import_mark(im->ctx->sp.dir_fd, im->our_mark);
	if (err == 0)
		return EX_OK;
	warnx("cannot look at '%s': %s", im->ctx->cfg.spool, strerror(-err));
	return exit_code(err);
}

/* Whether this caller may, and this queue can.  0 or a code. */
static int
check(const struct import *im)
{
	const struct spool *sp = &im->ctx->sp;
	struct stat queue;

	if (im->ctx->is_foreign ||
	    (!im->is_root && im->ours.st_uid != geteuid())) {
		warnx("only root and the owner of '%s' can import",
		    im->ctx->cfg.spool);
		return EX_NOPERM;
	}
	if (fstat(sp->state_fd[SPOOL_QUEUE], &queue) < 0)
		queue = im->ours;
	if ((im->theirs.st_ino == im->ours.st_ino &&
		im->theirs.st_dev == im->ours.st_dev) ||
	    (im->theirs.st_ino == queue.st_ino &&
		im->theirs.st_dev == queue.st_dev)) {
		warnx("'%s' is the spool itself", im->path);
		return EX_USAGE;
	}
	return EX_OK;
}

static void
put_summary(const struct import *im)
{
	(void)printf("%zu message%s %s", im->done, im->done == 1 ? "" : "s",
	    im->is_dry ? "would be imported" : "imported");
	if (im->before > 0)
		(void)printf(", %zu imported before", im->before);
	if (im->left > 0)
		(void)printf(", %zu left", im->left);
	(void)putchar('\n');
}

/* The queue is ours alone. */
static int
run_alone(struct import *im)
{
	int code;

	if (!im->is_dry)
		import_resume(im);
	code = import_all(im);
	put_summary(im);
	import_be_them(im);
	if (im->format->end != NULL)
		im->format->end(im);
	return code;
}

static int
run_import(struct import *im)
{
	int code = EX_OK;

	if (im->is_dry)
		import_look_at_stage(im);
	else
		code = import_open_stage(im);
	if (code == EX_OK && im->format->begin != NULL)
		code = im->format->begin(im);
	if (code == EX_OK)
		code = run_alone(im);
	import_close_stage(im);
	return code;
}

static void
warn_line(const char *text)
{
	warnx("%s", text);
}

/* Or NULL, after saying that there is none. */
static const struct import_format *
find_format(const char *name)
{
	for (size_t i = 0; i < FORMATS; i++)
		if (strcmp(formats[i]->name, name) == 0)
			return formats[i];
	(void)fputs("spoolq: '", stderr);
	import_put_clean(stderr, name);
	(void)fputs("' is none of nullmailer, dma, msmtpq, spoolgore and "
		    "postfix-maildrop\n",
	    stderr);
	return NULL;
}

const char *
import_format_name(size_t i)
{
	return i < FORMATS ? formats[i]->name : NULL;
}

static int
import_run(struct context *ctx, int noperands, char *operands[])
{
	struct import im = {
		.ctx = ctx,
		.format = find_format(operands[0]),
		.top_fd = -1,
		.dir_fd = -1,
		.ready_fd = -1,
		.kept_fd = -1,
		.is_dry = context_option(ctx, "dry-run") != NULL,
		.keeps = context_option(ctx, "keep") != NULL,
		.wants_failed = context_option(ctx, "failed") != NULL,
		.is_root = geteuid() == 0,
	};
	char *path;
	int code;

	(void)noperands;
	if (im.format == NULL)
		return EX_USAGE;
	if (fstat(ctx->sp.dir_fd, &im.ours) < 0 ||
	    identity_init(&im.identity, &ctx->cfg) < 0) {
		warn("cannot start");
		return EX_OSERR;
	}
	im.identity.warn = warn_line;
	path = text_clean(span_of(operands[1]), PATH_MAX);
	im.path = path != NULL ? path : "?";
	code = open_queue(&im, operands[1]);
	if (code == EX_OK)
		code = check(&im);
	if (code == EX_OK)
		code = run_import(&im);
	identity_release(&im.identity);
	free(path);
	if (im.dir_fd >= 0)
		(void)close(im.dir_fd);
	if (im.top_fd >= 0)
		(void)close(im.top_fd);
	return code;
}

static const struct command_option options[] = {
	{ "dry-run", NULL, 'n', "only say what would be done" },
	{ "keep", NULL, 0, "leave the originals where they are" },
	{ "failed", NULL, 0, "take what nullmailer gave up, in failed/" },
	{ NULL, NULL, 0, NULL },
};

const struct command command_import = {
	.name = "import",
	.args = "[-n] [--keep] [--failed] FORMAT DIR",
	.does = "take over the queue of nullmailer, dma, msmtpq, spoolgore or "
		"postfix-maildrop",
	.options = options,
	.keeps_root = true,
	.operands_min = 2,
	.operands_max = 2,
	.operand = "format and directory",
	.run = import_run,
};
