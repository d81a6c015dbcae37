/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The SIP agents, one for each listener. */
#define NTA_AGENT_MAGIC_T struct listener
#include "proxy/edge.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sofia-sip/msg_addr.h>
#include <sofia-sip/msg_header.h>
#include <sofia-sip/nta_stateless.h>
#include <sofia-sip/nta_tport.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/sip_tag.h>
#include <sofia-sip/sip_util.h>
#include <sofia-sip/su_tag.h>
#include <sofia-sip/tport_tag.h>
#include <sofia-sip/url.h>

#include "common/log.h"
#include "proxy/sockaddr.h"
#include "proxy/sofia_guard.h"

#define UDP_RECV_BUFFER (4 << 20)
#define STREAM_QUEUE    1000 /* messages that a connection does not take */

struct edge {
	const struct conf *conf; /* not owned */
	struct edge_hooks hooks;
	struct listener *listeners; /* owned */
	size_t count;
	struct streams *streams; /* owned */
};

static int on_message(struct listener *listener, nta_agent_t *agent, msg_t *msg,
		      sip_t *sip)
{
	const struct edge *edge = listener->edge;
	struct flow from = { .listener = listener };
	int status;

	if (!sockaddr_parse(&msg_addr(msg)->su_sa, listener->realm,
			    &from.peer)) {
		nta_msg_discard(agent, msg);
		return 0;
	}
	if (listener->port != NULL)
		from.connection = streams_find(listener->port, &from.peer);
	if (sip->sip_request == NULL) {
		edge->hooks.on_response(&from, msg, sip, edge->hooks.arg);
		return 0;
	}
	status = sofia_guard_request(sip);
	if (status != 0)
		edge_reply(&from, msg, status, NULL, NULL);
	else
		edge->hooks.on_request(&from, msg, sip, edge->hooks.arg);
	return 0;
}

/* With several interfaces the realm's sockets are not tied to one. */
static const char *device_of(const struct conf_realm *realm)
{
	return realm->interfaces.count == 1 ? realm->interfaces.items[0] : NULL;
}

static int open_listener(struct listener *listener, su_root_t *root,
			 const struct conf_realm *realm)
{
	char url[FLOW_URL_TEXT];
	struct flow self = { .listener = listener, .peer = listener->local };
	int error;

	if (listener->transport != CONF_UDP) {
		listener->port = streams_port(listener->edge->streams,
					      listener->index,
					      listener->transport,
					      device_of(realm));
		if (listener->port == NULL)
			return -ENOMEM;
	}
	errno = 0;
	sofia_guard_bind_device(device_of(realm));
	listener->agent = nta_agent_create(
		root, (const url_string_t *)flow_url(&self, url), on_message,
		listener, NTATAG_UA(0), NTATAG_MERGE_482(0),
		NTATAG_CANCEL_487(0), NTATAG_PASS_100(1),
		NTATAG_SIPFLAGS(MSG_DO_EXTRACT_COPY), NTATAG_SERVER_RPORT(2),
		NTATAG_CLIENT_RPORT(1), NTATAG_MAXSIZE(EDGE_MESSAGE_MAX),
		NTATAG_GRAYLIST(0), NTATAG_UDP_MTU(EDGE_MESSAGE_MAX),
		NTATAG_TIMER_C(listener->edge->conf->ring_time * 1000u),
		TPTAG_STUN_SERVER(0), TPTAG_UDP_RMEM(UDP_RECV_BUFFER),
		TPTAG_IDLE(UINT_MAX), TPTAG_TIMEOUT(UINT_MAX),
		TPTAG_SDWN_ERROR(1), TPTAG_QUEUESIZE(STREAM_QUEUE), TAG_END());
	error = errno != 0 ? -errno : -EADDRINUSE;
	if (sofia_guard_bind_error() < 0)
		error = sofia_guard_bind_error();
	sofia_guard_bind_device(NULL);
	if (listener->agent != NULL)
		return 0;
	log_error("listen %s: cannot listen on %s: %s", listener->name,
		  listener->host_port, strerror(-error));
	return error;
}

/* Each address of conf->listens[i]. */
static int open_listeners(struct edge *edge, su_root_t *root, size_t i)
{
	static const char *const params[] = { "", ";transport=tcp",
					      ";transport=tls" };
	const struct conf_listen *conf = &edge->conf->listens[i];
	int error = 0;

	for (unsigned k = 0; k < CONF_TRANSPORTS && error == 0; k++) {
		const struct endpoint *at = conf_listen_at(conf, k);
		struct listener *listener = &edge->listeners[edge->count];

		if (at == NULL)
			continue;
		listener->edge = edge;
		listener->index = i;
		listener->slot = edge->count++;
		listener->name = conf->name;
		listener->realm = conf->realm;
		listener->transport = k;
		listener->local = *at;
		listener->param = params[k];
		endpoint_format(at, NULL, listener->host_port);
		error = open_listener(listener, root,
				      &edge->conf->realms[conf->realm]);
	}
	return error;
}

int edge_new(su_root_t *root, const struct conf *conf, struct certs *certs,
	     const struct edge_hooks *hooks, struct edge **ret_edge)
{
	struct edge *edge = calloc(1, sizeof(*edge));
	int error;

	if (edge == NULL)
		return -ENOMEM;
	edge->conf = conf;
	edge->hooks = *hooks;
	edge->listeners = calloc(conf->listen_count * CONF_TRANSPORTS + 1,
				 sizeof(*edge->listeners));
	error = edge->listeners == NULL ?
			-ENOMEM :
			streams_new(root, conf, certs, &edge->streams);
	for (size_t i = 0; i < conf->listen_count && error == 0; i++)
		error = open_listeners(edge, root, i);
	if (error != 0) {
		edge_free(edge);
		return error;
	}
	*ret_edge = edge;
	return 0;
}

void edge_free(struct edge *edge)
{
	if (edge == NULL)
		return;
	for (size_t i = 0; i < edge->count; i++)
		if (edge->listeners[i].agent != NULL)
			nta_agent_destroy(edge->listeners[i].agent);
	streams_free(edge->streams);
	free(edge->listeners);
	free(edge);
}

const struct streams_counters *edge_connections(const struct edge *edge)
{
	return streams_counters(edge->streams);
}

struct listener *edge_listener_for(struct edge *edge, realm_id realm,
				   enum conf_transport transport,
				   enum ip_family family)
{
	for (size_t i = 0; i < edge->count; i++) {
		struct listener *listener = &edge->listeners[i];

		if (listener->agent != NULL && listener->realm == realm &&
		    listener->transport == transport &&
		    listener->local.addr.family == family)
			return listener;
	}
	return NULL;
}

struct listener *edge_listener_at(struct edge *edge, size_t slot)
{
	if (slot >= edge->count || edge->listeners[slot].agent == NULL)
		return NULL;
	return &edge->listeners[slot];
}

/* In its networks an address is a host of that realm. */
static bool is_in_networks(const struct conf_realm *realm,
			   const struct ip_addr *addr)
{
	for (size_t i = 0; i < realm->network_count; i++)
		if (ip_prefix_contains(&realm->networks[i], addr))
			return true;
	return false;
}

bool edge_url_is_self(const struct edge *edge, realm_id realm, const url_t *url)
{
	struct endpoint endpoint;
	bool is_own;

	if (edge_url_endpoint(url, &endpoint) < 0)
		return false;
	is_own = is_in_networks(&edge->conf->realms[realm], &endpoint.addr);
	for (size_t i = 0; i < edge->count; i++)
		if (edge->listeners[i].agent != NULL &&
		    (!is_own || edge->listeners[i].realm == realm) &&
		    edge->listeners[i].local.port == endpoint.port &&
		    ip_addr_equal(&edge->listeners[i].local.addr,
				  &endpoint.addr))
			return true;
	return false;
}

enum conf_transport edge_url_transport(const url_t *url,
				       enum conf_transport otherwise)
{
	char name[8];

	if (url->url_type == url_sips)
		return CONF_TLS;
	if (url->url_params == NULL ||
	    url_param(url->url_params, "transport", name, sizeof(name)) <= 1)
		return otherwise;
	if (strcasecmp(name, "udp") == 0)
		return CONF_UDP;
	if (strcasecmp(name, "tcp") == 0)
		return CONF_TCP;
	return strcasecmp(name, "tls") == 0 ? CONF_TLS : otherwise;
}

int edge_url_endpoint(const url_t *url, struct endpoint *ret)
{
	struct endpoint endpoint = { .port = 5060, .realm = REALM_NONE };
	bool is_tls = edge_url_transport(url, CONF_UDP) == CONF_TLS;
	const char *host = url->url_host;
	size_t len;

	if (host == NULL)
		return -EINVAL;
	len = strlen(host);
	if (len > 2 && host[0] == '[' && host[len - 1] == ']') {
		host++;
		len -= 2;
	}
	if (ip_addr_parse(host, len, &endpoint.addr) < 0)
		return -EINVAL;
	if (is_tls)
		endpoint.port = 5061;
	if (url->url_port != NULL && url->url_port[0] != '\0') {
		char *end;
		unsigned long port = strtoul(url->url_port, &end, 10);

		if (*end != '\0' || port == 0 || port > UINT16_MAX)
			return -EINVAL;
		endpoint.port = (uint16_t)port;
	}
	*ret = endpoint;
	return 0;
}

const char *flow_url(const struct flow *flow, char buf[FLOW_URL_TEXT])
{
	char text[ENDPOINT_TEXT];

	/* The library takes TLS for TCP: see stream.h. */
	snprintf(buf, FLOW_URL_TEXT, "sip:%.60s;transport=%s",
		 endpoint_format(&flow->peer, NULL, text),
		 flow->listener->transport == CONF_UDP ? "udp" : "tcp");
	return buf;
}

bool flow_is_alive(const struct flow *flow)
{
	return flow->connection == STREAM_NONE ||
	       streams_has(flow->listener->port, flow->connection, &flow->peer);
}

size_t flow_trunk(const struct flow *flow)
{
	if (flow->connection == STREAM_NONE)
		return SIZE_MAX;
	return streams_trunk_of(flow->listener->port, flow->connection,
				&flow->peer);
}

int flow_open(const struct flow *flow)
{
	const struct conf *conf = flow->listener->edge->conf;

	if (flow->listener->port == NULL)
		return 0;
	/* A trunk is dialled again, a phone cannot be. */
	if (flow->trunk == NULL && !flow_is_alive(flow))
		return -ENOTCONN;
	streams_dial_begin(flow->listener->port,
			   flow->trunk != NULL ?
				   (size_t)(flow->trunk - conf->trunks) :
				   SIZE_MAX,
			   flow->dial_ms != 0 ? flow->dial_ms : EDGE_DIAL_MS);
	return 0;
}

void flow_close(const struct flow *flow)
{
	if (flow->listener->port != NULL)
		streams_dial_end(flow->listener->port);
}

void edge_reply(const struct flow *from, msg_t *msg, int status,
		const char *phrase, const char *headers)
{
	const sip_t *sip = sip_object(msg);

	if (phrase == NULL)
		phrase = sip_status_phrase(status);
	if (sip->sip_request->rq_method == sip_method_ack)
		nta_msg_discard(from->listener->agent, msg);
	else
		nta_msg_treply(from->listener->agent, msg, status, phrase,
			       TAG_IF(headers != NULL,
				      SIPTAG_HEADER_STR(headers)),
			       TAG_END());
}

int edge_send_request(const struct flow *to, msg_t *msg, const char *branch)
{
	char url[FLOW_URL_TEXT];
	int error = flow_open(to);

	if (error == 0 &&
	    nta_outgoing_mcreate(to->listener->agent, NULL, NULL,
				 (const url_string_t *)flow_url(to, url), msg,
				 NTATAG_STATELESS(1), NTATAG_BRANCH_KEY(branch),
				 TAG_END()) == NULL)
		error = -EIO;
	flow_close(to);
	if (error != 0)
		msg_destroy(msg);
	return error;
}

void edge_send_response(struct listener *listener, msg_t *msg)
{
	sip_t *sip = sip_object(msg);
	sip_via_t *own;

	/* The library takes the top Via for the one that it added. */
	own = sip_via_dup(msg_home(msg), sip->sip_via);
	if (own == NULL ||
	    msg_header_insert(msg, (msg_pub_t *)sip, (msg_header_t *)own) < 0 ||
	    sip_complete_message(msg) < 0)
		nta_msg_discard(listener->agent, msg);
	else
		nta_msg_tsend(listener->agent, msg, NULL, TAG_END());
}

void edge_discard(struct listener *listener, msg_t *msg)
{
	nta_msg_discard(listener->agent, msg);
}

msg_t *edge_message_new(struct listener *listener)
{
	return nta_msg_create(listener->agent, 0);
}
