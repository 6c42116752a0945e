/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Logical lines are made in place, where they begin: they never grow.  Every
 * byte is looked at a fixed number of times, whatever the file holds.
 */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fsutil.h"
#include "lib/mapfile.h"
#include "lib/scan.h"

/* mapfile_read() of FD, which is a regular file. */
static int
read_open(struct mapfile *file, int fd, const struct stat *st)
{
	struct mapfile made = { .line = 1 };
	int err;

	err = fs_read_open(fd, st, MAPFILE_MAX, &made.text, &made.len);
	if (err == 0)
		*file = made;
	return err;
}

int
mapfile_read(struct mapfile *file, const char *path, const char **reterr_why)
{
	struct stat st;
	int fd = fs_open_regular(AT_FDCWD, path, &st), err = fd;

	if (fd >= 0) {
		bool is_open = (st.st_mode & S_IWOTH) != 0;

		err = is_open ? -EPERM : read_open(file, fd, &st);
		close(fd);
		if (is_open) {
			*reterr_why = "is writable by everybody";
			return err;
		}
	}
	if (err == -EINVAL)
		*reterr_why = "is not a regular file";
	else if (err == -EFBIG)
		*reterr_why = "is longer than 16 MB";
	else if (err < 0)
		*reterr_why = strerror(-err);
	return err;
}

void
mapfile_ignore_fault(void *arg, unsigned line, const char *why)
{
	(void)arg;
	(void)line;
	(void)why;
}

size_t
mapfile_unique(void *items, size_t count, size_t size,
    const struct mapfile_unique *how, void *arg)
{
	char *all = items;
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		char *item = all + i * size, *next = all + kept * size;

		if (kept > 0 && how->is_same(next - size, item, arg)) {
			how->drop(item, arg);
			continue;
		}
		memmove(next, item, size);
		kept++;
	}
	return kept;
}

void
mapfile_release(struct mapfile *file)
{
	free(file->text);
	*file = (struct mapfile){ 0 };
}

/* The line that begins at POS, with its line end. */
static struct span
line_at(const struct mapfile *file, size_t pos)
{
	struct span line = { file->text + pos, file->len - pos };
	const char *lf = memchr(line.ptr, '\n', line.len);

	if (lf != NULL)
		line.len = (size_t)(lf - line.ptr) + 1;
	return line;
}

/*
 * Where the comment begins that ends LINE, or its length.  *IS_QUOTED says
 * whether we are inside quotes, before and after.
 */
static size_t
comment_at(struct span line, bool *is_quoted)
{
	for (size_t i = 0; i < line.len; i++) {
		char c = line.ptr[i];

		if (c == '\\')
			i++;
		else if (c == '"')
			*is_quoted = !*is_quoted;
		else if (c == '#' && !*is_quoted &&
		    (i == 0 || scan_is_space(line.ptr[i - 1])))
			return i;
	}
	return line.len;
}

/* Append LINE, without its comment, to what ends at *END of the text. */
static void
append(struct mapfile *file, size_t *end, struct span line, bool *is_quoted)
{
	line.len = comment_at(line, is_quoted);
	line = scan_trim(line);
	/* Where a line ended there is a space; the first one begins here. */
	if (line.len == 0)
		return;
	memmove(file->text + *end, line.ptr, line.len);
	*end += line.len;
	file->text[(*end)++] = ' ';
}

bool
mapfile_next(struct mapfile *file, struct span *ret, unsigned *ret_line)
{
	bool is_quoted = false, has_begun = false;
	size_t start = file->pos, end = start;

	while (file->pos < file->len) {
		struct span line = line_at(file, file->pos);
		struct span solid = scan_trim(line);
		bool is_empty = solid.len == 0 || solid.ptr[0] == '#';

		if (has_begun && !is_empty && !scan_is_space(line.ptr[0]))
			break;
		if (!has_begun && !is_empty) {
			*ret_line = file->line;
			has_begun = true;
		}
		if (!is_empty)
			append(file, &end, line, &is_quoted);
		file->pos += line.len;
		file->line++;
	}
	*ret = scan_trim((struct span){ file->text + start, end - start });
	return has_begun;
}
