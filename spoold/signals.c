/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * See signals.h.  Until they come there is one thread and no child but the one
 * that --daemon makes, which is spoold from then on; whatever libuv starts has
 * none blocked.
 */

#include "config.h"

#include <pthread.h>
#include <signal.h>

#include "spoold/signals.h"

static void
mask(int how)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGUSR1);
	(void)sigaddset(&set, SIGURG);
	(void)sigaddset(&set, SIGTSTP);
	(void)sigaddset(&set, SIGCONT);
	(void)pthread_sigmask(how, &set, NULL);
}

void
signals_hold(void)
{
	mask(SIG_BLOCK);
}

void
signals_let_come(void)
{
	mask(SIG_UNBLOCK);
}
