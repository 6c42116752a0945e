/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

/* The fortified headers have inline functions of the names defined here. */
#undef _FORTIFY_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "spoold/smtp/hooks.h"
#include "spoold/smtp/transport.h"

static _Thread_local struct transport *diverted;

/* The C library's function NAME, looked up once. */
static void *
next(const char *name, _Atomic(void *) *cache)
{
	void *fn = atomic_load_explicit(cache, memory_order_acquire);

	if (fn != NULL)
		return fn;
	fn = dlsym(RTLD_NEXT, name);
	if (fn == NULL)
		abort();
	atomic_store_explicit(cache, fn, memory_order_release);
	return fn;
}

void
hooks_divert(struct transport *t)
{
	diverted = t;
}

void
hooks_missing(unsigned hits, char *buf, unsigned long size)
{
	static const char *const names[] = {
		"getaddrinfo",
		"socket",
		"connect",
		"read",
		"write",
		"poll",
		"close",
	};
	unsigned long len = 0;

	buf[0] = '\0';
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!(hits & 1u << i) && len < size)
			len += (unsigned long)snprintf(
			    buf + len, size - len, " %s", names[i]);
}

/*
 * Leave the diversion for the time of a hook, so that what the transport
 * and OpenSSL call is the C library's; HOOK is noted.  NULL when the call is
 * none of libESMTP's.
 */
static struct transport *
enter(unsigned hook)
{
	struct transport *t = diverted;

	if (t == NULL)
		return NULL;
	diverted = NULL;
	t->hits |= hook;
	return t;
}

static struct transport *
enter_fd(int fd, unsigned hook)
{
	if (diverted == NULL || fd < 0 || diverted->conn->fd != fd)
		return NULL;
	return enter(hook);
}

int
getaddrinfo(const char *restrict node, const char *restrict service,
    const struct addrinfo *restrict hints, struct addrinfo **restrict ret)
{
	static _Atomic(void *) cache;
	int (*real)(const char *, const char *, const struct addrinfo *,
	    struct addrinfo **) = next("getaddrinfo", &cache);
	struct transport *t = enter(HOOK_GETADDRINFO);
	struct addrinfo one = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
		.ai_family = AF_INET,
		.ai_socktype = SOCK_STREAM,
	};
	int result;

	if (t == NULL)
		return real(node, service, hints, ret);
	/* Any one address: it is connected already. */
	result = real("127.0.0.1", "25", &one, ret);
	diverted = t;
	return result;
}

int
socket(int domain, int type, int protocol)
{
	static _Atomic(void *) cache;
	int (*real)(int, int, int) = next("socket", &cache);
	struct transport *t = enter(HOOK_SOCKET);

	if (t == NULL)
		return real(domain, type, protocol);
	diverted = t;
	return t->conn->fd;
}

int
connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	static _Atomic(void *) cache;
	int (*real)(int, const struct sockaddr *, socklen_t) =
	    next("connect", &cache);
	struct transport *t = enter_fd(fd, HOOK_CONNECT);

	if (t == NULL)
		return real(fd, addr, len);
	diverted = t;
	return 0;
}

ssize_t
read(int fd, void *buf, size_t len)
{
	static _Atomic(void *) cache;
	ssize_t (*real)(int, void *, size_t) = next("read", &cache);
	struct transport *t = enter_fd(fd, HOOK_READ);
	size_t n;

	if (t == NULL)
		return real(fd, buf, len);
	n = transport_read(t, buf, len);
	diverted = t;
	return (ssize_t)n;
}

ssize_t
write(int fd, const void *buf, size_t len)
{
	static _Atomic(void *) cache;
	ssize_t (*real)(int, const void *, size_t) = next("write", &cache);
	struct transport *t = enter_fd(fd, HOOK_WRITE);

	if (t == NULL)
		return real(fd, buf, len);
	transport_write(t, buf, len);
	diverted = t;
	return (ssize_t)len;
}

/*
 * libESMTP polls its one socket, once or twice in the same call: for reading
 * and for writing.  Writing is always possible, into a buffer.
 */
int
poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
	static _Atomic(void *) cache;
	int (*real)(struct pollfd *, nfds_t, int) = next("poll", &cache);
	struct transport *t = enter_fd(count > 0 ? fds[0].fd : -1, HOOK_POLL);
	bool wants_write = false;
	int ready = 0;

	if (t == NULL)
		return real(fds, count, timeout_ms);
	for (nfds_t i = 0; i < count; i++)
		wants_write = wants_write || (fds[i].events & POLLOUT) != 0;
	for (nfds_t i = 0; i < count; i++) {
		fds[i].revents = fds[i].events & POLLOUT;
		if ((fds[i].events & POLLIN) &&
		    transport_poll(t, !wants_write && timeout_ms != 0))
			fds[i].revents |= POLLIN;
		ready += fds[i].revents != 0;
	}
	diverted = t;
	return ready;
}

int
close(int fd)
{
	static _Atomic(void *) cache;
	int (*real)(int) = next("close", &cache);
	struct transport *t = enter_fd(fd, HOOK_CLOSE);

	if (t == NULL)
		return real(fd);
	/* The session closes it, after having looked at how it went. */
	diverted = t;
	return 0;
}

void *
dlopen(const char *file, int mode)
{
	static const char wrong[] = "/sasl-cram-md5.so";
	static const char right[] = "/sasl-crammd5.so";
	static _Atomic(void *) cache;
	void *(*real)(const char *, int) = next("dlopen", &cache);
	void *module = real(file, mode);
	size_t len, tail = sizeof(wrong) - 1;
	char path[4096];

	if (module != NULL || file == NULL)
		return module;
	len = strlen(file);
	if (len < tail || len >= sizeof(path) ||
	    strcmp(file + len - tail, wrong) != 0)
		return NULL;
	(void)snprintf(
	    path, sizeof(path), "%.*s%s", (int)(len - tail), file, right);
	return real(path, mode);
}
