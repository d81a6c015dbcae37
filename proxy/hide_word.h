/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A text as a word that only the holder of a key can read. */
#ifndef VIADUCT_PROXY_HIDE_WORD_H
#define VIADUCT_PROXY_HIDE_WORD_H

#include <stddef.h>
#include <stdint.h>

struct text;

#define HIDE_WORD_PREFIX "vd"

enum hide_word_result {
	HIDE_WORD_DECODED,
	HIDE_WORD_FOREIGN, /* not a word of this key */
	HIDE_WORD_NO_MEMORY
};

/*
 * Adds the word for `text` to `out`: letters and digits, the same word for the
 * same text. The key has HIDE_KEY_SIZE bytes.
 */
void hide_word_encode(const uint8_t *key, const char *text, size_t len,
		      struct text *out);
/* *ret is the text again, the caller's to free. */
enum hide_word_result hide_word_decode(const uint8_t *key, const char *word,
				       size_t len, char **ret);

#endif
