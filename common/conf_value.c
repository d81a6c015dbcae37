/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Settings of a configuration as they stand in the file, to types. */
#include "config.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf_parts.h"

size_t conf_value_count(cfg_t *section, const char *name)
{
	return cfg_size(section, name);
}

const struct conf_value *conf_value_at(cfg_t *section, const char *name,
				       size_t i)
{
	return cfg_getnptr(section, name, (unsigned)i);
}

const struct conf_value *conf_value(cfg_t *section, const char *name)
{
	return conf_value_at(section, name, 0);
}

const struct conf_section *conf_section_of(const struct conf_reader *reader,
					   const cfg_t *section, size_t index)
{
	static char nowhere[] = "?";
	static const struct conf_section unknown = { nowhere, nowhere, nowhere,
						     0 };
	const struct conf_scan *scan = &reader->scan;
	const char *title = section->title ? section->title : "";

	for (size_t i = 0; i < scan->section_count; i++) {
		const struct conf_section *found = &scan->sections[i];

		if (strcmp(found->type, section->name) != 0 ||
		    strcmp(found->title, title) != 0)
			continue;
		if (*title != '\0' || index-- == 0)
			return found;
	}
	return &unknown;
}

const struct conf_value *conf_value_needed(struct conf_reader *reader,
					   const struct conf_section *place,
					   cfg_t *section, const char *name)
{
	const struct conf_value *value = conf_value(section, name);

	if (!value)
		conf_mistake_add(&reader->mistakes, place->path, place->line,
				 "%s%s%s: %s is not set", place->type,
				 *place->title ? " " : "", place->title, name);
	return value;
}

void conf_value_mistake(struct conf_reader *reader,
			const struct conf_value *value, const char *format, ...)
{
	char text[400];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	conf_mistake_add(&reader->mistakes, value->path, value->line, "%s",
			 text);
}

void *conf_array(struct conf_reader *reader, size_t count, size_t size)
{
	void *array;

	if (count == 0)
		return NULL;
	array = calloc(count, size);
	if (!array)
		reader->mistakes.no_memory = true;
	return array;
}

bool conf_get_number(struct conf_reader *reader, const struct conf_value *value,
		     unsigned min, unsigned max, unsigned *ret)
{
	unsigned long number = 0;
	const char *c;

	if (!value)
		return false;
	for (c = value->text; *c >= '0' && *c <= '9' && number <= max; c++)
		number = number * 10 + (unsigned long)(*c - '0');
	if (*c != '\0' || c == value->text || number < min || number > max) {
		conf_value_mistake(reader, value,
				   "\"%s\" is no number from %u to %u",
				   value->text, min, max);
		return false;
	}
	*ret = (unsigned)number;
	return true;
}

bool conf_get_bool(struct conf_reader *reader, const struct conf_value *value,
		   bool *ret)
{
	int truth;

	if (!value)
		return false;
	truth = cfg_parse_boolean(value->text);
	if (truth < 0) {
		conf_value_mistake(reader, value,
				   "\"%s\" is neither yes nor no", value->text);
		return false;
	}
	*ret = truth != 0;
	return true;
}

bool conf_get_word(struct conf_reader *reader, const struct conf_value *value,
		   const char *const *words, unsigned *ret)
{
	char known[100] = "";

	if (!value)
		return false;
	for (unsigned i = 0; words[i]; i++) {
		size_t used = strlen(known);

		if (strcmp(words[i], value->text) == 0) {
			*ret = i;
			return true;
		}
		snprintf(known + used, sizeof(known) - used, "%s%s",
			 i == 0       ? "" :
			 words[i + 1] ? ", " :
					" or ",
			 words[i]);
	}
	conf_value_mistake(reader, value, "\"%s\" is not one of %s",
			   value->text, known);
	return false;
}

bool conf_get_realm(struct conf_reader *reader, const struct conf_value *value,
		    realm_id *ret)
{
	realm_id id;

	if (!value)
		return false;
	id = realm_find(&reader->conf->names, value->text);
	if (id == REALM_NONE) {
		conf_value_mistake(reader, value, "there is no realm \"%s\"",
				   value->text);
		return false;
	}
	*ret = id;
	return true;
}

/* Like ip_prefix_parse; says so when only the host bits are wrong. */
static bool parse_prefix(struct conf_reader *reader,
			 const struct conf_value *value, const char *text,
			 size_t len, struct ip_prefix *ret)
{
	const char *slash = memchr(text, '/', len);
	struct ip_prefix prefix;
	struct ip_addr addr;
	size_t addr_len = slash ? (size_t)(slash - text) : len;

	if (ip_prefix_parse(text, len, &prefix) == 0) {
		*ret = prefix;
		return true;
	}
	if (slash && ip_addr_parse(text, addr_len, &addr) == 0)
		conf_value_mistake(reader, value,
				   "\"%s\": the length of the prefix is not "
				   "one, or bits behind it are not 0",
				   value->text);
	else
		conf_value_mistake(reader, value, "\"%s\" is no %s",
				   value->text,
				   slash ? "prefix" : "address or prefix");
	return false;
}

bool conf_get_addr(struct conf_reader *reader, const struct conf_value *value,
		   struct ip_addr *ret)
{
	if (!value)
		return false;
	if (ip_addr_parse(value->text, strlen(value->text), ret) == 0)
		return true;
	conf_value_mistake(reader, value, "\"%s\" is no address", value->text);
	return false;
}

bool conf_get_prefix(struct conf_reader *reader, const struct conf_value *value,
		     struct ip_prefix *ret)
{
	if (!value)
		return false;
	return parse_prefix(reader, value, value->text, strlen(value->text),
			    ret);
}

/*
 * The colon before the ports, or NULL: there are none. *ret_prefix becomes the
 * prefix before it, of *ret_len bytes: IPv6, with colons of its own, stands in
 * brackets where ports follow.
 */
static const char *find_ports(const char *text, const char **ret_prefix,
			      size_t *ret_len)
{
	const char *end = text[0] == '[' ? strchr(text, ']') : NULL;
	const char *colon = strchr(text, ':');

	if (end && (end[1] == ':' || end[1] == '\0')) {
		*ret_prefix = text + 1;
		*ret_len = (size_t)(end - text - 1);
		return end[1] == ':' ? end + 1 : NULL;
	}
	if (colon && strchr(colon + 1, ':'))
		colon = NULL;
	*ret_prefix = text;
	*ret_len = colon ? (size_t)(colon - text) : strlen(text);
	return colon;
}

bool conf_get_range(struct conf_reader *reader, const struct conf_value *value,
		    bool ports_optional, struct conf_range *ret)
{
	struct conf_range range = { .ports = { 1, UINT16_MAX } };
	const char *prefix, *colon;
	size_t len;

	if (!value)
		return false;
	colon = find_ports(value->text, &prefix, &len);
	if (!colon && !ports_optional) {
		conf_value_mistake(reader, value,
				   "\"%s\" names no ports (%s:FIRST-LAST)",
				   value->text,
				   memchr(prefix, ':', len) ? "[PREFIX]" :
							      "PREFIX");
		return false;
	}
	if (colon &&
	    port_range_parse(colon + 1, strlen(colon + 1), &range.ports) < 0) {
		conf_value_mistake(reader, value,
				   "\"%s\": \"%s\" is no port or FIRST-LAST",
				   value->text, colon + 1);
		return false;
	}
	if (!parse_prefix(reader, value, prefix, len, &range.prefix))
		return false;
	*ret = range;
	return true;
}

bool conf_get_endpoint(struct conf_reader *reader,
		       const struct conf_value *value, struct endpoint *ret)
{
	struct endpoint endpoint;

	if (!value)
		return false;
	if (endpoint_parse_bare(value->text, strlen(value->text), &endpoint) <
	    0) {
		conf_value_mistake(reader, value, "\"%s\" is no ADDRESS:PORT",
				   value->text);
		return false;
	}
	*ret = endpoint;
	return true;
}

bool conf_get_text(struct conf_reader *reader, const struct conf_value *value,
		   char **ret)
{
	char *text;

	if (!value)
		return false;
	text = strdup(value->text);
	if (!text) {
		reader->mistakes.no_memory = true;
		return false;
	}
	free(*ret);
	*ret = text;
	return true;
}

cfg_t *conf_section_at(const struct conf_reader *reader, const char *type,
		       size_t i)
{
	return cfg_getnsec(reader->root, type, (unsigned)i);
}

void conf_section_mistake(struct conf_reader *reader, const char *type,
			  size_t i, const char *format, ...)
{
	const struct conf_section *place =
		conf_section_of(reader, conf_section_at(reader, type, i), i);
	char text[400];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	conf_mistake_add(&reader->mistakes, place->path, place->line, "%s",
			 text);
}
