/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Phones behind NATs of their own are asked by OPTIONS. */
#define SU_TIMER_ARG_T struct keepalive
#include "proxy/keepalive.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_tag.h>
#include <sofia-sip/su_tag.h>

#include "common/log.h"
#include "common/mono.h"
#include "common/privs.h"
#include "proxy/sofia_guard.h"
#include "proxy/transaction.h"

#define TICK_MS    500
#define PROBES_MAX 2000 /* at a time; the others wait */

struct keepalive {
	const struct conf *conf;   /* not owned */
	struct edge *edge;         /* not owned */
	struct location *location; /* not owned */
	struct list probes;        /* of struct probe, owned; oldest first */
	size_t count;
	su_timer_t *timer; /* owned */
};

struct probe {
	struct list node; /* in keepalive.probes */
	struct keepalive *keepalive;
	struct client *client; /* owned */
	uint64_t end_ms;
	uint64_t id; /* of the binding */
	char aor[];
};

static void probe_free(struct probe *probe)
{
	probe->keepalive->count--;
	list_remove(&probe->node);
	client_free(probe->client);
	free(probe);
}

/* It has given no answer, unless it has registered anew. */
static void remove_binding(const struct probe *probe)
{
	struct location *location = probe->keepalive->location;
	struct location_binding *binding = location_by_id(location, probe->aor,
							  probe->id);

	if (binding == NULL)
		return;
	log_info("registration: a contact of %s does not answer: removed",
		 probe->aor);
	location_remove(location, binding);
}

static void on_answer(int status, msg_t *msg, void *arg)
{
	struct probe *probe = arg;

	if (status >= 200) {
		if (msg == NULL)
			remove_binding(probe);
		probe_free(probe);
	}
	if (msg != NULL)
		msg_destroy(msg);
}

static msg_t *new_options(const struct flow *flow, const char *contact)
{
	msg_t *msg = edge_message_new(flow->listener);
	sip_max_forwards_t max_forwards[1];
	uint64_t random[3];
	su_home_t *home;

	if (msg == NULL)
		return NULL;
	home = msg_home(msg);
	random_bytes(random, sizeof(random));
	sip_max_forwards_init(max_forwards)->mf_count = 70;
	if (sip_add_tl(
		    msg, sip_object(msg),
		    SIPTAG_REQUEST(
			    sip_request_create(home, SIP_METHOD_OPTIONS,
					       (const url_string_t *)contact,
					       NULL)),
		    SIPTAG_FROM_STR(su_sprintf(home, "<sip:%s>;tag=%016llx",
					       flow->listener->host_port,
					       (unsigned long long)random[0])),
		    SIPTAG_TO_STR(su_sprintf(home, "<%s>", contact)),
		    SIPTAG_CALL_ID_STR(
			    su_sprintf(home, "%016llx%016llx",
				       (unsigned long long)random[1],
				       (unsigned long long)random[2])),
		    SIPTAG_CSEQ(sip_cseq_create(home, 1, SIP_METHOD_OPTIONS)),
		    SIPTAG_MAX_FORWARDS(max_forwards), TAG_END()) < 0) {
		msg_destroy(msg);
		return NULL;
	}
	return msg;
}

static void ask(struct keepalive *keepalive, const struct flow *flow,
		const struct location_binding *binding, uint64_t now)
{
	size_t size = strlen(binding->aor->aor) + 1;
	struct probe *probe = calloc(1, sizeof(*probe) + size);
	msg_t *msg = probe != NULL ? new_options(flow, binding->uri) : NULL;
	char branch[GUARD_BRANCH_TEXT];

	if (msg == NULL) {
		free(probe);
		return;
	}
	probe->keepalive = keepalive;
	probe->id = binding->id;
	probe->end_ms = now + KEEPALIVE_WAIT_MS;
	memcpy(probe->aor, binding->aor->aor, size);
	sofia_guard_branch(0, branch);
	if (client_new(flow, msg, branch, on_answer, probe, &probe->client) <
	    0) {
		free(probe);
		return;
	}
	list_add_tail(&keepalive->probes, &probe->node);
	keepalive->count++;
}

/* It names another place than it comes from. */
static bool is_behind_nat(const struct location_binding *binding)
{
	su_home_t home[1] = { SU_HOME_INIT(home) };
	struct endpoint contact;
	const url_t *url;
	bool is_same;

	su_home_init(home);
	url = url_make(home, binding->uri);
	is_same = url != NULL && edge_url_endpoint(url, &contact) == 0 &&
		  ip_addr_equal(&contact.addr, &binding->received.addr) &&
		  contact.port == binding->received.port;
	su_home_deinit(home);
	return !is_same;
}

static void look_at(struct keepalive *keepalive,
		    struct location_binding *binding, uint64_t now)
{
	struct flow flow = { .listener = edge_listener_at(keepalive->edge,
							  binding->listen),
			     .peer = binding->received,
			     .connection = binding->connection };
	uint64_t every;

	if (flow.listener == NULL || keepalive->count >= PROBES_MAX)
		return;
	every = keepalive->conf->listens[flow.listener->index].keepalive;
	if (binding->probe_ms == 0)
		binding->probe_ms = now;
	if (every == 0 || now < binding->probe_ms + 1000 * every)
		return;
	binding->probe_ms = now;
	if (flow_is_alive(&flow) && is_behind_nat(binding))
		ask(keepalive, &flow, binding, now);
}

static void on_tick(su_root_magic_t *magic, su_timer_t *timer,
		    struct keepalive *keepalive)
{
	uint64_t now = mono_ms();
	struct table_node *node;
	struct list *pos;

	(void)magic;
	(void)timer;
	while (!list_is_empty(&keepalive->probes)) {
		struct probe *probe = container_of(keepalive->probes.next,
						   struct probe, node);

		if (now < probe->end_ms)
			break;
		remove_binding(probe);
		probe_free(probe);
	}
	table_for_each(node, &keepalive->location->aors) {
		struct location_aor *aor =
			container_of(node, struct location_aor, node);

		list_for_each(pos, &aor->bindings)
			look_at(keepalive, location_binding_of(pos), now);
	}
}

static bool is_wanted(const struct conf *conf)
{
	for (size_t i = 0; i < conf->listen_count; i++)
		if (conf->listens[i].keepalive > 0)
			return true;
	return false;
}

int keepalive_new(su_root_t *root, const struct conf *conf, struct edge *edge,
		  struct location *location, struct keepalive **ret_keepalive)
{
	struct keepalive *keepalive;

	if (!is_wanted(conf))
		return 0;
	keepalive = calloc(1, sizeof(*keepalive));
	if (keepalive == NULL)
		return -ENOMEM;
	*ret_keepalive = keepalive;
	keepalive->conf = conf;
	keepalive->edge = edge;
	keepalive->location = location;
	list_init(&keepalive->probes);
	keepalive->timer = su_timer_create(su_root_task(root), TICK_MS);
	if (keepalive->timer == NULL ||
	    su_timer_set_for_ever(keepalive->timer, on_tick, keepalive) < 0)
		return -ENOMEM;
	return 0;
}

void keepalive_free(struct keepalive *keepalive)
{
	struct list *pos, *tmp;

	if (keepalive == NULL)
		return;
	if (keepalive->timer != NULL)
		su_timer_destroy(keepalive->timer);
	list_for_each_safe(pos, tmp, &keepalive->probes)
		probe_free(container_of(pos, struct probe, node));
	free(keepalive);
}
