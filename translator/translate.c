/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SPINE: one packet from one realm to a verdict. Pure.
 *
 * The packet is opened and looked over (admit); then the rules say what
 * becomes of its endpoints (resolve), and its headers are rewritten. A later
 * fragment has no ports: it goes where its first one went. An ICMP error is
 * resolved as the answer to the packet that it quotes would be: the quoted
 * packet then gets the answer's endpoints the other way round. Where the rules
 * lead from one IP version to the other the headers are translated as well.
 */
#include "translator/translate.h"

#include <errno.h>
#include <stdatomic.h>

#include "translator/crossing_icmp.h"
#include "translator/icmp.h"
#include "translator/packet.h"
#include "translator/resolve.h"
#include "translator/rewrite.h"

_Static_assert(FRAGMENT_RULES_MAX >= RESOLVE_STEPS_MAX,
	       "a fragment remembers every rule of its path");

struct pass { /* one packet on its way */
	const struct translate_context *context;
	struct packet packet;
	struct ip_addr src;
	struct ip_addr dst;
	realm_id from;
	uint64_t now_ms;
};

/* VERDICT_ROUTED: nothing is wrong with it. */
static enum verdict admit(struct pass *pass, uint8_t *data, size_t len)
{
	switch (packet_open(data, len, &pass->packet)) {
	case 0:
		break;
	default:
		return VERDICT_MALFORMED;
	}
	if (pass->packet.protocol != PACKET_UDP &&
	    pass->packet.protocol != PACKET_TCP &&
	    pass->packet.protocol != PACKET_ICMP)
		return VERDICT_PROTOCOL;
	if (pass->packet.ttl <= 1)
		return VERDICT_TTL;
	if (packet_has_route(&pass->packet))
		return VERDICT_OPTION;
	pass->src = packet_src(&pass->packet);
	pass->dst = packet_dst(&pass->packet);
	return resolve_admit(pass->context->realms, pass->from, &pass->src,
			     &pass->dst);
}

const struct permits *
translate_sessions(const struct translate_context *context)
{
	return context->dynamics ? dynamics_sessions(context->dynamics) : NULL;
}

/* `protocol`: the packet's, or that of the one that it quotes. */
static struct resolve_path pass_resolve(const struct pass *pass,
					uint8_t protocol,
					const struct endpoint *src,
					const struct endpoint *dst)
{
	struct resolve_view view = { .ruleset = pass->context->ruleset,
				     .realms = pass->context->realms,
				     .permits = pass->context->permits,
				     .protocol = protocol,
				     .sessions = translate_sessions(
					     pass->context),
				     .now_ms = pass->now_ms,
				     .ahead = pass->context->ahead };

	return resolve(&view, src, dst);
}

static void count_step(struct translate_effects *effects,
		       const struct ruleset_rule *rule, bool source)
{
	struct rule_counters *counters = ruleset_rule_counters(rule);

	if (!source)
		effects->in = counters;
	else if (!effects->out[0])
		effects->out[0] = counters;
	else
		effects->out[1] = counters;
}

/* Does passing this way let others pass, or only go on? */
static bool step_opens(const struct resolve_step *step)
{
	if (resolve_is_dynamic(step->rule))
		return true;
	return step->rule->kind ==
	       (step->source ? RULE_ORIGINATING : RULE_TERMINATING);
}

/*
 * An originating rule that sent, a terminating one that was sent to; of TCP
 * what comes the other way belongs to the session too. What a mapping sends
 * keeps it (RFC 4787 REQ-6), what it is sent does not, but for TCP.
 */
static void permit_step(const struct pass *pass,
			struct translate_effects *effects,
			const struct resolve_step *step)
{
	bool dynamic = resolve_is_dynamic(step->rule);
	bool tcp = step->rule->protocol == RULE_TCP;
	bool opens = step_opens(step);
	struct translate_permit *permit;

	if (dynamic ? !tcp && !step->source :
		      step->rule->kind == RULE_BOTH || (!opens && !tcp))
		return;
	permit = &effects->permits[effects->permit_count++];
	permit->is_dynamic = dynamic;
	permit->is_tcp = tcp;
	if (tcp) {
		permit->segment.outbound = step->source;
		permit->segment.add = opens;
		permit->segment.flags = packet_tcp_flags(&pass->packet);
	}
	permit->timer = step->rule->timer;
	permit->key.rule = dynamic ? step->rule->id : step->rule->first_serial;
	permit->key.remote = step->remote;
	permit->key.offset = step->offset;
	permit->key.kind = step->rule->kind;
}

static struct fragment_key fragment_key_of(const struct pass *pass)
{
	return (struct fragment_key){ .src = pass->src,
				      .dst = pass->dst,
				      .from = pass->from,
				      .id = pass->packet.id,
				      .protocol = pass->packet.protocol };
}

/* The first fragment tells those that follow where it went. */
static void leave_fragment(const struct pass *pass,
			   const struct resolve_path *path,
			   struct translate_effects *effects)
{
	struct fragment_path *trail = &effects->fragment_path;

	effects->fragment_key = fragment_key_of(pass);
	if (!verdict_is_forwarded(path->verdict)) {
		effects->fragment = TRANSLATE_FRAGMENT_FORGET;
		return;
	}
	effects->fragment = TRANSLATE_FRAGMENT_REMEMBER;
	trail->src = path->src.addr;
	trail->dst = path->dst.addr;
	trail->to = path->dst.realm;
	for (size_t i = 0; i < path->step_count; i++) {
		trail->rules[i].outer = path->steps[i].rule->outer;
		trail->rules[i].serial = path->steps[i].rule->serial;
		trail->rules[i].source = path->steps[i].source;
	}
	trail->rule_count = (uint8_t)path->step_count;
}

/* A session of TCP begins with a SYN. */
static bool may_open(const struct packet *packet)
{
	return packet->protocol != PACKET_TCP ||
	       (packet_tcp_flags(packet) &
		(PACKET_SYN | PACKET_ACK | PACKET_RST)) == PACKET_SYN;
}

static void take_path(const struct pass *pass, const struct resolve_path *path,
		      struct translation *ret)
{
	ret->verdict = path->verdict;
	if (pass->packet.more)
		leave_fragment(pass, path, &ret->effects);
	if (path->refused)
		ret->effects.discarded = ruleset_rule_counters(path->refused);
	if (!verdict_is_forwarded(path->verdict))
		return;
	for (size_t i = 0; i < path->step_count; i++) {
		count_step(&ret->effects, path->steps[i].rule,
			   path->steps[i].source);
		permit_step(pass, &ret->effects, &path->steps[i]);
	}
	ret->to = path->dst.realm;
}

/*
 * Its flow could go to the kernel: of UDP, and not of a mapping, which lives
 * by the packets that are seen here.
 */
static bool is_for_kernel(const struct pass *pass,
			  const struct resolve_path *path)
{
	for (size_t i = 0; i < path->step_count; i++)
		if (resolve_is_dynamic(path->steps[i].rule))
			return false;
	return path->step_count > 0 && pass->packet.protocol == PACKET_UDP &&
	       !packet_is_fragment(&pass->packet);
}

static void want_latch(const struct resolve_path *path, struct translation *ret)
{
	const struct ruleset_rule *rule = path->latches;

	ret->verdict = VERDICT_LATCH;
	ret->latch = ruleset_rule_own_latch(rule);
	ret->latched = (struct wire_latched){
		.id = rule->id,
		.round = ruleset_rule_own_latch(rule)->round,
		.offset = path->latch_offset,
		.remote = path->latch_source
	};
}

static bool is_crossing(const struct pass *pass, const struct ip_addr *to)
{
	return to->family != pass->dst.family;
}

/* The other IP version has no such packet. */
static void refuse_crossing(const struct pass *pass, struct translation *ret)
{
	*ret = (struct translation){ .verdict = VERDICT_FAMILY,
				     .to = REALM_NONE };
	if (!packet_is_fragment(&pass->packet))
		return;
	ret->effects.fragment = TRANSLATE_FRAGMENT_FORGET;
	ret->effects.fragment_key = fragment_key_of(pass);
}

static void pass_ports(struct pass *pass, struct translation *ret)
{
	struct endpoint src = { pass->src, packet_src_port(&pass->packet),
				pass->from };
	struct endpoint dst = { pass->dst, packet_dst_port(&pass->packet),
				pass->from };
	struct resolve_path path = pass_resolve(pass, pass->packet.protocol,
						&src, &dst);

	if (path.latches) {
		want_latch(&path, ret);
		return;
	}
	take_path(pass, &path, ret);
	if (path.wants_mapping && may_open(&pass->packet)) {
		ret->wants_mapping = true;
		ret->want = path.want;
	}
	if (!verdict_is_forwarded(path.verdict))
		return;
	if (is_crossing(pass, &path.dst.addr)) {
		if (!crossing(&pass->packet, &path.src, &path.dst,
			      &ret->crossed))
			refuse_crossing(pass, ret);
		return;
	}
	ret->effects.offer = is_for_kernel(pass, &path);
	ret->effects.src = src;
	ret->effects.dst = dst;
	rewrite_endpoints(&pass->packet, &path.src, &path.dst);
}

/*
 * An echo and the like. Only mappings take them: without one of those on its
 * way it is discarded as it would be without any.
 */
static void pass_query(struct pass *pass, struct translation *ret)
{
	struct endpoint src = { .addr = pass->src, .realm = pass->from };
	struct endpoint dst = { .addr = pass->dst, .realm = pass->from };
	struct resolve_path path;
	bool request;

	if (!icmp_is_query(&pass->packet, &src, &dst, &request))
		return;
	path = pass_resolve(pass, PACKET_ICMP, &src, &dst);
	if (path.wants_mapping && request) {
		ret->wants_mapping = true;
		ret->want = path.want;
		if (pass->packet.more)
			leave_fragment(pass, &path, &ret->effects);
	}
	if (path.refused) {
		ret->verdict = path.verdict;
		ret->effects.discarded = ruleset_rule_counters(path.refused);
	}
	if (!verdict_is_forwarded(path.verdict) || path.step_count == 0 ||
	    is_crossing(pass, &path.dst.addr))
		return;
	take_path(pass, &path, ret);
	icmp_rewrite_query(&pass->packet, &path.src, &path.dst);
}

/* After the first: goes along as long as the rules are those of then. */
static void pass_later_fragment(struct pass *pass, struct translation *ret)
{
	struct fragment_key key = fragment_key_of(pass);
	struct translate_effects effects = { 0 };
	struct endpoint src = { 0 }, dst = { 0 };
	struct fragment_path path;

	ret->verdict = pass->packet.protocol == PACKET_ICMP ?
			       VERDICT_ICMP_FRAGMENT :
			       VERDICT_FRAGMENT_UNKNOWN;
	if (!fragments_find(pass->context->fragments, &key, pass->now_ms,
			    &path))
		return;
	ret->is_early = path.is_pending;
	if (path.is_pending)
		return;
	for (size_t i = 0; i < path.rule_count; i++) {
		const struct ruleset_rule *rule =
			ruleset_find_outer(pass->context->ruleset,
					   pass->packet.protocol,
					   &path.rules[i].outer);

		if (!rule || rule->serial != path.rules[i].serial)
			return;
		count_step(&effects, rule, path.rules[i].source);
	}
	src.addr = path.src;
	dst.addr = path.dst;
	if (!is_crossing(pass, &path.dst)) {
		rewrite_addresses(&pass->packet, &path.src, &path.dst);
	} else if (!crossing(&pass->packet, &src, &dst, &ret->crossed)) {
		refuse_crossing(pass, ret);
		return;
	}
	ret->verdict = VERDICT_FRAGMENT;
	ret->to = path.to;
	ret->effects = effects;
}

/*
 * The error's own source: the party that the quoted packet went to is known
 * to its sender as path->src; so is every place of its realm that cannot be
 * named over there (RFC 5508, REQ-5).
 */
static struct ip_addr error_source(const struct pass *pass,
				   const struct resolve_path *path,
				   const struct ip_addr *quoted_dst)
{
	realm_id realm;

	if (ip_addr_equal(&pass->src, quoted_dst))
		return path->src.addr;
	if (is_crossing(pass, &path->dst.addr))
		return path->src.addr;
	realm = realms_of(pass->context->realms, path->dst.realm, &pass->src);
	return realm == pass->from ? pass->src : path->src.addr;
}

static void quoted_endpoints(const struct packet *quoted, struct endpoint *src,
			     struct endpoint *dst)
{
	bool request;

	src->addr = packet_src(quoted);
	dst->addr = packet_dst(quoted);
	if (quoted->protocol == PACKET_ICMP) {
		icmp_is_query(quoted, src, dst, &request);
		return;
	}
	src->port = packet_src_port(quoted);
	dst->port = packet_dst_port(quoted);
}

static void pass_icmp(struct pass *pass, struct translation *ret)
{
	struct endpoint quoted_src = { .realm = pass->from };
	struct endpoint quoted_dst = { .realm = pass->from };
	struct resolve_path path;
	struct icmp_rewrite to;
	struct packet quoted;

	ret->verdict = icmp_open(&pass->packet, &quoted);
	if (ret->verdict == VERDICT_ICMP_QUERY)
		pass_query(pass, ret);
	if (ret->verdict != VERDICT_ICMP_ERROR)
		return;
	quoted_endpoints(&quoted, &quoted_src, &quoted_dst);
	path = pass_resolve(pass, quoted.protocol, &quoted_dst, &quoted_src);
	if (!verdict_is_forwarded(path.verdict) || path.step_count == 0 ||
	    path.latches || !ip_addr_equal(&pass->dst, &quoted_src.addr)) {
		ret->verdict = VERDICT_ICMP_NO_RULE;
		return;
	}
	to.src = error_source(pass, &path, &quoted_dst.addr);
	to.dst = path.dst.addr;
	to.erase_extensions = !ip_addr_equal(&to.src, &pass->src);
	to.quoted_src = path.dst;
	to.quoted_dst = path.src;
	if (!is_crossing(pass, &to.dst)) {
		icmp_rewrite(&pass->packet, &quoted, &to);
	} else if (quoted.protocol == PACKET_ICMP ||
		   !crossing_icmp(&pass->packet, &quoted, &to, &ret->crossed)) {
		ret->verdict = VERDICT_FAMILY;
		return;
	}
	ret->to = path.dst.realm;
}

struct translation translate(const struct translate_context *context,
			     realm_id from, uint8_t *packet, size_t len,
			     uint64_t now_ms)
{
	struct pass pass = { .context = context,
			     .from = from,
			     .now_ms = now_ms };
	struct translation ret = { .to = REALM_NONE };

	ret.verdict = admit(&pass, packet, len);
	if (!verdict_is_forwarded(ret.verdict))
		return ret;
	if (pass.packet.offset > 0)
		pass_later_fragment(&pass, &ret);
	else if (pass.packet.protocol == PACKET_ICMP)
		pass_icmp(&pass, &ret);
	else
		pass_ports(&pass, &ret);
	return ret;
}

static void apply_permit(const struct translate_context *context,
			 const struct translate_permit *permit, uint64_t now_ms)
{
	struct permits *permits = permit->is_dynamic ?
					  dynamics_sessions(context->dynamics) :
					  context->permits;

	if (permit->is_tcp)
		permits_follow(permits, &permit->key, permit->timer,
			       &permit->segment, now_ms);
	else
		permits_refresh(permits, &permit->key, permit->timer, now_ms);
}

static void count_one(_Atomic uint64_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

void translate_apply(const struct translate_context *context,
		     const struct translation *translation, uint64_t now_ms,
		     uint64_t count[VERDICT_COUNT])
{
	const struct translate_effects *effects = &translation->effects;

	__atomic_fetch_add(&count[translation->verdict], 1, __ATOMIC_RELAXED);
	if (effects->in)
		count_one(&effects->in->packets_in);
	for (size_t i = 0; i < 2; i++)
		if (effects->out[i])
			count_one(&effects->out[i]->packets_out);
	if (effects->discarded)
		count_one(&effects->discarded->discarded);
	for (size_t i = 0; i < effects->permit_count; i++)
		apply_permit(context, &effects->permits[i], now_ms);
	switch (effects->fragment) {
	case TRANSLATE_FRAGMENT_NONE:
		break;
	case TRANSLATE_FRAGMENT_REMEMBER:
		fragments_remember(context->fragments, &effects->fragment_key,
				   &effects->fragment_path, now_ms);
		break;
	case TRANSLATE_FRAGMENT_FORGET:
		fragments_forget(context->fragments, &effects->fragment_key);
		break;
	}
}

static enum verdict verdict_without(int err, enum verdict otherwise)
{
	switch (err) {
	case -EDQUOT:
		return VERDICT_DYNAMIC_LIMIT;
	case -ENOSPC:
		return VERDICT_DYNAMIC_FULL;
	default:
		return otherwise;
	}
}

/* Whoever was first: the packet is passed by what the latch says then. */
static struct translation
translate_latched(const struct translate_context *context, realm_id from,
		  uint8_t *packet, size_t len, uint64_t now_ms,
		  const struct translation *wanted)
{
	bool has_latched = latch_take(wanted->latch, wanted->latched.offset,
				      &wanted->latched.remote);
	struct translation translation = translate(context, from, packet, len,
						   now_ms);

	translation.has_latched = has_latched;
	translation.latched = wanted->latched;
	return translation;
}

/* Passes it again if a rule is to latch on to its source. */
static struct translation
translate_once(const struct translate_context *context, realm_id from,
	       uint8_t *packet, size_t len, uint64_t now_ms)
{
	struct translation translation = translate(context, from, packet, len,
						   now_ms);

	if (translation.latch)
		translation = translate_latched(context, from, packet, len,
						now_ms, &translation);
	return translation;
}

/* Fragments that follow this one are to wait behind it. */
static void await_mapping(const struct translate_context *context,
			  const struct translation *translation,
			  uint64_t now_ms)
{
	const struct translate_effects *effects = &translation->effects;
	struct fragment_path path = { .is_pending = true };

	if (effects->fragment == TRANSLATE_FRAGMENT_FORGET)
		fragments_remember(context->fragments, &effects->fragment_key,
				   &path, now_ms);
}

struct translation translate_shared(const struct translate_context *context,
				    realm_id from, uint8_t *packet, size_t len,
				    uint64_t now_ms,
				    uint64_t count[VERDICT_COUNT])
{
	struct translation translation = translate_once(context, from, packet,
							len, now_ms);

	if (translation.wants_mapping)
		await_mapping(context, &translation, now_ms);
	else if (!translation.is_early)
		translate_apply(context, &translation, now_ms, count);
	return translation;
}

struct translation translate_whole(const struct translate_context *context,
				   realm_id from, uint8_t *packet, size_t len,
				   uint64_t now_ms,
				   uint64_t count[VERDICT_COUNT])
{
	struct translation translation = translate_once(context, from, packet,
							len, now_ms);
	int err;

	if (translation.wants_mapping) {
		err = dynamics_add(context->dynamics, &translation.want,
				   now_ms);
		if (err)
			translation.verdict =
				verdict_without(err, translation.verdict);
		else
			translation = translate(context, from, packet, len,
						now_ms);
	}
	translate_apply(context, &translation, now_ms, count);
	if (context->dynamics)
		dynamics_reap(context->dynamics);
	return translation;
}
