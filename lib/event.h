/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * What happens to messages and relays, as a value: the unit of the journal.
 *
 * spoold changes its picture of the queue only by applying events
 * (lib/queue.h), and appends each to the journal first: so replaying the
 * journal gives the same picture, to spoold after a crash and to spoolq at
 * any time.
 *
 * As JSON, one object a line; members that an event does not have are left
 * out (spoold-spool(5) describes each):
 *
 *	{"seq":7,"time":1763770000.123456,"event":"deferred",
 *	 "id":"3286A1B2C3","index":0,"rcpt":"bob@example.net",
 *	 "relay":"default","server":"192.0.2.1:25","reply":"450 4.2.0 busy",
 *	 "delay":0.182,"next":1763770060.000000}
 */

#ifndef SPOOL_EVENT_H
#define SPOOL_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/spool.h"

enum event_kind {
	EVENT_NONE,
	EVENT_START,      /* spoold began; note: version, pid */
	EVENT_STOP,       /* spoold ended in order */
	EVENT_ADMITTED,   /* seen in queue/: envelope follows */
	EVENT_ATTEMPT,    /* handed to a delivery agent */
	EVENT_DELIVERED,  /* a recipient: accepted by the relay */
	EVENT_DEFERRED,   /* a recipient: later, counts as attempt */
	EVENT_LOST,       /* a recipient: no answer from the relay, later,
			     does not count as attempt */
	EVENT_UNCERTAIN,  /* a recipient: LOST after the final dot, or with
			     the agent or spoold, then with attempts */
	EVENT_FAILED,     /* a recipient: refused, or given up */
	EVENT_BACK,       /* the attempt ended before it began */
	EVENT_FLUSHED,    /* due now, asked for by an operator */
	EVENT_RETRIED,    /* the same, and its attempts are counted anew */
	EVENT_REROUTED,   /* what is pending goes to RELAY, by an operator */
	EVENT_REQUEUED,   /* moved from failed/ to queue/: what failed is
			     pending again, as if it had just arrived */
	EVENT_EDITED,     /* a recipient, by an operator: attempts, next;
			     note "dropped": it is not to be sent any more */
	EVENT_HELD,       /* moved to hold/ */
	EVENT_RELEASED,   /* moved from hold/ to queue/ */
	EVENT_DROPPED,    /* removed by an operator */
	EVENT_KEPT,       /* moved to failed/ */
	EVENT_REPORTED,   /* its sender was told of failed recipients:
			     indexes; note: the report's id.  Or, with a
			     reply that says why, nobody is told */
	EVENT_WARNED,     /* the same of its being late */
	EVENT_REMOVED,    /* all recipients served, file removed */
	EVENT_GONE,       /* the file vanished; not our doing */
	EVENT_DAMAGED,    /* set aside; note: why */
	EVENT_RELAY_DOWN, /* circuit opened or stays open; next: probe */
	EVENT_RELAY_UP,
	EVENT_PAUSED,  /* RELAY, or without it all of them: nothing more is
			  begun; note: by whom */
	EVENT_RESUMED, /* … it is again; without a relay, every pause ends */
	EVENT_KINDS
};

/* Pointers are borrowed for as long as the event is used. */
struct event {
	uint64_t seq; /* set by journal_append() */
	int64_t time_us;
	enum event_kind kind;
	char id[SPOOL_ID_SIZE]; /* "" when it is about no message */
	int index;              /* recipient's place in the envelope; -1 */
	const char *rcpt;       /* its address */
	const char *relay;
	const char *server; /* "192.0.2.1:25" */
	const char *reply;  /* sanitised, or "[local] why" */
	const char *note;
	const char *indexes; /* recipients' places, "0-99,105"; NULL: all that
				KIND can mean */
	int64_t delay_us;    /* from the attempt's start; -1 unknown */
	int64_t next_us;     /* when it is due again; 0 none */
	int attempts;        /* counted so far: event_sets_attempts() */
	/* EVENT_ADMITTED */
	int64_t arrival_us;
	uint64_t size_bytes;
	uid_t uid;
	const char *sender;
	const char *message_id; /* the header's; or NULL */
	const char *subject;   /* of the header, cleaned; or NULL */
	const char *lane;      /* as in the envelope, or NULL */
	int64_t expires_us;    /* 0: never */
	int64_t not_before_us; /* 0: at once */
	const char *report_of; /* as in the envelope, or NULL */
	const char *const *rcpts;
	size_t nrcpts;
};

/* "delivered" and so on; EVENT_NONE for an unknown name. */
const char *event_name(enum event_kind kind);
enum event_kind event_kind_of(const char *name);

/*
 * Fill EV as the admission of message ID, whose file QF is: EV borrows from
 * QF.  To be given to event_release().  0 or -ENOMEM.
 */
int event_of_qfile(struct event *ev, const char *id, const struct qfile *qf);

/*
 * Whether EV's attempts are what has been counted so far.  EVENT_EDITED's may
 * be any number, and -1 leaves them; EVENT_UNCERTAIN's are above 0, where it
 * is none of the relay's doing and counts.
 */
bool event_sets_attempts(const struct event *ev);

struct json_out;
struct json_object;

/* Append EV to O as a JSON object; whether memory sufficed, O says. */
void event_put(struct json_out *o, const struct event *ev);

/* The event as a JSON object that the caller puts; NULL if out of memory. */
struct json_object *event_to_json(const struct event *ev);

/*
 * Fill EV with what OBJ says; strings borrow from OBJ, the rcpts array (not
 * its strings) is freed by event_release().  0, -ENOMEM, or -EINVAL for what
 * is no event (unknown kinds too).
 */
int event_from_json(struct json_object *obj, struct event *ev);

void event_release(struct event *ev);

/* S as a JSON string, as json_out_string() writes it.  NULL if out of
 * memory. */
struct json_object *event_new_string(const char *s);

/* VAL, seconds as a JSON number, in microseconds; MISSING if it is none. */
int64_t event_time_us(struct json_object *val, int64_t missing);

#endif
