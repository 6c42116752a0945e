/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Spoolgore's directory: every file at its top is a message without an
 * envelope.  Its .spoolgore.js has, for those that it knows, the sender and
 * the recipients, and what became of each of them.
 */

#include "config.h"

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <json.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/fsutil.h"
#include "lib/header.h"
#include "spoolq/import.h"

#define STATUS ".spoolgore.js"
#define STATUS_MAX (256u << 20)
/* Of a recipient: sent, or given up. */
#define STATUS_DONE 2
/* Where there are no leases: written to so long ago, it is complete. */
#define QUIET_US ((int64_t)5 * 1000000)

static const char *const lists[] = { "To", "Cc", "Bcc" };

#define LISTS (sizeof(lists) / sizeof(lists[0]))

/* ---- is it running? -------------------------------------------------- */

/*
 * Whether the process PID has our directory as DIR, which begins where that
 * process is.  Where it is may be hidden: then it may well be ours.
 */
static bool
has_our_dir(const struct import *im, const char *pid, const char *dir)
{
	char path[4200];
	struct stat st;

	if (dir[0] == '/')
		(void)snprintf(path, sizeof(path), "%s", dir);
	else
		(void)snprintf(
		    path, sizeof(path), "/proc/%.20s/cwd/%s", pid, dir);
	if (stat(path, &st) < 0)
		return dir[0] != '/' && (errno == EACCES || errno == EPERM);
	return st.st_dev == im->theirs.st_dev && st.st_ino == im->theirs.st_ino;
}

/* Whether process PID is a Spoolgore that has our directory. */
static bool
is_spoolgore(const struct import *im, const char *pid)
{
	char path[64], *text = NULL;
	const char *last, *name;
	size_t len = 0;
	bool is_it;

	(void)snprintf(path, sizeof(path), "/proc/%.20s/cmdline", pid);
	if (fs_read_file(AT_FDCWD, path, 4096, &text, &len) < 0 || len < 2) {
		free(text);
		return false;
	}
	name = strrchr(text, '/') != NULL ? strrchr(text, '/') + 1 : text;
	last = text + len - 1;
	while (last > text && last[-1] != '\0')
		last--;
	is_it = strcmp(name, "spoolgore") == 0 && has_our_dir(im, pid, last);
	free(text);
	return is_it;
}

static bool
is_running(const struct import *im)
{
	DIR *proc = opendir("/proc");
	struct dirent *at;
	bool is_it = false;

	if (proc == NULL)
		return false;
	while (!is_it && (at = readdir(proc)) != NULL)
		is_it = at->d_name[0] >= '1' && at->d_name[0] <= '9' &&
		    is_spoolgore(im, at->d_name);
	(void)closedir(proc);
	return is_it;
}

/* The entries of STATUS by their files' names: what begins as a path may be
 * spelled otherwise now.  NULL: no memory. */
static struct json_object *
index_of(struct json_object *status)
{
	struct json_object *index = json_object_new_object();

	json_object_object_foreach(status, path, value)
	{
		const char *base = strrchr(path, '/');

		base = base != NULL ? base + 1 : path;
		if (index != NULL &&
		    json_object_object_add(
			index, base, json_object_get(value)) < 0) {
			(void)json_object_put(index);
			index = NULL;
		}
	}
	return index;
}

/* Read STATUS to IM's data.  0, or -errno: -EBADMSG if it is no such thing. */
static int
read_status(struct import *im)
{
	struct json_object *status = NULL;
	char *text = NULL;
	int err = fs_read_file(im->dir_fd, STATUS, STATUS_MAX, &text, NULL);

	if (err < 0)
		return err == -ENOENT ? 0 : err;
	status = json_tokener_parse(text);
	free(text);
	if (status == NULL || !json_object_is_type(status, json_type_object)) {
		(void)json_object_put(status);
		return -EBADMSG;
	}
	im->data = index_of(status);
	(void)json_object_put(status);
	return im->data != NULL ? 0 : -ENOMEM;
}

static int
begin(struct import *im)
{
	bool is_busy;
	int err;

	/* Others hide where their processes are. */
	import_be_root(im);
	is_busy = is_running(im);
	import_be_them(im);
	if (is_busy) {
		warnx("Spoolgore is running there: stop it first");
		return EX_TEMPFAIL;
	}
	err = read_status(im);
	if (err == 0)
		return EX_OK;
	/* Without it, those who have the mail would get it again. */
	warnx("cannot read '%s/%s', which knows what was sent: %s", im->path,
	    STATUS, err == -EBADMSG ? "it is no JSON" : strerror(-err));
	return EX_DATAERR;
}

static void
end(struct import *im)
{
	if (im->data != NULL)
		(void)json_object_put(im->data);
	im->data = NULL;
}

static bool
is_message(const char *name)
{
	return name[0] != '.';
}

/* ---- recipients ------------------------------------------------------ */

/* The recipients of LIST that have not been served. */
static int
add_unserved(struct import *im, struct foreign *f, struct json_object *list)
{
	size_t count = list != NULL ? json_object_array_length(list) : 0;

	for (size_t i = 0; i < count; i++) {
		struct json_object *rcpt, *addr = NULL, *status = NULL;

		rcpt = json_object_array_get_idx(list, i);
		(void)json_object_object_get_ex(rcpt, "Status", &status);
		if (json_object_get_int(status) == STATUS_DONE)
			continue;
		(void)json_object_object_get_ex(rcpt, "Address", &addr);
		if (!json_object_is_type(addr, json_type_string))
			return import_fail(im, "has no address in " STATUS);
		if (import_add_rcpt(
			im, f, span_of(json_object_get_string(addr))) < 0)
			return -1;
	}
	return 0;
}

static int
take_entry(struct import *im, struct foreign *f, struct json_object *entry)
{
	struct json_object *list = NULL;
	int result = 0;

	if (!json_object_is_type(entry, json_type_object))
		return import_fail(im, "is no object in " STATUS);
	for (size_t i = 0; i < LISTS && result == 0; i++) {
		(void)json_object_object_get_ex(entry, lists[i], &list);
		if (list != NULL && !json_object_is_type(list, json_type_array))
			return import_fail(im, "has no list in " STATUS);
		result = add_unserved(im, f, list);
	}
	if (result == 0 && f->env.nrcpts == 0)
		return import_fail(
		    im, "each of its recipients was served, or given up");
	return result;
}

static int
take_header(struct import *im, struct foreign *f, struct span text)
{
	struct header_field field;
	struct submit_error error;

	while (header_next(&text, &field) == 1)
		for (size_t i = 0; i < LISTS; i++)
			if (header_is(&field, lists[i]) &&
			    submit_add_rcpts(
				&f->env, field.body, &im->identity, &error) < 0)
				return import_fail(im, "%s", error.text);
	return f->env.nrcpts > 0
	    ? 0
	    : import_fail(im, "has no recipients in its header");
}

/* ---- messages -------------------------------------------------------- */

/* Whether nobody writes to FD any more. */
static bool
is_complete(const struct import *im, int fd, const struct stat *st)
{
	int64_t t_us = (int64_t)st->st_mtim.tv_sec * 1000000;

	if (fcntl(fd, F_SETLEASE, F_RDLCK) == 0) {
		(void)fcntl(fd, F_SETLEASE, F_UNLCK);
		return true;
	}
	if (errno == EAGAIN)
		return false;
	return t_us + QUIET_US < im->ctx->now_us;
}

static int
read_message(struct import *im, const char *name, struct foreign *f)
{
	struct json_object *entry = NULL;
	bool is_known = im->data != NULL &&
	    json_object_object_get_ex(im->data, name, &entry);
	struct stat st;
	struct span text;
	size_t len;
	char *head;
	int result;

	f->fd = import_open(im, name, &st);
	if (f->fd < 0)
		return -1;
	if (!is_complete(im, f->fd, &st))
		return import_fail(im, "is still being written");
	import_set_origin(im, f, &st);
	head = import_head(im, f->fd, 0, &len);
	if (head == NULL)
		return -1;
	text = (struct span){ head, len };
	result = import_sender_of_header(im, f, text);
	if (result == 0)
		result = is_known ? take_entry(im, f, entry)
				  : take_header(im, f, text);
	free(head);
	return result;
}

const struct import_format import_spoolgore = {
	.name = "spoolgore",
	.subdir = ".",
	.begin = begin,
	.end = end,
	.is_message = is_message,
	.read = read_message,
};
