/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The records of a DNS answer that SIP looks for (RFC 3263). Pure. */
#ifndef VIADUCT_PROXY_DNS_H
#define VIADUCT_PROXY_DNS_H

#include "common/endpoint.h"

#define DNS_NAME_MAX    256 /* bytes of a name, with the final NUL */
#define DNS_RECORDS_MAX 32  /* of one answer; further ones are left out */

enum dns_type { DNS_A = 1, DNS_AAAA = 28, DNS_SRV = 33, DNS_NAPTR = 35 };

struct dns_record {
	uint16_t priority;       /* of SRV; order of NAPTR */
	uint16_t weight;         /* of SRV; preference of NAPTR */
	uint16_t port;           /* of SRV */
	char flags[8];           /* of NAPTR */
	char service[32];        /* of NAPTR */
	char name[DNS_NAME_MAX]; /* target of SRV, replacement of NAPTR */
	struct ip_addr addr;     /* of A and AAAA */
};

struct dns_answer {
	uint32_t ttl; /* seconds: the least of all records and aliases */
	size_t count;
	struct dns_record records[DNS_RECORDS_MAX];
};

/* The records of that type. 0, or -EBADMSG: it is no answer. */
int dns_parse(const uint8_t *data, size_t len, enum dns_type type,
	      struct dns_answer *ret);

#endif
