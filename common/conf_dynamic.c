/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a configuration says of dynamic mappings. */
#include "config.h"

#include "common/conf_parts.h"

#define TIMER_MIN 120 /* RFC 4787 REQ-5 */
#define TIMER_MAX 86400

void conf_build_dynamic(struct conf_reader *reader, cfg_t *section,
			struct conf_realm *realm)
{
	static const char *const filters[] = { "address", "endpoint", "any",
					       NULL };
	unsigned word = CONF_FILTER_ADDRESS;

	conf_get_bool(reader, conf_value(section, "dynamic"), &realm->dynamic);
	conf_get_word(reader, conf_value(section, "filter"), filters, &word);
	realm->filter = word;
	realm->dynamic_max = 512;
	conf_get_number(reader, conf_value(section, "dynamic_max"), 1,
			UINT16_MAX, &realm->dynamic_max);
	realm->dynamic_timer = 300;
	conf_get_number(reader, conf_value(section, "dynamic_timer"), TIMER_MIN,
			TIMER_MAX, &realm->dynamic_timer);
}

/* A pool that parties of this realm can be mapped into. */
static bool has_pool(const struct conf *conf, realm_id realm)
{
	for (size_t i = 0; i < conf->pool_count; i++)
		if (conf->pools[i].dynamic && conf->pools[i].realm != realm &&
		    conf->pools[i].realm != REALM_NONE)
			return true;
	return false;
}

void conf_check_dynamic(struct conf_reader *reader)
{
	const struct conf *conf = reader->conf;

	for (size_t i = 0; i < conf->realm_count; i++)
		if (conf->realms[i].dynamic && !has_pool(conf, (realm_id)i))
			conf_section_mistake(reader, "realm", i,
					     "realm %s is dynamic, but no "
					     "other realm has a pool that is",
					     conf->realms[i].name);
}
