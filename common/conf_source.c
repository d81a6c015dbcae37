/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a configuration says of the sources of media. */
#include "config.h"

#include <string.h>

#include "common/conf_parts.h"

#define PREFIX_MAX 128

/* Words, or prefixes. */
static void build_early(struct conf_part *part, struct conf_early *early)
{
	size_t count = conf_value_count(part->section, "early");

	early->any = count == 0;
	early->prefixes = conf_array(part->reader, count,
				     sizeof(*early->prefixes));
	for (size_t i = 0; i < count && early->prefixes; i++) {
		const struct conf_value *value = conf_value_at(part->section,
							       "early", i);

		if (strcmp(value->text, "any") == 0)
			early->any = true;
		else if (strcmp(value->text, "signalling") == 0)
			early->signalling = true;
		else if (strcmp(value->text, "none") == 0 && count == 1)
			early->any = false;
		else if (conf_get_prefix(part->reader, value,
					 &early->prefixes[early->prefix_count]))
			early->prefix_count++;
	}
	if (early->prefix_count > CONF_EARLY_MAX)
		conf_value_mistake(part->reader,
				   conf_value_at(part->section, "early", 0),
				   "early: more than %d prefixes",
				   CONF_EARLY_MAX);
}

void conf_build_source(struct conf_part *part, struct conf_realm *realm)
{
	static const char *const sources[] = { "address", "endpoint", "prefix",
					       "any",     "keep",     "latch",
					       NULL };
	static const char *const far_nats[] = { "auto", "yes", "no", NULL };
	struct conf_reader *reader = part->reader;
	unsigned word = CONF_SOURCE_ADDRESS;

	conf_get_word(reader, conf_part_value(part, "source"), sources, &word);
	realm->source = word;
	conf_get_number(reader, conf_part_value(part, "source_prefix"), 1,
			PREFIX_MAX, &realm->source_prefix);
	word = CONF_FAR_NAT_AUTO;
	conf_get_word(reader, conf_part_value(part, "far_nat"), far_nats,
		      &word);
	realm->far_nat = word;
	build_early(part, &realm->early);
}

/* One that everybody gets endpoints of. */
static bool has_pool(const struct conf *conf, realm_id realm)
{
	for (size_t i = 0; i < conf->pool_count; i++)
		if (conf->pools[i].realm == realm && !conf->pools[i].named)
			return true;
	return false;
}

void conf_check_source(struct conf_reader *reader)
{
	const struct conf *conf = reader->conf;

	for (size_t i = 0; i < conf->realm_count; i++) {
		const struct conf_realm *realm = &conf->realms[i];

		if (realm->source == CONF_SOURCE_PREFIX &&
		    realm->source_prefix == 0)
			conf_section_mistake(reader, "realm", i,
					     "realm %s: source = prefix needs "
					     "source_prefix",
					     realm->name);
		if (realm->source != CONF_SOURCE_PREFIX &&
		    realm->source != CONF_SOURCE_LATCH &&
		    realm->source_prefix != 0)
			conf_section_mistake(reader, "realm", i,
					     "realm %s: source_prefix is of "
					     "source = prefix or latch",
					     realm->name);
		if ((realm->source == CONF_SOURCE_LATCH ||
		     realm->far_nat == CONF_FAR_NAT_YES) &&
		    !has_pool(conf, (realm_id)i))
			conf_section_mistake(reader, "realm", i,
					     "realm %s has no pool: nothing "
					     "can latch in it",
					     realm->name);
	}
}
