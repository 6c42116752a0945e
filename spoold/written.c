/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See written.h. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "spoold/written.h"

struct written
written_of(const struct stat *st)
{
	return (struct written){
		.is_known = true,
		.dev = st->st_dev,
		.ino = st->st_ino,
		.mtime = st->st_mtim,
		.size = st->st_size,
	};
}

bool
written_differs(const struct written *w, const struct stat *st)
{
	return !w->is_known || w->dev != st->st_dev || w->ino != st->st_ino ||
	    w->size != st->st_size || w->mtime.tv_sec != st->st_mtim.tv_sec ||
	    w->mtime.tv_nsec != st->st_mtim.tv_nsec;
}

/* What NAME is: false if there is nothing to keep of it. */
static bool
is_edit(int dir_fd, const char *name, const struct written *w)
{
	struct stat st;

	return w->is_known &&
	    fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    !S_ISLNK(st.st_mode) && written_differs(w, &st);
}

/* Where two names cannot change places: an edit made just now is lost. */
static int
replace_in_steps(int dir_fd, const char *tmp, const char *name,
    const char *kept, const struct written *w, bool *ret_kept)
{
	if (is_edit(dir_fd, name, w) &&
	    renameat(dir_fd, name, dir_fd, kept) == 0)
		*ret_kept = true;
	return renameat(dir_fd, tmp, dir_fd, name) < 0 ? -errno : 0;
}

int
written_replace(int dir_fd, const char *tmp, const char *name, const char *kept,
    struct written *w, bool *ret_kept)
{
	struct stat st;
	int err = 0;

	*ret_kept = false;
	if (fstatat(dir_fd, tmp, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	/* Looked at when it is out of everybody's way. */
	if (renameat2(dir_fd, tmp, dir_fd, name, RENAME_EXCHANGE) < 0)
		err = replace_in_steps(dir_fd, tmp, name, kept, w, ret_kept);
	else if (!is_edit(dir_fd, tmp, w))
		err = unlinkat(dir_fd, tmp, 0) < 0 ? -errno : 0;
	else if (renameat(dir_fd, tmp, dir_fd, kept) < 0)
		err = -errno;
	else
		*ret_kept = true;
	if (err == 0)
		*w = written_of(&st);
	return err;
}
