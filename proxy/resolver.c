/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the trunks that have names are (RFC 3263). */
#define SU_TIMER_ARG_T struct resolver
#include "proxy/resolver.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ares.h>

#include "common/log.h"
#include "common/mono.h"
#include "proxy/dns.h"
#include "proxy/watch.h"

#define TICK_MS     200
#define QUERY_MS    2000 /* for a server to answer */
#define QUERY_TRIES 2
#define TTL_MIN_S   5 /* nobody is asked more often */
#define TTL_MAX_S   86400
#define RETRY_S     15 /* after a failure */
#define SERVERS_MAX 16 /* of one trunk */
#define SOCKETS_MAX 32 /* of the library */
#define CLASS_IN    1

/* A host of the trunk, whose addresses are to be found. */
struct server {
	char name[DNS_NAME_MAX];
	unsigned rank; /* of its transport: the lowest first */
	enum conf_transport transport;
	uint16_t priority;
	uint16_t weight;
	uint16_t port;
};

/* A way that the DNS names, whose servers are to be found. */
struct service {
	char name[DNS_NAME_MAX];
	enum conf_transport transport;
};

enum step { STEP_NAPTR, STEP_SRV, STEP_ADDRESS };

/* One trunk. */
struct lookup {
	struct resolver *resolver; /* parent, not owned */
	struct trunk *trunk;       /* not owned */
	bool is_named;             /* else there is nothing to find */
	enum step step;
	size_t pending; /* queries without an answer */
	uint32_t ttl;
	bool is_failed;    /* a server did not answer */
	uint64_t again_ms; /* when to look again; 0: under way */
	struct service services[CONF_TRANSPORTS];
	size_t service_count;
	struct server servers[SERVERS_MAX];
	size_t server_count;
	struct trunk_hop hops[TRUNK_HOPS_MAX];
	size_t hop_count;
};

/* One query on its way. */
struct query {
	struct lookup *lookup;
	size_t index; /* of services or servers */
	enum dns_type type;
};

/* A socket of the library's. */
struct socket {
	struct resolver *resolver; /* parent, not owned */
	struct watch watch;
};

struct resolver {
	su_root_t *root;         /* not owned */
	const struct conf *conf; /* not owned */
	su_timer_t *timer;       /* owned */
	ares_channel channel;    /* owned */
	bool has_channel;
	bool is_ending;
	struct lookup *lookups; /* owned: [i] of trunks[i] */
	size_t count;
	struct socket sockets[SOCKETS_MAX];
};

static void step_on(struct lookup *lookup);
static void on_answer(void *arg, int status, int timeouts, unsigned char *data,
		      int len);

static bool listens_so(const struct lookup *lookup,
		       enum conf_transport transport, enum ip_family family)
{
	const struct conf *conf = lookup->resolver->conf;

	for (size_t i = 0; i < conf->listen_count; i++) {
		const struct endpoint *at = conf_listen_at(&conf->listens[i],
							   transport);

		if (conf->listens[i].realm == lookup->trunk->conf->realm &&
		    at != NULL &&
		    (family == IP_NONE || at->addr.family == family))
			return true;
	}
	return false;
}

static bool is_wanted(const struct lookup *lookup,
		      enum conf_transport transport)
{
	const struct conf_trunk *conf = lookup->trunk->conf;

	return (conf->transport == CONF_TRANSPORT_AUTO ||
		conf->transport == (unsigned)transport) &&
	       listens_so(lookup, transport, IP_NONE);
}

static void ask(struct lookup *lookup, const char *name, enum dns_type type,
		size_t index)
{
	struct query *query = calloc(1, sizeof(*query));

	if (query == NULL) {
		lookup->is_failed = true;
		return;
	}
	*query = (struct query){ lookup, index, type };
	lookup->pending++;
	ares_query(lookup->resolver->channel, name, CLASS_IN, (int)type,
		   on_answer, query);
}

static void add_service(struct lookup *lookup, const char *name,
			enum conf_transport transport)
{
	struct service *service = &lookup->services[lookup->service_count];

	for (size_t i = 0; i < lookup->service_count; i++)
		if (lookup->services[i].transport == transport)
			return;
	snprintf(service->name, sizeof(service->name), "%s", name);
	service->transport = transport;
	lookup->service_count++;
}

static void add_server(struct lookup *lookup, unsigned rank,
		       enum conf_transport transport,
		       const struct dns_record *record)
{
	struct server *server = &lookup->servers[lookup->server_count];

	if (lookup->server_count == SERVERS_MAX || record->name[0] == '\0')
		return;
	memcpy(server->name, record->name, sizeof(server->name));
	server->rank = rank;
	server->transport = transport;
	server->priority = record->priority;
	server->weight = record->weight;
	server->port = record->port;
	lookup->server_count++;
}

static bool transport_of(const char *service, enum conf_transport *ret)
{
	static const char *const names[] = { "SIP+D2U", "SIP+D2T", "SIPS+D2T" };

	for (unsigned i = 0; i < CONF_TRANSPORTS; i++) {
		if (strcasecmp(service, names[i]) != 0)
			continue;
		*ret = i;
		return true;
	}
	return false;
}

static int compare_naptr(const void *a, const void *b)
{
	const struct dns_record *one = a, *other = b;

	if (one->priority != other->priority)
		return one->priority < other->priority ? -1 : 1;
	return (one->weight > other->weight) - (one->weight < other->weight);
}

static void take_naptr(struct lookup *lookup, struct dns_answer *answer)
{
	qsort(answer->records, answer->count, sizeof(answer->records[0]),
	      compare_naptr);
	for (size_t i = 0; i < answer->count; i++) {
		const struct dns_record *record = &answer->records[i];
		enum conf_transport transport;

		if (strcasecmp(record->flags, "s") == 0 &&
		    transport_of(record->service, &transport) &&
		    is_wanted(lookup, transport))
			add_service(lookup, record->name, transport);
	}
}

static void take_addresses(struct lookup *lookup, size_t index,
			   const struct dns_answer *answer)
{
	const struct server *server = &lookup->servers[index];

	for (size_t i = 0; i < answer->count; i++) {
		if (lookup->hop_count == TRUNK_HOPS_MAX)
			return;
		lookup->hops[lookup->hop_count++] = (struct trunk_hop){
			.at = { .addr = answer->records[i].addr,
				.port = server->port,
				.realm = lookup->trunk->conf->realm },
			.transport = server->transport,
			.rank = server->rank,
			.priority = server->priority,
			.weight = server->weight,
			.server = index,
		};
	}
}

static void on_answer(void *arg, int status, int timeouts, unsigned char *data,
		      int len)
{
	struct query *query = arg;
	struct lookup *lookup = query->lookup;
	struct dns_answer answer = { .count = 0 };
	size_t index = query->index;
	enum dns_type type = query->type;

	(void)timeouts;
	free(query);
	if (lookup->resolver->is_ending)
		return;
	if (status == ARES_SUCCESS &&
	    dns_parse(data, (size_t)len, type, &answer) == 0) {
		if (answer.ttl < lookup->ttl)
			lookup->ttl = answer.ttl;
		if (type == DNS_NAPTR)
			take_naptr(lookup, &answer);
		else if (type != DNS_SRV)
			take_addresses(lookup, index, &answer);
		for (size_t i = 0; type == DNS_SRV && i < answer.count; i++)
			add_server(lookup, (unsigned)index,
				   lookup->services[index].transport,
				   &answer.records[i]);
	} else if (status != ARES_ENODATA && status != ARES_ENOTFOUND) {
		lookup->is_failed = true;
	}
	lookup->pending--;
	if (lookup->pending == 0)
		step_on(lookup);
}

/* RFC 3263 4.1: no NAPTR, each transport is asked for. */
static void ask_services(struct lookup *lookup)
{
	static const char *const prefixes[] = { "_sip._udp.", "_sip._tcp.",
						"_sips._tcp." };
	bool is_named = lookup->service_count > 0;

	lookup->step = STEP_SRV;
	for (unsigned i = 0; !is_named && i < CONF_TRANSPORTS; i++) {
		char name[DNS_NAME_MAX];

		if (!is_wanted(lookup, i))
			continue;
		snprintf(name, sizeof(name), "%s%s", prefixes[i],
			 lookup->trunk->conf->host);
		add_service(lookup, name, i);
	}
	/* Answers may come from inside: what is asked for must be known. */
	lookup->pending++;
	for (size_t i = 0; i < lookup->service_count; i++)
		ask(lookup, lookup->services[i].name, DNS_SRV, i);
	lookup->pending--;
	if (lookup->pending == 0)
		step_on(lookup);
}

/* RFC 3263 4.2: neither port nor SRV, the host itself. */
static void add_host(struct lookup *lookup)
{
	const struct conf_trunk *conf = lookup->trunk->conf;
	struct dns_record record = { .port = conf->port };
	unsigned transport = conf->transport;

	if (transport == CONF_TRANSPORT_AUTO)
		for (transport = CONF_UDP; transport < CONF_TLS; transport++)
			if (listens_so(lookup, transport, IP_NONE))
				break;
	if (transport == CONF_TLS && !conf->has_port)
		record.port = 5061;
	snprintf(record.name, sizeof(record.name), "%s", conf->host);
	add_server(lookup, 0, transport, &record);
}

static void ask_addresses(struct lookup *lookup)
{
	lookup->step = STEP_ADDRESS;
	if (lookup->server_count == 0)
		add_host(lookup);
	lookup->pending++;
	for (size_t i = 0; i < lookup->server_count; i++) {
		const struct server *server = &lookup->servers[i];

		if (listens_so(lookup, server->transport, IP_V6))
			ask(lookup, server->name, DNS_AAAA, i);
		if (listens_so(lookup, server->transport, IP_V4))
			ask(lookup, server->name, DNS_A, i);
	}
	lookup->pending--;
	if (lookup->pending == 0)
		step_on(lookup);
}

static uint32_t lasts(const struct lookup *lookup)
{
	if (lookup->hop_count == 0 || lookup->is_failed)
		return RETRY_S;
	if (lookup->ttl < TTL_MIN_S)
		return TTL_MIN_S;
	return lookup->ttl < TTL_MAX_S ? lookup->ttl : TTL_MAX_S;
}

/* Answers come in any order. */
static int compare_hops(const void *a, const void *b)
{
	const struct trunk_hop *one = a, *other = b;

	if (one->server != other->server)
		return one->server < other->server ? -1 : 1;
	return (int)other->at.addr.family - (int)one->at.addr.family;
}

static void finish(struct lookup *lookup)
{
	struct trunk *trunk = lookup->trunk;
	uint32_t seconds = lasts(lookup);

	lookup->again_ms = mono_ms() + seconds * UINT64_C(1000);
	if (lookup->hop_count > 0) {
		qsort(lookup->hops, lookup->hop_count, sizeof(lookup->hops[0]),
		      compare_hops);
		trunk_set(trunk, lookup->hops, lookup->hop_count);
		log_debug("trunk %s: %zu addresses of \"%s\", for %u s",
			  trunk->conf->name, lookup->hop_count,
			  trunk->conf->host, seconds);
	} else {
		log_warn("trunk %s: no address for host \"%s\"%s, %s; asked "
			 "again in %u s",
			 trunk->conf->name, trunk->conf->host,
			 lookup->is_failed ? " (no answer)" : "",
			 trunk->hop_count > 0 ?
				 "the old ones stay" :
				 "its calls are answered with 503",
			 seconds);
	}
}

/* All that was asked for is answered. */
static void step_on(struct lookup *lookup)
{
	switch (lookup->step) {
	case STEP_NAPTR:
		ask_services(lookup);
		return;
	case STEP_SRV:
		ask_addresses(lookup);
		return;
	case STEP_ADDRESS:
		finish(lookup);
		return;
	}
}

static void start(struct lookup *lookup)
{
	const struct conf_trunk *conf = lookup->trunk->conf;

	lookup->again_ms = 0;
	lookup->ttl = UINT32_MAX;
	lookup->is_failed = false;
	lookup->service_count = 0;
	lookup->server_count = 0;
	lookup->hop_count = 0;
	if (conf->has_port) {
		ask_addresses(lookup);
	} else if (conf->transport != CONF_TRANSPORT_AUTO) {
		ask_services(lookup);
	} else {
		lookup->step = STEP_NAPTR;
		ask(lookup, conf->host, DNS_NAPTR, 0);
	}
}

static void on_socket(short revents, void *arg)
{
	const struct socket *socket = arg;
	int fd = socket->watch.fd;

	ares_process_fd(socket->resolver->channel,
			(revents & ~POLLOUT) != 0 ? fd : ARES_SOCKET_BAD,
			(revents & POLLOUT) != 0 ? fd : ARES_SOCKET_BAD);
}

/* The library says which of its sockets are to be watched. */
static void on_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct resolver *resolver = arg;
	short events = (short)((readable ? POLLIN : 0) |
			       (writable ? POLLOUT : 0));
	struct watch *free_one = NULL;

	for (size_t i = 0; i < SOCKETS_MAX; i++) {
		struct watch *watch = &resolver->sockets[i].watch;

		if (watch->index == 0) {
			free_one = watch;
		} else if (watch->fd == fd) {
			if (events != 0)
				watch_change(watch, events);
			else
				watch_stop(watch);
			return;
		}
	}
	/* Without one, the tick finds what has come. */
	if (events != 0 && free_one != NULL)
		(void)watch_start(free_one, fd, events);
}

static void on_tick(su_root_magic_t *magic, su_timer_t *timer,
		    struct resolver *resolver)
{
	uint64_t now_ms = mono_ms();

	(void)magic;
	(void)timer;
	ares_process_fd(resolver->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	for (size_t i = 0; i < resolver->count; i++) {
		struct lookup *lookup = &resolver->lookups[i];

		if (lookup->is_named && lookup->again_ms != 0 &&
		    now_ms >= lookup->again_ms)
			start(lookup);
	}
}

/* "127.0.0.1:53,[::1]:53", as the library wants it. */
static int set_servers(struct resolver *resolver)
{
	const struct conf *conf = resolver->conf;
	char text[CONF_RESOLVERS_MAX * ENDPOINT_TEXT] = "";
	char one[ENDPOINT_TEXT];

	if (conf->resolver_count == 0)
		return 0;
	for (size_t i = 0; i < conf->resolver_count; i++) {
		if (i > 0)
			strcat(text, ",");
		strcat(text, endpoint_format(&conf->resolvers[i], NULL, one));
	}
	return ares_set_servers_ports_csv(resolver->channel, text) ==
			       ARES_SUCCESS ?
		       0 :
		       -EINVAL;
}

static int open_channel(struct resolver *resolver)
{
	struct ares_options options = {
		.timeout = QUERY_MS,
		.tries = QUERY_TRIES,
		.sock_state_cb = on_state,
		.sock_state_cb_data = resolver,
	};

	if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS)
		return -ENOMEM;
	if (ares_init_options(&resolver->channel, &options,
			      ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
				      ARES_OPT_SOCK_STATE_CB) != ARES_SUCCESS) {
		ares_library_cleanup();
		return -ENOMEM;
	}
	resolver->has_channel = true;
	return set_servers(resolver);
}

int resolver_new(su_root_t *root, const struct conf *conf,
		 struct trunk_list *trunks, struct resolver **ret_resolver)
{
	struct resolver *resolver = calloc(1, sizeof(*resolver));
	int error = -ENOMEM;

	if (resolver == NULL)
		return -ENOMEM;
	resolver->root = root;
	resolver->conf = conf;
	resolver->count = trunks->count;
	for (size_t i = 0; i < SOCKETS_MAX; i++) {
		resolver->sockets[i].resolver = resolver;
		watch_init(&resolver->sockets[i].watch, root, on_socket,
			   &resolver->sockets[i]);
	}
	resolver->lookups = calloc(trunks->count + 1,
				   sizeof(*resolver->lookups));
	resolver->timer = su_timer_create(su_root_task(root), TICK_MS);
	if (resolver->lookups != NULL && resolver->timer != NULL)
		error = open_channel(resolver);
	if (error == 0 &&
	    su_timer_set_for_ever(resolver->timer, on_tick, resolver) < 0)
		error = -ENOMEM;
	if (error != 0) {
		resolver_free(resolver);
		return error;
	}
	for (size_t i = 0; i < trunks->count; i++) {
		struct lookup *lookup = &resolver->lookups[i];

		lookup->resolver = resolver;
		lookup->trunk = &trunks->trunks[i];
		/* An address is there already. */
		lookup->is_named = lookup->trunk->hop_count == 0;
		if (lookup->is_named)
			start(lookup);
	}
	*ret_resolver = resolver;
	return 0;
}

void resolver_free(struct resolver *resolver)
{
	if (resolver == NULL)
		return;
	resolver->is_ending = true;
	if (resolver->has_channel) {
		ares_destroy(resolver->channel);
		ares_library_cleanup();
	}
	for (size_t i = 0; i < SOCKETS_MAX; i++)
		watch_stop(&resolver->sockets[i].watch);
	if (resolver->timer != NULL)
		su_timer_destroy(resolver->timer);
	free(resolver->lookups);
	free(resolver);
}
