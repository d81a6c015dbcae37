/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fuzz target: values of Authorization. */
#include <stdlib.h>
#include <string.h>

#include "proxy/credentials.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct credentials credentials;

	fuzz_require(text != NULL, "there is memory");
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	if (credentials_parse(text, &credentials) == 0) {
		for (int i = 0; i < CREDENTIALS_FIELDS; i++) {
			struct text_word word = credentials.fields[i];

			fuzz_require(!word.text ||
					     (word.text >= text &&
					      word.text + word.len <=
						      text + strlen(text)),
				     "a value lies within the text");
		}
		fuzz_require(
			strlen(credentials.username) <=
				credentials.fields[CREDENTIALS_USERNAME].len,
			"escapes make a name shorter only");
	}
	free(text);
	return 0;
}
