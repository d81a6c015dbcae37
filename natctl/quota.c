/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How often the clients of a section may ask: a bucket of a second. */
#include "natctl/quota.h"

#define ONE 1000 /* an ask; a second has as many ms */

int quota_take(struct quota *quota, const struct conf_client *client,
	       uint64_t now_ms, struct fault *fault)
{
	uint64_t full = (uint64_t)client->max_asks * ONE;
	uint64_t passed_ms = now_ms - quota->at_ms;

	if (!quota->used || passed_ms >= 1000)
		quota->left = full;
	else
		quota->left += passed_ms * client->max_asks;
	if (quota->left > full)
		quota->left = full;
	quota->used = true;
	quota->at_ms = now_ms;
	if (quota->left < ONE)
		return fault_set(fault, RPC_LIMIT,
				 "client \"%s\" may ask %u times a second",
				 client->name, client->max_asks);
	quota->left -= ONE;
	return 0;
}
