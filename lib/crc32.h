/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* CRC-32 (ISO-HDLC, as in gzip and Ethernet): recognises torn queue files. */

#ifndef SPOOL_CRC32_H
#define SPOOL_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* Continue CRC (0 at the start) over BUF. */
uint32_t crc32_add(uint32_t crc, const void *buf, size_t len);

#endif
