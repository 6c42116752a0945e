/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See maildir.h.  The steps and their order are those of maildir(5), and a
 * sync of each directory whose entries have to outlive a power cut. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/date.h"
#include "lib/fsutil.h"
#include "spoold/maildir/maildir.h"

#define COPY_BYTES 65536
/* A name that exists already is as good as impossible; do not loop on it. */
#define NAME_TRIES 8

/* A Maildir opened for one delivery. */
struct dirs {
	int root;
	int tmp;
	int new;
};

/* Fill ERR with a clause and the reason for ERRNUM (negative); ERRNUM. */
static int __attribute__((format(printf, 3, 4)))
fault(struct maildir_error *err, int errnum, const char *fmt, ...)
{
	va_list args;
	int len;

	err->in_spool = false;
	va_start(args, fmt);
	len = vsnprintf(err->text, sizeof err->text, fmt, args);
	va_end(args);
	if (len >= 0 && (size_t)len < sizeof err->text)
		(void)snprintf(err->text + len, sizeof err->text - (size_t)len,
		    ": %s", strerror(-errnum));
	return errnum;
}

bool
maildir_name(char ret_name[NAME_MAX + 1], int64_t now_us, long pid,
    unsigned long seq, const char *host)
{
	size_t used;
	int len;

	len = snprintf(ret_name, NAME_MAX + 1, "%lld.M%06lldP%ldQ%lu.",
	    (long long)(now_us / 1000000), (long long)(now_us % 1000000), pid,
	    seq);
	if (len < 0 || len > NAME_MAX)
		return false;
	used = (size_t)len;
	for (; *host != '\0'; host++) {
		const char *octal = *host == '/' ? "\\057"
		    : *host == ':'               ? "\\072"
						 : NULL;
		size_t need = octal != NULL ? 4 : 1;

		if (used + need > NAME_MAX)
			return false;
		memcpy(ret_name + used, octal != NULL ? octal : host, need);
		used += need;
	}
	ret_name[used] = '\0';
	return true;
}

void
maildir_put_lf(FILE *out, const char *bytes, size_t len, bool *held_cr)
{
	const char *end = bytes + len;

	while (bytes < end) {
		const char *cr;

		if (*held_cr && *bytes != '\n')
			putc('\r', out);
		*held_cr = false;
		cr = memchr(bytes, '\r', (size_t)(end - bytes));
		if (cr == NULL)
			cr = end;
		(void)fwrite(bytes, 1, (size_t)(cr - bytes), out);
		*held_cr = cr < end;
		bytes = cr + *held_cr;
	}
}

static void
put_address(FILE *out, const char *field, const char *open, const char *addr,
    const char *close)
{
	fprintf(out, "%s: %s%s%s\n", field, open, addr, close);
}

static void
put_trace(FILE *out, const struct envelope *env, const struct places *places)
{
	size_t n = places->place != NULL ? places->n : env->nrcpts;
	size_t i;

	put_address(out, "Return-Path", "<", env->sender, ">");
	for (i = 0; i < n; i++) {
		size_t place = places->place != NULL ? places->place[i] : i;

		put_address(
		    out, "Delivered-To", "", env->rcpts[place].addr, "");
	}
}

/* The message to OUT.  0 or -errno: of writing if ferror(OUT), else of
 * reading. */
static int
put_message(FILE *out, const struct qfile *qf, char *buf)
{
	bool held_cr = false;
	uint64_t off = 0;

	while (off < qf->msg_bytes) {
		ssize_t got = qfile_read(qf, buf, COPY_BYTES, off);

		if (got <= 0)
			return got < 0 ? (int)got : -EBADMSG;
		errno = EIO;
		maildir_put_lf(out, buf, (size_t)got, &held_cr);
		if (ferror(out))
			return -errno;
		off += (uint64_t)got;
	}
	if (held_cr)
		putc('\r', out);
	errno = EIO;
	return fflush(out) == 0 && !ferror(out) ? 0 : -errno;
}

/* Write the whole file to FD, which is closed, and make it durable. */
static int
write_file(int fd, const struct maildir *md, const struct qfile *qf,
    const struct places *places, struct maildir_error *err)
{
	FILE *out = fdopen(fd, "w");
	char *buf = malloc(COPY_BYTES);
	int result;

	if (out == NULL || buf == NULL) {
		result = fault(
		    err, -ENOMEM, "cannot write to '%.300s/tmp'", md->path);
		goto out;
	}
	put_trace(out, &qf->env, places);
	result = put_message(out, qf, buf);
	if (result < 0 && !ferror(out)) {
		(void)fault(err, result, "cannot read the queue file");
		err->in_spool = true;
		goto out;
	}
	if (result == 0)
		result = fs_sync(fileno(out));
	if (result < 0)
		(void)fault(
		    err, result, "cannot write to '%.300s/tmp'", md->path);
out:
	free(buf);
	if (out != NULL)
		(void)fclose(out); /* all is written and synced */
	else
		(void)close(fd);
	return result;
}

/* mkdir(2) unless it exists; *MADE is set when it did not.  -errno. */
static int
make_dir(int dir_fd, const char *name, bool *made)
{
	if (mkdirat(dir_fd, name, 0700) == 0) {
		*made = true;
		return 0;
	}
	return errno == EEXIST ? 0 : -errno;
}

/* Make the entry of PATH in its parent durable. */
static int
sync_parent(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *parent;
	int fd, result;

	if (slash == NULL || slash == path)
		parent = strdup(slash == NULL ? "." : "/");
	else
		parent = strndup(path, (size_t)(slash - path));
	if (parent == NULL)
		return -ENOMEM;
	fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	result = fd < 0 ? -errno : fs_sync(fd);
	if (fd >= 0)
		(void)close(fd);
	free(parent);
	return result;
}

static void
close_dirs(struct dirs *d)
{
	int *fd[] = { &d->root, &d->tmp, &d->new };
	size_t i;

	for (i = 0; i < sizeof fd / sizeof fd[0]; i++) {
		if (*fd[i] >= 0)
			(void)close(*fd[i]);
		*fd[i] = -1;
	}
}

static int
open_below(int dir_fd, const char *name, int *ret_fd)
{
	*ret_fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *ret_fd < 0 ? -errno : 0;
}

/* Open the root, made if it is missing. */
static int
open_root(const char *path, int *ret_fd)
{
	bool made = false;
	int result = open_below(AT_FDCWD, path, ret_fd);

	if (result != -ENOENT)
		return result;
	result = make_dir(AT_FDCWD, path, &made);
	if (result == 0 && made)
		result = sync_parent(path);
	return result < 0 ? result : open_below(AT_FDCWD, path, ret_fd);
}

static int
open_dirs(const struct maildir *md, struct dirs *d, struct maildir_error *err)
{
	static const char *const names[] = { "tmp", "new", "cur" };
	bool made = false;
	size_t i;
	int result;

	*d = (struct dirs){ -1, -1, -1 };
	result = open_root(md->path, &d->root);
	for (i = 0; i < 3 && result == 0; i++)
		result = make_dir(d->root, names[i], &made);
	if (result == 0 && made)
		result = fs_sync(d->root);
	if (result == 0)
		result = open_below(d->root, "tmp", &d->tmp);
	if (result == 0)
		result = open_below(d->root, "new", &d->new);
	if (result == 0)
		return 0;
	close_dirs(d);
	return fault(err, result, "cannot open the Maildir '%.300s'", md->path);
}

/* Create a file in tmp/ under a fresh name. */
static int
create_file(struct maildir *md, int tmp_fd, char name[NAME_MAX + 1],
    struct maildir_error *err)
{
	char host[256] = "localhost";
	int tries, fd;

	(void)gethostname(host, sizeof host - 1); /* keeps the default */
	for (tries = 0; tries < NAME_TRIES; tries++) {
		if (!maildir_name(
			name, date_now_us(), (long)getpid(), ++md->seq, host)) {
			errno = ENAMETOOLONG;
			break;
		}
		fd = openat(tmp_fd, name,
		    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd >= 0)
			return fd;
		if (errno != EEXIST)
			break;
	}
	return fault(
	    err, -errno, "cannot create a file in '%.300s/tmp'", md->path);
}

int
maildir_deliver(struct maildir *md, const struct qfile *qf,
    const struct places *places, char ret_name[NAME_MAX + 1],
    struct maildir_error *err)
{
	char name[NAME_MAX + 1];
	struct dirs d;
	int fd, result;

	result = open_dirs(md, &d, err);
	if (result < 0)
		return result;
	fd = create_file(md, d.tmp, name, err);
	if (fd < 0) {
		result = fd;
		goto out;
	}
	result = write_file(fd, md, qf, places, err);
	if (result == 0) {
		result = fs_rename_noreplace(d.tmp, name, d.new, name);
		if (result < 0)
			(void)fault(err, result,
			    "cannot move a file to '%.300s/new'", md->path);
	}
	if (result < 0) {
		(void)unlinkat(d.tmp, name, 0); /* readers sweep tmp/ too */
		goto out;
	}
	result = fs_sync(d.new);
	if (result < 0) {
		/* Taken back: better than a copy with each further attempt. */
		(void)unlinkat(d.new, name, 0);
		(void)fault(err, result, "cannot sync '%.300s/new'", md->path);
		goto out;
	}
	strcpy(ret_name, name);
out:
	close_dirs(&d);
	return result;
}
