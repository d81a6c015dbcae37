/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parameters of a request, out of JSON into checked structs. Pure.
 *
 * Members that the method does not know are refused: a misspelt "conditions"
 * would open what was meant to be closed. Texts in the structs point into
 * the JSON.
 */
#ifndef VIADUCT_NATCTL_REQUEST_H
#define VIADUCT_NATCTL_REQUEST_H

#include <jansson.h>

#include "common/rule.h"
#include "natctl/fault.h"
#include "natctl/member.h"
#include "natctl/pool.h"

#define REQUEST_LEASES_MAX       64    /* of one ask or tighten */
#define REQUEST_IDS_MAX          1024  /* of one release */
#define REQUEST_LIFETIME_MAX     86400 /* seconds */
#define REQUEST_LIFETIME_DEFAULT 3600
#define REQUEST_LIST_MAX         100 /* leases of one answer */

/* Source conditions and far end, as ask and tighten have them. */
struct request_filter {
	bool has_conditions; /* the member was there, if only as [] */
	bool has_remote;     /* likewise, if only as null */
	bool has_latch;      /* likewise */
	uint16_t condition_count;
	struct rule_condition *conditions; /* owned; sorted */
	struct rule_remote remote;
	struct ip_prefix latch; /* addr.family IP_NONE: none */
};

struct request_want {
	struct endpoint inner;
	realm_id realm; /* where the outer endpoint is wanted */
	uint16_t ports;
	uint8_t kind;     /* enum rule_kind */
	uint8_t protocol; /* enum rule_protocol */
	bool keep_source;
	uint8_t family; /* enum ip_family of the outer endpoint, or IP_NONE */
	struct pool_wish wish;
	struct request_filter filter;
};

struct request_ask {
	const char *group;
	const char *key;            /* NULL: none */
	uint32_t lifetime;          /* seconds; 0: none given */
	struct request_want *wants; /* owned */
	size_t count;
};

/* Which leases are meant: those of a group, or these. */
struct request_target {
	const char *group; /* NULL: by id */
	uint64_t *ids;     /* owned */
	size_t count;
};

struct request_refresh {
	struct request_target target;
	uint32_t lifetime; /* seconds */
};

struct request_change {
	uint64_t lease;
	struct request_filter filter;
};

struct request_tighten {
	struct request_change *changes; /* owned; no lease twice */
	size_t count;
};

struct request_list {
	const char *group; /* NULL: all */
	uint64_t after;
	size_t limit; /* 1..REQUEST_LIST_MAX */
};

/*
 * 0, or -EPROTO with *fault filled in and nothing to be freed. `params` NULL:
 * none were given. _done frees what parse allocated.
 */
int request_parse_ask(const json_t *params, const struct realm_names *names,
		      struct request_ask *ret, struct fault *fault);
void request_ask_done(struct request_ask *ask);
int request_parse_refresh(const json_t *params, struct request_refresh *ret,
			  struct fault *fault);
void request_refresh_done(struct request_refresh *refresh);
int request_parse_tighten(const json_t *params, const struct realm_names *names,
			  struct request_tighten *ret, struct fault *fault);
void request_tighten_done(struct request_tighten *tighten);
int request_parse_release(const json_t *params, struct request_target *ret,
			  struct fault *fault);
void request_target_done(struct request_target *target);
int request_parse_list(const json_t *params, struct request_list *ret,
		       struct fault *fault);
/* For methods without parameters. */
int request_parse_nothing(const json_t *params, struct fault *fault);
/* The member "group": a name that can be one. 0 or -EPROTO. */
int request_read_group(const struct member_place *place, bool required,
		       const char **ret);

#endif
