/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The servers that a domain names by DNS for mail submission: SRV records of
 * _submissions._tcp (TLS from the first byte, RFC 8314) and _submission._tcp
 * (STARTTLS, RFC 6186), in the order of RFC 2782.
 */

#ifndef SPOOLD_SMTP_SRV_H
#define SPOOLD_SMTP_SRV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of both services together; more than that are left out. */
#define SRV_RECORDS_MAX 32

struct srv_record {
	unsigned priority;
	unsigned weight;
	unsigned port;
	bool is_implicit; /* of _submissions */
	char target[256]; /* without the last dot */
};

struct srv_set {
	size_t count;
	unsigned ttl_s; /* the least of them */
	bool has_none;  /* a target ".": the domain says that it has none */
	struct srv_record records[SRV_RECORDS_MAX];
};

/*
 * Add what a DNS ANSWER says, for _submissions if IS_IMPLICIT.  0, or
 * -EBADMSG.  Names that are no host names are left out.
 */
int srv_add(struct srv_set *set, const unsigned char *answer, size_t len,
    bool is_implicit);

/* A number below LIMIT (not 0), anyhow. */
typedef uint32_t srv_random_fn(uint32_t limit);

/*
 * Put the records in the order to try them: those of _submissions first (RFC
 * 8314 §5.1 prefers TLS from the first byte where there is a choice), then by
 * priority, and at random by weight among equals.
 */
void srv_order(struct srv_set *set, srv_random_fn *random);

/*
 * Ask DNS for DOMAIN.  0, even if there are no records; -ECANCELED once
 * ABORT_FD is readable; or -1 with *RETERR_WHY a fixed text.
 */
int srv_lookup(const char *domain, int abort_fd, int64_t deadline_ms,
    struct srv_set *ret, const char **reterr_why);

/*
 * Whether NAME is DOMAIN or a name within it: what an unsigned answer may
 * make us look for in a certificate.
 */
bool srv_is_within(const char *name, const char *domain);

#endif
