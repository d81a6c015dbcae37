/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests translator/icmp.c: which messages it opens. */
#include "translator/icmp.h"

#include <string.h>

#include "tests/translator/sample.h"
#include "tests/translator/suite.h"

struct message {
	uint8_t data[SAMPLE_MAX];
	size_t len;
	struct packet packet;
	struct packet quoted;
};

static enum verdict open_message(struct message *message, uint8_t type)
{
	struct sample sample = {
		.src = { ip_addr_v4(0x01010101), 0, 0 },
		.dst = { ip_addr_v4(0x04040404), 0, 0 },
		.protocol = 1,
		.icmp_type = type,
		.quoted_src = { ip_addr_v4(0x04040404), 4444, 0 },
		.quoted_dst = { ip_addr_v4(0x02020202), 2222, 0 }
	};

	message->len = sample_build(&sample, message->data);
	ck_assert_int_eq(packet_open(message->data, message->len,
				     &message->packet),
			 0);
	return icmp_open(&message->packet, &message->quoted);
}

/* Makes the message's checksum true again. */
static enum verdict reopen(struct message *message)
{
	uint8_t *icmp = message->data + 20;
	uint16_t sum;

	icmp[2] = 0;
	icmp[3] = 0;
	sum = (uint16_t)~sample_sum(icmp, message->packet.len - 20, 0);
	icmp[2] = (uint8_t)(sum >> 8);
	icmp[3] = (uint8_t)sum;
	return icmp_open(&message->packet, &message->quoted);
}

/* And that of the header that it quotes. */
static enum verdict reopen_quoted(struct message *message)
{
	uint8_t *quoted = message->data + 28;
	uint16_t sum;

	quoted[10] = 0;
	quoted[11] = 0;
	sum = (uint16_t)~sample_sum(quoted, 20, 0);
	quoted[10] = (uint8_t)(sum >> 8);
	quoted[11] = (uint8_t)sum;
	return reopen(message);
}

START_TEST(errors_are_opened_down_to_the_quoted_ports)
{
	static const uint8_t types[] = { 3, 11, 12 };
	struct message message;

	for (size_t i = 0; i < sizeof(types); i++) {
		ck_assert_int_eq(open_message(&message, types[i]),
				 VERDICT_ICMP_ERROR);
		ck_assert_uint_eq(packet_src_port(&message.quoted), 4444);
		ck_assert_uint_eq(packet_dst_port(&message.quoted), 2222);
	}
}
END_TEST

START_TEST(every_other_type_has_its_verdict)
{
	static const uint8_t queries[] = { 0, 8, 10, 13, 14, 15, 16, 17, 18 };
	struct message message;
	enum verdict verdict;

	for (unsigned type = 0; type < 256; type++) {
		bool error = type == 3 || type == 11 || type == 12;

		verdict = open_message(&message, (uint8_t)type);
		if (memchr(queries, (int)type, sizeof(queries)))
			ck_assert_int_eq(verdict, VERDICT_ICMP_QUERY);
		else if (!error)
			ck_assert_int_eq(verdict, VERDICT_ICMP_TYPE);
	}
}
END_TEST

START_TEST(a_quote_that_ends_before_the_ports_is_malformed)
{
	struct message message;

	for (size_t len = 28; len < 28 + 28; len++) {
		open_message(&message, 3);
		message.packet.len = len;
		ck_assert_int_eq(reopen(&message), VERDICT_MALFORMED);
	}
}
END_TEST

START_TEST(a_quote_of_another_protocol_or_of_a_later_fragment_has_no_rule)
{
	struct message message;

	open_message(&message, 3);
	message.data[28 + 9] = 47;
	ck_assert_int_eq(reopen_quoted(&message), VERDICT_ICMP_NO_RULE);
	open_message(&message, 3);
	message.data[28 + 7] = 1;
	ck_assert_int_eq(reopen_quoted(&message), VERDICT_ICMP_NO_RULE);
}
END_TEST

START_TEST(a_damaged_message_or_quoted_header_is_told)
{
	struct message message;

	open_message(&message, 3);
	message.data[20 + 6] ^= 1;
	ck_assert_int_eq(icmp_open(&message.packet, &message.quoted),
			 VERDICT_ICMP_CHECKSUM);
	open_message(&message, 3);
	message.data[28 + 8]--;
	ck_assert_int_eq(reopen(&message), VERDICT_ICMP_CHECKSUM);
	ck_assert_int_eq(reopen_quoted(&message), VERDICT_ICMP_ERROR);
}
END_TEST

int main(void)
{
	const TTest *tests[] = {
		errors_are_opened_down_to_the_quoted_ports,
		every_other_type_has_its_verdict,
		a_quote_that_ends_before_the_ports_is_malformed,
		a_quote_of_another_protocol_or_of_a_later_fragment_has_no_rule,
		a_damaged_message_or_quoted_header_is_told,
	};

	return SUITE_RUN("icmp", tests, NULL, NULL);
}
