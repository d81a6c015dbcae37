/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fuzz target: records of the link between natctl and the translator. */
#include <string.h>

#include "common/rulewire.h"
#include "tests/fuzz/fuzz.h"

/* What was read is written to the same bytes. */
static void check_rule(const struct rule *rule, const uint8_t *data, size_t len)
{
	static uint8_t again[WIRE_MAX];
	struct wire_writer writer;

	wire_begin(&writer, again, sizeof(again),
		   (struct wire_head){ 0, WIRE_PUT });
	fuzz_require(wire_add_rule(&writer, rule) == 0, "a rule fits");
	fuzz_require(writer.used - 8 == len, "a rule keeps its length");
	fuzz_require(memcmp(again + 8, data, len) == 0,
		     "a rule keeps its bytes");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct rule_condition conditions[RULE_CONDITIONS_MAX];
	static struct wire_hello hello;
	struct wire_reader reader;
	enum wire_status status;
	struct rule rule;
	uint64_t id;
	size_t at;

	if (wire_open(&reader, data, size) < 0)
		return 0;
	wire_read_hello(&reader, &hello);
	wire_read_status(&reader, &status);
	while (wire_read_id(&reader, &id) == 0)
		fuzz_require(id != 0, "no id is 0");
	at = reader.offset;
	while (wire_read_rule(&reader, conditions, RULE_CONDITIONS_MAX,
			      &rule) == 0) {
		check_rule(&rule, data + at, reader.offset - at);
		at = reader.offset;
	}
	wire_close(&reader);
	return 0;
}
