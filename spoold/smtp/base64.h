/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* Base64 (RFC 4648), in which logins are said. */

#ifndef SPOOLD_SMTP_BASE64_H
#define SPOOLD_SMTP_BASE64_H

#include <stddef.h>

#include "lib/span.h"

/*
 * BYTES as a new string, *RET_LEN long, to be wiped if it is a secret; NULL
 * when out of memory.
 */
char *base64_encode(const char *bytes, size_t len, size_t *ret_len);

/* As far as TEXT is base64, and BUF (of SIZE) goes.  The length. */
size_t base64_decode(struct span text, char *buf, size_t size);

#endif
