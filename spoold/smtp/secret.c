/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/credential.h"
#include "lib/fsutil.h"
#include "spoold/smtp/command.h"
#include "spoold/smtp/conn.h"
#include "spoold/smtp/secret.h"

#define COMMAND_LIMIT_MS 30000
#define PASSWORD_KEPT_MS 60000

/* What the last run of the command brought. */
struct secret {
	pthread_mutex_t lock;
	bool has_run;
	bool is_good; /* TEXT is it; else WHY says why not */
	int64_t ended_ms;
	unsigned version; /* of TEXT, counted up */
	char text[SECRET_MAX + 1];
	char why[400];
};

struct secret *
secret_new(void)
{
	struct secret *secret = calloc(1, sizeof(*secret));

	if (secret != NULL)
		(void)pthread_mutex_init(&secret->lock, NULL);
	return secret;
}

void
secret_free(struct secret *secret)
{
	if (secret == NULL)
		return;
	(void)pthread_mutex_destroy(&secret->lock);
	explicit_bzero(secret, sizeof(*secret));
	free(secret);
}

/* NULL, or a fixed clause; LEN of SECRET_MAX + 2 and more: there was more. */
static const char *
take_line(const char *text, size_t len, char ret[SECRET_MAX + 1])
{
	size_t line = 0;

	while (line < len && text[line] != '\n')
		line++;
	if (line > 0 && text[line - 1] == '\r')
		line--;
	if (line == 0)
		return "is empty";
	if (line > SECRET_MAX)
		return "has a password longer than 8192 bytes";
	for (size_t i = 0; i < line; i++)
		if (text[i] == '\0')
			return "has a NUL in the password";
	memcpy(ret, text, line);
	ret[line] = '\0';
	return NULL;
}

/* ---- the file -------------------------------------------------------- */

/* Why the file must not be used; NULL if it may. */
static const char *
file_fault(const char *path, const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return "is not a regular file";
	if ((st->st_mode & (S_IRWXG | S_IRWXO)) && !credential_is(path))
		return "others than its owner have access to it "
		       "(it needs mode 0600)";
	return NULL;
}

int
secret_read_file(
    const char *path, char ret[SECRET_MAX + 1], char *why, size_t size)
{
	char text[SECRET_MAX + 3];
	const char *fault;
	struct stat st;
	ssize_t len;
	int fd;

	/* Non-blocking, so that a FIFO of that name holds nobody up. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0) {
		(void)snprintf(
		    why, size, "password_file '%s': %s", path, strerror(errno));
		if (fd >= 0)
			(void)close(fd);
		return -1;
	}
	fault = file_fault(path, &st);
	if (fault == NULL) {
		len = fs_pread_all(fd, text, sizeof(text), 0);
		fault = len < 0 ? strerror((int)-len)
				: take_line(text, (size_t)len, ret);
		explicit_bzero(text, sizeof(text));
	}
	(void)close(fd);
	if (fault == NULL)
		return 0;
	(void)snprintf(why, size, "password_file '%s': %s", path, fault);
	return -1;
}

/* ---- the command ----------------------------------------------------- */

/*
 * Whether the last run serves a caller who has come at CAME_MS: one that
 * ended while it waited does, whatever came of it, so that a command that
 * fails slowly is not run once for each session.
 */
static bool
is_usable(const struct secret *secret, bool is_token, int64_t came_ms)
{
	if (!secret->has_run)
		return false;
	if (secret->ended_ms > came_ms)
		return true;
	return secret->is_good &&
	    (is_token || came_ms - secret->ended_ms < PASSWORD_KEPT_MS);
}

/* 0, or -ECANCELED. */
static int
run(struct secret *secret, const char *command, int abort_fd)
{
	char text[SECRET_MAX + 3], fault[300];
	const char *clause;
	size_t len = 0;
	int result =
	    command_run(command, abort_fd, conn_now_ms() + COMMAND_LIMIT_MS,
		text, sizeof(text), &len, fault, sizeof(fault));

	if (result == -ECANCELED)
		return result;
	secret->is_good = false;
	if (result == 0) {
		clause = take_line(text, len, secret->text);
		secret->is_good = clause == NULL;
		(void)snprintf(fault, sizeof(fault), "its output %s",
		    clause != NULL ? clause : "");
	}
	explicit_bzero(text, sizeof(text));
	if (!secret->is_good)
		(void)snprintf(secret->why, sizeof(secret->why),
		    "password_command: %s", fault);
	secret->version += secret->is_good;
	secret->has_run = true;
	secret->ended_ms = conn_now_ms();
	return 0;
}

static bool
is_aborted(int abort_fd)
{
	struct pollfd fd = { .fd = abort_fd, .events = POLLIN };

	return poll(&fd, 1, 0) > 0;
}

static int
get_by_command(const struct relay_settings *rs, int abort_fd,
    struct secret_text *ret, char *why, size_t size)
{
	struct secret *secret = rs->secret;
	bool is_token =
	    rs->auth == AUTH_XOAUTH2 || rs->auth == AUTH_OAUTHBEARER;
	int64_t came_ms = conn_now_ms();
	int result = 0;

	(void)pthread_mutex_lock(&secret->lock);
	ret->is_kept = is_usable(secret, is_token, came_ms);
	if (is_aborted(abort_fd))
		result = -ECANCELED;
	else if (!ret->is_kept)
		result = run(secret, rs->password_command, abort_fd);
	if (result == 0 && secret->is_good) {
		memcpy(ret->text, secret->text, strlen(secret->text) + 1);
		ret->version = secret->version;
	} else if (result == 0) {
		(void)snprintf(why, size, "%s", secret->why);
		result = -1;
	}
	(void)pthread_mutex_unlock(&secret->lock);
	return result;
}

int
secret_get(const struct relay_settings *rs, int abort_fd,
    struct secret_text *ret, char *why, size_t size)
{
	ret->text[0] = '\0';
	ret->version = 0;
	ret->is_kept = false;
	if (rs->password != NULL) {
		/* settings_set() has seen to its length. */
		(void)strcpy(ret->text, rs->password);
		return 0;
	}
	if (rs->password_command != NULL)
		return get_by_command(rs, abort_fd, ret, why, size);
	return secret_read_file(rs->password_file, ret->text, why, size);
}

void
secret_refused(struct secret *secret, unsigned version)
{
	(void)pthread_mutex_lock(&secret->lock);
	if (secret->has_run && secret->version == version) {
		explicit_bzero(secret->text, sizeof(secret->text));
		secret->has_run = false;
	}
	(void)pthread_mutex_unlock(&secret->lock);
}
