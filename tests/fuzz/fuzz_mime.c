/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fuzz target: a Content-Type on the first line, the body behind it. */
#include <stdlib.h>
#include <string.h>

#include "proxy/mime.h"
#include "tests/fuzz/fuzz.h"

static void check_body(const char *type, const char *body, size_t len)
{
	struct media_error error = { 0 };
	struct mime_part part;
	size_t text_len;
	char *text;

	if (mime_find(type, NULL, body, len, &part, &error)) {
		fuzz_require(error.status >= 400 && error.text,
			     "a refusal has an answer");
		return;
	}
	if (!part.found)
		return;
	fuzz_require(part.sdp.at <= len && part.sdp.len <= len - part.sdp.at,
		     "the part lies within the body");
	part.clen.len = 0;
	fuzz_require(mime_write(&part, body, len, body + part.sdp.at,
				part.sdp.len, &text, &text_len) == 0,
		     "there is memory");
	fuzz_require(text_len == len && memcmp(text, body, len) == 0,
		     "the same part makes the same body");
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
	size_t type_len = end ? (size_t)(end - data) : size;
	size_t len = end ? size - type_len - 1 : 0;
	char *type = malloc(type_len + 1), *body = malloc(len + 1);

	fuzz_require(type && body, "there is memory");
	if (type_len)
		memcpy(type, data, type_len);
	type[type_len] = '\0';
	if (len)
		memcpy(body, end + 1, len);
	check_body(type, body, len);
	free(type);
	free(body);
	return 0;
}
