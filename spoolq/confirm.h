/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* A question to whoever sits at the terminal. */

#ifndef SPOOLQ_CONFIRM_H
#define SPOOLQ_CONFIRM_H

#include <stdbool.h>

/* Ask on standard error; true if standard input answers "y" or "yes". */
bool confirm(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
