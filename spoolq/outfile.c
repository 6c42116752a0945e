/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See outfile.h. */

#include "config.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/fsutil.h"
#include "lib/text.h"
#include "spoolq/outfile.h"

static struct {
	const char *path; /* NULL: standard output */
	struct stat like; /* mode, and whose it is: -1, our own */
	bool keeps_mode;
	pid_t child; /* 0: none */
	int fd;      /* to it */
	FILE *stream;
	char *text;
	size_t len;
} file;

/* Whether PATH can be replaced; it stays whose it was. */
static int
look(void)
{
	struct stat st;

	if (lstat(file.path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	/* Not a device, nor a link that somebody else follows. */
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (file.keeps_mode) {
		file.like = st;
		file.like.st_mode &= 0777 & ~(mode_t)S_IWOTH;
	}
	return 0;
}

static int
replace(const char *text, size_t len)
{
	int err = look();

	if (err < 0)
		return err;
	return fs_replace_like(AT_FDCWD, file.path, &file.like, text, len);
}

/* ---- the child ---------------------------------------------------------- */

/* LEN bytes, or false. */
static bool
receive(int fd, void *buf, size_t len)
{
	char *p = buf;

	while (len > 0) {
		ssize_t n = read(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

/* What does not come whole is not written; the exit status is the errno. */
static void
run_child(int fd)
{
	size_t len;
	char *text;

	if (!receive(fd, &len, sizeof(len)))
		_exit(EIO);
	text = malloc(len + 1);
	if (text == NULL)
		_exit(ENOMEM);
	if (!receive(fd, text, len))
		_exit(EIO);
	_exit(-replace(text, len));
}

static int
start_child(void)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	file.child = fork();
	if (file.child < 0) {
		file.child = 0;
		return -errno;
	}
	if (file.child == 0) {
		(void)close(ends[1]);
		run_child(ends[0]);
	}
	(void)close(ends[0]);
	file.fd = ends[1];
	return 0;
}

static int
send_to_child(void)
{
	int status, err;

	err = fs_write_all(file.fd, &file.len, sizeof(file.len));
	if (err == 0)
		err = fs_write_all(file.fd, file.text, file.len);
	(void)close(file.fd);
	while (waitpid(file.child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (err < 0)
		return err;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}

/* ---- the three steps ---------------------------------------------------- */

static int
complain(int err)
{
	char *clean = text_clean(span_of(file.path), PATH_MAX);
	const char *path = clean != NULL ? clean : "?";

	if (err == -EINVAL)
		warnx("cannot replace '%s': it is no regular file", path);
	else
		warnx("cannot write '%s': %s", path, strerror(-err));
	free(clean);
	return err == -EACCES || err == -EPERM ? EX_NOPERM : EX_CANTCREAT;
}

int
outfile_prepare(const char *path, mode_t mode, bool keeps_mode)
{
	int err;

	if (path == NULL || strcmp(path, "-") == 0)
		return EX_OK;
	file.path = path;
	file.like = (struct stat){
		.st_mode = mode, .st_uid = (uid_t)-1, .st_gid = (gid_t)-1
	};
	file.keeps_mode = keeps_mode;
	err = look();
	if (err == 0 && geteuid() == 0)
		err = start_child();
	return err < 0 ? complain(err) : EX_OK;
}

FILE *
outfile_stream(void)
{
	if (file.path == NULL)
		return stdout;
	file.stream = open_memstream(&file.text, &file.len);
	return file.stream;
}

int
outfile_finish(void)
{
	int err;

	if (file.path == NULL)
		return EX_OK; /* main() looks at standard output */
	if (fclose(file.stream) != 0)
		err = -ENOMEM;
	else if (file.child != 0)
		err = send_to_child();
	else
		err = replace(file.text, file.len);
	free(file.text);
	return err < 0 ? complain(err) : EX_OK;
}
