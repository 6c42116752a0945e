/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * spoold-maildir, the embedded relay: a delivery agent that speaks the
 * protocol of spoold/agent-protocol.h and keeps messages in a Maildir, for
 * machines that have no server to give them to.
 *
 * One job after the other: a delivery is a few system calls on the local
 * disk, and whoever wants more at once starts more agents.
 */

#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "lib/fsutil.h"
#include "lib/indexes.h"
#include "lib/log.h"
#include "lib/spool.h"
#include "lib/wire.h"
#include "spoold/agent-input.h"
#include "spoold/agent-protocol.h"
#include "spoold/maildir/maildir.h"

struct agent {
	struct spool spool;
	struct maildir maildir;
	char *path;   /* of the Maildir */
	bool started; /* "go" was said */
};

/*
 * What handling a line says: go on, end well, or a sysexits code with which
 * to end.
 */
enum { GO_ON = -1 };

static int64_t
monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The end of a line to spoold: it has to see it at once. */
static int
say_end(void)
{
	putchar('\n');
	return fflush(stdout) == 0 ? GO_ON : EX_IOERR;
}

/* "back ID WHY REASON" or "bad ID REASON": VERB is all before the reason. */
static int
say_reason(
    const char *verb, const char *id, const char *why, const char *reason)
{
	char text[AGENT_REPLY_MAX + 1];

	(void)snprintf(text, sizeof text, "[local] %s", reason);
	printf("%s %s %s", verb, id, why);
	wire_puts(stdout, text);
	return say_end();
}

static int
say_back(const char *id, bool is_relay, const char *reason)
{
	return say_reason("back", id, is_relay ? "relay " : "local ", reason);
}

static int
say_start(const char *id, const char *path)
{
	char server[AGENT_REPLY_MAX + 1];

	(void)snprintf(server, sizeof server, "maildir:%s", path);
	printf("start %s ", id);
	wire_puts(stdout, server);
	(void)fputs(" -", stdout);
	return say_end();
}

static int
say_delivered(const struct agent *a, const char *id, const struct qfile *qf,
    const struct places *places, int64_t delay_ms, const char *name)
{
	size_t n = places->place != NULL ? places->n : qf->env.nrcpts;
	char reply[AGENT_REPLY_MAX + 1];
	size_t i;

	(void)snprintf(reply, sizeof reply,
	    "250 2.0.0 [local] kept in %s/new/%s", a->path, name);
	for (i = 0; i < n; i++) {
		printf("rcpt %s %zu %s %lld ", id,
		    places->place != NULL ? places->place[i] : i,
		    outcome_name(OUTCOME_DELIVERED), (long long)delay_ms);
		wire_puts(stdout, reply);
		putchar('\n');
	}
	printf("done %s", id);
	return say_end();
}

/*
 * "0,4-7" or "*" as places of an envelope with NRCPTS recipients.  0,
 * -EINVAL or -ENOMEM; RET's array is the caller's.
 */
static int
parse_places(struct span list, size_t nrcpts, struct places *ret)
{
	if (span_is(list, "*")) {
		*ret = (struct places){ NULL, nrcpts };
		return 0;
	}
	return indexes_read(list, (unsigned)nrcpts, &ret->place, &ret->n);
}

static int
deliver(struct agent *a, const char *id, const struct qfile *qf,
    const struct places *places)
{
	int64_t begun_ms = monotonic_ms();
	char name[NAME_MAX + 1];
	struct maildir_error err;
	int result;

	if (say_start(id, a->path) != GO_ON)
		return EX_IOERR;
	result = maildir_deliver(&a->maildir, qf, places, name, &err);
	if (result < 0)
		return say_back(id, !err.in_spool, err.text);
	return say_delivered(
	    a, id, qf, places, monotonic_ms() - begun_ms, name);
}

static int
send_message(struct agent *a, const char *id, struct span indexes)
{
	const char *why = NULL;
	struct places places = { NULL, 0 };
	struct qfile qf;
	int result, next;

	result = qfile_open(&qf, &a->spool, SPOOL_QUEUE, id, &why);
	if (result == -EBADMSG)
		return say_reason("bad", id, "", why);
	if (result < 0)
		return say_back(id, false, strerror(-result));
	result = qfile_verify(&qf);
	if (result == -EBADMSG)
		next = say_reason("bad", id, "", "the checksum is wrong");
	else if (result < 0)
		next = say_back(id, false, strerror(-result));
	else if (parse_places(indexes, qf.env.nrcpts, &places) < 0)
		next = say_back(id, false, "no such recipients");
	else
		next = deliver(a, id, &qf, &places);
	free(places.place);
	qfile_close(&qf);
	return next;
}

/* ---- lines from spoold ----------------------------------------------- */

static int
do_set(struct agent *a, char *const *words)
{
	const char *key = words[1], *value = words[2];
	char *path;

	if (key == NULL || value == NULL || a->started) {
		log_msg(LOG_ERR, "malformed setting from spoold");
		return EX_PROTOCOL;
	}
	/* The name is for those who speak of the relay. */
	if (strcmp(key, "relay") == 0)
		return GO_ON;
	/* Any other: somebody wanted mail to go elsewhere. */
	if (strcmp(key, "maildir") != 0) {
		log_msg(LOG_ERR, "a Maildir has no setting '%.64s'", key);
		return EX_CONFIG;
	}
	if (value[0] != '/') {
		log_msg(LOG_ERR, "the Maildir's path is not absolute");
		return EX_CONFIG;
	}
	path = strdup(value);
	if (path == NULL)
		return EX_OSERR;
	free(a->path);
	a->path = path;
	return GO_ON;
}

static int
do_go(struct agent *a, char *const *words)
{
	(void)words;
	if (a->path == NULL) {
		log_msg(LOG_ERR, "no Maildir is set");
		return EX_CONFIG;
	}
	/*
	 * Whether it can be written is found out with each message: a full
	 * disk is the relay's trouble, not the agent's.
	 */
	a->maildir.path = a->path;
	a->started = true;
	printf("ready");
	return say_end();
}

static int
do_send(struct agent *a, char *const *words)
{
	if (!a->started || words[1] == NULL || words[2] == NULL) {
		log_msg(LOG_ERR, "malformed job from spoold");
		return EX_PROTOCOL;
	}
	if (!spool_is_id(words[1])) {
		log_msg(LOG_ERR, "job from spoold without an id");
		return EX_PROTOCOL;
	}
	return send_message(a, words[1], span_of(words[2]));
}

static int
do_end(struct agent *a, char *const *words)
{
	(void)a;
	(void)words;
	return EX_OK;
}

static int
handle_line(struct agent *a, char *const *words)
{
	static const struct {
		const char *verb;
		int (*run)(struct agent *a, char *const *words);
	} verbs[] = {
		{ "set", do_set },
		{ "go", do_go },
		{ "send", do_send },
		{ "quit", do_end },
		{ "abort", do_end },
	};
	size_t i;

	for (i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
		if (strcmp(words[0], verbs[i].verb) == 0)
			return verbs[i].run(a, words);
	log_msg(LOG_ERR, "unknown command from spoold");
	return EX_PROTOCOL;
}

static int
serve(struct agent *a)
{
	struct input *input = input_new(STDIN_FILENO);
	char *words[INPUT_WORDS];
	int next = GO_ON, more;

	if (input == NULL)
		return EX_OSERR;
	while (next == GO_ON) {
		more = input_next(input, words);
		if (more > 0) {
			next = handle_line(a, words);
			input_release(words);
		} else if (more < 0) {
			log_msg(LOG_ERR, "cannot read from spoold: %s",
			    strerror(-more));
			next = EX_PROTOCOL;
		} else {
			next = EX_OK;
		}
	}
	input_free(input);
	return next;
}

int
main(int argc, char *argv[])
{
	struct agent a = { .path = NULL };
	char *why = NULL;
	int result;

	(void)argv;
	log_init("spoold-maildir");
	if (argc != 1) {
		fprintf(stderr, "spoold-maildir is started by spoold\n");
		return EX_USAGE;
	}
	(void)fs_open_std_fds();
	/*
	 * A spoold that has gone shows as a failed write, after the delivery;
	 * and what a terminal sends to all is for spoold to pass on.
	 */
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN); /* a disk that is full, no death */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGTSTP, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);

	result = spool_open(&a.spool, ".", SPOOL_READ, &why);
	if (result < 0) {
		log_msg(LOG_ERR, "cannot open the spool: %s",
		    why != NULL ? why : strerror(-result));
		free(why);
		return EX_NOINPUT;
	}
	result = serve(&a);
	free(a.path);
	spool_close(&a.spool);
	return result;
}
