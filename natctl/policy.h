/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a client may ask for: "within specified ranges". Pure. */
#ifndef VIADUCT_NATCTL_POLICY_H
#define VIADUCT_NATCTL_POLICY_H

#include "common/conf.h"
#include "natctl/fault.h"
#include "natctl/request.h"

/* What holds for one client: a section of the configuration, or the default. */
struct policy {
	const struct conf_client *client; /* NULL: may do all */
	const struct conf *conf;          /* not owned */
	uint64_t owner;       /* of leases: the uid, or a guest's identity */
	struct endpoint from; /* a guest's address; family IP_NONE: a user */
};

/*
 * The section of `uid`. Without one, root and `owner` (of the socket) may do
 * all, and others nothing: -EPROTO with RPC_NOT_AUTHORIZED.
 */
int policy_find(const struct conf *conf, uint32_t owner, uint32_t uid,
		struct policy *ret, struct fault *fault);

/* Of a guest, who has a section, and has come from `from`. */
void policy_of_guest(const struct conf *conf, const struct conf_client *client,
		     const struct endpoint *from, struct policy *ret);

/* Root and the owner without a section see and change all leases. */
bool policy_may_manage_all(const struct policy *policy);

/*
 * One wanted lease; `is_own`: every inner endpoint in it (the target of a
 * condition is one) is an address of the asking machine. The outer ranges are
 * not looked at here: see policy_within. 0 or -EPROTO.
 */
int policy_check_want(const struct policy *policy,
		      const struct request_want *want, bool is_own,
		      struct fault *fault);
/* A condition's target that is not the machine's own address. 0 or -EPROTO. */
int policy_check_third_party(const struct policy *policy, bool is_own,
			     struct fault *fault);
/* `held` leases now and `more` asked for. 0 or -EPROTO. */
int policy_check_count(const struct policy *policy, size_t held, size_t more,
		       struct fault *fault);
/* 0: none asked for. *ret_lifetime is the one that holds. 0 or -EPROTO. */
int policy_check_lifetime(const struct policy *policy, uint32_t lifetime,
			  uint32_t *ret_lifetime, struct fault *fault);
/* The outer ranges that the client is bound to; 0: any. Not owned. */
size_t policy_within(const struct policy *policy,
		     const struct conf_range **ret_ranges);

#endif
