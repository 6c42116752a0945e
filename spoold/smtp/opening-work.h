/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* What opening.c, opening-list.c and probe.c share, and nobody else. */

#ifndef SPOOLD_SMTP_OPENING_WORK_H
#define SPOOLD_SMTP_OPENING_WORK_H

#include "spoold/smtp/dialogue.h"
#include "spoold/smtp/hosts.h"

/* Servers of all hosts together that one connection tries. */
#define CANDIDATES_MAX 64

/* A server to try. */
struct candidate {
	const struct host *host;
	bool is_tried;
	enum tls_mode tls;
	unsigned port;
	unsigned rank; /* see hosts_blame_at() */
	char name[HOST_NAME_MAX_BYTES + 1];
	char key[HOST_KEY_MAX];
};

struct opening {
	struct conn *c;
	const struct relay_settings *rs;
	struct tls_context *tc;
	struct capabilities *caps;
	char helo[256]; /* "": our address */
	size_t count;
	struct candidate list[CANDIDATES_MAX];
	/* Hosts whose servers DNS was not asked for, because it rests. */
	size_t unasked_count;
	const struct host *unasked[HOSTS_MAX];
	bool is_last_resort; /* ask it nevertheless */
	unsigned failures;
	bool has_login_trouble; /* one of them was that */
	size_t untold;          /* that did not fit */
	size_t why_len;
	char why[CONN_WHY_MAX];
};

/* To be freed; NULL when out of memory.  All are borrowed. */
struct opening *opening_new(struct conn *c, const struct relay_settings *rs,
    struct tls_context *tc, struct capabilities *caps);

/* Find out what we call ourselves: O's helo. */
void opening_find_own_name(struct opening *o);

/* How AT is to be talked to, valid as long as both are. */
struct place
opening_place(const struct opening *o, const struct candidate *at);

/*
 * Put the servers of HOST on the list: TROUBLE_NONE.  Else C is dead, and the
 * failure noted; or TROUBLE_HOST, and nothing is, because what DNS has to say
 * of it must not be waited for yet: then it is one of the unasked.
 */
enum trouble opening_expand(struct opening *o, const struct host *host);

/* C is dead of WHAT 'NAME': WHY, and was not yet; the failure is noted. */
enum trouble opening_fail(
    struct opening *o, const char *what, const char *name, const char *why);

/* C is dead because we were asked to stop. */
enum trouble opening_stopped(struct opening *o);

struct addrinfo;

/* Set C's peer, "mail.example[192.0.2.1]:25"; a literal host is not said
 * twice. */
void opening_name_peer(
    struct conn *c, const struct candidate *at, const struct addrinfo *ai);

/* What is begun now has to be done by then. */
int64_t opening_deadline(const struct opening *o);

#endif
