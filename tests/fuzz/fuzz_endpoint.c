/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fuzz target: texts of addresses, prefixes, port ranges and endpoints. */
#include <stdlib.h>
#include <string.h>

#include "common/endpoint.h"
#include "tests/fuzz/fuzz.h"

static const char *const realms[] = { "inside", "outside" };
static const struct realm_names names = { realms, 2 };

static void check_prefix(const char *text, size_t len)
{
	struct ip_prefix prefix, again;
	char out[IP_PREFIX_TEXT];

	if (ip_prefix_parse(text, len, &prefix) < 0)
		return;
	ip_prefix_format(&prefix, out);
	fuzz_require(ip_prefix_parse(out, strlen(out), &again) == 0 &&
			     ip_prefix_equal(&prefix, &again),
		     "a prefix reads back");
	fuzz_require(ip_prefix_contains(&prefix, &prefix.addr),
		     "a prefix contains its address");
	fuzz_require(ip_prefix_count(&prefix) > 0, "a prefix has addresses");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct endpoint endpoint, again;
	struct port_range range;
	struct ip_addr addr;
	char out[ENDPOINT_TEXT];
	char *text = malloc(size + 1);

	fuzz_require(text != NULL, "there is memory");
	memcpy(text, data, size);
	text[size] = '\0';
	ip_addr_parse((const char *)data, size, &addr);
	check_prefix((const char *)data, size);
	if (port_range_parse((const char *)data, size, &range) == 0)
		fuzz_require(range.first > 0 && range.first <= range.last,
			     "a range is in order");
	endpoint_parse_bare((const char *)data, size, &endpoint);
	if (endpoint_parse(text, &names, &endpoint) == 0) {
		endpoint_format(&endpoint, &names, out);
		fuzz_require(endpoint_parse(out, &names, &again) == 0 &&
				     endpoint_equal(&endpoint, &again) &&
				     endpoint_hash(&endpoint, 5) ==
					     endpoint_hash(&again, 5),
			     "an endpoint reads back");
	}
	free(text);
	return 0;
}
