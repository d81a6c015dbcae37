/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Texts of endpoints, ranges, conditions and remotes in a request. */
#include "natctl/filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/rulewire.h"

static const char *const condition_members[] = { "source", "ports", "target",
						 "discard", NULL };

/*
 * Splits "ADDRESS[/BITS][:PORTS]", an IPv6 address in brackets where ports
 * follow, into the prefix without brackets and the ports (NULL: none).
 */
static int split_range(const char *text, char prefix[IP_PREFIX_TEXT],
		       const char **ret_ports)
{
	const char *close = strchr(text, ']');
	const char *colon = strchr(close == NULL ? text : close, ':');
	size_t len;
	size_t used = 0;

	if ((text[0] == '[') != (close != NULL))
		return -EINVAL;
	if (close == NULL && colon != NULL && strchr(colon + 1, ':') != NULL)
		colon = NULL; /* an IPv6 address */
	len = colon == NULL ? strlen(text) : (size_t)(colon - text);
	if (len >= IP_PREFIX_TEXT)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		if (text + i != close && !(i == 0 && text[i] == '['))
			prefix[used++] = text[i];
	}
	prefix[used] = '\0';
	*ret_ports = colon == NULL ? NULL : colon + 1;
	return 0;
}

int filter_parse_range(const char *text, struct ip_prefix *ret_prefix,
		       struct port_range *ret_ports)
{
	char prefix[IP_PREFIX_TEXT];
	const char *ports;
	struct ip_prefix read;
	struct port_range range = { 0, 0 };

	if (split_range(text, prefix, &ports) != 0 ||
	    ip_prefix_parse(prefix, strlen(prefix), &read) != 0)
		return -EINVAL;
	if (ports != NULL &&
	    port_range_parse(ports, strlen(ports), &range) != 0)
		return -EINVAL;
	*ret_prefix = read;
	*ret_ports = range;
	return 0;
}

static int parse_endpoint(const struct member_place *place, const char *name,
			  const char *text, const struct realm_names *names,
			  struct endpoint *ret)
{
	int rc = endpoint_parse(text, names, ret);

	if (rc == -ENOENT)
		return fault_set(place->fault, RPC_NO_REALM,
				 "%s%s: \"%s\": there is no such realm",
				 place->where, name, text);
	if (rc != 0)
		return member_fault(place, name,
				    "\"%s\" is not ADDRESS:PORT@REALM", text);
	return 0;
}

int filter_read_endpoint(const struct member_place *place, const char *name,
			 const struct realm_names *names, struct endpoint *ret)
{
	const char *text = NULL;
	int rc = member_text(place, name, true, &text);

	return rc == 0 ? parse_endpoint(place, name, text, names, ret) : rc;
}

static int read_condition(const struct member_place *place,
			  const struct realm_names *names,
			  struct rule_condition *ret)
{
	const char *source = NULL;
	const char *ports = "1-65535";
	const char *target = NULL;
	int rc = member_text(place, "source", true, &source);

	if (rc == 0)
		rc = member_text(place, "ports", false, &ports);
	if (rc == 0)
		rc = member_text(place, "target", false, &target);
	if (rc == 0)
		rc = member_bool(place, "discard", &ret->discard);
	if (rc != 0)
		return rc;
	if (ip_prefix_parse(source, strlen(source), &ret->source) != 0)
		return member_fault(place, "source",
				    "\"%s\" is not an address or prefix",
				    source);
	if (port_range_parse(ports, strlen(ports), &ret->ports) != 0)
		return member_fault(place, "ports",
				    "\"%s\" is not a port or range", ports);
	if (target == NULL)
		return 0;
	if (ret->discard)
		return member_fault(place, "target",
				    "a packet that is discarded has none");
	return parse_endpoint(place, "target", target, names, &ret->target);
}

static int sort_conditions(const struct member_place *place,
			   struct request_filter *filter)
{
	struct rule_condition *conditions = filter->conditions;
	char source[IP_PREFIX_TEXT];
	size_t a;
	size_t b;

	if (rule_conditions_sort(conditions, filter->condition_count, &a, &b) ==
	    0)
		return 0;
	ip_prefix_format(&conditions[a].source, source);
	return fault_set(place->fault, RPC_OVERLAP,
			 "%sconditions: of source %s the ports %u-%u and "
			 "%u-%u overlap",
			 place->where, source, conditions[a].ports.first,
			 conditions[a].ports.last, conditions[b].ports.first,
			 conditions[b].ports.last);
}

static int read_conditions(const struct member_place *place,
			   const struct realm_names *names,
			   struct request_filter *ret)
{
	const json_t *array;
	size_t count;
	int rc = member_array(place, "conditions", 0, RULE_CONDITIONS_MAX,
			      &array);

	if (rc != 0 || array == NULL)
		return rc;
	ret->has_conditions = true;
	count = json_array_size(array);
	if (count == 0)
		return 0;
	ret->conditions = calloc(count, sizeof(*ret->conditions));
	if (ret->conditions == NULL)
		return fault_no_memory(place->fault);
	for (size_t i = 0; i < count && rc == 0; i++) {
		struct member_place inside;

		rc = member_open_element(&inside, place, "conditions", i,
					 condition_members);
		if (rc == 0)
			rc = read_condition(&inside, names,
					    &ret->conditions[i]);
	}
	ret->condition_count = (uint16_t)count;
	return rc == 0 ? sort_conditions(place, ret) : rc;
}

static int read_remote(const struct member_place *place,
		       struct request_filter *ret)
{
	const char *text = NULL;
	struct port_range ports;
	int rc = 0;

	ret->has_remote = json_object_get(place->object, "remote") != NULL;
	if (!json_is_null(json_object_get(place->object, "remote")))
		rc = member_text(place, "remote", false, &text);
	if (rc != 0 || text == NULL)
		return rc;
	if (filter_parse_range(text, &ret->remote.prefix, &ports) != 0 ||
	    ports.first != ports.last ||
	    (ports.first != 0 && ip_prefix_count(&ret->remote.prefix) != 1))
		return member_fault(place, "remote",
				    "\"%s\" is not an address, address:port "
				    "or prefix",
				    text);
	ret->remote.port = ports.first;
	return 0;
}

static int read_latch(const struct member_place *place,
		      struct request_filter *ret)
{
	const char *text = NULL;
	int rc = 0;

	ret->has_latch = json_object_get(place->object, "latch") != NULL;
	if (!json_is_null(json_object_get(place->object, "latch")))
		rc = member_text(place, "latch", false, &text);
	if (rc == 0 && text != NULL &&
	    ip_prefix_parse(text, strlen(text), &ret->latch) != 0)
		return member_fault(place, "latch",
				    "\"%s\" is not an address or prefix", text);
	return rc;
}

int filter_read(const struct member_place *place,
		const struct realm_names *names, struct request_filter *ret)
{
	int rc = read_conditions(place, names, ret);

	if (rc == 0)
		rc = read_remote(place, ret);
	if (rc == 0)
		rc = read_latch(place, ret);
	if (rc != 0)
		filter_done(ret);
	return rc;
}

void filter_done(struct request_filter *filter)
{
	free(filter->conditions);
	memset(filter, 0, sizeof(*filter));
}
