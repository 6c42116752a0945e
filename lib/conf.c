/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* A configuration from a command line and from a file. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/conf-value.h"
#include "lib/conf.h"
#include "lib/fsutil.h"

/* Longest configuration file. */
#define CONFIG_FILE_MAX (1u << 20)

int
config_set(struct config *cfg, const char *key, const char *value,
    struct config_error *err)
{
	const struct config_key *found = config_find_key(SECTION_TOP, key);
	char *cwd;
	int result;

	if (found == NULL) {
		config_put_unknown(err, SECTION_TOP, key);
		return -EINVAL;
	}
	if (found->flags & KEY_LIST && config_has_control(value)) {
		config_put_error(err, "%s '%.200s' has control characters",
		    found->name, value);
		return -EINVAL;
	}
	cwd = getcwd(NULL, 0);
	result =
	    config_set_value(SECTION_TOP, found, cfg, value, value, cwd, err);
	free(cwd);
	if (result < 0)
		return result;
	config_note_line(SECTION_TOP, found, cfg, CONFIG_LINE_ARGS);
	result = config_arrange(cfg);
	if (result < 0)
		config_put_error(err, "%s", strerror(-result));
	return result;
}

int
config_set_secret(
    struct config *cfg, const char *password, struct config_error *err)
{
	char **place = &cfg->stock[0].password;
	size_t len = strlen(password);
	char *copy;

	if (len == 0 || len > CONFIG_SECRET_MAX ||
	    config_has_control(password)) {
		config_put_error(err,
		    "the password must have 1 to %d characters, none of them "
		    "a control character",
		    CONFIG_SECRET_MAX);
		return -EINVAL;
	}
	copy = strdup(password);
	if (copy == NULL) {
		config_put_error(err, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	config_wipe(place);
	*place = copy;
	return 0;
}

/* ---- the file -------------------------------------------------------- */

/* What must not be read as a configuration, NULL if ST may. */
static const char *
file_fault(const struct stat *st)
{
	struct stat null;

	if (S_ISFIFO(st->st_mode))
		return NULL;
	if (S_ISCHR(st->st_mode) && stat("/dev/null", &null) == 0 &&
	    null.st_rdev == st->st_rdev)
		return NULL;
	if (!S_ISREG(st->st_mode))
		return "is not a regular file";
	if (st->st_mode & S_IWOTH)
		return "is writable by everybody";
	/* It names commands.  A user's own group has no others in it. */
	if (st->st_mode & S_IWGRP && st->st_gid != 0 &&
	    st->st_gid != st->st_uid)
		return "is writable by its group";
	return NULL;
}

/* Read FD to its end; -EFBIG beyond CONFIG_FILE_MAX. */
static int
read_all(int fd, char *buf, size_t *ret_len)
{
	size_t len = 0;
	ssize_t n;

	for (;;) {
		n = read(fd, buf + len, CONFIG_FILE_MAX + 1 - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
		if (len > CONFIG_FILE_MAX)
			return -EFBIG;
	}
	*ret_len = len;
	return 0;
}

static int
read_fd(int fd, const char *path, struct config *cfg, struct config_error *err)
{
	const char *fault;
	struct stat st;
	size_t len = 0;
	char *buf;
	int result;

	if (fstat(fd, &st) < 0)
		return -errno;
	fault = file_fault(&st);
	if (fault != NULL) {
		config_put_error(err, "%.200s %s", path, fault);
		return -EINVAL;
	}
	buf = malloc(CONFIG_FILE_MAX + 1);
	if (buf == NULL)
		return -ENOMEM;
	result = read_all(fd, buf, &len);
	if (result == 0 && memchr(buf, '\0', len) != NULL) {
		config_put_error(err, "%.200s is not a text file", path);
		result = -EINVAL;
	} else if (result == 0 && len > 0) {
		buf[len] = '\0';
		result = config_parse(buf, len, path, cfg, err);
	} else if (result == -EFBIG) {
		config_put_error(err,
		    "%.200s is longer than %u bytes, the limit", path,
		    CONFIG_FILE_MAX);
	}
	free(buf);
	return result;
}

int
config_read(struct config *cfg, const char *path, struct config_error *err)
{
	struct config_error what = { "" };
	char *copy = strdup(path);
	int fd, result = -ENOMEM;

	if (copy == NULL)
		goto out;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	result = fd < 0 ? -errno : read_fd(fd, path, cfg, &what);
	if (fd >= 0)
		close(fd);
out:
	if (result < 0) {
		free(copy);
		if (what.text[0] == '\0')
			config_put_error(
			    &what, "%.200s: %s", path, strerror(-result));
		*err = what;
		return result;
	}
	free(cfg->path);
	cfg->path = copy;
	return 0;
}
