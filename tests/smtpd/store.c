/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* What the server leaves on disk: messages, transcript, figures. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/smtpd/smtpd.h"

/* Write BYTES so that they stay on their line. */
static void
put_clean(FILE *out, const void *bytes, size_t len)
{
	const unsigned char *at = bytes;

	for (; len > 0; at++, len--) {
		if (*at >= ' ' && *at < 0x7f && *at != '\\')
			(void)putc(*at, out);
		else
			(void)fprintf(out, "\\x%02x", *at);
	}
}

static void
put_time(FILE *out)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)fprintf(
	    out, "%lld.%06ld", (long long)now.tv_sec, now.tv_nsec / 1000);
}

void
log_bytes(const struct conn *c, const char *mark, const void *bytes, size_t len)
{
	FILE *log = c->server->log;

	if (log == NULL)
		return;
	flockfile(log);
	put_time(log);
	(void)fprintf(log, " #%lu %s ", c->number, mark);
	put_clean(log, bytes, len);
	(void)putc('\n', log);
	(void)fflush(log);
	funlockfile(log);
}

void
log_text(const struct conn *c, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	log_bytes(c, "--", text, strlen(text));
}

void
times_add(const struct conn *c)
{
	FILE *times = c->server->times;
	struct timespec now;

	if (times == NULL)
		return;
	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	flockfile(times);
	(void)fprintf(times, "%lld %lu %u <%s>\n",
	    (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000, c->number,
	    c->groups, c->msg.sender);
	(void)fflush(times);
	funlockfile(times);
}

void
message_begin(struct conn *c, const char *address, const char *params)
{
	struct message *m = &c->msg;

	message_reset(c);
	memset(c->seen_in_message, 0, sizeof(c->seen_in_message));
	m->sender = strdup(address);
	m->env = open_memstream(&m->env_text, &m->env_len);
	m->open = m->sender != NULL && m->env != NULL;
	if (!m->open)
		return;
	(void)fprintf(m->env, "conn %lu\npeer %s\nhelo ", c->number, c->peer);
	put_clean(m->env, c->helo, strlen(c->helo));
	(void)fprintf(m->env, "\ntls %s\nsni %s\nauth ",
	    c->ssl != NULL ? SSL_get_version(c->ssl) : "none", c->sni);
	put_clean(m->env, c->auth, strlen(c->auth));
	(void)fprintf(m->env, "\nmail <%s> %s\n", address, params);
}

void
message_add_rcpt(struct conn *c, const char *address, const char *params)
{
	c->msg.nrcpts++;
	(void)fprintf(c->msg.env, "rcpt <%s> %s\n", address, params);
}

bool
message_open_data(struct conn *c)
{
	struct message *m = &c->msg;
	int fd;

	if (c->server->out_fd < 0)
		return true;
	(void)snprintf(
	    m->data_name, sizeof(m->data_name), ".conn%lu", c->number);
	fd = openat(c->server->out_fd, m->data_name,
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	m->data = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (m->data == NULL && fd >= 0)
		(void)close(fd);
	return m->data != NULL;
}

/* The number of the next message, counted for C. */
static unsigned long
count_message(struct conn *c)
{
	struct server *s = c->server;
	unsigned long number;

	(void)pthread_mutex_lock(&s->lock);
	number = ++s->messages;
	if (c->number <= s->per_connection_room)
		s->per_connection[c->number - 1]++;
	s->dirty = true;
	(void)pthread_mutex_unlock(&s->lock);
	return number;
}

/* Write the envelope to NAME; it must be there before the message is. */
static bool
write_envelope(struct conn *c, const char *name)
{
	struct message *m = &c->msg;
	bool done = false;
	FILE *out;
	int fd;

	(void)fprintf(m->env,
	    "bytes %lu\nbare_lf %lu\nbare_cr %lu\nnul %lu\n"
	    "groups %u\ntime ",
	    m->bytes, m->bare_lf, m->bare_cr, m->nuls, c->groups);
	put_time(m->env);
	(void)putc('\n', m->env);
	if (fflush(m->env) != 0)
		return false;
	fd = openat(c->server->out_fd, name,
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	out = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (out == NULL)
		return false;
	done = fwrite(m->env_text, 1, m->env_len, out) == m->env_len;
	return fclose(out) == 0 && done;
}

bool
message_store(struct conn *c)
{
	struct message *m = &c->msg;
	char env_name[48], eml_name[48];
	unsigned long number;
	int err;

	if (!m->open || m->stored)
		return true;
	m->stored = true;
	number = count_message(c);
	c->messages++;
	times_add(c);
	log_text(c, "stored %06lu groups=%u", number, c->groups);
	if (m->data == NULL)
		return true;
	(void)snprintf(env_name, sizeof(env_name), "%06lu.env", number);
	(void)snprintf(eml_name, sizeof(eml_name), "%06lu.eml", number);
	err = fclose(m->data);
	m->data = NULL;
	return err == 0 && write_envelope(c, env_name) &&
	    renameat(c->server->out_fd, m->data_name, c->server->out_fd,
		eml_name) == 0;
}

void
message_reset(struct conn *c)
{
	struct message *m = &c->msg;

	if (m->env != NULL)
		(void)fclose(m->env);
	free(m->env_text);
	free(m->sender);
	if (m->data != NULL) {
		(void)fclose(m->data);
		(void)unlinkat(c->server->out_fd, m->data_name, 0);
	}
	*m = (struct message){ 0 };
	c->cut = CUT_NONE;
}

static void
put_stats(const struct server *s, FILE *out)
{
	unsigned long i, current = 0;
	const struct conn *c;

	for (c = s->conns; c != NULL; c = c->next)
		current++;
	(void)fprintf(out,
	    "{\"connections\":%lu,\"current\":%lu,"
	    "\"max_concurrent\":%lu,\"messages\":%lu,\n\"commands\":{",
	    s->connections, current, s->max_concurrent, s->messages);
	for (i = 0; i < STAGES; i++)
		(void)fprintf(out, "%s\"%s\":%lu", i > 0 ? "," : "",
		    stage_name((enum stage)i), s->seen[i]);
	(void)fputs("},\n\"per_connection\":[", out);
	for (i = 0; i < s->connections && i < s->per_connection_room; i++)
		(void)fprintf(
		    out, "%s%lu", i > 0 ? "," : "", s->per_connection[i]);
	(void)fputs("]}\n", out);
}

void
stats_write(struct server *s)
{
	char *text = NULL;
	size_t len = 0;
	FILE *mem, *out;
	int fd;

	(void)pthread_mutex_lock(&s->lock);
	mem = s->dirty && s->out_fd >= 0 ? open_memstream(&text, &len) : NULL;
	if (mem != NULL)
		put_stats(s, mem);
	s->dirty = false;
	(void)pthread_mutex_unlock(&s->lock);
	if (mem == NULL || fclose(mem) != 0)
		return;
	fd = openat(s->out_fd, ".stats",
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	out = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (out != NULL) {
		(void)fwrite(text, 1, len, out);
		if (fclose(out) == 0)
			(void)renameat(s->out_fd, ".stats", s->out_fd, "stats");
	}
	free(text);
}
