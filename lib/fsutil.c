/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* Short writes, interrupted reads and half-made files end here. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fsutil.h"

int
fs_write_all(int fd, const void *buf, size_t len)
{
	const char *at = buf;
	ssize_t n;

	while (len > 0) {
		n = write(fd, at, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

ssize_t
fs_pread_all(int fd, void *buf, size_t len, off_t off)
{
	char *at = buf;
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = pread(fd, at + done, len - done, off + (off_t)done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

/* The descriptor of the regular file NAME for reading, or -errno. */
int
fs_open_regular(int dir_fd, const char *name, struct stat *ret_st)
{
	int fd, err;

	/* O_NONBLOCK: a FIFO in the place of the file must not stop us. */
	fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	if (fstat(fd, ret_st) < 0)
		err = -errno;
	else if (S_ISDIR(ret_st->st_mode))
		err = -EISDIR;
	else
		err = S_ISREG(ret_st->st_mode) ? 0 : -EINVAL;
	if (err == 0)
		return fd;
	close(fd);
	return err;
}

/*
 * Read FD to its end into BUF, growing it from SIZE; the file may be longer
 * than its inode says (it grows, or it is in /proc).
 */
static ssize_t
read_to_end(int fd, size_t max, char **buf, size_t size)
{
	size_t len = 0;
	ssize_t n;
	char *grown;

	for (;;) {
		n = fs_pread_all(fd, *buf + len, size - len, (off_t)len);
		if (n < 0)
			return n;
		len += (size_t)n;
		if (len > max)
			return -EFBIG;
		if (len < size)
			return (ssize_t)len;
		size = size > max / 2 ? max + 1 : size * 2;
		grown = realloc(*buf, size + 1);
		if (grown == NULL)
			return -ENOMEM;
		*buf = grown;
	}
}

int
fs_read_open(
    int fd, const struct stat *st, size_t max, char **ret_text, size_t *ret_len)
{
	size_t size =
	    (uintmax_t)st->st_size > max ? max + 1 : (size_t)st->st_size + 1;
	char *buf = malloc(size + 1);
	ssize_t len = buf == NULL ? -ENOMEM : read_to_end(fd, max, &buf, size);

	if (len < 0) {
		free(buf);
		return (int)len;
	}
	buf[len] = '\0';
	*ret_text = buf;
	if (ret_len != NULL)
		*ret_len = (size_t)len;
	return 0;
}

int
fs_read_file(
    int dir_fd, const char *name, size_t max, char **ret_text, size_t *ret_len)
{
	struct stat st;
	int fd = fs_open_regular(dir_fd, name, &st), err;

	if (fd < 0)
		return fd;
	err = fs_read_open(fd, &st, max, ret_text, ret_len);
	close(fd);
	return err;
}

int
fs_sync(int fd)
{
	return fsync(fd) < 0 ? -errno : 0;
}

/* See fs_replace_like(). */
static int
make_like(int fd, const struct stat *like)
{
	mode_t mode = like->st_mode & 07777;

	if (fchown(fd, like->st_uid, like->st_gid) < 0 &&
	    fchown(fd, (uid_t)-1, like->st_gid) < 0)
		mode &= (mode_t)~S_IRWXG;
	return fchmod(fd, mode) < 0 ? -errno : 0;
}

/* Write TEXT to the new file NAME; it is durable, its name is not. */
static int
write_new(int dir_fd, const char *name, const struct stat *like,
    const void *text, size_t len)
{
	int fd, err;

	fd = openat(dir_fd, name,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	err = fs_write_all(fd, text, len);
	if (err == 0)
		err = make_like(fd, like);
	if (err == 0)
		err = fs_sync(fd);
	if (close(fd) < 0 && err == 0)
		err = -errno;
	if (err != 0)
		(void)unlinkat(dir_fd, name, 0);
	return err;
}

/* The directory of NAME, as a descriptor; *RET_BASE is what follows it. */
static int
open_parent(int dir_fd, const char *name, const char **ret_base)
{
	const char *slash = strrchr(name, '/');
	char *dir;
	int fd;

	*ret_base = slash == NULL ? name : slash + 1;
	if (slash == NULL)
		dir = strdup(".");
	else
		dir = strndup(name, slash == name ? 1 : (size_t)(slash - name));
	if (dir == NULL)
		return -ENOMEM;
	fd = openat(dir_fd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		fd = -errno;
	free(dir);
	return fd;
}

int
fs_replace(
    int dir_fd, const char *name, mode_t mode, const void *text, size_t len)
{
	/* What it is anyway. */
	struct stat like = {
		.st_mode = mode, .st_uid = (uid_t)-1, .st_gid = (gid_t)-1
	};

	return fs_replace_like(dir_fd, name, &like, text, len);
}

int
fs_replace_like(int dir_fd, const char *name, const struct stat *like,
    const void *text, size_t len)
{
	const char *base;
	char *tmp = NULL;
	int parent, err;

	parent = open_parent(dir_fd, name, &base);
	if (parent < 0)
		return parent;
	if (asprintf(&tmp, ".%s.%ld.tmp", base, (long)getpid()) < 0) {
		close(parent);
		return -ENOMEM;
	}
	/* Left by a crashed process that had our number. */
	(void)unlinkat(parent, tmp, 0);
	err = write_new(parent, tmp, like, text, len);
	if (err == 0 && renameat(parent, tmp, parent, base) < 0) {
		err = -errno;
		(void)unlinkat(parent, tmp, 0);
	}
	if (err == 0)
		err = fs_sync(parent);
	free(tmp);
	close(parent);
	return err;
}

int
fs_rename_noreplace(
    int old_dir, const char *old_name, int new_dir, const char *new_name)
{
	int err;

	if (renameat2(old_dir, old_name, new_dir, new_name, RENAME_NOREPLACE) ==
	    0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	/* A file system without it (NFS): link(2) never replaces either. */
	if (linkat(old_dir, old_name, new_dir, new_name, 0) < 0)
		return -errno;
	if (unlinkat(old_dir, old_name, 0) == 0)
		return 0;
	err = -errno;
	(void)unlinkat(new_dir, new_name, 0);
	return err;
}

int
fs_open_std_fds(void)
{
	int fd;

	/* open(2) takes the lowest free number: stop at the first above 2. */
	do {
		fd = open("/dev/null", O_RDWR | O_NOCTTY);
		if (fd < 0)
			return -errno;
	} while (fd <= STDERR_FILENO);
	close(fd);
	return 0;
}
