/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Where programs say what happens: syslog, or standard error, there with
 * "<n>" priorities when systemd collects it ($JOURNAL_STREAM names it by
 * device and inode, as systemd.exec(5) has it).
 *
 * For programs; the other modules of lib/ return what went wrong.
 */

#ifndef SPOOL_LOG_H
#define SPOOL_LOG_H

#include <stdbool.h>
#include <syslog.h>

/*
 * To standard error with IDENT, which must live on; the default until
 * log_to_syslog().
 */
void log_init(const char *ident);

/* To syslog from now on (a daemon that has left its terminal). */
void log_to_syslog(void);

/* Leave out what is less urgent than PRIORITY (default LOG_INFO). */
void log_set_level(int priority);

/* Whether PRIORITY is urgent enough: for who has work with what it says. */
bool log_wants(int priority);

/*
 * One line: a sentence, then key=value pairs.  Lower case, no full stop.
 * Control characters in the result are replaced: a message cannot fake a
 * second line.  It is cut at 4 KB.  errno stays as it is, and "%m" works.
 */
void log_msg(int priority, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
