/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the manager wants of the translator: the seam to rulelink, and to the
 * fakes of the tests.
 */
#ifndef VIADUCT_NATCTL_TRANSLATOR_H
#define VIADUCT_NATCTL_TRANSLATOR_H

#include "common/watchwire.h"

/*
 * How a change ended: 0: in force; -ECONNRESET: not known, the link is lost and
 * what the manager then holds will be synchronised; -EADDRINUSE: the translator
 * has another rule for that outer endpoint; -ENOMEM: it has no memory. A
 * removal ends with one of the first two.
 */
typedef void (*translator_done_fn)(int result, uint64_t now_ms, void *arg);

struct translator_ops {
	/*
	 * Adds or replaces rules, all or none; removes rules (an id that is
	 * not there is no error). 0: `done` is called exactly once, later, in
	 * the order of the calls. Else never: -ENOTCONN, or -ENOBUFS or
	 * -EMSGSIZE (put), -ENOMEM.
	 */
	int (*put)(void *link, const struct rule *rules, size_t count,
		   translator_done_fn done, void *arg);
	int (*remove)(void *link, const uint64_t *ids, size_t count,
		      translator_done_fn done, void *arg);
	/*
	 * What is to be watched for silence; nobody acknowledges it, and it is
	 * forgotten when the link is lost.
	 */
	void (*watch)(void *link, const struct wire_watch *watches,
		      size_t count);
	/* Connected and synchronised. */
	bool (*is_up)(const void *link);
};

struct translator {
	const struct translator_ops *ops; /* not owned */
	void *link;                       /* not owned */
};

#endif
