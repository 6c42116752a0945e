/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "spoold/agent-protocol.h"
#include "spoold/smtp/auth.h"
#include "spoold/smtp/certificate.h"
#include "spoold/smtp/dial.h"
#include "spoold/smtp/opening-work.h"
#include "spoold/smtp/probe-login.h"
#include "spoold/smtp/probe.h"
#include "spoold/smtp/resolve.h"

#define DAY_S 86400
/* Addresses of a name that are looked at. */
#define ADDRESSES_MAX 16
/* The server of a line: a peer's name, or what is configured. */
#define SERVER_MAX CONN_PEER_MAX

struct probe {
	const struct relay_settings *rs;
	struct relay_settings silent; /* RS without a login */
	struct say *say;
	struct opening *o;
	struct conn *c;
	struct capabilities caps;
	unsigned mechanisms;
	bool has_logged_in;
	int64_t since_ms; /* the step at hand began */
	const struct place *place;
	char server[SERVER_MAX];
};

/* ---- what is said ---------------------------------------------------- */

/* NUMBER, if there is one, is another field. */
static void
put(struct probe *p, const char *step, const char *result, const char *text,
    int64_t number)
{
	char delay[24], extra[24];
	int64_t now_ms = conn_now_ms();

	(void)snprintf(delay, sizeof(delay), "%" PRId64, now_ms - p->since_ms);
	(void)snprintf(extra, sizeof(extra), "%" PRId64, number);
	p->since_ms = now_ms;
	say(p->say, "probe", step, result, p->server, delay, text,
	    number != 0 ? extra : SAY_END, SAY_END);
}

static void __attribute__((format(printf, 4, 5))) tell(
    struct probe *p, const char *step, const char *result, const char *fmt, ...)
{
	char text[AGENT_REPLY_MAX];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	put(p, step, result, text, 0);
}

/* The connection is dead. */
static void
tell_failure(struct probe *p, const char *step)
{
	tell(p, step, "fail", "%s", p->c->why);
}

static bool
is_local(const struct probe *p)
{
	return p->c->is_loopback ||
	    strncmp(p->server, "unix:", sizeof("unix:") - 1) == 0;
}

/* What is told of a handshake that went well. */
static void
tell_certificate(struct probe *p)
{
	struct certificate cert;
	char text[900], until[40] = "?";
	int64_t left_s;
	time_t expires;
	struct tm tm;
	bool is_late;

	if (certificate_describe(p->c->ssl, &cert) < 0) {
		tell(p, "tls", "warn", "the server has no certificate");
		return;
	}
	expires = (time_t)cert.expires_s;
	if (gmtime_r(&expires, &tm) != NULL)
		(void)strftime(until, sizeof(until), "%Y-%m-%d", &tm);
	left_s = cert.expires_s - (int64_t)time(NULL);
	is_late = left_s < (int64_t)AGENT_PROBE_EXPIRY_DAYS * DAY_S;
	(void)snprintf(text, sizeof(text),
	    "%s, '%s' by '%s', %s %s (%" PRId64 " day%s)%s%s", cert.protocol,
	    cert.subject, cert.issuer, left_s < 0 ? "expired" : "until", until,
	    left_s / DAY_S, left_s / DAY_S == 1 ? "" : "s",
	    p->c->is_verified ? "" : "; not verified: ",
	    p->c->is_verified        ? ""
		: cert.fault != NULL ? cert.fault
				     : "unknown");
	put(p, "tls", is_late ? "warn" : "ok", text, cert.expires_s);
}

/* There will be no TLS with this server. */
static void
tell_no_tls(struct probe *p)
{
	if (p->place->tls == TLS_NONE)
		tell(p, "tls", "ok", "none, as configured");
	else
		tell(p, "tls", is_local(p) ? "ok" : "warn",
		    "not offered: mail goes in clear");
}

/* Whether EHLO will be said again, behind STARTTLS, when it counts. */
static bool
is_preliminary(const struct probe *p)
{
	if (p->c->ssl != NULL || p->place->tls == TLS_NONE)
		return false;
	return p->caps.has_starttls || p->place->tls == TLS_STARTTLS;
}

static void
tell_offer(struct probe *p)
{
	const struct capabilities *caps = &p->caps;
	char text[200];

	if (is_preliminary(p))
		return;
	if (p->c->ssl == NULL)
		tell_no_tls(p);
	(void)snprintf(text, sizeof(text), "offers%s%s%s%s%s",
	    caps->has_pipelining ? " PIPELINING" : "",
	    caps->has_8bitmime ? " 8BITMIME" : "", caps->has_dsn ? " DSN" : "",
	    caps->has_smtputf8 ? " SMTPUTF8" : "",
	    caps->has_auth ? " AUTH" : "");
	put(p, "ehlo", "ok", text,
	    caps->size_limit > INT64_MAX ? 0 : (int64_t)caps->size_limit);
}

/* ---- the dialogue ---------------------------------------------------- */

static const char *const step_names[] = {
	[DIALOGUE_TLS] = "tls",
	[DIALOGUE_GREETING] = "greeting",
	[DIALOGUE_EHLO] = "ehlo",
	[DIALOGUE_LOGIN] = "login",
};

static void
on_step(void *arg, enum dialogue_step step, enum trouble trouble)
{
	struct probe *p = arg;
	char *said;

	if (trouble != TROUBLE_NONE) {
		tell_failure(p, step_names[step]);
	} else if (step == DIALOGUE_TLS) {
		tell_certificate(p);
	} else if (step == DIALOGUE_EHLO) {
		tell_offer(p);
	} else if (step == DIALOGUE_GREETING) {
		said = conn_said(p->c);
		tell(p, "greeting", "ok", "%s", said != NULL ? said : "");
		free(said);
	}
}

/* After a dialogue that went well: what libESMTP would do now. */
static void
log_in(struct probe *p)
{
	struct credentials creds;
	char why[AGENT_REPLY_MAX];
	unsigned mechanism = 0;
	int result;

	if (p->place->rs->user == NULL)
		return;
	p->caps.mechanisms &= p->mechanisms;
	if (auth_prepare(p->c, p->rs, &p->caps, &creds, &mechanism, why,
		sizeof(why)) < 0) {
		tell(p, "login", "fail", "%s", why);
	} else if (mechanism == 0) {
		tell(p, "login", "ok", "as '%s', by a token", p->rs->user);
	} else {
		result = probe_login(p->c, mechanism, &creds, why, sizeof(why));
		if (result < 0)
			tell_failure(p, "login");
		else
			tell(p, "login", result == 0 ? "ok" : "fail",
			    "AUTH %s as '%s': %s", mechanism_name(mechanism),
			    p->rs->user, why);
	}
	explicit_bzero(&creds, sizeof(creds));
}

static void
say_goodbye(struct probe *p)
{
	struct conn *c = p->c;

	if (c->is_dead)
		return;
	if (conn_is_quiet(c) && conn_put(c, "QUIT\r\n", 6) == 0 &&
	    conn_flush(c) == 0 &&
	    conn_reply(c, conn_now_ms() + c->reply_timeout_ms) == 0 &&
	    c->norm.reply.code / 100 == 2)
		tell(p, "quit", "ok", "%u", c->norm.reply.code);
	else
		tell(p, "quit", "warn", "%s",
		    c->is_dead ? c->why : "not understood");
}

/* Talk to the server that C is connected to. */
static void
converse(struct probe *p, const struct candidate *at)
{
	struct place place = opening_place(p->o, at);

	if (p->has_logged_in)
		place.rs = &p->silent;
	place.on_step = on_step;
	place.on_step_arg = p;
	p->place = &place;
	if (dialogue_run(p->c, &place, p->o->tc, &p->caps) == TROUBLE_NONE)
		log_in(p);
	/* Not if it never came to that. */
	p->has_logged_in =
	    p->has_logged_in || !p->c->is_dead || p->c->is_login_trouble;
	say_goodbye(p);
}

/* DIALLED is what dialling said. */
static void
go_on(struct probe *p, const struct candidate *at, int dialled)
{
	if (dialled < 0) {
		tell_failure(p, "connect");
		return;
	}
	tell(p, "connect", "ok", "connected");
	converse(p, at);
}

/* ---- hosts ----------------------------------------------------------- */

static void
set_server(struct probe *p, const char *name)
{
	(void)snprintf(p->server, sizeof(p->server), "%s", name);
}

static void
tell_addresses(
    struct probe *p, const struct candidate *at, const struct addrinfo *list)
{
	char text[AGENT_REPLY_MAX] = "";
	char addr[INET6_ADDRSTRLEN + IF_NAMESIZE + 1];
	size_t len = 0;

	_Static_assert(sizeof(text) > sizeof(addr) + 2, "room for one more");
	/* DNS may have any number of them: as many as there is room for. */
	for (; list != NULL && len < sizeof(text) - sizeof(addr) - 2;
	     list = list->ai_next)
		if (getnameinfo(list->ai_addr, list->ai_addrlen, addr,
			sizeof(addr), NULL, 0, NI_NUMERICHOST) == 0)
			len += (size_t)snprintf(text + len, sizeof(text) - len,
			    "%s%s", len > 0 ? ", " : "", addr);
	/* An address is no news about itself. */
	if (strcmp(text, at->name) != 0)
		tell(p, "resolve", "ok", "%s", text);
}

static void
probe_addresses(
    struct probe *p, const struct candidate *at, const struct addrinfo *list)
{
	const char *source = p->rs->source;
	size_t count = 0;

	for (; list != NULL && count < ADDRESSES_MAX && !p->c->is_aborted;
	     list = list->ai_next) {
		if (!dial_fits(list->ai_family, source))
			continue;
		count++;
		conn_reset(p->c);
		opening_name_peer(p->c, at, list);
		set_server(p, p->c->peer);
		go_on(p, at,
		    dial(p->c, list->ai_addr, list->ai_addrlen, source,
			opening_deadline(p->o)));
	}
	if (count == 0)
		tell(p, "connect", "fail",
		    "source '%s' does not fit any of its addresses", source);
}

static void
probe_candidate(struct probe *p, const struct candidate *at)
{
	struct addrinfo *list = NULL;
	const char *why;
	int err;

	set_server(p, at->key);
	p->since_ms = conn_now_ms();
	conn_reset(p->c);
	if (at->host->kind == HOST_UNIX) {
		go_on(p, at, dial_unix(p->c, at->name, opening_deadline(p->o)));
		return;
	}
	err = resolve(at->name, at->port, p->c->abort_fd,
	    opening_deadline(p->o), &list, &why);
	if (err == -ECANCELED) {
		p->c->is_aborted = true;
	} else if (err < 0) {
		tell(p, "resolve", "fail", "%s", why);
	} else {
		tell_addresses(p, at, list);
		probe_addresses(p, at, list);
		freeaddrinfo(list);
	}
}

/* The servers that DNS names, from FIRST on. */
static void
tell_servers(struct probe *p, size_t first)
{
	char text[AGENT_REPLY_MAX] = "";
	size_t len = 0;

	_Static_assert(sizeof(text) > 300, "room for one more");
	for (size_t i = first; i < p->o->count && len < sizeof(text) - 300; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    "%s%.280s", len > 0 ? ", " : "", p->o->list[i].key);
	tell(p, "srv", "ok", "%s", text);
}

static void
probe_host(struct probe *p, const struct host *host)
{
	size_t first = p->o->count;
	bool is_srv = host->kind == HOST_SRV;

	(void)snprintf(p->server, sizeof(p->server), "%s%s",
	    is_srv ? "srv:" : "", host->name);
	p->since_ms = conn_now_ms();
	if (opening_expand(p->o, host) != TROUBLE_NONE) {
		if (!p->c->is_aborted)
			tell_failure(p, "srv");
		return;
	}
	if (is_srv)
		tell_servers(p, first);
	for (size_t i = first; i < p->o->count && !p->c->is_aborted; i++)
		probe_candidate(p, &p->o->list[i]);
}

int
probe_run(const struct relay_settings *rs, struct tls_context *tc,
    unsigned mechanisms, unsigned limit_s, struct say *say)
{
	struct probe p = {
		.rs = rs,
		.silent = *rs,
		.say = say,
		.mechanisms = mechanisms,
	};
	int err = -ENOMEM;

	p.silent.user = NULL;
	p.c = conn_new(STDIN_FILENO, (int64_t)rs->reply_timeout_s * 1000);
	if (p.c == NULL)
		return err;
	p.c->cut_ms = conn_now_ms() + (int64_t)limit_s * 1000;
	p.o = opening_new(p.c, rs, tc, &p.caps);
	if (p.o != NULL) {
		opening_find_own_name(p.o);
		for (size_t i = 0;
		     i < hosts_count(rs->hosts) && !p.c->is_aborted; i++)
			probe_host(&p, hosts_at(rs->hosts, i));
		err = 0;
	}
	free(p.o);
	conn_free(p.c);
	return err;
}
