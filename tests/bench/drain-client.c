/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * drain-client QUEUE PORT CONNECTIONS
 *
 * The least that sends what is in a queue/ of spoold's: reads each file, sends
 * it to 127.0.0.1:PORT with the same pipelining over so many connections, a
 * thread each, and unlinks it.  No checksum, no journal, no retry: what
 * bench.sh compares spoold with.  Messages have one recipient.  With PORT 0 it
 * does nothing but unlink.
 *
 *	cc -O2 -pthread -o drain-client drain-client.c
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINE_BYTES 40
#define TEXT_MAX (1u << 20)

static int queue_fd;
static unsigned short port;
static char **names;
static size_t count;
static atomic_size_t next;

struct client {
	int fd;
	size_t len; /* of what was sent to us and is not used */
	char in[4096];
	char text[TEXT_MAX];    /* a file */
	char out[2 * TEXT_MAX]; /* … for SMTP */
};

static void
send_all(struct client *client, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(client->fd, text, len);

		if (n <= 0)
			err(1, "cannot send");
		text += n;
		len -= (size_t)n;
	}
}

/* Take one whole reply; its first digit. */
static char
take_reply(struct client *client)
{
	char *end, first;
	bool is_last;
	ssize_t n;

	for (;;) {
		while ((end = memchr(client->in, '\n', client->len)) != NULL) {
			first = client->in[0];
			is_last = client->in[3] != '-';
			client->len -= (size_t)(++end - client->in);
			memmove(client->in, end, client->len);
			if (is_last)
				return first;
		}
		n = read(client->fd, client->in + client->len,
		    sizeof(client->in) - client->len);
		if (n <= 0)
			err(1, "cannot receive");
		client->len += (size_t)n;
	}
}

static void
expect(struct client *client, char want)
{
	if (take_reply(client) != want)
		errx(1, "refused");
}

static void
open_connection(struct client *client)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int one = 1;

	client->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(client->fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		err(1, "cannot connect");
	setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	expect(client, '2');
	send_all(client, "EHLO bench\r\n", 12);
	expect(client, '2');
}

/* The value of KEY in the envelope, up to its line's end. */
static const char *
value_of(const char *text, const char *key, int *ret_len)
{
	const char *at = strstr(text, key);

	if (at == NULL)
		errx(1, "no queue file");
	at += strlen(key);
	*ret_len = (int)strcspn(at, " \n");
	return at;
}

/* The message, which has CRLF, with dots doubled, and its end; the length. */
static size_t
put_data(char *out, const char *text, const char *end)
{
	char *at = out;

	while (text < end) {
		const char *lf = memchr(text, '\n', (size_t)(end - text));
		size_t len = (size_t)((lf != NULL ? lf + 1 : end) - text);

		if (*text == '.')
			*at++ = '.';
		memcpy(at, text, len);
		at += len;
		text += len;
	}
	memcpy(at, ".\r\n", 3);
	return (size_t)(at - out) + 3;
}

static void
send_message(struct client *client, const char *name)
{
	const char *from, *to;
	int fd = openat(queue_fd, name, O_RDONLY), from_len, to_len, len;
	ssize_t n = fd < 0 ? -1 : read(fd, client->text, TEXT_MAX - 1);
	unsigned long env_bytes;

	if (n < LINE_BYTES)
		err(1, "cannot read %s", name);
	close(fd);
	client->text[n] = '\0';
	env_bytes = strtoul(client->text + strlen("spoold/1 "), NULL, 10);
	from = value_of(client->text, "\nsender ", &from_len);
	to = value_of(client->text, "\nrcpt ", &to_len);
	len = sprintf(client->out,
	    "MAIL FROM:<%.*s>\r\nRCPT TO:<%.*s>\r\nDATA\r\n", from_len, from,
	    to_len, to);
	send_all(client, client->out, (size_t)len);
	expect(client, '2');
	expect(client, '2');
	expect(client, '3');
	send_all(client, client->out,
	    put_data(client->out, client->text + LINE_BYTES + env_bytes,
		client->text + n));
	expect(client, '2');
}

static void *
run(void *arg)
{
	struct client *client = calloc(1, sizeof(*client));
	size_t i;

	(void)arg;
	if (client == NULL)
		err(1, "out of memory");
	if (port != 0)
		open_connection(client);
	while ((i = atomic_fetch_add(&next, 1)) < count) {
		if (port != 0)
			send_message(client, names[i]);
		if (unlinkat(queue_fd, names[i], 0) < 0)
			err(1, "cannot unlink %s", names[i]);
	}
	if (port != 0)
		send_all(client, "QUIT\r\n", 6);
	return NULL;
}

static void
list(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	size_t alloc = 0;

	if (dir == NULL)
		err(1, "cannot list %s", path);
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		if (count == alloc) {
			alloc = 2 * alloc + 1024;
			names = reallocarray(names, alloc, sizeof(*names));
		}
		if (names == NULL ||
		    (names[count++] = strdup(entry->d_name)) == NULL)
			err(1, "out of memory");
	}
	closedir(dir);
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int
main(int argc, char *argv[])
{
	pthread_t threads[1000];
	int n;

	if (argc != 4 || (n = atoi(argv[3])) < 1 || n > 1000)
		return 64;
	port = (unsigned short)atoi(argv[2]);
	queue_fd = open(argv[1], O_RDONLY | O_DIRECTORY);
	if (queue_fd < 0)
		err(1, "%s", argv[1]);
	list(argv[1]);
	qsort(names, count, sizeof(*names), compare);
	for (int i = 0; i < n; i++)
		if (pthread_create(&threads[i], NULL, run, NULL) != 0)
			errx(1, "cannot start a thread");
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
