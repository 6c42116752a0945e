/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* How threads are started here. */

#ifndef SPOOLD_SMTP_THREADS_H
#define SPOOLD_SMTP_THREADS_H

#include <pthread.h>

typedef void *thread_fn(void *arg);

/*
 * Run FN(ARG) in a thread with a small stack and with all signals blocked: an
 * interrupted connect(2) fails.  *RET is to be joined; with RET NULL the
 * thread is detached.  0 or -errno.
 */
int thread_start(thread_fn *fn, void *arg, pthread_t *ret);

#endif
