/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * What spoold found out about the relay and sendmail wants to know.  sendmail
 * may only pass through the spool's directory, so it is told by a file's being
 * there.  A hint: it need not survive a power cut.
 */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/spool.h"

bool
spool_is_ascii_only(const struct spool *sp)
{
	struct stat st;

	return fstatat(sp->dir_fd, SPOOL_ASCII_ONLY_NAME, &st,
		   AT_SYMLINK_NOFOLLOW) == 0;
}

int
spool_set_ascii_only(const struct spool *sp, bool is_ascii_only)
{
	int fd;

	if (!is_ascii_only) {
		if (unlinkat(sp->dir_fd, SPOOL_ASCII_ONLY_NAME, 0) < 0 &&
		    errno != ENOENT)
			return -errno;
		return 0;
	}
	if (spool_is_ascii_only(sp))
		return 0;
	fd = openat(sp->dir_fd, SPOOL_ASCII_ONLY_NAME,
	    O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0640);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}
