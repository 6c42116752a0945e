/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* A directory of its own for each test, and files in it. */

#ifndef SCRATCH_H
#define SCRATCH_H

#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Make an empty directory and go there; the result is freed by the caller. */
static inline char *
scratch_enter(void)
{
	const char *base = getenv("TMPDIR");
	char *path;

	ck_assert_int_gt(asprintf(&path, "%s/spoold-test.XXXXXX",
			     base == NULL ? "/tmp" : base),
	    0);
	ck_assert_ptr_nonnull(mkdtemp(path));
	ck_assert_int_eq(chdir(path), 0);
	return path;
}

static inline int
scratch_remove_entry(
    const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* Remove the directory PATH with all that is in it, and free PATH. */
static inline void
scratch_leave(char *path)
{
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(
	    nftw(path, scratch_remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
	free(path);
}

/* Write a new file NAME. */
static inline void
scratch_put(const char *name, const void *bytes, size_t len)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, bytes, len), (ssize_t)len);
	ck_assert_int_eq(close(fd), 0);
}

/* The file NAME in a new, NUL-terminated buffer. */
static inline char *
scratch_get(const char *name, size_t *ret_len)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *text;

	ck_assert_msg(fd >= 0, "%s cannot be opened", name);
	ck_assert_int_eq(fstat(fd, &st), 0);
	text = malloc((size_t)st.st_size + 1);
	ck_assert_ptr_nonnull(text);
	ck_assert_int_eq(read(fd, text, (size_t)st.st_size), st.st_size);
	text[st.st_size] = '\0';
	if (ret_len != NULL)
		*ret_len = (size_t)st.st_size;
	close(fd);
	return text;
}

#endif
