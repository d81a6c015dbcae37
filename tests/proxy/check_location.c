/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "proxy/location.h"

#include <stdio.h>
#include <string.h>

#include "tests/proxy/suite.h"

#define SECOND UINT64_C(1000)

static struct location location;

static void setup(void)
{
	ck_assert_int_eq(location_init(&location, 3), 0);
}

static void teardown(void)
{
	location_done(&location);
	ck_assert_uint_eq(location.binding_count, 0);
}

static struct location_contact contact_of(const char *uri, uint32_t expires)
{
	return (struct location_contact){ .uri = uri,
					  .q = 1000,
					  .expires = expires };
}

static struct location_request
request_of(const struct location_contact *contact, uint32_t cseq,
	   uint64_t now_ms)
{
	return (struct location_request){ .user = "bob",
					  .domain = "Example.com",
					  .contacts = contact,
					  .contact_count = contact ? 1 : 0,
					  .expires = LOCATION_EXPIRES_NONE,
					  .call_id = "id1",
					  .cseq = cseq,
					  .now_ms = now_ms };
}

static enum location_result put(const char *uri, uint32_t expires,
				uint32_t cseq, uint64_t now_ms)
{
	struct location_contact contact = contact_of(uri, expires);
	struct location_request request = request_of(&contact, cseq, now_ms);

	return location_register(&location, &request);
}

/* "uri uri" of what bob has, best first. */
static void assert_bindings(uint64_t now_ms, const char *want)
{
	struct location_aor *aor = location_find(&location, "bob",
						 "example.COM", now_ms);
	char have[1024] = "";
	struct list *pos;

	if (aor) {
		list_for_each(pos, &aor->bindings) {
			if (*have)
				strcat(have, " ");
			strcat(have, location_binding_of(pos)->uri);
		}
	}
	ck_assert_str_eq(have, want);
}

START_TEST(a_binding_lives_for_its_time)
{
	struct location_aor *aor;

	ck_assert_int_eq(put("sip:bob@10.0.0.5", 60, 1, 0), LOCATION_OK);
	aor = location_find(&location, "bob", "example.com", 59999);
	ck_assert_ptr_nonnull(aor);
	ck_assert_str_eq(aor->aor, "bob@example.com");
	ck_assert_uint_eq(location_left(location_binding_of(aor->bindings.next),
					58500),
			  2);
	assert_bindings(60 * SECOND, "");
	ck_assert_uint_eq(location.binding_count, 0);
	ck_assert_uint_eq(location.aors.count, 0);
}
END_TEST

START_TEST(expiry_comes_from_contact_header_or_default_within_limits)
{
	struct location_contact contact = contact_of("sip:bob@10.0.0.5",
						     LOCATION_EXPIRES_NONE);
	struct location_request request = request_of(&contact, 1, 0);

	request.expires = 100;
	ck_assert_int_eq(location_register(&location, &request), LOCATION_OK);
	assert_bindings(100 * SECOND, "");
	request.expires = LOCATION_EXPIRES_NONE;
	request.now_ms = 100 * SECOND;
	ck_assert_int_eq(location_register(&location, &request), LOCATION_OK);
	assert_bindings(3699 * SECOND, "sip:bob@10.0.0.5");
	assert_bindings(3700 * SECOND, "");
	ck_assert_int_eq(put("sip:bob@10.0.0.5", 59, 9, 0), LOCATION_TOO_BRIEF);
	ck_assert_int_eq(put("sip:bob@10.0.0.5", 999999, 9, 0), LOCATION_OK);
	assert_bindings(3600 * SECOND, "");
}
END_TEST

START_TEST(cseq_must_rise_within_a_call_id)
{
	struct location_contact contact = contact_of("sip:bob@10.0.0.5", 0);
	struct location_request request = request_of(&contact, 5, 0);

	ck_assert_int_eq(put("sip:bob@10.0.0.5", 60, 5, 0), LOCATION_OK);
	ck_assert_int_eq(put("sip:bob@10.0.0.5:5060", 60, 5, 0), LOCATION_OLD);
	ck_assert_int_eq(put("sip:bob@10.0.0.5", 60, 4, 0), LOCATION_OLD);
	ck_assert_int_eq(put("sip:bob@10.0.0.5", 0, 5, 0), LOCATION_OLD);
	ck_assert_int_eq(put("sip:bob@10.0.0.5", 60, 6, 0), LOCATION_OK);
	/* After a reboot the phone has another Call-ID and starts anew. */
	request.call_id = "id2";
	request.cseq = 1;
	ck_assert_int_eq(location_register(&location, &request), LOCATION_OK);
	assert_bindings(0, "");
}
END_TEST

START_TEST(a_star_removes_all_and_only_alone)
{
	struct location_contact contact = contact_of("sip:bob@10.0.0.5", 0);
	struct location_request request = request_of(NULL, 2, 0);

	ck_assert_int_eq(put("sip:bob@10.0.0.5", 60, 1, 0), LOCATION_OK);
	ck_assert_int_eq(put("sip:bob@10.0.0.6", 60, 2, 0), LOCATION_OK);
	request.star = true;
	ck_assert_int_eq(location_register(&location, &request),
			 LOCATION_INVALID);
	request.expires = 0;
	ck_assert_int_eq(location_register(&location, &request), LOCATION_OLD);
	request.cseq = 3;
	request.contacts = &contact;
	request.contact_count = 1;
	ck_assert_int_eq(location_register(&location, &request),
			 LOCATION_INVALID);
	assert_bindings(0, "sip:bob@10.0.0.5 sip:bob@10.0.0.6");
	request.contact_count = 0;
	ck_assert_int_eq(location_register(&location, &request), LOCATION_OK);
	assert_bindings(0, "");
	ck_assert_int_eq(location_register(&location, &request), LOCATION_OK);
}
END_TEST

START_TEST(an_aor_has_a_limit)
{
	char uri[64];

	for (int i = 0; i < LOCATION_CONTACTS_MAX; i++) {
		snprintf(uri, sizeof(uri), "sip:bob@10.0.0.%d", i + 1);
		ck_assert_int_eq(put(uri, 60, 1, 0), LOCATION_OK);
	}
	ck_assert_int_eq(put("sip:bob@10.0.1.1", 60, 1, 0), LOCATION_TOO_MANY);
	ck_assert_int_eq(put("sip:bob@10.0.0.1", 60, 2, 0), LOCATION_OK);
	ck_assert_uint_eq(location.binding_count, LOCATION_CONTACTS_MAX);
	/* Those past their time do not count. */
	ck_assert_int_eq(put("sip:bob@10.0.1.1", 60, 1, 60 * SECOND),
			 LOCATION_OK);
	ck_assert_uint_eq(location.binding_count, 1);
}
END_TEST

START_TEST(a_request_is_taken_whole_or_not_at_all)
{
	struct location_contact contacts[] = {
		contact_of("sip:bob@10.0.0.7", 60),
		contact_of("sip:bob@10.0.0.5", 60),
		contact_of("sip:bob@10.0.0.8", 5),
	};
	struct location_request request = request_of(contacts, 2, 0);

	ck_assert_int_eq(put("sip:bob@10.0.0.5", 60, 1, 0), LOCATION_OK);
	request.contact_count = 3;
	ck_assert_int_eq(location_register(&location, &request),
			 LOCATION_TOO_BRIEF);
	assert_bindings(0, "sip:bob@10.0.0.5");
	contacts[2] = contact_of("sip:bob@10.0.0.7:5060", 60);
	ck_assert_int_eq(location_register(&location, &request),
			 LOCATION_INVALID);
	contacts[2] = contact_of("sip:bob@10.0.0.8", 60);
	contacts[2].q = 500;
	contacts[1].q = 700;
	ck_assert_int_eq(location_register(&location, &request), LOCATION_OK);
	assert_bindings(0,
			"sip:bob@10.0.0.7 sip:bob@10.0.0.5 sip:bob@10.0.0.8");
}
END_TEST

START_TEST(a_phone_that_moves_replaces_its_binding)
{
	struct location_contact contact = contact_of("sip:bob@10.0.0.5", 60);
	struct location_request request = request_of(&contact, 1, 0);

	contact.instance = "<urn:uuid:1>";
	contact.reg_id = 1;
	ck_assert_int_eq(location_register(&location, &request), LOCATION_OK);
	contact.uri = "sip:bob@10.0.0.9:5099";
	request.call_id = "id2";
	ck_assert_int_eq(location_register(&location, &request), LOCATION_OK);
	assert_bindings(0, "sip:bob@10.0.0.9:5099");
	contact.reg_id = 2;
	contact.uri = "sip:bob@10.0.0.9:5098";
	ck_assert_int_eq(location_register(&location, &request), LOCATION_OK);
	assert_bindings(0, "sip:bob@10.0.0.9:5099 sip:bob@10.0.0.9:5098");
}
END_TEST

START_TEST(a_query_and_others_bindings_change_nothing)
{
	struct location_request request = request_of(NULL, 1, 0);

	ck_assert_int_eq(location_register(&location, &request), LOCATION_OK);
	ck_assert_uint_eq(location.aors.count, 0);
	ck_assert_int_eq(put("sip:bob@10.0.0.5", 60, 1, 0), LOCATION_OK);
	ck_assert_int_eq(location_register(&location, &request), LOCATION_OK);
	ck_assert_ptr_null(location_find(&location, "Bob", "example.com", 0));
	ck_assert_ptr_null(location_find(&location, "bob", "example.net", 0));
	assert_bindings(0, "sip:bob@10.0.0.5");
}
END_TEST

START_TEST(the_walk_removes_what_is_past_its_time)
{
	char user[16];
	struct location_contact contact = contact_of("sip:x@10.0.0.5", 60);

	for (int i = 0; i < 1000; i++) {
		struct location_request request =
			request_of(&contact, 1, (uint64_t)i * SECOND);

		snprintf(user, sizeof(user), "user%d", i);
		request.user = user;
		ck_assert_int_eq(location_register(&location, &request),
				 LOCATION_OK);
	}
	ck_assert_uint_eq(location.aors.count, 1000);
	ck_assert_uint_eq(location_expire(&location, 559 * SECOND), 500);
	ck_assert_uint_eq(location.binding_count, 500);
	ck_assert_uint_eq(location.aors.count, 500);
	ck_assert_uint_eq(location_expire(&location, 559 * SECOND), 0);
}
END_TEST

START_TEST(texts_that_are_too_long_are_refused)
{
	char uri[LOCATION_URI_MAX + 64] = "sip:";

	memset(uri + 4, 'a', LOCATION_URI_MAX);
	ck_assert_int_eq(put(uri, 60, 1, 0), LOCATION_INVALID);
	ck_assert_uint_eq(location.aors.count, 0);
}
END_TEST

int main(void)
{
	return SUITE_RUN_WITH(
		"proxy/location", setup, teardown, a_binding_lives_for_its_time,
		expiry_comes_from_contact_header_or_default_within_limits,
		cseq_must_rise_within_a_call_id,
		a_star_removes_all_and_only_alone, an_aor_has_a_limit,
		a_request_is_taken_whole_or_not_at_all,
		a_phone_that_moves_replaces_its_binding,
		a_query_and_others_bindings_change_nothing,
		the_walk_removes_what_is_past_its_time,
		texts_that_are_too_long_are_refused);
}
