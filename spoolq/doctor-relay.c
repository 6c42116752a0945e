/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The doctor's look at relays: each of their hosts is probed by an agent of
 * its own, many at once, and told of in the order of the configuration.
 */

#include "config.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/wire.h"
#include "spoold/agent-protocol.h"
#include "spoolq/doctor-agent.h"
#include "spoolq/doctor.h"
#include "spoolq/output.h"

/* Agents at once. */
#define PROBES_MAX 16
/* A whole probe may last so many steps. */
#define STEPS_MAX 3
/* "probe" and six fields behind it. */
#define FIELDS 7

/* ---- what to do ------------------------------------------------------ */

static const struct {
	const char *step;
	const char *with; /* in the text; NULL: anything */
	const char *advice;
} advices[] = {
	{ "resolve", NULL,
	    "check the name in spoold.conf; ask DNS: getent hosts NAME" },
	{ "srv", "tls = ", "set tls = starttls, or name the host" },
	{ "srv", NULL, "check the domain behind srv:, or name the host" },
	{ "connect", "refused",
	    "check host and port; is the server running, a firewall between?" },
	{ "connect", "permission",
	    "the spool's owner has to be let through to that socket" },
	{ "connect", NULL,
	    "check host, port and the network; a firewall may drop it" },
	{ "tls", "until", "have it renewed before mail stops" },
	{ "tls", "expired on", "have the server's administrator renew it" },
	{ "tls", "expired", "have the server's administrator renew it" },
	{ "tls", "not valid before", "check this machine's clock" },
	{ "tls", "name does not match",
	    "use a name that is in the certificate as host" },
	{ "tls", "CA", "set ca_file to its CA's certificate, or fingerprint" },
	{ "tls", "self-signed", "set ca_file to it, or fingerprint" },
	{ "tls", "fingerprint",
	    "if the server has a new certificate, set that fingerprint" },
	{ "tls", "cannot", "check the files that spoold.conf names" },
	{ "tls", "not offered",
	    "ask for STARTTLS there, or use port 465 with tls = implicit" },
	{ "tls", NULL,
	    "check tls and port: 587 is for starttls, 465 for "
	    "implicit" },
	{ "greeting", "TLS", "check tls and port: 465 is for tls = implicit" },
	{ "greeting", NULL, "ask the server's administrator; check tls, port" },
	{ "ehlo", NULL, "ask the server's administrator; check helo" },
	{ "login", "file", "check password_file, its owner and its mode" },
	{ "login", "command", "check password_command as the spool's owner" },
	{ "login", "offered", "check auth, port, and tls" },
	{ "login", "TLS", "set tls = starttls or tls = implicit" },
	{ "login", NULL, "check user and password with the relay's owner" },
};

static const char *
advice_for(const char *step, const char *text)
{
	for (size_t i = 0; i < sizeof(advices) / sizeof(advices[0]); i++)
		if (strcmp(advices[i].step, step) == 0 &&
		    (advices[i].with == NULL ||
			strcasestr(text, advices[i].with) != NULL))
			return advices[i].advice;
	return NULL;
}

/* ---- what an agent says ---------------------------------------------- */

/* The next field as a number, 0 if it is none. */
static unsigned long long
number_of(const char *field)
{
	unsigned long long number;

	if (field == NULL || !wire_number(span_of(field), INT64_MAX, &number))
		return 0;
	return number;
}

/* What EHLO said of sizes: larger messages bounce. */
static void
check_size(struct doctor *d, const struct finding *f, uint64_t size)
{
	uint64_t ours = d->ctx->cfg.message_size_max;
	char theirs_text[OUTPUT_WORD], ours_text[OUTPUT_WORD], text[200];
	struct finding more = *f;

	if (size == 0)
		return;
	output_size(size, theirs_text);
	output_size(ours, ours_text);
	more.check = "size";
	more.grade = size < ours ? GRADE_WARN : GRADE_OK;
	more.advice = "lower message_size_max: what is larger bounces later";
	more.delay_ms = -1;
	more.text = text;
	(void)snprintf(text, sizeof(text),
	    "messages up to %s, sendmail takes %s", theirs_text, ours_text);
	doctor_put(d, &more);
}

static void
tell_step(struct doctor *d, const char *relay, char *const words[])
{
	const char *step = words[1], *result = words[2];
	struct finding f = {
		.grade = strcmp(result, "ok") == 0 ? GRADE_OK
		    : strcmp(result, "warn") == 0  ? GRADE_WARN
						   : GRADE_FAIL,
		.check = step,
		.relay = relay,
		.server = words[3],
		.advice = advice_for(step, words[5]),
		.text = words[5],
		.delay_ms = (int64_t)number_of(words[4]),
	};

	if (strcmp(step, "tls") == 0)
		f.expires_s = (int64_t)number_of(words[6]);
	doctor_put(d, &f);
	if (strcmp(step, "ehlo") == 0)
		check_size(d, &f, number_of(words[6]));
}

/* A line that begins with "probe"; whether it was one. */
static bool
take_line(struct doctor *d, const char *relay, struct span line)
{
	char *words[FIELDS] = { NULL };
	struct span field;
	size_t n = 0;
	bool is_good = false;

	while (n < FIELDS && wire_next(&line, &field))
		if ((words[n++] = wire_get(field)) == NULL)
			goto out;
	is_good = n >= FIELDS - 1 && strcmp(words[0], "probe") == 0;
	if (is_good)
		tell_step(d, relay, words);
out:
	for (size_t i = 0; i < n; i++)
		free(words[i]);
	return is_good;
}

static void
say_relay(struct doctor *d, enum grade grade, const char *relay,
    const char *host, const char *advice, const char *text)
{
	doctor_put(d,
	    &(struct finding){
		.grade = grade,
		.check = "probe",
		.relay = relay,
		.server = host,
		.advice = advice,
		.text = text,
		.delay_ms = -1,
	    });
}

/* All that PROBE has said. */
static void
tell_probe(struct doctor *d, const struct relay_config *relay, const char *host,
    const struct agent_probe *probe)
{
	struct span rest = span_of(probe->text != NULL ? probe->text : "");
	struct span line;
	char *last = NULL;
	bool has_ended =
	    WIFEXITED(probe->status) && WEXITSTATUS(probe->status) == 0;

	while (wire_line(&rest, &line)) {
		if (take_line(d, relay->name, line))
			continue;
		free(last);
		last = strndup(line.ptr, line.len);
	}
	if (probe->is_late)
		say_relay(d, GRADE_FAIL, relay->name, host,
		    "try again with a longer --timeout",
		    "the probe was not done in time");
	else if (!has_ended)
		say_relay(d, GRADE_FAIL, relay->name, host,
		    "is spoold installed as a whole?",
		    last != NULL ? last : "the delivery agent died");
	free(last);
}

/* ---- relays ---------------------------------------------------------- */

static unsigned
least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Start a probe of one host of RELAY. */
static int
start_probe(const struct doctor *d, struct agent_probe *probe,
    const struct relay_config *relay, size_t host, unsigned step_s)
{
	struct relay_config one = *relay;

	one.hosts = &relay->hosts[host];
	one.nhosts = 1;
	one.connect_timeout_s = least(relay->connect_timeout_s, step_s);
	one.reply_timeout_s = least(relay->reply_timeout_s, step_s);
	/* Nobody else can read the password. */
	if (!d->is_owner) {
		one.user = NULL;
		one.password_file = NULL;
		one.password_command = NULL;
		one.password = NULL;
		one.auth = AUTH_AUTO;
	}
	return agent_probe_start(probe, &one, STEPS_MAX * step_s);
}

/* A host of a relay; PROBE is started for it. */
struct visit {
	const struct relay_config *relay;
	size_t host;
	int err;
};

/* Look at the first of the N VISITS; returns at how many. */
static size_t
check_hosts(struct doctor *d, struct visit *visits, size_t n, unsigned step_s)
{
	struct agent_probe probes[PROBES_MAX];

	if (n > PROBES_MAX)
		n = PROBES_MAX;
	for (size_t i = 0; i < n; i++)
		visits[i].err = start_probe(
		    d, &probes[i], visits[i].relay, visits[i].host, step_s);
	for (size_t i = 0; i < n; i++) {
		const struct relay_config *relay = visits[i].relay;
		const char *host = relay->hosts[visits[i].host];

		while (probes[i].out_fd >= 0)
			agent_probe_wait(probes, n);
		if (visits[i].err < 0)
			say_relay(d, GRADE_FAIL, relay->name, host, NULL,
			    strerror(-visits[i].err));
		else
			tell_probe(d, relay, host, &probes[i]);
	}
	for (size_t i = 0; i < n; i++)
		agent_probe_release(&probes[i]);
	return n;
}

static void
check_maildir(struct doctor *d, const struct relay_config *relay)
{
	bool is_good = access(relay->maildir, W_OK | X_OK) == 0;

	doctor_put(d,
	    &(struct finding){
		.grade = is_good ? GRADE_OK : GRADE_FAIL,
		.check = "maildir",
		.relay = relay->name,
		.server = relay->maildir,
		.advice = "make it, writable for the spool's owner",
		.text = is_good ? "can be written to" : strerror(errno),
		.delay_ms = -1,
	    });
}

/* All hosts of RELAY as VISITS (NULL: only count); how many. */
static size_t
list_hosts(const struct relay_config *relay, struct visit *visits)
{
	for (size_t i = 0; visits != NULL && i < relay->nhosts; i++)
		visits[i] = (struct visit){ .relay = relay, .host = i };
	return relay->nhosts;
}

/* The same of all relays, or of that called NAME. */
static size_t
list_visits(const struct config *cfg, const char *name, struct visit *visits)
{
	size_t n = 0;

	for (size_t i = 0; i < cfg->nrelays; i++)
		if (name == NULL || strcmp(cfg->relays[i].name, name) == 0)
			n += list_hosts(&cfg->relays[i],
			    visits != NULL ? visits + n : NULL);
	return n;
}

void
doctor_check_relays(struct doctor *d, const char *name, unsigned step_s)
{
	const struct config *cfg = &d->ctx->cfg;
	size_t done = 0, n = list_visits(cfg, name, NULL);
	struct visit *visits = calloc(n + 1, sizeof(visits[0]));

	if (visits == NULL) {
		warnx("out of memory");
		return;
	}
	for (size_t i = 0; i < cfg->nrelays; i++)
		if (cfg->relays[i].maildir != NULL &&
		    (name == NULL || strcmp(cfg->relays[i].name, name) == 0))
			check_maildir(d, &cfg->relays[i]);
	(void)list_visits(cfg, name, visits);
	while (done < n)
		done += check_hosts(d, visits + done, n - done, step_s);
	free(visits);
}
