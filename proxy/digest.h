/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Digest authentication of our users (RFC 7616, 8760; qop=auth). */
#ifndef VIADUCT_PROXY_DIGEST_H
#define VIADUCT_PROXY_DIGEST_H

#include "common/endpoint.h"
#include "proxy/users.h"

#define DIGEST_KEY_SIZE       32
#define DIGEST_RANDOM_SIZE    8
#define DIGEST_CHALLENGE_SIZE 512

enum digest_result {
	DIGEST_OK,
	DIGEST_ABSENT,    /* no credentials for this auth realm: challenge */
	DIGEST_STALE,     /* right, but the nonce is not good: stale=true */
	DIGEST_REFUSED,   /* wrong or unknown user, wrong password or uri */
	DIGEST_FORBIDDEN, /* right, but not the user whose AOR it is: 403 */
	DIGEST_MALFORMED, /* 400 */
};

struct digest; /* the key and the nonces in use */

/* `key` and `seed` are random; copied. NULL: no memory. */
struct digest *digest_new(const uint8_t key[DIGEST_KEY_SIZE], uint64_t seed);
void digest_free(struct digest *digest);

/*
 * The value of WWW-Authenticate or Proxy-Authenticate. `algorithm`: that of the
 * account that is claimed, USERS_MD5 where there is none. `random` is new random
 * bytes for each call; `now_ms` any clock that never steps back.
 */
int digest_challenge(const struct digest *digest, const char *auth_realm,
		     enum users_algorithm algorithm,
		     const struct ip_addr *source, uint64_t now_ms,
		     const uint8_t random[DIGEST_RANDOM_SIZE], bool stale,
		     char buf[DIGEST_CHALLENGE_SIZE]);

struct digest_query {
	/* Values of all Authorization (or Proxy-Authorization) headers. */
	const char *const *credentials;
	size_t credential_count;
	const char *method;
	const char *request_uri;
	const char *auth_realm; /* the domain */
	const char *aor_user;   /* who it must be; NULL: anyone of the domain */
	struct ip_addr source;
	uint64_t now_ms;
};

/*
 * Checks the credentials for our auth realm. An unknown user costs the same
 * work as a known one. On DIGEST_OK *ret_account is whose they are, and the
 * nc is used up.
 */
enum digest_result digest_verify(struct digest *digest,
				 const struct users *users,
				 const struct digest_query *query,
				 const struct users_account **ret_account);
/*
 * Are these credentials meant for us, that is for `auth_realm`? Such a header
 * is consumed and never travels on.
 */
bool digest_is_ours(const char *credentials, const char *auth_realm);

#endif
