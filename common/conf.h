/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration file into checked structs. One file serves all programs.
 *
 * Every mistake is reported as "file:line: text", all of them in one reading;
 * a file with a mistake gives no configuration at all.
 */
#ifndef VIADUCT_COMMON_CONF_H
#define VIADUCT_COMMON_CONF_H

#include <stdio.h>

#include "common/endpoint.h"
#include "common/rule.h"

#define CONF_DEFAULT_PATH "/etc/viaduct/viaduct.conf"

/* May its parties say who is calling, and be told? Not set: as it comes. */
enum conf_trust { CONF_TRUST_UNSET, CONF_TRUST_NO, CONF_TRUST_YES };
enum conf_media { CONF_MEDIA_AUTO, CONF_MEDIA_FORCE };
/* Whose packets a dynamic mapping lets in: RFC 4787 REQ-8, RFC 5382 REQ-3. */
enum conf_filter { CONF_FILTER_ADDRESS, CONF_FILTER_ENDPOINT, CONF_FILTER_ANY };
/* Whose packets a lease lets in, once it is known who the far party is. */
enum conf_source {
	CONF_SOURCE_ADDRESS,
	CONF_SOURCE_ENDPOINT,
	CONF_SOURCE_PREFIX, /* around the address */
	CONF_SOURCE_ANY,
	CONF_SOURCE_KEEP,  /* as ADDRESS; what this realm sends keeps its own */
	CONF_SOURCE_LATCH, /* the first that sends from the prefix */
};
enum conf_far_nat { CONF_FAR_NAT_AUTO, CONF_FAR_NAT_YES, CONF_FAR_NAT_NO };

#define CONF_EARLY_MAX 7 /* prefixes */

/* Whose packets a lease lets in before. Nothing set: nobody's. */
struct conf_early {
	bool any;
	bool signalling; /* from where the far party's signalling comes */
	struct ip_prefix *prefixes;
	size_t prefix_count;
};

struct conf_list { /* of strings */
	char **items;
	size_t count;
};

struct conf_range { /* addresses x ports: "203.0.113.16/30:16384-32767" */
	struct ip_prefix prefix;
	struct port_range ports;
};

struct conf_limit { /* 0: none */
	unsigned max_calls;
	unsigned calls_per_second;
};

struct conf_realm {
	char *name;
	realm_id id;
	unsigned line;
	struct conf_list interfaces;
	struct ip_prefix *networks; /* none: everything else (the default) */
	size_t network_count;
	realm_id *reaches;
	size_t reach_count;
	enum conf_media media;   /* default auto */
	enum conf_source source; /* default address */
	unsigned source_prefix;  /* its length, of PREFIX and LATCH; 0: unset */
	enum conf_far_nat far_nat; /* default auto */
	struct conf_early early;   /* default any */
	uint16_t media_port_min;   /* default 1024 */
	unsigned hold_down;        /* seconds, default 60 */
	struct ip_addr gateway;    /* family IP_NONE: not set */
	bool sets_dscp;
	uint8_t dscp;            /* of what leaves into the realm, 0 to 63 */
	bool dynamic;            /* what it sends without a rule gets one */
	enum conf_filter filter; /* of these; default address */
	unsigned dynamic_max;    /* of an address, default 512 */
	unsigned dynamic_timer;  /* seconds, of UDP; default 300 */
	struct conf_limit limit; /* of calls from it */
	enum conf_trust trust;
};

/* The pool that a realm section holds has the realm's name. */
struct conf_pool {
	char *name;
	unsigned line;
	realm_id realm;
	bool named;   /* a section of its own: given out on request only */
	bool dynamic; /* named, and the translator's: for dynamic mappings */
	struct conf_range *ranges;
	size_t range_count;
};

/* With what somebody shows who he is, and with what he believes others. */
struct conf_tls {
	char *certificate; /* path of the chain, PEM; or NULL */
	char *key;         /* path; NULL: in `certificate` */
	char *ca;          /* path; NULL: the system's */
	char *ciphers;     /* OpenSSL's list or TLS 1.3 suites; or NULL */
};

enum conf_transport { CONF_UDP, CONF_TCP, CONF_TLS };
#define CONF_TRANSPORTS     3
#define CONF_TRANSPORT_AUTO CONF_TRANSPORTS /* of a trunk: as the DNS says */

enum conf_verify { CONF_VERIFY_NO, CONF_VERIFY_ASK, CONF_VERIFY_REQUIRE };

struct conf_listen {
	char *name;
	unsigned line;
	realm_id realm;
	struct endpoint udp; /* family IP_NONE: not set; so for the others */
	struct endpoint tcp;
	struct endpoint tls;
	struct conf_tls files;   /* of `tls` */
	enum conf_verify verify; /* certificates of clients; default no */
	unsigned connections;    /* at a time, default 10000 */
	unsigned per_source;     /* of one address, default 100 */
	unsigned idle_time;      /* seconds without a message, default 3900 */
	unsigned message_time;   /* seconds for one message, default 10 */
	unsigned keepalive;      /* seconds between two OPTIONS; 0: none */
};

struct conf_domain {
	char *name; /* lower case */
	unsigned line;
	char *users;             /* path of the users file */
	struct conf_tls files;   /* to who asks for the domain by SNI */
	struct conf_limit limit; /* of each of its users */
};

struct conf_carrier {     /* of a trunk */
	unsigned check;   /* seconds between two OPTIONS; 0: none */
	char *user;       /* to register with, or NULL */
	char *password;   /* the same */
	char *auth_realm; /* whose challenges are answered: default the host */
	unsigned expires; /* seconds to register for, default 600 */
	struct conf_limit limit;
};

struct conf_trunk {
	char *name;
	unsigned line;
	realm_id realm;
	char *host;    /* address or name */
	uint16_t port; /* default 5060, of tls 5061 */
	bool has_port; /* it is in the file: no SRV records are asked for */
	unsigned transport; /* enum conf_transport, or CONF_TRANSPORT_AUTO */
	struct conf_tls files;
	bool verify; /* its certificate; default yes */
	struct conf_carrier carrier;
};

#define CONF_TARGETS_MAX 16

struct conf_target {       /* of a route */
	size_t trunk;      /* index, or SIZE_MAX: a domain of ours */
	size_t domain;     /* the same */
	unsigned priority; /* the lowest first; default 1 */
	unsigned weight;   /* share among those of one priority; default 1 */
};

/* What is not given matches everything. */
struct conf_route {
	char *name;
	unsigned line;
	realm_id *realms; /* where the request comes from: one of these, */
	size_t realm_count;
	size_t *trunks; /* or one of these; indices */
	size_t trunk_count;
	char *domain;             /* host of the Request-URI, or NULL */
	struct conf_list numbers; /* how the number begins */
	struct conf_list methods; /* upper case */
	unsigned strip;           /* characters taken off the number */
	char *prefix;             /* then put in front of it, or NULL */
	struct conf_target *targets;
	size_t target_count;
	struct port_range *failover; /* statuses after which the next is tried */
	size_t failover_count;
	unsigned timeout; /* seconds without a sign; 0: those of SIP */
};

enum conf_mode { CONF_MODE_PREFERRED, CONF_MODE_STRICT };

struct conf_media_rule { /* section media: which outer endpoint to ask for */
	unsigned line;
	realm_id from;           /* realm of the inner endpoint */
	realm_id to;             /* realm in which the outer one is asked for */
	struct ip_prefix match;  /* family IP_NONE: any address */
	uint16_t match_port;     /* 0: any */
	struct conf_range outer; /* prefix.addr.family IP_NONE: use `pool` */
	char *pool;              /* name, or NULL */
	enum conf_mode mode;     /* default preferred */
};

#define CONF_CONNECTIONS 64    /* default of max_connections */
#define CONF_ASKS        10000 /* default of max_asks */

struct conf_client { /* what one user or guest may ask natctl for */
	char *name;
	unsigned line;
	uint32_t uid; /* UINT32_MAX: of guests, who come over TLS */
	/* Of guests: both must fit where both are set. */
	char *certificate;       /* name in it or its fingerprint, or NULL */
	struct ip_prefix source; /* family IP_NONE: any */
	uint64_t identity;       /* of guests, by the name; no uid is one */
	realm_id *realms; /* in which an outer endpoint may be asked for */
	size_t realm_count;
	bool third_party; /* for an inner endpoint that is not its own */
	bool kinds[3];    /* by enum rule_kind; default all */
	/* It may ask for only these, those of `pools` among them; 0: any. */
	struct conf_range *outer;
	size_t outer_count;
	unsigned max_leases;   /* 0: no limit of its own */
	unsigned max_lifetime; /* seconds; 0: no limit of its own */
	unsigned max_connections;
	unsigned max_asks; /* a second */
};

struct conf_control { /* where guests come to natctl over TLS */
	char *name;
	unsigned line;
	realm_id realm; /* in which the guests have their addresses */
	struct endpoint tls;
	char *certificate; /* paths of PEM files: ours, its key, and the */
	char *key;         /* authorities of the guests' certificates */
	char *ca;
	unsigned idle;      /* seconds without a byte; default 3600 */
	unsigned handshake; /* seconds for that of TLS; default 10 */
};

#define CONF_RESOLVERS_MAX 8
#define CONF_STATICS_MAX   1024

/* An entry of the administrator: a lease that is always there. */
struct conf_static {
	unsigned line;
	struct endpoint inner;
	struct endpoint outer;
	enum rule_protocol protocol;
	uint16_t ports;
	uint8_t kind; /* enum rule_kind, default both */
};

#define CONF_WORKERS_MAX 64

struct conf {
	char *path;
	char *rundir;           /* default /run/viaduct */
	char *tun;              /* prefix of the TUN devices, default viaduct */
	char *table;            /* nft table, default viaduct */
	char *user;             /* NULL: stay */
	unsigned announce_time; /* seconds, default 60 */
	unsigned ring_time;     /* seconds, default 185 */
	unsigned pool_alarm;    /* per cent of a pool, default 90 */
	unsigned media_timeout; /* seconds; 0, the default: none */
	bool fastpath;          /* may the kernel translate? default yes */
	unsigned workers;       /* threads that translate; 0: one a CPU */
	unsigned routing_table; /* that of realms[0], default 8610 */
	struct conf_realm *realms; /* realms[id] */
	size_t realm_count;
	struct conf_pool *pools;
	size_t pool_count;
	struct conf_listen *listens;
	size_t listen_count;
	struct conf_domain *domains;
	size_t domain_count;
	struct conf_trunk *trunks;
	size_t trunk_count;
	struct conf_route *routes;
	size_t route_count;
	struct endpoint resolvers[CONF_RESOLVERS_MAX]; /* servers of the DNS */
	size_t resolver_count;      /* 0: those of the system */
	struct conf_list emergency; /* numbers that no limit stops */
	struct conf_media_rule *media;
	size_t media_count;
	struct conf_client *clients;
	size_t client_count;
	struct conf_control *controls;
	size_t control_count;
	struct conf_static *statics;
	size_t static_count;
	struct realm_names names; /* of realms, points into them */
};

/*
 * Reads, checks. Mistakes go to `errors` as "file:line: text\n" each; opens
 * nothing but the file (and those it includes). NULL when there was one.
 */
struct conf *conf_read(const char *path, FILE *errors);
void conf_free(struct conf *conf);

/* An address of a realm as seen from `from`: see conf_realm_of. */
bool conf_reaches(const struct conf *conf, realm_id from, realm_id to);
/*
 * Does another realm have the same addresses: the same networks or pools, or
 * neither of the two has networks? Of two realms that somebody sees at once
 * none does: the longest prefix tells whose an address is.
 */
bool conf_overlaps(const struct conf *conf, realm_id realm);
/*
 * The realm in which `addr` is addressed by a party of realm `from`: `from`
 * itself if its pools or networks contain it, else the realm it reaches with
 * the longest prefix that does, else a reached realm without networks, else
 * `from` if it has no networks, else REALM_NONE.
 */
realm_id conf_realm_of(const struct conf *conf, realm_id from,
		       const struct ip_addr *addr);
/* Is it inside one of the pools of the realm? port 0: any port. */
bool conf_in_pool(const struct conf *conf, realm_id realm,
		  const struct ip_addr *addr, uint16_t port);
/* NULL: it does not listen so. */
const struct endpoint *conf_listen_at(const struct conf_listen *listen,
				      enum conf_transport transport);
/* Is that one of its addresses, by any transport? */
bool conf_listens_on(const struct conf_listen *listen,
		     const struct ip_addr *addr, uint16_t port);
/* "RUNDIR/NAME"; 0 or -ENAMETOOLONG (a UNIX socket's path is short). */
int conf_socket_path(const struct conf *conf, const char *name, char *buf,
		     size_t size);

/* Has the realm a pool with addresses of that IP version? */
bool conf_pools_have_family(const struct conf *conf, realm_id realm,
			    uint8_t family);
/* The same, or a network. */
bool conf_has_family(const struct conf *conf, realm_id realm, uint8_t family);

#endif
