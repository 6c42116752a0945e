/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * msmtpq's queue: ID.mail is a message, ID.msmtp the arguments that msmtp is
 * to get, on a line, with nothing quoted.  Who works there has made the
 * directory .lock.
 */

#include "config.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/fsutil.h"
#include "spoolq/import.h"

#define LOCK ".lock"
/* In it, when the lock is ours: an earlier run may have been killed. */
#define NOTE "/spoolq-import"
#define LOCK_NOTE LOCK NOTE
/* The same on its way there and back. */
#define OWN ".lock.import"
#define OWN_NOTE OWN NOTE
#define SUFFIX ".msmtp"
#define SUFFIX_LEN (sizeof(SUFFIX) - 1)

/* Forget a lock that is ours and not in its place. */
static void
remove_own(const struct import *im)
{
	(void)unlinkat(im->dir_fd, OWN_NOTE, 0);
	(void)unlinkat(im->dir_fd, OWN, AT_REMOVEDIR);
}

/* Make .lock, with the note in it from the first moment.  0 or -errno. */
static int
make_lock(const struct import *im)
{
	int fd, err;

	remove_own(im);
	if (mkdirat(im->dir_fd, OWN, 0700) < 0)
		return -errno;
	fd = openat(im->dir_fd, OWN_NOTE, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	err = fd < 0 ? -errno : 0;
	if (fd >= 0)
		(void)close(fd);
	if (err == 0)
		err = fs_rename_noreplace(im->dir_fd, OWN, im->dir_fd, LOCK);
	if (err < 0)
		remove_own(im);
	return err;
}

static int
begin(struct import *im)
{
	int err;

	if (im->is_dry)
		return EX_OK;
	import_be_them(im);
	err = make_lock(im);
	if (err == 0)
		return EX_OK;
	/* What has our note is of a run that was killed. */
	if (err == -EEXIST &&
	    faccessat(im->dir_fd, LOCK_NOTE, F_OK, AT_EACCESS) == 0)
		return EX_OK;
	warnx("cannot lock '%s/%s': %s", im->path, LOCK,
	    err == -EEXIST ? "msmtpq is at work there (or was killed: rmdir "
			     "it then)"
			   : strerror(-err));
	return EX_TEMPFAIL;
}

static void
end(struct import *im)
{
	if (im->is_dry)
		return;
	/* At once, and empty only then: killed in between, it is no lock. */
	(void)renameat(im->dir_fd, LOCK, im->dir_fd, OWN);
	remove_own(im);
}

static bool
is_message(const char *name)
{
	size_t len = strlen(name);

	return len > SUFFIX_LEN && len < IMPORT_NAME_MAX &&
	    strcmp(name + len - SUFFIX_LEN, SUFFIX) == 0;
}

/* "ID.mail" for "ID.msmtp". */
static void
mail_name(const char *name, char ret[IMPORT_NAME_MAX])
{
	(void)snprintf(ret, IMPORT_NAME_MAX, "%.*s.mail",
	    (int)(strlen(name) - SUFFIX_LEN), name);
}

/* ---- arguments ------------------------------------------------------- */

/* What there is to know of msmtp's command line. */
struct arguments {
	bool reads_header; /* -t */
	const char *from;
	char **operands;
	size_t noperands;
};

/* Whether the long option WORD, "--user", has its value behind it. */
static bool
has_value_behind(const char *word)
{
	static const char *const names[] = { "host", "port", "source-ip",
		"proxy-host", "proxy-port", "socket", "timeout", "protocol",
		"domain", "user", "passwordeval", "tls-trust-file",
		"tls-crl-file", "tls-fingerprint", "tls-key-file",
		"tls-cert-file", "tls-priorities", "tls-host-override",
		"tls-min-dh-prime-bits", "from", "file", "account", "aliases",
		"logfile", "logfile-time-format", "dsn-notify", "dsn-return",
		"set-from-header", "set-date-header", "set-msgid-header",
		"remove-bcc-headers", "undisclosed-recipients", "rmqs",
		"auto-from", "maildomain", "allow-from-override" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], word + 2) == 0)
			return true;
	return false;
}

static void
take_long(struct arguments *args, char *words[], size_t *i)
{
	static const char from[] = "--from=";
	char *word = words[*i];

	if (strncmp(word, from, strlen(from)) == 0)
		args->from = word + strlen(from);
	else if (strcmp(word, "--read-recipients") == 0)
		args->reads_header = true;
	else if (strchr(word, '=') == NULL && has_value_behind(word) &&
	    words[*i + 1] != NULL && ++*i > 0 && strcmp(word, "--from") == 0)
		args->from = words[*i];
}

/* "-tf" and the like: letters, of which one may have a value. */
static void
take_letters(struct arguments *args, char *words[], size_t *i)
{
	for (const char *p = words[*i] + 1; *p != '\0'; p++) {
		const char *value = p + 1;

		args->reads_header = args->reads_header || *p == 't';
		/* What follows these is theirs, or nobody's. */
		if (strchr("oiBbmOqLQ", *p) != NULL && p[1] != '\0')
			return;
		if (strchr("aCFfrNRXBLhVA", *p) == NULL)
			continue;
		if (*value == '\0' && words[*i + 1] != NULL)
			value = words[++*i];
		if (*p == 'f' || *p == 'r')
			args->from = value;
		return;
	}
}

static void
take_words(struct arguments *args, char *words[])
{
	bool is_end = false;

	args->operands = words;
	for (size_t i = 0; words[i] != NULL; i++) {
		char *word = words[i];

		if (is_end || word[0] != '-' || word[1] == '\0')
			words[args->noperands++] = word;
		else if (strcmp(word, "--") == 0)
			is_end = true;
		else if (word[1] == '-')
			take_long(args, words, &i);
		else
			take_letters(args, words, &i);
	}
}

/* TEXT as words, which point into it; to be freed. */
static char **
split(char *text)
{
	size_t n = 0, room = strlen(text) / 2 + 2;
	char **words = calloc(room, sizeof(words[0]));
	char *rest = text, *word;

	while (words != NULL && (word = strsep(&rest, " \t\n\r")) != NULL)
		if (*word != '\0')
			words[n++] = word;
	return words;
}

/* ---- messages -------------------------------------------------------- */

static int
set_envelope(struct import *im, struct foreign *f, const struct arguments *args)
{
	size_t len;
	char *head;
	int result;

	f->header_rcpts = args->reads_header;
	for (size_t i = 0; i < args->noperands; i++)
		if (import_add_rcpt(im, f, span_of(args->operands[i])) < 0)
			return -1;
	if (args->noperands == 0 && !args->reads_header)
		return import_fail(im, "its arguments name no recipients");
	if (args->from != NULL)
		return import_set_sender(im, f, span_of(args->from));
	/* An account's "from", which only msmtp knows, is most often this. */
	head = import_head(im, f->fd, 0, &len);
	if (head == NULL)
		return -1;
	result = import_sender_of_header(im, f, (struct span){ head, len });
	free(head);
	return result;
}

static int
read_message(struct import *im, const char *name, struct foreign *f)
{
	struct arguments args = { false, NULL, NULL, 0 };
	char mail[IMPORT_NAME_MAX], *text, **words;
	struct stat st;
	size_t len;
	int fd, result = -1;

	mail_name(name, mail);
	f->fd = import_open(im, mail, &st);
	if (f->fd < 0)
		return -1;
	import_set_origin(im, f, &st);
	fd = import_open(im, name, &st);
	if (fd < 0)
		return -1;
	text = import_head(im, fd, 0, &len);
	(void)close(fd);
	if (text == NULL)
		return -1;
	words = split(text);
	if (words != NULL) {
		take_words(&args, words);
		result = set_envelope(im, f, &args);
	}
	free(words);
	free(text);
	return result;
}

static void
clean(struct import *im, const char *name)
{
	char mail[IMPORT_NAME_MAX];

	mail_name(name, mail);
	(void)unlinkat(im->dir_fd, mail, 0);
}

const struct import_format import_msmtpq = {
	.name = "msmtpq",
	.subdir = ".",
	.begin = begin,
	.end = end,
	.is_message = is_message,
	.read = read_message,
	.clean = clean,
};
