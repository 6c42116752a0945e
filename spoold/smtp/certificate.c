/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/text.h"
#include "spoold/smtp/certificate.h"

static bool
take_text(const ASN1_STRING *text, char *ret, size_t size)
{
	struct span raw = { (const char *)ASN1_STRING_get0_data(text),
		(size_t)ASN1_STRING_length(text) };
	char *clean = text_clean(raw, size - 1);

	(void)snprintf(ret, size, "%s", clean != NULL ? clean : "");
	free(clean);
	return ret[0] != '\0';
}

/* The part NID of NAME. */
static bool
take_part(const X509_NAME *name, int nid, char *ret, size_t size)
{
	int at = X509_NAME_get_index_by_NID(name, nid, -1);

	return at >= 0 &&
	    take_text(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)),
		ret, size);
}

/* Many certificates have names only here. */
static void
take_first_name(const X509 *cert, char *ret, size_t size)
{
	GENERAL_NAMES *names =
	    X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	bool has_found = false;

	for (int i = 0; i < sk_GENERAL_NAME_num(names) && !has_found; i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		has_found = name->type == GEN_DNS &&
		    take_text(name->d.dNSName, ret, size);
	}
	GENERAL_NAMES_free(names);
}

static int64_t
seconds_of(const ASN1_TIME *date)
{
	struct tm tm;

	return ASN1_TIME_to_tm(date, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

/* A root is not looked at: who trusts it does not ask for its date. */
static int64_t
first_expiry(const SSL *ssl, const X509 *leaf)
{
	const STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);
	int64_t first = seconds_of(X509_get0_notAfter(leaf));

	for (int i = 1; i < sk_X509_num(chain); i++) {
		X509 *cert = sk_X509_value(chain, i);
		int64_t t = seconds_of(X509_get0_notAfter(cert));

		if ((X509_get_extension_flags(cert) & EXFLAG_SS) == 0 &&
		    t != 0 && t < first)
			first = t;
	}
	return first;
}

int
certificate_describe(SSL *ssl, struct certificate *ret)
{
	X509 *cert = SSL_get1_peer_certificate(ssl);
	const X509_NAME *subject, *issuer;
	long fault;

	if (cert == NULL)
		return -1;
	memset(ret, 0, sizeof(*ret));
	subject = X509_get_subject_name(cert);
	issuer = X509_get_issuer_name(cert);
	(void)snprintf(
	    ret->protocol, sizeof(ret->protocol), "%s", SSL_get_version(ssl));
	if (!take_part(
		subject, NID_commonName, ret->subject, sizeof(ret->subject)))
		take_first_name(cert, ret->subject, sizeof(ret->subject));
	if (!take_part(
		issuer, NID_commonName, ret->issuer, sizeof(ret->issuer)))
		(void)take_part(issuer, NID_organizationName, ret->issuer,
		    sizeof(ret->issuer));
	ret->expires_s = first_expiry(ssl, cert);
	fault = SSL_get_verify_result(ssl);
	ret->fault =
	    fault != X509_V_OK ? X509_verify_cert_error_string(fault) : NULL;
	X509_free(cert);
	return 0;
}
