/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Who calls, and what the caller left us: with the set-group-id bit, all of
 * it is hostile until it has been made safe.
 */

#ifndef SENDMAIL_CALLER_H
#define SENDMAIL_CALLER_H

#include <stdbool.h>
#include <sys/types.h>

/* What main() knows of the process that it is in. */
struct caller {
	bool is_privileged; /* we run with more rights than the caller */
	bool has_stdin;     /* descriptor 0 was open for reading */
	char *name;         /* a copy of $NAME, or NULL */
};

/*
 * The first thing that main() does: descriptors 0 to 2 open and no others,
 * umask 077, no pending timers, no blocked signals; SIGPIPE and SIGXFSZ
 * become errors of write(2).  When privileged, the environment is emptied
 * but for a harmless TZ.  0 or -errno.
 */
int caller_init(struct caller *ret);

void caller_release(struct caller *caller);

/* Give up the set-group-id right for good.  0 or -errno. */
int caller_drop_privilege(void);

/*
 * Why a spool that sendmail should reach may be out of reach: " (…)" if the
 * caller has given up that programs get rights by their set-group-id bit,
 * else "".
 */
const char *caller_hint(const struct caller *caller);

struct user {
	char *login;
	char *full_name; /* "" for none */
};

/*
 * The login and the full name of UID, from /etc/passwd or else from
 * getent(1), which asks what nsswitch.conf(5) says and is waited for 5 s at
 * most.  One whose name is not found so is called "uid" and its number.  0 or
 * -ENOMEM; released by user_release().
 */
int user_find(uid_t uid, struct user *ret);

void user_release(struct user *user);

#endif
