/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See sendmail/peer.h. */

#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/date.h"
#include "sendmail/peer.h"

/* How much of a client's own name is worth showing. */
#define HELO_BYTES_MAX 128

union address {
	struct sockaddr any;
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;
	struct sockaddr_storage storage;
};

static bool
is_loopback4(const struct in_addr *addr)
{
	return ntohl(addr->s_addr) >> 24 == IN_LOOPBACKNET;
}

/* The IPv4 address that ADDR stands for, on a socket that takes both. */
static struct in_addr
mapped_address(const struct in6_addr *addr)
{
	struct in_addr made;

	memcpy(&made, addr->s6_addr + 12, sizeof(made));
	return made;
}

static void
note_ipv4(const struct in_addr *addr, struct peer *peer)
{
	peer->is_loopback = is_loopback4(addr);
	(void)inet_ntop(AF_INET, addr, peer->address, sizeof(peer->address));
}

static void
note_ipv6(const struct in6_addr *addr, struct peer *peer)
{
	struct in_addr mapped = mapped_address(addr);

	if (IN6_IS_ADDR_V4MAPPED(addr)) {
		note_ipv4(&mapped, peer);
		return;
	}
	peer->is_loopback = IN6_IS_ADDR_LOOPBACK(addr);
	strcpy(peer->address, "IPv6:");
	(void)inet_ntop(AF_INET6, addr, peer->address + 5,
	    (socklen_t)(sizeof(peer->address) - 5));
}

/* ---- whose socket it is ------------------------------------------------- */

/* ADDRESS as an IPv4 one if it stands for one. */
static void
unmap(union address *address)
{
	struct sockaddr_in made = { .sin_family = AF_INET };

	if (address->any.sa_family != AF_INET6 ||
	    !IN6_IS_ADDR_V4MAPPED(&address->in6.sin6_addr))
		return;
	made.sin_addr = mapped_address(&address->in6.sin6_addr);
	made.sin_port = address->in6.sin6_port;
	address->in4 = made;
}

/* ADDRESS as an IPv6 one, if it is not one of those. */
static void
map(union address *address)
{
	struct sockaddr_in6 made = { .sin6_family = AF_INET6 };

	if (address->any.sa_family != AF_INET)
		return;
	made.sin6_addr.s6_addr[10] = 0xff;
	made.sin6_addr.s6_addr[11] = 0xff;
	memcpy(made.sin6_addr.s6_addr + 12, &address->in4.sin_addr,
	    sizeof(address->in4.sin_addr));
	made.sin6_port = address->in4.sin_port;
	address->in6 = made;
}

/* Append ADDRESS to TEXT of SIZE as the kernel's tables have it. */
static void
append_address(char *text, size_t size, const union address *address)
{
	size_t len = strlen(text), i, nwords = 1;
	in_port_t port = address->in4.sin_port;
	uint32_t words[4];

	memcpy(words, &address->in4.sin_addr, sizeof(words[0]));
	if (address->any.sa_family == AF_INET6) {
		nwords = 4;
		memcpy(words, &address->in6.sin6_addr, sizeof(words));
		port = address->in6.sin6_port;
	}
	for (i = 0; i < nwords; i++, len = strlen(text))
		snprintf(text + len, size - len, "%08" PRIX32, words[i]);
	snprintf(text + len, size - len, ":%04X ", (unsigned)ntohs(port));
}

/* The owner in LINE of the kernel's table, if a process has that socket. */
static bool
read_owner(const char *line, uid_t *ret)
{
	unsigned long uid, inode;

	/* state, queues, timer, retransmissions; uid; timeouts; inode */
	if (sscanf(line, "%*x %*x:%*x %*x:%*x %*x %lu %*d %lu", &uid, &inode) !=
		2 ||
	    inode == 0)
		return false;
	*ret = (uid_t)uid;
	return true;
}

/* Look for the connection from OTHER to OWN in the table of their family. */
static void
search_table(
    const union address *own, const union address *other, struct peer *peer)
{
	char want[2 * sizeof("00000000000000000000000000000000:0000 ")] = "";
	char line[512], *found;
	FILE *table;

	append_address(want, sizeof(want), other);
	append_address(want, sizeof(want), own);
	table = fopen(other->any.sa_family == AF_INET6 ? "/proc/self/net/tcp6"
						       : "/proc/self/net/tcp",
	    "re");
	while (table != NULL && !peer->has_uid &&
	    fgets(line, sizeof(line), table) != NULL) {
		found = strstr(line, want);
		if (found != NULL)
			peer->has_uid =
			    read_owner(found + strlen(want), &peer->uid);
	}
	if (table != NULL)
		fclose(table);
}

/*
 * The client's end of a connection within this machine is in a table like
 * ours, with the ends the other way round.  In which one is the client's
 * choice: a socket of IPv6 can speak IPv4, whatever ours is.
 */
static void
find_owner(union address *own, union address *other, struct peer *peer)
{
	unmap(own);
	unmap(other);
	search_table(own, other, peer);
	if (peer->has_uid || other->any.sa_family == AF_INET6)
		return;
	map(own);
	map(other);
	search_table(own, other, peer);
}

void
peer_look(int fd, struct peer *ret)
{
	union address own = { 0 }, other = { 0 };
	socklen_t own_len = sizeof(own), other_len = sizeof(other);

	*ret = (struct peer){ 0 };
	if (getsockname(fd, &own.any, &own_len) < 0)
		ret->is_network = errno != ENOTSOCK;
	else
		ret->is_network = own.any.sa_family != AF_UNIX;
	if (!ret->is_network)
		return;
	strcpy(ret->address, "unknown");
	if (getpeername(fd, &other.any, &other_len) < 0)
		return;
	if (other.any.sa_family == AF_INET)
		note_ipv4(&other.in4.sin_addr, ret);
	else if (other.any.sa_family == AF_INET6)
		note_ipv6(&other.in6.sin6_addr, ret);
	if (ret->is_loopback)
		find_owner(&own, &other, ret);
}

/* What a client says of itself, as one word that can break nothing. */
static void
put_helo(FILE *out, const char *helo)
{
	static const char harmless[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "abcdefghijklmnopqrstuvwxyz"
				       "0123456789-._:[]";
	size_t i;

	for (i = 0; helo[i] != '\0' && i < HELO_BYTES_MAX; i++)
		putc(strchr(harmless, helo[i]) != NULL ? helo[i] : '?', out);
	if (i == 0)
		fputs("unknown", out);
}

char *
peer_received(const struct peer *peer, const char *helo, const char *host,
    const char *with, int64_t now_us)
{
	char *text = NULL, date[DATE_SIZE];
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return NULL;
	fputs("Received: from ", out);
	put_helo(out, helo);
	fprintf(out, " ([%s])\n\tby %s with %s", peer->address, host, with);
	if (peer->has_uid)
		fprintf(out, "\n\t(from userid %lu)", (unsigned long)peer->uid);
	/* A clock beyond the year 9999 has no date to write. */
	if (date_format(now_us, date) == 0)
		fprintf(out, ";\n\t%s", date);
	putc('\n', out);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}
