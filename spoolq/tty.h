/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The terminal while a program has the whole screen.  However the program ends
 * or is stopped, the terminal is as before: signals see to that on their own.
 * One at a time; main thread only.
 */

#ifndef SPOOLQ_TTY_H
#define SPOOLQ_TTY_H

#include <stdint.h>

/*
 * Take the terminal of standard input and output: keys come unbuffered, the
 * screen is another one, without cursor.  Interrupt ends the program with
 * status 0, the other signals that end it do so as ever.  0; -ENOTTY if there
 * is none that can do that; or another -errno.
 */
int tty_enter(void);

void tty_leave(void);

/*
 * Wait for keys, TIMEOUT_MS at most, and take all that are pending.  The first
 * of them that is in WANTED, else the last one; 0 when the time is over, the
 * window has another size, or the program goes on after a stop; -EIO when the
 * terminal is gone.
 */
int tty_key(int64_t timeout_ms, const char *wanted);

#endif
