/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A manager with a translator that the test drives, for the tests of the
 * manager's tasks: requests as text in, the answer in desk.reply.
 */
#ifndef VIADUCT_TESTS_NATCTL_DESK_H
#define VIADUCT_TESTS_NATCTL_DESK_H

#include "natctl/manager.h"
#include "tests/natctl/fake_link.h"

#define DESK_EPOCH 4711
#define OWNER      500
#define ROOT       0
#define PHONE      4321 /* has a section of its own */
#define OTHER      4322 /* likewise */

/* Open at the end, for more members. Single quotes stand for double ones. */
#define LEASE "{'inner':'2.2.2.2:2222@inside','realm':'outside','ports':2"
#define ASK   "{'group':'g','leases':[" LEASE "}]}"
#define STRICT                                                    \
	"{'group':'g','leases':[" LEASE ",'request':{'outer':'3." \
	"3.3.3:1332','mode':'strict'}}]}"

struct desk_reply {
	int count;      /* how often it was called back */
	json_t *result; /* owned */
	struct fault fault;
};

struct desk {
	struct conf *conf;
	struct manager *manager;
	struct fake_link link;
	struct desk_reply reply; /* of the last request */
	uint64_t now_ms;
	void *client; /* who asks, to be told of events; NULL: nobody */
	bool own;     /* every endpoint is an address of this machine */
};

extern struct desk desk;

/* Another one, for the same translator: after a restart. */
struct manager *desk_new_manager(void);

/* The fixture; at its end nothing may be left allocated. */
void desk_begin(void);
/* With more sections in the configuration. */
void desk_begin_with(const char *more);
void desk_end(void);

void desk_clear(void);
/* The callback for a request of the test's own. */
void desk_on_answer(struct manager_answer *answer, void *arg);
/* -EINPROGRESS, or 0 with the answer in desk.reply. */
int desk_send(uint32_t uid, const char *method, const char *params);
/* The oldest change takes hold. */
void desk_acknowledge(void);
/* A request that is granted and acknowledged at once. */
void desk_grant(uint32_t uid, const char *method, const char *params);
/* A request that is refused at once, so. */
void desk_refuse(uint32_t uid, const char *method, const char *params,
		 enum rpc_code code);
/* A number of the result. */
json_int_t desk_number(const char *name);
/* Leases; leased and held of the pool; rules that the translator has. */
void desk_expect(size_t leases, size_t leased, size_t held, size_t rules);

#endif
