/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An INVITE that rings at several contacts: those of one q together, then
 * those of the next. Each branch is a call of its own, with its own token,
 * early dialogs and leases; they share the transaction of the caller, which
 * sees the provisional responses of all, the first 2xx, or the best refusal.
 * When one has won the others are cancelled and their leases released; one
 * that answers all the same gets an ACK and a BYE (as one that crossed).
 */
#ifndef VIADUCT_PROXY_FORK_H
#define VIADUCT_PROXY_FORK_H

#include "proxy/call.h"
#include "proxy/location.h"
#include "proxy/transaction.h"

struct fork;

/* NULL: no memory. `caller`: the trunk that the INVITE is from, or NULL. */
struct fork *fork_new(struct calls *calls, const struct trunk *caller,
		      uint64_t loop);
/* Of one that was not started. NULL is taken. */
void fork_free(struct fork *fork);
/* A further place, `uri` is copied; those of the highest q come first. */
bool fork_add(struct fork *fork, const struct flow *flow, const char *uri,
	      unsigned q);
/*
 * Rings at the first ones; takes `msg` and the fork. What `admission` holds
 * goes to the call that wins.
 */
void fork_start(struct fork *fork, const struct admission *admission,
		const struct flow *from, msg_t *msg, sip_t *sip);

/*
 * The caller's transaction as this branch has it; takes `msg`, which becomes
 * its request. `on_cancel` is called with NULL when another branch has won.
 * NULL: no memory.
 */
struct server *fork_join(struct fork *fork, struct call *call, msg_t *msg,
			 server_cancel_fn on_cancel, void *arg);

#endif
