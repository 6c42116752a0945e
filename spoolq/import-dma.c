/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * dma's spool: a file "Q", an id, a dot and more for each recipient:
 *
 *	ID: 3e8.5595
 *	Sender: ann@example.org
 *	Recipient: bob@example.net
 *
 * The message is in "M" and that ID, which is a file's of its own or, in old
 * versions, one of all recipients.  Who delivers has Q locked.
 */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "spoolq/import.h"

static bool
is_message(const char *name)
{
	return name[0] == 'Q' && strchr(name, '.') != NULL;
}

/* The value behind "KEY: " at the beginning of a line of TEXT. */
static bool
find_value(struct span text, const char *key, struct span *ret)
{
	size_t key_len = strlen(key);

	while (text.len > 0) {
		const char *lf = memchr(text.ptr, '\n', text.len);
		size_t len = lf != NULL ? (size_t)(lf - text.ptr) : text.len;

		if (len > key_len + 1 && memcmp(text.ptr, key, key_len) == 0 &&
		    text.ptr[key_len] == ':') {
			ret->ptr = text.ptr + key_len + 1;
			ret->len = len - key_len - 1;
			while (ret->len > 0 && *ret->ptr == ' ') {
				ret->ptr++;
				ret->len--;
			}
			return true;
		}
		text.ptr += len + (lf != NULL);
		text.len -= len + (lf != NULL);
	}
	return false;
}

/* "M" and the ID in TEXT. */
static int
message_name(struct import *im, struct span text, char ret[IMPORT_NAME_MAX])
{
	struct span id;

	if (!find_value(text, "ID", &id) || id.len == 0 ||
	    id.len > IMPORT_NAME_MAX - 2 || memchr(id.ptr, '/', id.len) != NULL)
		return import_fail(im, "has no ID");
	(void)snprintf(ret, IMPORT_NAME_MAX, "M%.*s", (int)id.len, id.ptr);
	return 0;
}

static int
read_envelope(struct import *im, struct foreign *f, struct span text)
{
	struct span sender = { "", 0 }, rcpt;
	char name[IMPORT_NAME_MAX];
	struct stat st;

	if (message_name(im, text, name) < 0)
		return -1;
	if (!find_value(text, "Recipient", &rcpt))
		return import_fail(im, "has no recipient");
	/* An empty one is the null sender. */
	(void)find_value(text, "Sender", &sender);
	if (import_set_sender(im, f, sender) < 0 ||
	    import_add_rcpt(im, f, rcpt) < 0)
		return -1;
	f->fd = import_open(im, name, &st);
	if (f->fd < 0)
		return -1;
	import_set_origin(im, f, &st);
	return 0;
}

static int
read_message(struct import *im, const char *name, struct foreign *f)
{
	struct stat st;
	size_t len;
	char *head;
	int result;

	f->lock_fd = import_open(im, name, &st);
	if (f->lock_fd < 0)
		return -1;
	if (flock(f->lock_fd, LOCK_EX | LOCK_NB) < 0)
		return import_fail(im,
		    errno == EWOULDBLOCK ? "dma is just sending it"
					 : "cannot lock it");
	head = import_head(im, f->lock_fd, 0, &len);
	if (head == NULL)
		return -1;
	result = read_envelope(im, f, (struct span){ head, len });
	free(head);
	return result;
}

/* Whether NAME is of a recipient of the message with the id ARG. */
static bool
is_of(const char *name, const void *arg)
{
	const struct span *id = arg;

	return name[0] == 'Q' && strncmp(name + 1, id->ptr, id->len) == 0 &&
	    name[1 + id->len] == '.';
}

/* Whether one of the message with ID is left, or may be. */
static bool
has_more(const struct import *im, struct span id)
{
	char **names;
	size_t count;
	int err = import_names(im->dir_fd, is_of, &id, &names, &count);

	import_free_names(names, count);
	return err < 0 || count > 0;
}

static void
clean(struct import *im, const char *name)
{
	const char *id = name + 1, *dot = strrchr(id, '.');
	char message[IMPORT_NAME_MAX + 1];

	/* Each recipient has a link of its own … */
	(void)snprintf(message, sizeof(message), "M%s", id);
	(void)unlinkat(im->dir_fd, message, 0);
	if (dot == NULL)
		return;
	/* … or all have one: only then the directory is read for each. */
	(void)snprintf(message, sizeof(message), "M%.*s", (int)(dot - id), id);
	if (faccessat(im->dir_fd, message, F_OK, AT_EACCESS) == 0 &&
	    !has_more(im, (struct span){ id, (size_t)(dot - id) }))
		(void)unlinkat(im->dir_fd, message, 0);
}

const struct import_format import_dma = {
	.name = "dma",
	.subdir = "queue",
	.is_message = is_message,
	.read = read_message,
	.clean = clean,
};
