/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/credential.h"

/* Whether one of the names in PATH is "..". */
static bool
goes_up(const char *path)
{
	for (;;) {
		size_t len = strcspn(path, "/");

		if (len == 2 && memcmp(path, "..", 2) == 0)
			return true;
		if (path[len] == '\0')
			return false;
		path += len + 1;
	}
}

bool
credential_is(const char *path)
{
	const char *dir = secure_getenv("CREDENTIALS_DIRECTORY");
	size_t len = dir != NULL ? strlen(dir) : 0;

	while (len > 1 && dir[len - 1] == '/')
		len--;
	return len > 1 && dir[0] == '/' && strncmp(path, dir, len) == 0 &&
	    path[len] == '/' && path[len + 1] != '\0' && !goes_up(path + len);
}
