/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of common/rulewire.c and common/condition.c. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/rulewire.h"
#include "tests/common/suite.h"

static struct endpoint endpoint_of(const char *text, realm_id realm)
{
	struct endpoint endpoint;

	ck_assert_int_eq(endpoint_parse_bare(text, strlen(text), &endpoint), 0);
	endpoint.realm = realm;
	return endpoint;
}

static struct ip_prefix prefix_of(const char *text)
{
	struct ip_prefix prefix;

	ck_assert_int_eq(ip_prefix_parse(text, strlen(text), &prefix), 0);
	return prefix;
}

static struct rule_condition condition_of(const char *source, uint16_t first,
					  uint16_t last)
{
	struct rule_condition condition = { .source = prefix_of(source),
					    .ports = { first, last } };

	return condition;
}

static struct rule sample_rule(const struct rule_condition *conditions,
			       uint16_t count)
{
	struct rule rule = {
		.id = UINT64_C(0x0002334455667788),
		.group = "call-7f3a",
		.inner = endpoint_of("2.2.2.2:2222", 0),
		.outer = endpoint_of("3.3.3.3:3333", 1),
		.remote = { prefix_of("1.1.1.1"), 1111 },
		.timer = 300,
		.ports = 2,
		.kind = RULE_ORIGINATING,
		.protocol = RULE_UDP,
		.keep_source = true,
		.condition_count = count,
		.conditions = conditions,
	};

	return rule;
}

static size_t encode(const struct rule *rule, uint8_t *data, size_t size)
{
	struct wire_writer writer;

	ck_assert_int_eq(wire_begin(&writer, data, size,
				    (struct wire_head){ 42, WIRE_PUT }),
			 0);
	ck_assert_int_eq(wire_add_rule(&writer, rule), 0);
	return writer.used;
}

/* 0 when the whole record is one good rule. */
static int decode(const uint8_t *data, size_t size, struct rule *ret)
{
	static struct rule_condition conditions[RULE_CONDITIONS_MAX];
	struct wire_reader reader;
	/* A copy of exactly that size: reading past it is found out. */
	uint8_t *copy = malloc(size ? size : 1);
	int r;

	memcpy(copy, data, size);
	r = wire_open(&reader, copy, size);
	if (r == 0)
		r = wire_read_rule(&reader, conditions, RULE_CONDITIONS_MAX,
				   ret);
	if (r == 0)
		r = wire_close(&reader);
	free(copy);
	return r;
}

START_TEST(a_rule_comes_out_as_it_went_in)
{
	struct rule_condition conditions[2] = {
		condition_of("1.1.1.1/32", 1, 65535),
		condition_of("0.0.0.0/0", 1, 65535),
	};
	struct rule rule, out;
	uint8_t data[1024];
	size_t size;

	conditions[0].target = endpoint_of("2.2.2.2:1111", 0);
	conditions[1].discard = true;
	rule = sample_rule(conditions, 2);
	size = encode(&rule, data, sizeof(data));
	ck_assert_int_eq(decode(data, size, &out), 0);
	ck_assert_uint_eq(out.id, rule.id);
	ck_assert_str_eq(out.group, rule.group);
	ck_assert(endpoint_equal(&out.inner, &rule.inner));
	ck_assert(endpoint_equal(&out.outer, &rule.outer));
	ck_assert(ip_prefix_equal(&out.remote.prefix, &rule.remote.prefix));
	ck_assert_uint_eq(out.remote.port, 1111);
	ck_assert_uint_eq(out.timer, 300);
	ck_assert_uint_eq(out.ports, 2);
	ck_assert_uint_eq(out.kind, RULE_ORIGINATING);
	ck_assert_uint_eq(out.protocol, RULE_UDP);
	ck_assert(out.keep_source);
	ck_assert_uint_eq(out.condition_count, 2);
	ck_assert(endpoint_equal(&out.conditions[0].target,
				 &conditions[0].target));
	ck_assert(!out.conditions[0].discard && out.conditions[1].discard);
	ck_assert(ip_prefix_equal(&out.conditions[1].source,
				  &conditions[1].source));
}
END_TEST

static struct rule latching_rule(void)
{
	struct rule rule = sample_rule(NULL, 0);

	rule.kind = RULE_BOTH;
	rule.latch.prefix = prefix_of("1.1.1.0/24");
	rule.latch.round = 7;
	rule.latch.remotes[1] = endpoint_of("1.1.1.1:61000", 1);
	return rule;
}

START_TEST(whom_a_rule_has_latched_on_to_comes_out_as_it_went_in)
{
	struct rule rule = latching_rule(), out;
	uint8_t data[1024];
	size_t size = encode(&rule, data, sizeof(data));

	ck_assert_int_eq(decode(data, size, &out), 0);
	ck_assert(ip_prefix_equal(&out.latch.prefix, &rule.latch.prefix));
	ck_assert_uint_eq(out.latch.round, 7);
	ck_assert_uint_eq(out.latch.remotes[0].addr.family, IP_NONE);
	ck_assert(
		endpoint_equal(&out.latch.remotes[1], &rule.latch.remotes[1]));
	for (size_t len = 0; len < size; len++)
		ck_assert_int_eq(decode(data, len, &out), -EBADMSG);
}
END_TEST

START_TEST(what_has_latched_comes_out_as_it_went_in)
{
	struct wire_latched latched = { .id = 5,
					.round = 6,
					.offset = 1,
					.remote = endpoint_of("1.1.1.1:61000",
							      1) },
			    out;
	struct wire_writer writer;
	struct wire_reader reader;
	uint8_t data[64];

	for (int bad = 0; bad < 5; bad++) {
		struct wire_latched sent = latched;

		if (bad == 1)
			sent.id = 0;
		else if (bad == 2)
			sent.id = RULE_ID_DYNAMIC;
		else if (bad == 3)
			sent.offset = RULE_LATCH_PORTS;
		else if (bad == 4)
			sent.remote.port = 0;
		ck_assert_int_eq(wire_begin(&writer, data, sizeof(data),
					    (struct wire_head){ 0,
								WIRE_LATCHED }),
				 0);
		ck_assert_int_eq(wire_add_latched(&writer, &sent), 0);
		ck_assert_int_eq(wire_open(&reader, data, writer.used), 0);
		ck_assert_int_eq(wire_read_latched(&reader, &out),
				 bad ? -EBADMSG : 0);
	}
	ck_assert_uint_eq(out.id, 5);
	ck_assert_uint_eq(out.round, 6);
	ck_assert_uint_eq(out.offset, 1);
	ck_assert(endpoint_equal(&out.remote, &latched.remote));
	wire_open(&reader, data, writer.used - 1);
	ck_assert_int_eq(wire_read_latched(&reader, &out), -EBADMSG);
}
END_TEST

START_TEST(a_record_that_is_cut_short_is_refused_at_each_byte)
{
	struct rule_condition condition = condition_of("1.1.1.1/32", 5, 6);
	struct rule rule = sample_rule(&condition, 1), out = { .id = 77 };
	uint8_t data[1024];
	size_t size = encode(&rule, data, sizeof(data));

	for (size_t len = 0; len < size; len++)
		ck_assert_int_eq(decode(data, len, &out), -EBADMSG);
	ck_assert_uint_eq(out.id, 77);
	data[size] = 0;
	ck_assert_int_eq(decode(data, size + 1, &out), -EBADMSG);
}
END_TEST

START_TEST(no_changed_byte_gives_a_rule_that_breaks_the_invariants)
{
	struct rule_condition condition = condition_of("1.1.1.0/24", 5, 6);
	struct rule rule, out;
	uint8_t data[1024];
	size_t size;

	condition.target = endpoint_of("2.2.2.2:9", 0);
	rule = sample_rule(&condition, 1);
	size = encode(&rule, data, sizeof(data));
	for (size_t i = 0; i < size; i++) {
		uint8_t good = data[i];

		for (unsigned value = 0; value < 256; value++) {
			data[i] = (uint8_t)value;
			if (decode(data, size, &out) < 0)
				continue;
			ck_assert_uint_ne(out.id, 0);
			ck_assert_uint_le(out.kind, RULE_ORIGINATING);
			ck_assert_uint_ge(out.ports, 1);
			ck_assert_uint_le(out.ports, RULE_PORTS_MAX);
			ck_assert_uint_ne(out.inner.port, 0);
			ck_assert_uint_ne(out.outer.port, 0);
			ck_assert_int_le(out.outer.port + out.ports - 1, 65535);
			ck_assert_int_le(out.inner.port + out.ports - 1, 65535);
			ck_assert_uint_lt(out.inner.realm, REALM_MAX);
			ck_assert(!out.keep_source ||
				  out.inner.addr.family ==
					  out.outer.addr.family);
		}
		data[i] = good;
	}
}
END_TEST

static void refused(const struct rule *rule)
{
	static uint8_t data[WIRE_MAX];
	struct rule out;

	ck_assert_int_eq(decode(data, encode(rule, data, sizeof(data)), &out),
			 -EBADMSG);
}

START_TEST(rules_that_break_an_invariant_are_refused)
{
	struct rule_condition conditions[2] = {
		condition_of("1.1.1.1/32", 1, 65535),
		condition_of("0.0.0.0/0", 1, 65535),
	};
	const struct rule good = sample_rule(conditions, 2);
	struct rule rule;

#define REFUSED(change)         \
	do {                    \
		rule = good;    \
		change;         \
		refused(&rule); \
	} while (0)

	REFUSED(rule.id = 0);
	REFUSED(rule.id = RULE_ID_DYNAMIC);
	REFUSED((rule = latching_rule(), rule.kind = RULE_TERMINATING));
	REFUSED((rule = latching_rule(), rule.protocol = RULE_TCP));
	REFUSED((rule = latching_rule(), rule.ports = 3));
	REFUSED((rule = latching_rule(), rule.ports = 1));
	REFUSED((rule = latching_rule(), rule.latch.remotes[1].realm = 0));
	REFUSED((rule = latching_rule(), rule.latch.remotes[1].port = 0));
	REFUSED((rule = latching_rule(),
		 rule.latch.prefix = prefix_of("2001:db8::/64")));
	REFUSED(rule.protocol = RULE_ICMP);
	REFUSED(rule.kind = 3);
	REFUSED(rule.protocol = 1);
	REFUSED(rule.ports = 0);
	REFUSED(rule.ports = RULE_PORTS_MAX + 1);
	REFUSED(rule.inner.port = 0);
	REFUSED(rule.outer.port = 65535);
	REFUSED(rule.remote.port = 65535);
	REFUSED(rule.inner.realm = REALM_NONE);
	REFUSED(rule.outer.addr.family = IP_NONE);
	REFUSED((rule.inner = endpoint_of("[2001:db8::1]:2222", 0),
		 rule.keep_source = true));
	REFUSED(rule.remote.prefix = prefix_of("2001:db8::/32"));
	REFUSED(rule.remote.prefix.bits = 33);
	REFUSED(rule.remote.prefix.bits = 8);
	REFUSED(rule.group[0] = '\n');
	REFUSED(conditions[0].ports.first = 0);
	conditions[0].ports.first = 1;
	REFUSED((conditions[1].discard = true,
		 conditions[1].target = endpoint_of("2.2.2.2:9", 0)));
	conditions[1] = condition_of("0.0.0.0/0", 1, 65535);
	REFUSED(conditions[1].target = endpoint_of("2.2.2.2:65535", 0));
	conditions[1] = condition_of("1.1.1.1/32", 1, 65535);
	refused(&good);
	conditions[0] = condition_of("0.0.0.0/0", 1, 65535);
	refused(&good);
}
END_TEST

START_TEST(hellos_ids_and_acknowledgements_come_out_as_they_went_in)
{
	static struct wire_hello hello = { .epoch = 99, .realm_count = 2 }, out;
	struct wire_reader reader;
	struct wire_writer writer;
	enum wire_status status;
	uint8_t data[256];
	uint64_t id;

	strcpy(hello.realms[0], "inside");
	strcpy(hello.realms[1], "outside");
	ck_assert_int_eq(wire_begin(&writer, data, sizeof(data),
				    (struct wire_head){ 1, WIRE_HELLO }),
			 0);
	ck_assert_int_eq(wire_add_hello(&writer, &hello), 0);
	ck_assert_int_eq(wire_open(&reader, data, writer.used), 0);
	ck_assert_int_eq(wire_read_status(&reader, &status), -EBADMSG);
	ck_assert_int_eq(wire_read_hello(&reader, &out), 0);
	ck_assert_int_eq(wire_close(&reader), 0);
	ck_assert_uint_eq(out.epoch, 99);
	ck_assert_uint_eq(out.realm_count, 2);
	ck_assert_str_eq(out.realms[1], "outside");

	ck_assert_int_eq(wire_begin(&writer, data, sizeof(data),
				    (struct wire_head){ 7, WIRE_DELETE }),
			 0);
	ck_assert_int_eq(wire_add_id(&writer, 5), 0);
	ck_assert_int_eq(wire_add_id(&writer, 6), 0);
	ck_assert_int_eq(wire_open(&reader, data, writer.used), 0);
	ck_assert_uint_eq(reader.head.seq, 7);
	ck_assert_uint_eq(reader.count, 2);
	ck_assert_int_eq(wire_read_id(&reader, &id), 0);
	ck_assert_int_eq(wire_close(&reader), -EBADMSG);
	ck_assert_int_eq(wire_read_id(&reader, &id), 0);
	ck_assert_uint_eq(id, 6);
	ck_assert_int_eq(wire_read_id(&reader, &id), -EBADMSG);
	ck_assert_int_eq(wire_close(&reader), 0);

	ck_assert_int_eq(wire_begin(&writer, data, sizeof(data),
				    (struct wire_head){ 8, WIRE_ACK }),
			 0);
	ck_assert_int_eq(wire_add_status(&writer, WIRE_CONFLICT), 0);
	ck_assert_int_eq(wire_open(&reader, data, writer.used), 0);
	ck_assert_int_eq(wire_read_status(&reader, &status), 0);
	ck_assert_int_eq(status, WIRE_CONFLICT);
	data[writer.used - 1] = WIRE_REALMS + 1;
	ck_assert_int_eq(wire_open(&reader, data, writer.used), 0);
	ck_assert_int_eq(wire_read_status(&reader, &status), -EBADMSG);
}
END_TEST

START_TEST(heads_of_other_versions_and_types_are_refused)
{
	struct wire_reader reader;
	struct wire_writer writer;
	uint8_t data[64];

	ck_assert_int_eq(wire_begin(&writer, data, 7,
				    (struct wire_head){ 1, WIRE_SYNC_END }),
			 -ENOSPC);
	ck_assert_int_eq(wire_begin(&writer, data, sizeof(data),
				    (struct wire_head){ 1, WIRE_SYNC_END }),
			 0);
	ck_assert_int_eq(wire_open(&reader, data, writer.used), 0);
	data[0] = WIRE_VERSION + 1;
	ck_assert_int_eq(wire_open(&reader, data, writer.used), -EBADMSG);
	data[0] = WIRE_VERSION;
	data[1] = WIRE_ACK + 1;
	ck_assert_int_eq(wire_open(&reader, data, writer.used), -EBADMSG);
	data[1] = WIRE_PUT;
	ck_assert_int_eq(wire_open(&reader, data, writer.used), -EBADMSG);
	data[1] = WIRE_ACK;
	ck_assert_int_eq(wire_open(&reader, data, writer.used), -EBADMSG);
}
END_TEST

START_TEST(what_does_not_fit_leaves_the_record_as_it_was)
{
	struct rule rule = sample_rule(NULL, 0), out;
	struct wire_writer writer;
	uint8_t data[150];
	size_t used = 0;
	int r = 0;

	ck_assert_int_eq(wire_begin(&writer, data, sizeof(data),
				    (struct wire_head){ 1, WIRE_PUT }),
			 0);
	while (r == 0) {
		used = writer.used;
		r = wire_add_rule(&writer, &rule);
	}
	ck_assert_int_eq(r, -ENOSPC);
	ck_assert_uint_eq(writer.used, used);
	ck_assert_uint_eq(writer.count, 2);
	ck_assert_int_eq(decode(data, used, &out), -EBADMSG);
	ck_assert_int_eq(wire_add_rule(&writer, &rule), -ENOSPC);
}
END_TEST

START_TEST(a_rule_with_all_its_conditions_fits_a_record)
{
	static struct rule_condition conditions[RULE_CONDITIONS_MAX];
	static uint8_t data[WIRE_MAX];
	struct rule rule, out;
	size_t a, b;

	for (unsigned i = 0; i < RULE_CONDITIONS_MAX; i++) {
		char text[40];

		snprintf(text, sizeof(text), "2001:db8::%x", i);
		conditions[i] = condition_of(text, 1, 65535);
		conditions[i].target = endpoint_of("[2001:db8::1]:9", 0);
	}
	ck_assert_int_eq(rule_conditions_sort(conditions, RULE_CONDITIONS_MAX,
					      &a, &b),
			 0);
	rule = sample_rule(conditions, RULE_CONDITIONS_MAX);
	rule.inner = endpoint_of("[2001:db8::2]:2222", 0);
	rule.outer = endpoint_of("[2001:db8::3]:3333", 1);
	rule.remote.prefix.addr.family = IP_NONE;
	ck_assert_int_eq(decode(data, encode(&rule, data, sizeof(data)), &out),
			 0);
	ck_assert_uint_eq(out.condition_count, RULE_CONDITIONS_MAX);
	{
		struct wire_reader reader;
		size_t size = encode(&rule, data, sizeof(data));

		ck_assert_int_eq(wire_open(&reader, data, size), 0);
		ck_assert_int_eq(wire_read_rule(&reader, conditions,
						RULE_CONDITIONS_MAX - 1, &out),
				 -EBADMSG);
	}
}
END_TEST

START_TEST(the_more_special_condition_comes_first)
{
	struct rule_condition conditions[] = {
		condition_of("0.0.0.0/0", 1, 65535),
		condition_of("1.1.1.1/32", 1, 65535),
		condition_of("1.1.0.0/16", 1, 65535),
		condition_of("1.1.1.1/32", 1000, 1999),
		condition_of("1.1.1.0/32", 1000, 1999),
	};
	size_t a, b;

	ck_assert_int_eq(rule_conditions_sort(conditions, 5, &a, &b), 0);
	ck_assert_uint_eq(conditions[0].source.addr.bytes[3], 0);
	ck_assert_uint_eq(conditions[1].ports.first, 1000);
	ck_assert_uint_eq(conditions[2].source.bits, 32);
	ck_assert_uint_eq(conditions[3].source.bits, 16);
	ck_assert_uint_eq(conditions[4].source.bits, 0);
}
END_TEST

START_TEST(conditions_of_equal_rank_are_told)
{
	static const struct {
		uint16_t ports[4];
		int expected;
	} cases[] = {
		{ { 1, 10, 5, 15 }, -EEXIST },  { { 1, 10, 1, 10 }, -EEXIST },
		{ { 1, 10, 10, 15 }, -EEXIST }, { { 1, 10, 11, 15 }, 0 },
		{ { 1, 10, 2, 9 }, 0 },         { { 1, 10, 1, 9 }, 0 },
	};
	struct rule_condition pair[3];
	size_t a = 9, b = 9;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const uint16_t *p = cases[i].ports;

		pair[0] = condition_of("1.1.1.0/24", p[0], p[1]);
		pair[1] = condition_of("1.1.1.0/24", p[2], p[3]);
		pair[2] = condition_of("1.1.2.0/24", p[2], p[3]);
		ck_assert_int_eq(rule_conditions_sort(pair, 3, &a, &b),
				 cases[i].expected);
		if (cases[i].expected < 0) {
			ck_assert_uint_lt(a, b);
			ck_assert(ip_prefix_equal(&pair[a].source,
						  &pair[b].source));
		}
	}
	ck_assert_int_eq(rule_conditions_sort(NULL, 0, &a, &b), 0);
}
END_TEST

/* The translator checks them between two packets. */
START_TEST(thousands_of_conditions_are_checked_at_once)
{
	static struct rule_condition conditions[RULE_CONDITIONS_MAX];
	clock_t start = clock();
	size_t a, b;

	for (uint16_t i = 0; i < RULE_CONDITIONS_MAX; i++)
		conditions[i] = condition_of("1.1.1.1/32", (uint16_t)(i + 1),
					     (uint16_t)(i + 1));
	for (int i = 0; i < 200; i++)
		ck_assert_int_eq(rule_conditions_check(conditions,
						       RULE_CONDITIONS_MAX, &a,
						       &b),
				 0);
	ck_assert_int_lt((clock() - start) / CLOCKS_PER_SEC, 2);
}
END_TEST

/* As looking at each pair would have it. */
START_TEST(what_clashes_is_found_among_many)
{
	uint32_t random = 1;

	for (int round = 0; round < 5000; round++) {
		struct rule_condition conditions[6];
		size_t a = 9, b = 9;
		bool expected = false;

		for (size_t i = 0; i < 6; i++) {
			uint16_t first, last;

			random = random * 1103515245 + 12345;
			first = (uint16_t)(1 + (random >> 16) % 12);
			last = (uint16_t)(first + (random >> 24) % 8);
			conditions[i] = condition_of(random >> 31 ?
							     "1.1.1.1/32" :
							     "1.1.1.0/24",
						     first, last);
		}
		for (size_t i = 0; i < 6; i++)
			for (size_t j = 0; j < i; j++) {
				struct rule_condition pair[2] = {
					conditions[i], conditions[j]
				};

				expected = expected ||
					   rule_conditions_sort(pair, 2, &a,
								&b) != 0;
			}
		ck_assert_int_eq(rule_conditions_sort(conditions, 6, &a, &b),
				 expected ? -EEXIST : 0);
		if (expected)
			ck_assert_uint_lt(a, b);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_rule_comes_out_as_it_went_in,
		whom_a_rule_has_latched_on_to_comes_out_as_it_went_in,
		what_has_latched_comes_out_as_it_went_in,
		a_record_that_is_cut_short_is_refused_at_each_byte,
		no_changed_byte_gives_a_rule_that_breaks_the_invariants,
		rules_that_break_an_invariant_are_refused,
		hellos_ids_and_acknowledgements_come_out_as_they_went_in,
		heads_of_other_versions_and_types_are_refused,
		what_does_not_fit_leaves_the_record_as_it_was,
		a_rule_with_all_its_conditions_fits_a_record,
		the_more_special_condition_comes_first,
		conditions_of_equal_rank_are_told,
		thousands_of_conditions_are_checked_at_once,
		what_clashes_is_found_among_many,
		NULL,
	};

	return suite_run("rulewire", tests);
}
