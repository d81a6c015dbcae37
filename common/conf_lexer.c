/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tokens of a configuration's text. Pure. */
#include "config.h"

#include "common/conf_lexer.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void conf_blank(char *text, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (text[i] != '\n')
			text[i] = ' ';
}

static bool starts_comment(const struct lexer *lexer, size_t pos)
{
	const char *text = lexer->text;

	return text[pos] == '#' || (text[pos] == '/' && (text[pos + 1] == '/' ||
							 text[pos + 1] == '*'));
}

/* Blanks the comment at `pos`; false: it does not end. */
static bool skip_comment(struct lexer *lexer)
{
	size_t start = lexer->pos;
	const char *end;

	if (lexer->text[start] == '/' && lexer->text[start + 1] == '*') {
		end = strstr(lexer->text + start + 2, "*/");
		if (!end)
			return false;
		lexer->pos = (size_t)(end - lexer->text) + 2;
	} else {
		lexer->pos += strcspn(lexer->text + start, "\n");
	}
	for (size_t i = start; i < lexer->pos; i++)
		if (lexer->text[i] == '\n')
			lexer->line++;
	conf_blank(lexer->text, start, lexer->pos);
	return true;
}

static bool skip_blanks(struct lexer *lexer)
{
	while (lexer->pos < lexer->len) {
		char c = lexer->text[lexer->pos];

		if (starts_comment(lexer, lexer->pos)) {
			if (!skip_comment(lexer))
				return false;
			continue;
		}
		if (c != ' ' && c != '\t' && c != '\r' && c != '\n')
			break;
		if (c == '\n')
			lexer->line++;
		if (c == '\r')
			lexer->text[lexer->pos] = ' ';
		lexer->pos++;
	}
	return true;
}

static bool is_word_char(char c)
{
	return isalnum((unsigned char)c) || (c != '\0' && strchr("_-.:/@", c));
}

static void __attribute__((format(printf, 2, 3)))
bad_form(struct lexer *lexer, const char *format, ...)
{
	va_list args;
	char text[200];

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	conf_mistake_add(lexer->scan->mistakes, lexer->path, lexer->line,
			 "%s (what follows was not read)", text);
	lexer->token.kind = TOKEN_BAD;
}

static void read_quoted(struct lexer *lexer, char quote)
{
	const char *start = lexer->text + lexer->pos + 1;
	const char stop[] = { quote, '\n', '\\', '\0' };
	size_t len = strcspn(start, stop);

	if (start[len] == '\\') {
		bad_form(lexer, "a backslash is not taken in a text");
		return;
	}
	if (start[len] != quote) {
		bad_form(lexer, "a text does not end on its line: %c missing",
			 quote);
		return;
	}
	lexer->token.kind = TOKEN_TEXT;
	lexer->token.start = start;
	lexer->token.len = len;
	lexer->pos += len + 2;
}

/* Moves on to the next token. */
void lexer_next(struct lexer *lexer)
{
	struct token *token = &lexer->token;
	char c;

	if (token->kind == TOKEN_BAD)
		return;
	if (!skip_blanks(lexer)) {
		bad_form(lexer, "a comment does not end: */ missing");
		return;
	}
	*token = (struct token){ .offset = lexer->pos, .line = lexer->line };
	if (lexer->pos >= lexer->len)
		return;
	c = lexer->text[lexer->pos];
	if (c == '"' || c == '\'') {
		read_quoted(lexer, c);
	} else if (c != '\0' && strchr("{}()=,", c)) {
		token->kind = TOKEN_MARK;
		token->mark = c;
		lexer->pos++;
	} else if (is_word_char(c)) {
		token->kind = TOKEN_TEXT;
		token->start = lexer->text + lexer->pos;
		while (is_word_char(lexer->text[lexer->pos]) &&
		       !starts_comment(lexer, lexer->pos))
			lexer->pos++;
		token->len = (size_t)(lexer->text + lexer->pos - token->start);
	} else if (c >= '!' && c <= '~') {
		bad_form(lexer,
			 "unexpected '%c' (texts that hold it stand in "
			 "quotes)",
			 c);
	} else {
		bad_form(lexer, "unexpected byte 0x%02x", (unsigned char)c);
	}
}

bool lexer_is(const struct lexer *lexer, char mark)
{
	return lexer->token.kind == TOKEN_MARK && lexer->token.mark == mark;
}

/* What stands there, for a message. */
void lexer_unexpected(struct lexer *lexer, const char *wanted)
{
	const struct token *token = &lexer->token;

	lexer->line = token->line;
	if (token->kind == TOKEN_END)
		bad_form(lexer, "the file ends where %s should be", wanted);
	else if (token->kind == TOKEN_MARK)
		bad_form(lexer, "'%c' stands where %s should be", token->mark,
			 wanted);
	else if (token->kind == TOKEN_TEXT)
		bad_form(lexer, "\"%.*s\" stands where %s should be",
			 (int)(token->len < 60 ? token->len : 60), token->start,
			 wanted);
}

bool lexer_expect(struct lexer *lexer, char mark)
{
	char wanted[] = { '\'', mark, '\'', '\0' };

	if (!lexer_is(lexer, mark)) {
		lexer_unexpected(lexer, wanted);
		return false;
	}
	lexer_next(lexer);
	return lexer->token.kind != TOKEN_BAD;
}

bool lexer_expect_text(struct lexer *lexer, const char *wanted,
		       struct token *ret)
{
	if (lexer->token.kind != TOKEN_TEXT) {
		lexer_unexpected(lexer, wanted);
		return false;
	}
	*ret = lexer->token;
	lexer_next(lexer);
	return lexer->token.kind != TOKEN_BAD;
}
