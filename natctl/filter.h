/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Texts of endpoints, ranges, conditions and remotes in a request. Pure. */
#ifndef VIADUCT_NATCTL_FILTER_H
#define VIADUCT_NATCTL_FILTER_H

#include "natctl/member.h"
#include "natctl/request.h"

/*
 * "3.3.3.3", "3.3.3.3:3333", "20.20.20.16/28", "20.20.20.16/28:2000-2999",
 * "[2001:db8::]/64:2000-2999". No ports: *ret_ports is 0-0. 0 or -EINVAL.
 */
int filter_parse_range(const char *text, struct ip_prefix *ret_prefix,
		       struct port_range *ret_ports);
/* The endpoint that must be there. As the functions of member.h. */
int filter_read_endpoint(const struct member_place *place, const char *name,
			 const struct realm_names *names, struct endpoint *ret);
/* "conditions", "remote" and "latch". Nothing to be freed after a failure. */
int filter_read(const struct member_place *place,
		const struct realm_names *names, struct request_filter *ret);
void filter_done(struct request_filter *filter);

#endif
