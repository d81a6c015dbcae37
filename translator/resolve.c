/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules' say on a packet's two endpoints: where from, where to. Pure.
 *
 * A packet goes to the realm in which its destination is addressed, its source
 * taken over by a rule that leads there; a rule that has the destination for
 * its outer endpoint sends it on, into the realm of its target, the source
 * taken over once more. One way out and one way in, each of which may be
 * missing: out and back in is a hairpin.
 */
#include "translator/resolve.h"

static struct permit_key permit_of(const struct ruleset_rule *rule,
				   uint16_t offset,
				   const struct endpoint *remote)
{
	return (struct permit_key){ .rule = rule->first_serial,
				    .remote = *remote,
				    .offset = offset,
				    .kind = rule->kind };
}

static bool has_permit(const struct resolve_view *view,
		       const struct ruleset_rule *rule, uint16_t offset,
		       const struct endpoint *remote)
{
	struct permit_key key = permit_of(rule, offset, remote);

	return permits_has(view->permits, &key, rule->timer, view->now_ms);
}

bool resolve_is_dynamic(const struct ruleset_rule *rule)
{
	return rule->id >= RULE_ID_DYNAMIC;
}

/* A mapping lets in whom its inner endpoint has spoken with, more or less. */
static bool has_session(const struct resolve_view *view,
			const struct ruleset_rule *rule,
			const struct endpoint *remote)
{
	struct permit_key key = permit_of(rule, 0, remote);

	key.rule = rule->id;
	if (permits_has(view->sessions, &key, rule->timer, view->now_ms))
		return true;
	return realms_filter(view->realms, rule->inner.realm) ==
		       CONF_FILTER_ADDRESS &&
	       permits_has_address(view->sessions, &key, rule->timer,
				   view->now_ms);
}

/* An originating rule admits those it has sent to. */
static bool is_admitted(const struct resolve_view *view,
			const struct ruleset_rule *rule, uint16_t offset,
			const struct endpoint *remote)
{
	if (rule->kind != RULE_ORIGINATING)
		return true;
	return resolve_is_dynamic(rule) ?
		       has_session(view, rule, remote) :
		       has_permit(view, rule, offset, remote);
}

/* Can what the rule makes of a source send to the remote? */
static bool is_of_family(const struct ruleset_rule *rule,
			 const struct endpoint *remote)
{
	const struct endpoint *source = rule->keep_source ? &rule->inner :
							    &rule->outer;

	return source->addr.family == remote->addr.family;
}

/* A terminating rule is the source towards those it has heard from. */
static bool is_source(const struct ruleset_rule *rule, uint16_t offset,
		      const struct endpoint *remote, void *arg)
{
	const struct resolve_view *view = arg;

	return is_of_family(rule, remote) &&
	       (rule->kind != RULE_TERMINATING ||
		has_permit(view, rule, offset, remote));
}

static void add_step(struct resolve_path *path, const struct ruleset_rule *rule,
		     const struct endpoint *remote, uint16_t offset,
		     bool source)
{
	path->steps[path->step_count++] =
		(struct resolve_step){ rule, *remote, offset, source };
}

static void want_mapping(const struct resolve_view *view, realm_id into,
			 const struct endpoint *remote,
			 struct resolve_path *path)
{
	path->wants_mapping = view->sessions &&
			      realms_is_dynamic(view->realms,
						path->src.realm) &&
			      realms_has_dynamic_pool(view->realms, into);
	path->want.inner = path->src;
	path->want.remote = *remote;
	path->want.remote.realm = into;
	path->want.into = into;
	path->want.protocol = view->protocol;
}

/*
 * What is sent to the signalled remote of a rule that latches goes to whom it
 * has latched on to. VERDICT_OUT, or NOT_LATCHED.
 */
static enum verdict follow_latch(const struct ruleset_rule *rule,
				 struct resolve_path *path)
{
	uint16_t offset = (uint16_t)(path->dst.port - rule->remote.port);
	struct endpoint signalled;

	if (!rule->has_latch || !ruleset_rule_signalled(rule, 0, &signalled))
		return VERDICT_OUT;
	if (latch_read(ruleset_rule_own_latch(rule), offset, &path->dst))
		return VERDICT_OUT;
	path->refused = rule;
	return VERDICT_NOT_LATCHED;
}

/*
 * Takes path->src over into realm `into`, towards `remote` there, which is
 * path->dst. VERDICT_OUT, or NO_SOURCE: it is not valid over there, or
 * NOT_LATCHED.
 */
static enum verdict take_source(const struct resolve_view *view, realm_id into,
				const struct endpoint *remote,
				struct resolve_path *path)
{
	struct ruleset_query query = { .protocol = view->protocol,
				       .into = into,
				       .source = &path->src,
				       .remote = remote,
				       .ahead = view->ahead };
	struct resolve_view usable = *view;
	const struct ruleset_rule *rule;
	uint16_t offset = 0;

	rule = ruleset_find_source(view->ruleset, &query, is_source, &offset,
				   &usable);
	if (rule) {
		add_step(path, rule, remote, offset, true);
		if (!rule->keep_source) {
			path->src = rule->outer;
			path->src.port = (uint16_t)(rule->outer.port + offset);
		}
		path->src.realm = into;
		return follow_latch(rule, path);
	}
	if (path->src.addr.family != remote->addr.family ||
	    !realms_reach(view->realms, into, path->src.realm)) {
		want_mapping(view, into, remote, path);
		return VERDICT_NO_SOURCE;
	}
	path->src.realm = into;
	return VERDICT_OUT;
}

/*
 * Is path->src whom the rule has latched on to, or may it be? It goes on under
 * the name of the signalled remote, if that is an endpoint.
 */
static bool is_latched(const struct ruleset_rule *rule, uint16_t offset,
		       struct resolve_path *path)
{
	struct endpoint known;

	if (!rule->has_latch)
		return true;
	if (latch_read(ruleset_rule_own_latch(rule), offset, &known)) {
		if (!endpoint_equal(&known, &path->src))
			return false;
	} else {
		if (!ip_prefix_contains(&ruleset_rule_own_latch(rule)->prefix,
					&path->src.addr))
			return false;
		path->latches = rule;
		path->latch_offset = offset;
		path->latch_source = path->src;
	}
	ruleset_rule_signalled(rule, offset, &path->src);
	return true;
}

/* By the rule that has path->dst for its outer endpoint. */
static enum verdict take_destination(const struct resolve_view *view,
				     const struct ruleset_rule *rule,
				     struct resolve_path *path)
{
	uint16_t offset = (uint16_t)(path->dst.port - rule->outer.port);
	struct endpoint source = path->src, target;
	enum verdict verdict;

	if (!ruleset_rule_target(rule, &path->src, offset, &target)) {
		path->refused = rule;
		return VERDICT_CONDITION;
	}
	if (!is_admitted(view, rule, offset, &path->src)) {
		path->refused = rule;
		return VERDICT_UNSOLICITED;
	}
	if (!is_latched(rule, offset, path)) {
		path->refused = rule;
		return VERDICT_LATCH;
	}
	add_step(path, rule, &source, offset, false);
	path->dst = target;
	verdict = take_source(view, target.realm, &target, path);
	return verdict == VERDICT_OUT ? VERDICT_IN : verdict;
}

static bool same_place(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && ip_addr_equal(&a->addr, &b->addr);
}

/* What the way that was found is called. */
static enum verdict verdict_of(const struct resolve_path *path,
			       const struct endpoint *src,
			       const struct endpoint *dst)
{
	bool in = false, out = false;

	for (size_t i = 0; i < path->step_count; i++) {
		in = in || !path->steps[i].source;
		out = out || path->steps[i].source;
	}
	if (path->dst.realm == src->realm)
		return same_place(&path->src, src) &&
				       same_place(&path->dst, dst) ?
			       VERDICT_NOT_OURS :
			       VERDICT_HAIRPIN;
	if (in)
		return out ? VERDICT_TRANSIT : VERDICT_IN;
	return out ? VERDICT_OUT : VERDICT_ROUTED;
}

static bool is_link_local6(const struct ip_addr *addr)
{
	return addr->family == IP_V6 && addr->bytes[0] == 0xfe &&
	       (addr->bytes[1] & 0xc0) == 0x80;
}

static bool is_martian(const struct ip_addr *addr)
{
	return ip_addr_is_any(addr) || ip_addr_is_loopback(addr) ||
	       ip_addr_is_multicast(addr) || ip_addr_is_broadcast(addr) ||
	       is_link_local6(addr);
}

enum verdict resolve_admit(const struct realms *realms, realm_id from,
			   const struct ip_addr *src, const struct ip_addr *dst)
{
	realm_id realm;

	if (is_martian(src) || is_martian(dst))
		return VERDICT_MARTIAN;
	/* Whose pool it would be in, had it been sent where it came from. */
	realm = realms_of(realms, from, src);
	if (realm != REALM_NONE && realms_in_pool(realms, realm, src))
		return VERDICT_SOURCE_IN_POOL;
	return VERDICT_ROUTED;
}

struct resolve_path resolve(const struct resolve_view *view,
			    const struct endpoint *src,
			    const struct endpoint *dst)
{
	struct resolve_path path = { .src = *src, .dst = *dst };
	const struct ruleset_rule *rule;
	struct endpoint remote;

	path.dst.realm = realms_of(view->realms, src->realm, &dst->addr);
	if (path.dst.realm == REALM_NONE) {
		path.verdict = VERDICT_NO_REALM;
		return path;
	}
	remote = path.dst;
	if (remote.realm != src->realm)
		path.verdict = take_source(view, remote.realm, &remote, &path);
	if (path.verdict == VERDICT_NOT_LATCHED)
		return path;
	rule = ruleset_find_ahead(view->ruleset, view->protocol, &path.dst,
				  view->ahead);
	if (path.verdict == VERDICT_NO_SOURCE) {
		/* Not for a packet that would be discarded all the same. */
		if (!rule && realms_in_pool(view->realms, path.dst.realm,
					    &path.dst.addr))
			path.wants_mapping = false;
		return path;
	}
	if (rule) {
		path.verdict = take_destination(view, rule, &path);
		if (path.verdict != VERDICT_IN)
			return path;
	} else if (realms_in_pool(view->realms, path.dst.realm,
				  &path.dst.addr)) {
		path.verdict = VERDICT_NO_RULE;
		return path;
	}
	path.verdict = verdict_of(&path, src, dst);
	return path;
}
