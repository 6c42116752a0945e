/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* What there is to tell of a server's certificate, for the administrator. */

#ifndef SPOOLD_SMTP_CERTIFICATE_H
#define SPOOLD_SMTP_CERTIFICATE_H

#include <stdint.h>

struct ssl_st;

/* Names are harmless to show (lib/text.h), and "" where there are none. */
struct certificate {
	char protocol[16]; /* "TLSv1.3" */
	char subject[200]; /* the common name, else the first name that the
			      certificate is for */
	char issuer[200];  /* the common name, else the organization */
	int64_t expires_s; /* the first of the chain that runs out, since the
			      epoch; 0: not known */
	const char *fault; /* of its verification, a fixed text; NULL */
};

/* Describe what SSL's peer has shown.  0, or -1 if that was nothing. */
int certificate_describe(struct ssl_st *ssl, struct certificate *ret);

#endif
