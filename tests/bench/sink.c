/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * sink [MILLISECONDS [COUNT]]
 *
 * An SMTP server on a free port of 127.0.0.1 that takes all and keeps nothing,
 * with little work, so that it is the clients that are measured.  All replies
 * leave so many milliseconds later, as over a long line: those to commands that
 * come together leave together.
 *
 * Prints its port; once it has taken COUNT messages the time, in microseconds
 * since the epoch; and on SIGTERM how many messages and connections there were.
 *
 *	cc -O2 -o sink sink.c
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define REPLIES_MAX 8192

struct client {
	int fd;
	bool in_data;
	bool is_closing; /* QUIT was answered, or it went */
	unsigned unsent; /* packets that are on their way */
	size_t len;      /* of an incomplete line, or of data's last bytes */
	char buf[65536];
};

/* Replies, until they leave. */
struct packet {
	STAILQ_ENTRY(packet) link;
	struct client *client;
	long long due_us;
	size_t len;
	char text[];
};

static STAILQ_HEAD(, packet) packets = STAILQ_HEAD_INITIALIZER(packets);
static long long delay_us;
static unsigned long messages, connections, count;
static char replies[REPLIES_MAX];
static size_t replies_len;
static int epoll_fd;

static long long
clock_us(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return ts.tv_sec * 1000000LL + ts.tv_nsec / 1000;
}

static void
reply(const char *text)
{
	size_t len = strlen(text);

	if (replies_len + len > sizeof(replies))
		errx(1, "too many commands at once");
	memcpy(replies + replies_len, text, len);
	replies_len += len;
}

static void
transmit(struct client *client, const char *text, size_t len)
{
	if (!client->is_closing && write(client->fd, text, len) != (ssize_t)len)
		client->is_closing = true;
}

/* Send the replies, or put them aside until they are due. */
static void
send_replies(struct client *client)
{
	struct packet *packet;

	if (replies_len == 0)
		return;
	if (delay_us == 0) {
		transmit(client, replies, replies_len);
		replies_len = 0;
		return;
	}
	packet = malloc(sizeof(*packet) + replies_len);
	if (packet == NULL)
		err(1, "out of memory");
	packet->client = client;
	packet->due_us = clock_us(CLOCK_MONOTONIC) + delay_us;
	packet->len = replies_len;
	memcpy(packet->text, replies, replies_len);
	client->unsent++;
	STAILQ_INSERT_TAIL(&packets, packet, link);
	replies_len = 0;
}

static bool
begins(const char *line, const char *verb)
{
	return strncasecmp(line, verb, strlen(verb)) == 0;
}

static void
command(struct client *client, const char *line)
{
	if (begins(line, "EHLO"))
		reply("250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n"
		      "250-ENHANCEDSTATUSCODES\r\n250 SIZE\r\n");
	else if (begins(line, "DATA"))
		reply("354 go on\r\n");
	else if (begins(line, "QUIT"))
		reply("221 2.0.0 bye\r\n");
	else
		reply("250 2.0.0 ok\r\n");
	client->in_data = begins(line, "DATA");
}

/* Take data off TEXT; the bytes taken. */
static size_t
take_data(struct client *client, const char *text, size_t len)
{
	const char *end = memmem(text, len, "\r\n.\r\n", 5);

	if (end == NULL)
		/* The end may have begun. */
		return len < 4 ? 0 : len - 4;
	if (++messages == count) {
		printf("%lld\n", clock_us(CLOCK_REALTIME));
		fflush(stdout);
	}
	client->in_data = false;
	reply("250 2.0.0 taken\r\n");
	return (size_t)(end - text) + 5;
}

static size_t
take_command(struct client *client, const char *text, size_t len)
{
	const char *end = memchr(text, '\n', len);

	if (end == NULL)
		return 0;
	command(client, text);
	/* Data that is empty begins with its end: leave the line's. */
	return (size_t)(end - text) + 1 - (client->in_data ? 2 : 0);
}

static void
take(struct client *client)
{
	size_t pos = 0, n;

	do {
		const char *text = client->buf + pos;

		n = client->in_data
		    ? take_data(client, text, client->len - pos)
		    : take_command(client, text, client->len - pos);
		pos += n;
	} while (n > 0);
	client->len -= pos;
	memmove(client->buf, client->buf + pos, client->len);
	send_replies(client);
}

static void
free_if_gone(struct client *client)
{
	if (!client->is_closing || client->unsent > 0)
		return;
	close(client->fd);
	free(client);
}

static void
receive(struct client *client)
{
	ssize_t n = read(client->fd, client->buf + client->len,
	    sizeof(client->buf) - client->len);

	if (n > 0) {
		client->len += (size_t)n;
		take(client);
	} else {
		client->is_closing = true;
		epoll_ctl(epoll_fd, EPOLL_CTL_DEL, client->fd, NULL);
	}
	free_if_gone(client);
}

static void
welcome(int listen_fd)
{
	struct client *client;
	struct epoll_event event = { .events = EPOLLIN };
	int one = 1;
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	client = malloc(sizeof(*client));
	if (client == NULL)
		err(1, "out of memory");
	memset(client, 0, offsetof(struct client, buf));
	client->fd = fd;
	event.data.ptr = client;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		err(1, "epoll_ctl");
	connections++;
	reply("220 sink ESMTP\r\n");
	send_replies(client);
}

/* Send what is due; milliseconds until something is, -1 for ever. */
static int
send_due(void)
{
	struct packet *packet;
	struct client *client;
	long long now = clock_us(CLOCK_MONOTONIC);

	while ((packet = STAILQ_FIRST(&packets)) != NULL) {
		if (packet->due_us > now)
			return (int)((packet->due_us - now + 999) / 1000);
		client = packet->client;
		STAILQ_REMOVE_HEAD(&packets, link);
		transmit(client, packet->text, packet->len);
		free(packet);
		client->unsent--;
		free_if_gone(client);
	}
	return -1;
}

static int
open_port(void)
{
	struct sockaddr_in addr = { .sin_family = AF_INET };
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, len) < 0 ||
	    listen(fd, 1024) < 0 ||
	    getsockname(fd, (struct sockaddr *)&addr, &len) < 0)
		err(1, "cannot listen");
	printf("%u\n", ntohs(addr.sin_port));
	fflush(stdout);
	return fd;
}

static int
open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

int
main(int argc, char *argv[])
{
	struct epoll_event events[256], event = { .events = EPOLLIN };
	int listen_fd, signal_fd, n;

	if (argc > 3)
		return 64;
	if (argc > 1)
		delay_us = strtoll(argv[1], NULL, 10) * 1000;
	if (argc > 2)
		count = strtoul(argv[2], NULL, 10);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	signal_fd = open_signals();
	listen_fd = open_port();
	event.data.ptr = &signal_fd;
	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, signal_fd, &event);
	event.data.ptr = &listen_fd;
	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listen_fd, &event);
	for (;;) {
		n = epoll_wait(epoll_fd, events, 256, send_due());
		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr == &signal_fd) {
				printf("%lu %lu\n", messages, connections);
				return 0;
			}
			if (events[i].data.ptr == &listen_fd)
				welcome(listen_fd);
			else
				receive(events[i].data.ptr);
		}
	}
}
