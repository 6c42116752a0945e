/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* SPOOL/.import/: how a message changes hands exactly once, see import.h. */

#include "config.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sysmacros.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/date.h"
#include "lib/fsutil.h"
#include "spoolq/import.h"

/* ---- keys ------------------------------------------------------------ */

int
import_mark(int fd, char ret[IMPORT_MARK_SIZE])
{
	struct statx st;
	uint64_t other;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &st) < 0)
		return -errno;
	/* Devices get new numbers when a machine starts. */
	other = (st.stx_mask & STATX_BTIME) != 0
	    ? (uint64_t)st.stx_btime.tv_sec * 1000000000 + st.stx_btime.tv_nsec
	    : makedev(st.stx_dev_major, st.stx_dev_minor);
	(void)snprintf(ret, IMPORT_MARK_SIZE, "%" PRIx64 ".%" PRIx64,
	    (uint64_t)st.stx_ino, other);
	return 0;
}

/* What tells NAME with ST from all that were or will be there. */
static void
make_key(const struct import *im, const char *name, const struct stat *st,
    char ret[IMPORT_KEY_SIZE])
{
	(void)snprintf(ret, IMPORT_KEY_SIZE, "%s-%llx-%llx.%09ld-%llx-%s",
	    im->their_mark, (unsigned long long)st->st_ino,
	    (unsigned long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
	    (unsigned long long)st->st_size, name);
}

void
import_taken_name(
    const struct import *im, const char *name, char ret[IMPORT_KEY_SIZE])
{
	(void)snprintf(
	    ret, IMPORT_KEY_SIZE, IMPORT_TAKEN "%s-%s", im->our_mark, name);
}

bool
import_is_original(
    const struct import *im, const char *key, const char *name, const char *at)
{
	char now[IMPORT_KEY_SIZE];
	struct stat st;

	if (fstatat(im->dir_fd, at, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	make_key(im, name, &st, now);
	return strcmp(now, key) == 0;
}

/* ---- into the queue -------------------------------------------------- */

int
import_publish(struct import *im, const char *key, char ret_id[SPOOL_ID_SIZE])
{
	int64_t now_us = date_now_us();
	char id[SPOOL_ID_SIZE];
	int err;

	/* Many come in a moment: none looks again at the ids before it. */
	if (im->id_us < now_us)
		im->id_us = now_us;
	draft_free_id(&im->ctx->sp, &im->id_us, id);
	err = spool_adopt(
	    &im->ctx->sp, im->ready_fd, key, im->id_us - 1000, ret_id);
	if (err == 0)
		return 0;
	return import_fail(
	    im, "cannot move it into queue/, try again: %s", strerror(-err));
}

void
import_clean(struct import *im, const char *name)
{
	char taken[IMPORT_KEY_SIZE];

	import_taken_name(im, name, taken);
	import_be_them(im);
	if (im->format->clean != NULL)
		im->format->clean(im, name);
	(void)unlinkat(im->dir_fd, taken, 0);
	import_be_us(im);
}

/* ---- the directories ------------------------------------------------- */

static int
open_dir(struct import *im, const char *name)
{
	if (mkdirat(im->stage.dir_fd, name, 0700) < 0 && errno != EEXIST)
		return -errno;
	int fd = openat(im->stage.dir_fd, name,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd >= 0 ? fd : -errno;
}

/* Make what is missing and open it.  0 or -errno. */
static int
open_all(struct import *im, const char *path)
{
	char *why = NULL;
	int err = spool_create(path, &why);

	free(why);
	why = NULL;
	if (err == 0)
		err = spool_open(&im->stage, path, SPOOL_OWN, &why);
	free(why);
	if (err < 0)
		return err;
	im->ready_fd = open_dir(im, "ready");
	im->kept_fd = open_dir(im, "kept");
	if (im->ready_fd < 0 || im->kept_fd < 0)
		return im->ready_fd < 0 ? im->ready_fd : im->kept_fd;
	err = fs_sync(im->stage.dir_fd);
	if (err == 0 && flock(im->stage.dir_fd, LOCK_EX | LOCK_NB) < 0)
		err = -errno;
	return err;
}

void
import_look_at_stage(struct import *im)
{
	import_be_us(im);
	im->kept_fd = openat(im->ctx->sp.dir_fd, IMPORT_DIR "/kept",
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int
import_open_stage(struct import *im)
{
	char *path = NULL;
	int err = -ENOMEM;

	import_be_us(im);
	if (asprintf(&path, "%s/%s", im->ctx->cfg.spool, IMPORT_DIR) >= 0)
		err = open_all(im, path);
	free(path);
	if (err == -EWOULDBLOCK) {
		warnx("another import is running");
		return EX_TEMPFAIL;
	}
	if (err < 0) {
		warnx("cannot use '%s/%s': %s", im->ctx->cfg.spool, IMPORT_DIR,
		    strerror(-err));
		return exit_code(err);
	}
	return EX_OK;
}

void
import_close_stage(struct import *im)
{
	static const char *const names[] = { "tmp", "queue", "hold", "failed",
		"ready", "kept" };

	import_be_us(im);
	if (im->kept_fd >= 0)
		(void)close(im->kept_fd);
	if (im->stage.path == NULL)
		return;
	/* What is not empty stays, with its reason. */
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)unlinkat(im->stage.dir_fd, names[i], AT_REMOVEDIR);
	(void)unlinkat(im->ctx->sp.dir_fd, IMPORT_DIR, AT_REMOVEDIR);
	if (im->ready_fd >= 0)
		(void)close(im->ready_fd);
	spool_close(&im->stage);
}

/* ---- one message ----------------------------------------------------- */

struct submit_options
import_options(struct import *im, const struct foreign *f)
{
	return (struct submit_options){
		.header_rcpts = f->header_rcpts,
		.identity = &im->identity,
		.full_name = f->full_name != NULL ? f->full_name : "",
		/* A missing Date is that of the arrival. */
		.now_us = f->env.arrival_us,
	};
}

/* Step 1. */
static int
stage(struct import *im, struct foreign *f, const char *key)
{
	struct submit_options opts = import_options(im, f);
	int queue_fd = im->stage.state_fd[SPOOL_QUEUE];
	struct submit_error error;
	char id[SPOOL_ID_SIZE];
	int err = 0;

	if (submit(&im->stage, &f->env, f->fd, &opts, id, &error) < 0)
		return import_fail(im, "%s", error.text);
	if (renameat(queue_fd, id, im->ready_fd, key) < 0)
		err = -errno;
	if (err == 0)
		err = fs_sync(im->ready_fd);
	if (err == 0)
		return 0;
	(void)unlinkat(queue_fd, id, 0);
	return import_fail(im, "cannot write to the spool: %s", strerror(-err));
}

/* An empty file, durably. */
static int
note_kept(struct import *im, const char *key)
{
	int fd = openat(im->kept_fd, key,
	    O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	int err = fd < 0 ? -errno : 0;

	if (fd >= 0)
		(void)close(fd);
	if (err == 0)
		err = fs_sync(im->kept_fd);
	return err == 0 ? 0
			: import_fail(im, "cannot note it: %s", strerror(-err));
}

static int
take_original(struct import *im, const char *name, const char *key)
{
	char taken[IMPORT_KEY_SIZE];
	int err = 0;

	import_taken_name(im, name, taken);
	import_be_them(im);
	if (!import_is_original(im, key, name, name))
		err = -ESTALE;
	else
		err = fs_rename_noreplace(im->dir_fd, name, im->dir_fd, taken);
	if (err == 0)
		(void)fs_sync(im->dir_fd);
	import_be_us(im);
	if (err == -ESTALE)
		return import_fail(im, "somebody has changed it meanwhile");
	if (err == -EEXIST)
		return import_fail(im,
		    "one of that name is there as '%s', by an import that was "
		    "interrupted",
		    taken);
	return err == 0
	    ? 0
	    : import_fail(im, "cannot remove it: %s", strerror(-err));
}

int
import_commit(struct import *im, const char *name, const struct stat *st,
    struct foreign *f, char ret_id[SPOOL_ID_SIZE])
{
	char key[IMPORT_KEY_SIZE];
	int result;

	make_key(im, name, st, key);
	import_be_us(im);
	if (stage(im, f, key) < 0)
		return -1;
	result = im->keeps ? note_kept(im, key) : take_original(im, name, key);
	if (result < 0) {
		(void)unlinkat(im->ready_fd, key, 0);
		return -1;
	}
	result = import_publish(im, key, ret_id);
	if (result == 0 && !im->keeps)
		import_clean(im, name);
	return result;
}

bool
import_was_kept(struct import *im, const char *name, const struct stat *st)
{
	char key[IMPORT_KEY_SIZE];

	if (im->kept_fd < 0)
		return false;
	make_key(im, name, st, key);
	import_be_us(im);
	return faccessat(im->kept_fd, key, F_OK, AT_EACCESS) == 0;
}

int
import_remove_kept(struct import *im, const char *name, const struct stat *st)
{
	char key[IMPORT_KEY_SIZE];

	make_key(im, name, st, key);
	if (take_original(im, name, key) < 0)
		return -1;
	import_clean(im, name);
	(void)unlinkat(im->kept_fd, key, 0);
	return 0;
}
