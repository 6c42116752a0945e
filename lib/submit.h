/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * From a message as a program wrote it to a queue file: the envelope taken
 * from the header if asked for, Bcc removed, missing fields added, line ends
 * made CRLF, the body streamed.  sendmail(8) describes it.
 */

#ifndef SPOOL_SUBMIT_H
#define SPOOL_SUBMIT_H

#include "lib/identity.h"
#include "lib/lines.h"
#include "lib/spool.h"

/* Longest header, in bytes; a longer one is refused. */
#define SUBMIT_HEADER_MAX (16u << 20)
/* Most Received fields: more are a loop, and it ends here. */
#define SUBMIT_RECEIVED_MAX 100
/* Longest time to live of a message: a year. */
#define SUBMIT_TTL_MAX_S (365u * 86400)

struct submit_options {
	bool header_rcpts; /* -t: recipients from To, Cc, Bcc */
	bool dot_ends;     /* without -i: a lone dot ends the message */
	bool keep_header;  /* -G: add nothing */
	bool is_raw;       /* the sender is the first address of From, and
			      what was resent before is no business of ours */
	const char *id;    /* to be its, see draft_publish_as(); or NULL */
	const char *trace; /* complete header lines, LF, put before the
			      header; or NULL */
	struct identity *identity;
	const char *full_name; /* for a missing From; NULL or "": none */
	/* Asked, if set, once FULL_NAME is NULL and needed: a text that is not
	 * to be freed, or NULL. */
	const char *(*find_full_name)(void *arg);
	void *find_full_name_arg;
	uint64_t size_max;     /* of the message as stored, bytes; 0: any */
	size_t recipients_max; /* 0: any number */
	unsigned notify;       /* set of NOTIFY_ values, for each recipient;
				  0: leaves them as they are */
	int64_t now_us;
};

struct submit_error {
	int exit_code;  /* sysexits.h */
	bool is_loop;   /* the message has been here before */
	bool is_taken;  /* the id that it was to have is somebody else's */
	char text[512]; /* one line for the user, no program name */
};

/*
 * Set ENV's sender to the one address in TEXT, as ID makes it; "" and "<>"
 * are the null sender.  0, or -1 with ERR.
 */
int submit_set_sender(struct envelope *env, struct span text,
    struct identity *id, struct submit_error *err);

/*
 * Append the addresses of the list TEXT, as an argument or a field has it, to
 * ENV, as ID makes them; one that was led elsewhere has an orcpt that says
 * what it was.  0, or -1 with ERR; ENV may then have some of them.
 */
int submit_add_rcpts(struct envelope *env, struct span text,
    struct identity *id, struct submit_error *err);

/*
 * The same of exactly one address, from which several recipients may come: a
 * list, and none at all, are refused with EX_DATAERR.
 */
int submit_add_one(struct envelope *env, struct span text, struct identity *id,
    struct submit_error *err);

/*
 * Read a message from FD to its end and admit it with ENV (arrival, uid,
 * sender and recipients of the caller set; recipients from the header are
 * appended, duplicates removed; lane, expires_us and not_before_us, unless
 * set, are what the header wishes).  0: it is durable, RET_ID is its id.  -1:
 * nothing was queued and ERR says why.
 */
int submit(const struct spool *sp, struct envelope *env, int fd,
    const struct submit_options *opts, char ret_id[SPOOL_ID_SIZE],
    struct submit_error *err);

/* What would become of a message. */
struct submit_report {
	char *header; /* as it would leave, CRLF lines, no empty line */
	size_t header_bytes;
	uint64_t size_bytes; /* of the whole message as stored */
};

/*
 * As submit(), but nothing is queued and no spool is needed: on 0 ENV is the
 * envelope that it would have, and *RET says the rest.  RET->header is to be
 * freed.
 */
int
submit_explain(struct envelope *env, int fd, const struct submit_options *opts,
    struct submit_report *ret, struct submit_error *err);

/*
 * submit() of what IN gives until its end, whatever IN->dot says that is;
 * OPTS->dot_ends is not looked at.
 */
int submit_lines(const struct spool *sp, struct envelope *env, struct lines *in,
    const struct submit_options *opts, char ret_id[SPOOL_ID_SIZE],
    struct submit_error *err);

#endif
