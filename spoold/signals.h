/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The signals by which operators steer, while there is nobody yet to take them:
 * they would end or stop a spoold that has only begun to start.
 */

#ifndef SPOOLD_SIGNALS_H
#define SPOOLD_SIGNALS_H

/* Let them wait.  Not those that are to end it: these do. */
void signals_hold(void);

/* The handlers are there: what has come meanwhile comes now. */
void signals_let_come(void);

#endif
