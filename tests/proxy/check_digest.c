/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "proxy/digest.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/nonce.h"
#include "tests/proxy/suite.h"

static struct digest *digest;
static struct users users;

/* What a phone puts in; overridden by each test. */
struct phone {
	const char *user;
	const char *password;
	const char *realm;
	const char *nonce;
	const char *uri;
	const char *nc;
	const char *extra; /* behind all, with its comma */
	bool sha256;
};

#define HEX 65 /* of the longest hash, with NUL */

static void hash_of(bool sha256, const char *text, char ret[HEX])
{
	const EVP_MD *type = sha256 ? EVP_sha256() : EVP_md5();
	uint8_t hash[EVP_MAX_MD_SIZE];
	unsigned len;

	ck_assert_int_eq(EVP_Digest(text, strlen(text), hash, &len, type, NULL),
			 1);
	for (unsigned i = 0; i < len; i++)
		snprintf(ret + 2 * i, 3, "%02x", hash[i]);
}

static void setup(void)
{
	static const uint8_t key[DIGEST_KEY_SIZE] = "any key";
	char lines[512], ha1[HEX], sha256[HEX];
	FILE *in;

	digest = digest_new(key, 7);
	ck_assert_ptr_nonnull(digest);
	hash_of(false, "bob:example.com:secret", ha1);
	hash_of(true, "sven:example.com:secret", sha256);
	snprintf(lines, sizeof(lines),
		 "bob:example.com:%s\ncarol:example.com:%s\n"
		 "sven:example.com:%s\n",
		 ha1, ha1, sha256);
	in = fmemopen(lines, strlen(lines), "r");
	ck_assert_int_eq(users_read_stream(&users, in, "users", stderr), 0);
	fclose(in);
}

static void teardown(void)
{
	users_done(&users);
	digest_free(digest);
}

static struct ip_addr source(uint32_t last)
{
	return ip_addr_v4(0x0a000000 + last);
}

/* A challenge at this time; the nonce of it. */
static void challenge(uint64_t now_ms, uint8_t number, char nonce[NONCE_TEXT])
{
	uint8_t random[DIGEST_RANDOM_SIZE] = { number };
	char text[DIGEST_CHALLENGE_SIZE];
	struct ip_addr from = source(5);
	const char *at;

	ck_assert_int_eq(digest_challenge(digest, "example.com", USERS_MD5,
					  &from, now_ms, random, false, text),
			 0);
	at = strstr(text, "nonce=\"");
	ck_assert_ptr_nonnull(at);
	snprintf(nonce, NONCE_TEXT, "%s", at + 7);
}

static void answer(const struct phone *phone, char *buf, size_t size)
{
	char a[256], ha1[HEX], ha2[HEX], all[512], response[HEX];

	snprintf(a, sizeof(a), "%s:%s:%s", phone->user, phone->realm,
		 phone->password);
	hash_of(phone->sha256, a, ha1);
	snprintf(a, sizeof(a), "REGISTER:%s", phone->uri);
	hash_of(phone->sha256, a, ha2);
	snprintf(all, sizeof(all), "%s:%s:%s:c0ffee:auth:%s", ha1, phone->nonce,
		 phone->nc, ha2);
	hash_of(phone->sha256, all, response);
	snprintf(buf, size,
		 "Digest username=\"%s\", realm=\"%s\", nonce=\"%s\", "
		 "uri=\"%s\", response=\"%s\", qop=auth, nc=%s, "
		 "cnonce=\"c0ffee\"%s%s",
		 phone->user, phone->realm, phone->nonce, phone->uri, response,
		 phone->nc, phone->sha256 ? ", algorithm=SHA-256" : "",
		 phone->extra ? phone->extra : "");
}

static const char *aor_user = "bob";

static enum digest_result verify_text(const char *text, uint32_t from,
				      uint64_t now_ms)
{
	const struct users_account *account = NULL;
	struct digest_query query = {
		.credentials = &text,
		.credential_count = 1,
		.method = "REGISTER",
		.request_uri = "sip:example.com",
		.auth_realm = "example.com",
		.aor_user = aor_user,
		.source = source(from),
		.now_ms = now_ms,
	};
	enum digest_result result = digest_verify(digest, &users, &query,
						  &account);

	ck_assert((result == DIGEST_OK) == (account != NULL));
	return result;
}

static enum digest_result verify(const struct phone *phone, uint32_t from,
				 uint64_t now_ms)
{
	char text[1024];

	answer(phone, text, sizeof(text));
	return verify_text(text, from, now_ms);
}

static struct phone phone_of(const char *nonce)
{
	return (struct phone){ .user = "bob",
			       .password = "secret",
			       .realm = "example.com",
			       .nonce = nonce,
			       .uri = "sip:example.com",
			       .nc = "00000001" };
}

START_TEST(the_challenge_is_what_old_phones_take)
{
	uint8_t random[DIGEST_RANDOM_SIZE] = { 1 };
	char text[DIGEST_CHALLENGE_SIZE], nonce[NONCE_TEXT], want[256];
	struct ip_addr from = source(5);

	challenge(1000, 1, nonce);
	ck_assert_uint_eq(strspn(nonce, "0123456789abcdef"), NONCE_TEXT - 1);
	ck_assert_int_eq(digest_challenge(digest, "example.com", USERS_MD5,
					  &from, 1000, random, true, text),
			 0);
	snprintf(want, sizeof(want),
		 "Digest realm=\"example.com\", nonce=\"%s\", algorithm=MD5, "
		 "qop=\"auth\", stale=true",
		 nonce);
	ck_assert_str_eq(text, want);
	ck_assert_int_ne(digest_challenge(digest, "a\"b", USERS_MD5, &from,
					  1000, random, false, text),
			 0);
}
END_TEST

START_TEST(an_account_has_one_algorithm)
{
	uint8_t random[DIGEST_RANDOM_SIZE] = { 1 };
	char text[DIGEST_CHALLENGE_SIZE], nonce[NONCE_TEXT];
	struct ip_addr from = source(5);
	struct phone phone = phone_of(nonce);

	challenge(1000, 1, nonce);
	ck_assert_int_eq(digest_challenge(digest, "example.com", USERS_SHA256,
					  &from, 1000, random, false, text),
			 0);
	ck_assert_ptr_nonnull(strstr(text, "algorithm=SHA-256, "));
	phone.user = aor_user = "sven";
	ck_assert_int_eq(verify(&phone, 5, 2000), DIGEST_REFUSED);
	phone.sha256 = true;
	ck_assert_int_eq(verify(&phone, 5, 2000), DIGEST_OK);
	phone.nc = "00000002";
	phone.password = "wrong";
	ck_assert_int_eq(verify(&phone, 5, 2000), DIGEST_REFUSED);
	phone = phone_of(nonce);
	phone.nc = "00000003";
	phone.sha256 = true;
	aor_user = "bob";
	ck_assert_int_eq(verify(&phone, 5, 2000), DIGEST_REFUSED);
	phone.sha256 = false;
	ck_assert_int_eq(verify(&phone, 5, 2000), DIGEST_OK);
}
END_TEST

START_TEST(right_credentials_are_taken_once_for_each_nc)
{
	char nonce[NONCE_TEXT];
	struct phone phone = phone_of(nonce);

	challenge(1000, 1, nonce);
	ck_assert_int_eq(verify(&phone, 5, 2000), DIGEST_OK);
	ck_assert_int_eq(verify(&phone, 5, 2000), DIGEST_STALE);
	phone.nc = "00000003";
	ck_assert_int_eq(verify(&phone, 5, 2000), DIGEST_OK);
	phone.nc = "00000002";
	ck_assert_int_eq(verify(&phone, 5, 2000), DIGEST_STALE);
	phone.nc = "00000000";
	ck_assert_int_eq(verify(&phone, 5, 2000), DIGEST_STALE);
	phone.nc = "0000000A";
	phone.extra = ", algorithm=md5, opaque=\"\"";
	ck_assert_int_eq(verify(&phone, 5, 2000), DIGEST_OK);
}
END_TEST

START_TEST(a_nonce_serves_one_source_for_a_while)
{
	char nonce[NONCE_TEXT];
	struct phone phone = phone_of(nonce);

	challenge(1000, 1, nonce);
	ck_assert_int_eq(verify(&phone, 6, 2000), DIGEST_STALE);
	ck_assert_int_eq(verify(&phone, 5, 999), DIGEST_STALE);
	ck_assert_int_eq(verify(&phone, 5, 1001 + NONCE_AGE_MS), DIGEST_STALE);
	ck_assert_int_eq(verify(&phone, 5, 1000 + NONCE_AGE_MS), DIGEST_OK);
	nonce[63] ^= 1;
	phone.nc = "00000002";
	ck_assert_int_eq(verify(&phone, 5, 2000), DIGEST_STALE);
	phone.nonce = "short";
	ck_assert_int_eq(verify(&phone, 5, 2000), DIGEST_STALE);
}
END_TEST

START_TEST(wrong_ones_are_refused_and_leave_the_nonce_alone)
{
	char nonce[NONCE_TEXT];
	struct phone phone = phone_of(nonce);

	challenge(1000, 1, nonce);
	phone.password = "wrong";
	ck_assert_int_eq(verify(&phone, 5, 2000), DIGEST_REFUSED);
	phone.password = "secret";
	phone.user = "mallory";
	ck_assert_int_eq(verify(&phone, 5, 2000), DIGEST_REFUSED);
	phone.user = "bob";
	phone.uri = "sip:elsewhere.example";
	ck_assert_int_eq(verify(&phone, 5, 2000), DIGEST_REFUSED);
	phone.uri = "sip:example.com";
	ck_assert_int_eq(verify(&phone, 5, 2000), DIGEST_OK);
}
END_TEST

START_TEST(the_hash_of_no_account_is_no_password)
{
	char nonce[NONCE_TEXT], ha2[HEX], all[512], response[HEX], text[1024];

	challenge(1000, 1, nonce);
	hash_of(false, "REGISTER:sip:example.com", ha2);
	snprintf(all, sizeof(all), "%032d:%s:00000001:x:auth:%s", 0, nonce,
		 ha2);
	hash_of(false, all, response);
	snprintf(text, sizeof(text),
		 "Digest username=\"nobody\", realm=\"example.com\", "
		 "nonce=\"%s\", uri=\"sip:example.com\", response=\"%s\", "
		 "qop=auth, nc=00000001, cnonce=\"x\"",
		 nonce, response);
	ck_assert_int_eq(verify_text(text, 5, 2000), DIGEST_REFUSED);
}
END_TEST

START_TEST(what_lacks_a_part_is_refused)
{
	static const char *const parts[] = { ", qop=auth", ", nc=00000001",
					     ", cnonce=\"c0ffee\"",
					     "username=\"bob\", ",
					     ", uri=\"sip:example.com\"" };
	char nonce[NONCE_TEXT], text[1024];
	struct phone phone = phone_of(nonce);

	challenge(1000, 1, nonce);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		char *at;

		answer(&phone, text, sizeof(text));
		at = strstr(text, parts[i]);
		ck_assert_ptr_nonnull(at);
		memmove(at, at + strlen(parts[i]),
			strlen(at + strlen(parts[i])) + 1);
		ck_assert_msg(verify_text(text, 5, 2000) == DIGEST_REFUSED,
			      "%s", text);
	}
	phone.extra = ", algorithm=MD5-sess";
	ck_assert_int_eq(verify(&phone, 5, 2000), DIGEST_REFUSED);
	phone.extra = ", algorithm=SHA-256";
	ck_assert_int_eq(verify(&phone, 5, 2000), DIGEST_REFUSED);
	phone.extra = ", nc=00000001";
	ck_assert_int_eq(verify(&phone, 5, 2000), DIGEST_MALFORMED);
}
END_TEST

START_TEST(credentials_for_others_are_none_of_ours)
{
	char nonce[NONCE_TEXT], text[1024];
	struct phone phone = phone_of(nonce);

	challenge(1000, 1, nonce);
	ck_assert_int_eq(verify_text("Basic Ym9i", 5, 2000), DIGEST_ABSENT);
	phone.realm = "carrier.example";
	ck_assert_int_eq(verify(&phone, 5, 2000), DIGEST_ABSENT);
	answer(&phone, text, sizeof(text));
	ck_assert(!digest_is_ours(text, "example.com"));
	ck_assert(digest_is_ours(text, "carrier.example"));
}
END_TEST

START_TEST(another_user_s_aor_is_forbidden)
{
	char nonce[NONCE_TEXT], lines[128], ha1[HEX];
	struct phone phone = phone_of(nonce);
	FILE *in;

	users_done(&users);
	hash_of(false, "eve:example.com:secret", ha1);
	snprintf(lines, sizeof(lines), "eve:example.com:%s\n", ha1);
	in = fmemopen(lines, strlen(lines), "r");
	ck_assert_int_eq(users_read_stream(&users, in, "users", stderr), 0);
	fclose(in);
	challenge(1000, 1, nonce);
	phone.user = "eve";
	ck_assert_int_eq(verify(&phone, 5, 2000), DIGEST_FORBIDDEN);
}
END_TEST

START_TEST(phones_may_leave_out_uri_parameters)
{
	char nonce[NONCE_TEXT];
	struct phone phone = phone_of(nonce);

	challenge(1000, 1, nonce);
	phone.uri = "sip:EXAMPLE.com:5060;transport=udp";
	ck_assert_int_eq(verify(&phone, 5, 2000), DIGEST_OK);
}
END_TEST

/* More nonces than there is room for: none is ever good twice with one nc. */
START_TEST(no_flood_of_nonces_makes_a_replay_good)
{
	struct nonce_table *table = calloc(1, sizeof(*table));
	const size_t count = 4 * NONCE_SETS * NONCE_WAYS;
	size_t taken = 0;

	ck_assert_ptr_nonnull(table);
	for (size_t i = 0; i < count; i++) {
		struct nonce nonce = { .time_ms = 1 + i, .random = i * 7919 };

		taken += nonce_use(table, &nonce, 1, 1 + i);
	}
	ck_assert_uint_eq(taken, count);
	for (size_t i = 0; i < count; i++) {
		struct nonce nonce = { .time_ms = 1 + i, .random = i * 7919 };

		ck_assert(!nonce_use(table, &nonce, 1, count));
	}
	free(table);
}
END_TEST

int main(void)
{
	return SUITE_RUN_WITH("proxy/digest", setup, teardown,
			      the_challenge_is_what_old_phones_take,
			      an_account_has_one_algorithm,
			      right_credentials_are_taken_once_for_each_nc,
			      a_nonce_serves_one_source_for_a_while,
			      wrong_ones_are_refused_and_leave_the_nonce_alone,
			      the_hash_of_no_account_is_no_password,
			      what_lacks_a_part_is_refused,
			      credentials_for_others_are_none_of_ours,
			      another_user_s_aor_is_forbidden,
			      phones_may_leave_out_uri_parameters,
			      no_flood_of_nonces_makes_a_replay_good);
}
