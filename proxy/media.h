/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SDP text to the media endpoints it names, and new ones back in place. */
#ifndef VIADUCT_PROXY_MEDIA_H
#define VIADUCT_PROXY_MEDIA_H

#include "common/endpoint.h"

#define MEDIA_STREAMS_MAX 16    /* m= lines of one body */
#define MEDIA_BODY_MAX    65536 /* bytes of one body */
#define MEDIA_PORTS_MAX   32    /* n of "m=audio PORT/n" */

/* Why a body is not taken: the answer to give. */
struct media_error {
	int status;       /* 400, 415, 488 or 503; 0: no error */
	const char *text; /* static */
};

/* Bytes [at, at + len) of the body. len 0: not there. */
struct media_span {
	uint32_t at;
	uint32_t len;
};

enum media_protocol {
	MEDIA_RTP, /* RTP on UDP, secured or not: RTCP on the next port */
	MEDIA_UDP, /* another protocol on UDP: one port */
	MEDIA_TCP, /* only ever refused (port 0) */
	MEDIA_OTHER,
};

enum media_direction {
	MEDIA_SENDRECV,
	MEDIA_SENDONLY,
	MEDIA_RECVONLY,
	MEDIA_INACTIVE
};

/* One m= section. Addresses are what its party wants to be sent to. */
struct media_stream {
	enum media_protocol protocol;
	enum media_direction direction;
	struct media_span kind;      /* "audio" */
	struct media_span transport; /* "RTP/AVP" */
	struct ip_addr addr;         /* its own c=, else the session's */
	uint16_t port;               /* of m=; 0: refused */
	uint16_t count;              /* n of "PORT/n", 1 */
	struct ip_addr rtcp_addr;    /* of a=rtcp, else addr */
	uint16_t rtcp_port;          /* of a=rtcp, else port + 1; RTP only */
	bool refused;                /* port 0 */
	bool hold;                   /* addr is 0.0.0.0: send nothing */
	bool rtcp_given;             /* there is an a=rtcp */
	bool rtcp_mux;
	/* Its party is behind a NAT of its own: addr is where its signalling
	 * comes from (farnat.h). Never as read. */
	bool far_nat;

	/* Where it stands in the body. */
	struct media_span section; /* from m= to the next m= or the end */
	struct media_span conn;    /* "IP4 ADDRESS" of its own c= */
	struct media_span ports;   /* port of m=, without "/n" */
	struct media_span rtcp;    /* "PORT" or "PORT IN IP4 ADDRESS" */
	bool rtcp_has_addr;
};

/* A body as read; holds offsets, not text. */
struct media {
	size_t count;
	struct media_stream streams[MEDIA_STREAMS_MAX];
	struct ip_addr session; /* session-level c=; IP_NONE: there is none */
	struct ip_addr origin;  /* of o=; IP_NONE: none that is one */
	struct media_span session_conn; /* likewise, of the session-level c= */
	struct media_span origin_addr;  /* "IP4 ADDRESS" of o= */
	uint32_t streams_at;            /* of the first m=, or the end */
};

/* What one stream is to become. Values equal to the old ones change nothing. */
struct media_stream_change {
	struct ip_addr addr; /* IP_NONE: stays. Hold (0.0.0.0) always stays */
	uint16_t port;       /* 0: stays. A refused stream's always stays */
	/*
	 * IP_NONE: the new addr. 0: as the old one lay to the RTP port, if that
	 * was the same port, else the next.
	 */
	struct ip_addr rtcp_addr;
	uint16_t rtcp_port;
};

struct media_change {
	struct ip_addr origin; /* IP_NONE: stays */
	/*
	 * For what has no address of its own in `streams`: refused streams
	 * with a c=, a session-level c= that no stream uses. IP_NONE: stays.
	 */
	struct ip_addr other;
	/*
	 * Removes the ICE attributes, and the ones that carry addresses which
	 * are not mapped (alt, altc, path, source-filter, a=rtcp outside of a
	 * stream).
	 */
	bool strip;
	struct media_stream_change streams[MEDIA_STREAMS_MAX];
};

/*
 * Reads a body (RFC 8866; LF and CRLF, last line end optional, any order of
 * lines within a section). 0, or -EINVAL with the answer to give in
 * *ret_error: NUL or a bare CR 400, a name in c= or a family other than IPv4
 * and IPv6 488, TCP 488, more than one c= in a section 488, over the limits 488.
 */
int media_read(const char *body, size_t len, struct media *ret,
	       struct media_error *ret_error);

/*
 * Writes the body anew: only the addresses and ports of o=, c=, m= and a=rtcp
 * differ from `body`, and what `strip` removes; every other byte is kept. A
 * stream that needs an address other than the session's gets a c= line; one
 * whose RTCP is not on the next port gets an a=rtcp line. `media` must have
 * been read from this body. *ret is the caller's to free, with a NUL behind
 * *ret_len bytes. 0 or -ENOMEM.
 */
int media_write(const struct media *media, const char *body, size_t len,
		const struct media_change *change, char **ret, size_t *ret_len);

/* Fills in the change that changes nothing. */
void media_change_init(struct media_change *change);

#endif
