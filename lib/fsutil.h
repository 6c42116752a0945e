/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * What the C library leaves to do about files: whole writes and reads,
 * durable directories, files replaced atomically.
 */

#ifndef SPOOL_FSUTIL_H
#define SPOOL_FSUTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

/* Write all of BUF; EINTR is retried.  0 or -errno (a 0-byte write: -EIO). */
int fs_write_all(int fd, const void *buf, size_t len);

/*
 * Read up to LEN bytes at OFF, short only at the end of the file.
 * Returns the count or -errno.
 */
ssize_t fs_pread_all(int fd, void *buf, size_t len, off_t off);

/*
 * Read the whole regular file NAME below DIR_FD (AT_FDCWD for a path), of at
 * most MAX bytes, into a NUL-terminated buffer that the caller frees.
 * Returns 0 or -errno (-EFBIG when it is longer, -EISDIR or -EINVAL when it
 * is no regular file).  Symbolic links are followed; RET_LEN may be NULL.
 */
int fs_read_file(
    int dir_fd, const char *name, size_t max, char **ret_text, size_t *ret_len);

/*
 * The two halves of fs_read_file(), for who has to look at what the file is:
 * open it, *RET_ST being the inode that is read then; the descriptor or
 * -errno.  And read it; FD stays open; 0 or -errno.
 */
int fs_open_regular(int dir_fd, const char *name, struct stat *ret_st);
int fs_read_open(int fd, const struct stat *st, size_t max, char **ret_text,
    size_t *ret_len);

/* fsync(2) of a file or directory; 0 or -errno. */
int fs_sync(int fd);

/*
 * Replace NAME below DIR_FD by TEXT so that a reader, or a crash, sees the
 * old or the new content whole: temporary name beside it (".NAME.PID.tmp"),
 * fsync, rename, fsync of the directory.  NAME may be a path; the umask does
 * not matter.  0 or -errno.  One thread at a time for one NAME.
 */
int fs_replace(
    int dir_fd, const char *name, mode_t mode, const void *text, size_t len);

/*
 * The same, but the new file gets mode, owner and group of LIKE.  Who may not
 * give it to that group gives the group no rights either; an owner that it
 * cannot have is no failure.
 */
int fs_replace_like(int dir_fd, const char *name, const struct stat *like,
    const void *text, size_t len);

/* rename(2) that never replaces: -EEXIST if NEW exists.  0 or -errno. */
int fs_rename_noreplace(
    int old_dir, const char *old_name, int new_dir, const char *new_name);

/*
 * Make fds 0 to 2 open (on /dev/null), so that no file that is opened later
 * takes the place of standard error.  0 or -errno.
 */
int fs_open_std_fds(void);

#endif
