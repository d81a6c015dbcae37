/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dynamic mappings (RFC 4787, 5382, 5508): what a party of a dynamic realm
 * sends without a rule gets a rule of its own, out of the dynamic pools of the
 * realm that it goes into. These belong to the translator alone, so that no
 * packet waits for natctl.
 *
 * A mapping is a rule of the ruleset with an id from RULE_ID_DYNAMIC on, one
 * for an inner endpoint whatever it sends to (RFC 4787 REQ-1). It lives as
 * long as one of its sessions, the permits of its own that are kept here. The
 * thread that changes the ruleset calls all of this; sessions are anybody's.
 * Pure; bounded.
 */
#ifndef VIADUCT_TRANSLATOR_DYNAMIC_H
#define VIADUCT_TRANSLATOR_DYNAMIC_H

#include "common/conf.h"
#include "translator/permit.h"
#include "translator/ruleset.h"

#define DYNAMIC_GROUP         "dynamic"
#define DYNAMIC_TIMER_TCP     7440 /* seconds; RFC 5382 REQ-5 */
#define DYNAMIC_TIMER_ICMP    60   /* RFC 5508 REQ-1 */
#define DYNAMIC_ADDRESSES_MAX 64   /* of a pool, looked at for one mapping */

/* A packet that needs one. */
struct dynamic_want {
	struct endpoint inner;
	struct endpoint remote; /* whom it is sent to, in realm `into` */
	realm_id into;
	enum rule_protocol protocol;
};

struct dynamics;

/* A mapping begins, or ends. The rule is valid during the call only. */
typedef void (*dynamics_change_fn)(const struct ruleset_rule *rule, bool begins,
				   void *arg);

/*
 * `conf` and `ruleset` are not owned, and must outlive it. `seed`: random, of
 * the ports' choice and of hashes. NULL: no memory.
 */
struct dynamics *dynamics_new(const struct conf *conf, struct ruleset *ruleset,
			      uint64_t seed);
/* The mappings' rules stay in the ruleset. */
void dynamics_free(struct dynamics *dynamics);
/* `on_change` may be NULL. */
void dynamics_watch(struct dynamics *dynamics, dynamics_change_fn on_change,
		    void *arg);
size_t dynamics_count(const struct dynamics *dynamics);

/*
 * Who has spoken with whom through a mapping: keys have the rule's id. When
 * the last of a rule goes, its mapping ends.
 */
struct permits *dynamics_sessions(struct dynamics *dynamics);

/*
 * Makes the mapping, with a session to the remote. The address is that of the
 * inner address's other mappings where it has room (RFC 4787 REQ-2), the port
 * random (RFC 6056), for UDP of the inner one's parity where possible (REQ-4).
 * 0; -EDQUOT: the inner address has as many as it may; -ENOSPC: no endpoint
 * is left; -ENOMEM.
 */
int dynamics_add(struct dynamics *dynamics, const struct dynamic_want *want,
		 uint64_t now_ms);
/* What dynamics_add() would say; nothing is made. */
int dynamics_try(struct dynamics *dynamics, const struct dynamic_want *want);
/* Ends those that have lost their last session. */
void dynamics_reap(struct dynamics *dynamics);
/* Ends what has run out; call now and then. Returns how many mappings. */
size_t dynamics_expire(struct dynamics *dynamics, uint64_t now_ms);

#endif
