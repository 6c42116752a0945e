/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * While an operator has the status to edit, a copy of it is what the next
 * spoold goes by, should this one be killed: an edit may lack what was sent.
 */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fsutil.h"
#include "lib/log.h"
#include "spoold/edits.h"

#define BASE_NAME ".status.json.base"
#define BASE_TMP ".status.json.base.new"
#define PIECE 65536

static int
copy(int from, int to)
{
	ssize_t n;

	do
		n = sendfile(to, from, NULL, 1u << 20);
	while (n > 0);
	return n < 0 ? -errno : fs_sync(to);
}

int
edits_keep_base(int dir_fd)
{
	int from, to, err;

	from = openat(dir_fd, STATUS_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (from < 0)
		return -errno;
	to = openat(dir_fd, BASE_TMP,
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	err = to < 0 ? -errno : copy(from, to);
	if (to >= 0)
		(void)close(to);
	(void)close(from);
	if (err == 0 && renameat(dir_fd, BASE_TMP, dir_fd, BASE_NAME) < 0)
		err = -errno;
	return err == 0 ? fs_sync(dir_fd) : err;
}

void
edits_forget_base(int dir_fd)
{
	(void)unlinkat(dir_fd, BASE_NAME, 0);
}

static bool
are_equal(FILE *a, FILE *b)
{
	char left[PIECE], right[PIECE];
	size_t n;

	do {
		n = fread(left, 1, sizeof(left), a);
		if (fread(right, 1, sizeof(right), b) != n ||
		    memcmp(left, right, n) != 0)
			return false;
	} while (n > 0);
	return true;
}

static FILE *
open_file(int dir_fd, const char *name)
{
	int fd = openat(
	    dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	return fd < 0 ? NULL : fdopen(fd, "r");
}

/* Whether the status is what the copy says. */
static bool
is_unchanged(int dir_fd)
{
	FILE *status = open_file(dir_fd, STATUS_NAME);
	FILE *base = open_file(dir_fd, BASE_NAME);
	bool is_equal =
	    status != NULL && base != NULL && are_equal(status, base);

	if (status != NULL)
		(void)fclose(status);
	if (base != NULL)
		(void)fclose(base);
	return is_equal;
}

void
edits_recover_base(int dir_fd)
{
	struct stat st;

	if (fstatat(dir_fd, BASE_NAME, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	if (!is_unchanged(dir_fd))
		/* edits_hint() tells of it. */
		(void)renameat(
		    dir_fd, STATUS_NAME, dir_fd, STATUS_NAME ".edited");
	if (renameat(dir_fd, BASE_NAME, dir_fd, STATUS_NAME) < 0)
		log_msg(
		    LOG_ERR, "cannot use '%s': %s", BASE_NAME, strerror(errno));
}
