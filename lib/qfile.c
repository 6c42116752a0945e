/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Reading queue files.  What lies in the directories may be torn, planted or
 * of another version: everything is checked before it is believed.
 */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/crc32.h"
#include "lib/fsutil.h"
#include "lib/spool.h"
#include "lib/wire.h"

#define VERIFY_BUFFER_BYTES (64u << 10)
/* Read at once: first line, envelope, and most messages altogether. */
#define HEAD_BYTES ((size_t)4096)

static int
refuse(const char **reterr_why, const char *why)
{
	*reterr_why = why;
	return -EBADMSG;
}

/*
 * As openat(2).  That we read it is nothing to be noted in a file: it would be
 * written to the disk.  For most files of most spools only root may say so.
 */
static int
open_quietly(int dir_fd, const char *name, int flags)
{
	int fd = -1;

	errno = EPERM;
	if (geteuid() == 0)
		fd = openat(dir_fd, name, flags | O_NOATIME);
	return fd < 0 && errno == EPERM ? openat(dir_fd, name, flags) : fd;
}

/* Open a regular file, and nothing else. */
static int
open_file(const struct spool *sp, enum spool_state state, const char *id,
    struct stat *st, const char **reterr_why)
{
	int fd, err = 0;

	/* O_NONBLOCK: opening a planted FIFO must not wait for a writer. */
	fd = open_quietly(sp->state_fd[state], id,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	/* ENXIO: a socket. */
	if (fd < 0 && (errno == ELOOP || errno == ENXIO))
		return refuse(reterr_why, "is not a regular file");
	if (fd < 0)
		return -errno;
	if (fstat(fd, st) < 0)
		err = -errno;
	else if (!S_ISREG(st->st_mode))
		err = refuse(reterr_why, "is not a regular file");
	else if (st->st_nlink == 0)
		err = -ENOENT;
	if (err == 0)
		return fd;
	close(fd);
	return err;
}

/* Take DIGITS digits and the byte AFTER off REST. */
static bool
take_number(
    struct span *rest, size_t digits, char after, unsigned long long *ret)
{
	struct span number = { rest->ptr, digits };

	if (rest->len <= digits || rest->ptr[digits] != after)
		return false;
	if (!wire_number(number, SPOOL_MESSAGE_MAX, ret))
		return false;
	rest->ptr += digits + 1;
	rest->len -= digits + 1;
	return true;
}

static bool
take_crc(struct span rest, uint32_t *ret)
{
	static const char digits[] = "0123456789abcdef";
	const char *at;
	uint32_t crc = 0;

	if (rest.len != 9 || rest.ptr[8] != '\n')
		return false;
	for (int i = 0; i < 8; i++) {
		at = memchr(digits, rest.ptr[i], 16);
		if (at == NULL)
			return false;
		crc = crc << 4 | (uint32_t)(at - digits);
	}
	*ret = crc;
	return true;
}

/* Read the first bytes of a file of SIZE.  0 or -errno. */
static int
read_head(struct qfile *qf, off_t size)
{
	/* No more, so that one read(2) does without another for the end. */
	size_t len = size < (off_t)HEAD_BYTES ? (size_t)size : HEAD_BYTES;
	ssize_t n;

	qf->head = malloc(len + 1);
	if (qf->head == NULL)
		return -ENOMEM;
	n = fs_pread_all(qf->fd, qf->head, len, 0);
	if (n < 0)
		return (int)n;
	qf->head_bytes = (size_t)n;
	return 0;
}

/* fs_pread_all() of what is not in the head. */
static ssize_t
read_at(const struct qfile *qf, void *buf, size_t len, uint64_t off)
{
	if (off > qf->head_bytes || len > qf->head_bytes - off)
		return fs_pread_all(qf->fd, buf, len, (off_t)off);
	memcpy(buf, qf->head + off, len);
	return (ssize_t)len;
}

/* Parse and check the first line of a file of SIZE bytes. */
static int
read_first_line(struct qfile *qf, off_t size, const char **reterr_why)
{
	static const char magic[] = "spoold/1 ";
	const char *line = qf->head;
	struct span rest = { line, SPOOL_LINE_BYTES };
	unsigned long long env_bytes, msg_bytes;

	if (qf->head_bytes < SPOOL_LINE_BYTES)
		return refuse(reterr_why, "is too short");
	if (memcmp(line, magic, strlen("spoold/")) != 0)
		return refuse(reterr_why, "is not a queue file");
	if (memcmp(line, magic, strlen(magic)) != 0)
		return refuse(reterr_why, "has an unknown version");
	rest.ptr += strlen(magic);
	rest.len -= strlen(magic);
	if (!take_number(&rest, 8, ' ', &env_bytes) ||
	    !take_number(&rest, 12, ' ', &msg_bytes) ||
	    !take_crc(rest, &qf->crc))
		return refuse(reterr_why, "has a bad first line");
	if (env_bytes == 0 || env_bytes > ENVELOPE_BYTES_MAX)
		return refuse(reterr_why, "has a bad envelope length");
	if ((uint64_t)size != SPOOL_LINE_BYTES + env_bytes + msg_bytes)
		return refuse(reterr_why, "is not as long as it should be");
	qf->env_bytes = SPOOL_LINE_BYTES + env_bytes;
	qf->msg_bytes = msg_bytes;
	return 0;
}

static int
read_envelope(struct qfile *qf, const char **reterr_why)
{
	size_t len = (size_t)qf->env_bytes - SPOOL_LINE_BYTES;
	char *text = malloc(len);
	ssize_t n;
	int err;

	if (text == NULL)
		return -ENOMEM;
	n = read_at(qf, text, len, SPOOL_LINE_BYTES);
	if (n < 0)
		err = (int)n;
	else if ((size_t)n < len || text[len - 1] != '\n')
		err = refuse(reterr_why, "has a torn envelope");
	else
		err = envelope_read(
		    (struct span){ text, len - 1 }, &qf->env, reterr_why);
	free(text);
	return err == -EINVAL ? -EBADMSG : err;
}

/* Who submitted QF, a file of SP. */
static uid_t
submitter_of(const struct qfile *qf, const struct spool *sp)
{
	struct stat st;

	if (qf->owner == 0 ||
	    (fstat(sp->dir_fd, &st) == 0 && st.st_uid == qf->owner))
		return qf->env.uid;
	return qf->owner;
}

int
qfile_open(struct qfile *qf, const struct spool *sp, enum spool_state state,
    const char *id, const char **reterr_why)
{
	struct qfile file = { 0 };
	struct stat st;
	int err;

	if (!spool_is_id(id))
		return refuse(reterr_why, "is not named as a message");
	file.fd = open_file(sp, state, id, &st, reterr_why);
	if (file.fd < 0)
		return file.fd;
	file.owner = st.st_uid;
	err = read_head(&file, st.st_size);
	if (err == 0)
		err = read_first_line(&file, st.st_size, reterr_why);
	if (err == 0)
		err = read_envelope(&file, reterr_why);
	if (err < 0) {
		free(file.head);
		close(file.fd);
		return err;
	}
	file.uid = submitter_of(&file, sp);
	*qf = file;
	return 0;
}

/* Go on with CRC over the LEN bytes at OFF.  0 or -errno. */
static int
read_crc(const struct qfile *qf, uint64_t off, uint64_t len, uint32_t *crc)
{
	char *buf = malloc(VERIFY_BUFFER_BYTES);
	ssize_t n = 0;

	if (buf == NULL)
		return -ENOMEM;
	while (len > 0) {
		n = fs_pread_all(qf->fd, buf,
		    len < VERIFY_BUFFER_BYTES ? (size_t)len
					      : VERIFY_BUFFER_BYTES,
		    (off_t)off);
		if (n <= 0)
			break;
		*crc = crc32_add(*crc, buf, (size_t)n);
		off += (uint64_t)n;
		len -= (uint64_t)n;
	}
	free(buf);
	if (n < 0)
		return (int)n;
	return len == 0 ? 0 : -EBADMSG;
}

int
qfile_verify(const struct qfile *qf)
{
	uint64_t end = qf->env_bytes + qf->msg_bytes;
	uint64_t known = qf->head_bytes < end ? qf->head_bytes : end;
	uint32_t crc = crc32_add(
	    0, qf->head + SPOOL_LINE_BYTES, (size_t)known - SPOOL_LINE_BYTES);
	int err = 0;

	if (known < end)
		err = read_crc(qf, known, end - known, &crc);
	if (err < 0)
		return err;
	return crc == qf->crc ? 0 : -EBADMSG;
}

ssize_t
qfile_read(const struct qfile *qf, void *buf, size_t len, uint64_t off)
{
	if (off >= qf->msg_bytes)
		return 0;
	if (len > qf->msg_bytes - off)
		len = (size_t)(qf->msg_bytes - off);
	return read_at(qf, buf, len, qf->env_bytes + off);
}

void
qfile_close(struct qfile *qf)
{
	/* An open one has a first line, so this is never 0. */
	if (qf->env_bytes == 0)
		return;
	(void)close(qf->fd);
	free(qf->head);
	envelope_release(&qf->env);
	*qf = (struct qfile){ .fd = -1 };
}
