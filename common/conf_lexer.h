/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tokens of a configuration's text. Not for other files than conf*.c. */
#ifndef VIADUCT_COMMON_CONF_LEXER_H
#define VIADUCT_COMMON_CONF_LEXER_H

#include "common/conf_parts.h"

enum token_kind { TOKEN_END, TOKEN_TEXT, TOKEN_MARK, TOKEN_BAD };

struct token {
	enum token_kind kind;
	char mark;         /* of TOKEN_MARK: one of { } ( ) = , */
	const char *start; /* of TOKEN_TEXT, without quotes */
	size_t len;
	size_t offset; /* where it starts in the text, with quotes */
	unsigned line;
};

/* A text that is being read; comments in it are blanked on the way. */
struct lexer {
	struct conf_scan *scan; /* that it works for, not owned */
	const char *path;       /* not owned */
	char *text;
	size_t len;
	size_t pos;
	unsigned line;
	struct token token; /* the one that is looked at */
};

/* All but line ends become blanks. */
void conf_blank(char *text, size_t from, size_t to);
/* Moves on. After a TOKEN_BAD, which has been reported, nothing moves. */
void lexer_next(struct lexer *lexer);
bool lexer_is(const struct lexer *lexer, char mark);
/* Reports what stands there instead of `wanted`; makes it TOKEN_BAD. */
void lexer_unexpected(struct lexer *lexer, const char *wanted);
/* Takes the mark, or the text; false: another token stands there, reported. */
bool lexer_expect(struct lexer *lexer, char mark);
bool lexer_expect_text(struct lexer *lexer, const char *wanted,
		       struct token *ret);

#endif
