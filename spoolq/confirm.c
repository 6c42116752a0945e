/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See confirm.h. */

#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "spoolq/confirm.h"

bool
confirm(const char *fmt, ...)
{
	char *line = NULL;
	size_t size = 0;
	bool is_yes;
	va_list args;

	(void)fflush(stdout);
	va_start(args, fmt);
	(void)vfprintf(stderr, fmt, args);
	va_end(args);
	(void)fputs(" [y/N] ", stderr);
	if (getline(&line, &size, stdin) < 0) {
		/* The end of the input has no line end that would be seen. */
		(void)fputc('\n', stderr);
		free(line);
		return false;
	}
	line[strcspn(line, " \t\r\n")] = '\0';
	is_yes = strcasecmp(line, "y") == 0 || strcasecmp(line, "yes") == 0;
	free(line);
	return is_yes;
}
