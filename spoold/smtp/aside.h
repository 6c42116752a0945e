/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Calls that may hang (a resolver's), on a thread of their own that outlives
 * the wait for it if need be.
 */

#ifndef SPOOLD_SMTP_ASIDE_H
#define SPOOLD_SMTP_ASIDE_H

#include <stdint.h>

typedef void aside_fn(void *data);

/*
 * Have RUN do its work on DATA, and wait for it until DEADLINE_MS
 * (conn_now_ms()).  0, and DATA with the result is the caller's; else DROP
 * frees DATA, now or when RUN returns: -ETIMEDOUT, -ECANCELED (ABORT_FD has
 * become readable) or -ENOMEM.
 */
int aside_run(void *data, aside_fn *run, aside_fn *drop, int abort_fd,
    int64_t deadline_ms);

#endif
