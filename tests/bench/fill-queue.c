/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * fill-queue SPOOL MESSAGES SENDERS REPLIES
 *
 * Fills queue/ of the empty SPOOL as a day with a relay that takes nothing
 * would: MESSAGES to one recipient each, each deferred once and due again in
 * ten to twenty-five minutes, with a .status.json that says so.  They are of so many
 * SENDERS, and of so many different REPLIES (0: each has its own).  Nothing is
 * synced.
 *
 *	cc -O2 -IBUILDDIR -I../.. -o fill-queue fill-queue.c ../../lib/crc32.c
 */

#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/crc32.h"

#define SECOND_US INT64_C(1000000)
#define DAY_US (86400 * SECOND_US)
/* 2020-01-01, from which ids count milliseconds. */
#define EPOCH_US (INT64_C(1577836800) * SECOND_US)

static const char message[] = "Subject: bench\r\n\r\nbench\r\n";

struct filler {
	int queue_fd;
	FILE *status;
	int64_t now_us;
	long nmessages, nsenders, nreplies;
};

static void
write_file(const struct filler *f, const char *id, const char *text, size_t len)
{
	int fd = openat(f->queue_fd, id, O_WRONLY | O_CREAT | O_EXCL, 0640);

	if (fd < 0 || write(fd, text, len) != (ssize_t)len || close(fd) < 0)
		err(1, "cannot write '%s'", id);
}

static void
put_file(const struct filler *f, const char *id, int64_t arrival_us,
    const char *sender, const char *rcpt)
{
	char text[600];
	const int head = 40;
	int len, env;

	env = snprintf(text + head, sizeof(text) - head,
	    "arrival %lld\nuid %u\nsender %s\nrcpt %s\n\n",
	    (long long)arrival_us, (unsigned)geteuid(), sender, rcpt);
	len = env + snprintf(text + head + env, sizeof(text) - head - env, "%s",
	    message);
	/* Its NUL goes where the envelope begins. */
	char first = text[head];
	(void)snprintf(text, head + 1, "spoold/1 %08d %012d %08lx\n", env,
	    len - env, (unsigned long)crc32_add(0, text + head, (size_t)len));
	text[head] = first;
	write_file(f, id, text, (size_t)(head + len));
}

/* KEY and a time, as the status has them. */
static void
put_time(FILE *out, const char *key, int64_t us)
{
	(void)fprintf(out, ",\"%s\":%lld.%06lld", key,
	    (long long)(us / SECOND_US), (long long)(us % SECOND_US));
}

static void
put_status(const struct filler *f, const char *id, long n, int64_t arrival_us,
    const char *sender, const char *rcpt)
{
	int64_t tried_us = f->now_us - 60 * SECOND_US;
	int64_t next_us = f->now_us +
	    (600 + n * INT64_C(7919) % 900) * SECOND_US + n % 1000000;
	FILE *out = f->status;

	(void)fprintf(out, "{\"id\":\"%s\",\"state\":\"queue\"", id);
	put_time(out, "arrival", arrival_us);
	(void)fprintf(out, ",\"size\":%zu,\"uid\":%u,\"sender\":\"%s\"",
	    sizeof(message) - 1, (unsigned)geteuid(), sender);
	put_time(out, "seen", arrival_us);
	put_time(out, "attempt", tried_us);
	(void)fputs(",\"relay\":\"default\",\"waits\":\"backoff\"", out);
	put_time(out, "until", next_us);
	(void)fprintf(out,
	    ",\"rcpts\":[{\"rcpt\":\"%s\",\"state\":\"pending\","
	    "\"attempts\":1,\"tries\":1",
	    rcpt);
	put_time(out, "next", next_us);
	put_time(out, "last", tried_us);
	(void)fprintf(out,
	    ",\"reply\":\"450 4.2.0 %08ld: the mailbox is busy, please come "
	    "again\",\"relay\":\"default\"}]}%s\n",
	    f->nreplies == 0 ? n : n % f->nreplies,
	    n + 1 < f->nmessages ? "," : "");
}

static void
put_message(const struct filler *f, long n)
{
	int64_t arrival_us = f->now_us - DAY_US + n * 1000;
	char id[16], sender[40], rcpt[40];

	(void)snprintf(id, sizeof(id), "%010llX",
	    (unsigned long long)(arrival_us - EPOCH_US) / 1000);
	(void)snprintf(sender, sizeof(sender), "user%07ld@sender.example",
	    n % f->nsenders);
	(void)snprintf(rcpt, sizeof(rcpt), "user%07ld@dom%03ld.example", n,
	    n % 1000);
	put_file(f, id, arrival_us, sender, rcpt);
	put_status(f, id, n, arrival_us, sender, rcpt);
}

static void
put_head(const struct filler *f)
{
	(void)fputs("{\"version\":1,\"seq\":0", f->status);
	put_time(f->status, "time", f->now_us);
	(void)fputs(",\"daemon\":{\"version\":\"bench\",\"pid\":0},"
		    "\"relays\":[{\"name\":\"default\",\"state\":\"up\"}],"
		    "\"messages\":[\n",
	    f->status);
}

int
main(int argc, char *argv[])
{
	struct filler f = { .queue_fd = -1 };

	if (argc != 5)
		errx(64, "usage: fill-queue SPOOL MESSAGES SENDERS REPLIES");
	f.nmessages = atol(argv[2]);
	f.nsenders = atol(argv[3]);
	f.nreplies = atol(argv[4]);
	if (f.nmessages < 1 || f.nsenders < 1)
		errx(64, "there must be a message and a sender");
	if (chdir(argv[1]) < 0)
		err(66, "cannot use '%s'", argv[1]);
	f.now_us = (int64_t)time(NULL) * SECOND_US;
	f.queue_fd = open("queue", O_RDONLY | O_DIRECTORY);
	f.status = fopen(".status.json", "w");
	if (f.queue_fd < 0 || f.status == NULL)
		err(66, "cannot use '%s'", argv[1]);
	put_head(&f);
	for (long n = 0; n < f.nmessages; n++)
		put_message(&f, n);
	(void)fputs("]}\n", f.status);
	if (ferror(f.status) || fclose(f.status) != 0)
		err(74, "cannot write '.status.json'");
	return 0;
}
