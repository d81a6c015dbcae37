/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A section's settings, one or many at a time. */
#include "config.h"

#include <string.h>

#include "common/conf_parts.h"

struct conf_part conf_part_of(struct conf_reader *reader, const char *type,
			      size_t i)
{
	cfg_t *section = cfg_getnsec(reader->root, type, (unsigned)i);

	return (struct conf_part){ reader, section,
				   conf_section_of(reader, section, i) };
}

void conf_part_name(struct conf_part *part, char **ret_name, unsigned *ret_line)
{
	*ret_name = strdup(part->place->title);
	if (!*ret_name)
		part->reader->mistakes.no_memory = true;
	*ret_line = part->place->line;
}

const struct conf_value *conf_part_value(const struct conf_part *part,
					 const char *name)
{
	return conf_value(part->section, name);
}

const struct conf_value *conf_part_needed(const struct conf_part *part,
					  const char *name)
{
	return conf_value_needed(part->reader, part->place, part->section,
				 name);
}

void conf_part_texts(const struct conf_part *part, const char *name,
		     struct conf_list *ret)
{
	size_t count = conf_value_count(part->section, name);

	ret->items = conf_array(part->reader, count, sizeof(*ret->items));
	for (size_t i = 0; i < count && ret->items; i++)
		if (conf_get_text(part->reader,
				  conf_value_at(part->section, name, i),
				  &ret->items[ret->count]))
			ret->count++;
}

void conf_part_realms(const struct conf_part *part, const char *name,
		      realm_id **ret, size_t *ret_count)
{
	size_t count = conf_value_count(part->section, name);

	*ret = conf_array(part->reader, count, sizeof(**ret));
	for (size_t i = 0; i < count && *ret; i++)
		if (conf_get_realm(part->reader,
				   conf_value_at(part->section, name, i),
				   &(*ret)[*ret_count]))
			++*ret_count;
}

void conf_part_prefixes(const struct conf_part *part, const char *name,
			struct ip_prefix **ret, size_t *ret_count)
{
	size_t count = conf_value_count(part->section, name);

	*ret = conf_array(part->reader, count, sizeof(**ret));
	for (size_t i = 0; i < count && *ret; i++)
		if (conf_get_prefix(part->reader,
				    conf_value_at(part->section, name, i),
				    &(*ret)[*ret_count]))
			++*ret_count;
}
