/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Media policy: what each stream of an SDP becomes. Pure. */
#include "config.h"

#include "proxy/anchor.h"

#include <errno.h>
#include <string.h>

/* One body on its way. */
struct planner {
	const struct conf *conf;
	realm_id from;
	realm_id to;
	bool to_far;
	bool answer;
	struct media_error *error;
	uint8_t to_family; /* enum ip_family of the other party, if known */
};

static int refuse(const struct planner *planner, int status, const char *text)
{
	planner->error->status = status;
	planner->error->text = text;
	return -EINVAL;
}

static bool is_listed(const struct conf_realm *realm,
		      const struct ip_addr *addr)
{
	for (size_t i = 0; i < realm->network_count; i++) {
		if (ip_prefix_contains(&realm->networks[i], addr))
			return true;
	}
	return false;
}

static bool is_listener(const struct conf *conf, realm_id realm,
			const struct ip_addr *addr)
{
	for (size_t i = 0; i < conf->listen_count; i++) {
		for (unsigned k = 0; k < CONF_TRANSPORTS; k++) {
			const struct endpoint *at =
				conf_listen_at(&conf->listens[i], k);

			if (conf->listens[i].realm == realm && at &&
			    ip_addr_equal(&at->addr, addr))
				return true;
		}
	}
	return false;
}

/* Of IPv6: an address of one link, where others may have the same. */
static bool is_link_local(const struct ip_addr *addr)
{
	return addr->family == IP_V6 && addr->bytes[0] == 0xfe &&
	       (addr->bytes[1] & 0xc0) == 0x80;
}

/* May media be sent there on behalf of a party of planner->from? */
static int check_target(const struct planner *planner,
			const struct ip_addr *addr, uint16_t port)
{
	const struct conf *conf = planner->conf;
	const struct conf_realm *realm = &conf->realms[planner->from];

	if (ip_addr_is_multicast(addr))
		return refuse(planner, 488, "multicast address in SDP");
	if (ip_addr_is_broadcast(addr))
		return refuse(planner, 488, "broadcast address in SDP");
	if (addr->family == IP_V4 ? addr->bytes[0] == 0 : is_link_local(addr))
		return refuse(planner, 488, "address of no host in SDP");
	if (ip_addr_is_loopback(addr) && !is_listed(realm, addr))
		return refuse(planner, 488, "loopback address in SDP");
	if (conf_realm_of(conf, planner->from, addr) != planner->from)
		return refuse(planner, 488,
			      "address of another network in SDP");
	if (conf_in_pool(conf, planner->from, addr, 0) ||
	    is_listener(conf, planner->from, addr))
		return refuse(planner, 488, "address of the edge in SDP");
	if (port < realm->media_port_min)
		return refuse(planner, 488, "media port too low in SDP");
	return 0;
}

static bool is_active(const struct media_stream *stream)
{
	return !stream->refused && !stream->hold;
}

static bool is_neighbour(const struct media_stream *stream)
{
	return stream->rtcp_port == stream->port + 1 &&
	       ip_addr_equal(&stream->rtcp_addr, &stream->addr);
}

/* On the RTP port itself, as bundled or multiplexed streams say it. */
static bool is_on_rtp(const struct media_stream *stream)
{
	return stream->rtcp_port == stream->port &&
	       ip_addr_equal(&stream->rtcp_addr, &stream->addr);
}

static bool is_muxed(const struct planner *planner,
		     const struct media_stream *stream)
{
	return is_on_rtp(stream) || (planner->answer && stream->rtcp_mux);
}

static bool is_distant(const struct planner *planner,
		       const struct media_stream *stream)
{
	return stream->protocol == MEDIA_RTP && !is_neighbour(stream) &&
	       !is_muxed(planner, stream) &&
	       !ip_addr_is_any(&stream->rtcp_addr);
}

static int check_stream(const struct planner *planner,
			const struct media_stream *stream)
{
	int r = check_target(planner, &stream->addr, stream->port);

	if (r == 0 && is_distant(planner, stream)) {
		if (stream->count > 1)
			return refuse(planner, 488,
				      "a=rtcp of a stream with many ports");
		r = check_target(planner, &stream->rtcp_addr,
				 stream->rtcp_port);
	}
	return r;
}

static bool is_all_in_realm(const struct planner *planner, realm_id realm,
			    const struct media *media)
{
	for (size_t i = 0; media && i < media->count; i++) {
		const struct media_stream *stream = &media->streams[i];

		if (stream->far_nat)
			return false;
		if (is_active(stream) &&
		    conf_realm_of(planner->conf, realm, &stream->addr) != realm)
			return false;
	}
	return true;
}

static bool has_pool(const struct conf *conf, realm_id realm)
{
	for (size_t i = 0; i < conf->pool_count; i++) {
		if (conf->pools[i].realm == realm)
			return true;
	}
	return false;
}

/* The first realm that `to` sees and that has endpoints; REALM_NONE. */
static realm_id find_outer(const struct planner *planner)
{
	const struct conf_realm *to = &planner->conf->realms[planner->to];

	if (has_pool(planner->conf, planner->to))
		return planner->to;
	for (size_t i = 0; i < to->reach_count; i++) {
		if (has_pool(planner->conf, to->reaches[i]))
			return to->reaches[i];
	}
	return REALM_NONE;
}

/* The first media section for this inner endpoint that leads into `to`. */
static const struct conf_media_rule *
find_rule(const struct conf *conf, const struct endpoint *inner, realm_id to)
{
	for (size_t i = 0; i < conf->media_count; i++) {
		const struct conf_media_rule *rule = &conf->media[i];

		if (rule->from == inner->realm && rule->to == to &&
		    (rule->match.addr.family == IP_NONE ||
		     ip_prefix_contains(&rule->match, &inner->addr)) &&
		    (rule->match_port == 0 || rule->match_port == inner->port))
			return rule;
	}
	return NULL;
}

/*
 * The section may name the party's own realm or one that it reaches; the
 * party's own comes first.
 */
static const struct conf_media_rule *
find_any_rule(const struct planner *planner, const struct endpoint *inner)
{
	const struct conf_realm *to = &planner->conf->realms[planner->to];
	const struct conf_media_rule *rule = find_rule(planner->conf, inner,
						       planner->to);

	for (size_t i = 0; !rule && i < to->reach_count; i++)
		rule = find_rule(planner->conf, inner, to->reaches[i]);
	return rule;
}

static int plan_ask(const struct planner *planner, const struct ip_addr *addr,
		    uint16_t port, uint16_t ports, struct anchor_ask *ask)
{
	ask->wanted = true;
	ask->inner = (struct endpoint){ .addr = *addr,
					.port = port,
					.realm = planner->from };
	ask->ports = ports;
	ask->family = planner->to_family;
	ask->request = find_any_rule(planner, &ask->inner);
	ask->realm = ask->request ? ask->request->to : find_outer(planner);
	if (ask->realm == REALM_NONE)
		return refuse(planner, 503, "no realm has an endpoint to give");
	return 0;
}

static uint16_t ports_of(const struct planner *planner,
			 const struct media_stream *stream)
{
	if (stream->protocol != MEDIA_RTP || is_distant(planner, stream) ||
	    is_muxed(planner, stream))
		return stream->count;
	return (uint16_t)(2 * stream->count);
}

static int plan_stream(const struct planner *planner,
		       const struct media_stream *stream,
		       struct anchor_stream *plan)
{
	struct endpoint inner = { .addr = stream->addr,
				  .port = stream->port,
				  .realm = planner->from };
	int r;

	plan->rtp.same_as = plan->rtcp.same_as = -1;
	if (!is_active(stream)) {
		plan->action = ANCHOR_LEAVE;
		return 0;
	}
	/* One behind a far NAT latches: it needs an endpoint to send to. */
	if (planner->from != planner->to && !planner->to_far &&
	    (planner->to_family == IP_NONE ||
	     planner->to_family == stream->addr.family) &&
	    conf_reaches(planner->conf, planner->to, planner->from) &&
	    !find_rule(planner->conf, &inner, planner->to)) {
		plan->action = ANCHOR_AS_IS;
		return 0;
	}
	plan->action = ANCHOR_ASK;
	r = plan_ask(planner, &stream->addr, stream->port,
		     ports_of(planner, stream), &plan->rtp);
	if (r == 0 && is_distant(planner, stream))
		r = plan_ask(planner, &stream->rtcp_addr, stream->rtcp_port, 1,
			     &plan->rtcp);
	return r;
}

static bool is_same_ask(const struct anchor_ask *a, const struct anchor_ask *b)
{
	return a->wanted && b->wanted && a->realm == b->realm &&
	       a->ports == b->ports && endpoint_equal(&a->inner, &b->inner);
}

static void find_same(struct anchor_plan *plan, size_t at)
{
	struct anchor_stream *stream = &plan->streams[at];

	for (size_t i = at; i-- > 0;) {
		if (is_same_ask(&plan->streams[i].rtp, &stream->rtp))
			stream->rtp.same_as = (int)i;
		if (is_same_ask(&plan->streams[i].rtcp, &stream->rtcp))
			stream->rtcp.same_as = (int)i;
	}
}

static void leave_all(struct anchor_plan *plan)
{
	plan->direct = true;
	for (size_t i = 0; i < plan->count; i++) {
		plan->streams[i].action = ANCHOR_LEAVE;
		plan->streams[i].rtp.same_as = -1;
		plan->streams[i].rtcp.same_as = -1;
	}
}

static uint8_t unite(uint8_t known, const struct ip_addr *addr, bool *mixed)
{
	if (known != IP_NONE && known != addr->family)
		*mixed = true;
	return addr->family;
}

/* Of which IP version a party is: as its media is, else as its realm is. */
static uint8_t party_family(const struct conf *conf, realm_id realm,
			    const struct media *media)
{
	const struct conf_realm *at = &conf->realms[realm];
	uint8_t family = IP_NONE;
	bool mixed = false;

	for (size_t i = 0; media && i < media->count; i++)
		if (is_active(&media->streams[i]))
			return media->streams[i].addr.family;
	for (size_t i = 0; i < at->network_count; i++)
		family = unite(family, &at->networks[i].addr, &mixed);
	for (size_t i = 0; i < conf->pool_count; i++)
		for (size_t k = 0; conf->pools[i].realm == realm &&
				   k < conf->pools[i].range_count;
		     k++)
			family = unite(family,
				       &conf->pools[i].ranges[k].prefix.addr,
				       &mixed);
	return mixed ? IP_NONE : family;
}

int anchor_plan(const struct conf *conf, realm_id from, realm_id to,
		const struct media *media, const struct media *peer,
		bool to_far, bool answer, struct anchor_plan *ret,
		struct media_error *ret_error)
{
	struct planner planner = { .conf = conf,
				   .from = from,
				   .to = to,
				   .to_far = to_far,
				   .answer = answer,
				   .error = ret_error,
				   .to_family = party_family(conf, to, peer) };
	struct anchor_plan plan = { .count = media->count };
	int r = 0;

	for (size_t i = 0; r == 0 && i < media->count; i++) {
		if (is_active(&media->streams[i]))
			r = check_stream(&planner, &media->streams[i]);
	}
	if (r)
		return r;
	if (from == to && conf->realms[to].media == CONF_MEDIA_AUTO &&
	    !to_far && is_all_in_realm(&planner, to, media) &&
	    is_all_in_realm(&planner, to, peer)) {
		leave_all(&plan);
		*ret = plan;
		return 0;
	}
	for (size_t i = 0; i < media->count; i++) {
		r = plan_stream(&planner, &media->streams[i], &plan.streams[i]);
		if (r)
			return r;
		find_same(&plan, i);
	}
	*ret = plan;
	return 0;
}

/* The far party's endpoint as it is seen in realm `outer`. */
static bool seen_in(const struct conf *conf, realm_id outer, realm_id far_realm,
		    const struct endpoint *leased, struct endpoint *endpoint)
{
	if (leased && leased->realm == outer) {
		*endpoint = *leased;
		return true;
	}
	endpoint->realm = outer;
	return far_realm == outer || conf_reaches(conf, outer, far_realm);
}

/* `bits` 0: the address alone. */
static struct ip_prefix prefix_around(const struct ip_addr *addr, unsigned bits)
{
	struct ip_prefix prefix = ip_prefix_of(addr);

	if (bits == 0 || bits >= prefix.bits)
		return prefix;
	for (unsigned i = bits; i < prefix.bits; i++)
		prefix.addr.bytes[i / 8] &= (uint8_t) ~(0x80u >> i % 8);
	prefix.bits = (uint8_t)bits;
	return prefix;
}

/* Unless one that is there holds for all of it. */
static void add_condition(struct anchor_limits *limits,
			  const struct rule_condition *condition)
{
	for (size_t i = 0; i < limits->condition_count; i++) {
		const struct rule_condition *other = &limits->conditions[i];

		if (ip_prefix_equal(&other->source, &condition->source) &&
		    condition->ports.first <= other->ports.last &&
		    condition->ports.last >= other->ports.first)
			return;
	}
	if (limits->condition_count < ANCHOR_CONDITIONS_MAX)
		limits->conditions[limits->condition_count++] = *condition;
}

static void add_source(struct anchor_limits *limits,
		       const struct endpoint *source,
		       const struct conf_realm *realm, uint16_t ports)
{
	struct rule_condition condition = {
		.source = prefix_around(&source->addr,
					realm->source == CONF_SOURCE_PREFIX ?
						realm->source_prefix :
						0),
		.ports = { 1, UINT16_MAX },
	};

	if (realm->source == CONF_SOURCE_ENDPOINT) {
		uint32_t last = (uint32_t)source->port + ports - 1;

		condition.ports.first = source->port;
		condition.ports.last = last > UINT16_MAX ? UINT16_MAX :
							   (uint16_t)last;
	}
	add_condition(limits, &condition);
}

/* On to whom a lease latches; false: conditions do. */
static bool find_latch(const struct conf_realm *realm, realm_id far_realm,
		       const struct media_stream *far, uint16_t ports,
		       struct ip_prefix *ret)
{
	if (far_realm != realm->id || ports > RULE_LATCH_PORTS)
		return false;
	if (far->far_nat)
		*ret = ip_prefix_of(&far->addr);
	else if (realm->source == CONF_SOURCE_LATCH)
		*ret = prefix_around(&far->addr, realm->source_prefix);
	else
		return false;
	return true;
}

bool anchor_limits(const struct conf *conf, realm_id outer, realm_id far_realm,
		   const struct media_stream *far,
		   const struct endpoint *far_outer,
		   const struct endpoint *far_rtcp_outer, uint16_t ports,
		   struct anchor_limits *ret)
{
	const struct conf_realm *realm = &conf->realms[outer];
	struct anchor_limits limits = { 0 };
	struct endpoint rtp, rtcp;
	bool distant;

	if (!far || !is_active(far))
		return false;
	rtp = (struct endpoint){ .addr = far->addr, .port = far->port };
	rtcp = (struct endpoint){ .addr = far->rtcp_addr,
				  .port = far->rtcp_port };
	/* In its own realm it is seen as it is, not as it is leased. */
	if (!seen_in(conf, outer, far_realm,
		     far_realm == outer ? NULL : far_outer, &rtp))
		return false;
	distant = far->protocol == MEDIA_RTP && far->rtcp_given &&
		  !is_neighbour(far) && !is_on_rtp(far) &&
		  !ip_addr_is_any(&far->rtcp_addr) &&
		  seen_in(conf, outer, far_realm, far_rtcp_outer, &rtcp);
	if (!find_latch(realm, far_realm, far, ports, &limits.latch) &&
	    realm->source != CONF_SOURCE_ANY) {
		add_source(&limits, &rtp, realm, ports);
		if (distant)
			add_source(&limits, &rtcp, realm, 1);
	}
	/* What goes to a distant RTCP endpoint leaves by the same lease. */
	if (!distant || ip_addr_equal(&rtp.addr, &rtcp.addr))
		limits.remote.prefix = ip_prefix_of(&rtp.addr);
	if (!distant)
		limits.remote.port = rtp.port;
	*ret = limits;
	return true;
}

void anchor_early(const struct conf *conf, realm_id outer, realm_id far_realm,
		  const struct ip_addr *signalling, size_t signalling_count,
		  uint8_t family, struct anchor_limits *ret)
{
	const struct conf_early *early = &conf->realms[outer].early;
	struct rule_condition condition = { .ports = { 1, UINT16_MAX } };
	struct anchor_limits limits = { 0 };

	*ret = limits;
	if (early->any)
		return;
	for (size_t i = 0; i < early->prefix_count; i++) {
		condition.source = early->prefixes[i];
		if (condition.source.addr.family == family)
			add_condition(&limits, &condition);
	}
	for (size_t i = 0;
	     early->signalling && i < signalling_count &&
	     (far_realm == outer || conf_reaches(conf, outer, far_realm));
	     i++) {
		condition.source = ip_prefix_of(&signalling[i]);
		if (signalling[i].family == family)
			add_condition(&limits, &condition);
	}
	if (limits.condition_count == 0) {
		condition.source = (struct ip_prefix){ .addr.family = family };
		condition.discard = true;
		add_condition(&limits, &condition);
	}
	*ret = limits;
}
