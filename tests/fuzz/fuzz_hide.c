/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fuzz target: header values through the hiding of addresses. */
#include <stdlib.h>
#include <string.h>

#include "proxy/hide.h"
#include "tests/fuzz/fuzz.h"

static const uint8_t key[HIDE_KEY_SIZE] = "a key that nobody guesses";

static bool is_public(const struct ip_addr *addr, void *arg)
{
	(void)arg;
	return addr->family == IP_V4 && addr->bytes[0] != 10;
}

static bool is_any(const struct ip_addr *addr, void *arg)
{
	(void)addr;
	(void)arg;
	return true;
}

static const struct hide hide = {
	.shown = is_public,
	.host = "203.0.113.10",
	.port = 5070,
	.key = key,
};

static const struct hide show = { .shown = is_any, .host = "", .key = key };

/*
 * What was hidden once has nothing left to hide. (Within brackets in brackets,
 * our address can become the tail of an IPv6 one: those are left out.)
 */
static void check_twice(enum hide_kind kind, const char *value)
{
	char *once = NULL, *twice = NULL;

	if (hide_value(&hide, kind, value, &once) != HIDE_CHANGED)
		return;
	fuzz_require(strchr(value, '[') ||
			     hide_value(&hide, kind, once, &twice) == HIDE_SAME,
		     "hiding once is enough");
	if (kind == HIDE_CALL_ID) {
		fuzz_require(hide_value(&show, kind, once, &twice) ==
				     HIDE_CHANGED,
			     "a Call-ID comes back");
		fuzz_require(strcmp(twice, value) == 0,
			     "and is the one it was");
		free(twice);
	}
	free(once);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *value = malloc(size + 1), *unused = NULL;

	fuzz_require(value != NULL, "there is memory");
	if (size)
		memcpy(value, data, size);
	value[size] = '\0';
	check_twice(HIDE_ADDRESS, value);
	check_twice(HIDE_TEXT, value);
	check_twice(HIDE_CALL_ID, value);
	check_twice(HIDE_CALL_IDS, value);
	fuzz_require(hide_value(&hide, HIDE_DROP, value, &unused) !=
			     HIDE_CHANGED,
		     "free text stays or goes");
	free(value);
	return 0;
}
