/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* Addresses for servers that know ASCII only (no SMTPUTF8). */

#ifndef SPOOLD_SMTP_IDN_H
#define SPOOLD_SMTP_IDN_H

#include "lib/envelope.h"

/*
 * ADDR with its domain as A-labels ("xn--…"), which is to be freed.  0;
 * -EINVAL for an address that ASCII cannot say (its local part, or no UTF-8)
 * and -EDOM for a domain that is none, with *RETERR_WHY a clause that stays
 * valid; or -ENOMEM.
 */
int idn_ascii(const char *addr, char **ret, const char **reterr_why);

#endif
