/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How often the clients of a section may ask: a bucket of a second. Pure. */
#ifndef VIADUCT_NATCTL_QUOTA_H
#define VIADUCT_NATCTL_QUOTA_H

#include "common/conf.h"
#include "natctl/fault.h"

struct quota {
	uint64_t left; /* thousandths of an ask */
	uint64_t at_ms;
	bool used; /* before that the bucket is full */
};

/* One more ask. 0, or -EPROTO. */
int quota_take(struct quota *quota, const struct conf_client *client,
	       uint64_t now_ms, struct fault *fault);

#endif
