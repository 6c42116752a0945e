/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/text.h"
#include "spoold/smtp/verify.h"

/* Names of a certificate that are told; it may have hundreds. */
#define NAMES_TOLD 4
#define NAME_TOLD_MAX 100

/* ---- what a certificate says of itself ------------------------------- */

/* What a stranger wrote, made harmless. */
static void
put_clean(FILE *out, const unsigned char *text, int len)
{
	text_put_clean(out,
	    (struct span){ (const char *)text, len > 0 ? (size_t)len : 0 },
	    NAME_TOLD_MAX);
}

static bool
put_name(FILE *out, const GENERAL_NAME *name)
{
	const ASN1_STRING *text;
	char addr[INET6_ADDRSTRLEN];
	int len;

	if (name->type == GEN_DNS) {
		text = name->d.dNSName;
		put_clean(
		    out, ASN1_STRING_get0_data(text), ASN1_STRING_length(text));
		return true;
	}
	if (name->type != GEN_IPADD)
		return false;
	text = name->d.iPAddress;
	len = ASN1_STRING_length(text);
	if ((len != 4 && len != 16) ||
	    inet_ntop(len == 4 ? AF_INET : AF_INET6,
		ASN1_STRING_get0_data(text), addr, sizeof(addr)) == NULL)
		return false;
	(void)fputs(addr, out);
	return true;
}

/* The names that CERT is for: "a.test, b.test and 7 more". */
static void
put_names(FILE *out, const X509 *cert)
{
	GENERAL_NAMES *names =
	    X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	int count = names != NULL ? sk_GENERAL_NAME_num(names) : 0;
	int told = 0;

	for (int i = 0; i < count; i++) {
		if (told == NAMES_TOLD) {
			(void)fprintf(out, " and %d more", count - i);
			break;
		}
		if (told > 0)
			(void)fputs(", ", out);
		if (put_name(out, sk_GENERAL_NAME_value(names, i)))
			told++;
	}
	if (told == 0)
		(void)fputs("no name", out);
	GENERAL_NAMES_free(names);
}

/* The most telling part of a name: its CN, else its O. */
static void
put_subject(FILE *out, const X509_NAME *name)
{
	static const int parts[] = { NID_commonName, NID_organizationName };

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		int at = X509_NAME_get_index_by_NID(name, parts[i], -1);
		const ASN1_STRING *text;

		if (at < 0)
			continue;
		text = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
		(void)fputc('\'', out);
		put_clean(
		    out, ASN1_STRING_get0_data(text), ASN1_STRING_length(text));
		(void)fputc('\'', out);
		return;
	}
	(void)fputs("(no name)", out);
}

static void
put_date(FILE *out, const ASN1_TIME *date)
{
	struct tm tm;
	char text[40];

	if (ASN1_TIME_to_tm(date, &tm) == 1 &&
	    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm) > 0)
		(void)fputs(text, out);
	else
		(void)fputs("(no date)", out);
}

/* ---- the reason ------------------------------------------------------ */

/* The certificate of the server, or one of those it stands on. */
static void
put_whose(FILE *out, X509_STORE_CTX *store, const X509 *cert)
{
	if (X509_STORE_CTX_get_error_depth(store) == 0 || cert == NULL)
		return;
	(void)fputs("that of ", out);
	put_subject(out, X509_get_subject_name(cert));
	(void)fputc(' ', out);
}

static void
put_reason(FILE *out, X509_STORE_CTX *store, const struct verdict *verdict)
{
	const X509 *leaf = X509_STORE_CTX_get0_cert(store);
	const X509 *cert = X509_STORE_CTX_get_current_cert(store);
	int err = X509_STORE_CTX_get_error(store);

	if (cert == NULL)
		cert = leaf;
	switch (err) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		put_whose(out, store, cert);
		(void)fputs("expired on ", out);
		put_date(out, X509_get0_notAfter(cert));
		break;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		put_whose(out, store, cert);
		(void)fputs("is not valid before ", out);
		put_date(out, X509_get0_notBefore(cert));
		break;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		(void)fputs("the name does not match, it is for ", out);
		put_names(out, leaf);
		if (verdict->domain != NULL)
			(void)fprintf(out, " (wanted: '%s')", verdict->domain);
		break;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		(void)fputs("it is self-signed", out);
		break;
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
		(void)fputs("unknown CA ", out);
		put_subject(out, X509_get_subject_name(cert));
		break;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		(void)fputs("unknown CA (issuer) ", out);
		put_subject(out, X509_get_issuer_name(cert));
		break;
	default:
		put_whose(out, store, cert);
		(void)fputs(X509_verify_cert_error_string(err), out);
	}
}

static void
note_reason(X509_STORE_CTX *store, struct verdict *verdict)
{
	FILE *out = fmemopen(verdict->why, sizeof(verdict->why), "w");

	if (out == NULL)
		return;
	(void)fprintf(out, "certificate of %s: ", verdict->host);
	put_reason(out, store, verdict);
	(void)fclose(out);
	verdict->why[sizeof(verdict->why) - 1] = '\0';
}

/* ---- fingerprints ---------------------------------------------------- */

static bool
is_pinned(const X509 *leaf, struct verdict *verdict)
{
	unsigned char seen[EVP_MAX_MD_SIZE];
	char hex[2 * PIN_BYTES + 1];
	unsigned len = 0;

	if (leaf == NULL || X509_digest(leaf, EVP_sha256(), seen, &len) != 1 ||
	    len != PIN_BYTES)
		return false;
	for (size_t i = 0; i < verdict->rs->npins; i++)
		if (memcmp(seen, verdict->rs->pins[i], PIN_BYTES) == 0)
			return true;
	for (size_t i = 0; i < PIN_BYTES; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", seen[i]);
	(void)snprintf(verdict->why, sizeof(verdict->why),
	    "certificate of %s: its fingerprint is not the configured one, "
	    "but %s",
	    verdict->host, hex);
	return false;
}

/* ---- OpenSSL's call -------------------------------------------------- */

/* 1: go on. */
static int
on_certificate(X509_STORE_CTX *store, void *arg)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(
	    store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct verdict *verdict = SSL_get_app_data(ssl);

	(void)arg;
	if (verdict == NULL)
		return 0;
	if (verdict->rs->npins > 0) {
		verdict->is_good =
		    is_pinned(X509_STORE_CTX_get0_cert(store), verdict);
		X509_STORE_CTX_set_error(store,
		    verdict->is_good ? X509_V_OK
				     : X509_V_ERR_APPLICATION_VERIFICATION);
		return verdict->is_good;
	}
	verdict->is_good = X509_verify_cert(store) == 1;
	if (!verdict->is_good)
		note_reason(store, verdict);
	return verdict->is_good;
}

void
verify_install(SSL_CTX *ctx)
{
	SSL_CTX_set_cert_verify_callback(ctx, on_certificate, NULL);
}

void
verify_expect(SSL *ssl, struct verdict *verdict)
{
	SSL_set_app_data(ssl, verdict);
}
