/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * How spoold and a delivery agent talk: lines of fields (lib/wire.h) over the
 * agent's standard input and output.  The agent's standard error is spoold's
 * log.  Its working directory is the spool; it only reads there.
 *
 * spoold to the agent:
 *
 *	set KEY VALUE		a relay's setting, see below
 *	go			settings complete
 *	send ID INDEXES		deliver queue/ID to the recipients INDEXES,
 *				places in the envelope (lib/indexes.h), or "*"
 *				for all
 *	quit			finish what runs, hand the rest back, exit 0
 *	abort			as quit, but cut the sessions short; end of
 *				input, whenever it comes, means the same: spoold
 *				has died, and nobody would hear of a delivery
 *
 * The agent to spoold:
 *
 *	ready			after "go": its self-test passed
 *	start ID SERVER DSN	the transaction begins with SERVER; DSN is
 *				"report" if a recipient's NOTIFY has SUCCESS
 *				and SERVER does not offer DSN (RFC 3461), so
 *				that spoold has to report it; else "-"
 *	rcpt ID INDEX OUTCOME DELAY_MS REPLY
 *				a recipient's result, said the moment the server
 *				answers; OUTCOME is one of
 *				delivered  RCPT and final reply 2xx
 *				deferred   4xx about it or the message
 *				failed     5xx about it or the message
 *				lost       no clear answer: dropped, timeout
 *				uncertain  lost after the final dot
 *	done ID			every recipient of the job has its result
 *	back ID WHY REASON	ends the job for the recipients without result:
 *				they were not tried.  WHY is
 *				relay  trouble with the relay (refused, timeout,
 *				       TLS)
 *				login  the same, but it is our login: refused,
 *				       impossible, or no password to be had
 *				message  the same, but the relay was well until
 *				       it saw this message's MAIL (421, a login
 *				       wanted, a drop): it may be the sender's
 *				stop   asked to stop
 *				local  trouble of this machine's (memory, fds)
 *	bad ID REASON		the queue file is torn; ends the job
 *	smtputf8 ANSWER		whether the relay offers SMTPUTF8 (RFC 6531),
 *				"yes" or "no": at the first connection, and
 *				when that changes
 *	slow N			so many sessions have now waited for a reply
 *				for longer than slow_after: as many more jobs
 *				are welcome
 *	log PRIORITY TEXT	for the log; PRIORITY as in syslog(3), a digit
 *
 * A job ends with done, back or bad.  Jobs of one agent run in parallel and
 * end in any order.  An agent that dies ends them all.
 *
 * Started as "spoold-smtp --probe SECONDS" the agent delivers nothing: after
 * "go" it looks whether the relay is well, for so long at most, and exits.
 * It says, of each server and step,
 *
 *	probe STEP RESULT SERVER DELAY_MS TEXT [NUMBER]
 *				STEP is srv, resolve, connect, greeting, tls,
 *				ehlo, login or quit; RESULT ok, warn or fail;
 *				NUMBER is, of tls, when the first certificate
 *				of the chain expires (seconds since the epoch),
 *				of ehlo, the server's SIZE
 *
 * Settings: relay (its name), host (again for each, in order of preference; as
 * struct relay_config has them), port (of hosts without one), tls (none,
 * opportunistic, starttls, implicit), tls_verify (yes), tls_min (12, 13),
 * ca_file, cert_file, key_file, fingerprint, auth (auto, plain, login,
 * cram-md5, xoauth2, oauthbearer), user, password_file, password_command,
 * password, login_in_clear (yes), helo, source, connections, connections_max,
 * slow_after (seconds), connect_timeout, reply_timeout (seconds),
 * session_messages (at most so many over one connection), pause_ms (between two
 * of them), linger_ms (a session without work is kept so long), rest_ms (a host
 * that failed is left alone so long, if there are others), maildir.
 * Unknown keys are an error.
 */

#ifndef SPOOLD_AGENT_PROTOCOL_H
#define SPOOLD_AGENT_PROTOCOL_H

#include <stdbool.h>

/* Longest REPLY or REASON before encoding; the rest is cut. */
#define AGENT_REPLY_MAX 1000
/* Longest line either side accepts ("send" with very many INDEXES aside). */
#define AGENT_LINE_MAX (1u << 20)

/* A certificate that runs out so soon is a warning to a probe. */
#define AGENT_PROBE_EXPIRY_DAYS 14

enum outcome {
	OUTCOME_DELIVERED,
	OUTCOME_DEFERRED,
	OUTCOME_FAILED,
	OUTCOME_LOST,
	OUTCOME_UNCERTAIN,
	OUTCOMES
};

/* "delivered" and so on: agent-protocol.c, shared by both sides. */
const char *outcome_name(enum outcome outcome);
bool outcome_parse(const char *name, enum outcome *ret);

#endif
