/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <pthread.h>
#include <signal.h>

#include "spoold/smtp/threads.h"

/* Ample for libESMTP; what a resolver's plug-ins need is less known. */
#define STACK_BYTES (256u << 10)

int
thread_start(thread_fn *fn, void *arg, pthread_t *ret)
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, old;
	int err;

	(void)sigfillset(&all);
	err = pthread_attr_init(&attr);
	if (err != 0)
		return -err;
	if (ret == NULL)
		(void)pthread_attr_setdetachstate(
		    &attr, PTHREAD_CREATE_DETACHED);
	(void)pthread_attr_setstacksize(&attr, STACK_BYTES);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(ret != NULL ? ret : &thread, &attr, fn, arg);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	(void)pthread_attr_destroy(&attr);
	return -err;
}
