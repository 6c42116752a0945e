/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* Dates of mail: RFC 5322, section 3.3, in the local time zone. */

#ifndef SPOOL_DATE_H
#define SPOOL_DATE_H

#include <stdint.h>

#define DATE_SIZE 40

/*
 * Write "Sat, 21 Nov 2026 23:08:54 +0000" for T_US (since the epoch).
 * English names whatever the locale.  0 or -errno (a year out of range).
 */
int date_format(int64_t t_us, char ret[DATE_SIZE]);

/* Now, in microseconds since the epoch. */
int64_t date_now_us(void);

#endif
