/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Media policy: what each stream of an SDP becomes for the other party. */
#ifndef VIADUCT_PROXY_ANCHOR_H
#define VIADUCT_PROXY_ANCHOR_H

#include "common/conf.h"
#include "proxy/media.h"

enum anchor_action {
	ANCHOR_LEAVE, /* refused or on hold: no endpoint to map */
	ANCHOR_AS_IS, /* the other party reaches the endpoint itself */
	ANCHOR_ASK,   /* ask for an outer endpoint and tell that one */
};

/* What to ask natctl for. */
struct anchor_ask {
	bool wanted;
	struct endpoint inner; /* with its realm */
	realm_id realm;        /* in which the outer one is wanted */
	uint16_t ports;        /* consecutive */
	/* enum ip_family of the outer one; IP_NONE: not known from here. */
	uint8_t family;
	const struct conf_media_rule *request; /* the outer it asks for, or
						* NULL; points into conf */
	/*
	 * Index of an earlier stream with the very same inner endpoint (a
	 * bundle), whose lease serves this one too; -1: none.
	 */
	int same_as;
};

struct anchor_stream {
	enum anchor_action action;
	struct anchor_ask rtp;
	struct anchor_ask rtcp; /* wanted when a=rtcp is no neighbour of RTP */
};

struct anchor_plan {
	/*
	 * Both parties in one realm and nothing forced: the body passes byte
	 * for byte. Then no stream is ANCHOR_ASK.
	 */
	bool direct;
	size_t count; /* as many as the SDP has streams */
	struct anchor_stream streams[MEDIA_STREAMS_MAX];
};

/*
 * For the SDP of a party in realm `from` that goes to a party in realm `to`.
 * `peer` is the other party's own SDP as last read, or NULL where it is not
 * known yet; `to_far`: that party is behind a NAT of its own; `answer`: the SDP
 * answers that one. 0, or -EINVAL with the answer
 * to give: 488 for an endpoint that nothing may be sent to, 503 where no realm
 * has an endpoint to give. With -EINVAL the text names the reason.
 */
int anchor_plan(const struct conf *conf, realm_id from, realm_id to,
		const struct media *media, const struct media *peer,
		bool to_far, bool answer, struct anchor_plan *ret,
		struct media_error *ret_error);

#define ANCHOR_CONDITIONS_MAX 8

/* Who may send into a lease, and which remote tells it from its siblings. */
struct anchor_limits {
	size_t condition_count; /* 0: anyone */
	struct rule_condition conditions[ANCHOR_CONDITIONS_MAX];
	struct rule_remote remote; /* prefix.addr.family IP_NONE: anywhere */
	struct ip_prefix latch;    /* addr.family IP_NONE: it does not latch */
};

/*
 * For a lease with its outer endpoint in realm `outer`, and the far party's
 * stream. `far` is that stream as its party sent it from realm `far_realm`;
 * `far_outer` and `far_rtcp_outer` are the endpoints leased for it, NULL where
 * there are none. `ports` is that of the lease. False, and no limits, while
 * nothing is known of the far party (no SDP, refused, on hold): then keep what
 * is in force.
 */
bool anchor_limits(const struct conf *conf, realm_id outer, realm_id far_realm,
		   const struct media_stream *far,
		   const struct endpoint *far_outer,
		   const struct endpoint *far_rtcp_outer, uint16_t ports,
		   struct anchor_limits *ret);
/*
 * While nothing is known of it: what the realm's `early` says. `signalling`:
 * where the far party's messages come from, of the lease's family.
 */
void anchor_early(const struct conf *conf, realm_id outer, realm_id far_realm,
		  const struct ip_addr *signalling, size_t signalling_count,
		  uint8_t family, struct anchor_limits *ret);

#endif
