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
 *	send ID INDEXES		deliver queue/ID to the recipients INDEXES, a
 *				comma-separated list of places in the envelope,
 *				or "*" for all
 *	quit			finish what runs, hand the rest back, exit 0
 *	abort			as quit, but cut the sessions short; end of
 *				input, whenever it comes, means the same: spoold
 *				has died, and nobody would hear of a delivery
 *
 * The agent to spoold:
 *
 *	ready			after "go": its self-test passed
 *	start ID SERVER		the transaction begins with SERVER
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
 *				       TLS, AUTH)
 *				message  the same, but the relay was well until
 *				       it saw this message's MAIL (421, a login
 *				       wanted, a drop): it may be the sender's
 *				stop   asked to stop
 *				local  trouble of this machine's (memory, fds)
 *	bad ID REASON		the queue file is torn; ends the job
 *	smtputf8 ANSWER		whether the relay offers SMTPUTF8 (RFC 6531),
 *				"yes" or "no": at the first connection, and
 *				when that changes
 *	log PRIORITY TEXT	for the log; PRIORITY as in syslog(3), a digit
 *
 * A job ends with done, back or bad.  Jobs of one agent run in parallel and
 * end in any order.  An agent that dies ends them all.
 *
 * Settings: relay (its name), host, port, tls (none, opportunistic, starttls,
 * implicit), user, password_file, ca_file, helo, connections, connect_timeout,
 * reply_timeout (seconds), session_messages (at most so many over one
 * connection), linger_ms (a session without work is kept so long), maildir.
 * Unknown keys are an error.
 */

#ifndef SPOOLD_AGENT_PROTOCOL_H
#define SPOOLD_AGENT_PROTOCOL_H

#include <stdbool.h>

/* Longest REPLY or REASON before encoding; the rest is cut. */
#define AGENT_REPLY_MAX 1000
/* Longest line either side accepts ("send" with very many INDEXES aside). */
#define AGENT_LINE_MAX (1u << 20)

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
