/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Leases and limits in the words of the address manager's client library. */
#include "proxy/want.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void ports_format(char *buf, size_t size, struct port_range ports)
{
	if (ports.first == ports.last)
		snprintf(buf, size, "%u", ports.first);
	else
		snprintf(buf, size, "%u-%u", ports.first, ports.last);
}

static bool is_any_port(struct port_range ports)
{
	return ports.first <= 1 && (ports.last == UINT16_MAX || !ports.last);
}

static bool is_one_address(const struct ip_prefix *prefix)
{
	return prefix->bits == (prefix->addr.family == IP_V4 ? 32 : 128);
}

/* "1.1.1.1:1111", "1.1.1.1", "1.1.0.0/16" or "1.1.0.0/16:1000-1999". */
static void prefix_format(char *buf, size_t size,
			  const struct ip_prefix *prefix, const char *ports)
{
	char text[IP_PREFIX_TEXT];
	bool is_v6 = prefix->addr.family == IP_V6;

	if (is_one_address(prefix))
		ip_addr_format(&prefix->addr, text);
	else
		ip_prefix_format(prefix, text);
	if (ports[0] == '\0')
		snprintf(buf, size, "%s", text);
	else if (is_v6)
		snprintf(buf, size, "[%s]:%s", text, ports);
	else
		snprintf(buf, size, "%s:%s", text, ports);
}

void want_limits_format(struct want_limits *ret, const struct conf *conf,
			const struct grant_limits *limits)
{
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < limits->count; i++) {
		const struct rule_condition *from = &limits->conditions[i];
		struct natctl_condition *to = &ret->conditions[i];

		ip_prefix_format(&from->source, ret->sources[i]);
		to->source = ret->sources[i];
		if (!is_any_port(from->ports)) {
			ports_format(ret->ports[i], sizeof(ret->ports[i]),
				     from->ports);
			to->ports = ret->ports[i];
		}
		to->discard = from->discard;
		if (from->target.addr.family != IP_NONE) {
			endpoint_format(&from->target, &conf->names,
					ret->targets[i]);
			to->target = ret->targets[i];
		}
	}
	ret->count = limits->count;
	if (limits->latch.addr.family != IP_NONE)
		ip_prefix_format(&limits->latch, ret->latch);
	if (limits->remote.prefix.addr.family != IP_NONE) {
		char port[8] = "";

		if (limits->remote.port != 0)
			snprintf(port, sizeof(port), "%u", limits->remote.port);
		prefix_format(ret->remote, sizeof(ret->remote),
			      &limits->remote.prefix, port);
	}
}

static void request_format(struct want *want,
			   const struct conf_media_rule *request)
{
	char ports[16] = "";

	if (request == NULL)
		return;
	want->want.strict = request->mode == CONF_MODE_STRICT;
	if (request->outer.prefix.addr.family == IP_NONE) {
		want->want.pool = request->pool;
		return;
	}
	if (!is_any_port(request->outer.ports))
		ports_format(ports, sizeof(ports), request->outer.ports);
	prefix_format(want->outer, sizeof(want->outer), &request->outer.prefix,
		      ports);
	want->want.outer = want->outer;
}

void want_format(struct want *ret, const struct conf *conf,
		 const struct endpoint *inner, realm_id realm, uint16_t ports,
		 const struct conf_media_rule *request,
		 const struct grant_limits *limits)
{
	memset(&ret->want, 0, sizeof(ret->want));
	endpoint_format(inner, &conf->names, ret->inner);
	want_limits_format(&ret->limits, conf, limits);
	ret->want.inner = ret->inner;
	ret->want.realm = conf->realms[realm].name;
	ret->want.ports = ports;
	ret->want.kind = NATCTL_BOTH;
	ret->want.protocol = NATCTL_UDP;
	ret->want.conditions = ret->limits.conditions;
	ret->want.condition_count = ret->limits.count;
	if (ret->limits.remote[0] != '\0')
		ret->want.remote = ret->limits.remote;
	if (ret->limits.latch[0] != '\0')
		ret->want.latch = ret->limits.latch;
	ret->want.keep_source = conf->realms[inner->realm].source ==
				CONF_SOURCE_KEEP;
	request_format(ret, request);
}

void want_format_again(struct want *ret, const struct conf *conf,
		       const struct grant *grant)
{
	want_format(ret, conf, &grant->inner, grant->outer.realm, grant->ports,
		    NULL, &grant->limits);
	endpoint_format(&grant->outer, NULL, ret->outer);
	ret->want.outer = ret->outer;
	ret->want.strict = true;
}

int want_read(const struct natctl_lease *lease, const struct conf *conf,
	      realm_id realm, struct endpoint *ret_outer)
{
	struct endpoint outer;

	if (endpoint_parse(lease->outer, &conf->names, &outer) < 0 ||
	    outer.realm != realm || lease->id == 0)
		return -EBADMSG;
	*ret_outer = outer;
	return 0;
}
