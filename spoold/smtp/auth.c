/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fsutil.h"
#include "spoold/smtp/auth.h"

unsigned
auth_choose(
    const struct capabilities *caps, bool is_private, const char **reterr_why)
{
	static const unsigned order[] = {
		MECHANISM_CRAM_MD5,
		MECHANISM_PLAIN,
		MECHANISM_LOGIN,
	};
	unsigned usable = caps->mechanisms;

	if (!is_private)
		usable &= ~(unsigned)(MECHANISM_PLAIN | MECHANISM_LOGIN);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (usable & order[i])
			return order[i];
	if (!caps->has_auth)
		*reterr_why = "AUTH is not offered";
	else if (caps->mechanisms == 0)
		*reterr_why = "AUTH: none of CRAM-MD5, PLAIN and LOGIN is "
			      "offered";
	else
		*reterr_why = "AUTH: PLAIN and LOGIN need TLS with a valid "
			      "certificate";
	return 0;
}

/* Why the file must not be used; NULL if it may. */
static const char *
file_fault(const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return "is not a regular file";
	if (st->st_mode & (S_IRWXG | S_IRWXO))
		return "others than its owner have access to it "
		       "(it needs mode 0600)";
	return NULL;
}

static const char *
take_line(char *text, size_t len, char password[CREDENTIAL_MAX + 1])
{
	size_t line = 0;

	while (line < len && text[line] != '\n')
		line++;
	if (line > 0 && text[line - 1] == '\r')
		line--;
	if (line == 0)
		return "is empty";
	if (line > CREDENTIAL_MAX)
		return "has a password longer than 255 bytes";
	if (memchr(text, '\0', line) != NULL)
		return "has a NUL in the password";
	memcpy(password, text, line);
	password[line] = '\0';
	return NULL;
}

int
auth_read_password(
    const char *path, char password[CREDENTIAL_MAX + 1], char *why, size_t size)
{
	char text[CREDENTIAL_MAX + 3];
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
	fault = file_fault(&st);
	if (fault == NULL) {
		len = fs_pread_all(fd, text, sizeof(text), 0);
		fault = len < 0 ? strerror((int)-len)
				: take_line(text, (size_t)len, password);
		explicit_bzero(text, sizeof(text));
	}
	(void)close(fd);
	if (fault == NULL)
		return 0;
	(void)snprintf(why, size, "password_file '%s': %s", path, fault);
	return -1;
}

int
auth_prepare(const struct relay_settings *rs, const struct capabilities *caps,
    bool is_private, struct credentials *ret_creds, unsigned *ret_mechanism,
    char *why, size_t size)
{
	const char *fault;

	*ret_mechanism = 0;
	if (rs->user == NULL)
		return 0;
	*ret_mechanism = auth_choose(caps, is_private, &fault);
	if (*ret_mechanism == 0) {
		(void)snprintf(why, size, "%s", fault);
		return -1;
	}
	if (auth_read_password(
		rs->password_file, ret_creds->password, why, size) < 0)
		return -1;
	(void)snprintf(
	    ret_creds->user, sizeof(ret_creds->user), "%s", rs->user);
	return 0;
}
