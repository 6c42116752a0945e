/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * spoold-smtp: the delivery agent for a relay that speaks SMTP.  It talks to
 * spoold as spoold/agent-protocol.h says and knows nothing of queues,
 * retries or bounces.
 *
 * A process of its own, because a server can make libESMTP crash: here that
 * costs a retry.
 */

#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/fsutil.h"
#include "lib/log.h"
#include "lib/wire.h"
#include "spoold/agent-input.h"
#include "spoold/smtp/pool.h"
#include "spoold/smtp/probe.h"
#include "spoold/smtp/selftest.h"
#include "spoold/smtp/tls.h"

struct agent {
	struct relay_settings rs;
	struct spool sp;
	struct say say;
	struct pool pool;
	struct tls_context *tc;
	bool is_going; /* "go" was said */
	bool has_spool;
	bool has_pool;
	unsigned probe_s; /* only look whether the relay is well, so long at
			     most; 0: deliver */
};

/*
 * No password in a core dump, no files of a user's taken for libESMTP's
 * settings, no death by a closed connection.
 */
static int
prepare_process(void)
{
	const struct rlimit none = { 0, 0 };

	if (fs_open_std_fds() < 0)
		return -errno;
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN); /* the log may have its limit */
	/* What a terminal sends to all is for spoold to pass on. */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGTSTP, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	if (setrlimit(RLIMIT_CORE, &none) < 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
	    setenv("HOME", "/nonexistent", 1) < 0 ||
	    setenv("XDG_CONFIG_DIR", "/nonexistent", 1) < 0)
		return -errno;
	return 0;
}

static int
agent_set(struct agent *agent, const char *key, const char *value)
{
	const char *why = NULL;
	int err;

	if (agent->is_going || key == NULL || value == NULL) {
		log_msg(LOG_ERR, "protocol: 'set' out of place");
		return EX_PROTOCOL;
	}
	err = settings_set(&agent->rs, key, value, &why);
	if (err == 0)
		return EX_OK;
	log_msg(LOG_ERR, "setting '%s': %s", key,
	    why != NULL ? why : strerror(-err));
	return err == -EINVAL ? EX_USAGE : EX_OSERR;
}

static int
open_spool(struct agent *agent)
{
	char *why = NULL;
	int err = spool_open(&agent->sp, ".", SPOOL_READ, &why);

	if (err == 0) {
		agent->has_spool = true;
		return EX_OK;
	}
	log_msg(LOG_ERR, "spool: %s", why != NULL ? why : strerror(-err));
	free(why);
	return EX_NOINPUT;
}

/* Whether libESMTP has to log in; tokens are our own business. */
static bool
needs_mechanism(const struct relay_settings *rs)
{
	return rs->user != NULL && rs->auth != AUTH_XOAUTH2 &&
	    rs->auth != AUTH_OAUTHBEARER;
}

/* Whether libESMTP is as we need it; *RET are the mechanisms it has. */
static int
test_library(const struct agent *agent, unsigned *ret)
{
	char why[300];

	if (selftest_run(ret, why, sizeof(why)) < 0) {
		log_msg(LOG_ERR, "self-test: %s", why);
		return -1;
	}
	if (needs_mechanism(&agent->rs) && *ret == 0) {
		log_msg(LOG_ERR,
		    "self-test: libESMTP finds none of its AUTH "
		    "plug-ins");
		return -1;
	}
	return 0;
}

static int
agent_probe(struct agent *agent, unsigned mechanisms)
{
	int err = probe_run(&agent->rs, agent->tc, mechanisms, agent->probe_s,
	    &agent->say);

	return err < 0 ? EX_OSERR : EX_OK;
}

static int
agent_go(struct agent *agent)
{
	const char *fault = settings_fault(&agent->rs);
	unsigned mechanisms = 0;
	int err;

	if (agent->is_going || fault != NULL) {
		log_msg(LOG_ERR, "protocol: %s",
		    fault != NULL ? fault : "'go' twice");
		return EX_USAGE;
	}
	agent->is_going = true;
	if (test_library(agent, &mechanisms) < 0)
		return EX_SOFTWARE;
	agent->tc = tls_context_new(&agent->rs);
	if (agent->tc != NULL && agent->probe_s > 0)
		return agent_probe(agent, mechanisms);
	err = agent->tc == NULL ? -ENOMEM
				: pool_init(&agent->pool, &agent->rs,
				      &agent->sp, agent->tc, &agent->say);
	if (err < 0) {
		log_msg(LOG_ERR, "cannot start: %s", strerror(-err));
		return EX_OSERR;
	}
	agent->has_pool = true;
	agent->pool.mechanisms = mechanisms;
	err = open_spool(agent);
	if (err == EX_OK)
		say(&agent->say, "ready", SAY_END);
	return err;
}

static int
agent_send(struct agent *agent, const char *id, const char *indexes)
{
	struct job *job;

	if (!agent->has_spool || id == NULL || indexes == NULL) {
		log_msg(LOG_ERR, "protocol: 'send' out of place");
		return EX_PROTOCOL;
	}
	job = job_new(id, indexes, &agent->say);
	if (job == NULL)
		say(&agent->say, "back", id, "local", strerror(ENOMEM),
		    SAY_END);
	else
		pool_add(&agent->pool, job);
	return EX_OK;
}

/* Act on a line; *RET_IS_END: it asks to stop. */
static int
agent_take(struct agent *agent, char *const *words, bool *ret_is_end)
{
	if (strcmp(words[0], "send") == 0)
		return agent_send(agent, words[1], words[2]);
	if (strcmp(words[0], "set") == 0)
		return agent_set(agent, words[1], words[2]);
	if (strcmp(words[0], "go") == 0) {
		*ret_is_end = agent->probe_s > 0;
		return agent_go(agent);
	}
	*ret_is_end = true;
	if (strcmp(words[0], "quit") == 0)
		return EX_OK;
	if (strcmp(words[0], "abort") == 0) {
		if (agent->has_pool)
			pool_abort(&agent->pool);
		return EX_OK;
	}
	log_msg(LOG_ERR, "protocol: unknown line '%s'", words[0]);
	return EX_PROTOCOL;
}

/* Read lines and act on them until one asks to stop. */
static int
agent_listen(struct agent *agent, struct input *input)
{
	char *words[INPUT_WORDS];
	bool is_end = false;
	int got, status = EX_OK;

	while (status == EX_OK && !is_end) {
		got = input_next(input, words);
		if (got == 0) {
			/* spoold has died, and the next one will send again
			 * what nobody hears us answer. */
			if (agent->has_pool)
				pool_abort(&agent->pool);
			break;
		}
		if (got < 0) {
			log_msg(LOG_ERR, "protocol: %s", strerror(-got));
			return EX_PROTOCOL;
		}
		status = agent_take(agent, words, &is_end);
		input_release(words);
	}
	return status;
}

/* Let sessions finish what they do; an "abort" may still follow. */
static void
agent_finish(struct agent *agent, struct input *input)
{
	char *words[INPUT_WORDS];
	int fd = STDIN_FILENO;

	pool_stop(&agent->pool);
	while ((fd >= 0 && input_has_line(input)) ||
	    !pool_wait(&agent->pool, fd)) {
		if (input_next(input, words) <= 0) {
			/* As in agent_listen(): spoold has died. */
			pool_abort(&agent->pool);
			fd = -1;
			continue;
		}
		if (strcmp(words[0], "abort") == 0)
			pool_abort(&agent->pool);
		input_release(words);
	}
	pool_release(&agent->pool);
}

/* "--probe SECONDS" or nothing; false: something else. */
static bool
take_arguments(struct agent *agent, int argc, char *argv[])
{
	unsigned long long limit_s;

	if (argc < 2)
		return true;
	if (argc != 3 || strcmp(argv[1], "--probe") != 0 ||
	    !wire_number(span_of(argv[2]), 3600, &limit_s) || limit_s == 0)
		return false;
	agent->probe_s = (unsigned)limit_s;
	return true;
}

int
main(int argc, char *argv[])
{
	struct agent agent = {
		.say = SAY_INITIALIZER(STDOUT_FILENO),
		.sp = { .dir_fd = -1 },
	};
	struct input *input;
	int status;

	log_init("spoold-smtp");
	if (prepare_process() < 0 || settings_init(&agent.rs) < 0) {
		log_msg(LOG_ERR, "cannot start: %s", strerror(errno));
		return EX_OSERR;
	}
	if (!take_arguments(&agent, argc, argv)) {
		log_msg(LOG_ERR, "is started by spoold, or --probe SECONDS");
		return EX_USAGE;
	}
	input = input_new(STDIN_FILENO);
	status = input == NULL ? EX_OSERR : agent_listen(&agent, input);
	if (agent.has_pool)
		agent_finish(&agent, input);
	input_free(input);
	tls_context_free(agent.tc);
	if (agent.has_spool)
		spool_close(&agent.sp);
	say_release(&agent.say);
	settings_release(&agent.rs);
	return status;
}
