/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/fsutil.h"
#include "lib/wire.h"
#include "spoold/smtp/say.h"

void
say(struct say *say, ...)
{
	const char *field, *separator = "";
	char *line = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&line, &len);
	va_list args;

	if (out == NULL)
		_exit(EX_OSERR);
	va_start(args, say);
	while ((field = va_arg(args, const char *)) != NULL) {
		(void)fputs(separator, out);
		wire_puts(out, field);
		separator = " ";
	}
	va_end(args);
	(void)fputc('\n', out);
	if (ferror(out) || fclose(out) != 0)
		_exit(EX_OSERR);
	(void)pthread_mutex_lock(&say->lock);
	if (fs_write_all(say->fd, line, len) < 0)
		_exit(EX_IOERR);
	(void)pthread_mutex_unlock(&say->lock);
	free(line);
}
