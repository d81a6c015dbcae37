/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The spine: a request becomes leases, leases become rules, and when these are
 * in force the request is answered. Time and random numbers are arguments.
 */
#ifndef VIADUCT_NATCTL_MANAGER_H
#define VIADUCT_NATCTL_MANAGER_H

#include <jansson.h>

#include "common/conf.h"
#include "common/rulewire.h"
#include "natctl/fault.h"
#include "natctl/grant.h"
#include "natctl/kept.h"
#include "natctl/translator.h"

struct manager;

/* What befell those who came over TLS. */
struct guest_count {
	uint64_t connected; /* now */
	uint64_t taken;
	uint64_t failed;  /* no TLS, no certificate, or a bad one */
	uint64_t unknown; /* no section is for the certificate */
	uint64_t refused; /* over a limit */
	uint64_t late;    /* no handshake in time */
};

struct manager_options {
	const struct conf *conf; /* not owned */
	uint64_t seed;           /* of the choice of ports, and of tables */
	uint64_t epoch;          /* tells this manager from the one before */
	uint32_t owner;          /* user of the control socket */
	struct translator translator;
	grant_is_own_fn is_own;
	void *arg;                        /* of is_own */
	const struct guest_count *guests; /* not owned; NULL: none come */
};

struct manager_request {
	uint32_t uid; /* who asks */
	/* It is a guest: who, and from where; instead of the uid. */
	const struct conf_client *guest; /* NULL: none; not owned */
	struct endpoint from;
	void *client; /* where it can be told of events; NULL: nowhere */
	const char *method;
	const json_t *params; /* NULL: none */
};

struct manager_answer {
	json_t *result;     /* owned by who gets it; NULL: see fault */
	struct fault fault; /* when there is no result */
};

typedef void (*manager_answer_fn)(struct manager_answer *answer, void *arg);

/* NULL: no memory. */
struct manager *manager_new(const struct manager_options *options);
/* The link to the translator must have ended all its changes. */
void manager_free(struct manager *manager);

/*
 * 0: *ret is the answer, and `on_answer` is never called. -EINPROGRESS: it is
 * called exactly once, later.
 */
int manager_request(struct manager *manager,
		    const struct manager_request *request, uint64_t now_ms,
		    manager_answer_fn on_answer, void *arg,
		    struct manager_answer *ret);

/* What happens from now on is told to the keeper. Not owned. */
void manager_keep(struct manager *manager, const struct keeper *keeper);
/*
 * One entry of what another manager's keeper was told, in the order in which
 * it was; before anything else is done. What cannot be restored (another pool
 * in the configuration, no memory) is logged and left out.
 */
void manager_restore(struct manager *manager, const struct kept_entry *entry);
/* All that is to be kept now. */
void manager_tell_all(const struct manager *manager,
		      const struct keeper *keeper);
/* Tells the managers that know of the same leases from others. */
uint64_t manager_epoch(const struct manager *manager);
void manager_set_epoch(struct manager *manager, uint64_t epoch);

/*
 * How a client is told: takes `event` over; 0, or -Exxx: it does not take it
 * now. Not called for a client that manager_client_gone was told of.
 */
typedef int (*manager_notify_fn)(void *client, json_t *event, void *arg);
void manager_on_event(struct manager *manager, manager_notify_fn notify,
		      void *arg);
/* Its subscriptions end. */
void manager_client_gone(struct manager *manager, const void *client);

/* What the link to the translator tells. */
void manager_on_link(struct manager *manager, bool up);
void manager_on_activity(struct manager *manager,
			 const struct wire_activity *activity);

/* Ends leases and holds whose time is over. */
void manager_tick(struct manager *manager, uint64_t now_ms);
/* When manager_tick has something to do; UINT64_MAX: never. */
uint64_t manager_deadline(const struct manager *manager);

/*
 * A port of a lease has latched: the lease has it from now on, and so has who
 * keeps it. False: it is not news, or of a lease or a round that is over.
 */
bool manager_latched(struct manager *manager,
		     const struct wire_latched *latched, uint64_t now_ms);

/*
 * The rules in force, by id, for the synchronisation: the one after `id`;
 * NULL: no more. Valid until the manager is called again.
 */
const struct rule *manager_next_rule(const struct manager *manager,
				     uint64_t id);

#endif
