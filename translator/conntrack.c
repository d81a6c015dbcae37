/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entries with our mark in the kernel's conntrack table. */
#include "translator/conntrack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "translator/mark.h"

#define REQUEST_SIZE 512 /* of one entry */
#define ANSWER_SIZE  (64 * 1024)
#define SOCKET_BYTES (8 * 1024 * 1024) /* of what waits to be read */
#define DUMP_TRIES   5
#define WAIT_SECONDS 5 /* for an answer: the kernel gives them at once */
/*
 * Until the first packet; from then on nf_conntrack_udp_timeout_stream holds.
 * Flows of one packet are forgotten soon.
 */
#define FIRST_SECONDS 30

struct conntrack {
	struct mnl_socket *requests; /* owned */
	struct mnl_socket *events;   /* owned */
	uint32_t tag;
	uint32_t seq;
	char batch[CONNTRACK_BATCH_MAX * REQUEST_SIZE];
	char answer[ANSWER_SIZE];
};

static void set_space(struct mnl_socket *socket)
{
	int bytes = SOCKET_BYTES;

	setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_RCVBUFFORCE,
		   &bytes, sizeof(bytes));
}

static int limit_wait(struct mnl_socket *socket)
{
	struct timeval wait = { .tv_sec = WAIT_SECONDS };
	int one = 1;

	mnl_socket_setsockopt(socket, NETLINK_CAP_ACK, &one, sizeof(one));
	return setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_RCVTIMEO,
			  &wait, sizeof(wait)) < 0 ?
		       -errno :
		       0;
}

static int open_requests(struct conntrack *conntrack)
{
	conntrack->requests = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (conntrack->requests == NULL ||
	    mnl_socket_bind(conntrack->requests, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	set_space(conntrack->requests);
	return limit_wait(conntrack->requests);
}

/* The socket lets through only what has our mark. */
static int filter_events(const struct conntrack *conntrack)
{
	struct nfct_filter_dump_mark mark = { .val = conntrack->tag,
					      .mask = MARK_TAG };
	struct nfct_filter *filter = nfct_filter_create();
	int err = 0;

	if (filter == NULL)
		return -ENOMEM;
	nfct_filter_add_attr(filter, NFCT_FILTER_MARK, &mark);
	if (nfct_filter_attach(mnl_socket_get_fd(conntrack->events), filter) <
	    0)
		err = -errno;
	nfct_filter_destroy(filter);
	return err;
}

static int open_events(struct conntrack *conntrack)
{
	int err;

	conntrack->events = mnl_socket_open2(NETLINK_NETFILTER,
					     SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (conntrack->events == NULL)
		return -errno;
	set_space(conntrack->events);
	err = filter_events(conntrack);
	if (err == 0 &&
	    mnl_socket_bind(conntrack->events, NF_NETLINK_CONNTRACK_DESTROY,
			    MNL_SOCKET_AUTOPID) < 0)
		err = -errno;
	return err;
}

static void ignore(const struct conntrack_entry *entry, void *arg)
{
	(void)entry;
	(void)arg;
}

int conntrack_new(uint32_t tag, struct conntrack **ret)
{
	struct conntrack *conntrack = calloc(1, sizeof(*conntrack));
	int err;

	if (conntrack == NULL)
		return -ENOMEM;
	conntrack->tag = tag;
	err = open_requests(conntrack);
	if (err == 0)
		err = open_events(conntrack);
	/* Is there somebody who answers? */
	if (err == 0)
		err = conntrack_each(conntrack, ignore, NULL);
	if (err != 0) {
		conntrack_free(conntrack);
		return err;
	}
	*ret = conntrack;
	return 0;
}

void conntrack_free(struct conntrack *conntrack)
{
	if (conntrack == NULL)
		return;
	if (conntrack->events != NULL)
		mnl_socket_close(conntrack->events);
	if (conntrack->requests != NULL)
		mnl_socket_close(conntrack->requests);
	free(conntrack);
}

int conntrack_fd(const struct conntrack *conntrack)
{
	return mnl_socket_get_fd(conntrack->events);
}

static struct nlmsghdr *request(struct conntrack *conntrack, char *buf,
				unsigned type, unsigned flags)
{
	struct nlmsghdr *head = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *family;

	head->nlmsg_type = (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type);
	head->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	head->nlmsg_seq = ++conntrack->seq;
	family = mnl_nlmsg_put_extra_header(head, sizeof(*family));
	family->nfgen_family = AF_INET;
	family->version = NFNETLINK_V0;
	return head;
}

static uint32_t net_addr(const struct endpoint *endpoint)
{
	return htonl(ip_addr_to_v4(&endpoint->addr));
}

static void set_tuple(struct nf_conntrack *ct,
		      const struct conntrack_entry *entry)
{
	nfct_set_attr_u8(ct, ATTR_L3PROTO, AF_INET);
	nfct_set_attr_u8(ct, ATTR_L4PROTO, IPPROTO_UDP);
	nfct_set_attr_u32(ct, ATTR_IPV4_SRC, net_addr(&entry->src));
	nfct_set_attr_u32(ct, ATTR_IPV4_DST, net_addr(&entry->dst));
	nfct_set_attr_u16(ct, ATTR_PORT_SRC, htons(entry->src.port));
	nfct_set_attr_u16(ct, ATTR_PORT_DST, htons(entry->dst.port));
	if (entry->zone != 0)
		nfct_set_attr_u16(ct, ATTR_ORIG_ZONE, entry->zone);
}

/*
 * Both halves of the NAT always: without one the kernel would choose another
 * port where it meets a clash, and tell nobody.
 */
static void set_entry(struct nf_conntrack *ct,
		      const struct conntrack_entry *entry)
{
	set_tuple(ct, entry);
	nfct_setobjopt(ct, NFCT_SOPT_SETUP_REPLY);
	nfct_set_attr_u32(ct, ATTR_SNAT_IPV4, net_addr(&entry->back_dst));
	nfct_set_attr_u16(ct, ATTR_SNAT_PORT, htons(entry->back_dst.port));
	nfct_set_attr_u32(ct, ATTR_DNAT_IPV4, net_addr(&entry->back_src));
	nfct_set_attr_u16(ct, ATTR_DNAT_PORT, htons(entry->back_src.port));
	nfct_set_attr_u32(ct, ATTR_TIMEOUT, FIRST_SECONDS);
	nfct_set_attr_u32(ct, ATTR_MARK, entry->mark);
	nfct_set_attr_u32(ct, ATTR_STATUS, IPS_SEEN_REPLY | IPS_ASSURED);
}

static struct endpoint endpoint_of(const struct nf_conntrack *ct,
				   enum nf_conntrack_attr addr,
				   enum nf_conntrack_attr port, realm_id realm)
{
	return (struct endpoint){ .addr = ip_addr_v4(
					  ntohl(nfct_get_attr_u32(ct, addr))),
				  .port = ntohs(nfct_get_attr_u16(ct, port)),
				  .realm = realm };
}

/* false: not a UDP flow of IPv4. */
static bool read_entry(const struct nlmsghdr *head, struct conntrack_entry *ret)
{
	struct nf_conntrack *ct = nfct_new();
	realm_id from, to;
	bool is_flow;

	if (ct == NULL)
		return false;
	is_flow = nfct_nlmsg_parse(head, ct) >= 0 &&
		  nfct_get_attr_u8(ct, ATTR_L3PROTO) == AF_INET &&
		  nfct_get_attr_u8(ct, ATTR_L4PROTO) == IPPROTO_UDP;
	ret->mark = nfct_get_attr_u32(ct, ATTR_MARK);
	ret->zone = nfct_get_attr_u16(ct, ATTR_ORIG_ZONE);
	from = mark_from(ret->mark);
	to = mark_to(ret->mark);
	ret->src = endpoint_of(ct, ATTR_ORIG_IPV4_SRC, ATTR_ORIG_PORT_SRC,
			       from);
	ret->dst = endpoint_of(ct, ATTR_ORIG_IPV4_DST, ATTR_ORIG_PORT_DST,
			       from);
	ret->back_src = endpoint_of(ct, ATTR_REPL_IPV4_SRC, ATTR_REPL_PORT_SRC,
				    to);
	ret->back_dst = endpoint_of(ct, ATTR_REPL_IPV4_DST, ATTR_REPL_PORT_DST,
				    to);
	ret->packets[0] = nfct_get_attr_u64(ct, ATTR_ORIG_COUNTER_PACKETS);
	ret->packets[1] = nfct_get_attr_u64(ct, ATTR_REPL_COUNTER_PACKETS);
	nfct_destroy(ct);
	return is_flow;
}

/* One request of a batch, at `buf`; its length, or -Exxx. */
static int put_request(struct conntrack *conntrack, char *buf, unsigned type,
		       const struct conntrack_entry *entry)
{
	struct nf_conntrack *ct = nfct_new();
	struct nlmsghdr *head;
	int err;

	if (ct == NULL)
		return -ENOMEM;
	if (type == IPCTNL_MSG_CT_NEW) {
		set_entry(ct, entry);
		head = request(conntrack, buf, type,
			       NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
	} else {
		set_tuple(ct, entry);
		head = request(conntrack, buf, type, NLM_F_ACK);
	}
	err = nfct_nlmsg_build(head, ct);
	nfct_destroy(ct);
	return err < 0 ? -EINVAL : (int)head->nlmsg_len;
}

struct batch {
	const struct conntrack_entry *entries;
	struct conntrack_entry *read; /* filled where one is told; or NULL */
	size_t count;
	int *results;
};

/* The answers to a batch that begins behind `before`. */
static int take_results(struct conntrack *conntrack, uint32_t before,
			const struct batch *batch)
{
	size_t left = batch->count;

	while (left > 0) {
		ssize_t got = mnl_socket_recvfrom(conntrack->requests,
						  conntrack->answer,
						  sizeof(conntrack->answer));
		const struct nlmsghdr *head = (const void *)conntrack->answer;
		int len = (int)got;

		if (got < 0)
			return -errno;
		for (; mnl_nlmsg_ok(head, len);
		     head = mnl_nlmsg_next(head, &len)) {
			const struct nlmsgerr *answer;
			uint32_t place = head->nlmsg_seq - before - 1;

			/* Of an earlier batch that was given up. */
			if (place >= batch->count)
				continue;
			if (head->nlmsg_type != NLMSG_ERROR) {
				if (batch->read != NULL)
					read_entry(head, &batch->read[place]);
				continue;
			}
			answer = mnl_nlmsg_get_payload(head);
			batch->results[place] = answer->error;
			left--;
		}
	}
	return 0;
}

static int run_batch(struct conntrack *conntrack, unsigned type,
		     const struct batch *batch)
{
	uint32_t before = conntrack->seq;
	size_t used = 0;

	for (size_t i = 0; i < batch->count; i++) {
		int len = put_request(conntrack, conntrack->batch + used, type,
				      &batch->entries[i]);

		if (len < 0)
			return len;
		used += (size_t)len; /* netlink keeps it aligned */
	}
	if (mnl_socket_sendto(conntrack->requests, conntrack->batch, used) < 0)
		return -errno;
	return take_results(conntrack, before, batch);
}

int conntrack_create(struct conntrack *conntrack,
		     const struct conntrack_entry *entries, size_t count,
		     int *results)
{
	struct batch batch = { entries, NULL, count, results };

	return run_batch(conntrack, IPCTNL_MSG_CT_NEW, &batch);
}

int conntrack_remove(struct conntrack *conntrack,
		     const struct conntrack_entry *entries, size_t count,
		     int *results)
{
	struct batch batch = { entries, NULL, count, results };

	return run_batch(conntrack, IPCTNL_MSG_CT_DELETE, &batch);
}

int conntrack_read(struct conntrack *conntrack, struct conntrack_entry *entries,
		   size_t count, int *results)
{
	struct batch batch = { entries, entries, count, results };

	return run_batch(conntrack, IPCTNL_MSG_CT_GET, &batch);
}

struct telling {
	uint32_t tag;
	conntrack_fn fn;
	void *arg;
};

static int tell(const struct nlmsghdr *head, void *data)
{
	const struct telling *telling = data;
	struct conntrack_entry entry;

	if (read_entry(head, &entry) && (entry.mark & MARK_TAG) == telling->tag)
		telling->fn(&entry, telling->arg);
	return MNL_CB_OK;
}

/* Sends one request and has its answers read. */
static int talk(struct conntrack *conntrack, const struct nlmsghdr *head,
		mnl_cb_t on_part, void *arg)
{
	uint32_t seq = conntrack->seq;
	int more = MNL_CB_OK;

	if (mnl_socket_sendto(conntrack->requests, head, head->nlmsg_len) < 0)
		return -errno;
	while (more > MNL_CB_STOP) {
		ssize_t len = mnl_socket_recvfrom(conntrack->requests,
						  conntrack->answer,
						  sizeof(conntrack->answer));

		if (len < 0)
			return -errno;
		more = mnl_cb_run(conntrack->answer, (size_t)len, seq, 0,
				  on_part, arg);
		/* An answer to what was given up. */
		if (more < 0 && errno == EPROTO)
			more = MNL_CB_OK;
		else if (more < 0)
			return -errno;
	}
	return 0;
}

static int dump(struct conntrack *conntrack, struct telling *telling)
{
	char buf[REQUEST_SIZE];
	struct nlmsghdr *head = request(conntrack, buf, IPCTNL_MSG_CT_GET,
					NLM_F_DUMP);

	mnl_attr_put_u32(head, CTA_MARK, htonl(conntrack->tag));
	mnl_attr_put_u32(head, CTA_MARK_MASK, htonl(MARK_TAG));
	return talk(conntrack, head, tell, telling);
}

int conntrack_each(struct conntrack *conntrack, conntrack_fn fn, void *arg)
{
	struct telling telling = { conntrack->tag, fn, arg };
	int err = -EINTR;

	/* The table changed its size meanwhile: what was told is told again. */
	for (int i = 0; i < DUMP_TRIES && err == -EINTR; i++)
		err = dump(conntrack, &telling);
	return err;
}

int conntrack_ended(struct conntrack *conntrack, conntrack_fn fn, void *arg)
{
	struct telling telling = { conntrack->tag, fn, arg };
	bool missed = false;

	for (;;) {
		ssize_t len = mnl_socket_recvfrom(conntrack->events,
						  conntrack->answer,
						  sizeof(conntrack->answer));

		if (len < 0 && errno == ENOBUFS) {
			missed = true;
			continue;
		}
		if (len < 0)
			break;
		mnl_cb_run(conntrack->answer, (size_t)len, 0, 0, tell,
			   &telling);
	}
	if (errno != EAGAIN)
		return -errno;
	return missed ? -ENOBUFS : 0;
}
