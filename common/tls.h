/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TLS 1.2 and 1.3 with certificates at both ends (OpenSSL). */
#ifndef VIADUCT_COMMON_TLS_H
#define VIADUCT_COMMON_TLS_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/endpoint.h"

#define TLS_FAULT_TEXT 256

struct tls_files {               /* paths of PEM files; not owned */
	const char *certificate; /* ours, with those that lead to the ca */
	const char *key;
	const char *ca; /* whose certificates of the other end are good */
};

/*
 * 0, or -EINVAL: `fault` (TLS_FAULT_TEXT bytes) says which file is bad, and
 * how; -ENOMEM. A server asks for a certificate, and takes none without one.
 */
int tls_context_new(const struct tls_files *files, bool is_server,
		    SSL_CTX **ret, char *fault);
/*
 * Why the last operation failed, from the queue of errors, which is empty
 * then; or the certificate's fault.
 */
void tls_fault(const SSL *ssl, char *fault);

/*
 * Is `wanted` this certificate's subject name (CN), one of its alternative
 * names (DNS, IP, URI, mail), or its SHA-256 fingerprint in hex, with or
 * without colons? Letters are the same in either case.
 */
bool tls_certificate_is(X509 *certificate, const char *wanted);
/* Its CN and fingerprint, for the log. */
void tls_certificate_format(X509 *certificate, char *buf, size_t size);

#endif
