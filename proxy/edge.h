/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The SIP agents, one for each address and transport that is listened on: an
 * agent tells the listener and so the realm in which a message was received,
 * and a listener is what a message is sent from. With transaction.h the only
 * files that know NTA.
 */
#ifndef VIADUCT_PROXY_EDGE_H
#define VIADUCT_PROXY_EDGE_H

#include <sofia-sip/msg.h>
#include <sofia-sip/nta.h>
#include <sofia-sip/sip.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/su_wait.h>

#include "common/conf.h"
#include "proxy/streams.h"

#define EDGE_MESSAGE_MAX 65535 /* bytes of a SIP message */
#define FLOW_URL_TEXT    80    /* "sip:ADDRESS:PORT;transport=udp" */
#define EDGE_DIAL_MS     5000  /* for a connection to be made */
#define EDGE_PROBE_MS    1000  /* the same, of one that may not be wanted */
#define EDGE_BIG         1300  /* bytes that want TCP (RFC 3261 18.1.1) */

struct edge;

struct listener {
	struct edge *edge; /* parent, not owned */
	const char *name;  /* not owned: the configuration's */
	size_t index;      /* conf->listens[index] */
	size_t slot;       /* edge_listener_at(slot) */
	realm_id realm;
	enum conf_transport transport;
	struct endpoint local;
	char host_port[ENDPOINT_TEXT]; /* "10.0.0.1:5060", as in a URL */
	const char *param;             /* of its URL: "" or ";transport=tcp" */
	nta_agent_t *agent;            /* owned */
	struct stream_port *port;      /* the edge's; NULL: UDP */
};

/* One way to a party: from which of our listeners to which address. */
struct flow {
	struct listener *listener; /* not owned */
	struct endpoint peer;      /* realm: the listener's */
	/* That connection only; STREAM_NONE: any, also one yet to be made. */
	uint64_t connection;
	const struct conf_trunk *trunk; /* whom to expect there, or NULL */
	unsigned dial_ms; /* to be connected in; 0: EDGE_DIAL_MS */
};

struct edge_hooks {
	/* Owns `msg`. The request passed sofia_guard_request(). */
	void (*on_request)(const struct flow *from, msg_t *msg, sip_t *sip,
			   void *arg);
	/* Owns `msg`: a response that matches no transaction. */
	void (*on_response)(const struct flow *from, msg_t *msg, sip_t *sip,
			    void *arg);
	void *arg;
};

/*
 * Opens the sockets of all listeners. Each is tied to the device of its realm
 * when the realm has exactly one interface, so that two realms may use the
 * same addresses. 0, or -Exxx after a log line.
 */
int edge_new(su_root_t *root, const struct conf *conf, struct certs *certs,
	     const struct edge_hooks *hooks, struct edge **ret_edge);
/* Transactions must have been ended before. */
void edge_free(struct edge *edge);

/* The first one of that realm to send so to such an address, or NULL. */
struct listener *edge_listener_for(struct edge *edge, realm_id realm,
				   enum conf_transport transport,
				   enum ip_family family);
/* That with this slot; NULL: there is none. */
struct listener *edge_listener_at(struct edge *edge, size_t slot);
const struct streams_counters *edge_connections(const struct edge *edge);
/* Is that the address of one of our listeners, as written in that realm? */
bool edge_url_is_self(const struct edge *edge, realm_id realm,
		      const url_t *url);
/*
 * Address and port (default 5060, with TLS 5061) of a URL with a numeric host;
 * -EINVAL for any other. The realm is REALM_NONE.
 */
int edge_url_endpoint(const url_t *url, struct endpoint *ret);
/* The transport that a URL names; `otherwise`: it names none of ours. */
enum conf_transport edge_url_transport(const url_t *url,
				       enum conf_transport otherwise);

/* Can it still be sent to? Always when it is no connection. */
bool flow_is_alive(const struct flow *flow);
/* The trunk whose certificate the peer has shown, or SIZE_MAX. */
size_t flow_trunk(const struct flow *flow);
/*
 * To be called before something is sent that way by the library, which may
 * then make the connection; flow_close() after it. 0, or
 * -ENOTCONN: it is gone.
 */
int flow_open(const struct flow *flow);
void flow_close(const struct flow *flow);

/* The next hop as the library wants it. */
const char *flow_url(const struct flow *flow, char buf[FLOW_URL_TEXT]);

/*
 * Stateless answer; takes `msg`. `headers`: further header lines, or NULL.
 * Nothing is sent in answer to an ACK.
 */
void edge_reply(const struct flow *from, msg_t *msg, int status,
		const char *phrase, const char *headers);
/*
 * Sends a request without a transaction (ACK); takes `msg`. 0 or -Exxx.
 */
int edge_send_request(const struct flow *to, msg_t *msg, const char *branch);
/*
 * Sends a response without a transaction, to where its (only) Via headers
 * say; takes `msg`.
 */
void edge_send_response(struct listener *listener, msg_t *msg);
void edge_discard(struct listener *listener, msg_t *msg);
/* An empty message, for a request of our own. NULL: no memory. */
msg_t *edge_message_new(struct listener *listener);

#endif
