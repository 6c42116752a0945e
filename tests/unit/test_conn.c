/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Waits for a reply that are told to be slow, how they end, what is told of
 * replies, and what a token login says.
 */

#include "config.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "spoold/smtp/conn.h"
#include "spoold/smtp/token.h"
#include "tests/unit/unit.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

struct heard {
	int fd; /* answered when it is slow */
	const char *reply;
	unsigned slow;
	unsigned ended;
};

static void
on_slow(void *arg, bool is_slow)
{
	struct heard *heard = arg;

	if (!is_slow) {
		heard->ended++;
		return;
	}
	heard->slow++;
	if (heard->reply != NULL)
		ck_assert_int_eq(
		    write(heard->fd, heard->reply, strlen(heard->reply)),
		    (ssize_t)strlen(heard->reply));
	else
		ck_assert_int_eq(shutdown(heard->fd, SHUT_RDWR), 0);
}

static struct conn *
connected(int *ret_peer)
{
	int fds[2];
	struct conn *c = conn_new(-1, 20000);

	ck_assert_ptr_nonnull(c);
	ck_assert_int_eq(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	c->fd = fds[0];
	*ret_peer = fds[1];
	return c;
}

static const struct {
	int64_t slow_after_ms;
	const char *at_once;
	const char *when_slow; /* NULL: it hangs up */
	int want;
	unsigned slow;
} waits[] = {
	{ 10, NULL, "250 ok\r\n", 0, 1 },
	{ 10, "250-a\r\n", "250 b\r\n", 0, 1 },
	{ 10, NULL, NULL, -1, 1 },
	{ 10000, "250 ok\r\n", NULL, 0, 0 },
	{ 0, "250 ok\r\n", NULL, 0, 0 },
};

START_TEST(tells_of_a_slow_reply)
{
	struct heard heard = { .reply = waits[_i].when_slow };
	struct conn *c = connected(&heard.fd);

	c->on_slow = on_slow;
	c->slow_arg = &heard;
	c->slow_after_ms = waits[_i].slow_after_ms;
	if (waits[_i].at_once != NULL)
		ck_assert_int_gt(write(heard.fd, waits[_i].at_once,
				     strlen(waits[_i].at_once)),
		    0);
	ck_assert_int_eq(conn_reply(c, conn_now_ms() + 20000), waits[_i].want);
	ck_assert_uint_eq(heard.slow, waits[_i].slow);
	ck_assert_uint_eq(heard.ended, waits[_i].slow);
	conn_free(c);
	ck_assert_int_eq(close(heard.fd), 0);
}
END_TEST

/* In recv(2), although libESMTP did to the descriptor what it always does. */
START_TEST(waits_without_polling)
{
	struct conn_group group = { .lock = PTHREAD_MUTEX_INITIALIZER };
	struct heard heard = { .reply = "250 ok\r\n" };
	struct conn *c = connected(&heard.fd);

	LIST_INIT(&group.conns);
	c->on_slow = on_slow;
	c->slow_arg = &heard;
	c->slow_after_ms = 10;
	conn_join(c, &group);
	ck_assert_int_eq(fcntl(c->fd, F_SETFL, O_NONBLOCK), 0);
	ck_assert_int_eq(conn_put(c, "NOOP\r\n", 6), 0);
	ck_assert_int_eq(conn_flush(c), 0);
	ck_assert_int_eq(conn_reply(c, conn_now_ms() + 20000), 0);
	ck_assert_uint_eq(heard.slow, 1);
	ck_assert_int_eq(fcntl(c->fd, F_GETFL) & O_NONBLOCK, 0);
	conn_free(c);
	ck_assert(LIST_EMPTY(&group.conns));
	ck_assert_int_eq(close(heard.fd), 0);
}
END_TEST

/* The kernel tells the reason once, and there it is heard. */
START_TEST(knows_how_it_ended)
{
	struct conn_group group = { .lock = PTHREAD_MUTEX_INITIALIZER };
	int peer;
	struct conn *c = connected(&peer);

	LIST_INIT(&group.conns);
	conn_join(c, &group);
	ck_assert_int_eq(conn_put(c, "NOOP\r\n", 6), 0);
	ck_assert_int_eq(conn_flush(c), 0);
	/* With something unread: a reset. */
	ck_assert_int_eq(close(peer), 0);
	ck_assert_int_eq(conn_reply(c, conn_now_ms() + 20000), -1);
	ck_assert_str_eq(c->why, "Connection reset by peer");
	conn_free(c);
}
END_TEST

/* A deadline that passes ends the wait, too. */
START_TEST(tells_of_a_reply_that_never_comes)
{
	struct heard heard = { .slow = 0 };

	/* If we were not run meanwhile, both times have come at once. */
	for (int64_t wait_ms = 40; heard.slow == 0 && wait_ms <= 5000;
	     wait_ms *= 5) {
		struct conn *c = connected(&heard.fd);

		heard.reply = "250-";
		c->on_slow = on_slow;
		c->slow_arg = &heard;
		c->slow_after_ms = 10;
		ck_assert_int_eq(conn_reply(c, conn_now_ms() + wait_ms), -1);
		ck_assert_uint_eq(heard.ended, heard.slow);
		ck_assert_str_eq(c->why, "no answer in time");
		conn_free(c);
		ck_assert_int_eq(close(heard.fd), 0);
	}
	ck_assert_uint_eq(heard.slow, 1);
}
END_TEST

/* A server that drips is cut short, however long it may take for a reply. */
START_TEST(ends_what_takes_too_long)
{
	struct heard heard = { .reply = "250-" };
	struct conn *c = connected(&heard.fd);

	c->cut_ms = conn_now_ms() + 20;
	ck_assert_int_eq(conn_reply(c, conn_now_ms() + 60000), -1);
	ck_assert_str_eq(c->why, "the transaction takes too long");
	conn_reset(c);
	conn_free(c);
	ck_assert_int_eq(close(heard.fd), 0);
	/* Nor is there another wait, though there is something to read. */
	c = connected(&heard.fd);
	c->cut_ms = conn_now_ms() - 1;
	ck_assert_int_eq(write(heard.fd, "250 x\r\n", 7), 7);
	ck_assert_int_eq(
	    conn_wait(c, POLLIN, conn_now_ms() + 60000, "late"), -1);
	ck_assert_str_eq(c->why, "the transaction takes too long");
	conn_free(c);
	ck_assert_int_eq(close(heard.fd), 0);
}
END_TEST

/* We may have been stopped: what has come is the answer all the same. */
START_TEST(takes_what_was_there_in_time)
{
	int peer;
	struct conn *c = connected(&peer);

	ck_assert_int_eq(write(peer, "250 ok\r\n250-", 12), 12);
	ck_assert_int_eq(conn_reply(c, conn_now_ms() - 1), 0);
	ck_assert_uint_eq(c->norm.reply.code, 250);
	ck_assert_int_eq(conn_reply(c, conn_now_ms() - 1), -1);
	ck_assert_str_eq(c->why, "no answer in time");
	conn_free(c);
	ck_assert_int_eq(close(peer), 0);
}
END_TEST

static volatile sig_atomic_t stopped_fd;
static volatile int64_t stopped_until_ms;

/* As if we had been stopped, and answered meanwhile. */
static void
on_alarm(int number)
{
	ssize_t n = write(stopped_fd, "250 ok\r\n", 8);

	(void)number;
	while (n == 8 && conn_now_ms() <= stopped_until_ms)
		(void)poll(NULL, 0, 1);
}

/* The same in recv(2), which a stop interrupts. */
START_TEST(takes_what_came_while_stopped)
{
	struct conn_group group = { .lock = PTHREAD_MUTEX_INITIALIZER };
	struct sigaction action = { .sa_handler = on_alarm };
	int peer, got = -1;

	LIST_INIT(&group.conns);
	ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
	/* Early enough, and yet not before we wait. */
	for (int wait_ms = 40; got < 0 && wait_ms <= 5000; wait_ms *= 5) {
		struct itimerval timer = { .it_value.tv_usec = wait_ms * 100 };
		struct conn *c = connected(&peer);

		conn_join(c, &group);
		ck_assert_int_eq(conn_put(c, "NOOP\r\n", 6), 0);
		ck_assert_int_eq(conn_flush(c), 0);
		stopped_fd = peer;
		stopped_until_ms = conn_now_ms() + wait_ms;
		ck_assert_int_eq(setitimer(ITIMER_REAL, &timer, NULL), 0);
		got = conn_reply(c, stopped_until_ms);
		conn_free(c);
		ck_assert_int_eq(close(peer), 0);
	}
	ck_assert_int_eq(got, 0);
}
END_TEST

/* Though there always is something to be read. */
START_TEST(waits_no_longer_than_it_may)
{
	int peer;
	struct conn *c = connected(&peer);

	ck_assert_int_eq(write(peer, "x", 1), 1);
	ck_assert_int_eq(conn_wait(c, POLLIN, conn_now_ms() - 1, "late"), -1);
	ck_assert_str_eq(c->why, "late");
	conn_free(c);
	ck_assert_int_eq(close(peer), 0);
}
END_TEST

/* ---- what is told ---------------------------------------------------- */

static const struct {
	const char *reply;
	bool is_closed;
	const char *why;
} unasked[] = {
	{ "421 4.4.2 idle\r\n", true, "the server broke off: 421 4.4.2 idle" },
	{ "552 too big\r\n", false, "the server broke off: 552 too big" },
	{ "250 a\r\n", false,
	    "the server answered before it was asked: 250 a" },
	{ "354 go\r\n", true,
	    "the server answered before it was asked: 354 go" },
	{ "250", false, "the server sends without being asked" },
	{ "", true, "the server closed the connection" },
};

START_TEST(tells_what_came_unasked)
{
	const char *reply = unasked[_i].reply;
	int peer;
	struct conn *c = connected(&peer);

	ck_assert_int_eq(
	    write(peer, reply, strlen(reply)), (ssize_t)strlen(reply));
	if (unasked[_i].is_closed)
		ck_assert_int_eq(shutdown(peer, SHUT_WR), 0);
	ck_assert(!conn_is_quiet(c));
	ck_assert_str_eq(c->why, unasked[_i].why);
	conn_free(c);
	ck_assert_int_eq(close(peer), 0);
}
END_TEST

static const struct {
	const char *secret, *reply, *want;
} echoes[] = {
	{ "", "535 no\r\n", "535 no" },
	{ "s3cret", "535 no\r\n", "535 no" },
	{ "s3cret", "550 5.7.1 <s3cret> s3cret\r\n", "550 5.7.1 <…> …" },
	{ "s3cret", "550-s3cret\r\n550 xs3crets3c\r\n", "550 … x…s3c" },
	/* Of the user ann and the password, and of the password. */
	{ "s3cret pw", "500 AUTH PLAIN AGFubgBzM2NyZXQgcHc=, no\r\n",
	    "500 AUTH PLAIN …, no" },
	{ "s3cret pw", "500 czNjcmV0IHB3 YWJjZGVmZ2hpamts\r\n",
	    "500 … YWJjZGVmZ2hpamts" },
	{ "pass", "550 past\r\n", "550 past" },
	{ "pass", "550 pass\r\n", "550 …" },
	/* Too short to be looked for. */
	{ "no", "550 no such user\r\n", "550 no such user" },
	/* The code is the server's answer. */
	{ "550 no", "550 no\r\n", "550 no" },
	{ "p\303\244ss\303", "550 p\303\244ss\303\r\n", "550 …" },
};

START_TEST(tells_no_secret)
{
	int peer;
	struct conn *c = connected(&peer);
	const char *reply = echoes[_i].reply;
	struct reply before;
	char *said;

	conn_set_secret(c, "the one before, which was longer");
	conn_set_secret(c, echoes[_i].secret);
	ck_assert_int_eq(
	    write(peer, reply, strlen(reply)), (ssize_t)strlen(reply));
	ck_assert_int_eq(conn_reply(c, conn_now_ms() + 20000), 0);
	before = c->norm.reply;
	said = conn_said(c);
	ck_assert_str_eq(said, echoes[_i].want);
	free(said);
	ck_assert_uint_eq(c->norm.reply.len, before.len);
	ck_assert_int_eq(
	    memcmp(c->norm.reply.text, before.text, before.len), 0);
	conn_free(c);
	ck_assert_int_eq(close(peer), 0);
}
END_TEST

/* What C says of REPLY, of LEN, which PEER sends. */
static char *
said_of(struct conn *c, int peer, const char *reply, size_t len)
{
	char *said;

	ck_assert_int_eq(write(peer, reply, len), (ssize_t)len);
	ck_assert_int_eq(conn_reply(c, conn_now_ms() + 20000), 0);
	said = conn_said(c);
	ck_assert_ptr_nonnull(said);
	return said;
}

/* A reply that ends amid the secret, and one that is as long as can be. */
START_TEST(masks_in_long_replies)
{
	static char reply[6000], secret[CONN_SECRET_MAX + 1];
	int peer;
	struct conn *c = connected(&peer);
	char *said;

	memset(secret, 's', sizeof(secret) - 1);
	conn_set_secret(c, secret);
	ck_assert_str_eq(c->secret, secret);
	conn_set_secret(c, "sssx");
	memset(reply, 's', sizeof(reply));
	memcpy(reply, "550 ", 4);
	memcpy(reply + 990, "x", 1);
	memcpy(reply + sizeof(reply) - 2, "\r\n", 2);
	said = said_of(c, peer, reply, sizeof(reply));
	ck_assert_ptr_null(strchr(said, 'x'));
	free(said);
	conn_free(c);
	ck_assert_int_eq(close(peer), 0);
}
END_TEST

/* A secret that does not fit any more, as it is and in base64 ("kkk"). */
static const char *const cut[] = { "k", "a2tr" };

START_TEST(masks_what_is_left_of_a_secret)
{
	static char reply[6000], secret[CONN_SECRET_MAX + 1];
	size_t len = strlen(cut[_i]);
	int peer;
	struct conn *c = connected(&peer);
	char *said;

	memset(secret, 'k', sizeof(secret) - 1);
	conn_set_secret(c, secret);
	for (size_t i = 0; i < sizeof(reply); i++)
		reply[i] = cut[_i][i % len];
	memcpy(reply, "550 it is    ", 12);
	memcpy(reply + sizeof(reply) - 2, "\r\n", 2);
	said = said_of(c, peer, reply, sizeof(reply));
	ck_assert_ptr_null(strstr(said, "kkk"));
	ck_assert_ptr_null(strstr(said, "a2tr"));
	free(said);
	conn_free(c);
	ck_assert_int_eq(close(peer), 0);
}
END_TEST

/* ---- tokens ---------------------------------------------------------- */

static const struct {
	struct token_login login;
	const char *want;
} messages[] = {
	/* Google's own example. */
	{ { .mode = AUTH_XOAUTH2,
	      .user = "someuser@example.com",
	      .token = "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg",
	      .host = "x" },
	    "dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRm"
	    "dDRxbVRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0Q2cBAQ==" },
	/* RFC 7628 §4.1. */
	{ { .mode = AUTH_OAUTHBEARER,
	      .user = "user@example.com",
	      .token = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==",
	      .host = "server.example.com",
	      .port = 587 },
	    "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBv"
	    "cnQ9NTg3AWF1dGg9QmVhcmVyIHZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1s"
	    "emRHRXVZMjl0Q2c9PQEB" },
	{ { .mode = AUTH_OAUTHBEARER,
	      .user = "a,b=c",
	      .token = "t",
	      .host = "h",
	      .port = 1 },
	    "bixhPWE9MkNiPTNEYywBaG9zdD1oAXBvcnQ9MQFhdXRoPUJlYXJlciB0AQE=" },
};

START_TEST(says_who_bears_a_token)
{
	size_t len = 0;
	char *text = token_message(&messages[_i].login, &len);

	ck_assert_str_eq(text, messages[_i].want);
	ck_assert_uint_eq(len, strlen(text));
	free(text);
}
END_TEST

START_TEST(takes_a_long_token)
{
	static char token[8193];
	struct token_login login = {
		.mode = AUTH_XOAUTH2,
		.user = "u",
		.token = token,
		.host = "h",
	};
	size_t len = 0;
	char *text;

	memset(token, 'x', sizeof(token) - 1);
	text = token_message(&login, &len);
	ck_assert_ptr_nonnull(text);
	ck_assert_uint_eq(len, (8192 + 21 + 2) / 3 * 4);
	/* RFC 4954 §4. */
	ck_assert_uint_le(len, 12288 - 2);
	free(text);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("conn");
	TCase *tc = tcase_create("all");

	tcase_add_loop_test(tc, tells_of_a_slow_reply, 0, COUNT(waits));
	tcase_add_test(tc, waits_without_polling);
	tcase_add_test(tc, knows_how_it_ended);
	tcase_add_test(tc, tells_of_a_reply_that_never_comes);
	tcase_add_test(tc, ends_what_takes_too_long);
	tcase_add_test(tc, takes_what_was_there_in_time);
	tcase_add_test(tc, takes_what_came_while_stopped);
	tcase_add_test(tc, waits_no_longer_than_it_may);
	tcase_add_loop_test(tc, tells_what_came_unasked, 0, COUNT(unasked));
	tcase_add_loop_test(tc, tells_no_secret, 0, COUNT(echoes));
	tcase_add_test(tc, masks_in_long_replies);
	tcase_add_loop_test(tc, masks_what_is_left_of_a_secret, 0, COUNT(cut));
	tcase_add_loop_test(tc, says_who_bears_a_token, 0, COUNT(messages));
	tcase_add_test(tc, takes_a_long_token);
	suite_add_tcase(s, tc);
	return unit_main(s);
}
