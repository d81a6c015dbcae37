/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TLS 1.2 and 1.3 with certificates at both ends (OpenSSL). */
#include "config.h"

#include "common/tls.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define DIGEST_SIZE 32 /* SHA-256 */

void tls_fault(const SSL *ssl, char *fault)
{
	unsigned long code = ERR_peek_last_error();
	long verdict = ssl == NULL ? X509_V_OK : SSL_get_verify_result(ssl);

	if (verdict != X509_V_OK)
		snprintf(fault, TLS_FAULT_TEXT, "certificate: %s",
			 X509_verify_cert_error_string(verdict));
	else if (code != 0 && ERR_reason_error_string(code) != NULL)
		snprintf(fault, TLS_FAULT_TEXT, "%s",
			 ERR_reason_error_string(code));
	else
		snprintf(fault, TLS_FAULT_TEXT, "connection lost");
	ERR_clear_error();
}

static int bad_file(const char *path, char *fault)
{
	char why[TLS_FAULT_TEXT];

	tls_fault(NULL, why);
	snprintf(fault, TLS_FAULT_TEXT, "%.100s: %.100s", path, why);
	return -EINVAL;
}

/* What a server tells: whose certificates it takes. */
static int load_names(SSL_CTX *context, const char *ca, char *fault)
{
	STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(ca);

	if (names == NULL)
		return bad_file(ca, fault);
	SSL_CTX_set_client_CA_list(context, names);
	return 0;
}

static int load_files(SSL_CTX *context, const struct tls_files *files,
		      bool is_server, char *fault)
{
	if (SSL_CTX_use_certificate_chain_file(context, files->certificate) !=
	    1)
		return bad_file(files->certificate, fault);
	if (SSL_CTX_use_PrivateKey_file(context, files->key,
					SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(context) != 1)
		return bad_file(files->key, fault);
	if (SSL_CTX_load_verify_file(context, files->ca) != 1)
		return bad_file(files->ca, fault);
	return is_server ? load_names(context, files->ca, fault) : 0;
}

int tls_context_new(const struct tls_files *files, bool is_server,
		    SSL_CTX **ret, char *fault)
{
	SSL_CTX *context = SSL_CTX_new(is_server ? TLS_server_method() :
						   TLS_client_method());
	int rc;

	ERR_clear_error();
	snprintf(fault, TLS_FAULT_TEXT, "no memory");
	if (context == NULL)
		return -ENOMEM;
	SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
	SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION |
					     SSL_OP_NO_COMPRESSION |
					     SSL_OP_NO_TICKET);
	/* Each connection shows its certificate: one that has become bad
	 * since does not come back. */
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(context, 0);
	SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE |
					  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
					  SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_verify(context,
			   SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
			   NULL);
	rc = load_files(context, files, is_server, fault);
	if (rc != 0) {
		SSL_CTX_free(context);
		return rc;
	}
	*ret = context;
	return 0;
}

static bool is_text(const ASN1_STRING *string, const char *wanted)
{
	unsigned char *text = NULL;
	int len = ASN1_STRING_to_UTF8(&text, string);
	bool same = len >= 0 && (size_t)len == strlen(wanted) &&
		    memchr(text, '\0', (size_t)len) == NULL &&
		    strncasecmp((const char *)text, wanted, (size_t)len) == 0;

	OPENSSL_free(text);
	return same;
}

static const ASN1_STRING *common_name(X509 *certificate)
{
	const X509_NAME *subject = X509_get_subject_name(certificate);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);

	return at < 0 ? NULL :
			X509_NAME_ENTRY_get_data(
				X509_NAME_get_entry(subject, at));
}

static bool is_address(const ASN1_OCTET_STRING *octets, const char *wanted)
{
	struct ip_addr addr;
	size_t size;

	if (ip_addr_parse(wanted, strlen(wanted), &addr) != 0)
		return false;
	size = addr.family == IP_V4 ? 4 : 16;
	return (size_t)ASN1_STRING_length(octets) == size &&
	       memcmp(ASN1_STRING_get0_data(octets), addr.bytes, size) == 0;
}

static bool is_alternative(const GENERAL_NAME *name, const char *wanted)
{
	switch (name->type) {
	case GEN_DNS:
		return is_text(name->d.dNSName, wanted);
	case GEN_URI:
		return is_text(name->d.uniformResourceIdentifier, wanted);
	case GEN_EMAIL:
		return is_text(name->d.rfc822Name, wanted);
	case GEN_IPADD:
		return is_address(name->d.iPAddress, wanted);
	default:
		return false;
	}
}

static bool has_alternative(X509 *certificate, const char *wanted)
{
	GENERAL_NAMES *names =
		X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	bool found = false;

	for (int i = 0; i < sk_GENERAL_NAME_num(names) && !found; i++)
		found = is_alternative(sk_GENERAL_NAME_value(names, i), wanted);
	GENERAL_NAMES_free(names);
	return found;
}

/* 64 lower case digits and a NUL; "" when there is no digest. */
static void fingerprint(X509 *certificate, char hex[2 * DIGEST_SIZE + 1])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	hex[0] = '\0';
	if (X509_digest(certificate, EVP_sha256(), digest, &len) != 1)
		return;
	for (unsigned i = 0; i < len && i < DIGEST_SIZE; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

static bool is_fingerprint(X509 *certificate, const char *wanted)
{
	char hex[2 * DIGEST_SIZE + 1];
	size_t used = 0;

	fingerprint(certificate, hex);
	for (; *wanted != '\0'; wanted++) {
		if (*wanted == ':' && used % 2 == 0)
			continue;
		if (used == 2 * DIGEST_SIZE ||
		    tolower((unsigned char)*wanted) != hex[used])
			return false;
		used++;
	}
	return used == 2 * DIGEST_SIZE;
}

bool tls_certificate_is(X509 *certificate, const char *wanted)
{
	const ASN1_STRING *name = common_name(certificate);

	return (name != NULL && is_text(name, wanted)) ||
	       has_alternative(certificate, wanted) ||
	       is_fingerprint(certificate, wanted);
}

void tls_certificate_format(X509 *certificate, char *buf, size_t size)
{
	const ASN1_STRING *name = common_name(certificate);
	char hex[2 * DIGEST_SIZE + 1];
	unsigned char *text = NULL;

	fingerprint(certificate, hex);
	if (name == NULL || ASN1_STRING_to_UTF8(&text, name) < 0)
		text = NULL;
	for (unsigned char *c = text; c != NULL && *c != '\0'; c++)
		if (iscntrl(*c))
			*c = '?';
	snprintf(buf, size, "\"%.64s\" (SHA-256 %s)",
		 text == NULL ? "" : (const char *)text, hex);
	OPENSSL_free(text);
}
