/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Form and names of a configuration's text. Pure. */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf_lexer.h"

static char *copy_text(struct conf_scan *scan, const struct token *token)
{
	char *text = strndup(token->start, token->len);

	if (!text)
		scan->mistakes->no_memory = true;
	return text;
}

/* A value or a list of them. *ret_list: it stood in braces. */
static bool scan_value(struct lexer *lexer, bool *ret_list)
{
	struct token value;

	*ret_list = lexer_is(lexer, '{');
	if (!*ret_list)
		return lexer_expect_text(lexer, "a value", &value);
	lexer_next(lexer);
	while (!lexer_is(lexer, '}')) {
		if (!lexer_expect_text(lexer, "a value or '}'", &value))
			return false;
		if (lexer_is(lexer, ','))
			lexer_next(lexer);
		else if (!lexer_is(lexer, '}')) {
			lexer_unexpected(lexer, "',' or '}'");
			return false;
		}
	}
	return lexer_expect(lexer, '}');
}

/* What follows a name that is not known, or is not used as it may be. */
static bool skip_statement(struct lexer *lexer)
{
	struct token title;
	unsigned depth = 0;
	bool list;

	if (lexer_is(lexer, '=')) {
		lexer_next(lexer);
		return scan_value(lexer, &list);
	}
	if (lexer->token.kind == TOKEN_TEXT &&
	    !lexer_expect_text(lexer, "a title", &title))
		return false;
	if (!lexer_is(lexer, '{')) {
		lexer_unexpected(lexer, "'=' or '{'");
		return false;
	}
	do {
		if (lexer_is(lexer, '{'))
			depth++;
		if (lexer_is(lexer, '}'))
			depth--;
		if (lexer->token.kind == TOKEN_END)
			lexer_unexpected(lexer, "'}'");
		lexer_next(lexer);
		if (lexer->token.kind == TOKEN_BAD)
			return false;
	} while (depth > 0);
	return true;
}

/* The place of a name in the table; -1: not known. */
static int find_option(const cfg_opt_t *opts, const struct token *name)
{
	for (int i = 0; opts[i].name; i++)
		if (strlen(opts[i].name) == name->len &&
		    memcmp(opts[i].name, name->start, name->len) == 0)
			return i;
	return -1;
}

static void __attribute__((format(printf, 3, 4)))
mistake_at(struct lexer *lexer, unsigned line, const char *format, ...)
{
	va_list args;
	char text[300];

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	conf_mistake_add(lexer->scan->mistakes, lexer->path, line, "%s", text);
}

#define TOKEN_ARGS(token) \
	(int)((token)->len < 60 ? (token)->len : 60), (token)->start

/* Adds the section to those known; false: it cannot be one. */
static bool add_section(struct lexer *lexer, const cfg_opt_t *opt,
			const struct token *title, unsigned line)
{
	struct conf_scan *scan = lexer->scan;
	struct conf_section *sections, *section;

	for (size_t i = 0; i < title->len; i++) {
		if (isalnum((unsigned char)title->start[i]) ||
		    memchr("_-.", title->start[i], 3))
			continue;
		mistake_at(lexer, line,
			   "%s \"%.*s\": a name is of letters, digits, '.', "
			   "'-' and '_'",
			   opt->name, TOKEN_ARGS(title));
		return false;
	}
	for (size_t i = 0; i < scan->section_count && title->len > 0; i++) {
		section = &scan->sections[i];
		if (section->type != opt->name ||
		    strlen(section->title) != title->len ||
		    memcmp(section->title, title->start, title->len) != 0)
			continue;
		mistake_at(lexer, line, "%s \"%s\" stands twice (see line %u)",
			   opt->name, section->title, section->line);
		return false;
	}
	sections = reallocarray(scan->sections, scan->section_count + 1,
				sizeof(*sections));
	if (!sections) {
		scan->mistakes->no_memory = true;
		return false;
	}
	scan->sections = sections;
	section = &sections[scan->section_count];
	section->type = opt->name;
	section->line = line;
	section->title = copy_text(scan, title);
	section->path = strdup(lexer->path);
	if (!section->title || !section->path) {
		free(section->title);
		free(section->path);
		scan->mistakes->no_memory = true;
		return false;
	}
	scan->section_count++;
	return true;
}

static bool scan_setting(struct lexer *lexer, const cfg_opt_t *opt,
			 const struct token *name)
{
	bool list;

	if (!lexer_expect(lexer, '=') || !scan_value(lexer, &list))
		return false;
	if (list && !(opt->flags & CFGF_LIST)) {
		mistake_at(lexer, name->line, "%s takes one value, not a list",
			   opt->name);
		conf_blank(lexer->text, name->offset, lexer->token.offset);
	}
	return true;
}

/* The settings of a section, up to its '}'. */
static bool scan_settings(struct lexer *lexer, const cfg_opt_t *section)
{
	const cfg_opt_t *opts = section->subopts;
	struct token name;
	uint32_t seen = 0;

	while (!lexer_is(lexer, '}')) {
		int i;

		if (!lexer_expect_text(lexer, "a setting or '}'", &name))
			return false;
		i = find_option(opts, &name);
		if (i >= 0 && !(seen & 1u << i)) {
			seen |= 1u << i;
			if (!scan_setting(lexer, &opts[i], &name))
				return false;
			continue;
		}
		if (i >= 0)
			mistake_at(lexer, name.line, "%s is set twice",
				   opts[i].name);
		else
			mistake_at(lexer, name.line,
				   "\"%.*s\" is no setting of a section %s",
				   TOKEN_ARGS(&name), section->name);
		if (!skip_statement(lexer))
			return false;
		conf_blank(lexer->text, name.offset, lexer->token.offset);
	}
	return lexer_expect(lexer, '}');
}

static bool scan_section(struct lexer *lexer, const cfg_opt_t *opt,
			 const struct token *name)
{
	struct token title = { .start = "" };
	bool titled = opt->flags & CFGF_TITLE, is_new;

	if (titled && lexer_is(lexer, '{')) {
		mistake_at(lexer, name->line, "section %s has no name",
			   opt->name);
		if (!skip_statement(lexer))
			return false;
		conf_blank(lexer->text, name->offset, lexer->token.offset);
		return true;
	}
	if (titled && !lexer_expect_text(lexer, "the section's name", &title))
		return false;
	is_new = add_section(lexer, opt, &title, name->line);
	if (!lexer_expect(lexer, '{') || !scan_settings(lexer, opt))
		return false;
	if (!is_new)
		conf_blank(lexer->text, name->offset, lexer->token.offset);
	return true;
}

static bool scan_include(struct lexer *lexer, const struct token *name)
{
	struct conf_scan *scan = lexer->scan;
	struct conf_include *includes;
	struct token path;

	if (!lexer_expect(lexer, '(') ||
	    !lexer_expect_text(lexer, "a file", &path))
		return false;
	includes = reallocarray(scan->includes, scan->include_count + 1,
				sizeof(*includes));
	if (!includes) {
		scan->mistakes->no_memory = true;
		return false;
	}
	scan->includes = includes;
	includes[scan->include_count].offset = name->offset;
	includes[scan->include_count].line = name->line;
	includes[scan->include_count++].path = copy_text(scan, &path);
	if (!lexer_expect(lexer, ')'))
		return false;
	conf_blank(lexer->text, name->offset, lexer->token.offset);
	return true;
}

static bool scan_statement(struct lexer *lexer)
{
	struct conf_scan *scan = lexer->scan;
	struct token name;
	int i;

	if (!lexer_expect_text(lexer, "a setting or a section", &name))
		return false;
	if (lexer_is(lexer, '(') && name.len == 7 &&
	    memcmp(name.start, "include", 7) == 0)
		return scan_include(lexer, &name);
	i = find_option(scan->opts, &name);
	if (i >= 0 && scan->opts[i].type == CFGT_SEC && !lexer_is(lexer, '='))
		return scan_section(lexer, &scan->opts[i], &name);
	if (i >= 0 && scan->opts[i].type != CFGT_SEC &&
	    !(scan->seen & 1u << i)) {
		scan->seen |= 1u << i;
		return scan_setting(lexer, &scan->opts[i], &name);
	}
	if (i < 0)
		mistake_at(lexer, name.line, "\"%.*s\" is no %s",
			   TOKEN_ARGS(&name),
			   lexer_is(lexer, '=') ? "setting" : "section");
	else if (scan->opts[i].type == CFGT_SEC)
		mistake_at(lexer, name.line, "%s is a section, not a setting",
			   scan->opts[i].name);
	else
		mistake_at(lexer, name.line, "%s is set twice",
			   scan->opts[i].name);
	if (!skip_statement(lexer))
		return false;
	conf_blank(lexer->text, name.offset, lexer->token.offset);
	return true;
}

static void free_includes(struct conf_scan *scan)
{
	for (size_t i = 0; i < scan->include_count; i++)
		free(scan->includes[i].path);
	free(scan->includes);
	scan->includes = NULL;
	scan->include_count = 0;
}

int conf_scan_text(struct conf_scan *scan, const char *path, char *text,
		   size_t len)
{
	struct lexer lexer = {
		.scan = scan, .path = path, .text = text, .len = len, .line = 1
	};

	free_includes(scan);
	lexer_next(&lexer);
	while (lexer.token.kind != TOKEN_END)
		if (lexer.token.kind == TOKEN_BAD || !scan_statement(&lexer))
			return -EINVAL;
	return 0;
}

void conf_scan_done(struct conf_scan *scan)
{
	for (size_t i = 0; i < scan->section_count; i++) {
		free(scan->sections[i].title);
		free(scan->sections[i].path);
	}
	free(scan->sections);
	free_includes(scan);
}
