/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <arpa/nameser.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "spoold/smtp/aside.h"
#include "spoold/smtp/srv.h"

#define ANSWER_MAX 65535
/* Priority, weight, port: two bytes each; then the target. */
#define FIXED_BYTES 6

/* ---- reading --------------------------------------------------------- */

/* What may stand in a command, a log and a certificate. */
static bool
is_host_name(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-._";

	return name[0] != '\0' && name[strspn(name, allowed)] == '\0';
}

static int
add_record(
    struct srv_set *set, const ns_msg *msg, const ns_rr *rr, bool is_implicit)
{
	const unsigned char *data = ns_rr_rdata(*rr);
	struct srv_record record = { .is_implicit = is_implicit };

	if (ns_rr_rdlen(*rr) <= FIXED_BYTES ||
	    dn_expand(ns_msg_base(*msg), ns_msg_end(*msg), data + FIXED_BYTES,
		record.target, sizeof(record.target)) < 0)
		return -EBADMSG;
	record.priority = ns_get16(data);
	record.weight = ns_get16(data + 2);
	record.port = ns_get16(data + 4);
	if (set->ttl_s > ns_rr_ttl(*rr))
		set->ttl_s = ns_rr_ttl(*rr);
	/* The root, "." in RFC 2782, is expanded to nothing or to a dot. */
	if (record.target[0] == '\0' || strcmp(record.target, ".") == 0) {
		set->has_none = true;
		return 0;
	}
	if (is_host_name(record.target) && record.port != 0 &&
	    set->count < SRV_RECORDS_MAX)
		set->records[set->count++] = record;
	return 0;
}

int
srv_add(struct srv_set *set, const unsigned char *answer, size_t len,
    bool is_implicit)
{
	int err = 0;
	ns_msg msg;
	ns_rr rr;

	if (len > ANSWER_MAX || ns_initparse(answer, (int)len, &msg) < 0)
		return -EBADMSG;
	for (int i = 0; i < ns_msg_count(msg, ns_s_an) && err == 0; i++) {
		if (ns_parserr(&msg, ns_s_an, i, &rr) < 0)
			return -EBADMSG;
		if (ns_rr_type(rr) == ns_t_srv && ns_rr_class(rr) == ns_c_in)
			err = add_record(set, &msg, &rr, is_implicit);
	}
	return err;
}

/* ---- the order ------------------------------------------------------- */

static bool
is_same_group(const struct srv_record *a, const struct srv_record *b)
{
	return a->is_implicit == b->is_implicit && a->priority == b->priority;
}

/* For qsort(3); those without weight stand first in their group. */
static int
compare(const void *left, const void *right)
{
	const struct srv_record *a = left, *b = right;

	if (a->is_implicit != b->is_implicit)
		return a->is_implicit ? -1 : 1;
	if (a->priority != b->priority)
		return a->priority < b->priority ? -1 : 1;
	return (a->weight > b->weight) - (a->weight < b->weight);
}

/* Which of COUNT records of a group is next: RFC 2782, "Weight". */
static size_t
draw(const struct srv_record *records, size_t count, srv_random_fn *random)
{
	uint32_t sum = 0, limit;
	size_t i;

	for (i = 0; i < count; i++)
		sum += records[i].weight;
	limit = random(sum + 1);
	sum = 0;
	for (i = 0; i + 1 < count; i++) {
		sum += records[i].weight;
		if (sum >= limit)
			break;
	}
	return i;
}

void
srv_order(struct srv_set *set, srv_random_fn *random)
{
	struct srv_record *records = set->records;
	size_t end;

	qsort(records, set->count, sizeof(*records), compare);
	for (size_t i = 0; i < set->count; i++) {
		struct srv_record chosen;
		size_t at;

		for (end = i + 1; end < set->count &&
		     is_same_group(&records[i], &records[end]);
		     end++)
			continue;
		at = i + draw(&records[i], end - i, random);
		chosen = records[at];
		/* Those without weight stay in front. */
		memmove(
		    &records[i + 1], &records[i], (at - i) * sizeof(*records));
		records[i] = chosen;
	}
}

/* ---- asking ---------------------------------------------------------- */

struct question {
	struct srv_set set;
	bool has_failed;
	char domain[256];
	unsigned char answer[ANSWER_MAX];
};

/* Add the records of SERVICE; whether DNS could be asked. */
static bool
ask(struct question *q, struct __res_state *state, const char *service,
    bool is_implicit)
{
	char name[NS_MAXDNAME];
	int len;

	(void)snprintf(name, sizeof(name), "%s._tcp.%s", service, q->domain);
	len = res_nquery(
	    state, name, ns_c_in, ns_t_srv, q->answer, sizeof(q->answer));
	if (len < 0)
		return state->res_h_errno == HOST_NOT_FOUND ||
		    state->res_h_errno == NO_DATA;
	if ((size_t)len > sizeof(q->answer))
		len = sizeof(q->answer);
	return srv_add(&q->set, q->answer, (size_t)len, is_implicit) == 0;
}

/* An aside_fn. */
static void
run_question(void *data)
{
	struct question *q = data;
	struct __res_state state;

	memset(&state, 0, sizeof(state));
	q->has_failed = true;
	if (res_ninit(&state) < 0)
		return;
	q->has_failed = !ask(q, &state, "_submissions", true);
	q->has_failed = !ask(q, &state, "_submission", false) || q->has_failed;
	res_nclose(&state);
}

int
srv_lookup(const char *domain, int abort_fd, int64_t deadline_ms,
    struct srv_set *ret, const char **reterr_why)
{
	/* Not calloc(): an untouched buffer costs no memory. */
	struct question *q = malloc(sizeof(*q));
	int err = -ENOMEM;

	if (q != NULL) {
		memset(&q->set, 0, sizeof(q->set));
		q->set.ttl_s = UINT32_MAX;
		(void)snprintf(q->domain, sizeof(q->domain), "%s", domain);
		err = aside_run(q, run_question, free, abort_fd, deadline_ms);
	}
	if (err == -ECANCELED)
		return err;
	if (err < 0) {
		*reterr_why = err == -ENOMEM ? strerror(ENOMEM)
					     : "the resolver does not answer";
		return -1;
	}
	*ret = q->set;
	/* One service will do. */
	if (q->has_failed && ret->count == 0 && !ret->has_none)
		err = -1;
	free(q);
	*reterr_why = "the resolver has no answer";
	return err;
}

bool
srv_is_within(const char *name, const char *domain)
{
	size_t len = strlen(name), suffix = strlen(domain);

	if (suffix > 0 && domain[suffix - 1] == '.')
		suffix--;
	if (suffix == 0 || len < suffix ||
	    strncasecmp(name + len - suffix, domain, suffix) != 0)
		return false;
	return len == suffix || name[len - suffix - 1] == '.';
}
