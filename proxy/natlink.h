/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The proxy's client of the address manager, driven by the proxy's loop. */
#ifndef VIADUCT_PROXY_NATLINK_H
#define VIADUCT_PROXY_NATLINK_H

#include <sofia-sip/su_wait.h>

#include "natctl/client/natctl.h"

#define NATLINK_TIMEOUT_MS   1000
#define NATLINK_LIFETIME     300 /* seconds that a lease lives unrefreshed */
#define NATLINK_REFRESH_MS   100000
#define NATLINK_RELEASES_MAX 4096 /* groups that wait to be released */
#define NATLINK_TRIES_MAX    10   /* of one release, when none is answered */

struct natlink;

struct natlink_hooks {
	/* Another manager answers: it may know nothing of our groups. */
	void (*on_renewed)(void *arg);
	/* Silence is told of from now on, as if there had been none before. */
	void (*on_listening)(void *arg);
	void (*on_event)(const struct natctl_event *event, void *arg);
	unsigned silence; /* seconds; 0: nothing is to be told */
	void *arg;
};

/* 0 or -ENOMEM. Connects when the loop runs, and again when it is lost. */
int natlink_new(su_root_t *root, const char *path,
		const struct natlink_hooks *hooks, struct natlink **ret_link);
void natlink_free(struct natlink *link);
bool natlink_is_up(const struct natlink *link);

/*
 * As natctl_ask() and natctl_tighten(); the callback is called within
 * NATLINK_TIMEOUT_MS.
 */
int natlink_ask(struct natlink *link, const struct natctl_ask *ask,
		struct natctl_callback callback, uint64_t *ret_request);
int natlink_tighten(struct natlink *link, const struct natctl_change *changes,
		    size_t count, struct natctl_callback callback,
		    uint64_t *ret_request);
void natlink_cancel(struct natlink *link, uint64_t request);
void natlink_refresh(struct natlink *link, const char *group);
/*
 * Sent again on the next connection when it does not succeed on this one;
 * leases that cannot be released end by their lifetime.
 */
void natlink_release(struct natlink *link, const char *group);
void natlink_release_leases(struct natlink *link, const uint64_t *leases,
			    size_t count);

struct natlink_counters {
	uint64_t asks;
	uint64_t releases_waiting;
};
void natlink_counters(const struct natlink *link, struct natlink_counters *ret);

#endif
