/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* systemd's notification socket, sd_notify(3), without libsystemd. */

#ifndef SPOOLD_NOTIFY_H
#define SPOOLD_NOTIFY_H

/*
 * Send STATE ("READY=1") to $NOTIFY_SOCKET.  Does nothing where the variable
 * is not set; a failure is nobody's concern but systemd's.
 */
void notify_systemd(const char *state);

#endif
