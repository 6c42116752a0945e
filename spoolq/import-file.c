/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* What the formats share: files, envelopes, headers. */

#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/address.h"
#include "lib/fsutil.h"
#include "lib/header.h"
#include "spoolq/import.h"

int
import_open(struct import *im, const char *name, struct stat *ret_st)
{
	int fd = openat(im->dir_fd, name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return import_fail(im, "cannot open '%s': %s", name,
		    errno == ELOOP ? "it is a link" : strerror(errno));
	if (fstat(fd, ret_st) == 0 && S_ISREG(ret_st->st_mode))
		return fd;
	(void)close(fd);
	return import_fail(im, "'%s' is no regular file", name);
}

char *
import_head(struct import *im, int fd, off_t off, size_t *ret_len)
{
	char *text = malloc(IMPORT_HEAD_MAX + 1);
	ssize_t n = -ENOMEM;

	if (text != NULL)
		n = fs_pread_all(fd, text, IMPORT_HEAD_MAX, off);
	if (n < 0) {
		free(text);
		(void)import_fail(im, "cannot read: %s", strerror((int)-n));
		return NULL;
	}
	text[n] = '\0';
	*ret_len = (size_t)n;
	return text;
}

void
import_set_origin(
    const struct import *im, struct foreign *f, const struct stat *st)
{
	int64_t t_us =
	    (int64_t)st->st_mtim.tv_sec * 1000000 + st->st_mtim.tv_nsec / 1000;

	f->env.uid = st->st_uid;
	f->env.arrival_us =
	    t_us > 0 && t_us < im->ctx->now_us ? t_us : im->ctx->now_us;
}

int
import_set_sender(struct import *im, struct foreign *f, struct span addr)
{
	struct submit_error err;

	if (submit_set_sender(&f->env, addr, &im->identity, &err) == 0)
		return 0;
	return import_fail(im, "%s", err.text);
}

int
import_add_rcpt(struct import *im, struct foreign *f, struct span addr)
{
	struct submit_error err;

	if (submit_add_one(&f->env, addr, &im->identity, &err) == 0)
		return 0;
	return import_fail(im, "%s", err.text);
}

/* An address_fn: the first one is enough. */
static int
take_first(const struct mailbox *box, void *arg)
{
	char **ret = arg;

	*ret = address_string(box, NULL);
	return 1;
}

int
import_sender_of_header(struct import *im, struct foreign *f, struct span text)
{
	struct header_field field;
	char *addr = NULL;
	size_t pos;
	int result;

	if (!header_find(text, "From", &field))
		return import_fail(im, "has no sender: there is no From");
	(void)address_walk(field.body, take_first, &addr, &pos);
	if (addr == NULL)
		return import_fail(im, "has no sender: From has no address");
	result = import_set_sender(im, f, span_of(addr));
	free(addr);
	return result;
}

/* ---- names ----------------------------------------------------------- */

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int
add_name(const char *name, char ***names, size_t *count, size_t *room)
{
	char **grown;

	if (*count == *room) {
		*room = *room == 0 ? 256 : 2 * *room;
		grown = reallocarray(*names, *room, sizeof(**names));
		if (grown == NULL)
			return -ENOMEM;
		*names = grown;
	}
	(*names)[*count] = strdup(name);
	if ((*names)[*count] == NULL)
		return -ENOMEM;
	(*count)++;
	return 0;
}

/* Those of DIR.  0 or -errno. */
static int
read_names(DIR *dir, import_wants_fn *wants, const void *arg, char ***ret,
    size_t *ret_count)
{
	size_t room = 0;
	struct dirent *at;
	int err = 0;

	errno = 0;
	while (err == 0 && (at = readdir(dir)) != NULL) {
		if (at->d_type != DT_DIR && strcmp(at->d_name, ".") != 0 &&
		    strcmp(at->d_name, "..") != 0 && wants(at->d_name, arg))
			err = add_name(at->d_name, ret, ret_count, &room);
		errno = 0;
	}
	return err < 0 ? err : -errno;
}

int
import_names(int dir_fd, import_wants_fn *wants, const void *arg, char ***ret,
    size_t *ret_count)
{
	int err, fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

	*ret = NULL;
	*ret_count = 0;
	if (dir == NULL) {
		err = -errno;
		if (fd >= 0)
			(void)close(fd);
		return err;
	}
	err = read_names(dir, wants, arg, ret, ret_count);
	(void)closedir(dir);
	if (*ret_count > 0)
		qsort(*ret, *ret_count, sizeof(**ret), compare_names);
	return err;
}

void
import_free_names(char **names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
}

static bool
is_message(const char *name, const void *arg)
{
	const struct import *im = arg;

	return name[0] != '.' && im->format->is_message(name);
}

int
import_list(struct import *im, char ***ret, size_t *ret_count)
{
	return import_names(im->dir_fd, is_message, im, ret, ret_count);
}
