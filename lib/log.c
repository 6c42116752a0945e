/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The only state of lib/ that outlives a call: where messages go. */

#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fsutil.h"
#include "lib/log.h"
#include "lib/text.h"

/* Longest message; a longer one is cut. */
#define LOG_TEXT_MAX 4096

static struct {
	const char *ident;
	int level;
	bool to_syslog;
	bool to_journal;
} log_state = { .ident = "spoold", .level = LOG_INFO };

/*
 * Whether standard error is systemd's: $JOURNAL_STREAM alone is inherited by
 * shells that have a terminal of their own, so it names device and inode.
 */
static bool
stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;
	char end;

	if (stream == NULL || fstat(STDERR_FILENO, &st) < 0)
		return false;
	if (sscanf(stream, "%20llu:%20llu%c", &dev, &ino, &end) != 2)
		return false;
	return dev == st.st_dev && ino == st.st_ino;
}

void
log_init(const char *ident)
{
	log_state.ident = ident;
	log_state.level = LOG_INFO;
	log_state.to_syslog = false;
	log_state.to_journal = stderr_is_journal();
}

void
log_to_syslog(void)
{
	openlog(log_state.ident, LOG_PID, LOG_MAIL);
	log_state.to_syslog = true;
}

void
log_set_level(int priority)
{
	log_state.level = priority;
}

bool
log_wants(int priority)
{
	return (priority & 7) <= log_state.level;
}

/* One write(2), so that lines of several processes do not mix. */
static void
put_stderr(int priority, const char *text)
{
	char line[LOG_TEXT_MAX + 128];
	char number[8] = "";
	int len;

	if (log_state.to_journal)
		snprintf(number, sizeof(number), "<%d>", priority & 7);
	len = snprintf(line, sizeof(line) - 1, "%s%.64s: %s", number,
	    log_state.ident, text);
	if (len < 0)
		return;
	if ((size_t)len > sizeof(line) - 2)
		len = (int)sizeof(line) - 2;
	line[len] = '\n';
	/* Nobody is left to tell. */
	(void)fs_write_all(STDERR_FILENO, line, (size_t)len + 1);
}

/* What text_clean() does, as far as it goes without memory. */
static void
replace_controls(char *text)
{
	for (char *at = text; *at != '\0'; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = '?';
}

void
log_msg(int priority, const char *fmt, ...)
{
	int saved_errno = errno;
	char text[LOG_TEXT_MAX];
	char *clean;
	va_list args;

	if (!log_wants(priority))
		return;
	va_start(args, fmt);
	if (vsnprintf(text, sizeof(text), fmt, args) < 0)
		text[0] = '\0';
	va_end(args);
	clean = text_clean(span_of(text), sizeof(text) - 1);
	if (clean == NULL)
		replace_controls(text);
	if (log_state.to_syslog)
		syslog(priority, "%s", clean != NULL ? clean : text);
	else
		put_stderr(priority, clean != NULL ? clean : text);
	free(clean);
	errno = saved_errno;
}
