/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * A scripted SMTP server for the black-box tests: it accepts everything and
 * keeps it, except where a script tells it to misbehave.
 *
 * What it leaves behind:
 *
 *	--port-file FILE	the port, there as soon as it can be used
 *	DIR/NNNNNN.eml		each accepted message, the bytes as received
 *				(dots unstuffed, CRLF kept), there before the
 *				client gets its 2xx
 *	DIR/NNNNNN.env		its envelope: lines "conn N", "peer ADDR",
 *				"helo NAME", "tls VERSION|none", "sni NAME",
 *				"auth USER", "mail <ADDR> PARAMS", "rcpt <ADDR>
 *				PARAMS" per accepted recipient, "bytes N",
 *				"bare_lf N", "bare_cr N", "nul N", "groups N",
 *"time T" DIR/stats		JSON: connections, current, max_concurrent,
 *messages, commands, per_connection; written at most 20 ms late, and last at
 *the end
 *	--times FILE		"MS CONN GROUPS <SENDER>" for each message as it
 *				is accepted; MS as in /proc/uptime
 *	--log FILE		"TIME #CONN C: line", "S: reply", "-- event",
 *				what is not printable as \xNN
 *
 * A message's groups are the round trips that it took: how often the client
 * has waited for an answer before it went on, since the message before (or
 * since EHLO): 2 for a message whose MAIL, RCPT and DATA came together.
 *
 * --reply-delay MS answers as a slow network would: that much later than what
 * is answered came, so that a group of commands waits once.  (A rule with
 * delay waits for each reply.)
 *
 * XOAUTH2 and OAUTHBEARER (--auth-mechs) take the tokens that the file of
 * --tokens has at that moment, and need a user only if --auth names one.
 * Others are told so as Gmail does it: 334 with JSON, then 535.
 *
 * Addresses beyond ASCII need SMTPUTF8 behind MAIL, and that has to be offered
 * (--ehlo SMTPUTF8): else 553 and 555.
 *
 * The script (--script FILE, or --rule LINE each) has a rule a line; the first
 * that matches an event is obeyed, without one the server behaves:
 *
 *	STAGE [SELECTOR…] ACTION [ARGUMENT] [; ACTION [ARGUMENT]]…
 *
 * STAGE	connect, tls (before the handshake), ehlo, helo, starttls,
 *		auth (the command), authend (the reply to the credentials),
 *		mail, rcpt, data (instead of 354), dot (the final reply),
 *		rset, noop, quit
 * SELECTOR	n=N		the N-th such event of all connections
 *		from=N to=N	from the N-th, up to the N-th
 *		every=N		every N-th
 *		conn=N		the N-th of its connection
 *		msg=N		the N-th since its MAIL
 *		session=N	only in the N-th connection
 *		times=N		only the first N times that the rest matches
 *		match=GLOB	argument: address (mail, rcpt), sender (data,
 *				dot), name (ehlo, helo), mechanism (auth,
 *				authend), peer (connect); case is ignored
 * ACTION	reply "TEXT"	TEXT and CRLF; more lines by \r\n inside
 *		raw "BYTES"	the bytes alone
 *		default		what would be answered without the rule
 *		inject "BYTES"	that, and BYTES in the same segment
 *		delay SECONDS	wait (to the millisecond) before what follows
 *		drip MS		the following replies byte by byte
 *		wait-file "F"	wait until the file F exists
 *		drop		close (FIN)
 *		drop-after "B"	send B, then close
 *		rst		close by RST
 *		mute		read on, never answer
 *		stall		do not even read
 *		garbage [N]	N random bytes (512), the same ones each time
 *		long N		a reply line of N bytes
 *		endless [MS]	a multi-line reply without end, a line each MS
 *		mid-data-drop N, mid-data-rst N, mid-data-stall N
 *				(data) the default, broken N bytes later
 *		store		(dot) keep the message whatever is answered
 *
 * Without reply, raw, inject, garbage or long among the actions, the default
 * follows.  The first digit answered decides what happened: 2xx to RCPT is a
 * recipient, 2xx at dot stores the message, 3xx to DATA begins it.  Strings
 * know \r \n \t \0 \\ \" \xNN; '#' begins a comment; "then" is as ";".
 */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "tests/smtpd/smtpd.h"

#define STATS_MS 20
/* How long the threads have to end after SIGTERM. */
#define STOP_S 5
#define STACK_BYTES (256u << 10)

static int
open_tls(struct server *s)
{
	SSL_CTX *ctx;

	if (s->cert == NULL)
		return 0;
	ctx = s->tls = SSL_CTX_new(TLS_server_method());
	/* Old versions are the tests' wish: let the client refuse them. */
	if (ctx == NULL ||
	    SSL_CTX_set_cipher_list(ctx, "DEFAULT@SECLEVEL=0") != 1 ||
	    SSL_CTX_set_min_proto_version(ctx, s->tls_min) != 1 ||
	    SSL_CTX_set_max_proto_version(ctx, s->tls_max) != 1)
		return usage("cannot set up TLS with", s->cert);
	if (SSL_CTX_use_certificate_chain_file(ctx, s->cert) != 1)
		return usage("no certificate in", s->cert);
	if (SSL_CTX_use_PrivateKey_file(ctx, s->key, SSL_FILETYPE_PEM) != 1)
		return usage("no key of the certificate in", s->key);
	return 0;
}

static int
open_files(struct server *s)
{
	if (s->out != NULL) {
		if (mkdir(s->out, 0700) < 0 && errno != EEXIST)
			return usage("cannot make directory", s->out);
		s->out_fd = open(s->out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (s->out_fd < 0)
			return usage("cannot open directory", s->out);
	}
	if (s->times_path != NULL) {
		s->times = fopen(s->times_path, "ae");
		if (s->times == NULL)
			return usage("cannot open", s->times_path);
	}
	if (s->log_path == NULL)
		return 0;
	s->log = fopen(s->log_path, "ae");
	return s->log != NULL ? 0 : usage("cannot open", s->log_path);
}

/* At the path of --unix, whatever a server before has left there. */
static int
open_unix_socket(struct server *s)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	if (strlen(s->unix_path) >= sizeof(addr.sun_path))
		return usage("too long a path:", s->unix_path);
	(void)snprintf(
	    addr.sun_path, sizeof(addr.sun_path), "%s", s->unix_path);
	(void)unlink(s->unix_path);
	s->listen_fd =
	    socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->listen_fd < 0 ||
	    bind(s->listen_fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    listen(s->listen_fd, 1024) < 0)
		return usage(strerror(errno), s->unix_path);
	return 0;
}

static int
open_socket(struct server *s)
{
	const struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
		.ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *found;
	const int on = 1;
	int err = 0;

	if (s->unix_path != NULL)
		return open_unix_socket(s);
	if (getaddrinfo(s->listen, s->port, &hints, &found) != 0)
		return usage("no numeric address and port:", s->listen);
	s->listen_fd = socket(
	    found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->listen_fd < 0 ||
	    setsockopt(
		s->listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(s->listen_fd, found->ai_addr, found->ai_addrlen) < 0 ||
	    listen(s->listen_fd, 1024) < 0)
		err = usage(strerror(errno), s->listen);
	freeaddrinfo(found);
	return err;
}

/* The port, or the path of --unix, in BUF. */
static bool
tell_place(const struct server *s, char *buf, size_t size)
{
	struct sockaddr_storage addr;
	socklen_t len = sizeof(addr);

	if (s->unix_path != NULL) {
		(void)snprintf(buf, size, "%s", s->unix_path);
		return true;
	}
	return getsockname(s->listen_fd, (struct sockaddr *)&addr, &len) == 0 &&
	    getnameinfo((struct sockaddr *)&addr, len, NULL, 0, buf,
		(socklen_t)size, NI_NUMERICSERV) == 0;
}

/* Say the place, in a file that appears complete. */
static int
write_port(const struct server *s)
{
	char place[128], *tmp;
	FILE *out;
	int err = EX_USAGE;

	if (s->port_file == NULL)
		return 0;
	if (!tell_place(s, place, sizeof(place)) ||
	    asprintf(&tmp, "%s.tmp", s->port_file) < 0)
		return usage("cannot tell the port of", s->listen);
	out = fopen(tmp, "we");
	if (out != NULL) {
		(void)fprintf(out, "%s\n", place);
		err = fclose(out) == 0 && rename(tmp, s->port_file) == 0
		    ? 0
		    : EX_USAGE;
	}
	free(tmp);
	return err == 0 ? 0 : usage("cannot write", s->port_file);
}

/* How many connections have not been closed by their clients. */
static unsigned long
count_open(const struct server *s)
{
	struct pollfd fd = { .events = POLLRDHUP };
	unsigned long n = 0;
	const struct conn *c;

	for (c = s->conns; c != NULL; c = c->next) {
		fd.fd = c->fd;
		fd.revents = 0;
		/*
		 * A client that closes and connects again has never had two,
		 * even if the thread of the first has not seen the end yet.
		 */
		n += poll(&fd, 1, 0) == 0;
	}
	return n;
}

/* Room to count the messages of connection NUMBER. */
static void
make_room(struct server *s, unsigned long number)
{
	size_t room = s->per_connection_room * 2 + 64;
	unsigned long *grown;

	if (number <= s->per_connection_room)
		return;
	grown = calloc(room, sizeof(*grown));
	if (grown == NULL)
		return;
	if (s->per_connection != NULL)
		memcpy(grown, s->per_connection,
		    s->per_connection_room * sizeof(*grown));
	free(s->per_connection);
	s->per_connection = grown;
	s->per_connection_room = room;
}

static void
enter(struct server *s, struct conn *c)
{
	unsigned long open_now;

	(void)pthread_mutex_lock(&s->lock);
	c->number = ++s->connections;
	c->next = s->conns;
	s->conns = c;
	s->threads++;
	open_now = count_open(s);
	if (open_now > s->max_concurrent)
		s->max_concurrent = open_now;
	make_room(s, c->number);
	s->dirty = true;
	(void)pthread_mutex_unlock(&s->lock);
	c->too_many = s->max_connections != 0 && open_now > s->max_connections;
	/* Never 0, from which xorshift does not get away. */
	c->random = (s->seed + c->number) * 0x9e3779b97f4a7c15u | 1;
	log_text(c, "connected %s open=%lu", c->peer, open_now);
}

static void
name_peer(struct conn *c, const struct sockaddr *addr, socklen_t len)
{
	char host[64] = "?", port[8] = "?";

	if (addr->sa_family == AF_UNIX) {
		(void)snprintf(c->peer, sizeof(c->peer), "unix");
		return;
	}
	(void)getnameinfo(addr, len, host, sizeof(host), port, sizeof(port),
	    NI_NUMERICHOST | NI_NUMERICSERV);
	(void)snprintf(c->peer, sizeof(c->peer), "%s:%s", host, port);
}

static void
accept_one(struct server *s, const pthread_attr_t *attr)
{
	struct sockaddr_storage addr;
	socklen_t len = sizeof(addr);
	const int on = 1;
	pthread_t thread;
	struct conn *c;
	int fd =
	    accept4(s->listen_fd, (struct sockaddr *)&addr, &len, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	c = calloc(1, sizeof(*c));
	if (c == NULL) {
		(void)close(fd);
		return;
	}
	c->server = s;
	c->fd = fd;
	c->in_ms = monotonic_ms();
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	name_peer(c, (struct sockaddr *)&addr, len);
	enter(s, c);
	if (pthread_create(&thread, attr, session_thread, c) != 0)
		/* This one thread then serves nobody else meanwhile. */
		(void)session_thread(c);
}

/* Cut all connections and wait for their threads. */
static void
stop(struct server *s)
{
	struct timespec until;
	struct conn *c;
	int err = 0;

	(void)eventfd_write(s->stop_fd, 1);
	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += STOP_S;
	(void)pthread_mutex_lock(&s->lock);
	for (c = s->conns; c != NULL; c = c->next)
		(void)shutdown(c->fd, SHUT_RDWR);
	while (s->threads > 0 && err == 0)
		err = pthread_cond_timedwait(&s->ended, &s->lock, &until);
	(void)pthread_mutex_unlock(&s->lock);
}

/* Serve until a signal ends it. */
static void
serve(struct server *s, int signal_fd)
{
	struct pollfd fds[2] = {
		{ .fd = signal_fd, .events = POLLIN },
		{ .fd = s->listen_fd, .events = POLLIN },
	};
	pthread_attr_t attr;

	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	(void)pthread_attr_setstacksize(&attr, STACK_BYTES);
	while (fds[0].revents == 0) {
		if (poll(fds, 2, STATS_MS) < 0 && errno != EINTR)
			break;
		if (fds[1].revents != 0)
			accept_one(s, &attr);
		if (fds[1].revents == 0 || s->connections % 64 == 0)
			stats_write(s);
	}
	(void)pthread_attr_destroy(&attr);
	stop(s);
	stats_write(s);
}

/* The signals that end the server, as a descriptor. */
static int
open_signals(const struct server *s, pid_t parent)
{
	sigset_t set;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (s->with_parent) {
		(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (getppid() != parent)
			(void)raise(SIGTERM);
	}
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static void
release(struct server *s)
{
	/* A thread that did not end in time still needs all this. */
	if (s->threads > 0)
		return;
	script_release(&s->script);
	SSL_CTX_free(s->tls);
	free(s->per_connection);
	if (s->times != NULL)
		(void)fclose(s->times);
	if (s->log != NULL)
		(void)fclose(s->log);
}

int
main(int argc, char **argv)
{
	struct server s = {
		.listen = "127.0.0.1",
		.port = "0",
		.name = "smtpd.test",
		.mechs = "PLAIN LOGIN CRAM-MD5",
		.out_fd = -1,
		.listen_fd = -1,
		.tls_min = TLS1_VERSION,
		.tls_max = TLS1_3_VERSION,
		.max_size = 100000000,
		.dirty = true,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.ended = PTHREAD_COND_INITIALIZER,
	};
	pid_t parent = getppid();
	int signal_fd, err = parse_options(&s, argc, argv);

	if (err < 0)
		return 0;
	signal_fd = open_signals(&s, parent);
	s.stop_fd = eventfd(0, EFD_CLOEXEC);
	if (err == 0 && (signal_fd < 0 || s.stop_fd < 0))
		err = EX_OSERR;
	if (err == 0)
		err = open_tls(&s);
	if (err == 0)
		err = open_files(&s);
	if (err == 0)
		err = open_socket(&s);
	if (err == 0)
		err = write_port(&s);
	if (err == 0)
		serve(&s, signal_fd);
	release(&s);
	return err;
}
