/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a client may ask for. */
#include "natctl/policy.h"

#include <string.h>

static const char *const kind_names[] = { "both", "terminating",
					  "originating" };

int policy_find(const struct conf *conf, uint32_t owner, uint32_t uid,
		struct policy *ret, struct fault *fault)
{
	memset(ret, 0, sizeof(*ret));
	ret->conf = conf;
	ret->owner = uid;
	for (size_t i = 0; i < conf->client_count; i++) {
		if (conf->clients[i].uid != uid)
			continue;
		ret->client = &conf->clients[i];
		return 0;
	}
	if (uid == 0 || uid == owner)
		return 0;
	return fault_set(fault, RPC_NOT_AUTHORIZED,
			 "no client section is for user %u", uid);
}

void policy_of_guest(const struct conf *conf, const struct conf_client *client,
		     const struct endpoint *from, struct policy *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->conf = conf;
	ret->client = client;
	ret->owner = client->identity;
	ret->from = *from;
}

bool policy_may_manage_all(const struct policy *policy)
{
	return policy->client == NULL;
}

static bool is_realm_allowed(const struct conf_client *client, realm_id realm)
{
	for (size_t i = 0; i < client->realm_count; i++) {
		if (client->realms[i] == realm)
			return true;
	}
	return false;
}

int policy_check_want(const struct policy *policy,
		      const struct request_want *want, bool is_own,
		      struct fault *fault)
{
	const struct conf_client *client = policy->client;

	if (client == NULL)
		return 0;
	if (!is_realm_allowed(client, want->realm))
		return fault_set(
			fault, RPC_NOT_AUTHORIZED,
			"client \"%s\" may not ask for endpoints of realm "
			"\"%s\"",
			client->name, policy->conf->realms[want->realm].name);
	if (!client->kinds[want->kind])
		return fault_set(fault, RPC_NOT_AUTHORIZED,
				 "client \"%s\" may not ask for kind %s",
				 client->name, kind_names[want->kind]);
	return policy_check_third_party(policy, is_own, fault);
}

int policy_check_third_party(const struct policy *policy, bool is_own,
			     struct fault *fault)
{
	if (policy->client == NULL || policy->client->third_party || is_own)
		return 0;
	return fault_set(fault, RPC_NOT_AUTHORIZED,
			 "client \"%s\" may not ask for addresses that are "
			 "not this machine's",
			 policy->client->name);
}

int policy_check_count(const struct policy *policy, size_t held, size_t more,
		       struct fault *fault)
{
	const struct conf_client *client = policy->client;

	if (client == NULL || client->max_leases == 0 ||
	    held + more <= client->max_leases)
		return 0;
	return fault_set(fault, RPC_LIMIT,
			 "client \"%s\" has %zu leases and may have %u",
			 client->name, held, client->max_leases);
}

int policy_check_lifetime(const struct policy *policy, uint32_t lifetime,
			  uint32_t *ret_lifetime, struct fault *fault)
{
	const struct conf_client *client = policy->client;
	uint32_t max = client == NULL || client->max_lifetime == 0 ?
			       REQUEST_LIFETIME_MAX :
			       client->max_lifetime;

	if (lifetime > max)
		return fault_set(fault, RPC_LIMIT,
				 "client \"%s\" may ask for %u seconds at most",
				 client == NULL ? "" : client->name, max);
	if (lifetime == 0)
		lifetime = max < REQUEST_LIFETIME_DEFAULT ?
				   max :
				   REQUEST_LIFETIME_DEFAULT;
	*ret_lifetime = lifetime;
	return 0;
}

size_t policy_within(const struct policy *policy,
		     const struct conf_range **ret_ranges)
{
	if (policy->client == NULL)
		return 0;
	*ret_ranges = policy->client->outer;
	return policy->client->outer_count;
}
