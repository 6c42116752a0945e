/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * What the parts of the scripted SMTP server share; smtpd.c says what it is.
 *
 * smtpd.c	listening, starting and ending
 * options.c	the command line
 * script.c	rules: parsing and matching
 * action.c	what a rule makes the server do
 * session.c	the dialogue, auth.c its AUTH, data.c what follows 354
 * io.c		bytes in and out, with and without TLS
 * store.c	messages, transcript and figures on disk
 */

#ifndef TEST_SMTPD_H
#define TEST_SMTPD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <openssl/ssl.h>

/* Longest command line accepted, with its CRLF. */
#define LINE_SIZE 4096
/* Most lines that --ehlo takes. */
#define EHLO_LINES_MAX 32

/* Where a rule may step in; stage_name() has the script's words. */
enum stage {
	STAGE_CONNECT,
	STAGE_TLS, /* before the handshake */
	STAGE_EHLO,
	STAGE_HELO,
	STAGE_STARTTLS,
	STAGE_AUTH,    /* the command */
	STAGE_AUTHEND, /* the reply to the credentials */
	STAGE_MAIL,
	STAGE_RCPT,
	STAGE_DATA, /* instead of 354 */
	STAGE_DOT,  /* the final reply */
	STAGE_RSET,
	STAGE_NOOP,
	STAGE_QUIT,
	STAGES
};

struct conn;
struct action;

/* ---- script.c -------------------------------------------------------- */

enum action_argument {
	TAKES_NOTHING,
	TAKES_BYTES,
	TAKES_NUMBER,
	MAY_TAKE_NUMBER,
	TAKES_SECONDS /* kept as milliseconds */
};

/* False: the connection is to be closed now. */
typedef bool action_fn(struct conn *c, const struct action *action);

struct action_kind {
	const char *name;
	enum action_argument takes;
	unsigned long number; /* if it may take one and has none */
	action_fn *run;
};

struct action {
	const struct action_kind *kind;
	char *bytes; /* NUL after LEN bytes */
	size_t len;
	unsigned long number;
};

struct rule {
	struct rule *next;
	enum stage stage;
	/* 0: any.  Counted from 1. */
	unsigned long nth, from, to, every; /* of all connections */
	unsigned long of_conn, of_message, session;
	unsigned long times; /* matches only so often */
	unsigned long hits;  /* how often it has */
	char *glob;          /* NULL: any */
	struct action *actions;
	size_t nactions;
};

struct script {
	struct rule *first, *last;
};

/* The places at which an event stands, for matching; each from 1. */
struct occasion {
	enum stage stage;
	unsigned long nth, of_conn, of_message, session;
	const char *argument;
};

/*
 * Append the rule LINE (empty and comment lines: none).  0, or -1 with a
 * clause for the user in ERR.
 */
int script_add(struct script *s, const char *line, char *err, size_t size);

/* Append the rules of the file PATH; as script_add(). */
int script_read(struct script *s, const char *path, char *err, size_t size);

/* The first rule that matches, and is counted, or NULL.  One thread a time. */
const struct rule *script_match(struct script *s, const struct occasion *o);

void script_release(struct script *s);

const char *stage_name(enum stage stage);

/* ---- the server ------------------------------------------------------ */

struct server {
	/* Set before the first connection, constant from then on. */
	const char *listen, *port, *port_file, *out, *log_path, *name;
	const char *cert, *key, *user, *password, *mechs;
	const char *unix_path, *tokens, *times_path;
	const char *ehlo[EHLO_LINES_MAX], *without[EHLO_LINES_MAX];
	size_t nehlo, nwithout;
	bool own_ehlo, implicit_tls, require_auth, require_tls, with_parent;
	int tls_min, tls_max;
	unsigned long max_size, max_connections, seed;
	unsigned long reply_delay_ms, max_messages; /* 0: none */
	struct script script;
	SSL_CTX *tls;
	int out_fd;  /* -1: nothing is kept */
	int stop_fd; /* becomes readable when the server stops */
	int listen_fd;
	FILE *log;   /* NULL: none */
	FILE *times; /* of accepted messages; NULL: not kept */

	pthread_mutex_t lock; /* for all below */
	pthread_cond_t ended; /* a connection's thread has ended */
	struct conn *conns;
	unsigned long seen[STAGES];
	unsigned long connections, threads, max_concurrent, messages;
	unsigned long *per_connection; /* messages, by number - 1 */
	size_t per_connection_room;
	bool dirty; /* the figures have changed since written */
};

/* ---- a connection ---------------------------------------------------- */

struct message {
	bool open;    /* MAIL was accepted */
	bool is_utf8; /* with SMTPUTF8 */
	char *sender; /* without <> */
	FILE *env;    /* envelope as text, in a growing buffer */
	char *env_text;
	size_t env_len;
	size_t nrcpts;
	FILE *data;         /* NULL: not kept */
	char data_name[32]; /* temporary, in --out */
	unsigned long bytes, received, bare_lf, bare_cr, nuls;
	bool stored;
};

/* How the data phase is to break, after cut_at bytes. */
enum cut { CUT_NONE, CUT_DROP, CUT_RST, CUT_STALL };

struct conn {
	struct server *server;
	struct conn *next;
	unsigned long number;
	int fd;
	SSL *ssl;
	bool dead;  /* not to be talked to any more */
	bool reset; /* to be closed by RST */
	char peer[80];
	char sni[256];
	unsigned char in[8192];
	size_t in_pos, in_len;
	int64_t in_ms;     /* when these bytes came, or the connection */
	bool answered;     /* something was sent since */
	unsigned groups;   /* of bytes that had to wait for an answer, since the
			      last message */
	unsigned messages; /* accepted */
	uint64_t random;
	unsigned long drip_ms; /* for the reply at hand */
	unsigned long seen[STAGES], seen_in_message[STAGES];

	char helo[256];
	char auth[256]; /* identity, "" none */
	struct message msg;
	enum cut cut;
	unsigned long cut_at;

	bool too_many; /* to be sent away with 421 */
	bool refused;  /* greeted with 5xx: only QUIT is served */

	/* The event at hand, for actions. */
	enum stage stage;
	const char *default_reply;
	char reply_class; /* first byte of the last reply, 0: none yet */
};

/* ---- action.c -------------------------------------------------------- */

const struct action_kind *action_find(const char *name);

/*
 * Answer an event: what the script says, else REPLY (without CRLF, lines
 * separated by CRLF; NULL: nothing).  The first digit of what was sent, 0
 * if that was nothing, or -1 if the connection is dead.
 */
int respond(
    struct conn *c, enum stage stage, const char *argument, const char *reply);

/* ---- options.c ------------------------------------------------------- */

/* Complain about VALUE; EX_USAGE. */
int usage(const char *what, const char *value);

/* 0, an exit status, or -1 after --help. */
int parse_options(struct server *s, int argc, char **argv);

/* ---- io.c ------------------------------------------------------------ */

/* True if at least one byte waits in c->in. */
bool conn_fill(struct conn *c);

/*
 * Read a line of at most SIZE - 1 bytes into LINE, CRLF or LF removed.
 * 1, 0 at the end of the connection, -1 for a line that is too long or has a
 * NUL (it is skipped).
 */
int conn_line(struct conn *c, char *line, size_t size);

/* False when the peer is gone.  Drips if the reply at hand is to. */
bool conn_write(struct conn *c, const void *bytes, size_t len);

/* Write REPLY and CRLF, with a line in the log, as late as --reply-delay
 * wants. */
bool conn_reply(struct conn *c, const char *reply, size_t len);

/* Milliseconds since some time in the past. */
int64_t monotonic_ms(void);

/* False when the server stops meanwhile. */
bool conn_sleep(const struct conn *c, unsigned long ms);

/* Wait until the peer closes, reading all it sends if READING. */
void conn_wait_gone(struct conn *c, bool reading);

/* The server's side of the handshake; false when it fails. */
bool conn_start_tls(struct conn *c);

/* Close: politely for the TCP layer, or by RST. */
void conn_close(struct conn *c);

/* ---- auth.c ---------------------------------------------------------- */

/* AUTH with its ARGUMENTS; false when the connection is dead. */
bool auth_command(struct conn *c, char *arguments);

/* ---- data.c ---------------------------------------------------------- */

/* Receive the message after 354.  False when the connection is dead. */
bool data_receive(struct conn *c);

/* ---- session.c ------------------------------------------------------- */

/* The whole connection; a pthread's start routine with a struct conn. */
void *session_thread(void *conn);

/* ---- store.c --------------------------------------------------------- */

void message_begin(struct conn *c, const char *address, const char *params);
void message_add_rcpt(struct conn *c, const char *address, const char *params);
bool message_open_data(struct conn *c);
/* Keep the message, once.  False if it cannot be written. */
bool message_store(struct conn *c);
void message_reset(struct conn *c);

/* A line in the transcript: MARK is "C:", "S:" or "--". */
void log_bytes(
    const struct conn *c, const char *mark, const void *bytes, size_t len);
void log_text(const struct conn *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* A line in the file of --times: C's message is accepted. */
void times_add(const struct conn *c);

/* Write the figures if they have changed. */
void stats_write(struct server *s);

#endif
