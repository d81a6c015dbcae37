/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Links, addresses, routes and proxy neighbours of the kernel (libmnl). */
#include "translator/rtnl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_SIZE 512
#define DUMP_TRIES   5
/* Behind every other route: one without a metric of its own has 1024 in IPv6. */
#define BLACKHOLE_METRIC  1000
#define BLACKHOLE_METRIC6 10000

struct rtnl {
	struct mnl_socket *socket; /* owned */
	unsigned seq;
};

int rtnl_new(struct rtnl **ret_rtnl)
{
	struct rtnl *rtnl = calloc(1, sizeof(*rtnl));
	int err;

	if (rtnl == NULL)
		return -ENOMEM;
	rtnl->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (rtnl->socket == NULL ||
	    mnl_socket_bind(rtnl->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		err = -errno;
		rtnl_free(rtnl);
		return err;
	}
	*ret_rtnl = rtnl;
	return 0;
}

void rtnl_free(struct rtnl *rtnl)
{
	if (rtnl == NULL)
		return;
	if (rtnl->socket != NULL)
		mnl_socket_close(rtnl->socket);
	free(rtnl);
}

static struct nlmsghdr *request(struct rtnl *rtnl, char *buf, uint16_t type,
				uint16_t flags)
{
	struct nlmsghdr *head = mnl_nlmsg_put_header(buf);

	head->nlmsg_type = type;
	head->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	head->nlmsg_seq = ++rtnl->seq;
	return head;
}

/* Sends and reads up to the acknowledgement or the end of the dump. */
static int talk(struct rtnl *rtnl, const struct nlmsghdr *head,
		mnl_cb_t on_part, void *arg)
{
	static const size_t size = 32768;
	unsigned port = mnl_socket_get_portid(rtnl->socket);
	char *buf = malloc(size);
	ssize_t len;
	int more = MNL_CB_OK;
	int err = 0;

	if (buf == NULL)
		return -ENOMEM;
	if (mnl_socket_sendto(rtnl->socket, head, head->nlmsg_len) < 0)
		err = -errno;
	while (err == 0 && more > MNL_CB_STOP) {
		len = mnl_socket_recvfrom(rtnl->socket, buf, size);
		if (len >= 0)
			more = mnl_cb_run(buf, (size_t)len, rtnl->seq, port,
					  on_part, arg);
		if (len < 0 || more < 0)
			err = -errno;
	}
	free(buf);
	return err;
}

static int talk_ack(struct rtnl *rtnl, struct nlmsghdr *head)
{
	head->nlmsg_flags |= NLM_F_ACK;
	return talk(rtnl, head, NULL, NULL);
}

static int on_link_attr(const struct nlattr *attr, void *arg)
{
	struct rtnl_link *link = arg;

	if (mnl_attr_get_type(attr) == IFLA_IFNAME &&
	    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0 &&
	    mnl_attr_get_payload_len(attr) <= IF_NAMESIZE)
		strcpy(link->name, mnl_attr_get_str(attr));
	else if (mnl_attr_get_type(attr) == IFLA_MTU &&
		 mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
		link->mtu = mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

static int on_link(const struct nlmsghdr *head, void *arg)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(head);
	struct rtnl_host *host = arg;
	struct rtnl_link *link = reallocarray(host->links, host->link_count + 1,
					      sizeof(*link));

	if (link == NULL)
		return MNL_CB_ERROR;
	host->links = link;
	link += host->link_count++;
	*link = (struct rtnl_link){ .index = (unsigned)info->ifi_index };
	return mnl_attr_parse(head, sizeof(*info), on_link_attr, link);
}

static int family_of(const struct ip_addr *addr)
{
	return addr->family == IP_V6 ? AF_INET6 : AF_INET;
}

static size_t width_of(const struct ip_addr *addr)
{
	return addr->family == IP_V6 ? 16 : 4;
}

/* false: the attribute is none of the family's addresses. */
static bool get_addr(const struct nlattr *attr, uint8_t family,
		     struct ip_addr *ret)
{
	struct ip_addr addr = { .family = family };

	if (mnl_attr_get_payload_len(attr) != width_of(&addr))
		return false;
	memcpy(addr.bytes, mnl_attr_get_payload(attr), width_of(&addr));
	*ret = addr;
	return true;
}

struct addr_attrs { /* family IP_NONE: not there */
	uint8_t family;
	struct ip_addr local;
	struct ip_addr peer;
};

static int on_addr_attr(const struct nlattr *attr, void *arg)
{
	struct addr_attrs *attrs = arg;

	if (mnl_attr_get_type(attr) == IFA_LOCAL)
		get_addr(attr, attrs->family, &attrs->local);
	else if (mnl_attr_get_type(attr) == IFA_ADDRESS)
		get_addr(attr, attrs->family, &attrs->peer);
	return MNL_CB_OK;
}

static struct ip_prefix network_of(const struct ip_addr *addr, uint8_t bits)
{
	struct ip_prefix network = { .addr = *addr, .bits = bits };

	for (size_t i = 0; i < sizeof(addr->bytes); i++) {
		unsigned kept = bits > 8 * i ? bits - (unsigned)(8 * i) : 0;

		if (kept < 8)
			network.addr.bytes[i] &= (uint8_t)(0xff00u >> kept);
	}
	return network;
}

/* Addresses of one link alone say nothing of where they are. */
static bool is_wanted(const struct ifaddrmsg *info)
{
	if (info->ifa_family == AF_INET)
		return info->ifa_prefixlen <= 32;
	return info->ifa_family == AF_INET6 && info->ifa_prefixlen <= 128 &&
	       info->ifa_scope != RT_SCOPE_LINK;
}

static int on_addr(const struct nlmsghdr *head, void *arg)
{
	const struct ifaddrmsg *info = mnl_nlmsg_get_payload(head);
	struct addr_attrs attrs = { .family = info->ifa_family == AF_INET6 ?
						      IP_V6 :
						      IP_V4 };
	struct rtnl_host *host = arg;
	struct rtnl_addr *addr;

	if (!is_wanted(info))
		return MNL_CB_OK;
	mnl_attr_parse(head, sizeof(*info), on_addr_attr, &attrs);
	if (attrs.peer.family == IP_NONE)
		return MNL_CB_OK;
	addr = reallocarray(host->addrs, host->addr_count + 1, sizeof(*addr));
	if (addr == NULL)
		return MNL_CB_ERROR;
	host->addrs = addr;
	addr += host->addr_count++;
	addr->index = info->ifa_index;
	addr->addr = attrs.local.family != IP_NONE ? attrs.local : attrs.peer;
	addr->network = network_of(&attrs.peer, info->ifa_prefixlen);
	return MNL_CB_OK;
}

static int dump(struct rtnl *rtnl, uint16_t type, mnl_cb_t on_part,
		struct rtnl_host *host)
{
	char buf[REQUEST_SIZE] __attribute__((aligned(8)));
	struct nlmsghdr *head = request(rtnl, buf, type, NLM_F_DUMP);
	struct ifinfomsg *info;

	info = mnl_nlmsg_put_extra_header(head, sizeof(*info));
	info->ifi_family = AF_UNSPEC;
	return talk(rtnl, head, on_part, host);
}

int rtnl_read(struct rtnl *rtnl, struct rtnl_host *ret)
{
	struct rtnl_host host = { 0 };
	int err = -EINTR;

	/* -EINTR: something changed during the dump. */
	for (int tries = 0; tries < DUMP_TRIES && err == -EINTR; tries++) {
		rtnl_host_done(&host);
		err = dump(rtnl, RTM_GETLINK, on_link, &host);
		if (err == 0)
			err = dump(rtnl, RTM_GETADDR, on_addr, &host);
	}
	if (err != 0)
		rtnl_host_done(&host);
	else
		*ret = host;
	return err;
}

void rtnl_host_done(struct rtnl_host *host)
{
	free(host->links);
	free(host->addrs);
	free(host->routes);
	*host = (struct rtnl_host){ 0 };
}

const struct rtnl_link *rtnl_link_find(const struct rtnl_host *host,
				       const char *name)
{
	for (size_t i = 0; i < host->link_count; i++)
		if (strcmp(host->links[i].name, name) == 0)
			return &host->links[i];
	return NULL;
}

int rtnl_link_up(struct rtnl *rtnl, unsigned index, uint32_t mtu,
		 uint32_t queue)
{
	char buf[REQUEST_SIZE] __attribute__((aligned(8)));
	struct nlmsghdr *head = request(rtnl, buf, RTM_NEWLINK, 0);
	struct ifinfomsg *info;

	info = mnl_nlmsg_put_extra_header(head, sizeof(*info));
	info->ifi_index = (int)index;
	info->ifi_flags = IFF_UP;
	info->ifi_change = IFF_UP;
	mnl_attr_put_u32(head, IFLA_MTU, mtu);
	mnl_attr_put_u32(head, IFLA_TXQLEN, queue);
	return talk_ack(rtnl, head);
}

int rtnl_link_remove(struct rtnl *rtnl, unsigned index)
{
	char buf[REQUEST_SIZE] __attribute__((aligned(8)));
	struct nlmsghdr *head = request(rtnl, buf, RTM_DELLINK, 0);
	struct ifinfomsg *info;

	info = mnl_nlmsg_put_extra_header(head, sizeof(*info));
	info->ifi_index = (int)index;
	return talk_ack(rtnl, head);
}

static void put_addr(struct nlmsghdr *head, uint16_t type,
		     const struct ip_addr *addr)
{
	mnl_attr_put(head, type, width_of(addr), addr->bytes);
}

static uint8_t route_type(const struct rtnl_route *route)
{
	if (route->index != 0)
		return RTN_UNICAST;
	return route->table != 0 ? RTN_UNREACHABLE : RTN_BLACKHOLE;
}

static int route_talk(struct rtnl *rtnl, uint16_t type, uint16_t flags,
		      const struct rtnl_route *route)
{
	char buf[REQUEST_SIZE] __attribute__((aligned(8)));
	struct nlmsghdr *head = request(rtnl, buf, type, flags);
	struct rtmsg *info;

	info = mnl_nlmsg_put_extra_header(head, sizeof(*info));
	info->rtm_family = (uint8_t)family_of(&route->prefix.addr);
	info->rtm_dst_len = route->prefix.bits;
	info->rtm_table = RT_TABLE_UNSPEC;
	info->rtm_protocol = RTPROT_STATIC;
	info->rtm_scope = route->index != 0 &&
					  route->gateway.family == IP_NONE ?
				  RT_SCOPE_LINK :
				  RT_SCOPE_UNIVERSE;
	info->rtm_type = route_type(route);
	mnl_attr_put_u32(head, RTA_TABLE,
			 route->table != 0 ? route->table : RT_TABLE_MAIN);
	put_addr(head, RTA_DST, &route->prefix.addr);
	if (route->gateway.family != IP_NONE) {
		/* Its own way may stand in the table later than this one. */
		info->rtm_flags = RTNH_F_ONLINK;
		put_addr(head, RTA_GATEWAY, &route->gateway);
	}
	if (route->source.family != IP_NONE)
		put_addr(head, RTA_PREFSRC, &route->source);
	if (route->metric != 0)
		mnl_attr_put_u32(head, RTA_PRIORITY, route->metric);
	if (route->index != 0)
		mnl_attr_put_u32(head, RTA_OIF, route->index);
	return talk_ack(rtnl, head);
}

int rtnl_route_add(struct rtnl *rtnl, const struct rtnl_route *route,
		   bool replace)
{
	return route_talk(rtnl, RTM_NEWROUTE,
			  replace ? NLM_F_CREATE | NLM_F_REPLACE :
				    NLM_F_CREATE | NLM_F_EXCL,
			  route);
}

int rtnl_route_append(struct rtnl *rtnl, const struct rtnl_route *route)
{
	return route_talk(rtnl, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_APPEND,
			  route);
}

int rtnl_route_remove(struct rtnl *rtnl, const struct rtnl_route *route)
{
	return route_talk(rtnl, RTM_DELROUTE, 0, route);
}

struct route_reading {
	uint32_t table;
	struct rtnl_host *host;
};

static int on_route_attr(const struct nlattr *attr, void *arg)
{
	struct rtnl_route *route = arg;
	uint32_t value;

	/* Not one way: of several, or by an IPv6 gateway. */
	if (mnl_attr_get_type(attr) == RTA_MULTIPATH ||
	    mnl_attr_get_type(attr) == RTA_VIA)
		return MNL_CB_ERROR;
	if (mnl_attr_validate(attr, MNL_TYPE_U32) != 0)
		return MNL_CB_OK;
	value = mnl_attr_get_u32(attr);
	if (mnl_attr_get_type(attr) == RTA_TABLE)
		route->table = value;
	else if (mnl_attr_get_type(attr) == RTA_OIF)
		route->index = value;
	else if (mnl_attr_get_type(attr) == RTA_PRIORITY)
		route->metric = value;
	else if (mnl_attr_get_type(attr) == RTA_DST)
		route->prefix.addr = ip_addr_v4(ntohl(value));
	else if (mnl_attr_get_type(attr) == RTA_GATEWAY)
		route->gateway = ip_addr_v4(ntohl(value));
	else if (mnl_attr_get_type(attr) == RTA_PREFSRC)
		route->source = ip_addr_v4(ntohl(value));
	return MNL_CB_OK;
}

static int on_route(const struct nlmsghdr *head, void *arg)
{
	const struct rtmsg *info = mnl_nlmsg_get_payload(head);
	const struct route_reading *reading = arg;
	struct rtnl_host *host = reading->host;
	struct rtnl_route route = { .prefix = { .addr = ip_addr_v4(0),
						.bits = info->rtm_dst_len },
				    .table = info->rtm_table };
	struct rtnl_route *more;

	if (info->rtm_family != AF_INET || info->rtm_tos != 0 ||
	    (info->rtm_type != RTN_UNICAST &&
	     info->rtm_type != RTN_UNREACHABLE) ||
	    mnl_attr_parse(head, sizeof(*info), on_route_attr, &route) !=
		    MNL_CB_OK ||
	    route.table != reading->table)
		return MNL_CB_OK;
	if (route.table == RT_TABLE_MAIN)
		route.table = 0;
	more = reallocarray(host->routes, host->route_count + 1, sizeof(*more));
	if (more == NULL)
		return MNL_CB_ERROR;
	host->routes = more;
	more[host->route_count++] = route;
	return MNL_CB_OK;
}

int rtnl_routes_read(struct rtnl *rtnl, uint32_t table, struct rtnl_host *ret)
{
	struct route_reading reading = { .table = table != 0 ? table :
							       RT_TABLE_MAIN,
					 .host = ret };
	char buf[REQUEST_SIZE] __attribute__((aligned(8)));
	struct rtmsg *info;
	int err = -EINTR;

	for (int tries = 0; tries < DUMP_TRIES && err == -EINTR; tries++) {
		struct nlmsghdr *head = request(rtnl, buf, RTM_GETROUTE,
						NLM_F_DUMP);

		info = mnl_nlmsg_put_extra_header(head, sizeof(*info));
		info->rtm_family = AF_INET;
		ret->route_count = 0;
		err = talk(rtnl, head, on_route, &reading);
	}
	return err;
}

uint32_t rtnl_blackhole_metric(const struct ip_prefix *prefix)
{
	return prefix->addr.family == IP_V6 ? BLACKHOLE_METRIC6 :
					      BLACKHOLE_METRIC;
}

bool rtnl_route_equal(const struct rtnl_route *a, const struct rtnl_route *b)
{
	return ip_prefix_equal(&a->prefix, &b->prefix) &&
	       ip_addr_equal(&a->gateway, &b->gateway) &&
	       ip_addr_equal(&a->source, &b->source) && a->index == b->index &&
	       a->metric == b->metric && a->table == b->table;
}

static int rule_talk(struct rtnl *rtnl, uint16_t type, uint16_t flags,
		     const struct rtnl_rule *rule)
{
	char buf[REQUEST_SIZE] __attribute__((aligned(8)));
	struct nlmsghdr *head = request(rtnl, buf, type, flags);
	struct fib_rule_hdr *info;

	info = mnl_nlmsg_put_extra_header(head, sizeof(*info));
	info->family = AF_INET;
	info->action = FR_ACT_TO_TBL;
	if (rule->mark != 0) {
		mnl_attr_put_u32(head, FRA_FWMARK, rule->mark);
		mnl_attr_put_u32(head, FRA_FWMASK, UINT32_MAX);
	} else {
		mnl_attr_put_strz(head, rule->out ? FRA_OIFNAME : FRA_IIFNAME,
				  rule->interface);
	}
	mnl_attr_put_u32(head, FRA_TABLE, rule->table);
	mnl_attr_put_u32(head, FRA_PRIORITY, rule->table);
	return talk_ack(rtnl, head);
}

int rtnl_rule_add(struct rtnl *rtnl, const struct rtnl_rule *rule)
{
	return rule_talk(rtnl, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, rule);
}

int rtnl_rule_remove(struct rtnl *rtnl, const struct rtnl_rule *rule)
{
	return rule_talk(rtnl, RTM_DELRULE, 0, rule);
}

static int proxy_talk(struct rtnl *rtnl, uint16_t type, uint16_t flags,
		      const struct ip_addr *addr, unsigned index)
{
	char buf[REQUEST_SIZE] __attribute__((aligned(8)));
	struct nlmsghdr *head = request(rtnl, buf, type, flags);
	struct ndmsg *info;

	info = mnl_nlmsg_put_extra_header(head, sizeof(*info));
	info->ndm_family = (uint8_t)family_of(addr);
	info->ndm_ifindex = (int)index;
	info->ndm_state = NUD_PERMANENT;
	info->ndm_flags = NTF_PROXY;
	put_addr(head, NDA_DST, addr);
	return talk_ack(rtnl, head);
}

int rtnl_proxy_add(struct rtnl *rtnl, const struct ip_addr *addr,
		   unsigned index)
{
	return proxy_talk(rtnl, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE,
			  addr, index);
}

int rtnl_proxy_remove(struct rtnl *rtnl, const struct ip_addr *addr,
		      unsigned index)
{
	return proxy_talk(rtnl, RTM_DELNEIGH, 0, addr, index);
}

int rtnl_watch(void)
{
	struct sockaddr_nl own = { .nl_family = AF_NETLINK,
				   .nl_groups = RTMGRP_LINK |
						RTMGRP_IPV4_IFADDR |
						RTMGRP_IPV4_ROUTE };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
			NETLINK_ROUTE);
	int err;

	if (fd < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&own, sizeof(own)) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

bool rtnl_watch_drain(int fd)
{
	_Alignas(struct nlmsghdr) char buf[8192];
	bool links = false;

	for (;;) {
		const struct nlmsghdr *head = (const void *)buf;
		ssize_t got = recv(fd, buf, sizeof(buf), 0);
		int len = (int)got;

		/* What did not fit may have been anything. */
		if (got < 0 && errno == ENOBUFS)
			links = true;
		else if (got <= 0)
			return links;
		for (; got > 0 && mnl_nlmsg_ok(head, len);
		     head = mnl_nlmsg_next(head, &len))
			if (head->nlmsg_type == RTM_NEWLINK ||
			    head->nlmsg_type == RTM_DELLINK)
				links = true;
	}
}
